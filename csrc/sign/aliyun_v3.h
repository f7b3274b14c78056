/* SPDX-License-Identifier: MIT
 *
 * Alibaba Cloud signature V3, ACS3-HMAC-SHA256. Alibaba Cloud, "V3 request body and signature mechanism".
 * Each stage is a function of its arguments: date and nonce arrive as headers. */
#ifndef IOTMSG_ALIYUN_V3_H
#define IOTMSG_ALIYUN_V3_H

#include "sign/canonical.h"
#include "sign/digest.h"

/* "Step 1: Construct a canonicalized request". host, content-type and x-acs-* are signed. Fills in the
 * request's is_signed itself. */
bool aliyun_v3_canonical_request(struct buf *out, struct buf *signed_names,
                                 struct canonical_request *request);

/* "Step 2: Create a string-to-sign": the algorithm's name and the hash of the canonicalized request. */
bool aliyun_v3_string_to_sign(struct buf *out, struct digest *d, const struct buf *canonical_request);

/* "Step 3: Calculate the signature": lower-case hex, DIGEST_SHA256_HEX_LEN characters, no NUL. */
bool aliyun_v3_signature(struct digest *d, const char *secret, size_t secret_len,
                         const struct buf *string_to_sign, char *signature);

/* "Step 4: Add the Authorization header". */
bool aliyun_v3_authorization(struct buf *out, const char *access_key_id, size_t id_len,
                             const struct buf *signed_names, const char *signature);

#endif
