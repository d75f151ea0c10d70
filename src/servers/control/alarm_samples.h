/* SPDX-License-Identifier: Apache-2.0 */
/* alarm_samples.h - asks hosts for figures, has detection scripts judge them, and tells of disks
 * that run full (framework 9).
 * Thread   the loop's. */
#ifndef SERVERS_CONTROL_ALARM_SAMPLES_H
#define SERVERS_CONTROL_ALARM_SAMPLES_H

#include "servers/control/server.h"

struct alarm_samples;

struct alarm_samples *samples_open(struct control_server *server);
/* Conditions, scripts or options moved. */
void samples_configure(struct alarm_samples *samples);
/* What a host answered. */
void samples_take(struct alarm_samples *samples, const struct control_host_sample *sample);

#endif
