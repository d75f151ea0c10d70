/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/event.h"

struct scxml_event scxml_event_keep(struct scope *scope, const struct scxml_event *event)
{
    struct scxml_event kept = *event;
    kept.name = scope_keep(scope, event->name);
    kept.send_id = scope_keep(scope, event->send_id);
    kept.origin = scope_keep(scope, event->origin);
    kept.origin_type = scope_keep(scope, event->origin_type);
    kept.invoke_id = scope_keep(scope, event->invoke_id);
    kept.data.text = scope_keep(scope, event->data.text);
    kept.raw = scope_keep(scope, event->raw);
    return kept;
}
