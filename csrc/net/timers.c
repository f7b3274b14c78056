/* SPDX-License-Identifier: MIT
 *
 * The heap; see timers.h. Each job knows its place, so moving and removing one costs log n. */
#include "net/timers.h"

#include <stdlib.h>

#define FIRST_ROOM 64

bool timers_reserve(struct timers *timers, size_t count)
{
    size_t room = timers->room ? timers->room : FIRST_ROOM;
    while (room < count)
        room *= 2;
    if (room == timers->room)
        return true;
    struct job **heap = realloc(timers->heap, room * sizeof(*heap));
    if (!heap)
        return false;
    timers->heap = heap;
    timers->room = room;
    return true;
}

static void place(struct timers *timers, size_t index, struct job *job)
{
    timers->heap[index] = job;
    job->timer_index = index;
}

static void sift_up(struct timers *timers, size_t index, struct job *job)
{
    while (index > 0 && timers->heap[(index - 1) / 2]->timer_at_ms > job->timer_at_ms) {
        place(timers, index, timers->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(timers, index, job);
}

static void sift_down(struct timers *timers, size_t index, struct job *job)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count &&
            timers->heap[child + 1]->timer_at_ms < timers->heap[child]->timer_at_ms)
            child++;
        if (timers->heap[child]->timer_at_ms >= job->timer_at_ms)
            break;
        place(timers, index, timers->heap[child]);
        index = child;
    }
    place(timers, index, job);
}

void timers_set(struct timers *timers, struct job *job, int64_t at_ms)
{
    bool later = job->timer_index != SIZE_MAX && at_ms > job->timer_at_ms;
    job->timer_at_ms = at_ms;
    if (later)
        sift_down(timers, job->timer_index, job);
    else
        sift_up(timers, job->timer_index != SIZE_MAX ? job->timer_index : timers->count++, job);
}

void timers_remove(struct timers *timers, struct job *job)
{
    size_t index = job->timer_index;
    if (index == SIZE_MAX)
        return;
    job->timer_index = SIZE_MAX;
    struct job *last = timers->heap[--timers->count];
    if (last == job)
        return;
    if (index > 0 && timers->heap[(index - 1) / 2]->timer_at_ms > last->timer_at_ms)
        sift_up(timers, index, last);
    else
        sift_down(timers, index, last);
}

struct job *timers_first(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0] : NULL;
}

void timers_free(struct timers *timers)
{
    free(timers->heap);
    timers->heap = NULL;
    timers->count = timers->room = 0;
}
