/* SPDX-License-Identifier: MIT
 *
 * The V1 stages; see aliyun_v1.h. Step 1, the canonicalized query string, is canonical_query over the sorted
 * union of query and form parameters without Signature: the gateway merges the two the same way. */
#include "sign/aliyun_v1.h"

#include "base/base64.h"
#include "base/percent.h"

bool aliyun_v1_string_to_sign(struct buf *out, const char *method, const struct buf *canonical_query)
{
    buf_add_str(out, method);
    buf_add_str(out, "&%2F&");
    return percent_encode(out, canonical_query->at, canonical_query->len);
}

bool aliyun_v1_signature(struct digest *d, struct buf *key, const char *secret, size_t secret_len,
                         const struct buf *string_to_sign, char *signature)
{
    unsigned char mac[DIGEST_SHA1_LEN];
    buf_reset(key);
    buf_add(key, secret, secret_len);
    bool ok = buf_add_char(key, '&') && digest_hmac(d, DIGEST_HMAC_SHA1, key->at, key->len,
                                                    string_to_sign->at, string_to_sign->len, mac);
    buf_wipe(key);
    if (ok)
        base64_encode(signature, mac, sizeof(mac));
    return ok;
}
