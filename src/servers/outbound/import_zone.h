/* SPDX-License-Identifier: Apache-2.0 */
/* import_zone.h - zones of an import by name: a TimeZone object, its IANA name, or the IANA name of
 * a zone whose clock an object shows ("Europe/Berlin" where only CET is configured, which is
 * Europe/Paris). Of several possible ones ("America/Chicago&America/Denver") all must come to the
 * same object; else the import's own choice for unclear ones is taken.
 * Shell    reads the configuration; answers are kept, so configure zones before an import. */
#ifndef SERVERS_OUTBOUND_IMPORT_ZONE_H
#define SERVERS_OUTBOUND_IMPORT_ZONE_H

#include "app/app.h"

struct import_zone_book;

/* `unclear`: name of a zone, or empty; ERR_NOT_FOUND where there is none of that name. */
enum err import_zone_book_new(struct scope *owner, struct app *app, struct text unclear,
                              struct import_zone_book **out, struct fault *fault);
/* As struct import_zones wants it; `self` is the book. */
enum err import_zone_find(void *self, struct text name, uint32_t *dbid, struct fault *fault);

#endif
