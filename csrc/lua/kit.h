/* SPDX-License-Identifier: MIT
 *
 * What one Lua state's functions share: kept hashing contexts, scratch buffers, a field array and a nonce
 * pool. A userdata of the state, so that an error thrown by Lua in the middle of anything leaks nothing;
 * every function gets it as its first upvalue. One thread: the one that runs the state. */
#ifndef IOTMSG_KIT_H
#define IOTMSG_KIT_H

#include "base/buf.h"
#include "base/nonce.h"
#include "lua/compat.h"
#include "sign/canonical.h"
#include "sign/digest.h"

enum kit_scratch { KIT_WIRE, KIT_FORM, KIT_CANONICAL, KIT_TO_SIGN, KIT_NAMES, KIT_KEY, KIT_SCRATCH_COUNT };

struct kit {
    struct digest *digest;
    struct buf scratch[KIT_SCRATCH_COUNT];
    struct field *fields;
    size_t field_count;
    size_t field_room;
    struct nonce_pool nonces;
};

/* Pushes a new kit. Raises when memory or OpenSSL's algorithms are missing. */
void kit_push(lua_State *L);

/* The kit of the running function. Raises when the state is closing and the kit is gone. */
struct kit *kit_self(lua_State *L);

/* A scratch buffer of the kit, empty. */
struct buf *kit_buf(struct kit *kit, enum kit_scratch which);

/* Overwrites and empties all scratch buffers and forgets the fields. */
void kit_wipe(struct kit *kit);

/* Appends the table at index (nil: nothing) to the kit's fields: names to strings, or to arrays of strings
 * where a name repeats. The strings stay Lua's: they live as long as the table is on the stack. Returns NULL,
 * or a static sentence that says what is wrong; the stack may then hold more than before. */
const char *kit_add_fields(lua_State *L, struct kit *kit, int index, bool in_form);

#endif
