/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/outbound.h"

#include "gen/objects.h"
#include "model/option.h"

bool session_names(struct outbound *server, uint32_t group_dbid, struct session_names *out,
                   struct fault *fault)
{
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_CAMPAIGN_GROUP, group_dbid);
    if (object == NULL) {
        (void)fault_set(fault, ERR_NOT_FOUND, "GSW_CAMPAIGN_GROUP_DBID", "no campaign group %u",
                        group_dbid);
        return false;
    }
    const struct object_campaign_group *fields =
        (const struct object_campaign_group *)object->fields;
    const struct app_object *campaign = app_object(server->app, &OBJECT_CAMPAIGN, fields->campaign);
    const struct app_object *group = app_object(server->app, &OBJECT_AGENT_GROUP, fields->group);
    if (campaign == NULL || group == NULL) {
        (void)fault_set(fault, ERR_NOT_FOUND, campaign ? "group" : "campaign",
                        "%.*s does not exist or is disabled",
                        TEXT_ARG(campaign ? fields->group : fields->campaign));
        return false;
    }
    struct text template_name = fields->script, type; /* a Script's key is name/type */
    (void)text_cut(fields->script, '/', &template_name, &type);
    *out = (struct session_names){
        .group_object = object,
        .campaign_object = campaign,
        .campaign = campaign->fields->name,
        .campaign_group = object->fields->name,
        .group = group->fields->name,
        .queue = fields->voice_transfer_destination,
        .media_type = fields->media_type.len ? fields->media_type : TEXT("voice"),
        .template_name = template_name,
        .campaign_dbid = campaign->dbid,
        .group_dbid = group->dbid,
    };
    return true;
}

const struct outbound_options *outbound_resolve_options(struct outbound *server,
                                                        struct scope *scope,
                                                        const struct session_names *names)
{
    const struct app_object *object = app_self(server->app);
    const struct object_application *self =
        object ? (const struct object_application *)object->fields : NULL;
    struct option_layer layers[] = {
        { LEVEL_CAMPAIGN_GROUP, &names->group_object->fields->annex },
        { LEVEL_CAMPAIGN, &names->campaign_object->fields->annex },
        { LEVEL_APPLICATION, self ? &self->options : NULL },
    };
    struct option_source source = { server->app->name, layers, sizeof layers / sizeof layers[0] };
    return option_resolve(&OPTIONS_OUTBOUND, &source, NULL, scope, NULL, NULL);
}

uint32_t outbound_next_handle(struct outbound *server, uint32_t count, uint32_t index)
{
    if (index == 0) {
        if (server->next_handle > (uint32_t)INT32_MAX - count) server->next_handle = 1;
        server->next_handle += count;
        return server->next_handle - count;
    }
    return server->next_handle - count + index;
}

void outbound_check_idle(struct outbound *server)
{
    if (!server->is_suspended) return;
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;)
        if (session->in_progress_count || session->changing_count || session->fetches) return;
    app_idle(server->app);
}
