/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - events and what they carry (orchestration 3.3).
 * Everything here is a view; who keeps an event longer copies it (scxml_event_keep). */
#ifndef SCXML_EVENT_H
#define SCXML_EVENT_H

#include "base/scope.h"

/* Values leave a session as text, so that nothing is shared between sessions (4.2 item 10). */
enum scxml_payload_kind {
    SCXML_DATA_NONE, /* undefined */
    SCXML_DATA_JSON,
    SCXML_DATA_TEXT, /* a string, as it stands */
    SCXML_DATA_XML,  /* one element: a DOM object */
    SCXML_DATA_BODY  /* unknown yet: JSON, else XML, else a string with its blanks normalised */
};

struct scxml_payload {
    enum scxml_payload_kind kind;
    struct text text;
};

enum scxml_event_type { SCXML_EXTERNAL, SCXML_INTERNAL, SCXML_PLATFORM };

struct scxml_event { /* an empty text is `undefined` in _event */
    struct text name;
    enum scxml_event_type type;
    struct text send_id, origin, origin_type, invoke_id;
    struct scxml_payload data;
    struct text raw;
};

struct scxml_event scxml_event_keep(struct scope *scope, const struct scxml_event *event);

#define SCXML_EVENT_PROCESSOR "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
#define SCXML_HTTP_PROCESSOR  "http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor"

#endif
