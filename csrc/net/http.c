/* SPDX-License-Identifier: MIT
 *
 * The options of a transfer, its callbacks, and the reading of its end. Callbacks touch their job and nothing
 * else. */
#define _DEFAULT_SOURCE
#include "net/http.h"

#include "net/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPLOAD_BUFFER_SIZE (16L * 1024) /* libcurl allocates it per handle: 16 kB was 18 % faster than 64 */

/* Sockets are born close-on-exec; libcurl sets nothing of the kind itself. */
static curl_socket_t open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct job *job = userp;
    (void)purpose;
#ifdef SOCK_CLOEXEC
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    int fd = socket(address->family, address->socktype, address->protocol);
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
    if (fd < 0)
        job->socket_error = errno; /* libcurl does not tell */
    return fd;
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

/* libcurl refuses to send more than about 64 kB of headers on HTTP/2 (a token of Huawei's may have 100,000
 * bytes). */
#define H2_HEADERS_MAX 60000

static long http_version(const struct job *job)
{
    if (job->headers_len > H2_HEADERS_MAX)
        return CURL_HTTP_VERSION_1_1;
    switch (job->route->settings.http_version) {
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
    SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_SIZE);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
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
    SET(CURLOPT_HTTP_VERSION, http_version(job));
    bool posts = job->body_len > 0 || strcmp(job->method, "POST") == 0;
    if (posts) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, job->body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->body_len);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    bool named = strcmp(job->method, posts ? "POST" : "GET") == 0;
    SET(CURLOPT_CUSTOMREQUEST, named ? NULL : job->method);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    SET(CURLOPT_ERRORBUFFER, job->message);
    SET(CURLOPT_PRIVATE, job);
    SET(CURLOPT_OPENSOCKETDATA, job);
    SET(CURLOPT_HEADERDATA, job);
    SET(CURLOPT_WRITEDATA, job);
#undef SET
    return ok && gate_install(easy, job);
}

static enum job_end end_of(CURL *easy, const struct job *job, CURLcode code)
{
    /* What libcurl says where OpenSSL has no error of its own. */
    bool broke_off = strncmp(job->message, "OpenSSL SSL_connect: ", 21) == 0 ||
                     strncmp(job->message, "Send failure: ", 14) == 0 ||
                     strncmp(job->message, "Recv failure: ", 14) == 0;
    long os_error = 0;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return JOB_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        return broke_off ? JOB_NETWORK : JOB_TLS;
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
        if (job->socket_error != 0)
            os_error = job->socket_error;
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
    } else if (gate_unprocessed(job)) {
        job->sends = 0;
        job->end = JOB_NETWORK;
        say(job, "the server closed the connection before it saw to the request");
    } else if (job->gate.stopped) {
        job->end = JOB_NETWORK;
        say(job, "the connection broke before a reply came");
    } else if (job->reply_body.failed || job->reply_head.failed) {
        job->end = out_of_memory ? JOB_RESOURCE : JOB_PROTOCOL;
        say(job, out_of_memory            ? "no memory for the reply"
                 : job->reply_head.failed ? "the reply's headers are larger than 128 kB"
                                          : "the reply is larger than 4 MiB");
    } else {
        job->end = end_of(easy, job, code);
        if (job->message[0] == '\0')
            say(job, curl_easy_strerror(code));
    }
}
