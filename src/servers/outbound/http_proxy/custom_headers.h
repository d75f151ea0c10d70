/* SPDX-License-Identifier: Apache-2.0 */
/* custom_headers.h - the option http-custom-headers (spec outbound 13.3).
 * Syntax   header lines separated by line ends or '|', split at the first colon, trimmed. Names are
 *          HTTP tokens; control characters in a value, and the names that the transport itself
 *          writes (Host, Content-Length, Content-Type, ETag, Transfer-Encoding, Connection), are
 *          refused. Responses get the five security headers only, notifications any: one option
 * serves both, so lines that are for notifications are no mistake in responses. Levels   add the
 * application's lines first, then the host's: a name that both have is the host's. Memory   names
 * and values are views into the lines. Pure     no clock, no I/O, no allocation. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_CUSTOM_HEADERS_H
#define SERVERS_OUTBOUND_HTTP_PROXY_CUSTOM_HEADERS_H

#include "base/text.h"

enum { CUSTOM_HEADERS_MAX = 64, CUSTOM_HEADER_BYTES_MAX = 4096 };

enum custom_header_use { HEADERS_OF_RESPONSES, HEADERS_OF_NOTIFICATIONS };

struct custom_header {
    struct text name, value;
};

struct custom_headers {
    struct custom_header at[CUSTOM_HEADERS_MAX];
    uint32_t count;
};

/* Adds one level. `on_refused` (may be NULL) hears each line that is left out, with the rule it
 * breaks. */
void custom_headers_add(struct custom_headers *headers, struct text lines,
                        enum custom_header_use use,
                        void (*on_refused)(void *self, struct text name, const char *rule),
                        void *self);
/* Whether a log has to hide the value: the name speaks of auth, token, key or secret (spec
 * outbound 19). */
bool custom_header_is_secret(struct text name);

#endif
