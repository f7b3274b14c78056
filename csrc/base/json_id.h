/* SPDX-License-Identifier: MIT
 *
 * Exact integers in JSON. The clouds' message ids are bare integers beyond 2^53, which a JSON decoder that
 * works in doubles rounds; here every integer of 15 digits and more is put in quotation marks before the
 * decoder sees it. Knows tokens, not grammar: what is not JSON stays not JSON. Pure; any thread. */
#ifndef IOTMSG_JSON_ID_H
#define IOTMSG_JSON_ID_H

#include "base/buf.h"

#define JSON_ID_DIGITS 15

/* Appends the document (borrowed) to out with its long integers quoted. False once out has failed. */
bool json_id_quote(struct buf *out, const char *json, size_t len);

#endif
