/* SPDX-License-Identifier: Apache-2.0 */
/* message_json.h - messages of the catalogue where an edge speaks JSON (spec outbound 14.3, 15;
 * design 4): UserData is flat among the other fields.
 * Pure but for memory of the scope. */
#ifndef APP_MESSAGE_JSON_H
#define APP_MESSAGE_JSON_H

#include "base/catalogue.h"
#include "format/json.h"

/* More than a list has fields and a request has keys: 1 MiB of JSON could hold so many that the
 * request outgrows its memory. */
enum { MESSAGE_KEYS_MAX = 1000 };

/* The fields of `msg`, in `scope`; keys that it does not know become its UserData where it has one,
 * else they are passed over. Texts stay views into the pairs' own. */
enum err message_from_kv(const struct msg *msg, const struct kv *pairs, struct scope *scope,
                         void **out, struct fault *fault);
/* Members without braces, UserData flat among them; a pair named as one of the fields is left out.
 * Inside lists UserData stays an object of its own. */
void message_put_members(struct json_writer *json, const struct shape *shape, const void *fields);

#endif
