/* SPDX-License-Identifier: MIT
 *
 * Bounded bytes with a sticky error; see buf.h. Memory that held bytes is overwritten before it goes back to
 * the allocator, growth included, because any buffer here may hold a token or a signature. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_CAP 256

void buf_cleanse(void *bytes, size_t len)
{
    /* A call through a volatile pointer may not be optimised away as a dead store. */
    static void *(*const volatile wipe)(void *, int, size_t) = memset;
    if (len > 0)
        wipe(bytes, 0, len);
}

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max;
}

void buf_reset(struct buf *b)
{
    if (b->len > b->dirty)
        b->dirty = b->len;
    b->len = 0;
    b->failed = false;
}

void buf_wipe(struct buf *b)
{
    buf_reset(b);
    if (b->at)
        buf_cleanse(b->at, b->dirty);
    b->dirty = 0;
}

void buf_free(struct buf *b)
{
    buf_wipe(b);
    free(b->at);
    buf_init(b, b->max);
}

static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    char *bigger = malloc(cap);
    if (!bigger)
        return false;
    if (b->at) {
        memcpy(bigger, b->at, b->len);
        buf_cleanse(b->at, b->dirty > b->len ? b->dirty : b->len);
        free(b->at);
    }
    b->at = bigger;
    b->cap = cap;
    b->dirty = 0;
    return true;
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (b->failed)
        return NULL;
    if (len > b->max - b->len || (b->len + len > b->cap && !grow(b, b->len + len))) {
        b->failed = true;
        return NULL;
    }
    return b->at + b->len;
}

bool buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return !b->failed;
    char *to = buf_reserve(b, len);
    if (!to)
        return false;
    memcpy(to, bytes, len);
    b->len += len;
    return true;
}

bool buf_add_str(struct buf *b, const char *str)
{
    return buf_add(b, str, strlen(str));
}

bool buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}
