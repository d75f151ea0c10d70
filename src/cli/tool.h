/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h - the ground a command stands on that talks to running servers: a loop, a net, and an
 * identity by the installation's secret.
 * Where    --data DIR, else $CARILLON_DATA, else "run". The supervisor leaves DATA/host.jsonc
 *          there, so the data folder alone tells where everything is.
 * Use      struct tool tool; if (tool_open(&tool, data, &fault)) ...; ask; tool_close(). Asking
 *          runs the loop until the answer is there: commands read from top to bottom. */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "io/link/link.h"

struct tool {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct log log; /* silent: a command speaks for itself */
    struct link_identity identity;
    struct text data_dir, run_dir; /* absolute */
    struct text host, config_application, config_address;
    uint8_t secret[32];
    const struct link_handler *handlers; /* of events, for links made from now on, their `self` says
                                            nothing; NULL: none */
};

/* `data_dir` NULL or empty: the default above. */
enum err tool_open(struct tool *out, const char *data_dir, struct fault *fault);
void tool_close(struct tool *tool);

/* A link that is up, or ERR_TIMEOUT after `wait_ms` with words for the person. */
enum err tool_connect(struct tool *tool, struct text address, struct text peer, uint64_t wait_ms,
                      struct link **out, struct fault *fault);
enum err tool_connect_config(struct tool *tool, uint64_t wait_ms, struct link **out,
                             struct fault *fault);
enum err tool_connect_supervisor(struct tool *tool, uint64_t wait_ms, struct link **out,
                                 struct fault *fault);
/* The link port of an application, as config has it: "127.0.0.1:6100". `tenant` objects are not
 * needed: applications belong to no tenant. */
enum err tool_application_address(struct tool *tool, struct text application, uint64_t wait_ms,
                                  struct text *out, struct fault *fault);
enum err tool_connect_application(struct tool *tool, struct text application, uint64_t wait_ms,
                                  struct link **out, struct fault *fault);
/* Ask and wait. `on_reply` hears the reply before the call returns (its views are gone afterwards);
 * an error becomes `fault`, with its details, one a line, on standard error. */
enum err tool_ask(struct tool *tool, struct link *link, const struct msg *msg, const void *fields,
                  uint64_t deadline_ms, void (*on_reply)(void *self, const void *fields),
                  void *self, struct fault *fault);

/* On standard output: "2026-03-01T09:30:00.250Z". */
void tool_print_time(uint64_t utc_ms);

#endif
