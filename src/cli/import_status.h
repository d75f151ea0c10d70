/* SPDX-License-Identifier: Apache-2.0 */
/* import_status.h - `carillon import --list-imports`, `--status ID` and `--undo ID`: what outbound
 * knows of imports. Each takes the words that are left and returns the exit code. */
#ifndef CLI_IMPORT_STATUS_H
#define CLI_IMPORT_STATUS_H

int import_status_list(int argc, char **argv);
int import_status_show(int argc, char **argv, const char *id);
int import_status_undo(int argc, char **argv, const char *id);

#endif
