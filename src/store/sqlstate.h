/* SPDX-License-Identifier: Apache-2.0 */
/* sqlstate.h - what a database's five letters mean to us (ISO 9075, and PostgreSQL's own), for the
 * drivers that hear them. Pure. */
#ifndef STORE_SQLSTATE_H
#define STORE_SQLSTATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct sqlstate {
    const char *prefix;
    enum err err;
};

bool sqlstate_starts(const char *state, const char *prefix);
/* `own`: what only this driver hears, asked first, in its order. ERR_INTERNAL: nobody knows it. */
enum err sqlstate_err(const char *state, const struct sqlstate *own, size_t own_count);

#endif
