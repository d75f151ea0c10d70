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

static bool matches_one(struct text name, struct text descriptor)
{
    if (text_eq(descriptor, TEXT("*"))) return true;
    return text_starts(name, descriptor) &&
           (name.len == descriptor.len || name.at[descriptor.len] == '.');
}

bool scxml_event_matches(struct text name, const struct text *descriptors, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (matches_one(name, descriptors[i])) return true;
    return false;
}
