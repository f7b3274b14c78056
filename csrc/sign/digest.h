/* SPDX-License-Identifier: MIT
 *
 * SHA-256 and HMAC, the only file that knows OpenSSL's hashing. Algorithms are fetched once and keyed
 * contexts are kept and re-initialised: fetching and keying on each call costs several times the hash itself.
 * A struct digest belongs to one Lua state and is used by one thread at a time. */
#ifndef IOTMSG_DIGEST_H
#define IOTMSG_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SHA1_LEN 20
#define DIGEST_SHA256_LEN 32
#define DIGEST_SHA256_HEX_LEN 64

struct digest;

enum digest_hmac { DIGEST_HMAC_SHA1, DIGEST_HMAC_SHA256 };

/* Returns a new digest, owned by the caller, or NULL (no memory, or OpenSSL lacks an algorithm). */
struct digest *digest_new(void);

/* Frees d with its kept keys, overwriting them. NULL is fine. */
void digest_free(struct digest *d);

/* Writes the SHA-256 of the bytes (borrowed) as lower-case hex, no NUL. False when OpenSSL failed. */
bool digest_sha256_hex(struct digest *d, const void *bytes, size_t len, char *hex);

/* Writes the HMAC of the bytes under key to mac (DIGEST_SHA1_LEN or DIGEST_SHA256_LEN bytes). Key and bytes
 * are borrowed; a copy of the key is kept with its context until another key takes its place. False when
 * OpenSSL failed or memory ran out. */
bool digest_hmac(struct digest *d, enum digest_hmac kind, const void *key, size_t key_len, const void *bytes,
                 size_t len, unsigned char *mac);

/* Writes bytes as lower-case hex, two characters each, no NUL. */
void digest_hex(char *hex, const unsigned char *bytes, size_t len);

#endif
