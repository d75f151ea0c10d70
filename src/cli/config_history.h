/* SPDX-License-Identifier: Apache-2.0 */
/* config_history.h - carillon config history: who changed what (framework 3.6). */
#ifndef CLI_CONFIG_HISTORY_H
#define CLI_CONFIG_HISTORY_H

#include "cli/tool.h"

struct config_history_wish { /* NULL: not given */
    const char *last;        /* days */
    const char *user, *type, *key, *tenant;
    const char *json, *xml; /* files to write instead of lines, "-" for standard output */
};

/* Reads page after page and writes each as it comes. A file is made anew, for its owner alone. */
enum err config_history(struct tool *tool, struct link *link,
                        const struct config_history_wish *wish, struct fault *fault);

#endif
