/* SPDX-License-Identifier: Apache-2.0 */
/* rest.h - the administration REST (framework 3.3, 6.5, 8.5), shared by its files:
 *   rest.c           who asks, how often; most routes: parameters become a message, its reply JSON
 *   rest_answer.c    answers and errors in their one form
 *   rest_objects.c   configuration objects: list, one, create, change, delete; change sets
 *   rest_changes.c   what happened to them: one question that waits, or a stream
 *   rest_status.c    states and alarms as streams; rest_stream.c what streams share
 *   rest_files.c     configuration files: export, import
 *   rest_schema.c    what objects and options are made of, the OpenAPI document
 * Which route is which message stands in schema/routes/web.toml; rest_route.h and rest_question.h
 * read it and are pure. */
#ifndef SERVERS_WEB_REST_H
#define SERVERS_WEB_REST_H

#include "servers/web/rest_question.h"
#include "servers/web/web.h"

enum { REST_PAGE_MAX = 1000 };

/* One request whose answer comes from another server. */
struct rest_call {
    struct waiting *waiting;
    struct web *web;
    const struct route *route;
    uint32_t person_dbid;
    struct text tenant, person, address, path;
    struct text if_none_match;     /* .at NULL: none */
    struct rest_question question; /* in the waiting's life */
    struct session *session;       /* good until the deed returns */
    uint64_t deadline_ms;          /* 0: option request-timeout */
    void *self;                    /* of a deed with more than one step */
};

/* --- rest.c --------------------------------------------------------------------------------- */

/* Paths of REST, whose errors have the form of framework 3.3. */
bool rest_is_path(struct text path);
/* Log-in and the like stand in the document, but are answered by api.c. */
bool rest_is_route(const struct route *route);
void rest_on_request(struct asked *asked, const struct rest_match *match);
/* Asks the server that the message belongs to, for the person. `on_reply` comes once, with `call`
 * as self; it answers, or asks on. */
void rest_ask(struct rest_call *call, const struct msg *msg, const void *fields,
              void (*on_reply)(void *self, const struct link_error *error, const void *fields));
/* The fields of the question as the struct of its message. False: answered. */
bool rest_fields(struct rest_call *call, const struct msg *msg, void **out);
/* Asks the route's own message with the question's fields. */
void rest_ask_plain(struct rest_call *call,
                    void (*on_reply)(void *self, const struct link_error *error,
                                     const void *fields));
struct scope *rest_scope(const struct rest_call *call);

/* --- rest_answer.c -------------------------------------------------------------------------- */

/* All of them answer once, if the client is still there, and end the call. `etag` 0: none. */
void rest_answer(struct rest_call *call, unsigned status, struct text json, uint64_t etag);
void rest_answer_with(struct rest_call *call, unsigned status, struct text json, uint64_t etag,
                      const struct http_header *more);
void rest_refuse(struct rest_call *call, unsigned status, const char *error_type, struct text field,
                 struct text words);
void rest_refuse_link(struct rest_call *call, const struct link_error *error);
/* {"errorType":...}: the body of door_refuse() on these paths. */
void rest_put_error(struct buf *out, const struct text triple[3], struct text words,
                    const struct text *details, uint32_t detail_count);

/* --- rest_status.c -------------------------------------------------------------------------- */

extern const struct link_handler rest_control_handlers[];
extern const struct link_life rest_control_life;

/* --- deeds ---------------------------------------------------------------------------------- */

void rest_list_objects(struct rest_call *call);
void rest_get_object(struct rest_call *call);
void rest_create_object(struct rest_call *call);
void rest_replace_object(struct rest_call *call);
void rest_update_object(struct rest_call *call);
void rest_delete_object(struct rest_call *call);
void rest_change(struct rest_call *call);
void rest_read_changes(struct rest_call *call);
void rest_export(struct rest_call *call);
void rest_import(struct rest_call *call);
void rest_list_object_types(struct rest_call *call);
void rest_get_object_type(struct rest_call *call);
void rest_get_options(struct rest_call *call);

/* GET /api/openapi.json, for anybody. */
void rest_document(const struct asked *asked);

#endif
