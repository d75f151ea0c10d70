/* SPDX-License-Identifier: Apache-2.0 */
/* config_file_fuzz.c - configuration files: read, applied, exported, applied again.
 * What is applied is exported, and the export applied again changes nothing; what is refused says
 * which object and rule. */
#include "tests/fuzz/fuzz.h"

#include "servers/config/builtin.h"
#include "servers/config/plan.h"

enum { FILE_BYTES_FUZZED_MAX = 16384 };

struct ground { /* a store without a disk */
    struct scope *life;
    struct object_set *objects;
    struct secrets *secrets;
    struct problems problems;
    struct warnings warnings;
    uint64_t rev;
};

static bool has_secret(void *self, struct text name)
{
    struct text value;
    return secrets_find(((struct ground *)self)->secrets, name, &value);
}

static struct change_set *begin(struct ground *ground)
{
    ground->problems = (struct problems){ .scope = ground->life };
    ground->warnings = (struct warnings){ .scope = ground->life };
    return change_set_new(ground->life, ground->objects);
}

static bool settle(struct ground *ground, struct change_set *set)
{
    if (ground->problems.count > 0) {
        change_set_drop(set);
        return false;
    }
    ground->rev++;
    change_set_stamp(set, ground->rev, 1000 * ground->rev);
    change_set_apply(set);
    return true;
}

static struct ground *ground_new(void)
{
    struct scope *life = scope_new(NULL, "fuzz", SCOPE_NO_LIMIT);
    struct ground *ground = scope_alloc(life, sizeof *ground);
    ground->life = life;
    ground->objects = object_set_new(life);
    ground->secrets = secrets_new(life);
    struct change_set *set = begin(ground);
    struct change_world world = { has_secret, ground };
    builtin_add(set, &ground->problems);
    change_set_finish(set, &world, &ground->problems, &ground->warnings);
    FUZZ_CHECK(settle(ground, set));
    return ground;
}

static void check_problems(const struct ground *ground)
{
    FUZZ_CHECK(ground->problems.count > 0 && ground->problems.count <= PROBLEMS_MAX);
    for (uint32_t i = 0; i < ground->problems.count; i++) {
        const struct problem *problem = &ground->problems.at[i];
        FUZZ_CHECK(problem->words.len > 0);
        FUZZ_CHECK(problem_rule(problem->kind)->err != ERR_OK);
    }
}

/* As the server applies a file. `moved`: objects that would change. */
static bool apply(struct ground *ground, struct text in, enum plan_mode mode, size_t *moved)
{
    static struct pair variables[] = {
        { { "HOST", 4 }, { .kind = VALUE_TEXT, .text = { "127.0.0.1", 9 } } },
        { { "$env:SECRET", 11 }, { .kind = VALUE_TEXT, .text = { "s3cret", 6 } } },
    };
    struct kv known = { variables, sizeof variables / sizeof variables[0] };
    struct change_set *set = begin(ground);
    struct secret_changes *secrets = secret_changes_new(ground->life, ground->secrets);
    struct plan_wish wish = { .mode = mode, .may_overwrite = true };
    struct file file;
    struct plan plan = { 0 };
    file_parse(ground->life, in, &known, &file, &ground->problems);
    if (ground->problems.count == 0)
        plan_file(set, secrets, &file, &wish, &ground->problems, &ground->warnings);
    if (ground->problems.count == 0) plan_list(ground->life, set, secrets, &file, &plan);
    *moved = change_set_count(set);
    if (!settle(ground, set)) return false;
    secret_changes_apply(secrets, ground->secrets);
    return true;
}

static struct text export(const struct ground *ground)
{
    struct buf out = { 0 };
    struct file_export export = { .objects = ground->objects };
    export.secrets = secrets_names(ground->secrets, ground->life, &export.secret_count);
    file_write(&export, &out);
    struct text text = scope_keep(ground->life, buf_text(&out));
    buf_free(&out);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FILE_BYTES_FUZZED_MAX) return 0;
    struct text in = fuzz_text(data, size);
    struct ground *ground = ground_new();
    size_t moved;
    if (apply(ground, in, PLAN_MERGE, &moved)) {
        struct text exported = export(ground);
        FUZZ_CHECK(apply(ground, exported, PLAN_SYNC, &moved));
        FUZZ_CHECK(moved == 0);
        FUZZ_CHECK(text_eq(export(ground), exported));
        FUZZ_CHECK(apply(ground, in, PLAN_MERGE, &moved));
        FUZZ_CHECK(moved == 0);
    } else {
        check_problems(ground);
    }
    scope_close(ground->life);
    return 0;
}
