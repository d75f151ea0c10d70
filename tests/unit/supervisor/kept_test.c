/* SPDX-License-Identifier: Apache-2.0 */
/* A host starts its applications without config, from what its supervisor heard last (framework
 * 3.4, cached start). */
#include "tests/unit/supervisor/supervisor_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define A "app A --type outbound"
#define B "app B --type outbound"

static const char host[] = "Host {\"name\":\"one\",\"ipAddress\":\"127.0.0.1\"}";
static const char a[] = "Application {\"name\":\"A\",\"type\":\"CMServer\",\"host\":\"one\"}";
static const char b[] = "Application {\"name\":\"B\",\"type\":\"CMServer\",\"host\":\"one\"}";
static const char by_hand[] = "Application {\"name\":\"H\",\"type\":\"CMServer\",\"host\":\"one\","
                              "\"startupType\":\"manual\"}";

static const char *kept_path(const struct world *world)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/run/supervisor.kept", world->data);
    return path;
}

/* A supervisor that has heard of A and H, and was killed with all that it ran. */
static struct world *after_a_power_cut(void)
{
    struct world *world = world_new();
    world->bodies[0] = host;
    world->bodies[1] = a;
    world->bodies[2] = by_hand;
    world_boot(world);
    world_open_config(world);
    world_run(world, 1000);
    CHECK(world_find(world, A) != NULL);
    world_kill_supervisor(world);
    world_find(world, A)->is_over = true;
    world_close_config(world);
    return world;
}

TEST(without_config_a_host_starts_what_it_heard_of_last)
{
    struct world *world = after_a_power_cut();
    struct stat status;
    CHECK(stat(kept_path(world), &status) == 0);
    CHECK_I64(status.st_mode & 0777, 0600);
    world_boot(world);
    world_run(world, 9900);
    CHECK(world_find(world, A) == NULL); /* config may still come */
    world_run(world, 200);
    CHECK(world_find(world, A) != NULL);
    CHECK(world_find(world, "app H --type outbound") == NULL); /* the same rules as ever */
    CHECK(world_heard(world, "00-04510 started from cached configuration, revision 1, written "
                             "2026-01-01T00:00:0"));
    world_free(world);
}

TEST(it_is_corrected_as_soon_as_config_answers)
{
    struct world *world = after_a_power_cut();
    world_boot(world);
    world_run(world, 11000);
    struct world_process *first = world_find(world, A);
    CHECK(first != NULL);
    world->bodies[1] = NULL;
    world->bodies[3] = b;
    world_open_config(world);
    world_run(world, 1500);
    CHECK(!world->asked_since); /* everything is read anew */
    CHECK(world_find(world, B) != NULL);
    CHECK_I64(first->last_signal, SIGTERM);
    CHECK(world_heard(world, "00-05078"));
    /* And it is what the next start without config begins with. */
    world_end(world, first, 0);
    world_end(world, world_find(world, B), 0);
    world_kill_supervisor(world);
    world_close_config(world);
    world_boot(world);
    world_run(world, 11000);
    CHECK(world_find(world, B) != NULL);
    CHECK(world_find(world, A) == NULL);
    world_free(world);
}

TEST(a_config_that_answers_in_time_goes_before_what_was_kept)
{
    struct world *world = after_a_power_cut();
    world->bodies[1] = b;
    world_boot(world);
    world_run(world, 5000);
    world_open_config(world);
    world_run(world, 20000);
    CHECK(world_find(world, B) != NULL);
    CHECK(world_find(world, A) == NULL);
    CHECK(!world_heard(world, "00-04510"));
    world_free(world);
}

/* It may have been created after the file was written. */
TEST(a_running_process_that_the_file_does_not_know_is_left_alone_until_config_answers)
{
    struct world *world = after_a_power_cut();
    char path[128];
    (void)snprintf(path, sizeof path, "%s/run/B.pid", world->data);
    FILE *file = fopen(path, "we");
    CHECK(file != NULL);
    world->processes[world->process_count++] = (struct world_process){ .argv = B };
    (void)fprintf(file, "%u 0\n", WORLD_PID_FIRST + world->process_count - 1);
    CHECK(fclose(file) == 0);
    world_boot(world);
    world_run(world, 15000);
    CHECK(world_find(world, A) != NULL);
    CHECK(world_find(world, B) != NULL);
    CHECK_I64(world_find(world, B)->last_signal, 0);
    world_open_config(world);
    world_run(world, 2500);
    CHECK_I64(world_find(world, B)->last_signal, SIGTERM);
    world_free(world);
}

TEST(a_file_that_others_may_write_or_that_is_broken_is_not_used)
{
    struct world *world = after_a_power_cut();
    CHECK(chmod(kept_path(world), 0620) == 0);
    world_boot(world);
    world_run(world, 30000);
    CHECK(world_find(world, A) == NULL);
    world_kill_supervisor(world);
    CHECK(chmod(kept_path(world), 0600) == 0);
    FILE *file = fopen(kept_path(world), "we");
    CHECK(file != NULL && fputs("what is no snapshot", file) >= 0 && fclose(file) == 0);
    world_boot(world);
    world_run(world, 30000);
    CHECK(world_find(world, A) == NULL);
    CHECK(!world_heard(world, "00-04510"));
    world_open_config(world); /* and it goes on as if there were none */
    world_run(world, 1000);
    CHECK(world_find(world, A) != NULL);
    world_free(world);
}
