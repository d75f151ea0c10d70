/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/datamodel.h"

const struct scxml_limits scxml_default_limits = { /* orchestration 3.5 */
                                                   .macrostep_transitions = 1000,
                                                   .script_ms = 500,
                                                   .heap_bytes = 256ull * 1024 * 1024,
                                                   .session_bytes = 16 * 1024 * 1024,
                                                   .queued_events = 10000,
                                                   .delayed_events = 1000
};

struct scxml_limits scxml_limits_filled(const struct scxml_limits *limits)
{
    const struct scxml_limits *defaults = &scxml_default_limits;
    struct scxml_limits all = limits ? *limits : *defaults;
    if (!all.macrostep_transitions) all.macrostep_transitions = defaults->macrostep_transitions;
    if (!all.script_ms) all.script_ms = defaults->script_ms;
    if (!all.heap_bytes) all.heap_bytes = defaults->heap_bytes;
    if (!all.session_bytes) all.session_bytes = defaults->session_bytes;
    if (!all.queued_events) all.queued_events = defaults->queued_events;
    if (!all.delayed_events) all.delayed_events = defaults->delayed_events;
    return all;
}
