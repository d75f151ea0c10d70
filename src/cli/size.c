/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/size.h"

#include "format/json.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    KB = 1024,
    EMAIL_KB = 25,
    CHAT_KB = 5,
    CONTACT_KB = 1,
    INTERACTION_BYTES = 3584, /* 3.5 KB */
};

static void set_row(struct size_row *row, const char *database, const char *part, uint64_t bytes)
{
    row->database = database;
    row->part = part;
    row->bytes = bytes;
}

void size_reckon(const struct size_inputs *inputs, struct size_table *out)
{
    uint64_t days = inputs->days, attached = inputs->attached_data_kb;
    *out = (struct size_table){ 0 };
    struct size_row *row = out->rows;
    set_row(row, "contacts", "e-mails", inputs->emails_per_day * days * EMAIL_KB * KB);
    (void)snprintf(row->formula, sizeof row->formula,
                   "%" PRIu32 " a day x %" PRIu64 " days x %d KB", inputs->emails_per_day, days,
                   EMAIL_KB);
    set_row(++row, "contacts", "chats", inputs->chats_per_day * days * CHAT_KB * KB);
    (void)snprintf(row->formula, sizeof row->formula,
                   "%" PRIu32 " a day x %" PRIu64 " days x %d KB", inputs->chats_per_day, days,
                   CHAT_KB);
    set_row(++row, "contacts", "contacts", inputs->contacts * (uint64_t)CONTACT_KB * KB);
    (void)snprintf(row->formula, sizeof row->formula, "%" PRIu32 " x %d KB", inputs->contacts,
                   CONTACT_KB);
    for (int i = 0; i < 3; i++) out->contacts_bytes += out->rows[i].bytes;
    set_row(++row, "interactions", "at the peak",
            inputs->peak_interactions * (INTERACTION_BYTES + attached * KB));
    (void)snprintf(row->formula, sizeof row->formula, "(3.5 + %" PRIu64 ") KB x %" PRIu32, attached,
                   inputs->peak_interactions);
    out->interactions_bytes = row->bytes;
}

/* "691 MB", "9.3 GB": three digits at most, and one behind the point below ten. */
static void add_bytes(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    char text[32];
    (void)snprintf(text, sizeof text, value < 9.95 && unit > 0 ? "%.1f %s" : "%.0f %s", value,
                   units[unit]);
    buf_format(out, "%9s", text);
}

static void add_line(struct buf *out, const char *database, const char *part, const char *formula,
                     uint64_t bytes)
{
    buf_format(out, "%-13s %-12s %-40s ", database, part, formula);
    add_bytes(out, bytes);
    buf_add_byte(out, '\n');
}

void size_print_table(struct buf *out, const struct size_table *table)
{
    buf_format(out, "%-13s %-12s %-40s %9s\n", "database", "part", "formula", "size");
    for (int i = 0; i < SIZE_ROWS; i++) {
        const struct size_row *row = &table->rows[i];
        add_line(out, row->database, row->part, row->formula, row->bytes);
    }
    add_line(out, "contacts", "in all", "", table->contacts_bytes);
    add_line(out, "interactions", "in all", "", table->interactions_bytes);
    buf_add_z(out, "\nA KB has 1024 bytes; sizes are in units of 1000.\n");
}

static void put_number(struct json_writer *json, const char *name, uint64_t value)
{
    json_put_name(json, text_of(name));
    json_put_u64(json, value);
}

static void put_word(struct json_writer *json, const char *name, const char *value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, text_of(value));
}

static void put_row(struct json_writer *json, const struct size_row *row)
{
    json_begin_object(json);
    put_word(json, "database", row->database);
    put_word(json, "part", row->part);
    put_word(json, "formula", row->formula);
    put_number(json, "bytes", row->bytes);
    json_end_object(json);
}

void size_print_json(struct buf *out, const struct size_inputs *inputs,
                     const struct size_table *table)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("inputs"));
    json_begin_object(&json);
    put_number(&json, "emailsPerDay", inputs->emails_per_day);
    put_number(&json, "chatsPerDay", inputs->chats_per_day);
    put_number(&json, "days", inputs->days);
    put_number(&json, "contacts", inputs->contacts);
    put_number(&json, "attachedDataKB", inputs->attached_data_kb);
    put_number(&json, "peakInteractions", inputs->peak_interactions);
    json_end_object(&json);
    json_put_name(&json, TEXT("rows"));
    json_begin_array(&json);
    for (int i = 0; i < SIZE_ROWS; i++) put_row(&json, &table->rows[i]);
    json_end_array(&json);
    put_number(&json, "contactsBytes", table->contacts_bytes);
    put_number(&json, "interactionsBytes", table->interactions_bytes);
    json_end_object(&json);
    buf_add_byte(out, '\n');
}
