/* SPDX-License-Identifier: MIT
 *
 * Unique values for signatures and message ids, from the kernel's random bytes, fetched a few hundred at a
 * time because a system call per value costs ten times the value. A pool has one owner; nothing here is
 * locked. */
#ifndef IOTMSG_NONCE_H
#define IOTMSG_NONCE_H

#include <stdbool.h>
#include <stddef.h>

#define NONCE_LEN 36 /* a version 4 UUID, as text */

struct nonce_pool {
    unsigned char bytes[256];
    size_t used;              /* bytes handed out; everything before it is already overwritten */
    unsigned long generation; /* the process generation that filled the pool */
};

/* Makes the pool empty. */
void nonce_init(struct nonce_pool *pool);

/* Writes a fresh lower-case UUID to text (NONCE_LEN characters, no NUL). The pool is dropped when generation
 * differs from the one that filled it, so that a forked child never repeats its parent. False when the kernel
 * gives no randomness. */
bool nonce_next(struct nonce_pool *pool, unsigned long generation, char *text);

#endif
