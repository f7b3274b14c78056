/* SPDX-License-Identifier: MIT
 *
 * Huawei Cloud's AK/SK signatures: SDK-HMAC-SHA256, and V11-HMAC-SHA256 whose key is derived for a day, a
 * region and a service. Huawei Cloud, API Gateway "API Request Signing Guide", "AK/SK Signing and
 * Authentication Algorithm"; the derivation as in the vendor's SDKs. Each stage is a function of its
 * arguments: the date arrives as a header. */
#ifndef IOTMSG_HUAWEI_H
#define IOTMSG_HUAWEI_H

#include "sign/canonical.h"
#include "sign/digest.h"

#define HUAWEI_DATE_LEN 16 /* YYYYMMDDTHHMMSSZ */

/* What a derived signature is made for. NULL where one is expected: the standard signature. */
struct huawei_scope {
    const char *info; /* YYYYMMDD/region/service */
    size_t info_len;
};

/* "CanonicalURI": appends the path with every segment percent-encoded and a "/" at its end. */
bool huawei_canonical_path(struct buf *out, const char *path, size_t path_len);

/* "Step 1: Constructing a Standard Request". Every header is signed; fills in the request's is_signed itself.
 */
bool huawei_canonical_request(struct buf *out, struct buf *signed_names, struct canonical_request *request);

/* "Step 2: Creating a To-Be-Signed String": algorithm, date, the scope's info if there is one, and the hash
 * of the canonical request. date has HUAWEI_DATE_LEN characters. */
bool huawei_string_to_sign(struct buf *out, struct digest *d, const char *date,
                           const struct huawei_scope *scope, const struct buf *canonical_request);

/* "Step 3: Calculating the Signature": lower-case hex, DIGEST_SHA256_HEX_LEN characters, no NUL. With a scope
 * the key is HKDF-SHA256's (RFC 5869; salt: the access key, keying material: the secret) first block for its
 * info, as lower-case hex text. */
bool huawei_signature(struct digest *d, const struct field *key, const struct huawei_scope *scope,
                      const struct buf *string_to_sign, char *signature);

/* "Step 4: Adding the Signature to the Request Header". key's name is the access key, its value the secret.
 */
bool huawei_authorization(struct buf *out, const struct field *key, const struct huawei_scope *scope,
                          const struct buf *signed_names, const char *signature);

#endif
