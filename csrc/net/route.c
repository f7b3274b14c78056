/* SPDX-License-Identifier: MIT
 *
 * Birth, copies and count of a route; see route.h. What the engine does with one stands in engine.c. */
#define _POSIX_C_SOURCE 200809L
#include "net/route.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static bool copy(const char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

static void destroy(struct route *route)
{
    free((char *)route->settings.ca_file);
    free((char *)route->settings.client_cert);
    free((char *)route->settings.client_key);
    if (route->settings.proxy) /* its URL may carry a password */
        buf_cleanse((char *)route->settings.proxy, strlen(route->settings.proxy));
    free((char *)route->settings.proxy);
    free(route);
}

struct route *route_new(const struct route_settings *settings)
{
    static atomic_uint_fast64_t last_id;
    struct route *route = calloc(1, sizeof(*route));
    if (!route)
        return NULL;
    struct route_settings *own = &route->settings;
    own->tls_verify = settings->tls_verify;
    own->http_version = settings->http_version;
    own->max_connections = settings->max_connections;
    if (!copy(&own->ca_file, settings->ca_file) || !copy(&own->client_cert, settings->client_cert) ||
        !copy(&own->client_key, settings->client_key) || !copy(&own->proxy, settings->proxy)) {
        destroy(route);
        return NULL;
    }
    route->id = atomic_fetch_add(&last_id, 1) + 1;
    atomic_init(&route->refs, 1);
    return route;
}

void route_ref(struct route *route)
{
    atomic_fetch_add_explicit(&route->refs, 1, memory_order_relaxed);
}

void route_unref(struct route *route)
{
    if (atomic_fetch_sub_explicit(&route->refs, 1, memory_order_acq_rel) == 1)
        destroy(route);
}
