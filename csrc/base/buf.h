/* SPDX-License-Identifier: MIT
 *
 * A byte buffer with a ceiling. Every append may fail (no memory, ceiling reached); the failure sticks, so a
 * chain of appends is checked once, at its end. Knows nothing of what the bytes mean. Not shared between
 * threads: whoever owns the struct owns the bytes. */
#ifndef IOTMSG_BUF_H
#define IOTMSG_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *at;     /* owned; NULL until the first append */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
    size_t max;   /* len never passes this */
    size_t dirty; /* bytes that earlier contents may have left behind; the next wipe takes them too */
    bool failed;  /* sticky: nothing is appended any more */
};

/* Makes b empty with a ceiling of max bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Empties b, keeps its memory and forgets a failure. */
void buf_reset(struct buf *b);

/* Overwrites what b held, then empties it: for bytes that were secret. */
void buf_wipe(struct buf *b);

/* Wipes b and frees its memory; b is as after buf_init. */
void buf_free(struct buf *b);

/* Appends len bytes (borrowed). False once b has failed. */
bool buf_add(struct buf *b, const void *bytes, size_t len);

/* Appends a NUL-terminated string without its NUL. */
bool buf_add_str(struct buf *b, const char *str);

/* Appends one byte. */
bool buf_add_char(struct buf *b, char c);

/* Makes room for len more bytes and returns where they go, or NULL once b has failed. The caller writes there
 * and adds what it wrote to b->len. */
char *buf_reserve(struct buf *b, size_t len);

/* Overwrites len bytes in a way no compiler removes. */
void buf_cleanse(void *bytes, size_t len);

#endif
