/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the error codes of the desktop protocol (spec outbound 15.4) and the HTTP status each
 * becomes (14.3). */
#ifndef SERVERS_OUTBOUND_ERROR_H
#define SERVERS_OUTBOUND_ERROR_H

#include "base/text.h"

enum outbound_error {
    OUTBOUND_OK = 0,
    OUTBOUND_UNKNOWN_REQUEST = 1,
    OUTBOUND_BAD_KEY = 2,
    OUTBOUND_NO_RECORDS = 3,
    OUTBOUND_INVALID_HANDLE = 4,
    OUTBOUND_NOT_OWNER = 5,
    OUTBOUND_ALREADY_FINALISED = 6,
    OUTBOUND_NOT_LOADED = 7,
    OUTBOUND_LIST_UNKNOWN = 8,
    OUTBOUND_BAD_DATE = 9,
    OUTBOUND_DATABASE_ERROR = 10,
    OUTBOUND_NOT_ALLOWED = 11,
    OUTBOUND_LIMIT = 12,
    OUTBOUND_GROUP_UNKNOWN = 13, /* ours: 404, where 7 would say 409 */
    OUTBOUND_INTERNAL = 99,
};

/* Why a request is refused: the code, and words that name field and rule. */
struct refusal {
    enum outbound_error error;
    char words[256];
};

/* Fill `refusal` and return `error`. */
enum outbound_error refuse(struct refusal *refusal, enum outbound_error error, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));
unsigned outbound_error_http_status(enum outbound_error error);

#endif
