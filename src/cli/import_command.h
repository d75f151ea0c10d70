/* SPDX-License-Identifier: Apache-2.0 */
/* import_command.h - `carillon import FILE.csv --list NAME`: a calling list from a CSV file.
 * Promise  what outbound acknowledged is in the list once, also when a process was killed
 * meanwhile; the same file for the same list again inserts nothing twice (see --key). Exit     0
 * every row is in · 1 rows were rejected, or it could not be carried out · 2 wrong use */
#ifndef CLI_IMPORT_COMMAND_H
#define CLI_IMPORT_COMMAND_H

#include "cli/command.h"

#endif
