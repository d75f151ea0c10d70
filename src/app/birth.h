/* SPDX-License-Identifier: Apache-2.0 */
/* birth.h - what an application is told at its birth, on inherited descriptor 3: one JSON line,
 * then end of file, so that no secret stands in an argument or the environment.
 *   {"application":"outbound","type":"outbound","key":"<64 hex>","run":"...","data":"...",
 *    "config":"127.0.0.1:2020","config_application":"config",
 *    "supervisor":"unix:.../supervisor.sock","host":"localhost","logs":"...","secret":"<64 hex>"}
 * key     the link key derived for this application (docs/decisions/0004)
 * secret  the installation's, only for config, which proves itself to all
 * database  only for config, which has no access point to read: a path for store_open(), with the
 *           password in it; absent: the file in the data folder (decision 0047)
 * Names that a newer supervisor adds are passed over. */
#ifndef APP_BIRTH_H
#define APP_BIRTH_H

#include "base/scope.h"

enum { BIRTH_KEY_BYTES = 32, BIRTH_BYTES_MAX = 64 * 1024, BIRTH_DESCRIPTOR = 3 };

struct birth {
    struct text application, type, run, data, logs, host;
    struct text config, config_application, supervisor; /* empty: none */
    struct text database;                               /* empty: none */
    uint8_t key[BIRTH_KEY_BYTES];
    bool key_is_secret; /* `key` is the installation's secret */
};

enum err birth_parse(struct text line, struct scope *scope, struct birth *out, struct fault *fault);
/* Reads the descriptor to its end and closes it. */
enum err birth_read(int descriptor, struct scope *scope, struct birth *out, struct fault *fault);

#endif
