/* SPDX-License-Identifier: MIT
 *
 * A pool of kernel randomness, cut into UUIDs; see nonce.h. */
#define _DEFAULT_SOURCE
#include "base/nonce.h"

#include "base/buf.h"

#include <unistd.h>

#define UUID_BYTES 16

void nonce_init(struct nonce_pool *pool)
{
    pool->used = sizeof(pool->bytes);
    pool->generation = 0;
}

static bool refill(struct nonce_pool *pool, unsigned long generation)
{
    if (getentropy(pool->bytes, sizeof(pool->bytes)) != 0)
        return false;
    pool->used = 0;
    pool->generation = generation;
    return true;
}

bool nonce_next(struct nonce_pool *pool, unsigned long generation, char *text)
{
    static const char HEX[] = "0123456789abcdef";
    bool spent = pool->used + UUID_BYTES > sizeof(pool->bytes) || pool->generation != generation;
    if (spent && !refill(pool, generation))
        return false;
    unsigned char *uuid = pool->bytes + pool->used;
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x40); /* RFC 9562 section 5.4: version 4 */
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80); /* and its variant */
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = HEX[uuid[i] >> 4];
        *text++ = HEX[uuid[i] & 15];
    }
    buf_cleanse(uuid, UUID_BYTES);
    pool->used += UUID_BYTES;
    return true;
}
