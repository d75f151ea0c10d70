/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_saved.h - `carillon scxml run --save FILE` and `--restore FILE`: a run put aside. */
#ifndef CLI_SCXML_SAVED_H
#define CLI_SCXML_SAVED_H

#include "scxml/host.h"

struct scxml_saved {
    uint64_t now_ms; /* of its clock */
    struct text main_id, family;
};

enum err scxml_saved_write(const char *path, struct scxml_host *host, uint64_t now_ms,
                           struct text main_id, struct fault *fault);
/* In `scope`; the family is not looked at yet. */
enum err scxml_saved_read(const char *path, struct scope *scope, struct scxml_saved *out,
                          struct fault *fault);

#endif
