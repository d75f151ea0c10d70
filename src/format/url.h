/* SPDX-License-Identifier: Apache-2.0 */
/* url.h - absolute http and https addresses, percent coding and queries (RFC 3986).
 * Results of url_parse are views into the input. Pure. */
#ifndef FORMAT_URL_H
#define FORMAT_URL_H

#include "base/buf.h"
#include "base/scope.h"

enum { URL_BYTES_MAX = 8192 };

struct url {
    bool is_secure;           /* https */
    struct text scheme, host; /* an IPv6 host without its brackets */
    bool is_ipv6;
    uint16_t port;           /* 80 or 443 where none is written */
    struct text host_port;   /* as written: the Host header */
    struct text path, query; /* "" or "/..."; what follows '?' without it */
    struct text target;      /* path and query as written; may be empty: send "/" */
};

/* Refused: other schemes, no host, user names, control characters, blanks, bytes above 0x7e, bad
 * ports and escapes. A fragment is cut off. */
enum err url_parse(struct text in, struct url *out, struct fault *fault);

/* %41 -> A. ERR_INVALID on a bad escape or %00. `plus_is_blank`: the rule of query strings. */
enum err url_decode(struct text in, bool plus_is_blank, struct scope *scope, struct text *out);
/* All but letters, digits and -._~ becomes %XX. */
void url_encode(struct buf *out, struct text in);

/* The first parameter with this (decoded) name, decoded into the scope; ERR_NOT_FOUND. */
enum err url_parameter(struct text query, struct text name, struct scope *scope, struct text *out);

#endif
