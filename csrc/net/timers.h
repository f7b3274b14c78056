/* SPDX-License-Identifier: MIT
 *
 * The engine's clock work: a binary heap of jobs by the time at which something is due for them. Its room is
 * made when a job is let in, so that arming, moving and removing never fail. The engine's thread alone. */
#ifndef IOTMSG_TIMERS_H
#define IOTMSG_TIMERS_H

#include "net/job.h"

struct timers {
    struct job **heap;
    size_t count;
    size_t room;
};

/* Makes room for count jobs in all. False: no memory. */
bool timers_reserve(struct timers *timers, size_t count);

/* Sets the time at which the job is due next, adding it if it is not there. */
void timers_set(struct timers *timers, struct job *job, int64_t at_ms);

/* Removes the job, if it is there. */
void timers_remove(struct timers *timers, struct job *job);

/* The job due first, or NULL; it stays where it is. */
struct job *timers_first(const struct timers *timers);

/* Frees the heap's memory. */
void timers_free(struct timers *timers);

#endif
