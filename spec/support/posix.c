/* SPDX-License-Identifier: MIT
 *
 * spec.posix: what specs need of the system and no Lua package gives on every Lua: processes, signals,
 * descriptors, sockets that refuse or swallow connections, and further Lua states. For specs only; every
 * function returns nil and a sentence when the system says no. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATES_MAX 16

static int failure(lua_State *L)
{
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

static int number_or_failure(lua_State *L, long result)
{
    if (result < 0)
        return failure(L);
    lua_pushinteger(L, (lua_Integer)result);
    return 1;
}

/* fork() -> pid of the child, or 0 in the child, which dies when its parent does */
static int p_fork(lua_State *L)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(120);
    }
    return number_or_failure(L, child);
}

/* waitpid(pid [, nohang]) -> exit status, 128 and more for a signal; -1 while it runs */
static int p_waitpid(lua_State *L)
{
    int status = 0;
    pid_t pid = (pid_t)luaL_checkinteger(L, 1);
    int options = lua_toboolean(L, 2) ? WNOHANG : 0;
    pid_t got;
    do
        got = waitpid(pid, &status, options);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return failure(L);
    lua_pushinteger(L, got == 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 1;
}

/* exit_now(status): ends the process without handlers, finalizers or flushing */
static int p_exit_now(lua_State *L)
{
    _exit((int)luaL_checkinteger(L, 1));
}

/* kill(pid, signal number) */
static int p_kill(lua_State *L)
{
    return number_or_failure(L, kill((pid_t)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2)));
}

static int p_getpid(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)getpid());
    return 1;
}

/* limit_descriptors(count) -> the limit before */
static int p_limit_descriptors(lua_State *L)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return failure(L);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)luaL_checkinteger(L, 1);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return failure(L);
    lua_pushinteger(L, (lua_Integer)before);
    return 1;
}

/* sleep_ms(ms): whole, whatever signals come */
static int p_sleep_ms(lua_State *L)
{
    long ms = (long)luaL_checknumber(L, 1);
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    return 0;
}

/* is_readable(descriptor [, timeout_ms]) */
static int p_is_readable(lua_State *L)
{
    struct pollfd pfd = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLIN};
    lua_pushboolean(L, poll(&pfd, 1, (int)luaL_optinteger(L, 2, 0)) > 0);
    return 1;
}

/* descriptors() -> { { fd, close_on_exec, target }, ... } of this process */
static int p_descriptors(lua_State *L)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return failure(L);
    lua_newtable(L);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[32], target[256];
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(folder))
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, target, sizeof(target));
        int flags = fcntl(fd, F_GETFD);
        lua_newtable(L);
        lua_pushinteger(L, fd);
        lua_setfield(L, -2, "fd");
        lua_pushboolean(L, flags >= 0 && (flags & FD_CLOEXEC));
        lua_setfield(L, -2, "close_on_exec");
        lua_pushlstring(L, target, len > 0 ? (size_t)len : 0);
        lua_setfield(L, -2, "target");
        lua_rawseti(L, -2, ++count);
    }
    closedir(folder);
    return 1;
}

/* threads() -> how many this process has */
static int p_threads(lua_State *L)
{
    DIR *folder = opendir("/proc/self/task");
    if (!folder)
        return failure(L);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    lua_pushinteger(L, count);
    return 1;
}

static volatile sig_atomic_t signals_seen;

static void note_signal(int number)
{
    (void)number;
    signals_seen++;
}

/* catch_signal(number): from now on it is counted, and interrupts system calls */
static int p_catch_signal(lua_State *L)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = note_signal;
    return number_or_failure(L, sigaction((int)luaL_checkinteger(L, 1), &action, NULL));
}

static int p_signals_seen(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)signals_seen);
    return 1;
}

/* alarm_every(ms): SIGALRM again and again; 0 ends it */
static int p_alarm_every(lua_State *L)
{
    long us = (long)luaL_checkinteger(L, 1) * 1000;
    struct itimerval timer;
    timer.it_interval.tv_sec = timer.it_value.tv_sec = us / 1000000;
    timer.it_interval.tv_usec = timer.it_value.tv_usec = us % 1000000;
    return number_or_failure(L, setitimer(ITIMER_REAL, &timer, NULL));
}

/* reset_on_close(descriptor): its close sends RST instead of FIN */
static int p_reset_on_close(lua_State *L)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    int fd = (int)luaL_checkinteger(L, 1);
    return number_or_failure(L, setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
}

/* receive_buffer(descriptor, bytes): a small one makes a sender feel at once that nobody reads */
static int p_receive_buffer(lua_State *L)
{
    int size = (int)luaL_checkinteger(L, 2);
    int fd = (int)luaL_checkinteger(L, 1);
    return number_or_failure(L, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
}

static int bound_socket(struct sockaddr_in *address)
{
    socklen_t len = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &len) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* refusing_port() -> a loopback port that stays ours and refuses connections, for as long as we live */
static int p_refusing_port(lua_State *L)
{
    struct sockaddr_in address;
    if (bound_socket(&address) < 0)
        return failure(L);
    lua_pushinteger(L, ntohs(address.sin_port));
    return 1;
}

/* black_hole() -> a loopback port whose listener is full: a connect to it gets no answer */
static int p_black_hole(lua_State *L)
{
    struct sockaddr_in address;
    int listener = bound_socket(&address);
    if (listener < 0 || listen(listener, 0) != 0)
        return failure(L);
    for (int i = 0; i < 16; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            return failure(L);
        connect(fd, (struct sockaddr *)&address, sizeof(address));
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        if (poll(&pfd, 1, 100) == 0) {
            lua_pushinteger(L, ntohs(address.sin_port));
            return 1;
        }
    }
    errno = ETIMEDOUT;
    return failure(L);
}

struct state_job {
    pthread_t thread;
    lua_State *L;
    int failed;
};

static void *run_state(void *arg)
{
    struct state_job *job = arg;
    job->failed = lua_pcall(job->L, 0, 1, 0) != 0;
    return NULL;
}

/* run_states(chunk, count [, in_threads]) -> array of what the chunk returned (a string) in each of so many
 * fresh Lua states, one after the other or each in a thread of its own; every state is closed at the end */
static int p_run_states(lua_State *L)
{
    const char *chunk = luaL_checkstring(L, 1);
    int count = (int)luaL_checkinteger(L, 2);
    int in_threads = lua_toboolean(L, 3);
    struct state_job jobs[STATES_MAX];
    luaL_argcheck(L, count > 0 && count <= STATES_MAX, 2, "too many states");
    memset(jobs, 0, sizeof(jobs));
    for (int i = 0; i < count; i++) {
        jobs[i].L = luaL_newstate();
        if (!jobs[i].L)
            return luaL_error(L, "no memory for another Lua state");
        luaL_openlibs(jobs[i].L);
        jobs[i].failed = luaL_loadstring(jobs[i].L, chunk) != 0;
        if (jobs[i].failed)
            continue;
        if (!in_threads)
            run_state(&jobs[i]);
        else if (pthread_create(&jobs[i].thread, NULL, run_state, &jobs[i]) != 0)
            return luaL_error(L, "no thread for another Lua state");
    }
    lua_newtable(L);
    for (int i = 0; i < count; i++) {
        if (in_threads && jobs[i].thread)
            pthread_join(jobs[i].thread, NULL);
        const char *said = lua_tostring(jobs[i].L, -1);
        lua_pushfstring(L, "%s%s", jobs[i].failed ? "error: " : "", said ? said : "nothing");
        lua_rawseti(L, -2, i + 1);
        lua_close(jobs[i].L);
    }
    return 1;
}

static const luaL_Reg FUNCTIONS[] = {
    {"fork", p_fork},
    {"waitpid", p_waitpid},
    {"exit_now", p_exit_now},
    {"kill", p_kill},
    {"getpid", p_getpid},
    {"limit_descriptors", p_limit_descriptors},
    {"sleep_ms", p_sleep_ms},
    {"is_readable", p_is_readable},
    {"descriptors", p_descriptors},
    {"threads", p_threads},
    {"catch_signal", p_catch_signal},
    {"signals_seen", p_signals_seen},
    {"alarm_every", p_alarm_every},
    {"reset_on_close", p_reset_on_close},
    {"receive_buffer", p_receive_buffer},
    {"refusing_port", p_refusing_port},
    {"black_hole", p_black_hole},
    {"run_states", p_run_states},
    {NULL, NULL},
};

int luaopen_spec_posix(lua_State *L)
{
    lua_newtable(L);
    for (const luaL_Reg *f = FUNCTIONS; f->name; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
    lua_pushinteger(L, SIGALRM);
    lua_setfield(L, -2, "SIGALRM");
    lua_pushinteger(L, SIGCHLD);
    lua_setfield(L, -2, "SIGCHLD");
    lua_pushinteger(L, SIGKILL);
    lua_setfield(L, -2, "SIGKILL");
    return 1;
}
