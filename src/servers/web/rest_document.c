/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI document, as the generator printed it from the same tables that we serve from. */
#include "gen/openapi.h"
#include "servers/web/rest.h"

void rest_document(const struct asked *asked)
{
    struct buf out = { 0 };
    for (const char *const *piece = OPENAPI_WEB; *piece; piece++) buf_add_z(&out, *piece);
    door_reply(asked->port, asked->exchange, 200, buf_text(&out), NULL);
    buf_free(&out);
}
