/* SPDX-License-Identifier: Apache-2.0 */
/* certificate_watch.h - tells when the certificate of one of our ports expires in 30, 7 and 1 days,
 * and when a new one is there (framework 9, 15: alarm before expiry).
 * Thread   the loop's; files are read by a worker. */
#ifndef APP_CERTIFICATE_WATCH_H
#define APP_CERTIFICATE_WATCH_H

#include "app/app.h"

struct certificate_watch;

struct certificate_watch *certificate_watch_new(struct app *app);
/* The configuration moved: the ports of our Application object. */
void certificate_watch_configure(struct certificate_watch *watch);

/* Until the first certificate of a PEM file ends; negative: it has. ERR_INVALID: there is none. */
enum err certificate_seconds_left(struct text pem, uint64_t now_utc_ms, int64_t *out);
/* Which warning that is: 30, 7 or 1 days, 0: none yet. */
uint32_t certificate_warning(int64_t seconds_left);

#endif
