/* SPDX-License-Identifier: Apache-2.0 */
/* host_private.h - the inside of a host, for host*.c. Start reading at step() in host.c. */
#ifndef SCXML_HOST_PRIVATE_H
#define SCXML_HOST_PRIVATE_H

#include "base/list.h"
#include "base/random.h"
#include "base/table.h"
#include "scxml/host.h"

enum {
    SESSION_ID_CHARS = 32,
    NODE_CHARS = 26,
    BIRTHS_MAX = 1 << 30,   /* what the other six characters can count */
    HTTP_CALLS_MAX = 10000, /* of all sessions together: each holds a socket of the shell */
    NOT_DUE = UINT32_MAX
};

struct scxml_program {
    struct list idle;    /* in host->idle_programs while users is 0 */
    struct scope *scope; /* everything below */
    uint64_t key;        /* in host->programs */
    struct text source, url;
    struct scxml_document *document;
    struct scxml_evaluator *evaluator;
    uint32_t users;
    bool is_listed; /* in host->programs */
};

/* What a session has still to do when the message before it has arrived. */
struct held {
    struct scope *scope; /* of the effects, and of this */
    const struct scxml_effect *next;
};

/* The host's record of a session. */
struct member {
    struct scxml_session *session;
    struct scxml_program *program;
    struct member *parent; /* NULL: nobody's, or cut off */
    struct member *first_child, *next_sibling;
    char *invoke_id; /* of a child; NUL-ended */
    struct held *held;
    struct list ready;
    uint64_t due_ms;
    uint32_t due_at; /* place in host->due; NOT_DUE */
    uint32_t number; /* order of birth */
    uint32_t depth;
};

struct http_call {
    struct scope *scope;
    struct text sender, send_id;
    bool holds; /* its sender rests until then */
};

struct scxml_host {
    struct scope *life;
    struct scxml_host_options options;
    struct scxml_host_hooks hooks;
    void *self;
    struct random random;
    char node[NODE_CHARS + 1];
    struct scxml_io_processor processors[2];
    uint32_t processor_count;

    struct table *members; /* by session id */
    struct list ready;
    struct member **due; /* a heap, the earliest first, the elder of two */
    uint32_t due_count, due_room;
    uint32_t births;
    struct scope *scratch; /* of the effects of one step */

    struct table *programs; /* by key */
    struct list idle_programs;
    uint32_t idle_count;
    struct slots *calls;
};

/* host_program.c: at the end of the host, when no session is left. */
void programs_close(struct scxml_host *host);

/* host_due.c: when `member` is due; SCXML_NEVER takes it out. */
void due_set(struct scxml_host *host, struct member *member, uint64_t due_ms);
struct member *due_first(const struct scxml_host *host); /* NULL: none */

/* host.c */
struct member *member_find(const struct scxml_host *host, struct text session_id);
struct member_birth {
    struct scxml_program *program;
    struct member *parent;
    struct text invoke_id;
    const struct scxml_pair *data;
    struct scxml_payload parameters;
};
/* `birth->program` is taken over on ERR_OK. */
enum err member_new(struct scxml_host *host, const struct member_birth *birth, struct member **out,
                    struct fault *fault);
/* Takes over session and program; `invoke_id` counts where there is a parent. */
struct member *member_add(struct scxml_host *host, struct scxml_session *session,
                          struct scxml_program *program, uint32_t number, struct member *parent,
                          struct text invoke_id);
void members_drop(struct scxml_host *host); /* all of them, without a word */
/* The parent hears nothing more of it, and it is told to end. */
void member_cut_off(struct scxml_host *host, struct member *child);
void member_end(struct scxml_host *host, struct member *member);
/* It has something waiting, or is due, or neither. */
void member_schedule(struct scxml_host *host, struct member *member);
enum err member_post(struct scxml_host *host, struct member *member,
                     const struct scxml_event *event);

/* host_effects.c: carries out what follows, which lies in `scope`. False: it holds at a message
 * that has to arrive first, and keeps the scope until then. */
bool effects_carry_out(struct scxml_host *host, struct member *member, struct scope *scope,
                       const struct scxml_effect *first);
struct sender {
    const struct scxml_host *host;
    struct member *member;
};
/* As effect.h asks; `world` is a struct sender. */
bool effects_can_reach(void *world, const struct scxml_message *message);

#endif
