/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/effect.h"

struct scxml_effect *scxml_effect_add(struct scxml_effects *effects, enum scxml_effect_kind kind)
{
    struct scxml_effect *effect = scope_alloc(effects->scope, sizeof *effect);
    effect->kind = kind;
    if (effects->last)
        effects->last->next = effect;
    else
        effects->first = effect;
    effects->last = effect;
    effects->count++;
    return effect;
}
