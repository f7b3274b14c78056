/* SPDX-License-Identifier: MIT
 *
 * A plain HTTP/1.1 server for the engine's tests: one thread, raw sockets on loopback, misbehaving on demand.
 * It counts what arrives. What it does with a request is the first part of the path:
 *
 *   /echo/<id>  answers with the body it got       /silent   never answers
 *   /die        closes without a byte              /half     announces more than it sends, then closes
 *   /early      a 103 with a length, then half     /huge     a body beyond any limit
 *   /linger     a whole reply to half a request, then silence
 */
#ifndef IOTMSG_SERVER_H
#define IOTMSG_SERVER_H

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SERVER_CONNECTIONS 300
#define SERVER_IDS 20000
#define SERVER_HUGE (5u << 20)

struct server_connection {
    char *at;
    size_t len, cap;
};

struct server {
    pthread_t thread;
    int listener, stop_pipe[2];
    int port;
    struct pollfd polled[SERVER_CONNECTIONS + 2];
    struct server_connection connections[SERVER_CONNECTIONS + 2];
    nfds_t count;

    atomic_uint requests; /* whole requests, whatever became of them */
    atomic_uint died;     /* those to /die */
    atomic_uint opened;   /* connections accepted */
    atomic_uchar *seen;   /* how often each id came to /echo */
};

static inline void server_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return;
        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        }
    }
}

static inline void server_reply(int fd, const char *head, const char *body, size_t announced, size_t body_len)
{
    char *reply = malloc(256 + body_len);
    int head_len = snprintf(reply, 256, "%sContent-Length: %zu\r\n\r\n", head, announced);
    if (body_len > 0)
        memcpy(reply + head_len, body, body_len);
    server_send(fd, reply, (size_t)head_len + body_len);
    free(reply);
}

/* Does what the path asks; false: close the connection. */
static inline bool server_answer(struct server *server, int fd, const char *path, const char *body,
                                 size_t body_len)
{
    static const char OK[] = "HTTP/1.1 200 OK\r\n";
    atomic_fetch_add(&server->requests, 1);
    if (strncmp(path, "/echo/", 6) == 0) {
        unsigned long id = strtoul(path + 6, NULL, 10);
        if (id < SERVER_IDS)
            atomic_fetch_add(&server->seen[id], 1);
        server_reply(fd, OK, body, body_len, body_len);
        return true;
    }
    if (strncmp(path, "/silent", 7) == 0)
        return true;
    if (strncmp(path, "/die", 4) == 0)
        atomic_fetch_add(&server->died, 1);
    if (strncmp(path, "/half", 5) == 0)
        server_reply(fd, OK, "half", 100, 4);
    if (strncmp(path, "/early", 6) == 0)
        server_reply(fd, "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", "", 9,
                     0);
    if (strncmp(path, "/huge", 5) == 0) {
        char *huge = calloc(1, SERVER_HUGE);
        server_reply(fd, OK, huge, SERVER_HUGE, SERVER_HUGE);
        free(huge);
    }
    return false;
}

/* Answers every whole request that has been read; false: close the connection. */
static inline bool server_serve(struct server *server, int fd, struct server_connection *c)
{
    for (;;) {
        c->at[c->len] = '\0';
        char *head_end = strstr(c->at, "\r\n\r\n");
        if (!head_end)
            return true;
        char path[64] = "";
        sscanf(c->at, "%*s %63s", path);
        if (strncmp(path, "/linger", 7) == 0) {
            server_reply(fd, "HTTP/1.1 200 OK\r\n", "whole", 5, 5);
            c->len = 0;
            return true;
        }
        char *length = strcasestr(c->at, "\r\ncontent-length:");
        size_t body_len = length && length < head_end ? strtoul(length + 17, NULL, 10) : 0;
        size_t whole = (size_t)(head_end + 4 - c->at) + body_len;
        if (c->len < whole)
            return true;
        if (!server_answer(server, fd, path, head_end + 4, body_len))
            return false;
        memmove(c->at, c->at + whole, c->len - whole);
        c->len -= whole;
    }
}

static inline bool server_read(struct server *server, int fd, struct server_connection *c)
{
    if (c->cap - c->len < 16384) {
        c->cap = c->cap * 2 + 32768;
        c->at = realloc(c->at, c->cap);
    }
    ssize_t got = recv(fd, c->at + c->len, c->cap - c->len - 1, 0);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    c->len += (size_t)got;
    return server_serve(server, fd, c);
}

static inline void server_drop(struct server *server, nfds_t i)
{
    close(server->polled[i].fd);
    free(server->connections[i].at);
    server->count--;
    server->polled[i] = server->polled[server->count];
    server->connections[i] = server->connections[server->count];
}

static inline void *server_run(void *arg)
{
    struct server *server = arg;
    while (poll(server->polled, server->count, -1) >= 0 || errno == EINTR) {
        if (server->polled[1].revents)
            break;
        for (nfds_t i = server->count; i-- > 2;)
            if (server->polled[i].revents &&
                !server_read(server, server->polled[i].fd, &server->connections[i]))
                server_drop(server, i);
        if (server->polled[0].revents && server->count < SERVER_CONNECTIONS + 2) {
            int fd = accept(server->listener, NULL, NULL), on = 1;
            if (fd < 0)
                continue;
            fcntl(fd, F_SETFD, FD_CLOEXEC);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            atomic_fetch_add(&server->opened, 1);
            server->connections[server->count] = (struct server_connection){0};
            server->polled[server->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    while (server->count > 2)
        server_drop(server, server->count - 1);
    return NULL;
}

/* A listening socket on a free port of 127.0.0.1. */
static inline int server_listen(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, backlog) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("server");
        exit(2);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static inline struct server *server_new(void)
{
    struct server *server = calloc(1, sizeof(*server));
    server->seen = calloc(SERVER_IDS, sizeof(*server->seen));
    server->listener = server_listen(256, &server->port);
    if (pipe(server->stop_pipe) != 0)
        exit(2);
    fcntl(server->stop_pipe[0], F_SETFD, FD_CLOEXEC);
    fcntl(server->stop_pipe[1], F_SETFD, FD_CLOEXEC);
    server->polled[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    server->polled[1] = (struct pollfd){.fd = server->stop_pipe[0], .events = POLLIN};
    server->count = 2;
    if (pthread_create(&server->thread, NULL, server_run, server) != 0)
        exit(2);
    return server;
}

static inline void server_free(struct server *server)
{
    if (write(server->stop_pipe[1], "", 1) != 1)
        exit(2);
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->stop_pipe[1]);
    close(server->listener);
    free(server->seen);
    free(server);
}

#endif
