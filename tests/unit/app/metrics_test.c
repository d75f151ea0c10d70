/* SPDX-License-Identifier: Apache-2.0 */
/* The page of one application, by the rules of the Prometheus text format that promtool checks. */
#include "tests/unit/test.h"

#include "app/private.h"
#include "gen/counters.h"

#include <string.h>

static enum err start(struct app *app, void **self, struct fault *fault)
{
    (void)app, (void)fault;
    *self = NULL;
    return ERR_OK;
}

static void fill(void *self, void *counters)
{
    (void)self;
    ((struct outbound_counters *)counters)->records_previewed_total = 81;
}

static const struct app_type type = {
    .name = "outbound", .counters = &COUNTERS_OUTBOUND, .start = start, .count = fill
};

static bool is_name(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.at[i]) == NULL) return false;
    return name.len > 0;
}

TEST(every_sample_has_its_help_and_type_and_a_label)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct app *app =
        app_new_for_test(life, loop_new_virtual(life, 1, 1), &type, TEXT("out\"bound"));
    CHECK_OK(app_begin(app, NULL));
    struct buf page = { 0 };
    metrics_format(app, &page);
    struct text rest = buf_text(&page), line;
    uint32_t samples = 0;
    bool is_there = false;
    CHECK(text_ends(rest, TEXT("\n")));
    while (text_cut(rest, '\n', &line, &rest)) {
        struct text help, kind, sample, name, tail;
        CHECK(text_starts(line, TEXT("# HELP ")));
        CHECK(text_cut(text_slice(line, 7, line.len), ' ', &help, &tail));
        CHECK(is_name(help) && tail.len > 0);
        CHECK(text_cut(rest, '\n', &kind, &rest));
        CHECK(text_cut(text_slice(kind, 7, kind.len), ' ', &name, &tail));
        CHECK(text_eq(name, help));
        bool is_counter = text_eq(tail, TEXT("counter"));
        CHECK(is_counter || text_eq(tail, TEXT("gauge")));
        CHECK(is_counter == text_ends(name, TEXT("_total")));
        CHECK(text_cut(rest, '\n', &sample, &rest));
        CHECK(text_starts(sample, help));
        struct text labels = text_slice(sample, help.len, sample.len);
        CHECK(text_starts(labels, TEXT("{application=\"out\\\"bound\"} ")));
        is_there |= text_eq(
            sample, TEXT("carillon_records_previewed_total{application=\"out\\\"bound\"} 81"));
        samples++;
    }
    CHECK(is_there);
    CHECK(samples > COUNTERS_OUTBOUND.count + 5);
    buf_free(&page);
    scope_close(life);
}
