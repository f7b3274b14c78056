/* SPDX-License-Identifier: MIT
 *
 * The stages of both Huawei signatures; see huawei.h. The two differ in the algorithm's name, one line of the
 * string to sign, the key, and how the authorization names the caller. */
#include "sign/huawei.h"

#include "base/percent.h"

#include <string.h>

#define STANDARD "SDK-HMAC-SHA256"
#define DERIVED "V11-HMAC-SHA256"
#define INFO_MAX 512

static const char *algorithm(const struct huawei_scope *scope)
{
    return scope ? DERIVED : STANDARD;
}

bool huawei_canonical_path(struct buf *out, const char *path, size_t path_len)
{
    const char *end = path + path_len;
    const char *segment = path;
    for (const char *at = path; at < end; at++) {
        if (*at != '/')
            continue;
        percent_encode(out, segment, (size_t)(at - segment));
        buf_add_char(out, '/');
        segment = at + 1;
    }
    if (segment == end && path_len > 0)
        return !out->failed;
    percent_encode(out, segment, (size_t)(end - segment));
    return buf_add_char(out, '/');
}

static bool is_signed(const struct field *header)
{
    (void)header;
    return true;
}

bool huawei_canonical_request(struct buf *out, struct buf *signed_names, struct canonical_request *request)
{
    request->is_signed = is_signed;
    return canonical_request(out, signed_names, request);
}

bool huawei_string_to_sign(struct buf *out, struct digest *d, const char *date,
                           const struct huawei_scope *scope, const struct buf *canonical_request)
{
    char hash[DIGEST_SHA256_HEX_LEN];
    if (!digest_sha256_hex(d, canonical_request->at, canonical_request->len, hash))
        return false;
    buf_add_str(out, algorithm(scope));
    buf_add_char(out, '\n');
    buf_add(out, date, HUAWEI_DATE_LEN);
    buf_add_char(out, '\n');
    if (scope) {
        buf_add(out, scope->info, scope->info_len);
        buf_add_char(out, '\n');
    }
    return buf_add(out, hash, sizeof(hash));
}

/* Extract, then expand to one block: info and the byte 1. */
static bool derive(struct digest *d, const struct field *key, const struct huawei_scope *scope, char *derived)
{
    unsigned char prk[DIGEST_SHA256_LEN], okm[DIGEST_SHA256_LEN];
    char block[INFO_MAX + 1];
    if (scope->info_len > INFO_MAX)
        return false;
    memcpy(block, scope->info, scope->info_len);
    block[scope->info_len] = 1;
    bool ok = digest_hmac(d, DIGEST_HMAC_SHA256, key->name, key->name_len, key->value, key->value_len, prk) &&
              digest_hmac(d, DIGEST_HMAC_SHA256, prk, sizeof(prk), block, scope->info_len + 1, okm);
    if (ok)
        digest_hex(derived, okm, sizeof(okm));
    buf_cleanse(prk, sizeof(prk));
    buf_cleanse(okm, sizeof(okm));
    return ok;
}

bool huawei_signature(struct digest *d, const struct field *key, const struct huawei_scope *scope,
                      const struct buf *string_to_sign, char *signature)
{
    unsigned char mac[DIGEST_SHA256_LEN];
    char derived[DIGEST_SHA256_HEX_LEN];
    const char *secret = key->value;
    size_t secret_len = key->value_len;
    if (scope) {
        if (!derive(d, key, scope, derived))
            return false;
        secret = derived;
        secret_len = sizeof(derived);
    }
    bool ok =
        digest_hmac(d, DIGEST_HMAC_SHA256, secret, secret_len, string_to_sign->at, string_to_sign->len, mac);
    if (scope)
        buf_cleanse(derived, sizeof(derived));
    if (ok)
        digest_hex(signature, mac, sizeof(mac));
    return ok;
}

bool huawei_authorization(struct buf *out, const struct field *key, const struct huawei_scope *scope,
                          const struct buf *signed_names, const char *signature)
{
    buf_add_str(out, algorithm(scope));
    buf_add_str(out, scope ? " Credential=" : " Access=");
    buf_add(out, key->name, key->name_len);
    if (scope) {
        buf_add_char(out, '/');
        buf_add(out, scope->info, scope->info_len);
    }
    buf_add_str(out, ", SignedHeaders=");
    buf_add(out, signed_names->at, signed_names->len);
    buf_add_str(out, ", Signature=");
    return buf_add(out, signature, DIGEST_SHA256_HEX_LEN);
}
