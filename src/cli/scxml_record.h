/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_record.h - a run written down, so that it can be repeated: what came from outside and when,
 * and what the sessions did. A JSON object a line (decision 0037):
 *   {"record":1,"document":"d0c...","seed":1,...}   first
 *   {"at":MS,"event":{...},"to":ID}   {"at":MS,"http":CALL,"delivered":true}   {"at":MS,"steps":N}
 *   {"session":ID,"configuration":[...],"effects":[...]}   of each macrostep, before its "steps"
 * The first three kinds are causes; the same causes give the same lines, byte for byte. */
#ifndef CLI_SCXML_RECORD_H
#define CLI_SCXML_RECORD_H

#include "base/buf.h"
#include "scxml/session.h"

struct scxml_record;

enum { SCXML_RECORD_VERSION = 1 };

/* Writes to the file. */
enum err scxml_record_new(struct scope *owner, const char *path, struct scxml_record **out,
                          struct fault *fault);
/* Compares with what was written: `recorded` outlives it. */
struct scxml_record *scxml_record_compare(struct scope *owner, struct text recorded);

struct scxml_record_head {
    uint64_t document_hash, seed;
    struct text http_location, http_location_end;
};
void scxml_record_begin(struct scxml_record *record, const struct scxml_record_head *head);
void scxml_record_event(struct scxml_record *record, uint64_t now_ms, struct text session_id,
                        const struct scxml_event *event);
void scxml_record_http(struct scxml_record *record, uint64_t now_ms, uint64_t call,
                       bool is_delivered);
/* Steps that were taken by one call of scxml_host_run(). */
void scxml_record_run(struct scxml_record *record, uint64_t now_ms, uint32_t steps);
void scxml_record_step(struct scxml_record *record, const struct scxml_session *session,
                       const struct scxml_effects *effects);

/* Of comparing: the line that differs first, from 1; 0: none so far. `*now` is what came instead.
 */
uint64_t scxml_record_difference(const struct scxml_record *record, struct text *now);

/* --- reading ---
 * A cause, to be brought about again. */
enum scxml_cause_kind {
    SCXML_CAUSE_BEGIN,
    SCXML_CAUSE_EVENT,
    SCXML_CAUSE_HTTP,
    SCXML_CAUSE_STEPS,
    SCXML_CAUSE_NONE /* an outcome */
};

struct scxml_cause {
    enum scxml_cause_kind kind;
    uint64_t at_ms;
    struct scxml_record_head head;
    struct text session_id;
    struct scxml_event event;
    uint64_t call;
    bool is_delivered;
    uint32_t steps;
};

enum err scxml_cause_read(struct text line, struct scope *scope, struct scxml_cause *out,
                          struct fault *fault);

#endif
