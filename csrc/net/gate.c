/* SPDX-License-Identifier: MIT
 *
 * CURLOPT_PREREQFUNCTION runs before each time libcurl sends, after connect and TLS. A first run that never
 * came proves that nothing was sent. A second run is stopped, because the first request may have been acted
 * on and a retry is the caller's, signed afresh; unless HTTP/2 proves that it was not: on a connection it did
 * not reuse, libcurl sends again only what a server refused (RFC 9113 section 8.7), and a stream above a
 * GOAWAY's last one was not seen to (section 6.8). Stopping those too lost 15 of 20,000 calls to a server
 * that closes connections after a while. */
#include "net/gate.h"

#include "net/job.h"
#include "net/route.h"

#include <openssl/ssl.h>
#include <string.h>

/* The TLS connection of the transfer, or NULL. */
static const SSL *tls_of(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls ||
        tls->backend != CURLSSLBACKEND_OPENSSL)
        return NULL;
    return tls->internals;
}

static bool speaks_h2(const SSL *tls)
{
    const unsigned char *protocol = NULL;
    unsigned len = 0;
    if (tls)
        SSL_get0_alpn_selected(tls, &protocol, &len);
    return len == 2 && memcmp(protocol, "h2", 2) == 0;
}

/* Finds words in text and reads the number that follows them. */
static bool number_after(const char *text, size_t len, const char *words, int64_t *number)
{
    size_t words_len = strlen(words);
    size_t i = 0;
    while (i + words_len < len && memcmp(text + i, words, words_len) != 0)
        i++;
    i += words_len;
    if (i >= len || text[i] < '0' || text[i] > '9')
        return false;
    for (*number = 0; i < len && text[i] >= '0' && text[i] <= '9' && *number < INT64_C(1) << 32; i++)
        *number = *number * 10 + (text[i] - '0');
    return true;
}

/* A GOAWAY concerns every job on its connection. */
static void note_goaway(struct job *job, int64_t last_stream)
{
    struct job *each = job;
    while (each->live_prev)
        each = each->live_prev;
    for (; each; each = each->live_next)
        if (each->gate.tls && each->gate.tls == job->gate.tls)
            each->gate.goaway = last_stream;
}

/* What libcurl tells of HTTP/2 in words and nowhere else. Words that are not known prove nothing. */
static int on_text(CURL *easy, curl_infotype type, char *text, size_t len, void *userp)
{
    struct job *job = userp;
    int64_t number;
    (void)easy;
    if (type != CURLINFO_TEXT)
        return 0;
    if (number_after(text, len, "Using Stream ID: ", &number))
        job->gate.stream = number;
    else if (number_after(text, len, "last_stream=", &number))
        note_goaway(job, number);
    return 0;
}

static bool past_goaway(const struct gate *gate)
{
    return gate->stream > 0 && gate->goaway >= 0 && gate->stream > gate->goaway;
}

static bool may_pass_again(const struct job *job)
{
    return job->gate.on_h2 && (job->gate.fresh || past_goaway(&job->gate));
}

static void note_send(struct job *job)
{
    struct gate *gate = &job->gate;
    const SSL *tls = tls_of(job->easy);
    long connects = 0;
    curl_easy_getinfo(job->easy, CURLINFO_NUM_CONNECTS, &connects);
    gate->fresh = connects > gate->connects;
    gate->connects = connects;
    gate->on_h2 = speaks_h2(tls);
    gate->stream = gate->goaway = -1;
    gate->tls = gate->on_h2 ? tls : NULL;
    if (gate->on_h2)
        curl_easy_setopt(job->easy, CURLOPT_VERBOSE, 1L); /* for on_text */
}

static int before_send(void *userp, char *ip, char *local_ip, int port, int local_port)
{
    struct job *job = userp;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    if (job->sends > 0 && !may_pass_again(job)) {
        job->gate.stopped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    note_send(job);
    if (!job->connected) {
        job->connected = true;
        job->route->connected++;
    }
    job->sends = 1;
    job->route->warm_until_ms = job_now_ms() + ROUTE_WARM_MS;
    job->route->speaks_h2 = job->gate.on_h2;
    job->connect_deadline_ms = INT64_MAX;
    job->message[0] = '\0'; /* what an address that did not answer left there */
    return CURL_PREREQFUNC_OK;
}

bool gate_install(CURL *easy, struct job *job)
{
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_send) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, job) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_text) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGDATA, job) == CURLE_OK;
}

bool gate_unprocessed(const struct job *job)
{
    /* Libcurl gives up after some refusals, in these words. */
    bool gave_up = strncmp(job->message, "Connection died, tried", 22) == 0;
    return job->sends > 0 && !job->gate.stopped && job->gate.on_h2 &&
           (past_goaway(&job->gate) || (job->gate.fresh && gave_up));
}
