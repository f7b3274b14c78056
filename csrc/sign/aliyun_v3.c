/* SPDX-License-Identifier: MIT
 *
 * The V3 stages; see aliyun_v3.h. */
#include "sign/aliyun_v3.h"

#define ALGORITHM "ACS3-HMAC-SHA256"

static bool is_signed(const struct field *header)
{
    return canonical_named(header, "x-acs-", true) || canonical_named(header, "host", false) ||
           canonical_named(header, "content-type", false);
}

bool aliyun_v3_canonical_request(struct buf *out, struct buf *signed_names, struct canonical_request *request)
{
    request->is_signed = is_signed;
    return canonical_request(out, signed_names, request);
}

bool aliyun_v3_string_to_sign(struct buf *out, struct digest *d, const struct buf *canonical_request)
{
    char hash[DIGEST_SHA256_HEX_LEN];
    if (!digest_sha256_hex(d, canonical_request->at, canonical_request->len, hash))
        return false;
    buf_add_str(out, ALGORITHM "\n");
    return buf_add(out, hash, sizeof(hash));
}

bool aliyun_v3_signature(struct digest *d, const char *secret, size_t secret_len,
                         const struct buf *string_to_sign, char *signature)
{
    unsigned char mac[DIGEST_SHA256_LEN];
    if (!digest_hmac(d, DIGEST_HMAC_SHA256, secret, secret_len, string_to_sign->at, string_to_sign->len, mac))
        return false;
    digest_hex(signature, mac, sizeof(mac));
    return true;
}

bool aliyun_v3_authorization(struct buf *out, const char *access_key_id, size_t id_len,
                             const struct buf *signed_names, const char *signature)
{
    buf_add_str(out, ALGORITHM " Credential=");
    buf_add(out, access_key_id, id_len);
    buf_add_str(out, ",SignedHeaders=");
    buf_add(out, signed_names->at, signed_names->len);
    buf_add_str(out, ",Signature=");
    return buf_add(out, signature, DIGEST_SHA256_HEX_LEN);
}
