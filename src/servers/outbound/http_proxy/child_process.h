/* SPDX-License-Identifier: Apache-2.0 */
/* child_process.h - makes the child: this program again, with one end of a socketpair as descriptor
 * 3 and nothing else of ours open but the standard streams. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_CHILD_PROCESS_H
#define SERVERS_OUTBOUND_HTTP_PROXY_CHILD_PROCESS_H

#include "base/text.h"

#include <sys/types.h>

enum { CHANNEL_DESCRIPTOR = 3 };

/* `channel` gets our end. `name` is shown by ps. */
enum err child_process_start(struct text name, pid_t *pid, int *channel, struct fault *fault);
/* True once, when the child has ended and is reaped: `code` is its exit code, or 128 and the
 * signal. */
bool child_process_is_over(pid_t pid, int *code);

#endif
