/* SPDX-License-Identifier: Apache-2.0 */
/* import_rejects.h - the file of what an import left out, or loaded with a remark: line, field,
 * rule, value, in the order of the lines; made when there is a first one. */
#ifndef CLI_IMPORT_REJECTS_H
#define CLI_IMPORT_REJECTS_H

#include "gen/messages.h"

#include <stdio.h>

struct import_rejects {
    const char *name; /* NULL: it could not be made */
    FILE *file;
    uint64_t rejected, remarked; /* left out; loaded all the same */
};

/* The first ones also go to standard error; `before_line` is called before each such line. */
void import_rejects_add(struct import_rejects *rejects, const struct outbound_import_reject *reject,
                        void (*before_line)(void *self), void *self);
/* False: not all of it is on the disk. */
bool import_rejects_close(struct import_rejects *rejects);

#endif
