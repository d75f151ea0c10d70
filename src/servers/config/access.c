/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/access.h"

#include "gen/objects.h"

#include <string.h>

struct access_rights *access_new(struct scope *scope, const struct acl *acl,
                                 const struct object_set *objects, enum access_kind kind)
{
    struct access_rights *rights = scope_alloc(scope, sizeof *rights);
    *rights = (struct access_rights){ .scope = scope,
                                      .acl = acl,
                                      .view = { .objects = objects },
                                      .kind = kind,
                                      .places = table_new(scope) };
    return rights;
}

/* A disabled tenant acts as absent, and so do they that are in it (framework 2.1). Not asked where
 * it is judged what somebody gives to others: the tenant may be enabled later. */
bool access_is_alive(const struct object_set *objects, const struct object *account)
{
    const struct object *tenant =
        object_set_find(objects, &OBJECT_TENANT, TEXT(""), account->tenant);
    bool is_kept = text_eq(account->tenant, OBJECT_TENANT_DEFAULT) ||
                   (tenant && membership_is_enabled(tenant));
    return is_kept && membership_is_enabled(account);
}

struct access_rights *access_of_account(struct scope *scope, const struct acl *acl,
                                        const struct object_set *objects,
                                        const struct object *account)
{
    struct access_rights *rights = access_new(scope, acl, objects, ACCESS_NOTHING);
    if (account == NULL || !access_is_alive(objects, account)) return rights;
    membership_of(scope, &rights->view, account, &rights->membership);
    if (rights->membership.count) rights->kind = ACCESS_BY_ACCOUNTS;
    if (rights->membership.is_super) rights->kind = ACCESS_TO_EVERYTHING;
    return rights;
}

/* --- an application's own ------------------------------------------------------------------- */

static bool connects_to(const struct object *application, struct text server)
{
    const struct value *connections = body_find(&application->body, TEXT("connections"));
    for (uint32_t i = 0; connections && i < connections->items.count; i++)
        if (text_eq(body_text(&connections->items.at[i].pairs, "server"), server)) return true;
    return text_eq(body_text(&application->body, "backupServer"), server);
}

static uint8_t own_mask(const struct access_rights *rights, const struct object *object)
{
    const struct object *self = rights->application;
    bool is_own = false;
    if (self == NULL) return 0;
    if (object->type == &OBJECT_APPLICATION)
        is_own = object->dbid == self->dbid || connects_to(self, object->key);
    else if (object->type == &OBJECT_APP_PROTOTYPE)
        is_own = text_eq(body_text(&self->body, "template"), object->key);
    else if (object->type == &OBJECT_HOST)
        is_own = text_eq(body_text(&self->body, "host"), object->key);
    return is_own ? MAY_READ : 0;
}

/* --- by entries ----------------------------------------------------------------------------- */

static uint8_t evaluate(const struct access_rights *rights, const struct acl_chain *chain)
{
    return acl_evaluate(rights->acl, chain, rights->membership.accounts, rights->membership.count);
}

static uint8_t look_up(struct access_rights *rights, const struct object *object)
{
    struct acl_chain chain;
    acl_chain_of(&rights->view, object, &chain);
    return evaluate(rights, &chain);
}

struct place {
    struct text words;
    uint8_t mask;
};

/* Without entries of its own it gets what anything gets where it stands. */
static uint8_t entries_mask(struct access_rights *rights, const struct object *object)
{
    char out[ACL_PLACE_BYTES];
    struct text words = acl_place(object, out);
    if (words.len == 0 || acl_of(rights->acl, object->type, object->dbid).count)
        return look_up(rights, object);
    struct place *place = table_get(rights->places, words);
    if (place) return place->mask;
    place = scope_alloc(rights->scope, sizeof *place);
    *place = (struct place){ scope_keep(rights->scope, words), look_up(rights, object) };
    table_put(rights->places, place->words, place);
    return place->mask;
}

uint8_t access_mask(struct access_rights *rights, const struct object *object)
{
    switch (rights->kind) {
    case ACCESS_TO_EVERYTHING: return PERMISSIONS_FULL;
    case ACCESS_TO_READ: return MAY_READ;
    case ACCESS_BY_ACCOUNTS: return entries_mask(rights, object) | own_mask(rights, object);
    case ACCESS_NOTHING: break;
    }
    return own_mask(rights, object);
}

bool access_may(struct access_rights *rights, const struct object *object, unsigned bits)
{
    return (access_mask(rights, object) & bits) == bits;
}

uint8_t access_mask_of_draft(struct access_rights *rights, const struct change_set *draft,
                             const struct object *object)
{
    if (rights->kind != ACCESS_BY_ACCOUNTS) return access_mask(rights, object);
    struct object_view view = { rights->view.objects, draft };
    struct acl_chain chain;
    acl_chain_of(&view, object, &chain);
    return evaluate(rights, &chain);
}

static const struct object *environment(const struct access_rights *rights)
{
    return view_find(&rights->view, &OBJECT_TENANT, TEXT(""), OBJECT_TENANT_DEFAULT);
}

bool access_may_read_gone(struct access_rights *rights, const struct access_gone *gone)
{
    if (rights->kind != ACCESS_BY_ACCOUNTS) return rights->kind != ACCESS_NOTHING;
    struct pair folder = { TEXT("folder"), body_text_value(gone->folder) };
    struct object object = { .type = gone->type,
                             .dbid = gone->dbid,
                             .tenant = gone->tenant,
                             .body = { &folder, gone->folder.len ? 1u : 0u } };
    struct acl_chain chain;
    acl_chain_of(&rights->view, &object, &chain);
    return (evaluate(rights, &chain) & MAY_READ) != 0;
}

bool access_may_use_secrets(struct access_rights *rights)
{
    const struct object *tenant = environment(rights);
    if (rights->kind == ACCESS_TO_EVERYTHING) return true;
    return tenant && access_may(rights, tenant, MAY_CHANGE);
}
