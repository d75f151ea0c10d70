/* SPDX-License-Identifier: Apache-2.0 */
/* call_result.h - the numbers of the outbound trade and their names, each list in one table, so
 * that an unconfirmed number is corrected in one place. Rule     numbers past the known call
 * results are stored and forwarded unchanged: they have no name. Pure     tables only. Source spec
 * outbound 2.2 to 2.5 */
#ifndef MODEL_CALL_RESULT_H
#define MODEL_CALL_RESULT_H

#include "base/text.h"

struct named_number {
    uint32_t number;
    const char *name;
};

struct named_numbers {
    const struct named_number *at;
    uint32_t count;
};

extern const struct named_numbers CALL_RESULTS;         /* 2.4 */
extern const struct named_numbers RECORD_TYPES;         /* 2.2 */
extern const struct named_numbers RECORD_STATUSES;      /* 2.2 */
extern const struct named_numbers CONTACT_INFO_TYPES;   /* 2.3 */
extern const struct named_numbers DIAL_MODES;           /* 2.5 */
extern const struct named_numbers OPTIMIZATION_METHODS; /* 2.5 */

const char *named_number_name(const struct named_numbers *table, uint32_t number); /* or NULL */
/* By name, without case, blanks, '-' and '_' ("no answer", "NoAnswer"), or by the number itself
 * ("7", known or not). ERR_NOT_FOUND: neither. */
enum err named_number_find(const struct named_numbers *table, struct text name, uint32_t *out);

#endif
