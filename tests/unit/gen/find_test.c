/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every row that schema/ declares. */
#include "gen/events.h"
#include "gen/options.h"
#include "gen/tables.h"
#include "model/option.h"
#include "tests/unit/test.h"

TEST(every_message_is_found_by_number_and_by_name)
{
    CHECK(gen_messages_count > 0);
    for (size_t i = 0; i < gen_messages_count; i++) {
        const struct msg *msg = gen_messages[i];
        CHECK(msg_find(msg->number) == msg);
        CHECK(msg_find_name(text_of(msg->protocol), text_of(msg->name)) == msg);
        CHECK(msg->shape->count <= 64);
        CHECK(msg->reply == NULL || text_eq(text_of(msg->reply->protocol), text_of(msg->protocol)));
    }
    CHECK(msg_find(0) == NULL && msg_find(UINT32_MAX) == NULL);
    CHECK(msg_find_name(TEXT("outbound"), TEXT("NoSuchMessage")) == NULL);
    CHECK(msg_find_name(TEXT(""), TEXT("")) == NULL);
}

static bool has_field(const struct shape *shape, const char *name)
{
    return shape_find(shape, text_of(name)) != NULL;
}

TEST(every_object_type_is_found_by_name_and_plural_and_has_its_key)
{
    size_t count;
    const struct object_type *const *types = object_types(&count);
    for (size_t i = 0; i < count; i++) {
        CHECK(object_type_find(text_of(types[i]->name)) == types[i]);
        CHECK(object_type_find(text_of(types[i]->plural)) == types[i]);
        CHECK(types[i]->key[0] != NULL);
        for (const char *const *key = types[i]->key; *key; key++)
            CHECK(has_field(types[i]->shape, *key));
        for (size_t j = 0; j < types[i]->reference_count; j++)
            CHECK(object_type_find(text_of(types[i]->references[j].to)) != NULL);
        CHECK(i == 0 || types[i - 1]->order <= types[i]->order);
    }
    CHECK(object_type_find(TEXT("NoSuchType")) == NULL);
}

TEST(every_option_has_a_default_that_its_own_rule_accepts)
{
    CHECK(option_table_find(TEXT("common")) == &OPTIONS_COMMON);
    CHECK(option_table_find(TEXT("no-such-type")) == NULL);
    for (size_t i = 0; i < gen_options_count; i++) {
        const struct option_table *table = gen_options[i];
        char words[OPTION_WORDS_MAX];
        for (size_t j = 0; j < table->count; j++) {
            const struct option *option = &table->options[j];
            CHECK(option->offset < table->size && option->levels != 0 && option->help[0] != '\0');
            if (!option->is_family)
                CHECK_OK(option_value_check(option, text_of(option->fallback), words));
        }
    }
}

TEST(the_common_options_begin_every_snapshot)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct option_source source = { TEXT("any"), NULL, 0 };
    for (size_t i = 0; i < gen_options_count; i++) {
        const struct common_options *common =
            option_resolve(gen_options[i], &source, NULL, scope, NULL, NULL);
        CHECK_TEXT(common->log_verbose, "standard"); /* framework 8.1 */
        CHECK_U32(common->sml_suspending_wait_timeout, 10);
        CHECK(common->common_allow_cached_start && !common->sml_autostart);
        CHECK_I64(common->log_filter_data.count, 0);
    }
    scope_close(scope);
}

static bool wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_TRACE;
}

static void keep(void *self, const struct log_event *event, struct text context, struct text line)
{
    (void)context;
    CHECK_TEXT(text_of(event->id), "00-04542");
    CHECK_TEXT(line, "EventUserEvent sent to [516] (info)");
    *(bool *)self = true;
}

TEST(an_events_macro_writes_its_text)
{
    bool is_written = false;
    struct log_sink sink = { wants, keep, &is_written };
    struct log log = { .sink = &sink };
    LOG_EVENT_SENT(&log, "EventUserEvent", "516", "info");
    CHECK(is_written);
}
