/* SPDX-License-Identifier: MIT
 *
 * iotmsg.core.engine: routes and the outlet as Lua objects, and the clocks. Called by the thread of its Lua
 * state; the engine's own thread never comes here. Handles are born closed, typed, then opened, so that an
 * error thrown by Lua finds them in a state their __gc understands. */
#define _POSIX_C_SOURCE 200809L
#include "lua/kit.h"
#include "lua/tables.h"
#include "net/http.h"
#include "net/outlet.h"
#include "net/process.h"
#include "net/route.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define ROUTE_TYPE "iotmsg.route"
#define OUTLET_TYPE "iotmsg.outlet"
#define NO_DESCRIPTOR "no descriptor for the forked process"

static const char *const ENDS[] = {
    [JOB_REPLIED] = "replied",   [JOB_ELAPSED] = "elapsed",   [JOB_NETWORK] = "network",
    [JOB_TLS] = "tls",           [JOB_TIMEOUT] = "timeout",   [JOB_CANCELLED] = "cancelled",
    [JOB_RESOURCE] = "resource", [JOB_PROTOCOL] = "protocol",
};

/* Pushes nil and a sentence; returns how many. */
static int failure(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* Pushes a userdata of the type with room for one pointer, which is NULL. */
static void **new_handle(lua_State *L, const char *type)
{
    void **handle = lua_newuserdatauv(L, sizeof(*handle), 0);
    *handle = NULL;
    luaL_getmetatable(L, type);
    lua_setmetatable(L, -2);
    return handle;
}

static const char *option_string(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name); /* ..., value: stays on the stack so that the string stays alive */
    return luaL_optstring(L, -1, NULL);
}

/* route{ca_file, client_cert, client_key, proxy, tls_verify, http_version, max_connections} -> route | nil,
 * why */
static int route(lua_State *L)
{
    static const char *const VERSIONS[] = {"auto", "1.1", "2", NULL};
    struct route_settings settings;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    settings.ca_file = option_string(L, "ca_file");
    settings.client_cert = option_string(L, "client_cert");
    settings.client_key = option_string(L, "client_key");
    settings.proxy = option_string(L, "proxy");
    lua_getfield(L, 1, "tls_verify");
    settings.tls_verify = lua_isnil(L, -1) || lua_toboolean(L, -1);
    lua_getfield(L, 1, "http_version");
    settings.http_version = (enum route_http)luaL_checkoption(L, -1, "auto", VERSIONS);
    lua_getfield(L, 1, "max_connections");
    settings.max_connections = (unsigned)luaL_checkinteger(L, -1);
    void **handle = new_handle(L, ROUTE_TYPE);
    *handle = route_new(&settings);
    return *handle ? 1 : failure(L, "no memory for a route");
}

static int route_gc(lua_State *L)
{
    struct route **handle = luaL_checkudata(L, 1, ROUTE_TYPE);
    if (*handle)
        route_unref(*handle);
    *handle = NULL;
    return 0;
}

/* outlet() -> outlet | nil, why */
static int outlet(lua_State *L)
{
    void **handle = new_handle(L, OUTLET_TYPE);
    *handle = outlet_new(process_generation());
    return *handle ? 1 : failure(L, strerror(errno));
}

static int outlet_gc(lua_State *L)
{
    struct outlet **handle = luaL_checkudata(L, 1, OUTLET_TYPE);
    if (*handle)
        outlet_close(*handle);
    *handle = NULL;
    return 0;
}

/* The outlet at index 1, made this process's own if it was inherited through a fork; NULL when there is no
 * descriptor for that. Raises when it is closed. */
static struct outlet *check_outlet(lua_State *L)
{
    struct outlet **handle = luaL_checkudata(L, 1, OUTLET_TYPE);
    if (!*handle)
        luaL_error(L, "the outlet is closed");
    unsigned long generation = process_generation();
    if ((*handle)->generation != generation && !outlet_adopt(*handle, generation))
        return NULL;
    return *handle;
}

static bool has_line_break(const char *text, size_t len)
{
    return memchr(text, '\r', len) || memchr(text, '\n', len) || memchr(text, '\0', len);
}

/* Copies the request out of Lua into a new job; NULL with a reason. Nothing throws once the job exists. */
static struct job *read_job(lua_State *L, const char **why)
{
    size_t url_len, body_len;
    struct kit *kit = kit_self(L);
    const char *method = luaL_checkstring(L, 3);
    const char *url = luaL_checklstring(L, 4, &url_len);
    const char *body = luaL_optlstring(L, 6, "", &body_len);
    kit->field_count = 0;
    *why = kit_add_fields(L, kit, 5, false);
    if (*why)
        return NULL;
    bool clean = !has_line_break(url, url_len);
    for (size_t i = 0; i < kit->field_count; i++)
        clean = clean && !has_line_break(kit->fields[i].name, kit->fields[i].name_len) &&
                !has_line_break(kit->fields[i].value, kit->fields[i].value_len);
    if (!clean) {
        *why = "CR, LF or NUL in the address or in a header";
        return NULL;
    }
    *why = "no memory for a call";
    return job_new(method, url, url_len, kit->fields, kit->field_count, body, body_len);
}

/* Gives the job (may be NULL) to the engine; pushes its slot, or nil and why not. */
static int submit_job(lua_State *L, struct outlet *outlet, struct job *job, struct route *route,
                      const char *why)
{
    if (!job)
        return failure(L, why);
    if (!outlet) {
        job_free(job);
        return failure(L, NO_DESCRIPTOR);
    }
    why = "no memory for a call";
    struct engine *engine = outlet_admit(outlet, job) ? process_engine(&why) : NULL;
    if (!engine) {
        outlet_withdraw(outlet, job);
        return failure(L, why);
    }
    if (route)
        route_ref(route);
    job->route = route;
    lua_pushinteger(L, (lua_Integer)job->slot + 1);
    engine_submit(engine, job);
    return 1;
}

/* outlet:submit(route, method, url, headers, body, deadline_ms, connect_timeout_ms, hold_ms) -> slot | nil,
 * why. headers is a table or nil; deadline and hold count from now. */
static int submit(lua_State *L)
{
    const char *why;
    struct outlet *outlet = check_outlet(L);
    struct route **route = luaL_checkudata(L, 2, ROUTE_TYPE);
    int64_t now = job_now_ms();
    int64_t deadline = now + (int64_t)luaL_checknumber(L, 7);
    int64_t connect_timeout = (int64_t)luaL_checknumber(L, 8);
    int64_t hold_until = now + (int64_t)luaL_optnumber(L, 9, 0);
    luaL_checkstack(L, 4, NULL);
    struct job *job = read_job(L, &why);
    if (job) {
        job->deadline_ms = deadline;
        job->connect_timeout_ms = connect_timeout;
        job->hold_until_ms = hold_until;
    }
    return submit_job(L, outlet, job, *route, why);
}

/* outlet:timer(delay_ms) -> slot | nil, why: ends as "elapsed" after the delay. */
static int timer(lua_State *L)
{
    struct outlet *outlet = check_outlet(L);
    int64_t until = job_now_ms() + (int64_t)luaL_checknumber(L, 2);
    struct job *job = job_new(NULL, NULL, 0, NULL, 0, NULL, 0);
    if (job)
        job->hold_until_ms = until;
    return submit_job(L, outlet, job, NULL, "no memory for a timer");
}

/* outlet:cancel(slot): the job of this slot ends soon, as "cancelled" unless something else comes first. */
static int cancel(lua_State *L)
{
    const char *why;
    struct outlet *outlet = check_outlet(L);
    size_t slot = (size_t)luaL_checkinteger(L, 2) - 1;
    struct job *job = outlet && slot < outlet->slot_count ? outlet->slots[slot] : NULL;
    struct engine *engine = job ? process_engine(&why) : NULL;
    if (engine) {
        atomic_store_explicit(&job->cancel, true, memory_order_release);
        engine_cancel_flagged(engine);
    }
    return 0;
}

/* outlet:reap() -> slot, end, sent, { status, head, body }, message of the oldest completed job, which is
 * gone afterwards; nothing when none has completed. The job goes last: what Lua has no memory for is not
 * lost. */
static int reap(lua_State *L)
{
    struct outlet *outlet = check_outlet(L);
    struct job *job = outlet ? outlet_peek(outlet) : NULL;
    if (!job)
        return 0;
    lua_pushinteger(L, (lua_Integer)job->slot + 1);
    lua_pushstring(L, ENDS[job->end]);
    lua_pushboolean(L, job->sends > 0);
    lua_createtable(L, 0, 3);                     /* ..., reply */
    lua_pushinteger(L, (lua_Integer)job->status); /* ..., reply, status */
    lua_setfield(L, -2, "status");                /* ..., reply */
    lua_pushlstring(L, job->reply_head.at ? job->reply_head.at : "", job->reply_head.len);
    lua_setfield(L, -2, "head"); /* ..., reply */
    lua_pushlstring(L, job->reply_body.at ? job->reply_body.at : "", job->reply_body.len);
    lua_setfield(L, -2, "body"); /* ..., reply */
    lua_pushstring(L, job->message);
    outlet_pop(outlet);
    return 5;
}

/* outlet:wait(timeout_ms) -> true once something has completed; false after the time, or early after a
 * signal. */
static int wait(lua_State *L)
{
    struct outlet *outlet = check_outlet(L);
    double timeout_ms = luaL_checknumber(L, 2);
    int bounded = timeout_ms > 3600e3 ? 3600000 : timeout_ms < 0 ? 0 : (int)timeout_ms;
    lua_pushboolean(L, outlet && (outlet_peek(outlet) || wake_wait(&outlet->wake, bounded)));
    return 1;
}

/* outlet:fd() -> the descriptor that is readable while something has completed. */
static int fd(lua_State *L)
{
    struct outlet *outlet = check_outlet(L);
    if (!outlet)
        return failure(L, NO_DESCRIPTOR);
    lua_pushinteger(L, outlet->wake.read_fd);
    return 1;
}

/* now_ms() -> milliseconds of a clock that never jumps. */
static int now_ms(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)job_now_ms());
    return 1;
}

/* unix_ms() -> milliseconds since 1970. */
static int unix_ms(lua_State *L)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec * 1000 + (lua_Number)(now.tv_nsec / 1000000));
    return 1;
}

/* uuid() -> a fresh version 4 UUID. */
static int uuid(lua_State *L)
{
    char text[NONCE_LEN];
    if (!nonce_next(&kit_self(L)->nonces, process_generation(), text))
        return luaL_error(L, "the kernel gives no randomness: %s", strerror(errno));
    lua_pushlstring(L, text, sizeof(text));
    return 1;
}

/* ca_file() -> the CA bundle that is used when a route names none. */
static int ca_file(lua_State *L)
{
    lua_pushstring(L, http_default_ca_file());
    return 1;
}

static const luaL_Reg OUTLET_METHODS[] = {
    {"submit", submit}, {"timer", timer}, {"cancel", cancel},   {"reap", reap},
    {"wait", wait},     {"fd", fd},       {"close", outlet_gc}, {NULL, NULL},
};

static const luaL_Reg FUNCTIONS[] = {
    {"route", route}, {"outlet", outlet},   {"now_ms", now_ms}, {"unix_ms", unix_ms},
    {"uuid", uuid},   {"ca_file", ca_file}, {NULL, NULL},
};

/* Registers a type whose __gc and __close are the same function. */
static void new_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close, int kit)
{
    luaL_newmetatable(L, type);         /* mt */
    lua_pushcfunction(L, close);        /* mt, close */
    lua_pushvalue(L, -1);               /* mt, close, close */
    lua_setfield(L, -3, "__gc");        /* mt, close */
    lua_setfield(L, -2, "__close");     /* mt */
    lua_pushliteral(L, "protected");    /* mt, text */
    lua_setfield(L, -2, "__metatable"); /* mt */
    lua_newtable(L);                    /* mt, methods */
    if (methods) {
        lua_pushvalue(L, kit); /* mt, methods, kit */
        compat_set_functions(L, methods, 1);
    }
    lua_setfield(L, -2, "__index"); /* mt */
    lua_pop(L, 1);
}

void l_engine_open(lua_State *L, int kit)
{
    (void)process_generation(); /* from here on forks are watched and this object stays in memory */
    new_type(L, ROUTE_TYPE, NULL, route_gc, kit);
    new_type(L, OUTLET_TYPE, OUTLET_METHODS, outlet_gc, kit);
    lua_newtable(L);
    lua_pushvalue(L, kit);
    compat_set_functions(L, FUNCTIONS, 1);
}
