/* SPDX-License-Identifier: Apache-2.0 */
/* Roles, the second layer of framework 12.2, held by web whatever the client is: a call needs the
 * privilege and the permission. */
#include "access_cells.h"

#include <string.h>

#define SKILLS "/api/cfg/v1/skills"
#define VIEW   "{\"WebAPIServer\":[\"Configuration: view\"]}"

struct scene {
    struct access_world *world;
    struct text token;
    struct access_desktop *desktop;
};

static struct scene begin(const char *person)
{
    struct scene scene = { .world = access_world_new() };
    unsigned status;
    scene.token = access_log_in(scene.world, person);
    scene.desktop = access_desktop_open(scene.world, scene.token, &status);
    CHECK_U32(status, 101);
    return scene;
}

static void end(struct scene *scene)
{
    access_desktop_close(scene->desktop);
    access_world_free(scene->world);
}

static void as_tool(struct access_world *world, const char *op, const char *type, const char *key,
                    const char *value)
{
    if (change(world->tool, op, type, key, value))
        fail_msg("%s: %.*s", value, TEXT_ARG(world->tool->world->words));
    loop_run_for(world->config->loop, 200);
}

static void check_rest(struct scene *scene, const char *method, const char *path, const char *body,
                       unsigned status)
{
    struct access_answer answer = access_http(scene->world, method, path, scene->token, NULL, body);
    if (answer.status != status)
        fail_msg("%s %s: %u %.*s", method, path, answer.status, TEXT_ARG(answer.body));
    if (status == 403) CHECK_TEXT(answer.error, "CFGNoPermission");
}

static void check_frame(struct scene *scene, const char *to, const char *message,
                        const char *fields, unsigned status)
{
    struct access_answer answer = access_frame(scene->desktop, to, message, fields);
    if (answer.status != status)
        fail_msg("%s: %u %.*s", message, answer.status, TEXT_ARG(answer.body));
}

#define FILE_OF(skill) FILE_HEAD "\"skills\":[{\"name\":\"" skill "\"}]}"
#define OPS_OF(skill)                                                                              \
    "{\"ops\":[{\"op\":\"create\",\"type\":\"Skill\",\"value\":\"{\\\"name\\\":\\\"" skill         \
    "\\\"}\"}]}"

TEST(without_roles_for_web_permissions_alone_count)
{
    struct scene scene = begin("adm");
    as_tool(scene.world, "create", "Role", NULL,
            "{\"name\":\"desks\",\"privileges\":{\"AgentDesktop\":[\"Calls: view\"]}}");
    check_rest(&scene, "POST", SKILLS, "{\"name\":\"one\"}", 201);
    check_frame(&scene, "config", "ChangeSet", OPS_OF("two"), 200);
    check_rest(&scene, "GET", "/api/ctl/v1/applications", NULL, 200);
    end(&scene);
}

TEST(a_call_needs_the_privilege_and_the_permission)
{
    struct scene scene = begin("adm");
    as_tool(scene.world, "create", "Role", NULL,
            "{\"name\":\"viewers\",\"persons\":[\"adm\",\"usr\"],\"privileges\":" VIEW "}");
    uint64_t revision = access_revision(scene.world);
    check_rest(&scene, "GET", SKILLS, NULL, 200);
    check_rest(&scene, "GET", "/api/cfg/v1/history", NULL, 200);
    check_rest(&scene, "POST", "/api/cfg/v1/import?plan=true", FILE_OF("three"), 200);
    check_rest(&scene, "GET", "/api/cfg/v1/server", NULL, 200);
    check_frame(&scene, "config", "Read", "{\"type\":\"Skill\"}", 200);
    check_rest(&scene, "POST", SKILLS, "{\"name\":\"three\"}", 403);
    check_rest(&scene, "POST", "/api/cfg/v1/import", FILE_OF("three"), 403);
    check_rest(&scene, "GET", "/api/ctl/v1/applications", NULL, 403);
    check_rest(&scene, "GET", "/api/ctl/v1/status", NULL, 403);
    check_rest(&scene, "POST", "/api/ctl/v1/applications/web/stop", "{}", 403);
    check_frame(&scene, "config", "ChangeSet", OPS_OF("three"), 403);
    check_frame(&scene, "control", "OrderApplication", "{\"name\":\"web\",\"order\":\"stop\"}",
                403);
    CHECK_I64(access_revision(scene.world), revision);
    as_tool(scene.world, "update", "Role", "viewers",
            "{\"privileges\":{\"WebAPIServer\":[\"Configuration: edit\"]}}");
    check_rest(&scene, "POST", SKILLS, "{\"name\":\"three\"}", 201);
    check_rest(&scene, "GET", SKILLS, NULL, 403);
    scene.token = access_log_in(scene.world, "usr"); /* who may read alone */
    check_rest(&scene, "POST", SKILLS, "{\"name\":\"four\"}", 403);
    end(&scene);
}

TEST(whom_no_role_names_may_nothing_once_there_are_roles_and_other_tenants_have_their_own)
{
    struct scene scene = begin("usr");
    as_tool(scene.world, "create", "Role", NULL,
            "{\"name\":\"viewers\",\"persons\":[\"adm\"],\"privileges\":" VIEW "}");
    check_rest(&scene, "GET", SKILLS, NULL, 403);
    check_frame(&scene, "config", "Read", "{\"type\":\"Skill\"}", 403);
    scene.token = access_log_in(scene.world, "tadm");
    check_rest(&scene, "POST", SKILLS "?tenant=T", "{\"name\":\"five\"}", 201);
    scene.token = access_log_in(scene.world, "default");
    check_rest(&scene, "POST", SKILLS, "{\"name\":\"six\"}", 201);
    as_tool(scene.world, "update", "Role", "viewers", "{\"state\":\"disabled\"}");
    scene.token = access_log_in(scene.world, "usr");
    check_rest(&scene, "GET", SKILLS, NULL, 200);
    end(&scene);
}
