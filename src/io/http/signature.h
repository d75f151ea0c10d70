/* SPDX-License-Identifier: Apache-2.0 */
/* signature.h - signs a webhook by the Standard Webhooks convention (design 6).
 * Rule     "v1," and the base64 of HMAC-SHA256 over `id.timestamp.body`; several secrets sign side
 *          by side, so that a receiver may learn the new one before the old one goes.
 * Secret   16 to 64 bytes as base64, with or without "whsec_" before it.
 * Pure     no clock, no I/O. OpenSSL's HMAC behind this file alone. */
#ifndef IO_HTTP_SIGNATURE_H
#define IO_HTTP_SIGNATURE_H

#include "base/buf.h"

enum { SIGNATURE_SECRETS_MAX = 4 };

/* `secrets`: separated by spaces. Appends "v1,... v1,...". ERR_INVALID: one of them is no such
 * secret, or there are more than four; then nothing is appended. */
enum err signature_write(struct text secrets, struct text id, uint64_t timestamp_s,
                         struct text body, struct buf *out);

#endif
