/* SPDX-License-Identifier: MIT
 *
 * Alibaba Cloud RPC signature, SignatureVersion 1.0, HMAC-SHA1. Alibaba Cloud, "Request syntax and signature
 * method V2 for RPC APIs" (the vendor's later name for it). Each stage is a function of its arguments: time
 * and nonce are parameters like any other. */
#ifndef IOTMSG_ALIYUN_V1_H
#define IOTMSG_ALIYUN_V1_H

#include "sign/canonical.h"
#include "sign/digest.h"

#define ALIYUN_V1_SIGNATURE_LEN 28 /* Base64 of 20 bytes */

/* Step 2, "Create a string-to-sign": METHOD & enc("/") & enc(canonical query of all parameters). */
bool aliyun_v1_string_to_sign(struct buf *out, const char *method, const struct buf *canonical_query);

/* Step 3, "Calculate the signature": Base64 of the HMAC-SHA1 under the secret and an "&"; the "&" stands
 * there with an STS token too. key is scratch and is left wiped. Writes ALIYUN_V1_SIGNATURE_LEN characters,
 * no NUL. */
bool aliyun_v1_signature(struct digest *d, struct buf *key, const char *secret, size_t secret_len,
                         const struct buf *string_to_sign, char *signature);

#endif
