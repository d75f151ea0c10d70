/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "tests/unit/test.h"

struct bell {
    int tone;
    struct list node;
};

TEST(a_ring_keeps_the_order_of_adding_and_forgets_what_is_removed)
{
    struct list ring;
    struct bell bells[3] = { { .tone = 1 }, { .tone = 2 }, { .tone = 3 } };
    list_init(&ring);
    CHECK(list_is_empty(&ring) && list_first(&ring) == NULL);
    for (int i = 0; i < 3; i++) list_add_last(&ring, &bells[i].node);
    list_remove(&bells[1].node);
    list_remove(&bells[1].node); /* in no list: nothing happens */
    CHECK(!list_is_linked(&bells[1].node) && list_is_linked(&bells[2].node));
    int sum = 0;
    LIST_EACH (node, &ring) sum = sum * 10 + LIST_OBJECT(node, struct bell, node)->tone;
    CHECK_I64(sum, 13);
    CHECK(list_first(&ring) == &bells[0].node);
}
