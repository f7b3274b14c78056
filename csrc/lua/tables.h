/* SPDX-License-Identifier: MIT
 *
 * Opens the tables that the module shows to Lua. Each function pushes one table; the kit is at index kit. */
#ifndef IOTMSG_TABLES_H
#define IOTMSG_TABLES_H

#include "lua/compat.h"

/* encode, decode */
void l_base64_open(lua_State *L, int kit);

/* query, sha256_hex, aliyun_v1, aliyun_v3 */
void l_sign_open(lua_State *L, int kit);

/* quote_integers */
void l_json_open(lua_State *L, int kit);

/* outlet, route, uuid and the clocks */
void l_engine_open(lua_State *L, int kit);

#endif
