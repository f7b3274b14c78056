/* SPDX-License-Identifier: MIT
 *
 * Percent-encoding of RFC 3986: letters, digits, "-", "_", "." and "~" stand, every other byte becomes %XX in
 * upper case. Pure; any thread. */
#ifndef IOTMSG_PERCENT_H
#define IOTMSG_PERCENT_H

#include "base/buf.h"

/* Appends the encoding of len bytes (borrowed) to out. False once out has failed. */
bool percent_encode(struct buf *out, const char *bytes, size_t len);

#endif
