/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in the generated tables (base/catalogue.h). */
#include "gen/tables.h"

#include <stdlib.h>

static int compare_number(const void *key, const void *row)
{
    uint32_t wanted = *(const uint32_t *)key, is = (*(const struct msg *const *)row)->number;
    return wanted < is ? -1 : wanted > is;
}

const struct msg *msg_find(uint32_t number)
{
    const struct msg *const *found =
        bsearch(&number, gen_messages, gen_messages_count, sizeof gen_messages[0], compare_number);
    return found ? *found : NULL;
}

struct msg_key {
    struct text protocol, name;
};

static int compare_name(const void *key, const void *row)
{
    const struct msg_key *wanted = key;
    const struct msg *is = *(const struct msg *const *)row;
    int order = text_compare(wanted->protocol, text_of(is->protocol));
    return order ? order : text_compare(wanted->name, text_of(is->name));
}

const struct msg *msg_find_name(struct text protocol, struct text name)
{
    struct msg_key key = { protocol, name };
    const struct msg *const *found = bsearch(&key, gen_messages_by_name, gen_messages_by_name_count,
                                             sizeof gen_messages_by_name[0], compare_name);
    return found ? *found : NULL;
}

const struct object_type *object_type_find(struct text name)
{
    for (size_t i = 0; i < gen_objects_count; i++)
        if (text_eq(name, text_of(gen_objects[i]->name)) ||
            text_eq(name, text_of(gen_objects[i]->plural)))
            return gen_objects[i];
    return NULL;
}

const struct object_type *const *object_types(size_t *count)
{
    *count = gen_objects_count;
    return gen_objects;
}

const struct option_table *option_table_find(struct text application_type)
{
    for (size_t i = 0; i < gen_options_count; i++)
        if (text_eq(application_type, text_of(gen_options[i]->application_type)))
            return gen_options[i];
    return NULL;
}

const struct log_event *const *log_events(size_t *count)
{
    *count = gen_events_count;
    return gen_events;
}
