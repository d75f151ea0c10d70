/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/acl.h"

#include "gen/objects.h"
#include "servers/config/draft.h"

#include <stdlib.h>
#include <string.h>

/* --- entries -------------------------------------------------------------------------------- */

struct place_key {
    uint32_t code, dbid;
};

struct kept {
    struct scope *life;
    struct place_key key;
    struct acl_holder holder;
};

struct acl {
    struct scope *life;
    struct table *kept; /* by place_key */
};

struct acl *acl_new(struct scope *owner)
{
    struct scope *life = scope_new(owner, "permissions", SCOPE_NO_LIMIT);
    struct acl *acl = scope_alloc(life, sizeof *acl);
    *acl = (struct acl){ life, table_new(life) };
    return acl;
}

bool acl_account_eq(struct acl_account a, struct acl_account b)
{
    return a.is_group == b.is_group && a.dbid == b.dbid;
}

const struct acl_entry *acl_entry_of(struct acl_list list, struct acl_account account)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (acl_account_eq(list.at[i].account, account)) return &list.at[i];
    return NULL;
}

static int compare_accounts(const void *a, const void *b)
{
    const struct acl_entry *one = a, *other = b;
    if (one->account.is_group != other->account.is_group) return one->account.is_group ? 1 : -1;
    if (one->account.dbid == other->account.dbid) return 0;
    return one->account.dbid < other->account.dbid ? -1 : 1;
}

struct acl_list acl_of(const struct acl *acl, const struct object_type *type, uint32_t dbid)
{
    struct place_key key = { type->code, dbid };
    const struct kept *kept = table_get(acl->kept, TEXT_OF(&key));
    return kept ? kept->holder.list : (struct acl_list){ 0 };
}

void acl_put(struct acl *acl, const struct object_type *type, uint32_t dbid, struct acl_list list)
{
    struct place_key key = { type->code, dbid };
    struct kept *before = table_remove(acl->kept, TEXT_OF(&key));
    if (list.count) {
        struct scope *life = scope_new(acl->life, "entries", SCOPE_NO_LIMIT);
        struct kept *kept = scope_alloc(life, sizeof *kept);
        struct acl_entry *entries = scope_alloc_array(life, list.count, sizeof *entries);
        memcpy(entries, list.at, list.count * sizeof *entries);
        qsort(entries, list.count, sizeof *entries, compare_accounts);
        *kept = (struct kept){ life, key, { type, dbid, { entries, list.count } } };
        table_put(acl->kept, TEXT_OF(&kept->key), kept);
    }
    if (before) scope_close(before->life);
}

bool acl_next(const struct acl *acl, size_t *at, struct acl_holder *out)
{
    const struct kept *kept = table_next(acl->kept, at);
    if (kept) *out = kept->holder;
    return kept != NULL;
}

size_t acl_count(const struct acl *acl)
{
    return table_count(acl->kept);
}

static const struct acl_entry *entry_of(struct acl_list list, struct acl_account account)
{
    struct acl_entry wanted = { .account = account };
    return list.count ? bsearch(&wanted, list.at, list.count, sizeof *list.at, compare_accounts)
                      : NULL;
}

/* --- objects as they are or would be -------------------------------------------------------- */

const struct object *view_find(const struct object_view *view, const struct object_type *type,
                               struct text tenant, struct text key)
{
    if (view->draft == NULL) return object_set_find(view->objects, type, tenant, key);
    struct scope *scratch = scope_new(NULL, "look up", SCOPE_NO_LIMIT);
    const struct object *object =
        draft_find(view->draft, object_identity(scratch, type, tenant, key));
    scope_close(scratch);
    return object;
}

const struct object *view_next(const struct object_view *view, const struct object_type *type,
                               size_t *at)
{
    if (view->draft) return draft_next(view->draft, type, at);
    size_t count;
    const struct object *const *objects = object_set_of(view->objects, type, &count);
    return *at < count ? objects[(*at)++] : NULL;
}

/* --- containers ----------------------------------------------------------------------------- */

/* What belongs to another object stands inside it. */
static const struct {
    const struct object_type *type, *parent;
    const char *property;
} owned[] = {
    { &OBJECT_ENUMERATOR_VALUE, &OBJECT_ENUMERATOR, "enumerator" },
    { &OBJECT_CAMPAIGN_GROUP, &OBJECT_CAMPAIGN, "campaign" },
    { &OBJECT_DN, &OBJECT_SWITCH, "switch" },
    { &OBJECT_AGENT_LOGIN, &OBJECT_SWITCH, "switch" },
};

static const struct object *owner_of(const struct object_view *view, const struct object *object)
{
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (object->type == owned[i].type)
            return view_find(view, owned[i].parent, object->tenant,
                             body_text(&object->body, owned[i].property));
    return NULL;
}

static struct text tenant_of(const struct object *object)
{
    return object->type->is_global ? OBJECT_TENANT_DEFAULT : object->tenant;
}

static const struct object *folder_of(const struct object_view *view, const struct object *object)
{
    struct text path = body_text(&object->body, "folder");
    if (object->type == &OBJECT_FOLDER) {
        path = object->key;
        while (path.len && path.at[path.len - 1] != '/') path.len--;
        if (path.len) path.len--;
    }
    return path.len ? view_find(view, &OBJECT_FOLDER, tenant_of(object), path) : NULL;
}

static const struct object *tenant_above(const struct object_view *view,
                                         const struct object *tenant)
{
    if (text_eq(tenant->key, OBJECT_TENANT_DEFAULT)) return NULL;
    struct text parent = body_text(&tenant->body, "parentTenant");
    return view_find(view, &OBJECT_TENANT, TEXT(""), parent.len ? parent : OBJECT_TENANT_DEFAULT);
}

const struct object *acl_container(const struct object_view *view, const struct object *object)
{
    if (object->type == &OBJECT_TENANT) return tenant_above(view, object);
    const struct object *container = folder_of(view, object);
    if (container == NULL) container = owner_of(view, object);
    if (container) return container;
    return view_find(view, &OBJECT_TENANT, TEXT(""), tenant_of(object));
}

struct text acl_place(const struct object *object, char out[ACL_PLACE_BYTES])
{
    struct text tenant = tenant_of(object), folder = body_text(&object->body, "folder");
    bool is_plain = object->type != &OBJECT_TENANT && object->type != &OBJECT_FOLDER;
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        is_plain = is_plain && object->type != owned[i].type;
    if (!is_plain || tenant.len + 1 + folder.len > ACL_PLACE_BYTES) return TEXT("");
    memcpy(out, tenant.at, tenant.len);
    out[tenant.len] = '\x1f';
    if (folder.len) memcpy(out + tenant.len + 1, folder.at, folder.len);
    return (struct text){ out, tenant.len + 1 + folder.len };
}

void acl_chain_of(const struct object_view *view, const struct object *object,
                  struct acl_chain *out)
{
    out->count = 0;
    while (object && out->count < ACL_DEPTH_MAX) {
        out->at[out->count++] = object;
        object = acl_container(view, object);
    }
}

bool acl_is_inside(const struct object_view *view, const struct object *object,
                   const struct object *container)
{
    struct acl_chain chain;
    acl_chain_of(view, object, &chain);
    for (uint32_t i = 1; i < chain.count; i++)
        if (chain.at[i]->type == container->type && chain.at[i]->dbid == container->dbid)
            return true;
    return false;
}

/* --- evaluation ----------------------------------------------------------------------------- */

const struct acl_entry *acl_find(const struct acl *acl, const struct acl_chain *chain,
                                 uint32_t from, struct acl_account account,
                                 const struct object **where)
{
    for (uint32_t i = from; i < chain->count; i++) {
        const struct object *object = chain->at[i];
        const struct acl_entry *entry = entry_of(acl_of(acl, object->type, object->dbid), account);
        if (entry == NULL || (i > 0 && !entry->propagates)) continue;
        if (where) *where = object;
        return entry;
    }
    return NULL;
}

uint8_t acl_evaluate(const struct acl *acl, const struct acl_chain *chain,
                     const struct acl_account *accounts, uint32_t count)
{
    uint8_t mask = 0;
    for (uint32_t i = 0; i < count && mask != PERMISSIONS_FULL; i++) {
        const struct acl_entry *entry = acl_find(acl, chain, 0, accounts[i], NULL);
        if (entry) mask |= entry->mask;
    }
    return mask;
}
