/* SPDX-License-Identifier: MIT
 *
 * Canonical forms: what the clouds' signers share. A field is a name and a value, both borrowed from the
 * caller for as long as the array lives. Pure; any thread. */
#ifndef IOTMSG_CANONICAL_H
#define IOTMSG_CANONICAL_H

#include "base/buf.h"
#include "base/field.h"

/* A request as the header-signing schemes see it; everything is borrowed. The two arrays are sorted in place.
 */
struct canonical_request {
    const char *method;
    const char *path; /* as it enters the canonical form */
    size_t path_len;
    struct field *query;
    size_t query_count;
    struct field *headers;
    size_t header_count;
    bool (*is_signed)(const struct field *header); /* which headers are signed */
    const char *payload_hash;                      /* NUL-terminated */
};

/* Sorts parameters by name, then by value, in byte order. */
void canonical_sort(struct field *fields, size_t count);

/* Appends enc(name)=enc(value). */
bool canonical_pair(struct buf *out, const struct field *field);

/* Appends the fields in their order as enc(name)=enc(value) joined by "&". */
bool canonical_query(struct buf *out, const struct field *fields, size_t count);

/* Appends method, path, query, headers, signed names and payload hash, a line each; and to signed_names the
 * names of the signed headers joined by ";". Names are lower case, values trimmed, repeated headers joined by
 * commas. */
bool canonical_request(struct buf *out, struct buf *signed_names, const struct canonical_request *request);

/* True when the header's name, compared without case, is the lower-case name given or, with prefix, begins
 * so. */
bool canonical_named(const struct field *header, const char *name, bool prefix);

#endif
