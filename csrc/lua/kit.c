/* SPDX-License-Identifier: MIT
 *
 * The kit's life and the way from a Lua table to an array of fields; see kit.h. */
#include "lua/kit.h"

#include <stdlib.h>

#define SCRATCH_MAX (64u * 1024 * 1024)
#define FIRST_FIELDS 32

static int kit_gc(lua_State *L)
{
    struct kit *kit = lua_touserdata(L, 1);
    digest_free(kit->digest);
    kit->digest = NULL;
    for (int i = 0; i < KIT_SCRATCH_COUNT; i++)
        buf_free(&kit->scratch[i]);
    free(kit->fields);
    kit->fields = NULL;
    kit->field_room = 0;
    return 0;
}

void kit_push(lua_State *L)
{
    struct kit *kit = lua_newuserdatauv(L, sizeof(*kit), 0);
    kit->digest = NULL;
    kit->fields = NULL;
    kit->field_count = kit->field_room = 0;
    nonce_init(&kit->nonces);
    for (int i = 0; i < KIT_SCRATCH_COUNT; i++)
        buf_init(&kit->scratch[i], SCRATCH_MAX);
    lua_newtable(L);              /* kit, mt */
    lua_pushcfunction(L, kit_gc); /* kit, mt, gc */
    lua_setfield(L, -2, "__gc");  /* kit, mt */
    lua_setmetatable(L, -2);      /* kit */
    kit->digest = digest_new();
    if (!kit->digest)
        luaL_error(L, "iotmsg: no memory, or OpenSSL offers no SHA-256 and HMAC");
}

struct kit *kit_self(lua_State *L)
{
    struct kit *kit = lua_touserdata(L, lua_upvalueindex(1));
    if (!kit->digest) /* a finalizer that runs after the kit's own */
        luaL_error(L, "iotmsg: the Lua state is closing");
    return kit;
}

struct buf *kit_buf(struct kit *kit, enum kit_scratch which)
{
    buf_reset(&kit->scratch[which]);
    return &kit->scratch[which];
}

void kit_wipe(struct kit *kit)
{
    for (int i = 0; i < KIT_SCRATCH_COUNT; i++)
        buf_wipe(&kit->scratch[i]);
    kit->field_count = 0;
}

static struct field *next_field(struct kit *kit)
{
    if (kit->field_count == kit->field_room) {
        size_t room = kit->field_room ? kit->field_room * 2 : FIRST_FIELDS;
        struct field *fields = realloc(kit->fields, room * sizeof(*fields));
        if (!fields)
            return NULL;
        kit->fields = fields;
        kit->field_room = room;
    }
    return &kit->fields[kit->field_count++];
}

/* name at index name, value on top of the stack: adds one field, leaves the stack as it is. */
static const char *add_field(lua_State *L, struct kit *kit, int name, bool in_form)
{
    if (lua_type(L, -1) != LUA_TSTRING) /* a number would be turned into a string in place */
        return "must be a string";
    struct field *field = next_field(kit);
    if (!field)
        return "no memory";
    field->name = lua_tolstring(L, name, &field->name_len);
    field->value = lua_tolstring(L, -1, &field->value_len);
    field->in_form = in_form;
    return NULL;
}

static const char *add_repeats(lua_State *L, struct kit *kit, int name, bool in_form)
{
    int list = lua_gettop(L);
    size_t count = lua_rawlen(L, list);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, list, (int)i); /* name, list, value */
        const char *wrong = add_field(L, kit, name, in_form);
        lua_pop(L, 1); /* name, list */
        if (wrong)
            return wrong;
    }
    return NULL;
}

const char *kit_add_fields(lua_State *L, struct kit *kit, int index, bool in_form)
{
    if (lua_isnoneornil(L, index))
        return NULL;
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, 4, NULL);
    lua_pushnil(L);
    while (lua_next(L, index)) { /* name, value */
        int name = lua_gettop(L) - 1;
        const char *wrong = "has a name that is no string";
        if (lua_type(L, name) == LUA_TSTRING)
            wrong =
                lua_istable(L, -1) ? add_repeats(L, kit, name, in_form) : add_field(L, kit, name, in_form);
        lua_pop(L, 1); /* name */
        if (wrong)
            return wrong;
    }
    return NULL;
}
