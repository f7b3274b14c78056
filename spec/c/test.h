/* SPDX-License-Identifier: MIT
 *
 * The harness of the C tests. CHECK counts, and names the line that failed; a program ends with
 * "return test_end();". An edge is memory that ends at an unreadable page: input placed there faults on the
 * first byte that is read past its end. */
#ifndef IOTMSG_TEST_H
#define IOTMSG_TEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_int test_passed, test_failed;

/* Counts one check, from any thread. Evaluates to the condition. */
#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)

static inline bool test_check(bool held, const char *condition, const char *file, int line)
{
    atomic_fetch_add(held ? &test_passed : &test_failed, 1);
    if (!held) {
        printf("%s:%d: failed: %s\n", file, line, condition);
        fflush(stdout);
    }
    return held;
}

/* Prints the closing line and returns the exit status. */
static inline int test_end(void)
{
    printf("%d passed, %d failed\n", atomic_load(&test_passed), atomic_load(&test_failed));
    fflush(stdout);
    return atomic_load(&test_failed) != 0;
}

/* A small generator of its own, so that every run on every system sees the same numbers (xorshift64*). */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#define EDGE_ROOM ((size_t)1 << 17)

struct edge {
    char *end; /* the unreadable page begins here */
};

static inline struct edge edge_new(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, EDGE_ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || mprotect(at + EDGE_ROOM, page, PROT_NONE) != 0) {
        perror("edge");
        exit(2);
    }
    return (struct edge){.end = at + EDGE_ROOM};
}

/* Copies the bytes to the edge and returns where they begin; what lay there before is gone. */
static inline char *edge_put(const struct edge *edge, const void *bytes, size_t len)
{
    if (len > EDGE_ROOM) {
        fprintf(stderr, "edge: %zu bytes do not fit\n", len);
        exit(2);
    }
    if (len > 0)
        memcpy(edge->end - len, bytes, len);
    return edge->end - len;
}

#endif
