/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - what a measuring program asks of its own process: time, CPU, memory. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

double measure_wall_s(void);           /* monotonic */
double measure_cpu_s(void);            /* of all threads of this process */
uint64_t measure_resident_bytes(void); /* 0: not known */

#endif
