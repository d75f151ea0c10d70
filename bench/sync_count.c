/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sync_count.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_ulong syncs;

int fdatasync(int file);
int fsync(int file);

int fdatasync(int file)
{
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_fsync, file);
}

unsigned long sync_count(void)
{
    return atomic_load(&syncs);
}
