/* SPDX-License-Identifier: Apache-2.0 */
/* host_file.h - host.jsonc: the little that a supervisor must know before configuration can be
 * read (design 6, Bootstrap).
 *            { "host": "localhost",                  // the Host object that this machine is
 *              "data": "run",                        // data folder; --data goes before it
 *              "config": { "application": "config", "address": "127.0.0.1:2020",
 *                          "start": true },    // false: another host runs it
 *              "metrics": "127.0.0.1:9100",          // empty: no page
 *              "options": { "restart-delay-max": 60 } }   // schema/options/supervisor.toml
 * Promise  every mistake is told with its field or its line; an unknown name is a mistake, since a
 *          misspelled one would otherwise act as its default.
 * Pure     no I/O. */
#ifndef SERVERS_SUPERVISOR_HOST_FILE_H
#define SERVERS_SUPERVISOR_HOST_FILE_H

#include "base/scope.h"
#include "base/shape.h"

struct host_config {
    struct shape_head head;
    struct text application, address;
    bool start;
    /* Where config keeps its data, as libpq has it, without the password: that is the first line of
     * DATA/secret/config-database. Empty: a file in the data folder. An
     * empty schema is "config". */
    struct text database, schema;
};

struct host_file {
    struct shape_head head;
    struct text host;           /* default "localhost" */
    struct text data;           /* default "run" */
    struct text run, logs;      /* empty: below the data folder */
    struct host_config *config; /* never NULL; default "config" at 127.0.0.1:2020 */
    struct text metrics;        /* default 127.0.0.1:9100 */
    struct kv options;
};

/* Everything lies in `scope`. */
enum err host_file_parse(struct scope *scope, struct text jsonc, struct host_file **out,
                         struct fault *fault);
/* The same content again, for DATA/host.jsonc: there the tools of this host find it. */
struct text host_file_print(struct scope *scope, const struct host_file *file);

#endif
