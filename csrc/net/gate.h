/* SPDX-License-Identifier: MIT
 *
 * The gate before the wire: counts how often a request may have left, and stops a second time that is not
 * ours. Libcurl sends a POST again by itself when a reused connection dies before a reply byte; here it asks
 * first. The engine's thread alone. */
#ifndef IOTMSG_GATE_H
#define IOTMSG_GATE_H

#include <curl/curl.h>
#include <stdbool.h>

struct job;

/* Puts the gate before the transfer of this job. False: libcurl lacks an option. */
bool gate_install(CURL *easy, struct job *job);

/* True when the server proved that it did not and will not act on the request it got. */
bool gate_unprocessed(const struct job *job);

#endif
