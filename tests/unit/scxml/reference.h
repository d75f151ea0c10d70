/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the Recommendation's appendix A as it is written, slow and without a plan: a second
 * opinion for the interpreter on charts of its own. Knows <log>, <raise> and In(). */
#ifndef TESTS_UNIT_SCXML_REFERENCE_H
#define TESTS_UNIT_SCXML_REFERENCE_H

#include "base/buf.h"
#include "scxml/document.h"

enum { REFERENCE_STATES_MAX = 128 };

struct reference {
    const struct scxml_document *document;
    uint32_t transitions_max, taken;
    struct scope *scope;
    bool is_running, is_looping;
    bool active[REFERENCE_STATES_MAX];
    bool has_history[REFERENCE_STATES_MAX];
    bool history[REFERENCE_STATES_MAX][REFERENCE_STATES_MAX];
    struct text queue[1024];
    uint32_t queue_first, queue_end;
    struct buf said; /* as chart.h writes it */
};

void reference_start(struct reference *reference); /* document and transitions_max are set */
void reference_event(struct reference *reference, struct text name);
void reference_close(struct reference *reference);

#endif
