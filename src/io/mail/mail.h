/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - hands finished messages (RFC 5322) to one SMTP server, by libcurl.
 * Promise  on_done comes exactly once, never from inside mailer_send(), unless the owner's scope
 *          closed. One message at a time, on a worker thread; MAIL_TIME_MAX_MS for all of one.
 *          How many wait is the caller's to bound.
 * Safety   user and password go over an encrypted connection alone: smtps://, or STARTTLS, which is
 *          then demanded. Without a user STARTTLS is used where the server offers it.
 * TLS      1.2 or newer, name and certificate checked against the system's authorities, or those
 *          that SSL_CERT_FILE names.
 * Thread   the loop's. */
#ifndef IO_MAIL_MAIL_H
#define IO_MAIL_MAIL_H

#include "io/loop/loop.h"

enum { MAIL_TIME_MAX_MS = 30 * 1000 };

struct mailer;

struct mail {           /* copied */
    struct text server; /* "smtp://host:25", "smtps://host:465" */
    struct text user, password;
    struct text from;
    struct text to;      /* addresses, by commas */
    struct text message; /* lines end with CR LF */
};

enum mail_end {
    MAIL_TAKEN,  /* the server is responsible for it now */
    MAIL_AGAIN,  /* it could not be reached, or said 4xx */
    MAIL_REFUSED /* it said 5xx, or the address of the server is none */
};

struct mailer *mailer_new(struct scope *owner, struct loop *loop);
void mailer_send(struct mailer *mailer, const struct mail *mail,
                 void (*on_done)(void *self, enum mail_end end, const char *words), void *self);

#endif
