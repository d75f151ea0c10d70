/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - what a person may send, for whom, and who hears an event (README.md, Frames).
 * Pure     no clock, no I/O. */
#ifndef SERVERS_WEB_RIGHTS_H
#define SERVERS_WEB_RIGHTS_H

#include "base/catalogue.h"
#include "base/scope.h"

struct asker {
    struct text employee_id;
    bool is_administrator;
};

enum right {
    RIGHT_GRANTED,
    RIGHT_UNKNOWN,     /* no such request: also what only servers send each other */
    RIGHT_FORBIDDEN,   /* administrators alone */
    RIGHT_OTHER_AGENT, /* for somebody else */
};
/* `msg` NULL: there is none. What servers alone send is as unknown as what does not exist. What
 * every session may send, the server behind judges by its permissions. */
enum right right_to_send(const struct asker *asker, const struct msg *msg);
/* The fields of a request as JSON gave them: an agent's GSW_AGENT_ID becomes her own, and an
 * administrator's where the message needs one and none is given. `pairs` has room for one more. */
enum right right_agent(const struct asker *asker, const struct msg *msg, struct kv *pairs);

enum audience { AUDIENCE_AGENT, AUDIENCE_GROUP, AUDIENCE_ADMINISTRATORS };
struct audience_of {
    enum audience kind;
    struct text agent_id; /* AGENT */
    uint32_t group_dbid;  /* GROUP: its members, and administrators */
};
struct audience_of audience_of(const struct shape *shape, const void *fields);

#endif
