/* SPDX-License-Identifier: MIT
 *
 * eventfd or pipe behind one face; see wake.h. */
#define _DEFAULT_SOURCE
#include "net/wake.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/eventfd.h>

bool wake_open(struct wake *w)
{
    w->read_fd = w->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->read_fd >= 0;
}

#else
#include <fcntl.h>

bool wake_open(struct wake *w)
{
    int fds[2];
    if (pipe(fds) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
    }
    w->read_fd = fds[0];
    w->write_fd = fds[1];
    return true;
}

#endif

void wake_close(struct wake *w)
{
    close(w->read_fd);
    if (w->write_fd != w->read_fd)
        close(w->write_fd);
    w->read_fd = w->write_fd = -1;
}

void wake_signal(struct wake *w)
{
    static const uint64_t one = 1;
    ssize_t written;
    do
        written = write(w->write_fd, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
}

void wake_drain(struct wake *w)
{
    uint64_t scrap[8];
    ssize_t got;
    do
        got = read(w->read_fd, scrap, sizeof(scrap));
    while ((got < 0 && errno == EINTR) || got == (ssize_t)sizeof(scrap));
}

bool wake_wait(struct wake *w, int timeout_ms)
{
    struct pollfd pfd = {.fd = w->read_fd, .events = POLLIN};
    return poll(&pfd, 1, timeout_ms) > 0;
}
