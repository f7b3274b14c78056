/* SPDX-License-Identifier: MIT
 *
 * One request and its result. A job has one owner at a time: the Lua thread that makes it, from submit on the
 * engine, from the done queue on the outlet, and at last whoever reaps it. Knows HTTP's shape, no cloud. */
#ifndef IOTMSG_JOB_H
#define IOTMSG_JOB_H

#include "base/buf.h"
#include "base/field.h"

#include <stdatomic.h>
#include <stdint.h>

#define JOB_REPLY_HEAD_MAX (128 * 1024) /* a token of Huawei's may have 100,000 characters */
#define JOB_REPLY_BODY_MAX (4 * 1024 * 1024)
#define JOB_MESSAGE_SIZE 256 /* CURL_ERROR_SIZE */

struct curl_slist;
struct outlet;
struct route;

enum job_end {
    JOB_REPLIED,   /* a whole HTTP reply is there */
    JOB_ELAPSED,   /* a timer's time has come */
    JOB_NETWORK,   /* no connection, or it broke */
    JOB_TLS,       /* certificate or handshake */
    JOB_TIMEOUT,   /* a deadline, the connect deadline included */
    JOB_CANCELLED, /* by the caller, by fork or at exit */
    JOB_RESOURCE,  /* memory, descriptors, threads */
    JOB_PROTOCOL   /* what came back is no usable HTTP reply */
};

enum job_state {
    JOB_SUBMITTED, /* in the engine's inbox */
    JOB_HELD,      /* waits for its hold to pass */
    JOB_READY,     /* waits for a place on its route */
    JOB_ACTIVE,    /* given to libcurl */
    JOB_DONE       /* complete: result and message are final */
};

/* What is known of the last time the request was sent; see gate.c. */
struct gate {
    bool stopped;    /* a second time was stopped */
    bool on_h2;      /* ALPN said h2 */
    bool fresh;      /* it opened its connection */
    long connects;   /* connections libcurl had opened for it by then */
    const void *tls; /* its connection, on HTTP/2; only compared */
    int64_t stream;  /* its HTTP/2 stream, or -1 */
    int64_t goaway;  /* the last stream that the server said it would see to, or -1 */
};

struct job {
    /* The request; set at birth, lives in the same allocation. */
    const char *method;
    const char *url; /* NULL: the job is a timer and ends when its hold has passed */
    struct curl_slist *headers;
    size_t headers_len; /* of all lines together */
    const char *body;
    size_t body_len;
    struct route *route; /* a counted reference; NULL for a timer */
    int64_t hold_until_ms;
    int64_t deadline_ms;
    int64_t connect_timeout_ms;

    /* Where it comes from and goes back to. */
    struct outlet *outlet; /* a counted reference */
    size_t slot;
    atomic_bool cancel; /* set by the Lua thread, read by the engine */

    /* The result; written by the engine until state is JOB_DONE. */
    enum job_end end;
    unsigned sends; /* times a byte of this request may have left; 0 proves that none did */
    long status;
    int64_t content_length; /* as the reply announced it, or -1 */
    bool reply_whole;       /* the reply arrived in full, whatever the connection did later */
    struct buf reply_head;
    struct buf reply_body;
    char message[JOB_MESSAGE_SIZE];

    /* The engine's own. */
    enum job_state state;
    int socket_error; /* why no socket could be opened, or 0 */
    struct gate gate;
    bool connected;              /* counted in its route's connected */
    int64_t connect_deadline_ms; /* INT64_MAX once connected */
    size_t timer_index;          /* place in the timer heap, or SIZE_MAX */
    int64_t timer_at_ms;
    void *easy;           /* libcurl's handle while active */
    struct job *next;     /* inbox, route queue or done queue: a job is in one of them */
    struct job *previous; /* in the route queue */
    struct job *live_next, *live_prev;
};

/* Returns a new job that owns copies of all it was given, or NULL. url NULL makes a timer. */
struct job *job_new(const char *method, const char *url, size_t url_len, const struct field *headers,
                    size_t header_count, const char *body, size_t body_len);

/* Frees the job, its request overwritten first. Does not touch route and outlet: their counts are the
 * caller's. */
void job_free(struct job *job);

/* Milliseconds of a clock that never jumps. */
int64_t job_now_ms(void);

#endif
