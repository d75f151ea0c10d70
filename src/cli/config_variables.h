/* SPDX-License-Identifier: Apache-2.0 */
/* config_variables.h - what a configuration file takes from the machine where the command runs:
 * ${NAME} from a variables file, then the environment; secrets from $env and $file (framework 3.2).
 */
#ifndef CLI_CONFIG_VARIABLES_H
#define CLI_CONFIG_VARIABLES_H

#include "base/scope.h"
#include "base/shape.h"

enum { CONFIG_FILE_BYTES_MAX = 15000000 }; /* of a message, schema/messages/config.toml */

/* The whole file; "-" is standard input. */
enum err config_read_file(struct scope *scope, const char *path, struct text *out,
                          struct fault *fault);
/* Everything that `text` asks for and that is there: names as they stand, "$env:NAME",
 * "$file:PATH". Secret files with a relative path lie beside the configuration file at `path`.
 * `variables_file` NULL: none; else pairs as JSON, or lines NAME=value. */
enum err config_variables(struct scope *scope, struct text text, const char *path,
                          const char *variables_file, struct kv *out, struct fault *fault);

#endif
