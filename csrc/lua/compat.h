/* SPDX-License-Identifier: MIT
 *
 * What differs between Lua 5.1 (LuaJIT included) and 5.4, spelt in 5.4's names. The only file that looks at
 * LUA_VERSION_NUM. */
#ifndef IOTMSG_COMPAT_H
#define IOTMSG_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if LUA_VERSION_NUM == 501

#define lua_rawlen lua_objlen
#define compat_check_version(L) ((void)(L))

/* Registers functions that share nup upvalues, which are on top of the stack, into the table below them. */
static inline void compat_set_functions(lua_State *L, const luaL_Reg *functions, int nup)
{
    for (; functions->name; functions++) {
        for (int i = 0; i < nup; i++)
            lua_pushvalue(L, -nup);
        lua_pushcclosure(L, functions->func, nup);
        lua_setfield(L, -(nup + 2), functions->name);
    }
    lua_pop(L, nup);
}

#else

/* Raises one line when this module was built for another Lua than the one that loads it. */
#define compat_check_version(L) luaL_checkversion(L)
#define compat_set_functions luaL_setfuncs

#endif

#if LUA_VERSION_NUM < 504
#define lua_newuserdatauv(L, size, count) lua_newuserdata(L, size)
#endif

#endif
