/* SPDX-License-Identifier: Apache-2.0 */
/* expression.h - what is known of an expression from its form. Pure. */
#ifndef STRATEGY_EXPRESSION_H
#define STRATEGY_EXPRESSION_H

#include "strategy/program.h"

enum value_type expression_type(const struct expression *expression);
const char *value_type_words(enum value_type type); /* "a text" */
/* stat() or open() in it: the platform must be asked before it has a value. */
bool expression_asks(const struct expression *expression);

#endif
