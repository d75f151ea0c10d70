/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - the lists behind the look-ups of base/catalogue.h, as tools/generate prints them. For
 * src/gen/find.c only. */
#ifndef GEN_TABLES_H
#define GEN_TABLES_H

#include "base/catalogue.h"

extern const struct msg *const gen_messages[]; /* by number */
extern const size_t gen_messages_count;
extern const struct msg *const gen_messages_by_name[]; /* by protocol, then name */
extern const size_t gen_messages_by_name_count;
extern const struct object_type *const gen_objects[]; /* in canonical order */
extern const size_t gen_objects_count;
extern const struct option_table *const gen_options[];
extern const size_t gen_options_count;
extern const struct log_event *const gen_events[];
extern const size_t gen_events_count;

#endif
