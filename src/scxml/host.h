/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - a family of sessions on one clock: carries out what they want of each other, and hands
 * the rest to a shell (orchestration 3.4, 3.5).
 * Does      sends between sessions (#_parent, #_<invokeid>, #_scxml_<sessionid>), invocations of
 *           SCXML documents, done.invoke, cancelling, autoforward, errors of what cannot be had.
 *           Basic HTTP, log lines, modules and what documents refer to are the shell's, by hooks.
 * Pure      no clock, no I/O: the same options, calls and times give the same calls of hooks.
 * Order     sessions that have something waiting take turns, a macrostep each. Messages of one
 *           sender to one receiver arrive in the order in which they were sent, those over HTTP to
 *           a session of this host included: its sender rests until they have arrived.
 * Bounds    sessions, depth of invocations, macrosteps of one call; those of a session are its own
 *           (session.h). An idle session costs the host under 200 bytes.
 * Thread    one; several hosts may run on several. */
#ifndef SCXML_HOST_H
#define SCXML_HOST_H

#include "scxml/load.h"
#include "scxml/session.h"

struct scxml_host;
struct scxml_program; /* a document with its evaluator, shared by its sessions */

struct scxml_host_options { /* texts must outlive the host; zero takes the default */
    struct scxml_limits limits;
    enum scxml_dialect dialect;
    uint64_t seed;                 /* of session ids and of each session's chance */
    struct text node;              /* how session ids begin, 26 of [0-9A-V]; empty: from the seed */
    struct text http_location;     /* of Basic HTTP: in front of a session's id, and behind it; */
    struct text http_location_end; /* empty: that processor is not offered */
    uint32_t sessions_max;         /* 20,000 */
    uint32_t depth_max;            /* of sessions that invoke sessions: 16 */
    uint32_t idle_programs_max;    /* compiled documents kept though no session uses them: 32 */
};

/* Called from within scxml_host_run() and _http_done(); each may be NULL. They may call the host,
 * but not run it, and not scxml_host_http_done(). Views are good until return. */
struct scxml_host_hooks {
    /* As load.h: also the documents that are invoked by `src`. */
    enum err (*fetch)(void *self, struct text url, struct scope *scope, struct text *body,
                      struct fault *fault);
    /* A macrostep was taken, or delayed sends became due (SCXML_RESTING); the effects are carried
     * out next. */
    void (*on_step)(void *self, const struct scxml_session *session, enum scxml_outcome outcome,
                    const struct scxml_effects *effects);
    /* A <log>, or words of ours (is_ours): why an error event was raised. */
    void (*on_log)(void *self, const struct scxml_session *session, const struct scxml_effect *log);
    /* The session is over (effect.end), and gone on return. */
    void (*on_end)(void *self, const struct scxml_session *session, const struct scxml_effect *end);
    /* Post `message` to its target (host_http.h) and tell scxml_host_http_done(call). NULL: nobody
     * can be reached over HTTP. */
    void (*send_http)(void *self, const struct scxml_session *session,
                      const struct scxml_message *message, uint64_t call);
    /* A module's action (orchestration 6). False, or no hook: error.<module>.<action>, "unknown".
     */
    bool (*call_module)(void *self, const struct scxml_session *session,
                        const struct scxml_module_call *call);
};

/* Lives in `owner` until closed; its end runs no handler of any session. */
struct scxml_host *scxml_host_new(struct scope *owner, const struct scxml_host_options *options,
                                  const struct scxml_host_hooks *hooks, void *self);
void scxml_host_close(struct scxml_host *host);

/* --- documents --- */

/* Compiled, or taken from the cache when text and url are known. Findings in `scope` say why not
 * (ERR_INVALID); ERR_LIMIT: no room for the heap. To be given back by scxml_host_release(). */
enum err scxml_host_load(struct scxml_host *host, struct text source, struct text url,
                         struct scope *scope, struct scxml_findings *findings,
                         struct scxml_program **out, struct fault *fault);
void scxml_host_release(struct scxml_host *host, struct scxml_program *program);
const struct scxml_document *scxml_program_document(const struct scxml_program *program);
struct scxml_evaluator *scxml_program_evaluator(const struct scxml_program *program);
uint32_t scxml_host_program_count(const struct scxml_host *host); /* in use or kept */

/* --- sessions --- */

/* A session of nobody's; it takes its first step in the next run. `data` replaces top-level data;
 * `parameters` become _x.params. ERR_LIMIT: sessions_max, or no room in the heap. The id is good
 * until it ends. */
enum err scxml_host_start(struct scxml_host *host, struct scxml_program *program,
                          const struct scxml_pair *data, struct scxml_payload parameters,
                          struct text *session_id, struct fault *fault);
/* ERR_NOT_FOUND, else as scxml_post(). */
enum err scxml_host_post(struct scxml_host *host, struct text session_id,
                         const struct scxml_event *event);
/* What send_http() began. Not delivered: error.communication to its sender. */
void scxml_host_http_done(struct scxml_host *host, uint64_t call, bool is_delivered);

/* NULL: no such session, or it has ended. */
struct scxml_session *scxml_host_find(const struct scxml_host *host, struct text session_id);
struct scxml_program *scxml_host_program_of(const struct scxml_host *host, struct text session_id);
uint32_t scxml_host_session_count(const struct scxml_host *host);

/* --- time --- */

/* Takes up to `steps_max` macrosteps, of sessions that have something waiting at `now_ms`; returns
 * how many. Call again while scxml_host_has_work(), else at scxml_host_next_due(). */
uint32_t scxml_host_run(struct scxml_host *host, uint64_t now_ms, uint32_t steps_max);
bool scxml_host_has_work(const struct scxml_host *host);
uint64_t scxml_host_next_due(const struct scxml_host *host); /* ms; SCXML_NEVER */
/* Messages over HTTP that have no answer yet. */
uint32_t scxml_host_calls_open(const struct scxml_host *host);

/* --- written to bytes and read back (host_save.c) ------------------------------------------------
 * The whole family with its documents' texts, between two runs. ERR_CONFLICT while messages over
 * HTTP are under way; else as scxml_session_save(). */
enum err scxml_host_save(struct scxml_host *host, struct buf *out, struct fault *fault);
/* Into a new host with the same options and hooks that has no session yet; it goes on as the saved
 * one would have. On an error it has none, and is good for nothing but another try. */
enum err scxml_host_restore(struct scxml_host *host, struct text saved, struct fault *fault);

#endif
