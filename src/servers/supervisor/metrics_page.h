/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_page.h - one page from the Prometheus texts of many applications.
 * Promise  the samples of one metric stand together under one HELP and TYPE, as the format demands,
 *          whatever the order in which the texts came.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_SUPERVISOR_METRICS_PAGE_H
#define SERVERS_SUPERVISOR_METRICS_PAGE_H

#include "base/buf.h"
#include "base/scope.h"

struct metrics_page;

struct metrics_page *metrics_page_new(struct scope *owner);
/* Text of one application; lines that are neither HELP, TYPE nor a sample are left out. */
void metrics_page_add(struct metrics_page *page, struct text text);
void metrics_page_print(const struct metrics_page *page, struct buf *out);

#endif
