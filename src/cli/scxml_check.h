/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_check.h - `carillon scxml check` and `draw`: documents looked at, not run. */
#ifndef CLI_SCXML_CHECK_H
#define CLI_SCXML_CHECK_H

#include <stdbool.h>

/* Every finding of each file on standard output, "file:line:column: error: words", or as JSON;
 * 0, or 2 when one has an error. */
int scxml_check(char *const *paths, int count, bool wants_json);
/* SVG on standard output; 0, or 2 with findings on standard error. */
int scxml_draw_file(const char *path);

#endif
