/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - the written form of a place to connect to or listen at, and its socket form. */
#ifndef IO_NET_ADDRESS_H
#define IO_NET_ADDRESS_H

#include "base/text.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ADDRESS_TEXT_BYTES = 56 }; /* "[" 45 "]:65535" NUL */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } at;
    socklen_t len;
};

enum err address_parse(struct text in, struct address *out, struct fault *fault);
/* "127.0.0.1:51234", "[::1]:6100"; "unix" whatever the path. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);
bool address_is_unix(const struct address *address);
bool address_is_loopback(const struct address *address); /* Unix sockets are */
uint16_t address_port(const struct address *address);    /* 0 for Unix sockets */
void address_set_port(struct address *address, uint16_t port);
/* Would a connect to `to` reach a listener at `at`? 0.0.0.0 and [::] stand for every host of their
 * family. */
bool address_reaches(const struct address *to, const struct address *at);
bool address_eq(const struct address *a, const struct address *b);

#endif
