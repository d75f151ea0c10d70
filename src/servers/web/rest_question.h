/* SPDX-License-Identifier: Apache-2.0 */
/* rest_question.h - what an HTTP request asks, by its row of the route table: the parts of its
 * path, its query, the headers that count, and a body of fields, each turned into the kind that the
 * field of the message wants. Promise  an unknown parameter, one that is there twice, a bad escape
 * and a value of the wrong kind are refused by name. Whether the fields are right in themselves,
 * their shape says. Memory   in `scope`, or views into the request. Pure     no clock, no I/O. */
#ifndef SERVERS_WEB_REST_QUESTION_H
#define SERVERS_WEB_REST_QUESTION_H

#include "base/scope.h"
#include "io/http/server.h"
#include "servers/web/rest_route.h"

enum { REST_PARAMETERS_MAX = 32, REST_DEPTH_MAX = 32 };

struct rest_question {
    const struct route *route;
    struct kv given;  /* each parameter by its name, decoded, as text */
    struct kv fields; /* of the message: parameters, what is fixed, and a body of fields */
};

/* 400, with the name of the parameter or member at fault. */
bool rest_question_read(const struct rest_match *match, const struct http_request *request,
                        struct scope *scope, struct rest_question *out, struct fault *fault);

/* What was given for a parameter; .at NULL: nothing. */
struct text rest_given(const struct rest_question *question, const char *name);
/* "10", 10; `*` is 0: any. False: it is no single strong entity tag of ours. */
bool rest_read_etag(struct text in, uint64_t *out);
/* Milliseconds of UTC: a number of them, or 2026-11-21T23:00:00[.123]Z with any offset. */
bool rest_read_time(struct text in, uint64_t *out_utc_ms);
/* The parameter that becomes this field, for words to people; the field itself where there is none.
 */
struct text rest_parameter_of(const struct route *route, struct text field);

#endif
