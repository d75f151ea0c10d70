/* SPDX-License-Identifier: Apache-2.0 */
/* options_check.h - the options of one object against the tables of the servers that read them, at
 * write time (framework 4.1): an invalid value stops the change, an unknown option is a warning.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_OPTIONS_CHECK_H
#define SERVERS_CONFIG_OPTIONS_CHECK_H

#include "servers/config/object.h"

struct options_check {
    const struct object *object;
    struct text label;
    struct problems *problems;
    struct warnings *warnings;
    struct scope *scratch;
    struct text reader; /* a section of the object is named as this outbound application */
};

/* Hear of every application first: a section may bear its name (outbound 3.1). */
void options_check_note(struct options_check *check, const struct object *application);
void options_check_run(const struct options_check *check);

#endif
