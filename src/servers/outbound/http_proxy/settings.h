/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what outbound tells its HTTP Proxy, as JSON: whole in the config frame, whole again
 * in each update frame. Where to listen and who we are count in the first only.
 * Pure     no I/O. Source: spec outbound 14.1 */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_SETTINGS_H
#define SERVERS_OUTBOUND_HTTP_PROXY_SETTINGS_H

#include "base/buf.h"
#include "base/scope.h"
#include "gen/options.h"
#include "servers/outbound/http_proxy/ports.h"

struct proxy_settings {
    struct text application, host, logs_dir;
    struct proxy_ports ports;
    struct text encoding, custom_headers, host_custom_headers;
    uint32_t reconnect_s, response_timeout_s;
    const struct common_options *common; /* sections log, log-extended, log-filter* travel */
};

void proxy_settings_write(struct buf *out, const struct proxy_settings *settings);
/* Into `scope`. ERR_INVALID: it is not what proxy_settings_write() makes. */
enum err proxy_settings_read(struct text json, struct scope *scope, struct proxy_settings *out,
                             struct fault *fault);

#endif
