/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are not ours: controlled by command line, pid and a probe (framework 5). */
#include "tests/unit/supervisor/supervisor_world.h"

#include "io/http/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define GMS "third-party gms /opt/gms/gms -a"

static const char host[] = "Host {\"name\":\"one\",\"ipAddress\":\"127.0.0.1\"}";

/* `more` begins with a comma. */
static const char *application(struct world *world, const char *start, const char *options,
                               const char *more)
{
    return scope_format(world->life,
                        "Application {\"name\":\"gms\",\"type\":\"ThirdPartyServer\","
                        "\"host\":\"one\",\"start\":{%s},\"ports\":[{\"id\":\"default\","
                        "\"number\":7000}],\"options\":{\"third-party\":{%s}}%s}",
                        start, options, more)
        .at;
}

static const char start_info[] = "\"dir\":\"/opt/gms\",\"command\":\"gms\",\"arguments\":\"-a\"";

static struct world *world_with(const char *options, const char *more)
{
    struct world *world = world_new();
    world->bodies[0] = host;
    world->bodies[1] = application(world, start_info, options, more);
    world_boot(world);
    world_open_config(world);
    world_run(world, 500);
    return world;
}

static void change(struct world *world, const char *body)
{
    world_close_config(world);
    world->bodies[1] = body;
    world_open_config(world);
    world_run(world, 500);
}

static void forget_log(struct world *world)
{
    buf_clear(&world->log);
}

/* --- without a probe -------------------------------------------------------------------------- */

TEST(it_is_started_by_its_command_line_and_runs_when_it_has_lived_for_a_moment)
{
    struct world *world = world_with("", "");
    CHECK(world_find(world, GMS) != NULL);
    world_run(world, 2000);
    CHECK(!world_heard(world, "00-05061"));
    world_run(world, 1000);
    CHECK(world_heard(world, "00-05061 gms: RUNNING"));
    world_free(world);
}

TEST(another_type_than_third_party_server_is_told_who_it_is)
{
    struct world *world = world_new();
    world->bodies[0] = host;
    world->bodies[1] = "Application {\"name\":\"stat\",\"type\":\"StatServer\",\"host\":\"one\","
                       "\"start\":{\"dir\":\"/opt\",\"command\":\"/opt/stat\"}}";
    world_boot(world);
    world_open_config(world);
    world_run(world, 500);
    CHECK(world_find(world, "third-party stat /opt/stat -app stat -host 127.0.0.1 -port 2020"));
    world_free(world);
}

TEST(it_dies_and_is_restarted_by_the_same_rules_up_to_the_crash_loop)
{
    struct world *world = world_with("", "");
    world_run(world, 20000);
    world_end(world, world_find(world, GMS), SIGSEGV);
    world_run(world, 100);
    CHECK(world_heard(world, "00-05064 gms"));
    for (int i = 0; i < 6; i++) { /* each right after its start */
        while (world_find(world, GMS) == NULL) world_run(world, 100);
        CHECK(!world_heard(world, "00-05073"));
        world_end(world, world_find(world, GMS), 1 << 8);
        world_run(world, 1);
    }
    CHECK(world_heard(world, "00-05073 gms: Crash loop"));
    world_run(world, 100000);
    world_free(world);
}

TEST(it_is_stopped_by_sigterm_at_once_and_by_sigkill_after_its_shutdown_timeout)
{
    struct world *world = world_with("", ",\"shutdownTimeout\":7");
    world_run(world, 5000);
    struct world_process *process = world_find(world, GMS);
    change(world, NULL);
    CHECK_I64(process->last_signal, SIGTERM);
    world_run(world, 6000);
    CHECK_I64(process->last_signal, SIGTERM);
    world_run(world, 1100);
    CHECK_I64(process->last_signal, SIGKILL);
    world_end(world, process, SIGKILL);
    world_run(world, 10);
    CHECK(world_heard(world, "00-05062 gms: stopped"));
    world_run(world, 100000);
    CHECK(world_find(world, GMS) == NULL);
    world_free(world);
}

TEST(start_info_that_is_none_is_refused_in_words_and_tried_again_when_it_is_mended)
{
    struct world *world = world_new();
    world->bodies[0] = host;
    world->bodies[1] = application(world, "\"dir\":\"opt\",\"command\":\"gms\"", "", "");
    world_boot(world);
    world_open_config(world);
    world_run(world, 500);
    CHECK(world_heard(world, "00-05071 gms: start failed (start.dir must be an absolute path"));
    forget_log(world);
    world_run(world, 100000);
    CHECK(!world_heard(world, "00-05071")); /* nobody tries what cannot be */
    change(world, application(world, start_info, "", ""));
    CHECK(world_find(world, GMS) != NULL);
    world_free(world);
}

TEST(one_that_outlived_its_supervisor_is_adopted_and_watched_again)
{
    struct world *world = world_with("", "");
    world_run(world, 5000);
    world_kill_supervisor(world);
    forget_log(world);
    world_boot(world);
    world_run(world, 5000);
    CHECK(world_heard(world, "00-05076 gms"));
    CHECK(world_heard(world, "00-05061 gms: RUNNING"));
    CHECK_I64(world->process_count, 1);
    world_free(world);
}

/* --- with a probe ----------------------------------------------------------------------------- */

static void take(void *self, struct stream *stream)
{
    (void)self, (void)stream;
}

/* Something listens where the probe asks, as long as the scope lives. */
static struct scope *listen_at(struct world *world)
{
    struct fault fault;
    struct listener *listener;
    struct scope *life = scope_new(world->life, "listener", SCOPE_NO_LIMIT);
    CHECK_OK(listener_open(life, world->net, TEXT("127.0.0.1:7000"), NULL, take, world, &listener,
                           &fault));
    return life;
}

TEST(with_a_tcp_probe_it_runs_once_a_connection_is_taken)
{
    struct world *world = world_with("\"probe\":\"tcp\"", "");
    world_run(world, 10000);
    CHECK(!world_heard(world, "00-05061"));
    (void)listen_at(world);
    world_run(world, 1500);
    CHECK(world_heard(world, "00-05061 gms: RUNNING"));
    world_free(world);
}

TEST(one_whose_probe_is_never_answered_is_killed_after_its_startup_timeout)
{
    struct world *world = world_with("\"probe\":\"tcp\"", ",\"startupTimeout\":20");
    const struct world_process *process = world_find(world, GMS);
    world_run(world, 19000);
    CHECK_I64(process->last_signal, 0);
    world_run(world, 1500);
    CHECK_I64(process->last_signal, SIGKILL);
    CHECK(world_heard(world, "00-05071 gms"));
    world_free(world);
}

TEST(one_that_stops_answering_is_ended_and_restarted)
{
    struct world *world = world_with("\"probe\":\"tcp\"", "");
    struct scope *listener = listen_at(world);
    world_run(world, 30000);
    struct world_process *process = world_find(world, GMS);
    scope_close(listener);
    world_run(world, 19000);
    CHECK_I64(process->last_signal, 0); /* twice is no pattern */
    for (int i = 0; i < 120 && process->last_signal == 0; i++) world_run(world, 100);
    CHECK_I64(process->last_signal, SIGABRT);
    CHECK(world_heard(world, "00-05075 gms: does not respond: no answer to 3 probes in a row"));
    world_run(world, 5000);
    CHECK_I64(process->last_signal, SIGKILL);
    world_end(world, process, SIGKILL);
    world_run(world, 100);
    CHECK_I64(world->process_count, 2);
    world_free(world);
}

TEST(where_hangups_are_tolerated_it_runs_again_when_it_answers_again)
{
    struct world *world =
        world_with("\"probe\":\"tcp\"", ",\"annex\":{\"sml\":{\"hangup-restart\":\"false\"}}");
    struct scope *listener = listen_at(world);
    world_run(world, 5000);
    scope_close(listener);
    world_run(world, 100000);
    CHECK(world_heard(world, "00-05075 gms"));
    CHECK_I64(world_find(world, GMS)->last_signal, 0);
    forget_log(world);
    (void)listen_at(world);
    world_run(world, 1500);
    CHECK(world_heard(world, "00-05061 gms: RUNNING"));
    CHECK_I64(world->process_count, 1);
    world_free(world);
}

static unsigned answered;

static void on_request(void *self, struct http_exchange *exchange)
{
    (void)self;
    CHECK_TEXT(http_exchange_request(exchange)->path, "/alive");
    http_reply(exchange, answered, &(struct http_headers){ 0 }, TEXT("."));
}

TEST(with_an_http_probe_another_status_than_200_is_service_unavailable)
{
    struct world *world =
        world_with("\"probe\":\"http\",\"probe-path\":\"alive\",\"probe-period\":\"2\"", "");
    struct http_server *server;
    struct http_server_options options = { .body_bytes_max = 1024 };
    struct fault fault;
    answered = 503;
    CHECK_OK(http_server_open(world->life, world->net, TEXT("127.0.0.1:7000"), &options, on_request,
                              world, &server, &fault));
    world_run(world, 5000);
    CHECK(!world_heard(world, "00-05061")); /* it still starts */
    answered = 204;
    world_run(world, 1500);
    CHECK(world_heard(world, "00-05061 gms: RUNNING"));
    forget_log(world);
    answered = 503;
    world_run(world, 2500);
    CHECK(world_heard(world, "00-05074 gms: Service Unavailable (its probe was answered with HTTP "
                             "status 503)"));
    answered = 302;
    world_run(world, 2500);
    CHECK(world_heard(world, "00-05061 gms: RUNNING"));
    CHECK_I64(world_find(world, GMS)->last_signal, 0);
    world_free(world);
}

TEST(a_probe_with_nowhere_to_ask_is_told)
{
    struct world *world = world_with("\"probe\":\"tcp\"", "");
    (void)listen_at(world);
    world_run(world, 5000);
    change(world, "Application {\"name\":\"gms\",\"type\":\"ThirdPartyServer\",\"host\":\"one\","
                  "\"start\":{\"dir\":\"/opt/gms\",\"command\":\"gms\",\"arguments\":\"-a\"},"
                  "\"options\":{\"third-party\":{\"probe\":\"tcp\"},"
                  "\"sml\":{\"hangup-restart\":\"false\"}}}");
    world_run(world, 40000);
    CHECK(world_heard(world, "it has neither probe-port nor a port default"));
    world_free(world);
}
