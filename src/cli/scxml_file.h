/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_file.h - documents from files, for `carillon scxml` and `carillon strategy`. */
#ifndef CLI_SCXML_FILE_H
#define CLI_SCXML_FILE_H

#include "scxml/load.h"

/* A path or a file: address; regular files of at most SCXML_DOCUMENT_BYTES_MAX. Fits as `fetch` of
 * load.h and host.h; `self` is not used. */
enum err scxml_file_fetch(void *self, struct text url, struct scope *scope, struct text *body,
                          struct fault *fault);

/* Any regular file of at most `bytes_max`. */
enum { SCXML_FILE_BYTES_MAX = 1024 * 1024 * 1024 };
enum err scxml_file_read(const char *path, size_t bytes_max, struct scope *scope, struct text *body,
                         struct fault *fault);

#endif
