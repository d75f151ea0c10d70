/* SPDX-License-Identifier: Apache-2.0 */
/* sights.h - which objects a subscriber has been told of, where permissions bound what it sees:
 * what is told of later depends on it (framework 12.2). Memory   a bit for each object, in pieces
 * of 4096 DBIDs of a type. Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_SIGHTS_H
#define SERVERS_CONFIG_SIGHTS_H

#include "base/catalogue.h"
#include "base/scope.h"

struct sights;

struct sights *sights_new(struct scope *owner);
bool sights_has(const struct sights *sights, const struct object_type *type, uint32_t dbid);
void sights_set(struct sights *sights, const struct object_type *type, uint32_t dbid, bool is_seen);

#endif
