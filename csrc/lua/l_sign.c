/* SPDX-License-Identifier: MIT
 *
 * iotmsg.core.sign: the signers on Lua tables. Arguments are positional and already checked by the Lua side;
 * what still cannot be signed comes back as nil and a sentence. Scratch is wiped before returning, because
 * canonical forms hold tokens. */
#include "lua/kit.h"
#include "lua/tables.h"
#include "sign/aliyun_v1.h"
#include "sign/aliyun_v3.h"
#include "sign/huawei.h"

#include <string.h>

static int refuse(lua_State *L, struct kit *kit, const char *wrong)
{
    kit_wipe(kit);
    lua_pushnil(L);
    lua_pushstring(L, wrong);
    return 2;
}

static void push_buf(lua_State *L, const struct buf *b)
{
    lua_pushlstring(L, b->at ? b->at : "", b->len);
}

/* query(params) -> canonical query string */
static int query(lua_State *L)
{
    struct kit *kit = kit_self(L);
    struct buf *out = kit_buf(kit, KIT_CANONICAL);
    kit->field_count = 0;
    const char *wrong = kit_add_fields(L, kit, 1, false);
    if (wrong)
        return refuse(L, kit, wrong);
    canonical_sort(kit->fields, kit->field_count);
    if (!canonical_query(out, kit->fields, kit->field_count))
        return refuse(L, kit, "no memory");
    push_buf(L, out);
    kit_wipe(kit);
    return 1;
}

/* sha256_hex(bytes) -> hex */
static int sha256_hex(lua_State *L)
{
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    char hex[DIGEST_SHA256_HEX_LEN];
    if (!digest_sha256_hex(kit_self(L)->digest, bytes, len, hex))
        return luaL_error(L, "OpenSSL could not hash");
    lua_pushlstring(L, hex, sizeof(hex));
    return 1;
}

/* Writes the fields into the two strings that travel, in their order. */
static void split_pairs(struct kit *kit, struct buf *query, struct buf *form)
{
    for (size_t i = 0; i < kit->field_count; i++) {
        struct buf *to = kit->fields[i].in_form ? form : query;
        if (to->len > 0)
            buf_add_char(to, '&');
        canonical_pair(to, &kit->fields[i]);
    }
}

/* aliyun_v1(method, query, form, secret) -> signature, string to sign, query string, form string.
 * query and form are tables or nil; the query string carries the Signature. */
static int aliyun_v1(lua_State *L)
{
    size_t secret_len;
    struct kit *kit = kit_self(L);
    const char *method = luaL_checkstring(L, 1);
    const char *secret = luaL_checklstring(L, 4, &secret_len);
    char signature[ALIYUN_V1_SIGNATURE_LEN];
    kit->field_count = 0;
    const char *wrong = kit_add_fields(L, kit, 2, false);
    if (!wrong)
        wrong = kit_add_fields(L, kit, 3, true);
    if (wrong)
        return refuse(L, kit, wrong);
    struct buf *canonical = kit_buf(kit, KIT_CANONICAL), *to_sign = kit_buf(kit, KIT_TO_SIGN);
    struct buf *on_wire = kit_buf(kit, KIT_WIRE), *form = kit_buf(kit, KIT_FORM);
    canonical_sort(kit->fields, kit->field_count);
    canonical_query(canonical, kit->fields, kit->field_count);
    split_pairs(kit, on_wire, form);
    struct field own = {"Signature", 9, signature, sizeof(signature), false};
    if (canonical->failed || on_wire->failed || form->failed ||
        !aliyun_v1_string_to_sign(to_sign, method, canonical) ||
        !aliyun_v1_signature(kit->digest, kit_buf(kit, KIT_KEY), secret, secret_len, to_sign, signature) ||
        (on_wire->len > 0 && !buf_add_char(on_wire, '&')) || !canonical_pair(on_wire, &own))
        return refuse(L, kit, "no memory");
    lua_pushlstring(L, signature, sizeof(signature));
    push_buf(L, to_sign);
    push_buf(L, on_wire);
    push_buf(L, form);
    kit_wipe(kit);
    return 4;
}

/* Reads method, path, query, headers and body, arguments 1 to 5, and hashes the body into hash. The request
 * points into the kit's fields. Returns NULL or what is wrong. */
static const char *read_request(lua_State *L, struct kit *kit, struct canonical_request *request, char *hash)
{
    size_t body_len;
    request->method = luaL_checkstring(L, 1);
    request->path = luaL_checklstring(L, 2, &request->path_len);
    const char *body = luaL_checklstring(L, 5, &body_len);
    kit->field_count = 0;
    const char *wrong = kit_add_fields(L, kit, 3, false);
    request->query_count = kit->field_count;
    if (!wrong)
        wrong = kit_add_fields(L, kit, 4, false);
    if (wrong)
        return wrong;
    request->query = kit->fields;
    request->headers = kit->fields ? kit->fields + request->query_count : NULL;
    request->header_count = kit->field_count - request->query_count;
    request->payload_hash = hash;
    hash[DIGEST_SHA256_HEX_LEN] = '\0';
    return digest_sha256_hex(kit->digest, body, body_len, hash) ? NULL : "OpenSSL could not hash";
}

/* The four results of a signer of headers. */
static int push_signed(lua_State *L, struct kit *kit, const char *signature)
{
    push_buf(L, &kit->scratch[KIT_WIRE]);
    lua_pushlstring(L, signature, DIGEST_SHA256_HEX_LEN);
    push_buf(L, &kit->scratch[KIT_TO_SIGN]);
    push_buf(L, &kit->scratch[KIT_CANONICAL]);
    kit_wipe(kit);
    return 4;
}

/* aliyun_v3(method, path, query, headers, body, id, secret) -> authorization, signature, string to sign,
 * canonical request. query and headers are tables or nil. */
static int aliyun_v3(lua_State *L)
{
    size_t id_len, secret_len;
    struct kit *kit = kit_self(L);
    struct canonical_request request;
    const char *id = luaL_checklstring(L, 6, &id_len);
    const char *secret = luaL_checklstring(L, 7, &secret_len);
    char hash[DIGEST_SHA256_HEX_LEN + 1];
    char signature[DIGEST_SHA256_HEX_LEN];
    const char *wrong = read_request(L, kit, &request, hash);
    if (wrong)
        return refuse(L, kit, wrong);
    struct buf *canonical = kit_buf(kit, KIT_CANONICAL), *to_sign = kit_buf(kit, KIT_TO_SIGN);
    struct buf *names = kit_buf(kit, KIT_NAMES), *authorization = kit_buf(kit, KIT_WIRE);
    if (!aliyun_v3_canonical_request(canonical, names, &request) ||
        !aliyun_v3_string_to_sign(to_sign, kit->digest, canonical) ||
        !aliyun_v3_signature(kit->digest, secret, secret_len, to_sign, signature) ||
        !aliyun_v3_authorization(authorization, id, id_len, names, signature))
        return refuse(L, kit, "no memory");
    return push_signed(L, kit, signature);
}

static const struct field *find_header(const struct canonical_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (canonical_named(&request->headers[i], name, false))
            return &request->headers[i];
    return NULL;
}

/* huawei(method, path, query, headers, body, id, secret, region, service) -> as aliyun_v3. With region and
 * service (strings, or both nil) the derived signature; headers must hold x-sdk-date. */
static int huawei(lua_State *L)
{
    struct kit *kit = kit_self(L);
    struct canonical_request request;
    struct huawei_scope scope;
    struct field key = {0};
    key.name = luaL_checklstring(L, 6, &key.name_len);
    key.value = luaL_checklstring(L, 7, &key.value_len);
    const char *region = luaL_optstring(L, 8, NULL);
    const char *service = luaL_optstring(L, 9, NULL);
    char hash[DIGEST_SHA256_HEX_LEN + 1];
    char signature[DIGEST_SHA256_HEX_LEN];
    const char *wrong = read_request(L, kit, &request, hash);
    if (wrong)
        return refuse(L, kit, wrong);
    const struct field *date = find_header(&request, "x-sdk-date");
    const struct field *given_hash = find_header(&request, "x-sdk-content-sha256");
    if (!date || date->value_len != HUAWEI_DATE_LEN)
        return refuse(L, kit, "the header x-sdk-date must be there, as YYYYMMDDTHHMMSSZ");
    const char *date_text = date->value; /* the fields are about to be sorted */
    if (given_hash)
        request.payload_hash = given_hash->value;
    struct buf *path = kit_buf(kit, KIT_FORM), *canonical = kit_buf(kit, KIT_CANONICAL);
    struct buf *to_sign = kit_buf(kit, KIT_TO_SIGN), *names = kit_buf(kit, KIT_NAMES);
    struct buf *authorization = kit_buf(kit, KIT_WIRE), *info = kit_buf(kit, KIT_KEY);
    huawei_canonical_path(path, request.path, request.path_len);
    request.path = path->at;
    request.path_len = path->len;
    if (region) {
        buf_add(info, date_text, 8);
        buf_add_char(info, '/');
        buf_add_str(info, region);
        buf_add_char(info, '/');
        buf_add_str(info, service);
        scope = (struct huawei_scope){.info = info->at, .info_len = info->len};
    }
    const struct huawei_scope *derived = region ? &scope : NULL;
    if (path->failed || info->failed || !huawei_canonical_request(canonical, names, &request) ||
        !huawei_string_to_sign(to_sign, kit->digest, date_text, derived, canonical) ||
        !huawei_signature(kit->digest, &key, derived, to_sign, signature) ||
        !huawei_authorization(authorization, &key, derived, names, signature))
        return refuse(L, kit, "no memory");
    return push_signed(L, kit, signature);
}

static const luaL_Reg FUNCTIONS[] = {
    {"query", query},         {"sha256_hex", sha256_hex}, {"aliyun_v1", aliyun_v1},
    {"aliyun_v3", aliyun_v3}, {"huawei", huawei},         {NULL, NULL},
};

void l_sign_open(lua_State *L, int kit)
{
    lua_newtable(L);
    lua_pushvalue(L, kit);
    compat_set_functions(L, FUNCTIONS, 1);
}
