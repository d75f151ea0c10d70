/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - what the files of `carillon ctl` share. Begin in ctl_command.c.
 *   ctl_command.c   the words, and the link to control
 *   ctl_status.c    status, --watch, sample
 *   ctl_order.c     orders, and waiting for their outcome
 *   ctl_log.c       alarms and kept logs */
#ifndef CLI_CTL_H
#define CLI_CTL_H

#include "cli/tool.h"
#include "gen/messages.h"

enum { CTL_ANSWER_MS = 20000, CTL_CONNECT_MS = 5000 };
enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_WRONG_USE = 2, CTL_TIME_UP = 3 };

struct ctl {
    struct tool tool;
    struct fault fault;
    struct link *link;
    struct text control; /* the application that we speak to */
    bool is_awaiting_up;
    /* Options; NULL or false: not given. */
    const char *data_dir, *control_name;
    bool wants_json, wants_watch, no_wait;
    const char *clear, *comment, *seconds;
    const char *from, *to, *level, *application, *ixn, *text, *id, *limit;
    bool wants_all, wants_audit;
    /* Of a watch: the link is up again, or something moved. */
    void (*on_up)(struct ctl *ctl);
    void (*on_event)(struct ctl *ctl, const struct msg *msg, const void *fields);
    void *self; /* theirs */
};

/* "carillon ctl: ..." on standard error; returns CTL_FAILED. */
int ctl_complain(const struct ctl *ctl);
int ctl_wrong_use(const char *words);
/* Asks control and waits; the error is in ctl->fault. */
enum err ctl_ask(struct ctl *ctl, const struct msg *msg, const void *fields,
                 void (*on_reply)(void *self, const void *fields), void *self);
void ctl_print_json(const struct msg *msg, const void *fields);

int ctl_status(struct ctl *ctl, const char *name);
int ctl_sample(struct ctl *ctl, const char *host);
int ctl_order_application(struct ctl *ctl, const char *order, const char *name, const char *level);
int ctl_order_solution(struct ctl *ctl, const char *order, const char *name);
int ctl_alarms(struct ctl *ctl);
int ctl_log(struct ctl *ctl);

#endif
