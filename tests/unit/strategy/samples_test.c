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

#define ASK(application, service, method, parameters, timeout)                                     \
    "session.fetch method=\"esp\" timeout=" timeout application " service:\"" service              \
    "\" method:\"" method "\" parameters:" parameters "\n"
#define ASK_MAIL(method, parameters) ASK("", "Email", method, parameters, "30")
#define SEND_MAIL                    ASK(" application:\"E-mail Server\"", "Email", "Send", "{}", "60")

/* --- ABC Simple BP --- */

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

TEST(process_abc_puts_the_mail_back_for_a_minute_when_nobody_is_found)
{
    struct platform p;
    start(&p, "abc_simple", "Process ABC", "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"Inbound queue\" type=\"queue\" "
                                   "hints={\"ScheduledAt\":\"2026-03-01 09:31:00\"}\n");
    platform_answer(&p, "interaction.redirect.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}

TEST(an_agent_who_refuses_ends_the_run_since_the_mail_is_in_its_queue_again)
{
    struct platform p;
    start(&p, "abc_simple", "Process ABC", "{}");
    platform_answer(&p, "queue.submit.done", "\"resource\":\"agent7\"");
    (void)platform_trail(&p);
    platform_answer(&p, "error.interaction.redirect", "\"error\":\"rejected\"");
    CHECK_TEXT(p.final, "given_back");
    CHECK_TEXT(platform_trail(&p), "");
    platform_stop(&p);
}

TEST(send_abc_sends_the_reply_and_stops)
{
    struct platform p;
    start(&p, "abc_simple", "Send ABC", "{}");
    CHECK_TEXT(platform_trail(&p), SEND_MAIL);
    platform_answer(&p, "session.fetch.done", "\"content\":{\"MessageId\":\"<1@a>\"}");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"sent\"\n");
    platform_answer(&p, "interaction.terminate.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}

TEST(send_abc_tries_again_in_five_minutes_when_the_mail_cannot_be_sent)
{
    struct platform p;
    start(&p, "abc_simple", "Send ABC", "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.session.fetch", "\"error\":\"SMTP_TEMP\"");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"Outbound queue\" type=\"queue\" "
                                   "hints={\"ScheduledAt\":\"2026-03-01 09:35:00\"}\n");
    platform_stop(&p);
}

/* --- ABC Simple Chat BP --- */

#define SAY(words) ASK("", "Chat", "Message", "{\"MessageText\":\"" words "\"}", "30")

TEST(chat_greets_routes_and_hands_the_finished_session_to_the_transcript_queue)
{
    struct platform p;
    start(&p, "abc_simple_chat", "Chat inbound strategy", "{}");
    CHECK_TEXT(platform_trail(&p), SAY("Welcome. An agent will be with you shortly."));
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p),
               "queue.submit route=false priority=0 timeout=120 clearontimeout=true [targets "
               "type=agentgroup [target name=\"Chat distribution for processing\"]]\n");
    platform_answer(&p, "queue.submit.done", "\"resource\":\"agent7\"");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"agent7\" type=\"agent\" "
                                   "hints={\"InQueues\":[\"Chat request transcript queue\"]}\n");
    platform_stop(&p);
}

TEST(chat_asks_for_patience_when_all_agents_are_busy)
{
    struct platform p;
    start(&p, "abc_simple_chat", "Chat inbound strategy", "{}");
    platform_answer(&p, "session.fetch.done", "");
    (void)platform_trail(&p);
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p), SAY("All agents are busy, please stay."));
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p),
               "interaction.redirect to=\"Chat inbound queue\" type=\"queue\"\n");
    platform_stop(&p);
}

TEST(chat_ends_when_the_customer_leaves_while_waiting)
{
    struct platform p;
    start(&p, "abc_simple_chat", "Chat inbound strategy", "{}");
    platform_answer(&p, "session.fetch.done", "");
    (void)platform_trail(&p);
    platform_post(&p, "interaction.deleted", "\"interactionid\":\"I1\"");
    CHECK_TEXT(p.final, "gone");
    CHECK_TEXT(platform_trail(&p), "");
    platform_stop(&p);
}

TEST(a_transcript_becomes_a_mail_in_the_next_queue_of_the_process)
{
    struct platform p;
    start(&p, "abc_simple_chat", "Chat request transcript send strategy",
          "{\"EmailAddress\":\"ann@example.com\"}");
    CHECK_TEXT(platform_trail(&p),
               ASK_MAIL("ChatTranscript",
                        "{\"To\":\"ann@example.com\",\"StandardResponseId\":\"Chat transcript\","
                        "\"ChatInteractionId\":\"I1\",\"Queue\":\"Chat send transcript queue\"}"));
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"transcript requested\"\n");
    platform_stop(&p);
}

TEST(no_transcript_is_made_without_an_address)
{
    struct platform p;
    start(&p, "abc_simple_chat", "Chat request transcript send strategy", "{}");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"no address\"\n");
    platform_stop(&p);
}

/* --- WebCallback BP --- */

TEST(a_callback_is_acknowledged_by_the_subroutine_and_scheduled_for_its_time)
{
    struct platform p;
    start(&p, "webcallback", "Preprocessing", "{\"ScheduledAt\":\"2026-03-02 10:00:00\"}");
    CHECK_TEXT(
        platform_trail(&p),
        ASK_MAIL("Acknowledge", "{\"StandardResponseId\":\"Callback created\",\"FieldCodes\":{}}"));
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"Scheduled\" type=\"queue\" "
                                   "hints={\"ScheduledAt\":\"2026-03-02 10:00:00\"}\n");
    platform_answer(&p, "interaction.redirect.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}

TEST(a_callback_for_now_is_not_scheduled)
{
    struct platform p;
    start(&p, "webcallback", "Preprocessing", "{}");
    platform_answer(&p, "session.fetch.done", "");
    (void)platform_trail(&p);
    CHECK_TEXT(p.final, "");
    platform_answer(&p, "interaction.redirect.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}

TEST(a_rescheduled_callback_gets_the_other_acknowledgement)
{
    struct platform p;
    start(&p, "webcallback", "Rescheduled by Agent", "{\"ScheduledAt\":\"2026-03-02 10:00:00\"}");
    CHECK_TEXT(platform_trail(&p),
               ASK_MAIL("Acknowledge",
                        "{\"StandardResponseId\":\"Callback rescheduled\",\"FieldCodes\":{}}"));
    platform_stop(&p);
}

TEST(an_error_in_the_subroutine_is_an_error_of_the_strategy)
{
    struct platform p;
    start(&p, "webcallback", "Preprocessing", "{}");
    (void)platform_trail(&p);
    platform_answer(&p, "error.session.fetch",
                    "\"error\":\"NO_RECIPIENT\",\"description\":\"nobody to write to\"");
    CHECK_TEXT(platform_trail(&p),
               "log StrategyError: Preprocessing, line 22: Send Email Notification, line 66: "
               "NO_RECIPIENT: nobody to write to\n"
               "interaction.updatedata udata={\"StrategyError\":\"Preprocessing, line 22: Send "
               "Email Notification, line 66: NO_RECIPIENT: nobody to write to\","
               "\"StrategyErrorCount\":1} deleted=[] properties={}\n"
               "interaction.redirect to=\"Q\" type=\"queue\" "
               "hints={\"ScheduledAt\":\"2026-03-01 09:31:00\"}\n");
    platform_stop(&p);
}

TEST(delivering_raises_the_priority_every_five_minutes_up_to_its_maximum)
{
    struct platform p;
    start(&p, "webcallback", "Delivering", "{}");
    CHECK_TEXT(platform_trail(&p),
               "interaction.updatedata udata={} deleted=[] properties={\"Priority\":10}\n"
               "queue.submit route=false priority=10 timeout=1800 clearontimeout=true [targets "
               "type=agentgroup [target name=\"WebCallback distribution for processing\"]]\n");
    platform_wait(&p, 299 * 1000);
    CHECK_TEXT(platform_trail(&p), "");
    platform_wait(&p, 1000);
    CHECK_TEXT(platform_trail(&p), "queue.update priority=20\n");
    for (int i = 0; i < 7; i++) platform_wait(&p, 300 * 1000);
    (void)platform_trail(&p);
    platform_wait(&p, 300 * 1000);
    CHECK_TEXT(platform_trail(&p), "queue.update priority=100\n");
    platform_wait(&p, 3600 * 1000);
    CHECK_TEXT(platform_trail(&p), "");
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"Scheduled\" type=\"queue\" "
                                   "hints={\"ScheduledAt\":\"2026-03-01 11:20:00\"}\n");
    platform_stop(&p);
}

TEST(an_expired_transfer_comes_back_with_a_higher_priority)
{
    struct platform p;
    start(&p, "webcallback", "Expired Transfer Callbacks", "{}");
    CHECK_TEXT(platform_trail(&p),
               "interaction.updatedata udata={} deleted=[] properties={\"Priority\":25}\n"
               "interaction.redirect to=\"Scheduled\" type=\"queue\"\n");
    platform_stop(&p);
}

TEST(a_cancelled_callback_is_stopped_with_its_reason)
{
    struct platform p;
    start(&p, "webcallback", "Stop By Customer", "{}");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"cancelled by customer\"\n");
    platform_stop(&p);
}

/* --- Priority mail --- */

#define SCREEN ASK("", "Classify", "MultiScreen", "{}", "30")
#define CLASSIFY                                                                                   \
    ASK("", "Classify", "Classify", "{\"RootCategory\":\"Support\",\"Threshold\":60}", "30")
#define NO_RULE                                                                                    \
    "\"content\":{\"rules\":[{\"ScreenRuleName\":\"Spam\",\"ScreenRuleMatch\":\"False\"}]}"

TEST(an_unsubscribing_mail_is_answered_and_stopped)
{
    struct platform p;
    start(&p, "priority_mail", "Priority mail", "{}");
    CHECK_TEXT(platform_trail(&p), SCREEN);
    platform_answer(&p, "session.fetch.done",
                    "\"content\":{\"rules\":[{\"ScreenRuleName\":\"Spam\",\"ScreenRuleMatch\":"
                    "\"False\"},{\"ScreenRuleName\":\"Unsubscribe\",\"Id\":\"r2\","
                    "\"ScreenRuleMatch\":\"True\"}]}");
    CHECK_TEXT(platform_trail(&p),
               "interaction.updatedata udata={\"ScreenRuleMatch\":\"True\",\"ScreenRuleName\":"
               "\"Unsubscribe\",\"Id\":\"r2\"} deleted=[] properties={}\n" CLASSIFY);
    platform_answer(&p, "session.fetch.done", "\"content\":{\"categories\":[]}");
    CHECK_TEXT(
        platform_trail(&p),
        ASK_MAIL("AutoRespond", "{\"StandardResponseId\":\"Unsubscribed\",\"FieldCodes\":{}}"));
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p), "interaction.terminate reason=\"autoresponse\"\n");
    platform_stop(&p);
}

TEST(a_gold_mail_waits_with_its_priority_through_all_steps_and_ends_in_the_workbin)
{
    struct platform p;
    start(&p, "priority_mail", "Priority mail", "{\"Segment\":\"gold\"}");
    platform_answer(&p, "session.fetch.done", NO_RULE);
    (void)platform_trail(&p);
    platform_answer(&p, "session.fetch.done",
                    "\"content\":{\"categories\":[{\"name\":\"Loans\",\"id\":\"c9\","
                    "\"relevancy\":80}]}");
    CHECK_TEXT(
        platform_trail(&p),
        "interaction.updatedata udata={\"CategoryId\":\"c9\"} deleted=[] properties={}\n" ASK_MAIL(
            "Acknowledge", "{\"StandardResponseId\":\"We received your message\","
                           "\"FieldCodes\":{}}"));
    platform_answer(&p, "session.fetch.done", "");
    CHECK_TEXT(platform_trail(&p),
               "interaction.updatedata udata={} deleted=[] properties={\"Priority\":50}\n"
               "queue.submit route=false priority=50 timeout=60 clearontimeout=false [targets "
               "type=skill [target name=\"English>=5 & Loans>=2\"]]\n");
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p),
               "queue.submit route=false priority=50 timeout=300 clearontimeout=false "
               "cleartargets=false [targets type=skill [target name=\"English>=3\"]]\n");
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p),
               "queue.submit route=false priority=50 timeout=3600 clearontimeout=true "
               "cleartargets=true [targets type=agentgroup [target name=\"Everyone\"]]\n");
    platform_answer(&p, "error.queue.submit", "\"error\":\"timeout\"");
    CHECK_TEXT(platform_trail(&p), "interaction.redirect to=\"Supervisor\" type=\"workbin\" "
                                   "hints={\"WorkbinAgentId\":\"sup1\"}\n");
    platform_answer(&p, "interaction.redirect.done", "");
    CHECK_TEXT(p.final, "ended");
    platform_stop(&p);
}

TEST(a_category_below_the_minimum_is_not_attached)
{
    struct platform p;
    start(&p, "priority_mail", "Priority mail", "{}");
    platform_answer(&p, "session.fetch.done", NO_RULE);
    (void)platform_trail(&p);
    platform_answer(&p, "session.fetch.done",
                    "\"content\":{\"categories\":[{\"name\":\"Loans\",\"id\":\"c9\","
                    "\"relevancy\":59}]}");
    CHECK_TEXT(platform_trail(&p),
               ASK_MAIL("Acknowledge", "{\"StandardResponseId\":\"We received your message\","
                                       "\"FieldCodes\":{}}"));
    platform_stop(&p);
}

/* --- all of them --- */

static void check_sample(const char *name)
{
    struct scope *scope = scope_new(NULL, "sample", SCOPE_NO_LIMIT);
    struct strategy_source source = { text_of(name), platform_sample(scope, name) };
    struct strategy_findings findings = strategy_findings_in(scope);
    struct strategy_output *once, *again;
    CHECK_OK(strategy_build(&source, 1, scope, &once, &findings));
    CHECK_OK(strategy_build(&source, 1, scope, &again, &findings));
    CHECK_I64(findings.warning_count, 0);
    for (; once != NULL; once = once->next, again = again->next) {
        CHECK(text_eq(once->file_name, again->file_name));
        CHECK(text_eq(once->text, again->text));
    }
    CHECK(again == NULL);
    scope_close(scope);
}

TEST(the_samples_are_clean_and_compile_to_the_same_bytes_each_time)
{
    check_sample("abc_simple");
    check_sample("abc_simple_chat");
    check_sample("webcallback");
    check_sample("priority_mail");
}
