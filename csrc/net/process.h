/* SPDX-License-Identifier: MIT
 *
 * The process's one engine, and what happens to it at fork, exit and unload. The engine starts lazily, at the
 * first send, so a server's master may load the module and its workers send. */
#ifndef IOTMSG_PROCESS_H
#define IOTMSG_PROCESS_H

#include "net/engine.h"

/* Counts the forks since this was first asked; asking pins this object in memory. Any thread. */
unsigned long process_generation(void);

/* The engine, started if need be; NULL with a static sentence in *why. Any thread. */
struct engine *process_engine(const char **why);

#endif
