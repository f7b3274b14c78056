/* SPDX-License-Identifier: MIT
 *
 * The engine without Lua, against servers of its own on loopback: many jobs from many threads, storms of
 * cancels and parks, deadlines, dying connections, closed outlets, stop, fork and exit. What is checked
 * throughout is the law that every job completes exactly once. */
#define _GNU_SOURCE
#include "test.h"

#include "server.h"

#include "net/outlet.h"
#include "net/process.h"
#include "net/route.h"

#include <curl/curl.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOWED 1
#endif
#endif
#ifndef SLOWED
#define SLOWED 0
#endif

/* Counts and margins that suit the build: a sanitizer makes everything several times slower. */
#define SCALED(plain, slowed) (SLOWED ? (slowed) : (plain))
#define MARGIN_MS SCALED(500, 2500)
#define LONG_MS 60000

static struct server *server;

static struct engine *new_engine(void)
{
    const char *why = "";
    struct engine *engine = engine_new(&why);
    if (!engine) {
        printf("no engine: %s\n", why);
        exit(2);
    }
    return engine;
}

/* Ends the engine for good; returns how many calls it cut off. */
static size_t end_engine(struct engine *engine, int64_t grace_ms)
{
    size_t cut_off = engine_stop(engine, grace_ms);
    engine_free(engine);
    return cut_off;
}

static struct route *new_route(unsigned max_connections)
{
    struct route_settings settings = {.tls_verify = true, .max_connections = max_connections};
    return route_new(&settings);
}

static struct job *new_job_at(int port, const char *path, const char *body, size_t len)
{
    char url[128];
    static const struct field HEADER = {.name = "X-Test", .name_len = 6, .value = "yes", .value_len = 3};
    int url_len = snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
    struct job *job = job_new("POST", url, (size_t)url_len, &HEADER, 1, body, len);
    job->deadline_ms = job_now_ms() + LONG_MS;
    job->connect_timeout_ms = LONG_MS;
    return job;
}

static struct job *new_job(const char *path)
{
    return new_job_at(server->port, path, "hello", 5);
}

static struct job *new_timer(int64_t at_ms)
{
    struct job *job = job_new(NULL, NULL, 0, NULL, 0, NULL, 0);
    job->hold_until_ms = at_ms;
    return job;
}

/* Submits the job (route NULL for a timer) and returns its slot. */
static size_t submit(struct engine *engine, struct outlet *outlet, struct route *route, struct job *job)
{
    if (!outlet_admit(outlet, job))
        exit(2);
    if (route)
        route_ref(route);
    job->route = route;
    size_t slot = job->slot;
    engine_submit(engine, job);
    return slot;
}

/* The next completed job of the outlet, or NULL when none comes for far too long. */
static struct job *await(struct outlet *outlet)
{
    int64_t give_up = job_now_ms() + 30000;
    struct job *job;
    while (!(job = outlet_peek(outlet)) && job_now_ms() < give_up)
        wake_wait(&outlet->wake, 1000);
    return job;
}

struct tally {
    size_t all, replied, elapsed, network, timeout, cancelled, other, unsent;
};

/* Reaps count jobs; stops early, with fewer in the tally, when they do not come. */
static struct tally reap(struct outlet *outlet, size_t count)
{
    struct tally t = {0};
    struct job *job;
    while (t.all < count && (job = await(outlet))) {
        t.all++;
        t.replied += job->end == JOB_REPLIED;
        t.elapsed += job->end == JOB_ELAPSED;
        t.network += job->end == JOB_NETWORK;
        t.timeout += job->end == JOB_TIMEOUT;
        t.cancelled += job->end == JOB_CANCELLED;
        t.other += job->end == JOB_TLS || job->end == JOB_RESOURCE || job->end == JOB_PROTOCOL;
        t.unsent += job->sends == 0;
        outlet_pop(outlet);
    }
    return t;
}

/* True when nothing more is in the outlet and its descriptor says so. */
static bool is_empty(struct outlet *outlet)
{
    return !outlet_peek(outlet) && !wake_wait(&outlet->wake, 0) && outlet->free_count == outlet->slot_count;
}

struct crowd {
    struct engine *engine;
    struct route *route;
    unsigned first_id, count;
    uint64_t seed;
    size_t wrong; /* replies that were not the request's own, and ends that were not expected */
    size_t reaped;
};

enum { OUTLETS = 2, UNDER_WAY = 40 };

/* Submits jobs with bodies of their own through two outlets, a few dozen under way, and takes each back. */
static void *crowd_member(void *arg)
{
    struct crowd *c = arg;
    struct outlet *outlets[OUTLETS];
    unsigned ids[OUTLETS][UNDER_WAY * 4] = {{0}};
    char body[3000], expected[3000], path[32];
    for (int i = 0; i < OUTLETS; i++)
        outlets[i] = outlet_new(process_generation());
    unsigned submitted = 0;
    while (c->reaped < c->count) {
        while (submitted < c->count && submitted - c->reaped < UNDER_WAY) {
            unsigned id = c->first_id + submitted;
            struct outlet *outlet = outlets[test_random(&c->seed) % OUTLETS];
            size_t len = id * 7919u % sizeof(body);
            memset(body, 'a' + (int)(id % 26), len);
            snprintf(path, sizeof(path), "/echo/%u", id);
            struct job *job = new_job_at(server->port, path, body, len);
            ids[outlet == outlets[1]][submit(c->engine, outlet, c->route, job)] = id;
            submitted++;
        }
        bool any = false;
        for (int i = 0; i < OUTLETS; i++) {
            struct job *job;
            while ((job = outlet_peek(outlets[i]))) {
                unsigned id = ids[i][job->slot];
                size_t len = id * 7919u % sizeof(expected);
                memset(expected, 'a' + (int)(id % 26), len);
                bool own = job->end == JOB_REPLIED && job->status == 200 && job->reply_body.len == len &&
                           (len == 0 || memcmp(job->reply_body.at, expected, len) == 0) && job->sends == 1;
                c->wrong += !own;
                c->reaped++;
                any = true;
                outlet_pop(outlets[i]);
            }
        }
        if (!any) {
            struct pollfd fds[OUTLETS];
            for (int i = 0; i < OUTLETS; i++)
                fds[i] = (struct pollfd){.fd = outlets[i]->wake.read_fd, .events = POLLIN};
            if (poll(fds, OUTLETS, 20000) == 0)
                break; /* a wake-up was lost, or a job */
        }
    }
    for (int i = 0; i < OUTLETS; i++) {
        c->wrong += !is_empty(outlets[i]);
        outlet_close(outlets[i]);
    }
    return NULL;
}

/* Runs the crowd while something else happens in meanwhile (may be NULL), and checks every job. */
static void run_crowd(struct engine *engine, unsigned count, void (*meanwhile)(struct engine *))
{
    enum { MEMBERS = 4 };
    static unsigned next_id = 1;
    pthread_t threads[MEMBERS];
    struct crowd members[MEMBERS];
    struct route *route = new_route(16);
    unsigned first = next_id;
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i] = (struct crowd){
            .engine = engine, .route = route, .first_id = next_id, .count = count, .seed = 11 + i};
        next_id += count;
        pthread_create(&threads[i], NULL, crowd_member, &members[i]);
    }
    if (meanwhile)
        meanwhile(engine);
    for (unsigned i = 0; i < MEMBERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(members[i].reaped == count);
        CHECK(members[i].wrong == 0);
    }
    route_unref(route);
    bool once = next_id <= SERVER_IDS;
    for (unsigned id = first; once && id < next_id; id++)
        once = atomic_load(&server->seen[id]) == 1;
    CHECK(once);
}

static void test_many(void)
{
    struct engine *engine = new_engine();
    run_crowd(engine, SCALED(1500, 1000), NULL);
    CHECK(end_engine(engine, 1000) == 0);
}

static void park_storm(struct engine *engine)
{
    uint64_t seed = 21;
    for (int i = 0; i < SCALED(4000, 1000); i++) {
        engine_park(engine);
        if (i % 64 == 0)
            usleep(1000);
        engine_unpark(engine);
        if (test_random(&seed) % 8 == 0)
            usleep((useconds_t)(test_random(&seed) % 300));
    }
}

static void test_park(void)
{
    struct engine *engine = new_engine();
    park_storm(engine); /* idle, its first moments included */
    run_crowd(engine, SCALED(500, 300), park_storm);
    CHECK(end_engine(engine, 1000) == 0);
}

static void test_timers(void)
{
    enum { COUNT = 400 };
    struct engine *engine = new_engine();
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(4);
    uint64_t seed = 31;
    int64_t start = job_now_ms();
    for (int i = 0; i < COUNT; i++)
        submit(engine, outlet, NULL, new_timer(start - 5 + (int64_t)(test_random(&seed) % 100)));
    int64_t last = 0;
    size_t count = 0;
    bool right = true, punctual = true;
    for (struct job *job; count < COUNT && (job = await(outlet)); count++) {
        int64_t now = job_now_ms();
        right = right && job->end == JOB_ELAPSED && now >= job->hold_until_ms && job->sends == 0;
        punctual = punctual && now - job->hold_until_ms < MARGIN_MS;
        /* Those due together may come in any order; those that were due at submission come at once. */
        right = right && (job->hold_until_ms >= last || job->hold_until_ms <= start + 50);
        last = job->hold_until_ms > last ? job->hold_until_ms : last;
        outlet_pop(outlet);
    }
    CHECK(count == COUNT);
    CHECK(right);
    CHECK(punctual);

    struct job *held = new_job("/echo/0");
    held->hold_until_ms = job_now_ms() + 80;
    struct job *too_late = new_job("/silent");
    too_late->hold_until_ms = job_now_ms() + 10000;
    too_late->deadline_ms = job_now_ms() + 40;
    int64_t until = held->hold_until_ms;
    unsigned requests = atomic_load(&server->requests);
    submit(engine, outlet, route, held);
    submit(engine, outlet, route, too_late);
    struct job *job = await(outlet);
    CHECK(job == too_late && job->end == JOB_TIMEOUT && job->sends == 0 && job_now_ms() < until);
    CHECK(atomic_load(&server->requests) == requests);
    outlet_pop(outlet);
    job = await(outlet);
    CHECK(job == held && job->end == JOB_REPLIED && job_now_ms() >= until);
    outlet_pop(outlet);
    CHECK(atomic_load(&server->requests) == requests + 1);
    CHECK(is_empty(outlet));
    outlet_close(outlet);
    route_unref(route);
    CHECK(end_engine(engine, 0) == 0);
}

static void test_deadlines(void)
{
    enum { COUNT = 60, CONNECTIONS = 4 };
    struct engine *engine = new_engine();
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(CONNECTIONS), *stuck_route = new_route(CONNECTIONS);
    int64_t start = job_now_ms();
    for (int i = 0; i < COUNT; i++) {
        struct job *job = new_job("/silent");
        job->deadline_ms = start + 150;
        submit(engine, outlet, route, job);
    }
    struct job *dead = new_job("/silent");
    dead->deadline_ms = start - 1;
    submit(engine, outlet, route, dead);
    struct tally t = reap(outlet, COUNT + 1);
    CHECK(t.all == COUNT + 1 && t.timeout == COUNT + 1);
    CHECK(t.unsent == COUNT + 1 - CONNECTIONS); /* the others waited for a place, and say so */
    CHECK(job_now_ms() - start >= 150 && job_now_ms() - start < 150 + MARGIN_MS);

    /* A host that takes no connection: its queue of unaccepted ones is full. */
    int port, closed_port, filler[8];
    int stuck = server_listen(0, &port);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    for (int i = 0; i < 8; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(filler[i], (struct sockaddr *)&to, sizeof(to));
    }
    usleep(20000);
    start = job_now_ms();
    for (int i = 0; i < 10; i++) {
        struct job *job = new_job_at(port, "/echo/0", "", 0);
        job->connect_timeout_ms = 120;
        submit(engine, outlet, stuck_route, job);
    }
    t = reap(outlet, 10);
    CHECK(t.all == 10 && t.timeout == 10 && t.unsent == 10);
    CHECK(job_now_ms() - start < 120 + 120 + MARGIN_MS);
    for (int i = 0; i < 8; i++)
        close(filler[i]);
    close(stuck);

    close(server_listen(1, &closed_port));
    for (int i = 0; i < 20; i++)
        submit(engine, outlet, stuck_route, new_job_at(closed_port, "/", "", 0));
    t = reap(outlet, 20);
    CHECK(t.all == 20 && t.network == 20 && t.unsent == 20);
    CHECK(is_empty(outlet));
    outlet_close(outlet);
    route_unref(route);
    route_unref(stuck_route);
    CHECK(end_engine(engine, 0) == 0);
}

static void *cancel_storm(void *arg)
{
    enum { COUNT = 400 };
    struct engine *engine = arg;
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(4), *quick = new_route(4);
    uint64_t seed = (uint64_t)(uintptr_t)&outlet | 1;
    struct tally t = {0};
    for (int round = 0; round < 3; round++) {
        size_t slots[COUNT];
        for (int i = 0; i < COUNT; i++) {
            struct job *job = i % 8 == 0 ? new_timer(job_now_ms() + LONG_MS) : NULL;
            bool replies = i % 8 == 1;
            if (!job)
                job = new_job(replies ? "/echo/0" : "/silent");
            if (i % 8 == 2)
                job->hold_until_ms = job_now_ms() + LONG_MS;
            slots[i] = submit(engine, outlet, !job->url ? NULL : replies ? quick : route, job);
            /* Some are cancelled while the others still come in, some twice. A slot is only popped below. */
            size_t victim = slots[test_random(&seed) % (size_t)(i + 1)];
            atomic_store_explicit(&outlet->slots[victim]->cancel, true, memory_order_release);
            if (i % 5 == 0)
                engine_cancel_flagged(engine);
        }
        for (int i = 0; i < COUNT; i++)
            atomic_store_explicit(&outlet->slots[slots[i]]->cancel, true, memory_order_release);
        engine_cancel_flagged(engine);
        t = reap(outlet, COUNT);
        CHECK(t.all == COUNT && t.cancelled + t.replied == COUNT && t.replied <= COUNT / 8);
        CHECK(is_empty(outlet));
    }
    outlet_close(outlet);
    route_unref(route);
    route_unref(quick);
    return NULL;
}

static void test_cancel(void)
{
    enum { STORMS = 3 };
    struct engine *engine = new_engine();
    pthread_t threads[STORMS];
    for (int i = 0; i < STORMS; i++)
        pthread_create(&threads[i], NULL, cancel_storm, engine);
    for (int i = 0; i < STORMS; i++)
        pthread_join(threads[i], NULL);
    CHECK(end_engine(engine, 0) == 0);
}

/* A connection that has served before dies under the next request: libcurl would send it again. */
static void test_reused_connection_dies(void)
{
    struct engine *engine = new_engine();
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(1);
    unsigned died = atomic_load(&server->died), opened = atomic_load(&server->opened);
    bool right = true;
    for (int i = 0; i < 20; i++) {
        submit(engine, outlet, route, new_job("/echo/0"));
        struct tally t = reap(outlet, 1);
        right = right && t.replied == 1;
        struct job *job = i % 2 ? new_job("/die") : new_job_at(server->port, "/die", "", 0);
        submit(engine, outlet, route, job);
        job = await(outlet);
        right = right && job->end == JOB_NETWORK && job->sends == 1 && job->message[0];
        outlet_pop(outlet);
    }
    CHECK(right);
    CHECK(atomic_load(&server->died) == died + 20);
    CHECK(atomic_load(&server->opened) <= opened + 40);
    outlet_close(outlet);
    route_unref(route);
    CHECK(end_engine(engine, 0) == 0);
}

static void test_replies(void)
{
    struct engine *engine = new_engine();
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(4);

    submit(engine, outlet, route, new_job("/half"));
    struct job *job = await(outlet);
    CHECK(job->end == JOB_NETWORK && job->sends == 1);
    outlet_pop(outlet);

    submit(engine, outlet, route, new_job("/early")); /* the length of the 103 is not the reply's */
    job = await(outlet);
    CHECK(job->end == JOB_NETWORK && job->sends == 1);
    outlet_pop(outlet);

    submit(engine, outlet, route, new_job("/huge"));
    job = await(outlet);
    CHECK(job->end == JOB_PROTOCOL && job->reply_body.len <= JOB_REPLY_BODY_MAX);
    outlet_pop(outlet);

    /* The reply is whole while the request is still on its way, then nothing: it is the answer all the same.
     */
    char *large = calloc(1, 8u << 20);
    job = new_job_at(server->port, "/linger", large, 8u << 20);
    job->deadline_ms = job_now_ms() + 300;
    submit(engine, outlet, route, job);
    job = await(outlet);
    CHECK(job->end == JOB_REPLIED && job->status == 200 && job->reply_body.len == 5);
    outlet_pop(outlet);
    free(large);

    outlet_close(outlet);
    route_unref(route);
    CHECK(end_engine(engine, 0) == 0);
}

/* The outlet and the route are given up with jobs in every state; the engine goes on, and then stops. */
static void test_outlet_closed(void)
{
    struct engine *engine = new_engine();
    for (int round = 0; round < 10; round++) {
        struct outlet *outlet = outlet_new(0);
        struct route *route = new_route(4), *quick = new_route(4);
        for (int i = 0; i < 40; i++) {
            submit(engine, outlet, route, new_job("/silent"));
            submit(engine, outlet, quick, new_job("/echo/0"));
            submit(engine, outlet, NULL, new_timer(job_now_ms() + i % 3 * 5));
            submit(engine, outlet, NULL, new_timer(job_now_ms() + LONG_MS));
        }
        if (round % 2)
            usleep(5000);
        route_unref(route);
        route_unref(quick);
        outlet_close(outlet);
    }
    run_crowd(engine, 20, NULL);
    int64_t start = job_now_ms();
    CHECK(end_engine(engine, 100) >= 400);
    CHECK(job_now_ms() - start < 100 + MARGIN_MS);
}

static void test_stop(void)
{
    enum { COUNT = 30 };
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(4), *quick = new_route(8);
    struct engine *engine = new_engine();
    CHECK(end_engine(engine, 1000) == 0); /* at once, in its first moments */

    engine = new_engine();
    for (int i = 0; i < COUNT; i++)
        submit(engine, outlet, route, new_job("/silent"));
    for (int i = 0; i < COUNT; i++)
        submit(engine, outlet, quick, new_job("/echo/0"));
    int64_t start = job_now_ms();
    CHECK(end_engine(engine, 200) == COUNT);
    int64_t took = job_now_ms() - start;
    CHECK(took >= 200 && took < 200 + MARGIN_MS);
    struct tally t = reap(outlet, 2 * COUNT);
    CHECK(t.all == 2 * COUNT && t.cancelled == COUNT && t.replied == COUNT);

    engine = new_engine();
    for (int i = 0; i < COUNT; i++)
        submit(engine, outlet, quick, new_job("/echo/0"));
    start = job_now_ms();
    CHECK(end_engine(engine, 10000) == 0); /* they finish within the grace, and no more is waited */
    CHECK(job_now_ms() - start < MARGIN_MS);
    t = reap(outlet, COUNT);
    CHECK(t.all == COUNT && t.replied == COUNT);

    engine = new_engine();
    for (int i = 0; i < COUNT; i++)
        submit(engine, outlet, NULL, new_timer(job_now_ms() + LONG_MS));
    start = job_now_ms();
    CHECK(end_engine(engine, 10000) == COUNT); /* a call in back-off is cut off, but not waited for */
    CHECK(job_now_ms() - start < MARGIN_MS);
    t = reap(outlet, COUNT);
    CHECK(t.all == COUNT && t.cancelled == COUNT);
    CHECK(is_empty(outlet));
    outlet_close(outlet);
    route_unref(route);
    route_unref(quick);
}

/* Stop comes while jobs do; many short lives, because what can go wrong takes a few instructions. */
static void test_stop_while_busy(void)
{
    bool once = true;
    for (int round = 0; round < SCALED(200, 60); round++) {
        struct outlet *outlet = outlet_new(0);
        struct route *route = new_route(8);
        struct engine *engine = new_engine();
        for (int i = 0; i < 10; i++)
            submit(engine, outlet, route, new_job(i % 5 ? "/echo/0" : "/silent"));
        if (round % 4)
            usleep((useconds_t)(round % 40 * 50));
        end_engine(engine, round % 3);
        struct tally t = reap(outlet, 10);
        once = once && t.all == 10 && t.replied + t.cancelled == 10 && is_empty(outlet);
        outlet_close(outlet);
        route_unref(route);
    }
    CHECK(once);
}

/* libcurl's own wake-up pair: born inside curl_multi_init, which has no hook and names it to nobody. */
static bool is_wakeup_pair(int fd)
{
    int domain = 0;
    socklen_t len = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

struct latecomer {
    struct engine *engine;
    struct route *route;
    struct tally tally;
};

enum { LATE = 60 };

static void *submit_late(void *arg)
{
    struct latecomer *late = arg;
    struct outlet *outlet = outlet_new(0);
    for (int i = 0; i < LATE; i++)
        submit(late->engine, outlet, late->route, new_job("/echo/0"));
    late->tally = reap(outlet, LATE);
    outlet_close(outlet);
    return NULL;
}

/* Other threads submit before, while and after the engine stops: what it does not take in is cancelled. */
static void test_submit_while_stopping(void)
{
    bool once = true;
    for (int round = 0; round < SCALED(100, 40); round++) {
        pthread_t threads[2];
        struct engine *engine = new_engine();
        struct latecomer late = {.engine = engine, .route = new_route(8)}, later = late;
        pthread_create(&threads[0], NULL, submit_late, &late);
        pthread_create(&threads[1], NULL, submit_late, &later);
        usleep((useconds_t)(round % 20 * 30));
        engine_stop(engine, round % 2);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        engine_free(engine);
        route_unref(late.route);
        once = once && late.tally.replied + late.tally.cancelled == LATE &&
               later.tally.replied + later.tally.cancelled == LATE;
    }
    CHECK(once);
}

/* Every descriptor of the engine's is closed in a program that the host starts. */
static void test_descriptors(void)
{
    enum { FDS = 400 };
    bool before[FDS];
    for (int fd = 0; fd < FDS; fd++)
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    struct engine *engine = new_engine();
    struct outlet *outlet = outlet_new(0);
    struct route *route = new_route(4);
    for (int i = 0; i < 4; i++)
        submit(engine, outlet, route, new_job("/echo/0"));
    reap(outlet, 4);
    bool all = true;
    int own = 0, pairs = 0;
    for (int fd = 0; fd < FDS; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || before[fd])
            continue;
        own++;
        if (flags & FD_CLOEXEC)
            continue;
        if (is_wakeup_pair(fd))
            pairs++;
        else
            all = false;
    }
    CHECK(all && own >= 3 && pairs <= 2);
    outlet_close(outlet);
    route_unref(route);
    end_engine(engine, 0);
}

static struct engine *need_process_engine(void)
{
    const char *why = "";
    struct engine *engine = process_engine(&why);
    if (!engine) {
        printf("no engine in the process: %s\n", why);
        fflush(stdout);
        _exit(3);
    }
    return engine;
}

/* Exit status of the child, or 256 and more when a signal ended it. */
static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + status;
}

static int failed_before_fork; /* failures are counted where they happen, and a child starts from these */
static struct outlet *fork_outlet;
static struct route *fork_route;
enum { INHERITED = 12 };

/* The child's life: the parent's jobs come back to it as cancelled, and it sends on its own. */
static int in_child(unsigned long parent_generation)
{
    alarm(SCALED(10, 40));
    unsigned long generation = process_generation();
    if (generation == parent_generation)
        return 10;
    if (!outlet_adopt(fork_outlet, generation))
        return 11;
    for (int i = 0; i < INHERITED; i++) {
        struct job *job = outlet_peek(fork_outlet);
        if (!job)
            return 12;
        if (job->end == JOB_CANCELLED && (job->sends == 0 || !strstr(job->message, "fork")))
            return 13;
        if (job->end != JOB_CANCELLED && job->end != JOB_REPLIED)
            return 14;
        outlet_pop(fork_outlet);
    }
    if (!is_empty(fork_outlet))
        return 15;
    struct engine *engine = need_process_engine();
    for (int i = 0; i < 3; i++)
        submit(engine, fork_outlet, fork_route, new_job("/echo/0"));
    submit(engine, fork_outlet, NULL, new_timer(job_now_ms() + 1));
    struct tally t = reap(fork_outlet, 4);
    if (t.replied != 3 || t.elapsed != 1)
        return 16;
    return atomic_load(&test_failed) != failed_before_fork ? 17 : 0;
}

static void fork_storm(struct engine *engine)
{
    int worst = 0;
    fork_route = new_route(8);
    for (int round = 0; round < SCALED(250, 100); round++) {
        fork_outlet = outlet_new(process_generation());
        for (int i = 0; i < INHERITED; i++) {
            struct job *job = i % 3 == 0   ? new_timer(job_now_ms() + LONG_MS)
                              : i % 3 == 1 ? new_job("/silent")
                                           : new_job("/echo/0");
            submit(engine, fork_outlet, job->url ? fork_route : NULL, job);
        }
        unsigned long generation = process_generation();
        failed_before_fork = atomic_load(&test_failed);
        pid_t child = fork();
        if (child == 0)
            _exit(in_child(generation));
        int status = wait_for(child);
        worst = status > worst ? status : worst;
        for (size_t slot = 0; slot < fork_outlet->slot_count; slot++)
            if (fork_outlet->slots[slot])
                atomic_store(&fork_outlet->slots[slot]->cancel, true);
        engine_cancel_flagged(engine);
        struct tally t = reap(fork_outlet, INHERITED);
        if (t.all != INHERITED || t.cancelled + t.replied != INHERITED || !is_empty(fork_outlet))
            worst = 1000;
        outlet_close(fork_outlet);
    }
    if (!CHECK(worst == 0))
        printf("    worst end of a child: %d\n", worst);
    route_unref(fork_route);
}

/* A child of a threaded process can find ASan's own allocator locked for ever, so under it there is no crowd.
 */
static void test_fork(void)
{
#ifdef __SANITIZE_ADDRESS__
    fork_storm(need_process_engine());
#else
    run_crowd(need_process_engine(), SCALED(800, 250), fork_storm);
#endif
}

/* A child of a child, each with an engine of its own. */
static void test_fork_twice(void)
{
    need_process_engine();
    unsigned long generation = process_generation();
    fork_route = new_route(2);
    failed_before_fork = atomic_load(&test_failed);
    pid_t child = fork();
    if (child == 0) {
        alarm(SCALED(10, 40));
        fork_outlet = outlet_new(process_generation());
        submit(need_process_engine(), fork_outlet, fork_route, new_job("/echo/0"));
        if (reap(fork_outlet, 1).replied != 1)
            _exit(20);
        for (int i = 0; i < INHERITED; i++)
            submit(need_process_engine(), fork_outlet, fork_route, new_job("/silent"));
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(process_generation() != generation + 2 ? 21 : in_child(generation + 1));
        _exit(wait_for(grandchild));
    }
    CHECK(wait_for(child) == 0);
    route_unref(fork_route);
}

/* Runs body in a child, which then exits as a program does; returns its status, what it wrote to stderr, and
 * how long the exit took at most. */
static int run_to_exit(void (*body)(void), char *text, size_t size, int64_t *took_ms)
{
    int ends[2];
    if (pipe(ends) != 0)
        exit(2);
    int64_t start = job_now_ms();
    pid_t child = fork();
    if (child == 0) {
        alarm(SCALED(15, 60));
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while (len < size - 1 && (got = read(ends[0], text + len, size - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(ends[0]);
    int status = wait_for(child);
    *took_ms = job_now_ms() - start;
    return status;
}

static struct outlet *exit_outlet; /* reachable to the end: what is in it is no leak */
static struct route *exit_route;

static void exit_with_calls(void)
{
    exit_outlet = outlet_new(process_generation());
    exit_route = new_route(2);
    for (int i = 0; i < 3; i++)
        submit(need_process_engine(), exit_outlet, exit_route, new_job("/silent"));
}

/* As a Lua state leaves: it is closed, then the process ends, with one call sent and more in the queue. */
static void exit_after_close(void)
{
    exit_with_calls();
    usleep(50000);
    route_unref(exit_route);
    outlet_close(exit_outlet);
    exit_outlet = NULL;
    exit_route = NULL;
}

static void exit_with_timers(void)
{
    exit_outlet = outlet_new(process_generation());
    for (int i = 0; i < 3; i++)
        submit(need_process_engine(), exit_outlet, NULL, new_timer(job_now_ms() + LONG_MS));
}

static void *submit_for_ever(void *arg)
{
    const char *why;
    struct engine *engine;
    struct outlet **outlet = arg;
    *outlet = outlet_new(process_generation());
    while ((engine = process_engine(&why))) {
        submit(engine, *outlet, exit_route, new_job("/echo/0"));
        while (outlet_peek(*outlet))
            outlet_pop(*outlet);
        if ((*outlet)->slot_count - (*outlet)->free_count > UNDER_WAY)
            wake_wait(&(*outlet)->wake, 1);
    }
    return NULL;
}

/* Other threads go on sending while the main one exits. */
static void exit_while_others_send(void)
{
    static struct outlet *outlets[2];
    pthread_t threads[2];
    exit_route = new_route(4);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, submit_for_ever, &outlets[i]);
    usleep(20000);
}

static void test_exit(void)
{
    char text[8192];
    int64_t took;
    int status = run_to_exit(exit_with_calls, text, sizeof(text), &took);
    CHECK(status == 0 && took >= 1900 && took < 3000 + MARGIN_MS);
    if (!CHECK(strstr(text, "with 3 calls under way")))
        printf("    status %d, stderr: %s\n", status, text);

    status = run_to_exit(exit_after_close, text, sizeof(text), &took);
    if (!CHECK(status == 0 && took < 3000 + MARGIN_MS))
        printf("    status %d, stderr: %s\n", status, text);

    status = run_to_exit(exit_with_timers, text, sizeof(text), &took);
    if (!CHECK(status == 0 && took < MARGIN_MS && strstr(text, "with 3 calls under way")))
        printf("    status %d after %d ms, stderr: %s\n", status, (int)took, text);
}

static void test_exit_while_others_send(void)
{
    char text[8192];
    int64_t took;
    for (int round = 0; round < SCALED(15, 5); round++) {
        int status = run_to_exit(exit_while_others_send, text, sizeof(text), &took);
        if (!CHECK(status == 0 && took < 3000 + MARGIN_MS)) {
            printf("    status %d after %d ms, stderr: %s\n", status, (int)took, text);
            break;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } TESTS[] = {{"descriptors", test_descriptors},
                 {"many", test_many},
                 {"timers", test_timers},
                 {"deadlines", test_deadlines},
                 {"cancel", test_cancel},
                 {"reused_connection_dies", test_reused_connection_dies},
                 {"replies", test_replies},
                 {"outlet_closed", test_outlet_closed},
                 {"park", test_park},
                 {"stop", test_stop},
                 {"stop_while_busy", test_stop_while_busy},
                 {"submit_while_stopping", test_submit_while_stopping},
                 {"fork", test_fork},
                 {"fork_twice", test_fork_twice},
                 {"exit", test_exit},
                 {"exit_while_others_send", test_exit_while_others_send}};
    alarm(SCALED(60, 170)); /* a hang ends here */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    server = server_new();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof(TESTS) / sizeof(TESTS[0]); i++) {
        if (argc > 1 && strcmp(argv[1], TESTS[i].name) != 0)
            continue;
        int64_t start = job_now_ms();
        TESTS[i].run();
        printf("%s: %d ms\n", TESTS[i].name, (int)(job_now_ms() - start));
    }
    server_free(server);
    return test_end();
}
