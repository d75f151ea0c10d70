/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/history.h"

#include "format/json.h"

#include <inttypes.h>

/* --- places --------------------------------------------------------------------------------- */

bool history_place_read(struct text in, struct history_place *out)
{
    struct text kind, utc_ms, major, minor, rest;
    struct history_place place = { 0 };
    bool is_whole = text_cut(in, '.', &kind, &rest) && text_cut(rest, '.', &utc_ms, &rest) &&
                    text_cut(rest, '.', &major, &minor);
    if (!is_whole || (!text_eq(kind, TEXT("h")) && !text_eq(kind, TEXT("a")))) return false;
    place.is_account = text_eq(kind, TEXT("a"));
    if (text_to_u64(utc_ms, 0, INT64_MAX, &place.utc_ms) ||
        text_to_u64(major, 0, INT64_MAX, &place.major) ||
        text_to_u32(minor, 0, INT32_MAX, &place.minor))
        return false;
    *out = place;
    return true;
}

struct text history_place_format(struct scope *scope, const struct history_place *place)
{
    return scope_format(scope, "%c.%" PRIu64 ".%" PRIu64 ".%" PRIu32, place->is_account ? 'a' : 'h',
                        place->utc_ms, place->major, place->minor);
}

bool history_is_later(const struct history_place *a, const struct history_place *b)
{
    if (a->utc_ms != b->utc_ms) return a->utc_ms > b->utc_ms;
    if (a->is_account != b->is_account) return b->is_account;
    if (a->major != b->major) return a->major > b->major;
    return a->minor > b->minor;
}

/* --- words ---------------------------------------------------------------------------------- */

struct text history_op(struct text stored)
{
    static const struct {
        const char *stored, *told;
    } words[] = { { "added", "create" },
                  { "changed", "update" },
                  { "deleted", "delete" },
                  { "locked", "refused" } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_eq(stored, text_of(words[i].stored))) return text_of(words[i].told);
    return stored;
}

bool history_is_move(const struct body_differences *differences)
{
    return differences->count == 1 && text_eq(differences->at[0].path, TEXT("folder"));
}

/* --- secrets -------------------------------------------------------------------------------- */

static bool ends_fold(struct text in, const char *ending)
{
    struct text end = text_of(ending);
    return in.len >= end.len && text_eq_fold(text_slice(in, in.len - end.len, end.len), end);
}

static bool is_secret_name(struct text name)
{
    static const char *const endings[] = { "password", "passwd",  "secret",
                                           "token",    "api-key", "passphrase" };
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_fold(name, endings[i])) return true;
    return false;
}

static struct value shown_value(struct scope *scope, struct text name, const struct value *value)
{
    struct value out = *value;
    if (body_secret_name(value).len) return out;
    if (value->kind == VALUE_TEXT && value->text.len && is_secret_name(name))
        out = body_text_value(TEXT("***"));
    if (value->kind == VALUE_KV) {
        out.pairs.at = scope_alloc_array(scope, value->pairs.count + 1u, sizeof *out.pairs.at);
        for (uint32_t i = 0; i < value->pairs.count; i++) {
            const struct pair *pair = &value->pairs.at[i];
            out.pairs.at[i] =
                (struct pair){ pair->name, shown_value(scope, pair->name, &pair->value) };
        }
    }
    if (value->kind == VALUE_LIST) {
        out.items.at = scope_alloc_array(scope, value->items.count + 1u, sizeof *out.items.at);
        for (uint32_t i = 0; i < value->items.count; i++)
            out.items.at[i] = shown_value(scope, name, &value->items.at[i]);
    }
    return out;
}

struct text history_shown(struct scope *scope, struct text path, const struct value *value)
{
    struct value shown = shown_value(scope, path, value);
    return body_to_json(scope, &shown);
}

/* --- properties ----------------------------------------------------------------------------- */

static bool read_property(struct scope *scope, const struct value *item,
                          struct config_history_property *out)
{
    if (item->kind != VALUE_KV) return false;
    struct text path = body_text(&item->pairs, "path");
    const struct value *before = body_find(&item->pairs, TEXT("old"));
    const struct value *after = body_find(&item->pairs, TEXT("new"));
    *out = (struct config_history_property){
        .head.has = CONFIG_HISTORY_PROPERTY_HAS_PATH,
        .path = path,
    };
    if (before) {
        out->head.has |= CONFIG_HISTORY_PROPERTY_HAS_OLD;
        out->old = history_shown(scope, path, before);
    }
    if (after) {
        out->head.has |= CONFIG_HISTORY_PROPERTY_HAS_NEW;
        out->new = history_shown(scope, path, after);
    }
    return true;
}

struct config_history_property *history_properties(struct scope *scope, struct text json,
                                                   uint32_t *count)
{
    struct value list;
    struct fault fault;
    *count = 0;
    if (json_read(json, scope, &list, &fault) || list.kind != VALUE_LIST) return NULL;
    struct config_history_property *at =
        scope_alloc_array(scope, list.items.count + 1u, sizeof *at);
    for (uint32_t i = 0; i < list.items.count; i++)
        if (read_property(scope, &list.items.at[i], &at[*count])) (*count)++;
    return at;
}
