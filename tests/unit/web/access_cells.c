/* SPDX-License-Identifier: Apache-2.0 */
#include "access_cells.h"

#include "format/json.h"

#include <stdio.h>
#include <string.h>

enum { WRITE_PAUSE_MS = 25 }; /* fifty a second is what an account may */

enum kind {
    KIND_ONE,    /* of an object that is named */
    KIND_SEARCH, /* it is in the answer, or it is not */
    KIND_STALE,  /* who may is told that it has another revision */
    KIND_FILE,   /* a file that names it: it would be created */
    KIND_UNDO,   /* of a revision, which is no secret */
    KIND_CREATE,
    KIND_CREATE_AGAIN,
};

static const struct rule {
    const char *name;
    unsigned bit;
    enum kind kind;
    bool is_write; /* else it moves nothing, whoever asks */
} rules[DEEDS] = {
    [DEED_READ] = { "read", MAY_READ, KIND_ONE, false },
    [DEED_READ_DBID] = { "read by DBID", MAY_READ, KIND_ONE, false },
    [DEED_LIST] = { "list", MAY_READ, KIND_SEARCH, false },
    [DEED_LIST_FILTERED] = { "list by filter", MAY_READ, KIND_SEARCH, false },
    [DEED_CHANGES] = { "changes", MAY_READ, KIND_SEARCH, false },
    [DEED_EXPORT] = { "export", MAY_READ, KIND_SEARCH, false },
    [DEED_HISTORY] = { "history", MAY_READ, KIND_SEARCH, false },
    [DEED_HISTORY_OF_REVISION] = { "history of a revision", MAY_READ, KIND_SEARCH, false },
    [DEED_READ_ACL] = { "read permissions", MAY_READ_ACL, KIND_ONE, false },
    [DEED_EFFECTIVE] = { "effective", MAY_READ, KIND_ONE, false },
    [DEED_CHANGE_ACL_STALE] = { "change permissions of before", MAY_CHANGE_ACL, KIND_STALE, true },
    [DEED_CHANGE_ACL] = { "change permissions", MAY_CHANGE_ACL, KIND_ONE, true },
    [DEED_CLEAR_ACL] = { "clear permissions", MAY_CHANGE_ACL, KIND_ONE, true },
    [DEED_PLAN_UNDO] = { "plan undo", MAY_CHANGE, KIND_UNDO, false },
    [DEED_UNDO] = { "undo", MAY_CHANGE, KIND_UNDO, true },
    [DEED_UPDATE] = { "update", MAY_CHANGE, KIND_ONE, true },
    [DEED_UPDATE_DBID] = { "update by DBID", MAY_CHANGE, KIND_ONE, true },
    [DEED_REPLACE] = { "replace", MAY_CHANGE, KIND_ONE, true },
    [DEED_CHANGE_SET] = { "change set", MAY_CHANGE, KIND_ONE, true },
    [DEED_PLAN] = { "plan", MAY_CHANGE, KIND_FILE, false },
    [DEED_APPLY] = { "apply", MAY_CHANGE, KIND_FILE, true },
    [DEED_DELETE] = { "delete", MAY_DELETE, KIND_ONE, true },
    [DEED_CREATE] = { "create", MAY_CREATE, KIND_CREATE, true },
    [DEED_CREATE_AGAIN] = { "create again", MAY_CREATE, KIND_CREATE_AGAIN, true },
};

/* --- words ---------------------------------------------------------------------------------- */

static void put_encoded(struct buf *out, const char *key)
{
    for (; *key; key++)
        if (*key == '/')
            buf_add_z(out, "%2F");
        else
            buf_add_byte(out, *key);
}

static void put_new(const struct access_trial *trial, struct buf *out)
{
    buf_format(out, "\"annex\":{\"cell\":{\"option\":\"%u\"}}", trial->number);
}

/* {"name":"x"} -> {"name":"x","annex":...} */
static void put_whole(const struct access_trial *trial, struct buf *out)
{
    buf_add(out, (struct text){ trial->object.json, strlen(trial->object.json) - 1 });
    buf_add_byte(out, ',');
    put_new(trial, out);
    buf_add_byte(out, '}');
}

static void put_file(const struct access_trial *trial, struct buf *out)
{
    buf_format(out, FILE_HEAD "\"%s\":[{", trial->cell->type->plural);
    if (!trial->cell->type->is_global)
        buf_format(out, "\"tenant\":\"%s\",", table_tenant(trial->cell));
    size_t before = out->len;
    put_whole(trial, out);
    memmove(out->at + before, out->at + before + 1, out->len - before - 1); /* its brace */
    out->len--;
    buf_add_z(out, "]}");
}

/* A tenant is closed to the Users of Environment when it is made. */
static void put_entries(const struct access_trial *trial, bool with_more, struct buf *out)
{
    bool is_tenant = trial->cell->type == &OBJECT_TENANT;
    buf_add_byte(out, '[');
    if (is_tenant) buf_add_z(out, "{\"account\":\"group:Environment/Users\",\"mask\":\"\"}");
    if (is_tenant && with_more) buf_add_byte(out, ',');
    if (with_more) buf_add_z(out, "{\"account\":\"group:Environment/Bots\",\"mask\":\"R\"}");
    buf_add_byte(out, ']');
}

static void put_word(const struct access_trial *trial, struct text word, struct buf *out)
{
    const struct object_type *type = trial->cell->type;
    if (text_eq(word, TEXT("type"))) {
        buf_add_z(out, type->name);
    } else if (text_eq(word, TEXT("plural"))) {
        buf_add_z(out, type->plural);
    } else if (text_eq(word, TEXT("tenant"))) {
        buf_add_z(out, table_tenant(trial->cell));
    } else if (text_eq(word, TEXT("name"))) {
        buf_add_z(out, trial->object.name);
    } else if (text_eq(word, TEXT("key"))) {
        buf_add_z(out, trial->object.key);
    } else if (text_eq(word, TEXT("path-key"))) {
        put_encoded(out, trial->object.key);
    } else if (text_eq(word, TEXT("dbid"))) {
        buf_add_u64(out, trial->dbid);
    } else if (text_eq(word, TEXT("since"))) {
        buf_add_u64(out, trial->since);
    } else if (text_eq(word, TEXT("rev"))) {
        buf_add_u64(out, trial->rev);
    } else if (text_eq(word, TEXT("mark"))) {
        buf_add_u64(out, trial->mark);
    } else if (text_eq(word, TEXT("json"))) {
        buf_add_z(out, trial->object.json);
    } else if (text_eq(word, TEXT("whole"))) {
        put_whole(trial, out);
    } else if (text_eq(word, TEXT("patch"))) {
        buf_add_byte(out, '{');
        put_new(trial, out);
        buf_add_byte(out, '}');
    } else if (text_eq(word, TEXT("entries")) || text_eq(word, TEXT("more-entries"))) {
        put_entries(trial, text_eq(word, TEXT("more-entries")), out);
    } else if (text_eq(word, TEXT("file"))) {
        put_file(trial, out);
    } else {
        fail_msg("<%.*s> is no word", TEXT_ARG(word));
    }
}

static void put_quoted(const struct access_trial *trial, struct text word, struct buf *out)
{
    struct buf plain = { 0 };
    struct json_writer json = json_writer(out);
    put_word(trial, word, &plain);
    json_put_text(&json, buf_text(&plain));
    buf_free(&plain);
}

void access_fill(const struct access_trial *trial, const char *words, struct buf *out)
{
    struct text rest = text_of(words), before, word;
    while (text_cut(rest, '<', &before, &rest)) {
        buf_add(out, before);
        CHECK(text_cut(rest, '>', &word, &rest));
        if (text_starts(word, TEXT("q:")))
            put_quoted(trial, text_slice(word, 2, word.len), out);
        else
            put_word(trial, word, out);
    }
    buf_add(out, rest);
    buf_add_byte(out, 0);
}

/* --- judging -------------------------------------------------------------------------------- */

static bool judge(struct access_trial *trial, enum access_deed deed, const char *what,
                  bool is_right, const struct access_answer *answer)
{
    trial->tried++;
    if (is_right) return true;
    if (trial->wrong++ < 40)
        print_error("%s, %s %s of %s: %s, %s: %u %.*s\n", trial->cell->role->name,
                    trial->cell->type->name, trial->object.key, table_tenant(trial->cell),
                    rules[deed].name, what, answer->status,
                    (int)(answer->body.len < 300 ? answer->body.len : 300), answer->body.at);
    return false;
}

static bool is_error(const struct access_answer *answer, unsigned status, const char *error)
{
    return answer->status == status && text_eq(answer->error, text_of(error));
}

static bool has(const struct access_answer *answer, const char *words)
{
    return memmem(answer->body.at, answer->body.len, words, strlen(words)) != NULL;
}

static enum table_verdict verdict_of(const struct access_trial *trial, enum access_deed deed)
{
    const struct rule *rule = &rules[deed];
    switch (rule->kind) {
    case KIND_CREATE: return table_verdict_of_creation(trial->cell);
    case KIND_FILE:
        return table_may(trial->cell, MAY_READ | rule->bit) ? TABLE_DONE : TABLE_FORBIDDEN;
    case KIND_CREATE_AGAIN: return TABLE_FORBIDDEN;
    default: return table_verdict(trial->cell, rule->bit);
    }
}

static bool is_done(const struct access_trial *trial, enum access_deed deed,
                    const struct access_answer *answer)
{
    char letters[PERMISSION_BYTES], words[32];
    if (rules[deed].kind == KIND_STALE) return is_error(answer, 412, "CFGRevMismatch");
    if (answer->status != 200 && answer->status != 201) return false;
    if (deed != DEED_EFFECTIVE) return true;
    (void)permission_format(trial->cell->may, letters);
    (void)snprintf(words, sizeof words, "\"mask\":\"%s\"", letters);
    return has(answer, words);
}

static bool is_answer_right(const struct access_trial *trial, enum access_deed deed,
                            const struct access_answer *answer)
{
    const struct rule *rule = &rules[deed];
    if (rule->kind == KIND_SEARCH) {
        bool is_there = has(answer, trial->object.name);
        return answer->status == 200 && is_there == table_may(trial->cell, MAY_READ);
    }
    if (rule->kind == KIND_CREATE_AGAIN && table_may(trial->cell, MAY_READ | MAY_CREATE))
        return is_error(answer, 409, "CFGUniquenessViolation");
    switch (verdict_of(trial, deed)) {
    case TABLE_DONE: return is_done(trial, deed, answer);
    case TABLE_FORBIDDEN: return is_error(answer, 403, "CFGNoPermission");
    case TABLE_NOT_THERE: break;
    }
    if (rule->kind == KIND_UNDO)
        return (answer->status == 403 || answer->status == 404) && !has(answer, trial->object.name);
    /* A frame's Read is a list, of nothing. */
    return is_error(answer, 404, "CFGObjectNotFound") || has(answer, "\"objects\":[]");
}

/* --- what it left behind -------------------------------------------------------------------- */

static bool is_in_audit(const struct access_trial *trial)
{
    return strstr(trial->world->audit, trial->cell->role->person) != NULL;
}

static bool is_in_history(struct access_trial *trial)
{
    struct asker *tool = trial->world->tool;
    struct config_read_history read = { .head.has = CONFIG_READ_HISTORY_HAS_REV,
                                        .rev = access_revision(trial->world) };
    char words[128];
    (void)snprintf(words, sizeof words,
                   "\"person\":\"%s\",\"application\":\"web\",\"address\":\"127.0.0.9\"",
                   trial->cell->role->person);
    CHECK_OK(ask(tool, &MSG_CONFIG_READ_HISTORY, &read));
    return answer_has(tool->world, words) && answer_has(tool->world, trial->object.key);
}

static void judge_what_is_left(struct access_trial *trial, enum access_deed deed,
                               const struct access_answer *answer, uint64_t revision)
{
    const struct access_world *world = trial->world;
    bool is_change = rules[deed].is_write && answer->status < 300;
    uint64_t now = access_revision(world);
    if (!is_change)
        judge(trial, deed, "nothing moved", now == revision && world->made == 0, answer);
    else if (judge(trial, deed, "one revision", now == revision + 1 && world->made == 1, answer))
        judge(trial, deed, "it is in the history", is_in_history(trial), answer);
    if (rules[deed].is_write)
        judge(trial, deed, "it is in the audit",
              is_in_audit(trial) && (is_change || world->refused == 1), answer);
}

/* --- as if it were not there ---------------------------------------------------------------- */

static void replace_all(struct buf *in, const char *what, const char *with)
{
    struct buf out = { 0 };
    size_t len = strlen(what);
    for (size_t at = 0; at < in->len;) {
        if (in->len - at >= len && memcmp(in->at + at, what, len) == 0) {
            buf_add_z(&out, with);
            at += len;
        } else {
            buf_add_byte(&out, in->at[at++]);
        }
    }
    buf_free(in);
    *in = out;
}

/* The same question for a name, and a DBID, that there has never been. */
static void judge_hiding(struct access_trial *trial, enum access_deed deed,
                         const struct access_answer *answer)
{
    const struct table_object object = trial->object;
    uint32_t dbid = trial->dbid;
    char digits[16];
    struct buf is = { 0 };
    unsigned status = answer->status;
    buf_add(&is, answer->body);
    (void)snprintf(digits, sizeof digits, "%u", dbid);
    table_object(trial->cell, "none", &trial->object);
    trial->dbid = ACCESS_NO_DBID;
    struct access_answer other = trial->ask(trial, deed);
    struct buf wanted = { 0 };
    buf_add(&wanted, other.body);
    replace_all(&wanted, "none-", "cell-");
    replace_all(&wanted, "4000000", digits);
    trial->object = object;
    trial->dbid = dbid;
    judge(trial, deed, "as if it were not there",
          status == other.status && text_eq(buf_text(&is), buf_text(&wanted)), &other);
    buf_free(&is);
    buf_free(&wanted);
}

/* --- one cell ------------------------------------------------------------------------------- */

static void pause_after(const struct access_trial *trial, enum access_deed deed)
{
    if (rules[deed].is_write) loop_run_for(trial->world->config->loop, WRITE_PAUSE_MS);
}

static bool try_deed(struct access_trial *trial, enum access_deed deed)
{
    struct access_world *world = trial->world;
    uint64_t revision = access_revision(world);
    world->made = world->refused = 0;
    world->audit[0] = 0;
    trial->number++;
    struct access_answer answer = trial->ask(trial, deed);
    bool is_right = is_answer_right(trial, deed, &answer);
    judge(trial, deed, "answer", is_right, &answer);
    judge_what_is_left(trial, deed, &answer, revision);
    pause_after(trial, deed);
    bool is_hidden = !table_may(trial->cell, MAY_READ) && rules[deed].kind != KIND_UNDO &&
                     rules[deed].kind != KIND_CREATE && deed != DEED_HISTORY_OF_REVISION;
    if (is_hidden) {
        judge_hiding(trial, deed, &answer);
        pause_after(trial, deed);
    }
    return answer.status < 300;
}

static void change_as_tool(struct access_trial *trial, const char *op, const char *value)
{
    if (table_change(trial->cell, &trial->object, trial->world->tool, op, value))
        fail_msg("%s %s: %.*s", op, trial->object.key, TEXT_ARG(trial->world->tool->world->words));
    trial->dbid =
        strcmp(op, "delete") == 0 ? 0 : access_dbid(trial->world, trial->cell, &trial->object);
}

/* Somebody changed it just now. */
static void touch(struct access_trial *trial)
{
    struct buf patch = { 0 };
    trial->mark = ++trial->number;
    access_fill(trial, "<patch>", &patch);
    trial->since = access_revision(trial->world);
    change_as_tool(trial, "update", patch.at);
    trial->rev = trial->since + 1;
    buf_free(&patch);
}

static void try_cell(void *self, const struct table_cell *cell)
{
    struct access_trial *trial = self;
    trial->cell = cell;
    table_object(cell, "cell", &trial->object);
    touch(trial);
    for (enum access_deed deed = DEED_READ; deed < DEED_DELETE; deed++) (void)try_deed(trial, deed);
    if (try_deed(trial, DEED_DELETE)) change_as_tool(trial, "create", trial->object.json);
    table_object(cell, "new", &trial->object);
    if (try_deed(trial, DEED_CREATE)) change_as_tool(trial, "delete", NULL);
    table_object(cell, "cell", &trial->object);
    (void)try_deed(trial, DEED_CREATE_AGAIN);
}

void access_try_role(struct access_trial *trial, const struct table_role *role)
{
    table_each(role, try_cell, trial);
}

/* --- who is not logged in ------------------------------------------------------------------- */

struct nobody {
    struct access_trial *trial;
    unsigned status;
    const char *error;
};

static void try_as_nobody(void *self, const struct table_cell *cell)
{
    const struct nobody *nobody = self;
    struct access_trial *trial = nobody->trial;
    trial->cell = cell;
    table_object(cell, "cell", &trial->object);
    trial->dbid = access_dbid(trial->world, cell, &trial->object);
    uint64_t revision = access_revision(trial->world);
    for (enum access_deed deed = DEED_READ; deed < DEEDS; deed++) {
        struct access_answer answer = trial->ask(trial, deed);
        bool is_right = is_error(&answer, nobody->status, nobody->error);
        judge(trial, deed, "answer", is_right, &answer);
        judge(trial, deed, "nothing moved", access_revision(trial->world) == revision, &answer);
    }
}

void access_try_nobody(struct access_trial *trial, const struct table_role *role, unsigned status,
                       const char *error)
{
    struct nobody nobody = { trial, status, error };
    table_each(role, try_as_nobody, &nobody);
}
