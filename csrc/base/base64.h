/* SPDX-License-Identifier: MIT
 *
 * Base64, RFC 4648 section 4: the standard alphabet, padded, no line breaks. Pure; any thread. */
#ifndef IOTMSG_BASE64_H
#define IOTMSG_BASE64_H

#include <stddef.h>

/* Length of the text that len bytes become. */
size_t base64_encoded_len(size_t len);

/* Writes base64_encoded_len(len) characters to text (not NUL-terminated). */
void base64_encode(char *text, const void *bytes, size_t len);

/* Upper bound of the bytes that len characters decode to. */
size_t base64_decoded_max(size_t len);

/* Decodes strictly: padding is required, and so are zero bits under it (RFC 4648 sections 3.2, 3.3, 3.5).
 * Returns NULL and sets *decoded_len, or a static sentence that names what is wrong. */
const char *base64_decode(void *bytes, size_t *decoded_len, const char *text, size_t len);

#endif
