/* SPDX-License-Identifier: Apache-2.0 */
/* child_spawn.h - a child process that inherits nothing by accident. */
#ifndef IO_LOOP_CHILD_SPAWN_H
#define IO_LOOP_CHILD_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child_file {
    int ours, theirs; /* `theirs` in rising order */
};

struct child_spawn {
    const char *program;      /* path of the file */
    char *const *arguments;   /* NULL-ended, with the name first */
    char *const *environment; /* NULL-ended */
    const char *folder;       /* it runs in; NULL: ours */
    const struct child_file *files;
    size_t file_count; /* at least one; above the last all are closed */
    bool leads_group;  /* of its own: kill(-pid) reaches what it starts, too */
};

/* Starts it with all signals at their defaults and none blocked. Returns 0, or an errno. By
 * posix_spawn and not fork: our worker threads may hold locks, which a forked copy would keep.
 * The caller reaps `*pid`. Any thread. */
int child_spawn(const struct child_spawn *spawn, pid_t *pid);

#endif
