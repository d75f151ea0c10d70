/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - the bytes of a link: u32 BE length, then [message, ref, header, fields] (design 4).
 * Errors   what is no frame is ERR_INVALID: the link closes; what the frame holds is judged later,
 *          by the shape of its message. */
#ifndef IO_LINK_FRAME_H
#define IO_LINK_FRAME_H

#include "io/link/link.h"

#include "base/buf.h"

enum { FRAME_PREFIX_BYTES = 4, FRAME_BYTES_MAX = 16 * 1024 * 1024 };

struct frame {
    uint64_t number, ref;
    struct text header, fields; /* MessagePack, views */
};

/* Appends the whole frame. `header` may be NULL. */
void frame_encode(struct buf *out, const struct msg *msg, uint64_t ref,
                  const struct link_header *header, const void *fields);
/* The length that the prefix announces. */
uint32_t frame_length(struct text prefix);
/* `body` is what follows the prefix. */
enum err frame_parse(struct text body, struct frame *out);
/* Views into `scope`. */
enum err frame_decode_header(struct text header, struct scope *scope, struct link_header *out,
                             struct fault *fault);

#endif
