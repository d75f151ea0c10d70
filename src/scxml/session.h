/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - the interpreter: (document, session, event, now) -> (session, effects), one macrostep
 * at a time (orchestration 3.2 to 3.5; the Recommendation's appendix A).
 *
 * Pure    no clock, no I/O, no chance but the birth's seed; scripts are the only foreign code. The
 *         same birth, events and times give the same session and effects, byte for byte.
 * Thread  that of its evaluator.
 * Size    under 1 KiB at rest, and what its data take (decision 0036).
 * Bounds  scxml_limits; of a macrostep also a million actions and conditions. Past them the session
 *         ends with the reason in SCXML_DO_END: its invocations are cancelled, its handlers are not
 *         run. A thousand invocations at once: one more is an error.execution. */
#ifndef SCXML_SESSION_H
#define SCXML_SESSION_H

#include "scxml/datamodel.h"
#include "scxml/effect.h"

struct scxml_session;

#define SCXML_NEVER UINT64_MAX

struct scxml_birth { /* texts are copied */
    struct text session_id;
    struct text invoke_id; /* "": nobody invoked it; then SCXML_DO_END is all that tells its end */
    uint64_t seed;
    const struct scxml_pair
        *data; /* replace the top-level data of the same names, others ignored */
    struct scxml_payload parameters;
    const struct scxml_io_processor *processors; /* must outlive the session */
    uint32_t processor_count;
};

enum scxml_outcome {
    SCXML_RESTING, /* no macrostep was taken; delayed sends to others may have become effects */
    SCXML_STEPPED, /* one macrostep; call again */
    SCXML_ENDED    /* this macrostep, or an earlier one, was the last */
};

/* ERR_LIMIT when the heap has no room. The evaluator and its document must outlive it. */
enum err scxml_session_new(struct scxml_evaluator *evaluator, const struct scxml_document *document,
                           const struct scxml_limits *limits, const struct scxml_birth *birth,
                           struct scxml_session **out, struct fault *fault);
void scxml_session_free(struct scxml_session *session); /* NULL is allowed; runs no handler */

/* The first call is the start: data, scripts, the initial states and their macrostep. Each further
 * one makes due delayed sends external events or effects, takes the next external event through
 * <finalize> and autoforward, and runs the macrostep that it causes, invokes included. `now_ms` is
 * the Unix time; set back, nothing happens twice. The scope of the effects is the step's scratch as
 * well: it has no limit of its own, a macrostep's is limits.session_bytes. */
enum scxml_outcome scxml_step(struct scxml_session *session, uint64_t now_ms,
                              struct scxml_effects *effects);

/* Into the external queue, copied. ERR_FULL past limits.queued_events, ERR_CLOSED when it has
 * ended. What an invocation sent before its cancelling still counts (W3C test 236); what it sends
 * behind it is not to be posted here: whoever carries out SCXML_DO_UNINVOKE cuts it off. */
enum err scxml_post(struct scxml_session *session, const struct scxml_event *event);
/* Into the internal queue: errors of what an effect asked for (error.communication). */
enum err scxml_post_internal(struct scxml_session *session, const struct scxml_event *event);
/* The cancel event: the next step runs the exit handlers of all states and ends. */
void scxml_cancel(struct scxml_session *session);

uint64_t scxml_next_due(const struct scxml_session *session); /* ms; SCXML_NEVER */
bool scxml_is_waiting(const struct scxml_session *session);   /* a step now would not rest */
bool scxml_has_ended(const struct scxml_session *session);
bool scxml_is_active(const struct scxml_session *session, uint32_t state);
struct text scxml_session_id(const struct scxml_session *session);
/* Active atomic states in document order: how many; the first `room` of them into `states`. */
uint32_t scxml_configuration(const struct scxml_session *session, uint32_t *states, uint32_t room);
size_t scxml_session_bytes(const struct scxml_session *session); /* without the script heap */

/* --- written to bytes and read back (save.c) ----------------------------------------------------
 * At any macrostep boundary, in any process with the same document. Functions come back by running
 * the top-level scripts again; delayed sends keep their absolute times. ERR_LIMIT past
 * limits.session_bytes. Reading checks every byte: ERR_INVALID for what save() did not write,
 * ERR_CONFLICT for another document's session. */
enum err scxml_session_save(struct scxml_session *session, struct buf *out, struct fault *fault);
enum err scxml_session_restore(struct text saved, struct scxml_evaluator *evaluator,
                               const struct scxml_document *document,
                               const struct scxml_limits *limits,
                               const struct scxml_io_processor *processors,
                               uint32_t processor_count, struct scxml_session **out,
                               struct fault *fault);

#endif
