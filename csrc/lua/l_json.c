/* SPDX-License-Identifier: MIT
 *
 * iotmsg.core.json: what a JSON document needs before a decoder that works in doubles may see it. */
#include "base/json_id.h"
#include "lua/kit.h"
#include "lua/tables.h"

/* quote_integers(document) -> the document with every integer of 15 digits and more in quotation marks */
static int quote_integers(lua_State *L)
{
    size_t len;
    const char *json = luaL_checklstring(L, 1, &len);
    struct buf *out = kit_buf(kit_self(L), KIT_WIRE);
    if (!json_id_quote(out, json, len))
        return luaL_error(L, "not enough memory");
    if (out->len == len)
        lua_pushvalue(L, 1);
    else
        lua_pushlstring(L, out->at, out->len);
    buf_wipe(out);
    return 1;
}

static const luaL_Reg FUNCTIONS[] = {{"quote_integers", quote_integers}, {NULL, NULL}};

void l_json_open(lua_State *L, int kit)
{
    lua_newtable(L);
    lua_pushvalue(L, kit);
    compat_set_functions(L, FUNCTIONS, 1);
}
