/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/body_patch.h"

#include "format/json.h"
#include "tests/unit/test.h"

static void check(const char *before, const char *after, const char *wanted)
{
    struct scope *scope = scope_new(NULL, "patch", SCOPE_NO_LIMIT);
    struct fault fault;
    struct kv from, to;
    CHECK_OK(json_read_kv(text_of(before), scope, &from, &fault));
    CHECK_OK(json_read_kv(text_of(after), scope, &to, &fault));
    struct value patch = { .kind = VALUE_KV, .pairs = body_patch(scope, &from, &to) };
    CHECK_TEXT(body_to_json(scope, &patch), wanted);
    struct kv merged = body_merge(scope, &from, &patch.pairs);
    for (uint32_t i = 0; i < to.count; i++)
        CHECK(body_values_equal(body_find(&merged, to.at[i].name), &to.at[i].value));
    CHECK_U32(merged.count, to.count);
    scope_close(scope);
}

TEST(a_patch_holds_what_moved_and_merges_to_what_is) /* framework 3.3: object-changed (delta) */
{
    check("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", "{\"b\":3}");
    check("{\"a\":1,\"b\":2}", "{\"a\":1}", "{\"b\":null}");
    check("{\"a\":1}", "{\"a\":1,\"c\":\"x\"}", "{\"c\":\"x\"}");
    check("{\"a\":1}", "{\"a\":1}", "{}");
    check("{\"o\":{\"s\":{\"x\":\"1\",\"y\":\"2\"}}}", "{\"o\":{\"s\":{\"x\":\"9\",\"y\":\"2\"}}}",
          "{\"o\":{\"s\":{\"x\":\"9\"}}}");
    check("{\"l\":[1,2]}", "{\"l\":[1,3]}", "{\"l\":[1,3]}");
}
