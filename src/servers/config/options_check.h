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
    const struct text *readers; /* names of the outbound applications: a section may bear one
                                   (outbound 3.1) */
    size_t reader_count;
    const struct text *node_types; /* of a cluster: the application types that read its options */
    size_t node_type_count;
};

void options_check_run(const struct options_check *check);

#endif
