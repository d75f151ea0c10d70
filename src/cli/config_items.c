/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_items.h"

#include <stdio.h>

enum { SHOWN_BYTES_MAX = 200 };

static struct text shown(struct text json)
{
    return json.len > SHOWN_BYTES_MAX ? text_slice(json, 0, SHOWN_BYTES_MAX) : json;
}

static void print_property(const struct config_plan_property *property)
{
    bool has_old = SHAPE_HAS(property, CONFIG_PLAN_PROPERTY_HAS_OLD);
    bool has_new = SHAPE_HAS(property, CONFIG_PLAN_PROPERTY_HAS_NEW);
    printf("    %.*s: ", TEXT_ARG(property->path));
    if (has_old)
        printf("%.*s%s", TEXT_ARG(shown(property->old)),
               property->old.len > SHOWN_BYTES_MAX ? "..." : "");
    if (has_old) printf(has_new ? " -> " : " -> (default)");
    if (has_new)
        printf("%.*s%s", TEXT_ARG(shown(property->new)),
               property->new.len > SHOWN_BYTES_MAX ? "..." : "");
    printf("\n");
}

static char sign_of(struct text op)
{
    if (text_eq(op, TEXT("create"))) return '+';
    if (text_eq(op, TEXT("update"))) return '~';
    return text_eq(op, TEXT("delete")) ? '-' : '=';
}

void config_print_item(const struct config_plan_item *item)
{
    printf("%c %.*s %.*s", sign_of(item->op), TEXT_ARG(item->type), TEXT_ARG(item->key));
    if (item->tenant.len && !text_eq(item->tenant, TEXT("Environment")))
        printf(" of %.*s", TEXT_ARG(item->tenant));
    printf("%s\n", item->overwrites ? "  (overwrites)" : "");
    for (uint32_t i = 0; i < item->properties.count; i++) print_property(&item->properties.at[i]);
}
