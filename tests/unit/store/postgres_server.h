/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_server.h - a real PostgreSQL of Debian's package for the tests of one program: on a free
 * port of loopback, in a folder of its own, gone with the program. */
#ifndef TESTS_UNIT_STORE_POSTGRES_SERVER_H
#define TESTS_UNIT_STORE_POSTGRES_SERVER_H

#include "store/store.h"
#include "tests/unit/test.h"

/* This run is on PostgreSQL: STORE_ON is `postgresql` in the environment. */
bool postgres_is_chosen(void);
/* A test that is about files, a disk of ours, or days in which a server would be asked each minute.
 */
#define TEST_OF_FILES(name) TEST_IF(name, !postgres_is_chosen())

/* A "postgresql:..." path with a schema that nobody used before; started when it is first asked
 * for. False: PostgreSQL is not installed here. */
bool postgres_server_path(char *out, size_t room);
unsigned postgres_server_port(void);
/* As a crash: all its processes at once, by SIGKILL; then as it was. */
void postgres_server_kill(void);
void postgres_server_start(void);
/* It takes connections and answers nothing; false: it goes on. */
void postgres_server_freeze(bool is_frozen);
/* From here on its commits wait for a standby that never comes, and another server (whose port is
 * returned) has all its data and takes writes: a standby leads by now, and nobody told it. Both are
 * started; it is as before after the end. Once a program. */
unsigned postgres_server_begin_split(void);
void postgres_server_end_split(void);
/* Every session of clients ends; somebody's deed at the database. */
void postgres_server_drop_sessions(void);

#endif
