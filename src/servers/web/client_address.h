/* SPDX-License-Identifier: Apache-2.0 */
/* client_address.h - from where a request comes, when proxies stand before us, and what counts as
 * one place when log-ins are counted (docs/decisions/0030).
 * Promise  who is no trusted proxy cannot make us believe anything: each of them adds the address
 *          that it saw on the right, so what a client wrote itself is never reached.
 * Pure     no clock, no I/O, no allocation. */
#ifndef SERVERS_WEB_CLIENT_ADDRESS_H
#define SERVERS_WEB_CLIENT_ADDRESS_H

#include "base/text.h"

enum { CLIENT_ADDRESS_BYTES = 64 };

/* `peer` is whom we are connected with; `forwarded` the last X-Forwarded-For, `trusted` addresses
 * separated by commas. The result is `peer`, or in `room`: IPv4, or IPv6 in brackets. */
struct text client_address(struct text peer, struct text forwarded, struct text trusted,
                           char room[CLIENT_ADDRESS_BYTES]);
/* The first 64 bits of an IPv6 address: anybody who has one has as many as he likes. Else the whole
 * of it. */
struct text client_network(struct text address, char room[CLIENT_ADDRESS_BYTES]);

#endif
