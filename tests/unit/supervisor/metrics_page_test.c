/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/metrics_page.h"

#include "tests/unit/test.h"

static struct text page_of(struct scope *scope, const char *const *texts, size_t count)
{
    struct metrics_page *page = metrics_page_new(scope);
    struct buf out = { 0 };
    for (size_t i = 0; i < count; i++) metrics_page_add(page, text_of(texts[i]));
    metrics_page_print(page, &out);
    struct text kept = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return kept;
}

TEST(samples_of_two_applications_stand_under_one_heading)
{
    static const char *const texts[] = {
        "# HELP a Words.\n# TYPE a counter\na{application=\"x\"} 1\n# HELP b B.\n"
        "b{application=\"x\"} 2\n",
        "# HELP a Words.\n# TYPE a counter\na{application=\"y\"} 3\n",
    };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK_TEXT(page_of(scope, texts, 2),
               "# HELP a Words.\n# TYPE a counter\na{application=\"x\"} 1\na{application=\"y\"} 3\n"
               "# HELP b B.\nb{application=\"x\"} 2\n");
    scope_close(scope);
}

TEST(what_is_no_sample_is_left_out_and_a_heading_without_sample_too)
{
    static const char *const texts[] = { "# EOF\n\n# HELP alone Words.\nnonsense\n{} 1\nc 4" };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK_TEXT(page_of(scope, texts, 1), "c 4\n");
    scope_close(scope);
}
