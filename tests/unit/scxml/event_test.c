/* SPDX-License-Identifier: Apache-2.0 */
/* Names and descriptors of orchestration 3.3. */
#include "scxml/event.h"
#include "tests/unit/test.h"

static bool meets(const char *name, const char *descriptor)
{
    struct text token = text_of(descriptor);
    return scxml_event_matches(text_of(name), &token, 1);
}

TEST(a_descriptor_is_a_prefix_by_whole_tokens)
{
    CHECK(meets("error", "error"));
    CHECK(meets("error.queue.submit", "error"));
    CHECK(meets("error.queue.submit", "error.queue"));
    CHECK(!meets("errors.x", "error"));
    CHECK(!meets("error", "error.queue"));
    CHECK(!meets("Error", "error"));
}

TEST(a_star_meets_all)
{
    CHECK(meets("anything.at.all", "*"));
}

TEST(one_of_several_is_enough)
{
    struct text tokens[] = { TEXT("a"), TEXT("b.c") };
    CHECK(scxml_event_matches(TEXT("b.c.d"), tokens, 2));
    CHECK(!scxml_event_matches(TEXT("b.d"), tokens, 2));
    CHECK(!scxml_event_matches(TEXT("b"), NULL, 0));
}
