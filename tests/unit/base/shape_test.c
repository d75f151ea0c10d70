/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scope.h"
#include "base/shape.h"
#include "tests/unit/test.h"

struct window {
    struct shape_head head;
    uint32_t from;
};
struct order {
    struct shape_head head;
    struct text name, mode;
    int64_t shift;
    double factor;
    struct {
        struct window *at;
        uint32_t count;
    } windows;
    struct window *main;
};
enum { HAS_NAME = 1, HAS_MODE = 2, HAS_SHIFT = 4, HAS_FACTOR = 8, HAS_WINDOWS = 16, HAS_MAIN = 32 };

static const char *const modes[] = { "Preview", "Progress", NULL };
static const struct shape_field window_fields[] = {
    { .tag = 1,
      .name = "from",
      .kind = FIELD_U32,
      .is_required = true,
      .offset = offsetof(struct window, from),
      .min = 0,
      .max = 86399 },
};
static const struct shape window_shape = { "Window", sizeof(struct window), window_fields, 1 };
static const struct shape_field order_fields[] = {
    { .tag = 1,
      .name = "name",
      .kind = FIELD_TEXT,
      .is_required = true,
      .offset = offsetof(struct order, name),
      .len_max = 5 },
    { .tag = 2,
      .name = "mode",
      .kind = FIELD_TEXT,
      .offset = offsetof(struct order, mode),
      .choices = modes },
    { .tag = 3,
      .name = "shift",
      .kind = FIELD_I64,
      .offset = offsetof(struct order, shift),
      .min = -60,
      .max = 60 },
    { .tag = 4,
      .name = "factor",
      .kind = FIELD_F64,
      .offset = offsetof(struct order, factor),
      .min = 0,
      .max = 10 },
    { .tag = 5,
      .name = "windows",
      .kind = FIELD_NESTED,
      .is_list = true,
      .offset = offsetof(struct order, windows),
      .nested = &window_shape,
      .len_max = 2 },
    { .tag = 6,
      .name = "main",
      .kind = FIELD_NESTED,
      .offset = offsetof(struct order, main),
      .nested = &window_shape },
};
static const struct shape order_shape = { "Order", sizeof(struct order), order_fields, 6 };

static void check_refused(const struct order *order, const char *field, const char *words)
{
    struct fault fault = { 0 };
    CHECK_I64(shape_check(&order_shape, order, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), field);
    CHECK_TEXT(text_of(fault.words), words);
}

TEST(a_required_field_must_be_there_but_not_in_a_part)
{
    struct order order = { 0 };
    check_refused(&order, "name", "is required");
    CHECK_OK(shape_check_part(&order_shape, &order, NULL));
    struct window empty = { 0 };
    order.main = &empty;
    order.head.has = HAS_MAIN;
    struct fault fault;
    CHECK_I64(shape_check_part(&order_shape, &order, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "main.from");
}

TEST(absent_fields_are_not_looked_at)
{
    struct order order = { .head.has = HAS_NAME, .name = TEXT("abc"), .shift = 999 };
    CHECK_OK(shape_check(&order_shape, &order, NULL));
}

TEST(each_rule_is_named_with_its_field)
{
    struct order order = { .head.has = HAS_NAME, .name = TEXT("abcdef") };
    check_refused(&order, "name", "must be at most 5 bytes long");
    order.name = TEXT("abcde");
    CHECK_OK(shape_check(&order_shape, &order, NULL));
    order.head.has |= HAS_MODE;
    order.mode = TEXT("preview");
    check_refused(&order, "mode", "must be one of: Preview, Progress");
    order.mode = TEXT("Progress");
    order.head.has |= HAS_SHIFT;
    order.shift = -61;
    check_refused(&order, "shift", "must be -60 to 60");
    order.shift = -60;
    order.head.has |= HAS_FACTOR;
    order.factor = 10.5;
    check_refused(&order, "factor", "must be 0 to 10");
    order.factor = 10;
    CHECK_OK(shape_check(&order_shape, &order, NULL));
}

TEST(lists_and_nested_structs_are_checked_item_by_item)
{
    struct window windows[3] = { { { 1, NULL }, 0 }, { { 1, NULL }, 86400 }, { { 1, NULL }, 1 } };
    struct order order = { .head.has = HAS_NAME | HAS_WINDOWS, .name = TEXT("a") };
    order.windows.at = windows;
    order.windows.count = 2;
    check_refused(&order, "windows[1].from", "must be 0 to 86399");
    windows[1].from = 86399;
    CHECK_OK(shape_check(&order_shape, &order, NULL));
    windows[1].head.has = 0;
    check_refused(&order, "windows[1].from", "is required");
    windows[1].head.has = 1;
    order.windows.count = 3;
    check_refused(&order, "windows", "must have at most 2 items");
}

TEST(fields_and_pairs_are_found_by_their_exact_name)
{
    CHECK(shape_find(&order_shape, TEXT("shift")) == &order_fields[2]);
    CHECK(shape_find(&order_shape, TEXT("Shift")) == NULL);
    struct pair pairs[] = { { TEXT("a"), { .kind = VALUE_INTEGER, .integer = 1 } },
                            { TEXT("b"), { .kind = VALUE_NULL } } };
    struct kv kv = { pairs, 2 };
    CHECK(kv_find(&kv, TEXT("b")) == &pairs[1].value);
    CHECK(kv_find(&kv, TEXT("c")) == NULL);
    CHECK_I64(shape_item_size(&order_fields[4]), sizeof(struct window));
    CHECK_I64(shape_kind_size(FIELD_NESTED), sizeof(void *));
}
