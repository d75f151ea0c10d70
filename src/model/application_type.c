/* SPDX-License-Identifier: Apache-2.0 */
#include "model/application_type.h"

static const struct {
    const char *type, *server;
} servers[] = {
    { "CMServer", "outbound" }, { "ConfigurationServer", "config" }, { "MessageServer", "control" },
    { "SCS", "control" },       { "WebAPIServer", "web" },
};

const char *application_type_server(struct text type)
{
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        if (text_eq(type, text_of(servers[i].type))) return servers[i].server;
    return NULL;
}

const struct option_table *application_type_options(struct text type)
{
    const char *server = application_type_server(type);
    return option_table_find(server ? text_of(server) : type);
}
