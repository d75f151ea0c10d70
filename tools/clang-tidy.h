/* SPDX-License-Identifier: Apache-2.0 */
/* clang-tidy.h - put before each file that tools/check-style has looked at: what the analyser
 * cannot see, because it reads one file at a time. fault_set() returns the error that it was given,
 * so the results that are "written only on success" were written where the error is none. */
#include "base/err.h"
#define fault_set(fault, err, ...) ((void)(fault_set)((fault), (err), __VA_ARGS__), (err))
