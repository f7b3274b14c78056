/* SPDX-License-Identifier: MIT
 *
 * The timer heap against a model too simple to be wrong: a list that is searched from end to end. */
#define _GNU_SOURCE
#include "test.h"

#include "net/timers.h"

enum { JOBS = 300, STEPS = 60000 };

static struct job jobs[JOBS];
static bool armed[JOBS];
static int64_t due[JOBS];

static bool heap_is_sound(const struct timers *timers)
{
    size_t count = 0;
    for (size_t i = 0; i < JOBS; i++) {
        count += armed[i];
        if (armed[i] != (jobs[i].timer_index != SIZE_MAX))
            return false;
        if (armed[i] && (timers->heap[jobs[i].timer_index] != &jobs[i] || jobs[i].timer_at_ms != due[i]))
            return false;
    }
    for (size_t i = 1; i < timers->count; i++)
        if (timers->heap[(i - 1) / 2]->timer_at_ms > timers->heap[i]->timer_at_ms)
            return false;
    return count == timers->count;
}

static bool first_is_right(const struct timers *timers)
{
    int64_t least = INT64_MAX;
    bool any = false;
    for (size_t i = 0; i < JOBS; i++) {
        any = any || armed[i];
        if (armed[i] && due[i] < least)
            least = due[i];
    }
    struct job *first = timers_first(timers);
    return any ? first && first->timer_at_ms == least : !first;
}

static void test_against_model(uint64_t seed, int64_t span)
{
    struct timers timers = {0};
    bool sound = true, right = true;
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].timer_index = SIZE_MAX;
        armed[i] = false;
    }
    CHECK(timers_reserve(&timers, JOBS));
    for (int step = 0; step < STEPS; step++) {
        size_t i = test_random(&seed) % JOBS;
        /* In turn more is armed and more is removed, so that the heap fills and empties. */
        bool arm = test_random(&seed) % 8 < (step / 2000 % 2 ? 2 : 6);
        if (arm) {
            due[i] = (int64_t)(test_random(&seed) % (uint64_t)span) - span / 4;
            timers_set(&timers, &jobs[i], due[i]);
        } else if (test_random(&seed) % 2 && timers_first(&timers)) {
            i = (size_t)(timers_first(&timers) - jobs);
            timers_remove(&timers, &jobs[i]);
        } else {
            timers_remove(&timers, &jobs[i]);
        }
        armed[i] = arm;
        right = right && first_is_right(&timers);
        if (step % 16 == 0)
            sound = sound && heap_is_sound(&timers);
    }
    CHECK(right);
    CHECK(sound);
    int64_t last = INT64_MIN;
    bool ordered = true;
    for (struct job *job; (job = timers_first(&timers)); timers_remove(&timers, job)) {
        ordered = ordered && job->timer_at_ms >= last;
        last = job->timer_at_ms;
        armed[job - jobs] = false;
    }
    CHECK(ordered && heap_is_sound(&timers));
    timers_free(&timers);
    CHECK(timers.heap == NULL && timers.count == 0 && timers.room == 0);
    timers_free(&timers);
}

static void test_room(void)
{
    struct timers timers = {0};
    struct job one = {.timer_index = SIZE_MAX};
    CHECK(timers_first(&timers) == NULL);
    timers_remove(&timers, &one);
    CHECK(timers_reserve(&timers, 1) && timers.room >= 1);
    timers_set(&timers, &one, INT64_MAX);
    CHECK(timers_reserve(&timers, 100000) && timers.room >= 100000 && timers_first(&timers) == &one);
    timers_set(&timers, &one, INT64_MIN);
    CHECK(timers.count == 1 && timers_first(&timers)->timer_at_ms == INT64_MIN);
    timers_remove(&timers, &one);
    timers_remove(&timers, &one);
    CHECK(timers.count == 0 && one.timer_index == SIZE_MAX);
    timers_free(&timers);
}

int main(void)
{
    test_room();
    test_against_model(3, 1000000);
    test_against_model(4, 20); /* many at the same time */
    return test_end();
}
