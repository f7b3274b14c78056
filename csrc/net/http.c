/* SPDX-License-Identifier: MIT
 *
 * The options of a transfer, its callbacks, and the reading of its end. The gate stands here: libcurl
 * re-sends a POST by itself when a reused connection dies before a reply byte; CURLOPT_PREREQFUNCTION runs
 * before each time it sends, after connect and TLS, so a first run that never came proves that nothing was
 * sent, and a second run is stopped: a retry is the caller's, signed afresh. Callbacks touch their job and
 * nothing else. */
#define _DEFAULT_SOURCE
#include "net/http.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPLOAD_BUFFER_SIZE (16L * 1024) /* libcurl allocates it per handle: 16 kB was 18 % faster than 64 */

/* Sockets are born close-on-exec; libcurl sets nothing of the kind itself. */
static curl_socket_t open_socket(void *unused, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)unused;
    (void)purpose;
#ifdef SOCK_CLOEXEC
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    int fd = socket(address->family, address->socktype, address->protocol);
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
#endif
}

static bool speaks_h2(CURL *easy)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls || !tls->internals ||
        tls->backend != CURLSSLBACKEND_OPENSSL)
        return false;
    const unsigned char *protocol = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(tls->internals, &protocol, &len);
    return len == 2 && memcmp(protocol, "h2", 2) == 0;
}

/* The gate. A second run is let through only where HTTP/2 proves that the first was not processed: libcurl
 * then comes here from a refused stream or a GOAWAY, and has written no error. */
static int before_send(void *userp, char *ip, char *local_ip, int port, int local_port)
{
    struct job *job = userp;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    bool unprocessed = job->sends == 1 && job->sent_on_h2 && job->message[0] == '\0';
    if (job->sends > 0 && !unprocessed) {
        job->stopped = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (job->sends == 0)
        job->route->connected++;
    job->sends = 1;
    job->sent_on_h2 = speaks_h2(job->easy);
    job->connect_deadline_ms = INT64_MAX;
    job->route->warm_until_ms = job_now_ms() + ROUTE_WARM_MS;
    job->route->speaks_h2 = job->sent_on_h2;
    job->message[0] = '\0'; /* what an address that did not answer left there */
    return CURL_PREREQFUNC_OK;
}

static void begin_reply(struct job *job)
{
    buf_reset(&job->reply_head);
    job->content_length = -1;
    job->reply_whole = false;
}

/* The value of Content-Length, -1 when it is not a plain number. */
static int64_t length_value(const char *value, size_t len)
{
    int64_t length = -1;
    for (size_t i = 0; i < len; i++) {
        if (value[i] >= '0' && value[i] <= '9' && length < INT64_MAX / 10 - 9)
            length = (length < 0 ? 0 : length) * 10 + (value[i] - '0');
        else if (value[i] != ' ' && value[i] != '\t' && value[i] != '\r' && value[i] != '\n')
            return -1;
    }
    return length;
}

static void note_whole(struct job *job)
{
    job->reply_whole = job->content_length >= 0 && (size_t)job->content_length == job->reply_body.len;
}

static size_t on_header(char *line, size_t size, size_t count, void *userp)
{
    static const char LENGTH[] = "content-length:";
    struct job *job = userp;
    size_t len = size * count;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        begin_reply(job); /* a 1xx before it, or another reply on the way, does not count */
    else if (len >= sizeof(LENGTH) && strncasecmp(line, LENGTH, sizeof(LENGTH) - 1) == 0)
        job->content_length = length_value(line + sizeof(LENGTH) - 1, len - (sizeof(LENGTH) - 1));
    if (len <= 2 && job->content_length == 0)
        note_whole(job);
    return buf_add(&job->reply_head, line, len) ? len : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *userp)
{
    struct job *job = userp;
    size_t len = size * count;
    if (!buf_add(&job->reply_body, bytes, len))
        return 0;
    note_whole(job);
    return len;
}

static long http_version(const struct route *route)
{
    switch (route->settings.http_version) {
    case ROUTE_HTTP_1_1:
        return CURL_HTTP_VERSION_1_1;
    case ROUTE_HTTP_2:
    case ROUTE_HTTP_AUTO:
        break;
    }
    return CURL_HTTP_VERSION_2TLS; /* on plain http that is 1.1: HTTP/2 by upgrade is broken in 7.88 */
}

const char *http_default_ca_file(void)
{
    return curl_version_info(CURLVERSION_NOW)->cainfo;
}

bool http_configure(CURL *easy, const struct route *route, CURLSH *share)
{
    const struct route_settings *s = &route->settings;
    bool ok = true;
#define SET(option, value) ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a stuck resolver must not hold the thread at removal */
    SET(CURLOPT_SHARE, share);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_VERSION, http_version(route));
    SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_SIZE);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_PREREQFUNCTION, before_send);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_PROXY, s->proxy ? s->proxy : ""); /* "": not even the one in the environment */
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, s->tls_verify ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, s->tls_verify ? 2L : 0L);
    /* Without a directory beside the bundle libcurl can cache it: 0.8 ms a new connection instead of 22. */
    const char *ca_file = s->ca_file ? s->ca_file : http_default_ca_file();
    if (ca_file) {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (s->client_cert)
        SET(CURLOPT_SSLCERT, s->client_cert);
    if (s->client_key)
        SET(CURLOPT_SSLKEY, s->client_key);
#undef SET
    return ok;
}

bool http_arm(CURL *easy, struct job *job, int64_t connect_ms)
{
    bool ok = true;
    job->easy = easy;
    job->message[0] = '\0';
#define SET(option, value) ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK
    SET(CURLOPT_URL, job->url);
    /* Wait for ALPN to say whether a connection can be shared; on plain http only a reply would say so. */
    SET(CURLOPT_PIPEWAIT, strncasecmp(job->url, "https:", 6) == 0 ? 1L : 0L);
    SET(CURLOPT_HTTPHEADER, job->headers);
    if (job->body_len > 0 || strcmp(job->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, job->body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->body_len);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    bool usual =
        strcmp(job->method, job->body_len > 0 ? "POST" : "GET") == 0 || strcmp(job->method, "POST") == 0;
    SET(CURLOPT_CUSTOMREQUEST, usual ? NULL : job->method);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    SET(CURLOPT_ERRORBUFFER, job->message);
    SET(CURLOPT_PRIVATE, job);
    SET(CURLOPT_PREREQDATA, job);
    SET(CURLOPT_HEADERDATA, job);
    SET(CURLOPT_WRITEDATA, job);
#undef SET
    return ok;
}

static enum job_end end_of(CURL *easy, CURLcode code)
{
    long os_error = 0;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return JOB_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return JOB_TLS;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return JOB_RESOURCE;
    case CURLE_WRITE_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return JOB_PROTOCOL;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
        if (os_error == EMFILE || os_error == ENFILE || os_error == ENOBUFS || os_error == ENOMEM)
            return JOB_RESOURCE;
        return JOB_NETWORK;
    default:
        return JOB_NETWORK;
    }
}

static void say(struct job *job, const char *message)
{
    strncpy(job->message, message, JOB_MESSAGE_SIZE - 1);
    job->message[JOB_MESSAGE_SIZE - 1] = '\0';
}

void http_finish(CURL *easy, struct job *job, CURLcode code)
{
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &job->status);
    bool out_of_memory = job->reply_body.failed && job->reply_body.len < job->reply_body.max / 2;
    if ((code == CURLE_OK || job->reply_whole) && job->status >= 200) {
        job->end = JOB_REPLIED;
    } else if (code == CURLE_OK) {
        job->end = JOB_PROTOCOL;
        say(job, "the reply has no status");
    } else if (job->stopped) {
        job->end = JOB_NETWORK;
        say(job, "the connection broke before a reply came");
    } else if (job->reply_body.failed || job->reply_head.failed) {
        job->end = out_of_memory ? JOB_RESOURCE : JOB_PROTOCOL;
        say(job, out_of_memory ? "no memory for the reply" : "the reply is larger than 4 MiB");
    } else {
        job->end = end_of(easy, code);
        if (job->message[0] == '\0')
            say(job, curl_easy_strerror(code));
    }
}
