/* SPDX-License-Identifier: Apache-2.0 */
/* campaign_status.h - campaign groups as they are now (spec outbound 13.1, 14.3, 15.3). */
#ifndef SERVERS_OUTBOUND_CAMPAIGN_STATUS_H
#define SERVERS_OUTBOUND_CAMPAIGN_STATUS_H

#include "servers/outbound/request.h"

/* One per group, by DBID; with an agent or a campaign named only hers or its. In `scope`. */
struct campaign_filter {
    struct text agent_id, campaign;
    uint32_t group_dbid; /* 0: any */
    uint32_t after;      /* DBIDs above it */
};
struct outbound_campaign_status *campaign_statuses(struct outbound *server, struct scope *scope,
                                                   const struct campaign_filter *filter,
                                                   uint32_t *count);

void campaign_get_status(struct request *request);
void campaign_status(struct request *request);
void campaign_group_list(struct request *request);

#endif
