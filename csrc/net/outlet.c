/* SPDX-License-Identifier: MIT
 *
 * The done queue and the slots; see outlet.h. The descriptor is written only when the queue goes from empty
 * to non-empty and read only when it is empty again, both under the lock, so the two never disagree. */
#include "net/outlet.h"

#include "net/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 16

struct outlet *outlet_new(unsigned long generation)
{
    struct outlet *outlet = calloc(1, sizeof(*outlet));
    if (!outlet)
        return NULL;
    if (!wake_open(&outlet->wake)) {
        free(outlet);
        return NULL;
    }
    outlet->generation = generation;
    pthread_mutex_init(&outlet->lock, NULL);
    atomic_init(&outlet->refs, 1);
    return outlet;
}

static void unref(struct outlet *outlet)
{
    if (atomic_fetch_sub_explicit(&outlet->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&outlet->lock);
    free(outlet);
}

/* Gives back what a job holds and frees it. */
static void release(struct job *job)
{
    struct outlet *outlet = job->outlet;
    if (job->route)
        route_unref(job->route);
    job_free(job);
    unref(outlet);
}

void outlet_close(struct outlet *outlet)
{
    pthread_mutex_lock(&outlet->lock);
    struct job *job = outlet->first;
    outlet->first = outlet->last = NULL;
    outlet->closed = true;
    wake_close(&outlet->wake);
    pthread_mutex_unlock(&outlet->lock);
    while (job) {
        struct job *next = job->next;
        release(job);
        job = next;
    }
    free(outlet->slots);
    free(outlet->free_slots);
    outlet->slots = NULL;
    outlet->free_slots = NULL;
    unref(outlet);
}

static bool grow_slots(struct outlet *outlet)
{
    size_t count = outlet->slot_count ? outlet->slot_count * 2 : FIRST_SLOTS;
    size_t *free_slots = realloc(outlet->free_slots, count * sizeof(*free_slots));
    if (!free_slots)
        return false;
    outlet->free_slots = free_slots;
    struct job **slots = realloc(outlet->slots, count * sizeof(*slots));
    if (!slots)
        return false;
    outlet->slots = slots;
    for (size_t slot = count; slot-- > outlet->slot_count;) {
        slots[slot] = NULL;
        free_slots[outlet->free_count++] = slot;
    }
    outlet->slot_count = count;
    return true;
}

bool outlet_admit(struct outlet *outlet, struct job *job)
{
    if (outlet->free_count == 0 && !grow_slots(outlet))
        return false;
    job->slot = outlet->free_slots[--outlet->free_count];
    outlet->slots[job->slot] = job;
    job->outlet = outlet;
    atomic_fetch_add_explicit(&outlet->refs, 1, memory_order_relaxed);
    return true;
}

static void free_slot(struct outlet *outlet, size_t slot)
{
    outlet->slots[slot] = NULL;
    outlet->free_slots[outlet->free_count++] = slot;
}

void outlet_withdraw(struct outlet *outlet, struct job *job)
{
    if (job->outlet) {
        free_slot(outlet, job->slot);
        unref(outlet);
    }
    job_free(job);
}

static void append(struct outlet *outlet, struct job *job)
{
    job->next = NULL;
    if (outlet->last) {
        outlet->last->next = job;
    } else {
        outlet->first = job;
        wake_signal(&outlet->wake);
    }
    outlet->last = job;
}

void outlet_push(struct outlet *outlet, struct job *job)
{
    pthread_mutex_lock(&outlet->lock);
    bool closed = outlet->closed;
    if (!closed)
        append(outlet, job);
    pthread_mutex_unlock(&outlet->lock);
    if (closed)
        release(job);
}

struct job *outlet_peek(struct outlet *outlet)
{
    pthread_mutex_lock(&outlet->lock);
    struct job *job = outlet->first;
    pthread_mutex_unlock(&outlet->lock);
    return job;
}

void outlet_pop(struct outlet *outlet)
{
    pthread_mutex_lock(&outlet->lock);
    struct job *job = outlet->first;
    outlet->first = job->next;
    if (!outlet->first) {
        outlet->last = NULL;
        wake_drain(&outlet->wake);
    }
    pthread_mutex_unlock(&outlet->lock);
    free_slot(outlet, job->slot);
    release(job);
}

bool outlet_adopt(struct outlet *outlet, unsigned long generation)
{
    struct wake own;
    if (!wake_open(&own))
        return false;
    wake_close(&outlet->wake);
    outlet->wake = own;
    outlet->generation = generation;
    /* The engine was parked when the child was born, so nobody holds the lock and the queue is whole. */
    pthread_mutex_init(&outlet->lock, NULL);
    if (outlet->first)
        wake_signal(&outlet->wake);
    for (size_t slot = 0; slot < outlet->slot_count; slot++) {
        struct job *job = outlet->slots[slot];
        if (!job || job->state == JOB_DONE)
            continue;
        job->state = JOB_DONE;
        job->end = JOB_CANCELLED;
        job->sends++; /* the parent may yet send it */
        strcpy(job->message, "the call stayed with the parent process of a fork");
        append(outlet, job);
    }
    return true;
}
