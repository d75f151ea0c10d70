/* SPDX-License-Identifier: Apache-2.0 */
/* console.h - what the console and the command line ask about lists, records and chains
 * (schema/messages/outbound_console.toml). Reads only; pages are bounded, and counts are kept for a
 * few seconds, so that many consoles cost no more than one. */
#ifndef SERVERS_OUTBOUND_CONSOLE_H
#define SERVERS_OUTBOUND_CONSOLE_H

#include "servers/outbound/request.h"

void console_calling_lists(struct request *request);
void console_records(struct request *request);
void console_chain(struct request *request);

#endif
