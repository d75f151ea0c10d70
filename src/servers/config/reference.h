/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the places of an object that name other objects (framework 3.1): walked, rewritten
 * after a rename, taken out when what they name goes.
 * Rule     a reference names an object of its own tenant; of a global type where that is what it
 *          names. A tenant names what is in it; applications, hosts and the like name what is in
 *          Environment.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_REFERENCE_H
#define SERVERS_CONFIG_REFERENCE_H

#include "servers/config/object.h"

struct reference {
    const struct object *from;
    const struct object_type *to;
    struct text tenant, key; /* of what is named */
    struct text path;        /* "connections[].server", "agentInfo.skillLevels{}" */
};

enum reference_verdict {
    REFERENCE_KEEP,
    REFERENCE_REWRITE, /* to `*key` */
    REFERENCE_DROP,
};

/* How an object came out of the walk. */
enum reference_outcome {
    REFERENCES_KEPT,
    REFERENCES_CHANGED,  /* its body was changed in place: object_rekey() it */
    REFERENCES_ESSENTIAL /* a reference that it cannot live without was to be dropped */
};

/* Ask `judge` about each reference of `object`, whose tenant is one as well. The body is changed
 * only on REWRITE and DROP; texts handed back must live as long as the object. */
enum reference_outcome references_walk(
    struct object *object,
    enum reference_verdict (*judge)(void *self, const struct reference *reference,
                                    struct text *key),
    void *self);
/* The same, only looking. */
void references_each(const struct object *object,
                     void (*each)(void *self, const struct reference *reference), void *self);

#endif
