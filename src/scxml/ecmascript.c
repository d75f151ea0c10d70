/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/ecmascript.h"

#include "scxml/engine/model.h"

const struct scxml_datamodel scxml_ecmascript = {
    .open = engine_open,
    .close = engine_close,
    .bytes = engine_bytes,
    .open_session = engine_open_session,
    .close_session = engine_close_session,
    .set_time = engine_set_time,
    .set_event = engine_set_event,
    .declare = engine_declare,
    .set = engine_set,
    .set_expr = engine_set_expr,
    .condition = engine_condition,
    .value = engine_value,
    .string = engine_string,
    .run = engine_run,
    .assign = engine_assign_expr,
    .assign_payload = engine_assign_payload,
    .begin_loop = engine_begin_loop,
    .set_item = engine_set_item,
    .end_loop = engine_end_loop,
};
