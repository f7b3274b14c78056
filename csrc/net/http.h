/* SPDX-License-Identifier: MIT
 *
 * A job in libcurl's terms, and libcurl's verdict in a job's. Everything here runs on the engine's thread. */
#ifndef IOTMSG_HTTP_H
#define IOTMSG_HTTP_H

#include "net/job.h"
#include "net/route.h"

#include <curl/curl.h>

/* Sets what every job of this route has in common on a fresh or reset handle. share is borrowed for as long
 * as the handle lives. False: no memory, or libcurl lacks an option. */
bool http_configure(CURL *easy, const struct route *route, CURLSH *share);

/* Sets what is this job's own; the job must outlive the transfer. False: no memory. */
bool http_arm(CURL *easy, struct job *job, int64_t connect_ms);

/* Writes the end of the transfer into the job: end, status and message. */
void http_finish(CURL *easy, struct job *job, CURLcode code);

/* The CA bundle for routes that name none, or NULL when libcurl was built without. Static. Any thread. */
const char *http_default_ca_file(void);

#endif
