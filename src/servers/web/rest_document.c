/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI document, as the generator printed it from the same tables that we serve from.
 * Anybody may have it, so it is put together once. */
#include "gen/openapi.h"
#include "servers/web/rest.h"

void rest_document(const struct asked *asked)
{
    struct web *web = asked->web;
    struct buf out = { 0 };
    for (const char *const *piece = OPENAPI_WEB; web->document.len == 0 && *piece; piece++)
        buf_add_z(&out, *piece);
    if (out.len) web->document = scope_keep(web->app->life, buf_text(&out));
    buf_free(&out);
    door_reply(asked->port, asked->exchange, 200, web->document, NULL);
}
