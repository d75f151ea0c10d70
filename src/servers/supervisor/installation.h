/* SPDX-License-Identifier: Apache-2.0 */
/* installation.h - the data folder of one host: made on the first run, locked while a supervisor
 * runs.
 *            DATA/secret/installation.key  0600: 64 hexadecimal digits, made once; every link key
 *                                          is derived from it
 *            DATA/secret/config-database   0600: made by people where config's data are in
 * PostgreSQL DATA/run/                     supervisor.sock, supervisor.lock, NAME.pid DATA/logs/
 * logs, NAME.out DATA/NAME/                    each application's own Promise  two supervisors
 * never hold one installation; the lock ends with the process, however it ends. Source   design 4,
 * 5 */
#ifndef SERVERS_SUPERVISOR_INSTALLATION_H
#define SERVERS_SUPERVISOR_INSTALLATION_H

#include "base/scope.h"

enum { INSTALLATION_SECRET_BYTES = 32 };

struct installation {
    struct text data_dir, run_dir, logs_dir; /* absolute */
    uint8_t secret[INSTALLATION_SECRET_BYTES];
};

/* Make what is missing, take the lock (waiting a second for a predecessor that is just ending) and
 * read the secret. ERR_CONFLICT: another supervisor runs here. Empty run_dir and logs_dir stand for
 * the places above. The lock lives as long as `owner`. */
enum err installation_open(struct scope *owner, struct text data_dir, struct text run_dir,
                           struct text logs_dir, struct installation *out, struct fault *fault);
/* Only the secret: for tools on the same host. */
enum err installation_read_secret(struct text data_dir, uint8_t out[INSTALLATION_SECRET_BYTES],
                                  struct fault *fault);
/* The first line of DATA/secret/config-database: the password of config's own database; empty:
 * there is none. Read at each start of config, so that it can be changed. */
struct text installation_database_password(struct scope *owner, struct text data_dir);
/* "run/NAME.pid"; bytes that have no place in a file name as %XX. */
struct text installation_file(struct scope *owner, struct text folder, struct text name,
                              const char *ending);
/* And back: "outbound.pid" with ".pid" is "outbound". False: no file of that kind. */
bool installation_name(struct scope *owner, struct text file, const char *ending, struct text *out);

#endif
