/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the REST, and errors: a status and {"errorType","objectType","objectProperty",
 * "message","details"} (framework 3.3). */
#include "servers/web/rest.h"

#include <stdio.h>

enum { RETRY_MS = 1000, ETAG_BYTES = 32 };

void rest_put_error(struct buf *out, const struct text triple[3], struct text words,
                    const struct text *details, uint32_t detail_count)
{
    static const char *const names[] = { "errorType", "objectType", "objectProperty" };
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    for (size_t i = 0; i < 3; i++) {
        json_put_name(&json, text_of(names[i]));
        json_put_text(&json, triple[i].at ? triple[i] : TEXT(""));
    }
    json_put_name(&json, TEXT("message"));
    json_put_text(&json, words);
    json_put_name(&json, TEXT("details"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < detail_count; i++) json_put_text(&json, details[i]);
    json_end_array(&json);
    json_end_object(&json);
}

void rest_answer_with(struct rest_call *call, unsigned status, struct text json, uint64_t etag,
                      const struct http_header *more)
{
    struct waiting *waiting = call->waiting;
    struct http_exchange *exchange = door_back(waiting);
    char tag[ETAG_BYTES];
    struct http_header headers[4];
    struct http_headers all = { headers, 0 };
    uint64_t known;
    (void)snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)etag);
    bool is_known = etag && call->if_none_match.at && rest_read_etag(call->if_none_match, &known) &&
                    known == etag;
    headers[all.count++] = (struct http_header){ TEXT("Cache-Control"), TEXT("no-store") };
    if (json.len && !is_known)
        headers[all.count++] =
            (struct http_header){ TEXT("Content-Type"), TEXT("application/json") };
    if (etag) headers[all.count++] = (struct http_header){ TEXT("ETag"), text_of(tag) };
    if (more) headers[all.count++] = *more;
    if (exchange)
        door_reply_with(waiting->port, exchange, is_known ? 304 : status, &all,
                        is_known ? TEXT("") : json);
    door_end(waiting);
}

void rest_answer(struct rest_call *call, unsigned status, struct text json, uint64_t etag)
{
    rest_answer_with(call, status, json, etag, NULL);
}

struct refusal {
    unsigned status;
    struct text triple[3], words;
    const struct text *details;
    uint32_t detail_count;
    uint64_t retry_after_ms;
};

static void refuse(struct rest_call *call, const struct refusal *refusal)
{
    struct buf body = { 0 };
    char seconds[24];
    uint64_t wait_ms = refusal->retry_after_ms ? jittered(call->web, refusal->retry_after_ms) : 0;
    (void)snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)((wait_ms + 999) / 1000));
    struct http_header header = { TEXT("Retry-After"), text_of(seconds) };
    rest_put_error(&body, refusal->triple, refusal->words, refusal->details, refusal->detail_count);
    call->web->counters.web_rest_refused_total++;
    call->if_none_match = (struct text){ 0 };
    rest_answer_with(call, refusal->status, buf_text(&body), 0, wait_ms ? &header : NULL);
    buf_free(&body);
}

void rest_refuse(struct rest_call *call, unsigned status, const char *error_type, struct text field,
                 struct text words)
{
    struct refusal refusal = { .status = status,
                               .triple = { text_of(error_type), TEXT(""), field },
                               .words = words,
                               .retry_after_ms = status == 503 || status == 429 ? RETRY_MS : 0 };
    refuse(call, &refusal);
}

/* --- what other servers refuse -------------------------------------------------------------- */

static const struct {
    enum err err;
    unsigned status;
    const char *name;
} kinds[] = {
    { ERR_INVALID, 400, "BadRequest" },     { ERR_LIMIT, 413, "TooLarge" },
    { ERR_TIMEOUT, 504, "Timeout" },        { ERR_NOT_FOUND, 404, "NotFound" },
    { ERR_EXISTS, 409, "Conflict" },        { ERR_CONFLICT, 409, "Conflict" },
    { ERR_DENIED, 403, "CFGNoPermission" }, { ERR_UNSUPPORTED, 501, "NotImplemented" },
    { ERR_CLOSED, 503, "Unavailable" },     { ERR_UNAVAILABLE, 503, "Unavailable" },
    { ERR_FULL, 503, "Unavailable" },       { ERR_IO, 503, "Unavailable" },
    { ERR_REFUSED, 503, "Unavailable" },    { ERR_CANCELLED, 503, "Unavailable" },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Public numbers of the control API (framework 6.5). */
static unsigned status_of_control(const struct link_error *error)
{
    if (error->err == ERR_UNAVAILABLE) return 503;
    switch (error->code) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 7:
    case 9:
    case 13:
    case 14: return 409;
    case 5: return 404;
    case 6: return 503;
    case 11: return 403;
    case 12: return 501;
    default: return 500;
    }
}

static void find_kind(const struct link_error *error, struct refusal *out)
{
    out->status = 500;
    out->triple[0] = TEXT("InternalError");
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].err != error->err) continue;
        out->status = kinds[i].status;
        out->triple[0] = text_of(kinds[i].name);
    }
}

void rest_refuse_link(struct rest_call *call, const struct link_error *error)
{
    struct refusal refusal = { .triple = { { 0 }, error->object_type, error->field },
                               .words = error->text,
                               .details = error->details,
                               .detail_count = error->detail_count,
                               .retry_after_ms = error->retry_after_ms };
    find_kind(error, &refusal);
    bool is_of_server = error->protocol.len && !text_eq(error->protocol, TEXT("link"));
    if (is_of_server && error->name.len) refusal.triple[0] = error->name;
    if (is_of_server && error->code >= 400 && error->code < 600)
        refusal.status = (unsigned)error->code;
    else if (is_of_server && text_eq(error->protocol, TEXT("control")) && error->code > 0)
        refusal.status = status_of_control(error);
    refusal.triple[2] = rest_parameter_of(call->route, error->field);
    if (refusal.words.len == 0) refusal.words = text_of(err_words(error->err));
    if (refusal.status == 503 && refusal.retry_after_ms == 0) refusal.retry_after_ms = RETRY_MS;
    refuse(call, &refusal);
}
