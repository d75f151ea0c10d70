/* SPDX-License-Identifier: Apache-2.0 */
/* grammar.h - how single texts of objects are written: whether one can be read at all.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_GRAMMAR_H
#define SERVERS_CONFIG_GRAMMAR_H

#include "base/text.h"

bool is_date(struct text in);          /* 2026-02-28 */
bool is_host_address(struct text in);  /* IPv4, IPv6, or a name as DNS has them */
bool is_log_event(struct text in);     /* 00-04504, 2000 */
bool is_table_name(struct text in);    /* list_1, dbo.list_1 */
bool is_number_ranges(struct text in); /* 1000-1999,2001 */
/* Five fields of numbers, ranges, lists, steps and *: minute hour day month weekday. NULL: it is
 * one; else the name of the field that is none. */
const char *schedule_field_refused(struct text in);

#endif
