/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - which objects a list shows (framework 3.3): `property op value` joined by `and`.
 *   state eq 'enabled' and annex.GMS.x eq 'y' and ports.number ge 6000
 * Property  names joined by '.', as in the object; a name with other bytes than letters, digits and
 *           "_-#:*" stands in double quotes: options.server."external_url_base". Without regard to
 *           the case of ASCII letters where no name fits exactly. A list fits when one of its items
 *           does. What is absent counts as its default, else it fits `ne` alone.
 * Op        eq ne lt le gt ge contains starts ends
 * Value     'text', in which '' is one quote; a number; true or false. A number fits texts that are
 *           numbers, as options are; true and false fit texts by the rule of options.
 * Promise   parsed once, tried on many. Refusals say where and what was awaited.
 * Pure      no clock, no I/O; the parsed filter lies in the scope. */
#ifndef SERVERS_CONFIG_FILTER_H
#define SERVERS_CONFIG_FILTER_H

#include "base/scope.h"
#include "base/shape.h"

enum { FILTER_TERMS_MAX = 32, FILTER_NAMES_MAX = 8, FILTER_BYTES_MAX = 4096 };

struct filter;

/* An empty text fits everything. The field of the fault is "filter". */
enum err filter_parse(struct scope *scope, struct text in, struct filter **out,
                      struct fault *fault);
/* `shape` knows the defaults of what `body` leaves out. */
bool filter_fits(const struct filter *filter, const struct shape *shape, const struct kv *body);

#endif
