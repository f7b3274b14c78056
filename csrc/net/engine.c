/* SPDX-License-Identifier: MIT
 *
 * The loop: take in, let go what is due, start what has a place, perform, collect, wait. The inbox and the
 * flags are guarded by one lock that is held for a few instructions; everything else belongs to the thread
 * alone.
 *
 * Connections per host are capped here rather than in libcurl, because libcurl forgets the deadlines of
 * transfers it holds back. A host that has not answered lately is cold: one job goes first, and the others
 * follow once it has connected, so that a burst of first calls does not start a resolver thread each. */
#define _DEFAULT_SOURCE
#include "net/engine.h"

#include "net/http.h"
#include "net/outlet.h"
#include "net/route.h"
#include "net/timers.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define POOL_SIZE 256         /* idle easy handles kept */
#define POOL_SEARCH 8         /* how deep to look for one of the same route */
#define IDLE_CONNECTIONS 256L /* libcurl would keep four times the transfers it happens to have */
#define H2_STREAMS 100        /* per connection, as RFC 9113 section 6.5.2 recommends at least */
#define WAIT_MAX_MS 60000
#define STOP_MARGIN_MS 1000
#define NEVER_SENT "the deadline passed before it was sent"

struct pooled {
    CURL *easy;
    uint64_t route_id; /* the route it is configured for */
};

struct engine {
    pthread_t thread;
    pthread_mutex_t lock; /* guards the block below */
    pthread_cond_t changed;
    struct job *inbox_first, *inbox_last;
    bool asleep;  /* the thread waits, or is about to */
    bool cancels; /* some job's cancel flag is set */
    bool park, parked;
    int64_t stop_by_ms; /* INT64_MAX until the engine is asked to stop */
    bool closed;        /* nothing is taken in any more */
    bool ended;
    size_t cut_off; /* calls cancelled by stop */

    /* The thread's own. */
    CURLM *multi;
    CURLSH *share; /* TLS sessions; only this thread uses it, so it needs no lock functions */
    struct timers timers;
    struct job *live; /* every job let in and not complete */
    size_t live_count;
    size_t live_requests;  /* those that are no timers */
    struct route *waiting; /* routes with jobs that wait for a place */
    struct route *busy;    /* routes with active jobs */
    struct pooled pool[POOL_SIZE];
    size_t pooled;
};

static void live_add(struct engine *e, struct job *job)
{
    job->live_prev = NULL;
    job->live_next = e->live;
    if (e->live)
        e->live->live_prev = job;
    e->live = job;
    e->live_count++;
    e->live_requests += job->url != NULL;
}

static void live_remove(struct engine *e, struct job *job)
{
    if (job->live_prev)
        job->live_prev->live_next = job->live_next;
    else
        e->live = job->live_next;
    if (job->live_next)
        job->live_next->live_prev = job->live_prev;
    e->live_count--;
    e->live_requests -= job->url != NULL;
}

/* The one place where a job ends. The job is the outlet's afterwards. */
static void complete(struct engine *e, struct job *job)
{
    timers_remove(&e->timers, job);
    live_remove(e, job);
    job->state = JOB_DONE;
    outlet_push(job->outlet, job);
}

static void end_with(struct engine *e, struct job *job, enum job_end end, const char *message)
{
    job->end = end;
    strncpy(job->message, message, JOB_MESSAGE_SIZE - 1);
    complete(e, job);
}

static CURL *pool_take(struct engine *e, const struct route *route)
{
    size_t pick = e->pooled;
    for (size_t back = 1; back <= e->pooled && back <= POOL_SEARCH; back++) {
        if (e->pool[e->pooled - back].route_id == route->id) {
            pick = e->pooled - back;
            break;
        }
    }
    if (pick < e->pooled) {
        CURL *easy = e->pool[pick].easy;
        e->pool[pick] = e->pool[--e->pooled];
        return easy;
    }
    CURL *easy = e->pooled > 0 ? e->pool[--e->pooled].easy : curl_easy_init();
    if (!easy)
        return NULL;
    curl_easy_reset(easy);
    if (!http_configure(easy, route, e->share)) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

static void pool_give(struct engine *e, CURL *easy, const struct route *route)
{
    if (e->pooled == POOL_SIZE) {
        curl_easy_cleanup(easy);
        return;
    }
    e->pool[e->pooled++] = (struct pooled){.easy = easy, .route_id = route->id};
}

static void claim_route(struct engine *e, struct route *route)
{
    if (route->engine == e)
        return;
    /* New, or inherited from the engine of the parent process. */
    route->engine = e;
    route->active = route->connected = 0;
    route->warm_until_ms = 0;
    route->first = route->last = NULL;
    route->listed = false;
}

static bool is_warm(const struct route *route, int64_t now)
{
    return route->connected > 0 || now < route->warm_until_ms;
}

static unsigned places(const struct route *route, int64_t now)
{
    if (!is_warm(route, now))
        return 1;
    /* One HTTP/2 connection carries so many; what is over would open connections past the cap. */
    return route->speaks_h2 ? H2_STREAMS : route->settings.max_connections;
}

static void route_append(struct engine *e, struct job *job)
{
    struct route *route = job->route;
    job->next = NULL;
    job->previous = route->last;
    if (route->last)
        route->last->next = job;
    else
        route->first = job;
    route->last = job;
    if (!route->listed) {
        route->listed = true;
        route_ref(route); /* the list outlives the jobs in the queue */
        route->next_listed = e->waiting;
        e->waiting = route;
    }
}

static void route_remove(struct job *job)
{
    struct route *route = job->route;
    *(job->previous ? &job->previous->next : &route->first) = job->next;
    *(job->next ? &job->next->previous : &route->last) = job->previous;
}

/* Where an HTTP/2 server takes few streams on a connection, libcurl opens more by itself; its one cap for all
 * hosts is the highest that a route in use has. Over HTTP/1.1 our own places do, and libcurl's cap stays off:
 * with 7.88, calls that it held back were seen to wait for ever. */
static void cap_connections(struct engine *e)
{
    unsigned cap = 0;
    bool h2 = false;
    for (struct route *route = e->busy; route; route = route->next_busy) {
        h2 = h2 || route->speaks_h2;
        if (route->settings.max_connections > cap)
            cap = route->settings.max_connections;
    }
    curl_multi_setopt(e->multi, CURLMOPT_MAX_HOST_CONNECTIONS, h2 ? (long)cap : 0L);
}

static void enter_busy(struct engine *e, struct route *route)
{
    route->next_busy = e->busy;
    e->busy = route;
}

static void leave_busy(struct engine *e, struct route *route)
{
    struct route **link = &e->busy;
    while (*link != route)
        link = &(*link)->next_busy;
    *link = route->next_busy;
}

/* Takes an active job away from libcurl. */
static void detach(struct engine *e, struct job *job)
{
    struct route *route = job->route;
    curl_multi_remove_handle(e->multi, job->easy);
    curl_easy_setopt(job->easy, CURLOPT_ERRORBUFFER, NULL);
    pool_give(e, job->easy, route);
    job->easy = NULL;
    route->connected -= job->connected;
    if (--route->active > 0)
        return;
    leave_busy(e, route);
    if (!job->connected)
        route->warm_until_ms = 0;
}

/* When the job is due: its deadline, or the connect deadline while it has not connected. */
static void arm_deadline(struct engine *e, struct job *job)
{
    int64_t at = job->deadline_ms < job->connect_deadline_ms ? job->deadline_ms : job->connect_deadline_ms;
    timers_set(&e->timers, job, at);
}

static void start_job(struct engine *e, struct job *job, int64_t now)
{
    struct route *route = job->route;
    int64_t connect_ms = job->connect_timeout_ms;
    if (job->connect_deadline_ms != INT64_MAX)
        connect_ms = job->connect_deadline_ms - now;
    else if (!route->speaks_h2 ||
             !is_warm(route, now)) /* a warm h2 connection may keep it waiting for a stream */
        job->connect_deadline_ms = now + connect_ms;
    CURL *easy = pool_take(e, route);
    if (!easy || !http_arm(easy, job, connect_ms) || curl_multi_add_handle(e->multi, easy) != CURLM_OK) {
        if (easy)
            curl_easy_cleanup(easy);
        job->easy = NULL;
        end_with(e, job, JOB_RESOURCE, "no memory for another transfer");
        return;
    }
    job->state = JOB_ACTIVE;
    if (route->active++ == 0)
        enter_busy(e, route);
    cap_connections(e); /* each time: the first connection has told what the server speaks */
    arm_deadline(e, job);
}

/* A job whose hold has passed. While the host is cold, waiting for the first connection is part of
 * connecting. */
static void ready_job(struct engine *e, struct job *job, int64_t now)
{
    struct route *route = job->route;
    claim_route(e, route);
    job->state = JOB_READY;
    if (!route->first && route->active < places(route, now)) {
        start_job(e, job, now);
        return;
    }
    if (!is_warm(route, now))
        job->connect_deadline_ms = now + job->connect_timeout_ms;
    route_append(e, job);
    arm_deadline(e, job);
}

static void start_waiting(struct engine *e, int64_t now)
{
    struct route **link = &e->waiting;
    while (*link) {
        struct route *route = *link;
        while (route->first && route->active < places(route, now)) {
            struct job *job = route->first;
            route_remove(job);
            if (is_warm(route, now))
                job->connect_deadline_ms = INT64_MAX;
            start_job(e, job, now);
        }
        if (route->first) {
            link = &route->next_listed;
        } else {
            *link = route->next_listed;
            route->listed = false;
            route_unref(route);
        }
    }
}

static void end_early(struct engine *e, struct job *job, enum job_end end, const char *message)
{
    enum job_state state = job->state;
    if (state == JOB_ACTIVE && job->reply_whole) {
        /* The reply is the answer; only the rest of our request was still on its way. */
        http_finish(job->easy, job, CURLE_OK);
        detach(e, job);
        complete(e, job);
        return;
    }
    if (state == JOB_ACTIVE)
        detach(e, job);
    else if (state == JOB_READY)
        route_remove(job);
    end_with(e, job, end, message);
}

static void on_due(struct engine *e, struct job *job, int64_t now)
{
    if (job->state == JOB_HELD && !job->url) {
        end_with(e, job, JOB_ELAPSED, "");
    } else if (now >= job->deadline_ms) {
        end_early(e, job, JOB_TIMEOUT, job->sends ? "no reply before the deadline" : NEVER_SENT);
    } else if (job->state == JOB_HELD) {
        timers_remove(&e->timers, job);
        ready_job(e, job, now);
    } else if (now >= job->connect_deadline_ms) {
        end_early(e, job, JOB_TIMEOUT, "no connection before the connect deadline");
    } else {
        arm_deadline(e, job); /* it has connected in the meantime */
    }
}

static void run_timers(struct engine *e, int64_t now)
{
    struct job *job;
    while ((job = timers_first(&e->timers)) && job->timer_at_ms <= now)
        on_due(e, job, now);
}

static void let_in(struct engine *e, struct job *job, int64_t now)
{
    live_add(e, job);
    if (!timers_reserve(&e->timers, e->live_count)) {
        end_with(e, job, JOB_RESOURCE, "no memory for another call");
    } else if (job->hold_until_ms > now) {
        job->state = JOB_HELD;
        timers_set(&e->timers, job,
                   job->url && job->deadline_ms < job->hold_until_ms ? job->deadline_ms : job->hold_until_ms);
    } else if (!job->url) {
        end_with(e, job, JOB_ELAPSED, "");
    } else if (now >= job->deadline_ms) {
        end_with(e, job, JOB_TIMEOUT, NEVER_SENT);
    } else {
        ready_job(e, job, now);
    }
}

static void cancel_flagged(struct engine *e)
{
    struct job *next;
    for (struct job *job = e->live; job; job = next) {
        next = job->live_next;
        if (atomic_load_explicit(&job->cancel, memory_order_acquire))
            end_early(e, job, JOB_CANCELLED, "cancelled");
    }
}

static void collect(struct engine *e)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(e->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct job *job = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
        http_finish(message->easy_handle, job, message->data.result);
        detach(e, job);
        complete(e, job);
    }
}

static void stand_parked(struct engine *e)
{
    e->parked = true;
    pthread_cond_broadcast(&e->changed);
    while (e->park)
        pthread_cond_wait(&e->changed, &e->lock);
    e->parked = false;
}

/* Completes a job that came too late to be taken in. */
static void refuse(struct job *job)
{
    job->state = JOB_DONE;
    job->end = JOB_CANCELLED;
    strcpy(job->message, "the process is exiting");
    outlet_push(job->outlet, job);
}

/* Cuts off what is still under way, calls in back-off included, and closes the inbox. */
static void end_all(struct engine *e)
{
    size_t calls = e->live_count;
    while (e->live)
        end_early(e, e->live, JOB_CANCELLED, "cut off at exit");
    pthread_mutex_lock(&e->lock);
    struct job *late = e->inbox_first;
    e->inbox_first = e->inbox_last = NULL;
    e->closed = true;
    e->cut_off = calls;
    pthread_mutex_unlock(&e->lock);
    while (late) {
        struct job *next = late->next;
        refuse(late);
        late = next;
    }
}

static void release_curl(struct engine *e)
{
    while (e->waiting) {
        struct route *route = e->waiting;
        e->waiting = route->next_listed;
        route->listed = false;
        route_unref(route);
    }
    while (e->pooled > 0)
        curl_easy_cleanup(e->pool[--e->pooled].easy);
    curl_multi_cleanup(e->multi);
    curl_share_cleanup(e->share);
    timers_free(&e->timers);
}

/* Takes the inbox; says whether the thread is done. A park is stood here, outside libcurl and OpenSSL. */
static bool take_in(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->asleep = false;
    if (e->park)
        stand_parked(e);
    struct job *inbox = e->inbox_first;
    e->inbox_first = e->inbox_last = NULL;
    bool cancels = e->cancels;
    e->cancels = false;
    int64_t stop_by = e->stop_by_ms;
    pthread_mutex_unlock(&e->lock);
    int64_t now = inbox || stop_by != INT64_MAX ? job_now_ms() : 0;
    while (inbox) {
        struct job *next = inbox->next;
        let_in(e, inbox, now);
        inbox = next;
    }
    if (cancels)
        cancel_flagged(e);
    return stop_by != INT64_MAX && (e->live_requests == 0 || now >= stop_by);
}

/* How long the thread may wait. 0 when something came in while it worked; otherwise it is marked asleep, and
 * from then on whoever brings something wakes it. */
static int prepare_wait(struct engine *e)
{
    struct job *due = timers_first(&e->timers);
    int64_t wait = WAIT_MAX_MS;
    int64_t until = due ? due->timer_at_ms : INT64_MAX;
    pthread_mutex_lock(&e->lock);
    if (e->stop_by_ms < until)
        until = e->stop_by_ms;
    if (until != INT64_MAX)
        wait = until - job_now_ms();
    wait = wait < 0 ? 0 : wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait;
    if (e->inbox_first || e->cancels || e->park || (e->stop_by_ms != INT64_MAX && e->live_requests == 0))
        wait = 0;
    else
        e->asleep = true;
    pthread_mutex_unlock(&e->lock);
    return (int)wait;
}

static void *run(void *arg)
{
    struct engine *e = arg;
    while (!take_in(e)) {
        int running;
        curl_multi_perform(e->multi, &running);
        collect(e);
        int64_t now = job_now_ms();
        run_timers(e, now);
        if (e->waiting)
            start_waiting(e, now);
        curl_multi_poll(e->multi, NULL, 0, prepare_wait(e), NULL);
    }
    end_all(e);
    release_curl(e);
    pthread_mutex_lock(&e->lock);
    e->ended = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void destroy(struct engine *e)
{
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/* libcurl's own wake-up sockets are born without close-on-exec and cannot be asked for: they take the two
 * lowest free numbers, so those are looked at afterwards. */
static CURLM *open_multi(void)
{
    int fds[2] = {open("/dev/null", O_RDONLY | O_CLOEXEC), open("/dev/null", O_RDONLY | O_CLOEXEC)};
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    CURLM *multi = curl_multi_init();
    for (int i = 0; i < 2; i++) {
        struct sockaddr address;
        socklen_t len = sizeof(address);
        if (fds[i] >= 0 && getsockname(fds[i], &address, &len) == 0 && address.sa_family == AF_UNIX)
            fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    }
    return multi;
}

static bool open_curl(struct engine *e)
{
    e->multi = open_multi();
    e->share = curl_share_init();
    return e->multi && e->share &&
           curl_share_setopt(e->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 256L) == CURLM_OK;
}

/* The thread takes no signal of the host's. */
static bool start_thread(struct engine *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&e->thread, NULL, run, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

struct engine *engine_new(const char **why)
{
    struct engine *e = calloc(1, sizeof(*e));
    if (!e) {
        *why = "no memory for the I/O thread";
        return NULL;
    }
    e->stop_by_ms = INT64_MAX;
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    bool open = open_curl(e);
    if (open && start_thread(e))
        return e;
    *why = open ? "the I/O thread could not be created" : "no memory or descriptors for libcurl";
    release_curl(e);
    destroy(e);
    return NULL;
}

/* Ends a critical section that brought the thread something to do: wakes it if it may be asleep, once. Under
 * the lock, because the multi handle is sure to live only while the thread cannot pass it. */
static void unlock_and_wake(struct engine *e)
{
    if (e->asleep)
        curl_multi_wakeup(e->multi);
    e->asleep = false;
    pthread_mutex_unlock(&e->lock);
}

void engine_submit(struct engine *e, struct job *job)
{
    job->next = NULL;
    job->state = JOB_SUBMITTED;
    pthread_mutex_lock(&e->lock);
    if (e->closed) {
        pthread_mutex_unlock(&e->lock);
        refuse(job);
        return;
    }
    if (e->inbox_last)
        e->inbox_last->next = job;
    else
        e->inbox_first = job;
    e->inbox_last = job;
    unlock_and_wake(e);
}

void engine_cancel_flagged(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->cancels = true;
    unlock_and_wake(e);
}

void engine_park(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->park = true;
    unlock_and_wake(e);
    pthread_mutex_lock(&e->lock);
    while (!e->parked && !e->ended)
        pthread_cond_wait(&e->changed, &e->lock);
    /* The lock stays held until engine_unpark, so the inbox is whole in the child too. */
}

void engine_unpark(struct engine *e)
{
    e->park = false;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

size_t engine_stop(struct engine *e, int64_t grace_ms)
{
    int64_t stop_by = job_now_ms() + grace_ms;
    int64_t give_up = stop_by + STOP_MARGIN_MS;
    struct timespec until = {.tv_sec = give_up / 1000, .tv_nsec = give_up % 1000 * 1000000};
    pthread_mutex_lock(&e->lock);
    e->stop_by_ms = stop_by;
    unlock_and_wake(e);
    pthread_mutex_lock(&e->lock);
    int timed_out = 0;
    while (!e->ended && !timed_out)
        timed_out = pthread_cond_timedwait(&e->changed, &e->lock, &until);
    bool ended = e->ended;
    size_t cut_off = e->cut_off;
    pthread_mutex_unlock(&e->lock);
    if (ended)
        pthread_join(e->thread, NULL);
    return cut_off;
}

void engine_free(struct engine *e)
{
    if (e->ended)
        destroy(e);
}
