/* SPDX-License-Identifier: MIT
 *
 * All that concerns the process as a whole. Order matters twice. Libcurl's (and so OpenSSL's) global set-up
 * comes before our atexit: handlers run backwards, so the thread has ended before OpenSSL cleans up under it.
 * At a fork the thread is parked outside libcurl and OpenSSL first: a child that inherits a lock held by a
 * thread it does not have would wait for ever. The child leaves the parent's engine alone, memory included,
 * and starts its own. */
#define _GNU_SOURCE
#include "net/process.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_GRACE_MS 2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the three below; held across a fork */
static struct engine *engine;
static struct engine *left_with_parent; /* keeps the abandoned memory reachable for leak checkers */
static bool ready, exiting;

static atomic_ulong generation;

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
    if (engine)
        engine_park(engine);
}

static void after_fork_in_parent(void)
{
    if (engine)
        engine_unpark(engine);
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    if (engine)
        left_with_parent = engine;
    engine = NULL;
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
}

/* Keeps this object in memory for good: a resolver thread of libcurl's may outlive our join, and the handlers
 * above must not point into nothing. */
static void pin(void)
{
    Dl_info self;
    if (dladdr((void *)(size_t)&process_engine, &self) && self.dli_fname)
        (void)dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

static bool forks_watched;

static void watch_forks(void)
{
    pin();
    forks_watched = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/* Forks are watched from the first question on, not from the first send: a nonce pool or a descriptor may be
 * older than the engine. */
unsigned long process_generation(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return atomic_load_explicit(&generation, memory_order_relaxed);
}

static void at_exit(void)
{
    pthread_mutex_lock(&lock);
    struct engine *last = engine; /* not freed: other threads may be about to submit, or to fork */
    exiting = true;
    pthread_mutex_unlock(&lock);
    size_t cut_off = last ? engine_stop(last, EXIT_GRACE_MS) : 0;
    if (cut_off > 0)
        fprintf(stderr, "iotmsg: the process ended with %zu call%s under way; the outcome is unknown\n",
                cut_off, cut_off == 1 ? "" : "s");
}

/* Each step at most once, however often it takes. */
static bool set_up(void)
{
    static bool curl_ready;
    curl_ready = curl_ready || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    (void)process_generation();
    return curl_ready && forks_watched && atexit(at_exit) == 0;
}

struct engine *process_engine(const char **why)
{
    pthread_mutex_lock(&lock);
    if (exiting) {
        *why = "the process is exiting";
    } else if (!engine) {
        ready = ready || set_up();
        if (ready)
            engine = engine_new(why);
        else
            *why = "libcurl could not be initialised";
    }
    struct engine *current = exiting ? NULL : engine;
    pthread_mutex_unlock(&lock);
    return current;
}
