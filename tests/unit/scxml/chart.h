/* SPDX-License-Identifier: Apache-2.0 */
/* chart.h - a document from its text, one session of it, and what it said.
 * Order    chart_open(), chart_run() (the start), chart_event() ..., chart_close(). */
#ifndef TESTS_UNIT_SCXML_CHART_H
#define TESTS_UNIT_SCXML_CHART_H

#include "scxml/load.h"
#include "scxml/session.h"

struct chart {
    struct scope *scope;   /* of the document */
    struct scope *effects; /* of the last call */
    struct scxml_document *document;
    struct scxml_evaluator *evaluator;
    struct scxml_limits limits; /* may be set before chart_begin() */
    struct scxml_birth birth;   /* the same */
    struct scxml_session *session;
    uint64_t now_ms;
    enum scxml_outcome outcome; /* of the last step */
    uint32_t steps;
    struct buf said;  /* what was done, a line each: "log LABEL WORDS", "send NAME to TARGET" ... */
    struct buf ours;  /* words of the engine's own log lines */
    struct buf names; /* for chart_states() */
};

/* `body` stands between <scxml ...> and </scxml>; `attributes` may be "". Ends the test where the
 * document is refused. */
struct chart *chart_load(const char *attributes, const char *body);
struct chart *chart_of(struct scxml_document *document); /* which the caller keeps */
void chart_begin(struct chart *chart);                   /* the session; not yet its start */
struct chart *chart_open(const char *attributes, const char *body); /* load, begin, run */
void chart_close(struct chart *chart);

void chart_run(struct chart *chart); /* steps until it rests or has ended */
void chart_wait(struct chart *chart, uint64_t ms);
void chart_event(struct chart *chart, const char *name); /* posts and runs */
enum err chart_post(struct chart *chart, const char *name);

struct text chart_states(struct chart *chart); /* "a b": active atomic states */
struct text chart_said(struct chart *chart);   /* since the last call */
uint64_t chart_cpu_us(void);                   /* of this thread */

#endif
