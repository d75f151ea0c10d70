/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/call_hide.h"

#include "model/log_filter.h"

struct text call_hide(const struct outbound *server, struct buf *room, struct text key,
                      struct text value)
{
    const struct outbound_options *options = server->app->options;
    const struct log_filter filter = { options->common.log_filter_default_filter_type,
                                       &options->common.log_filter_data };
    buf_clear(room);
    if (value.len == 0 || !log_filter_value(room, &filter, key, value))
        return (struct text){ "", 0 };
    return buf_text(room);
}
