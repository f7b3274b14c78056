/* SPDX-License-Identifier: MIT
 *
 * Where jobs go: how to reach one host (TLS, proxy, HTTP version) and how many may be on the way at once. The
 * settings are fixed at birth; the counters and the queue belong to the engine's thread. Counted references:
 * Lua holds one, each job on its way holds one. */
#ifndef IOTMSG_ROUTE_H
#define IOTMSG_ROUTE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_WARM_MS 55000 /* since a connection stood; a little less than libcurl keeps an address */

struct job;

enum route_http { ROUTE_HTTP_AUTO, ROUTE_HTTP_1_1, ROUTE_HTTP_2 };

struct route_settings {
    const char *ca_file; /* NULL in any of these: not set */
    const char *client_cert;
    const char *client_key;
    const char *proxy;
    bool tls_verify;
    enum route_http http_version;
    unsigned max_connections;
};

struct route {
    struct route_settings settings; /* strings owned */
    uint64_t id;                    /* never used twice: tells which route a pooled handle was made for */
    atomic_size_t refs;

    /* The engine's own. */
    const void *engine; /* the engine whose counters these are: a forked child starts over */
    unsigned active;    /* jobs given to libcurl */
    unsigned connected; /* those of them that have got a connection */
    bool speaks_h2;     /* ALPN said so the last time */
    int64_t warm_until_ms;
    struct job *first, *last; /* waiting for a place */
    bool listed;              /* in the engine's list of routes with waiting jobs */
    struct route *next_listed;
    struct route *next_busy; /* in the engine's list of routes with active jobs */
};

/* Returns a new route with one reference and its own copies of the settings, or NULL. Any thread. */
struct route *route_new(const struct route_settings *settings);

/* Takes one more reference. Any thread. */
void route_ref(struct route *route);

/* Gives a reference back; the last one frees the route. Any thread. */
void route_unref(struct route *route);

#endif
