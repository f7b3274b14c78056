/* SPDX-License-Identifier: MIT
 *
 * iotmsg.core: assembles the tables of the l_*.c files around one kit. The only exported symbol of the
 * object. */
#include "lua/kit.h"
#include "lua/tables.h"

#if defined(__GNUC__)
#define EXPORTED __attribute__((visibility("default")))
#else
#define EXPORTED
#endif

static const struct {
    const char *name;
    void (*open)(lua_State *L, int kit);
} TABLES[] = {
    {"base64", l_base64_open},
    {"sign", l_sign_open},
    {"json", l_json_open},
    {"engine", l_engine_open},
};

EXPORTED int luaopen_iotmsg_core(lua_State *L);

int luaopen_iotmsg_core(lua_State *L)
{
    compat_check_version(L);
    lua_settop(L, 0);
    lua_newtable(L); /* core */
    kit_push(L);     /* core, kit */
    for (size_t i = 0; i < sizeof(TABLES) / sizeof(TABLES[0]); i++) {
        TABLES[i].open(L, 2);               /* core, kit, table */
        lua_setfield(L, 1, TABLES[i].name); /* core, kit */
    }
    lua_settop(L, 1);
    return 1;
}
