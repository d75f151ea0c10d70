/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop/child_spawn.h"

#include <signal.h>
#include <spawn.h>

static int set_files(posix_spawn_file_actions_t *files, const struct child_spawn *spawn)
{
    int failed = 0;
    for (size_t i = 0; !failed && i < spawn->file_count; i++)
        failed =
            posix_spawn_file_actions_adddup2(files, spawn->files[i].ours, spawn->files[i].theirs);
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(
            files, spawn->files[spawn->file_count - 1].theirs + 1);
    if (!failed && spawn->folder)
        failed = posix_spawn_file_actions_addchdir_np(files, spawn->folder);
    return failed;
}

static void set_attributes(posix_spawnattr_t *attributes, const struct child_spawn *spawn)
{
    sigset_t all, none;
    short group = spawn->leads_group ? POSIX_SPAWN_SETPGROUP : 0;
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    (void)posix_spawnattr_setflags(attributes,
                                   (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group));
}

int child_spawn(const struct child_spawn *spawn, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&files);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        set_attributes(&attributes, spawn);
        failed = set_files(&files, spawn);
        if (!failed)
            failed = posix_spawn(pid, spawn->program, &files, &attributes, spawn->arguments,
                                 spawn->environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}
