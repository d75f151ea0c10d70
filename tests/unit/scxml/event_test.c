/* SPDX-License-Identifier: Apache-2.0 */
/* Names and descriptors of orchestration 3.3. */
#include <stdio.h>

#include "tests/unit/scxml/chart.h"
#include "tests/unit/test.h"

/* Whether an event of this name takes a transition with these attributes. */
static bool takes(const char *name, const char *attributes)
{
    char body[200];
    (void)snprintf(body, sizeof body,
                   "<state id='a'><transition %s target='x'/></state><state id='x'/>", attributes);
    struct chart *chart = chart_open("", body);
    chart_event(chart, name);
    bool is_taken = text_eq(chart_states(chart), TEXT("x"));
    chart_close(chart);
    return is_taken;
}

static bool meets(const char *name, const char *descriptors)
{
    char attribute[100];
    (void)snprintf(attribute, sizeof attribute, "event='%s'", descriptors);
    return takes(name, attribute);
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
    CHECK(meets("b.c.d", "a b.c"));
    CHECK(!meets("b.d", "a b.c"));
    CHECK(!takes("b", "cond=\"In('x')\""));
}
