/* SPDX-License-Identifier: Apache-2.0 */
/* treatment_book.h - the treatments of each calling list, as configured now (spec outbound 3.2, 9).
 * Read from the mirror at the first use after a change; a treatment that is not fit for use is left
 * out whole, with one warning per revision of its object. */
#ifndef SERVERS_OUTBOUND_TREATMENT_BOOK_H
#define SERVERS_OUTBOUND_TREATMENT_BOOK_H

#include "servers/outbound/outbound.h"

struct treatment_book *treatment_book_new(struct outbound *server);
/* Configuration moved. */
void treatment_book_forget(struct treatment_book *book);
/* What a request that may end in a treatment has to know: `request->treatments` is good until the
 * configuration moves. */
void treatment_book_fill(struct treatment_book *book, const struct live_chain *live,
                         struct chain_request *request);

#endif
