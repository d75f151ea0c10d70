/* SPDX-License-Identifier: Apache-2.0 */
/* dnc_fuzz.c - the Do-Not-Call list; beside a plain one.
 * What was added is found, in every form in which it may be written, and nothing else is. Lines of
 * two letters and a text: + adds, - removes, ? asks; P a number of all campaigns, p of one, C and
 * c customers. */
#include "tests/fuzz/fuzz.h"

#include "servers/outbound/dnc.h"

#include <string.h>

enum { ENTRIES_MAX = 200, TEXT_BYTES_MAX = 200, CAMPAIGN = 7, TENANT = 1 };

struct entry { /* as it is compared */
    enum dnc_kind kind;
    struct dnc_scope scope;
    struct text what;
};

struct plain {
    struct scope *life;
    struct entry at[ENTRIES_MAX];
    uint32_t count;
};

/* A number of digits and what people write between them becomes its digits; an address small. */
static struct text comparable(struct scope *scope, enum dnc_kind kind, struct text what)
{
    struct buf out = { 0 };
    bool is_number = false, is_address = false;
    what = text_trim(what);
    for (size_t i = 0; i < what.len; i++) {
        bool is_digit = what.at[i] >= '0' && what.at[i] <= '9';
        bool is_between = what.at[i] != '\0' && strchr(" -.()/", what.at[i]);
        bool is_plus = what.at[i] == '+' && !is_number;
        is_number |= is_digit;
        is_address |= !is_digit && !is_between && !is_plus;
    }
    for (size_t i = 0; i < what.len; i++) {
        char byte = what.at[i];
        if (kind == DNC_PHONE && byte >= 'A' && byte <= 'Z') byte = (char)(byte | 0x20);
        bool is_digit = byte >= '0' && byte <= '9';
        if (kind == DNC_CUSTOMER || is_address || !is_number || is_digit) buf_add_byte(&out, byte);
    }
    struct text kept = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return kept;
}

static uint32_t find(const struct plain *plain, const struct entry *entry)
{
    uint32_t i = 0;
    while (i < plain->count && (plain->at[i].kind != entry->kind ||
                                plain->at[i].scope.campaign_dbid != entry->scope.campaign_dbid ||
                                !text_eq(plain->at[i].what, entry->what)))
        i++;
    return i;
}

/* A number in all its forms is the same. */
static void check_forms(const struct dnc *dnc, struct text written, struct dnc_scope scope,
                        bool is_there)
{
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX];
    uint32_t count = dnc_phone_forms(written, room, forms);
    FUZZ_CHECK(count >= 1 && count <= DNC_FORMS_MAX);
    for (uint32_t i = 0; i < count; i++)
        FUZZ_CHECK(dnc_has(dnc, DNC_PHONE, forms[i], scope) == is_there);
}

static void carry_out(struct dnc *dnc, struct plain *plain, char deed, char kind,
                      struct text written)
{
    struct entry entry = { .kind = kind == 'C' || kind == 'c' ? DNC_CUSTOMER : DNC_PHONE,
                           .scope.tenant_dbid = TENANT };
    if (kind == 'c' || kind == 'p') entry.scope.campaign_dbid = CAMPAIGN;
    entry.what = comparable(plain->life, entry.kind, written);
    uint32_t at = find(plain, &entry);
    bool was_there = at < plain->count, is_empty = text_trim(written).len == 0;
    if (deed == '+') {
        if (plain->count == ENTRIES_MAX) return;
        FUZZ_CHECK(dnc_add(dnc, entry.kind, written, entry.scope) == (!was_there && !is_empty));
        if (!was_there && !is_empty) plain->at[plain->count++] = entry;
    } else if (deed == '-') {
        FUZZ_CHECK(dnc_remove(dnc, entry.kind, written, entry.scope) == was_there);
        if (was_there) plain->at[at] = plain->at[--plain->count];
    }
    bool is_there = find(plain, &entry) < plain->count;
    FUZZ_CHECK(dnc_has(dnc, entry.kind, written, entry.scope) == is_there);
    if (entry.kind == DNC_PHONE) check_forms(dnc, written, entry.scope, is_there);
    struct dnc_scope asked = { TENANT, CAMPAIGN };
    bool is_phone = entry.kind == DNC_PHONE;
    enum dnc_verdict verdict =
        dnc_check(dnc, asked, is_phone ? written : TEXT(""), is_phone ? TEXT("") : written);
    if (is_there) FUZZ_CHECK(verdict != DNC_FREE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), line;
    struct scope *life = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct dnc *dnc = dnc_new(life, text_hash(in));
    struct plain plain = { .life = life };
    while (fuzz_line(&in, &line)) {
        if (line.len < 2 || line.len > TEXT_BYTES_MAX) continue;
        carry_out(dnc, &plain, line.at[0], line.at[1], text_slice(line, 2, SIZE_MAX));
        FUZZ_CHECK(dnc_count(dnc) == plain.count);
    }
    for (uint32_t i = 0; i < plain.count; i++)
        FUZZ_CHECK(dnc_has(dnc, plain.at[i].kind, plain.at[i].what, plain.at[i].scope));
    scope_close(life);
    return 0;
}
