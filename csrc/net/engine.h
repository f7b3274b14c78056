/* SPDX-License-Identifier: MIT
 *
 * The engine: one I/O thread that owns libcurl's multi handle and moves jobs from its inbox to their outlets.
 * It sees no lua_State, runs no user code, holds no lock while it waits, and knows nothing about clouds.
 * Every job given to it completes exactly once. */
#ifndef IOTMSG_ENGINE_H
#define IOTMSG_ENGINE_H

#include "net/job.h"

struct engine;

/* Starts an engine with its thread. NULL: *why names what was missing (a static string). */
struct engine *engine_new(const char **why);

/* Takes the job, which outlet_admit has let in; it comes back through its outlet. Any thread. */
void engine_submit(struct engine *engine, struct job *job);

/* Asks that every job whose cancel flag is set be completed soon. Any thread. */
void engine_cancel_flagged(struct engine *engine);

/* Stops the thread outside libcurl and OpenSSL and returns once it stands; engine_unpark lets it go on. For a
 * fork: between the two no lock of theirs is held by it. One caller at a time. */
void engine_park(struct engine *engine);
void engine_unpark(struct engine *engine);

/* Waits at most grace_ms for the jobs that are on their way, completes the rest as cancelled and ends the
 * thread. Returns how many calls were cut off. What is submitted later completes as cancelled at once. A
 * thread that does not end within a second more is left behind. */
size_t engine_stop(struct engine *engine, int64_t grace_ms);

/* Frees a stopped engine that nobody will use any more; does nothing when its thread was left behind. */
void engine_free(struct engine *engine);

#endif
