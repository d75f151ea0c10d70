/* SPDX-License-Identifier: Apache-2.0 */
/* family.h - a host and its sessions, from documents' texts, and what they said.
 * Order    family_open(), family_start(), family_rest() ..., family_close(). */
#ifndef TESTS_UNIT_SCXML_FAMILY_H
#define TESTS_UNIT_SCXML_FAMILY_H

#include "scxml/host.h"

struct family {
    struct scope *scope;
    struct scxml_host *host;
    struct scxml_host_options options; /* may be set before family_begin() */
    uint64_t now_ms;
    /* A line each: "N: a b" configurations (N: number of the session, from 0), "N log WORDS",
     * "N send NAME to TARGET DATA" ..., "N end FINAL". */
    struct buf said;
    struct buf ours;    /* why error events were raised, "NAME: WORDS" a line */
    struct text url;    /* of what is started */
    uint64_t last_call; /* over HTTP */
    uint32_t calls;
    const char *file_name, *file_text; /* what can be fetched beside it */
};

struct family *family_open(void);         /* zeroed options */
void family_begin(struct family *family); /* the host */
void family_close(struct family *family);

/* Session of a document; ends the test where it is refused. */
struct text family_start(struct family *family, struct text source);
/* `body` stands between <scxml ...> and </scxml>, ECMAScript. */
struct text family_chart(struct family *family, const char *body);
void family_rest(struct family *family);              /* at this instant */
void family_wait(struct family *family, uint64_t ms); /* through what is due */
void family_event(struct family *family, struct text session_id, const char *name);
struct text family_said(struct family *family); /* since the last call */
/* Into bytes, and back into another host with evaluators of its own. */
void family_move(struct family *family);

#endif
