/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/error.h"

#include <stdio.h>

enum outbound_error refuse(struct refusal *refusal, enum outbound_error error, const char *format,
                           ...)
{
    refusal->error = error;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(refusal->words, sizeof refusal->words, format, arguments);
    va_end(arguments);
    return error;
}

unsigned outbound_error_http_status(enum outbound_error error)
{
    switch (error) {
    case OUTBOUND_OK: return 200;
    case OUTBOUND_UNKNOWN_REQUEST:
    case OUTBOUND_BAD_KEY:
    case OUTBOUND_BAD_DATE: return 400;
    case OUTBOUND_NO_RECORDS:
    case OUTBOUND_INVALID_HANDLE:
    case OUTBOUND_LIST_UNKNOWN:
    case OUTBOUND_GROUP_UNKNOWN: return 404;
    case OUTBOUND_NOT_OWNER:
    case OUTBOUND_ALREADY_FINALISED:
    case OUTBOUND_NOT_LOADED:
    case OUTBOUND_NOT_ALLOWED:
    case OUTBOUND_LIMIT: return 409;
    case OUTBOUND_DATABASE_ERROR: return 503;
    case OUTBOUND_INTERNAL: return 500;
    }
    return 500;
}
