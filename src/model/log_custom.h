/* SPDX-License-Identifier: Apache-2.0 */
/* log_custom.h - log events as the operator wants them: other levels ([log-extended]
 * level-reassign-ID) and other words ([log] message-file, lines NUMBER|LEVEL|TEXT, an empty LEVEL
 * or TEXT leaves it). An ID is 04503, of every family, or 00-04503; 09900 is free text. Promise
 * words of a file can do no harm: they take the event's own arguments, in its order, or fewer of
 * them, in exactly the form that the event declares; else they are refused. Pure     no clock, no
 * I/O. */
#ifndef MODEL_LOG_CUSTOM_H
#define MODEL_LOG_CUSTOM_H

#include "base/log.h"
#include "base/scope.h"
#include "base/shape.h"

struct log_custom;

enum { LOG_CUSTOM_FILE_BYTES_MAX = 1024 * 1024 };

/* "alarm" to "debug", and "none": LOG_LEVELS. */
enum err log_level_parse(struct text word, int *out);
/* Is `name` of section log-extended an option (else ERR_NOT_FOUND), and `value` one of its values
 * (else ERR_INVALID)? */
enum err log_custom_check(struct text name, struct text value, struct fault *fault);

/* NULL: all events are as declared. What cannot be used is left out and told. */
struct log_custom *log_custom_new(struct scope *owner, const struct kv *extended,
                                  struct text message_file,
                                  void (*on_bad)(void *self, uint32_t line, const char *words),
                                  void *self);
/* The event as it is wanted; NULL: not at all. */
const struct log_event *log_custom_event(const struct log_custom *custom,
                                         const struct log_event *event);
/* The highest level that an event declared as `level` has now. */
enum log_level log_custom_highest(const struct log_custom *custom, enum log_level level);

#endif
