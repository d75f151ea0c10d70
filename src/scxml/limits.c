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
