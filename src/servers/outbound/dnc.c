/* SPDX-License-Identifier: Apache-2.0 */
/* A set of 64-bit keys for each kind and scope: open addressing, linear probing, backward-shift
 * removal. Begin reading at key_of(). */
#include "servers/outbound/dnc.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 18, ROOM_FIRST = 16, FEW = 8 };

/* Above what 18 digits with their leading 1 can be (< 2^61). */
static const uint64_t hashed = (uint64_t)1 << 63;

struct key_set {
    struct set_name {
        uint32_t kind, tenant_dbid, campaign_dbid;
    } name;
    uint64_t *slots; /* 0: free */
    size_t count, room;
};

struct dnc {
    struct scope *life;
    struct table *sets;                  /* by name */
    struct key_set *few[DNC_KINDS][FEW]; /* the first of each kind, which mostly are all */
    uint32_t set_count[DNC_KINDS];
    uint64_t kind_count[DNC_KINDS]; /* entries */
    uint64_t seed[2];
    uint64_t count;
    size_t bytes;
};

/* --- keys --- */

static uint64_t rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static char folded(char byte, bool folds)
{
    return folds && byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* SipHash-2-4. */
static uint64_t sip_hash(const uint64_t seed[2], struct text in, bool folds)
{
    uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                      seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
    uint64_t word = 0;
    for (size_t i = 0; i <= (in.len | 7); i++) {
        uint64_t byte = i < in.len ? (unsigned char)folded(in.at[i], folds) : 0;
        if (i == (in.len | 7)) byte = in.len & 0xff;
        word |= byte << (i % 8 * 8);
        if (i % 8 != 7) continue;
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
        word = 0;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* What people write between the digits of a number. */
static bool is_punctuation(char byte)
{
    return byte != '\0' && strchr(" -.()/", byte) != NULL;
}

static bool is_number(struct text what)
{
    bool has_digit = false;
    for (size_t i = 0; i < what.len; i++) {
        bool is_plus = what.at[i] == '+' && !has_digit;
        if (!is_digit(what.at[i]) && !is_punctuation(what.at[i]) && !is_plus) return false;
        has_digit = has_digit || is_digit(what.at[i]);
    }
    return has_digit;
}

/* The digits of a number; false where there are more than `room`. */
static bool digits_of(struct text number, char *out, size_t room, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (!is_digit(number.at[i])) continue;
        if (*len == room) return false;
        out[(*len)++] = number.at[i];
    }
    return true;
}

/* A 1 and the digits, so that leading zeros count. */
static uint64_t packed(const char *digits, size_t len)
{
    uint64_t key = 1;
    for (size_t i = 0; i < len; i++) key = key * 10 + (uint64_t)(digits[i] - '0');
    return key;
}

static bool is_digits(struct text what)
{
    for (size_t i = 0; i < what.len; i++)
        if (!is_digit(what.at[i])) return false;
    return what.len > 0;
}

static uint64_t key_of(const struct dnc *dnc, enum dnc_kind kind, struct text what)
{
    char digits[DIGITS_MAX];
    size_t len = 0;
    if (kind == DNC_CUSTOMER && is_digits(what) && what.len <= DIGITS_MAX)
        return packed(what.at, what.len);
    if (kind == DNC_PHONE && is_number(what) && digits_of(what, digits, DIGITS_MAX, &len))
        return packed(digits, len);
    char many[256];
    if (kind == DNC_PHONE && is_number(what) && digits_of(what, many, sizeof many, &len))
        what = (struct text){ many, len };
    return sip_hash(dnc->seed, what, kind == DNC_PHONE) | hashed;
}

/* --- one set --- */

/* Whoever knows neither seed can not choose numbers that crowd together. */
static size_t home_of(const struct dnc *dnc, const struct key_set *set, uint64_t key)
{
    uint64_t mixed = key ^ dnc->seed[0];
    mixed = (mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 29) * (dnc->seed[1] | 1);
    return (size_t)(mixed ^ mixed >> 32) & (set->room - 1);
}

/* The slot of `key`, or the free one where it belongs. */
static size_t slot_of(const struct dnc *dnc, const struct key_set *set, uint64_t key)
{
    size_t at = home_of(dnc, set, key);
    while (set->slots[at] && set->slots[at] != key) at = (at + 1) & (set->room - 1);
    return at;
}

static bool set_has(const struct dnc *dnc, const struct key_set *set, uint64_t key)
{
    return set && set->count && set->slots[slot_of(dnc, set, key)] == key;
}

static void grow(struct dnc *dnc, struct key_set *set)
{
    uint64_t *old = set->slots;
    size_t old_room = set->room;
    set->room = old_room ? old_room * 2 : ROOM_FIRST;
    set->slots = calloc(set->room, sizeof *set->slots);
    ASSERT(set->slots != NULL);
    dnc->bytes += (set->room - old_room) * sizeof *set->slots;
    for (size_t i = 0; i < old_room; i++)
        if (old[i]) set->slots[slot_of(dnc, set, old[i])] = old[i];
    free(old);
}

static void set_drop(void *self)
{
    struct key_set *set = self;
    free(set->slots);
    set->slots = NULL;
}

static struct key_set *set_find(const struct dnc *dnc, enum dnc_kind kind, struct dnc_scope scope)
{
    uint32_t count = dnc->set_count[kind];
    for (uint32_t i = 0; i < count && i < FEW; i++) {
        struct key_set *set = dnc->few[kind][i];
        if (set->name.tenant_dbid == scope.tenant_dbid &&
            set->name.campaign_dbid == scope.campaign_dbid)
            return set;
    }
    if (count <= FEW) return NULL;
    struct set_name name = { kind, scope.tenant_dbid, scope.campaign_dbid };
    return table_get(dnc->sets, TEXT_OF(&name));
}

static struct key_set *set_get(struct dnc *dnc, enum dnc_kind kind, struct dnc_scope scope)
{
    struct key_set *set = set_find(dnc, kind, scope);
    if (set) return set;
    if (table_count(dnc->sets) >= DNC_SCOPES_MAX && (scope.campaign_dbid || scope.tenant_dbid)) {
        struct dnc_scope wider = { scope.campaign_dbid ? scope.tenant_dbid : 0, 0 };
        return set_get(dnc, kind, wider);
    }
    set = scope_alloc(dnc->life, sizeof *set);
    set->name = (struct set_name){ kind, scope.tenant_dbid, scope.campaign_dbid };
    scope_on_close(dnc->life, set_drop, set);
    table_put(dnc->sets, TEXT_OF(&set->name), set);
    if (dnc->set_count[kind] < FEW) dnc->few[kind][dnc->set_count[kind]] = set;
    dnc->set_count[kind]++;
    return set;
}

/* --- the door --- */

struct dnc *dnc_new(struct scope *owner, uint64_t seed)
{
    struct dnc *dnc = scope_alloc(owner, sizeof *dnc);
    dnc->life = owner;
    dnc->sets = table_new(owner);
    dnc->seed[0] = seed;
    dnc->seed[1] = (seed ^ 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93;
    return dnc;
}

bool dnc_add(struct dnc *dnc, enum dnc_kind kind, struct text what, struct dnc_scope scope)
{
    what = text_trim(what);
    if (what.len == 0) return false;
    struct key_set *set = set_get(dnc, kind, scope);
    if ((set->count + 1) * 4 > set->room * 3) grow(dnc, set);
    uint64_t key = key_of(dnc, kind, what);
    size_t at = slot_of(dnc, set, key);
    if (set->slots[at]) return false;
    set->slots[at] = key;
    set->count++;
    dnc->count++;
    dnc->kind_count[kind]++;
    return true;
}

bool dnc_remove(struct dnc *dnc, enum dnc_kind kind, struct text what, struct dnc_scope scope)
{
    what = text_trim(what);
    struct key_set *set = set_find(dnc, kind, scope);
    if (what.len == 0 || set == NULL || set->count == 0) return false;
    uint64_t key = key_of(dnc, kind, what);
    size_t mask = set->room - 1, hole = slot_of(dnc, set, key);
    if (set->slots[hole] != key) return false;
    for (size_t at = (hole + 1) & mask; set->slots[at]; at = (at + 1) & mask) {
        size_t home = home_of(dnc, set, set->slots[at]);
        if (((at - home) & mask) < ((at - hole) & mask)) continue; /* it stands where it may */
        set->slots[hole] = set->slots[at];
        hole = at;
    }
    set->slots[hole] = 0;
    set->count--;
    dnc->count--;
    dnc->kind_count[kind]--;
    return true;
}

bool dnc_has(const struct dnc *dnc, enum dnc_kind kind, struct text what, struct dnc_scope scope)
{
    what = text_trim(what);
    const struct key_set *set = set_find(dnc, kind, scope);
    return what.len && set && set_has(dnc, set, key_of(dnc, kind, what));
}

static bool is_listed(const struct dnc *dnc, enum dnc_kind kind, struct text what,
                      struct dnc_scope scope)
{
    what = text_trim(what);
    if (what.len == 0 || dnc->kind_count[kind] == 0) return false;
    const struct dnc_scope wider[] = {
        { 0, 0 }, { scope.tenant_dbid, 0 }, scope, { 0, scope.campaign_dbid }
    };
    uint64_t key = key_of(dnc, kind, what);
    for (size_t i = 0; i < sizeof wider / sizeof wider[0]; i++)
        if (set_has(dnc, set_find(dnc, kind, wider[i]), key)) return true;
    return false;
}

enum dnc_verdict dnc_check(const struct dnc *dnc, struct dnc_scope scope, struct text phone,
                           struct text customer_id)
{
    if (dnc->count == 0) return DNC_FREE;
    if (is_listed(dnc, DNC_PHONE, phone, scope)) return DNC_BLOCKED_BY_PHONE;
    return is_listed(dnc, DNC_CUSTOMER, customer_id, scope) ? DNC_BLOCKED_BY_CUSTOMER : DNC_FREE;
}

uint64_t dnc_count(const struct dnc *dnc)
{
    return dnc->count;
}

size_t dnc_bytes(const struct dnc *dnc)
{
    return dnc->bytes;
}

uint32_t dnc_phone_forms(struct text phone, char room[2][DNC_FORM_BYTES],
                         struct text out[DNC_FORMS_MAX])
{
    phone = text_trim(phone);
    out[0] = phone;
    size_t len = 0;
    if (!is_number(phone) || !digits_of(phone, room[0], DNC_FORM_BYTES - 1, &len)) return 1;
    room[1][0] = '+';
    memcpy(room[1] + 1, room[0], len);
    uint32_t count = 1;
    const struct text forms[] = { { room[0], len }, { room[1], len + 1 } };
    for (size_t i = 0; i < 2; i++)
        if (!text_eq(forms[i], phone)) out[count++] = forms[i];
    return count;
}
