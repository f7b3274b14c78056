/* SPDX-License-Identifier: MIT
 *
 * A job and its whole request are one allocation, so making one fails once or not at all; the header list
 * that libcurl wants is laid out in it too. The request may hold tokens and is overwritten when the job goes.
 */
#define _POSIX_C_SOURCE 200809L
#include "net/job.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(JOB_MESSAGE_SIZE >= CURL_ERROR_SIZE, "libcurl writes its error text into job->message");

/* Sent with every request: an "Expect: 100-continue" would cost a large message a round trip. */
static char NO_EXPECT[] = "Expect:";

static char *put(char **at, const char *bytes, size_t len)
{
    char *start = *at;
    if (len > 0)
        memcpy(start, bytes, len);
    *at += len;
    return start;
}

static size_t line_len(const struct field *header)
{
    return header->name_len + 2 + header->value_len + 1;
}

struct job *job_new(const char *method, const char *url, size_t url_len, const struct field *headers,
                    size_t header_count, const char *body, size_t body_len)
{
    size_t method_len = method ? strlen(method) : 0;
    size_t size =
        sizeof(struct job) + (header_count + 1) * sizeof(struct curl_slist) + method_len + 1 + url_len + 1;
    size_t headers_len = sizeof(NO_EXPECT) - 1;
    for (size_t i = 0; i < header_count; i++) {
        size += line_len(&headers[i]);
        headers_len += line_len(&headers[i]) - 1;
    }
    char *memory = malloc(size + body_len + 1);
    if (!memory)
        return NULL;
    struct job *job = (struct job *)memory;
    memset(job, 0, sizeof(*job));
    struct curl_slist *nodes = (struct curl_slist *)(job + 1);
    char *at = (char *)(nodes + header_count + 1);
    job->method = put(&at, method, method_len);
    *at++ = '\0';
    if (url) {
        job->url = put(&at, url, url_len);
        *at++ = '\0';
    }
    for (size_t i = 0; i < header_count; i++) {
        nodes[i].data = put(&at, headers[i].name, headers[i].name_len);
        put(&at, ": ", 2);
        put(&at, headers[i].value, headers[i].value_len);
        *at++ = '\0';
        nodes[i].next = &nodes[i + 1];
    }
    nodes[header_count].data = NO_EXPECT;
    nodes[header_count].next = NULL;
    job->headers = nodes;
    job->headers_len = headers_len;
    job->body = put(&at, body, body_len);
    job->body_len = body_len;
    job->content_length = -1;
    job->timer_index = SIZE_MAX;
    job->connect_deadline_ms = INT64_MAX;
    atomic_init(&job->cancel, false);
    buf_init(&job->reply_head, JOB_REPLY_HEAD_MAX);
    buf_init(&job->reply_body, JOB_REPLY_BODY_MAX);
    return job;
}

void job_free(struct job *job)
{
    buf_free(&job->reply_head);
    buf_free(&job->reply_body);
    char *start = (char *)(job + 1);
    buf_cleanse(start, (size_t)(job->body + job->body_len - start));
    free(job);
}

int64_t job_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
