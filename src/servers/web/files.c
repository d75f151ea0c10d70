/* SPDX-License-Identifier: Apache-2.0 */
/* The console's files. What is no file and has no ending is a place inside the console: index.html,
 * whose script finds its way. */
#include "servers/web/console_files.h"
#include "servers/web/web.h"

#include <string.h>

static const struct console_file *find(struct text path)
{
    size_t low = 0, high = CONSOLE_FILE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = text_compare(text_of(CONSOLE_FILES[middle].path), path);
        if (order == 0) return &CONSOLE_FILES[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool has_ending(struct text path)
{
    for (size_t i = path.len; i-- > 0 && path.at[i] != '/';)
        if (path.at[i] == '.') return true;
    return false;
}

static bool takes_gzip(const struct http_request *request)
{
    struct text rest = http_header_find(&request->headers, TEXT("Accept-Encoding")), one, name,
                rank;
    while (rest.len && text_next_item(&rest, ',', &one)) {
        if (!text_cut(one, ';', &name, &rank)) name = one, rank = TEXT("");
        if (text_eq_fold(text_trim(name), TEXT("gzip")))
            return !text_eq(text_trim(rank), TEXT("q=0"));
    }
    return false;
}

static bool knows_already(const struct http_request *request, struct text etag)
{
    struct text rest = http_header_find(&request->headers, TEXT("If-None-Match")), one;
    while (rest.len && text_next_item(&rest, ',', &one)) {
        if (text_starts(one, TEXT("W/"))) one = text_slice(one, 2, one.len);
        if (text_eq(one, etag)) return true;
    }
    return false;
}

static void send(const struct asked *asked, const struct console_file *file)
{
    const struct http_request *request = http_exchange_request(asked->exchange);
    bool is_packed = file->packed_len && takes_gzip(request);
    struct http_header headers[5];
    struct http_headers more = { headers, 0 };
    headers[more.count++] = (struct http_header){ TEXT("ETag"), text_of(file->etag) };
    headers[more.count++] = (struct http_header){ TEXT("Vary"), TEXT("Accept-Encoding") };
    headers[more.count++] = (struct http_header){ TEXT("Cache-Control"),
                                                  file->is_named_by_content
                                                      ? TEXT("public, max-age=31536000, immutable")
                                                      : TEXT("no-cache") };
    if (knows_already(request, text_of(file->etag))) {
        door_reply_with(asked->port, asked->exchange, 304, &more, TEXT(""));
        return;
    }
    headers[more.count++] = (struct http_header){ TEXT("Content-Type"), text_of(file->type) };
    if (is_packed)
        headers[more.count++] = (struct http_header){ TEXT("Content-Encoding"), TEXT("gzip") };
    struct text body = is_packed ? (struct text){ file->packed, file->packed_len }
                                 : (struct text){ file->plain, file->plain_len };
    door_reply_with(asked->port, asked->exchange, 200, &more, body);
}

bool files_reply(const struct asked *asked)
{
    const struct http_request *request = http_exchange_request(asked->exchange);
    if (!text_eq(request->method, TEXT("GET")) && !text_eq(request->method, TEXT("HEAD")))
        return false;
    const struct console_file *file = find(request->path);
    if (file == NULL && !has_ending(request->path)) file = find(TEXT("/index.html"));
    if (file) send(asked, file);
    return file != NULL;
}
