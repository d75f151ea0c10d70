/* SPDX-License-Identifier: Apache-2.0 */
/* sync_count.h - how often this program has synced a file: fdatasync() and fsync() of sync_count.c
 * stand before libc's for every library of a program that links it. */
#ifndef BENCH_SYNC_COUNT_H
#define BENCH_SYNC_COUNT_H

unsigned long sync_count(void); /* since the start, by all threads */

#endif
