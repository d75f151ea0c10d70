/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of interaction 11.4, compiled and run: what they ask the platform for, in order. */
#include "tests/unit/strategy/platform.h"
#include "tests/unit/test.h"

static void start(struct platform *platform, const char *sample, const char *name, const char *data)
{
    struct scope *scope = scope_new(NULL, "sample", SCOPE_NO_LIMIT);
    platform_start(platform, platform_sample(scope, sample), name, data);
    scope_on_close(platform->scope, (void (*)(void *))scope_close, scope);
}

TEST(process_abc_gives_the_mail_to_an_agent_of_the_group)
{
    struct platform p;
    start(&p, "abc_simple", "Process ABC", "{}");
    CHECK_TEXT(platform_trail(&p),
               "queue.submit route=false priority=0 timeout=3600 clearontimeout=true [targets "
               "type=agentgroup [target name=\"E-mail distribution for processing\"]]\n");
    platform_answer(&p, "queue.submit.done", "\"resource\":\"agent7\"");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"agent7\" type=\"agent\" "
                                   "hints={\"OutQueues\":[\"Outbound queue\"]}\n");
    platform_answer(&p, "interaction.redirect.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}
