/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_handshake.h - the rules of the opening handshake. Pure.
 * Source   RFC 6455 sections 1.3, 4.2; RFC 9110 7.8. */
#ifndef IO_HTTP_WEBSOCKET_HANDSHAKE_H
#define IO_HTTP_WEBSOCKET_HANDSHAKE_H

#include "io/http/server.h"

enum { WEBSOCKET_PROOF_BYTES = 28 };

/* "a, b" of all headers with this name holds `token`, in any case. */
bool websocket_header_has_token(const struct http_headers *headers, struct text name,
                                struct text token);
/* What is wrong with the request: 400, 405 or 426 and words; 0: nothing. */
unsigned websocket_check_request(const struct http_request *request, const char **words);
/* The answer to the client's Sec-WebSocket-Key, of a request that was checked. */
void websocket_prove(const struct http_request *request, char proof[WEBSOCKET_PROOF_BYTES + 1]);

#endif
