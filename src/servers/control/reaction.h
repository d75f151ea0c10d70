/* SPDX-License-Identifier: Apache-2.0 */
/* reaction.h - what a Script of type AlarmReaction says, and what is sent for it: orders, the JSON
 * of a webhook, an e-mail, the environment of a program (framework 9).
 * Script   options of schema/options/alarm_reaction.toml, in its annex.
 * Bytes    are made once, when the alarm moves, and are kept in the outbox: a repeat is the same.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONTROL_REACTION_H
#define SERVERS_CONTROL_REACTION_H

#include "base/buf.h"
#include "gen/messages.h"
#include "gen/options.h"

enum reaction_kind {
    REACTION_APPLICATION_ORDER, /* as in OrderApplication */
    REACTION_SOLUTION_ORDER,    /* as in OrderSolution */
    REACTION_WEBHOOK,
    REACTION_EMAIL,
    REACTION_COMMAND,
};

struct reaction { /* views into the options and the alarm */
    enum reaction_kind kind;
    struct text name;  /* application or solution */
    struct text order; /* "restart", "start"... */
    struct text level; /* of log-level */
    uint32_t seconds;
    struct text url, secret;
    struct text to, subject;
    struct text command, arguments;
};

/* `application`: the alarm's own. ERR_INVALID names the option at fault. */
enum err reaction_read(const struct alarm_reaction_options *options, struct text application,
                       struct reaction *out, struct fault *fault);

/* {"type":"alarm.created","timestamp":"2026-...","data":{...}}: the convention of Standard
 * Webhooks; "alarm.cleared" for one that is. */
void reaction_write_webhook(const struct control_alarm_state *alarm, uint64_t now_utc_ms,
                            struct buf *out);

/* A message by RFC 5322, quoted-printable, lines end with CR LF. `id` makes the Message-ID. */
struct mail_head {
    struct text from, to, subject, id;
    uint64_t now_utc_ms;
};
void reaction_write_mail(const struct mail_head *head, const struct control_alarm_state *alarm,
                         struct buf *out);
/* One plain address: name@host. */
bool reaction_is_address(struct text address);

/* NAME=value, a NUL behind each: CARILLON_ALARM_ID, _CONDITION, _CATEGORY, _APPLICATION, _HOST,
 * _STATE, _COUNT, _RAISED, _CLEARED_BY, _COMMENT, _EVENT, _TEXT. */
void reaction_write_environment(const struct control_alarm_state *alarm, struct buf *out);

#endif
