/* SPDX-License-Identifier: MIT
 *
 * A wake-up descriptor: readable once signalled, until drained. An eventfd where there is one, else a pipe;
 * both ends are non-blocking and close-on-exec. One thread may signal while another drains. */
#ifndef IOTMSG_WAKE_H
#define IOTMSG_WAKE_H

#include <stdbool.h>

struct wake {
    int read_fd;
    int write_fd; /* the same as read_fd with an eventfd */
};

/* Opens w. False, with errno set, when descriptors are short. */
bool wake_open(struct wake *w);

/* Closes w. */
void wake_close(struct wake *w);

/* Makes read_fd readable. A full pipe counts as signalled: a wake-up is already pending. */
void wake_signal(struct wake *w);

/* Makes read_fd unreadable again. */
void wake_drain(struct wake *w);

/* Waits until read_fd is readable: true; false after timeout_ms (-1: no limit) or when a signal came. */
bool wake_wait(struct wake *w, int timeout_ms);

#endif
