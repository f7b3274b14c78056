/* SPDX-License-Identifier: MIT
 *
 * Where completed jobs come out: one Lua state's done queue with its wake-up descriptor, and the slots by
 * which that state names the jobs it has under way. The engine's thread pushes; everything else is called by
 * the one thread that runs the Lua state. Counted references: the state holds one, each job under way holds
 * one. */
#ifndef IOTMSG_OUTLET_H
#define IOTMSG_OUTLET_H

#include "net/job.h"
#include "net/wake.h"

#include <pthread.h>

struct outlet {
    struct wake wake;
    unsigned long generation; /* the process generation it works in */

    pthread_mutex_t lock; /* guards the three below */
    struct job *first, *last;
    bool closed;

    struct job **slots; /* the Lua thread's own: jobs by slot, NULL where free */
    size_t slot_count;
    size_t *free_slots; /* stack of free slot numbers, as long as slots */
    size_t free_count;

    atomic_size_t refs;
};

/* Returns a new outlet with one reference, or NULL with errno set. */
struct outlet *outlet_new(unsigned long generation);

/* Closes the outlet's queue: what is in it is freed, what arrives later is freed on arrival; gives back the
 * caller's reference. Jobs under way go on. */
void outlet_close(struct outlet *outlet);

/* Gives the job (not yet submitted) a slot and a counted reference to the outlet. False: no memory. */
bool outlet_admit(struct outlet *outlet, struct job *job);

/* Undoes outlet_admit (or its failure) for a job that was never submitted, and frees it. */
void outlet_withdraw(struct outlet *outlet, struct job *job);

/* Takes the completed job and makes the descriptor readable if the queue was empty. The engine's thread. */
void outlet_push(struct outlet *outlet, struct job *job);

/* The oldest completed job, still the outlet's, or NULL. */
struct job *outlet_peek(struct outlet *outlet);

/* Removes and frees the job that outlet_peek showed; its slot is free again. */
void outlet_pop(struct outlet *outlet);

/* In a forked child: gives the outlet a descriptor of its own and completes every job under way as cancelled,
 * because the engine that has them stayed with the parent. False, with errno set: no descriptor. */
bool outlet_adopt(struct outlet *outlet, unsigned long generation);

#endif
