/* SPDX-License-Identifier: MIT
 *
 * iotmsg.core.base64: strings in, strings out. */
#include "base/base64.h"
#include "lua/kit.h"
#include "lua/tables.h"

/* encode(bytes) -> text | nil, what is wrong */
static int encode(lua_State *L)
{
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    struct buf *out = kit_buf(kit_self(L), KIT_WIRE);
    size_t text_len = base64_encoded_len(len);
    char *text = buf_reserve(out, text_len);
    if (!text && text_len > 0) {
        lua_pushnil(L);
        lua_pushliteral(L, "is too long: 48 MiB at most, and no more than there is memory for");
        return 2;
    }
    out->len = text_len; /* before it is filled, so that every way out wipes it */
    base64_encode(text, bytes, len);
    lua_pushlstring(L, text ? text : "", text_len);
    buf_wipe(out);
    return 1;
}

/* decode(text) -> bytes | nil, what is wrong */
static int decode(lua_State *L)
{
    size_t len, bytes_len;
    const char *text = luaL_checklstring(L, 1, &len);
    struct buf *out = kit_buf(kit_self(L), KIT_WIRE);
    char *bytes = buf_reserve(out, base64_decoded_max(len) + 1);
    if (!bytes) {
        lua_pushnil(L);
        lua_pushliteral(L, "it is longer than 64 MiB, or than there is memory for");
        return 2;
    }
    out->len = base64_decoded_max(len);
    const char *wrong = base64_decode(bytes, &bytes_len, text, len);
    if (wrong) {
        buf_wipe(out);
        lua_pushnil(L);
        lua_pushstring(L, wrong);
        return 2;
    }
    lua_pushlstring(L, bytes, bytes_len);
    buf_wipe(out);
    return 1;
}

static const luaL_Reg FUNCTIONS[] = {{"encode", encode}, {"decode", decode}, {NULL, NULL}};

void l_base64_open(lua_State *L, int kit)
{
    lua_newtable(L);
    lua_pushvalue(L, kit);
    compat_set_functions(L, FUNCTIONS, 1);
}
