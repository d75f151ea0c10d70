/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the configuration (framework 3.6): rows of revisions and of accounts, read from
 * the store and put together by time, the latest first. */
#include "gen/objects.h"
#include "servers/config/history.h"
#include "servers/config/server.h"

/* Who sees little of a long history asks again. */
enum { ROWS_DEFAULT = 100, ROUNDS_MAX = 100 };

/* A filter that is not set is -1 or empty; ?11: the object whatever its name was, 0: none. */
static const struct statement select_rows = {
    "SELECT utc_ms, rev, seq, person, application, address, comment, op, type, dbid, tenant, key, "
    "properties FROM history WHERE (utc_ms, rev, seq) < (?1, ?2, ?3) AND utc_ms >= ?4 "
    "AND utc_ms < ?5 AND (?6 < 0 OR rev = ?6) AND (?7 = '' OR person = ?7) "
    "AND (?8 = '' OR type = ?8) AND (?9 = '' OR tenant = ?9) "
    "AND (?10 = '' OR key = ?10 OR dbid = ?11) "
    "ORDER BY utc_ms DESC, rev DESC, seq DESC LIMIT ?12"
};
static const struct statement select_account_rows = {
    "SELECT utc_ms, id, kind, reason, person_dbid, user_name, application, address, person "
    "FROM account_event WHERE (utc_ms, id) < (?1, ?2) AND utc_ms >= ?3 AND utc_ms < ?4 "
    "AND (?5 < 0 OR person_dbid = ?5) ORDER BY utc_ms DESC, id DESC LIMIT ?6"
};

/* One question, until it is answered; in the request's scope. */
struct history_read {
    struct config_server *server;
    struct link_request *request;
    const struct config_read_history *asked;
    const struct object_type *type; /* NULL: any */
    uint32_t limit, dbid, person_dbid;
    struct history_place before;
    struct config_history_row *rows; /* of revisions, then put together with those of accounts */
    struct history_place *places;
    uint32_t count, revision_count;
    bool is_cut; /* there was no room for more */
    bool has_accounts;
    struct access_rights *rights; /* of this round: objects may move between two */
    struct config_history out;
    size_t bytes;
    uint32_t rounds;
};

/* --- filters -------------------------------------------------------------------------------- */

static uint64_t until_of(const struct history_read *read)
{
    return SHAPE_HAS(read->asked, CONFIG_READ_HISTORY_HAS_UNTIL) ? read->asked->until : INT64_MAX;
}

static bool asks_revision(const struct history_read *read)
{
    return SHAPE_HAS(read->asked, CONFIG_READ_HISTORY_HAS_REV) && read->asked->rev > 0;
}

/* Revision 0 stands for what is no revision. */
static bool wants_revisions(const struct history_read *read)
{
    return !SHAPE_HAS(read->asked, CONFIG_READ_HISTORY_HAS_REV) || read->asked->rev > 0;
}

static bool wants_accounts(const struct history_read *read)
{
    return !asks_revision(read) && (read->type == NULL || read->type == &OBJECT_PERSON);
}

/* The object that bears the key now: its rows under former names count as well. */
static uint32_t dbid_of(const struct history_read *read)
{
    const struct config_read_history *asked = read->asked;
    uint32_t dbid = 0;
    if (read->type == NULL || asked->key.len == 0) return 0;
    struct text tenant = asked->tenant.len ? asked->tenant : OBJECT_TENANT_DEFAULT;
    const struct object *object =
        object_set_find(read->server->objects, read->type, tenant, asked->key);
    if (object) return object->dbid;
    return text_to_u32(asked->key, 1, UINT32_MAX, &dbid) ? 0 : dbid;
}

static const struct object *person_by_key(const struct history_read *read, struct text employee_id)
{
    struct text tenant = read->asked->tenant.len ? read->asked->tenant : OBJECT_TENANT_DEFAULT;
    return object_set_find(read->server->objects, &OBJECT_PERSON, tenant, employee_id);
}

/* --- what the asker may see ----------------------------------------------------------------- */

bool may_read_row(const struct config_server *server, struct access_rights *rights,
                  struct text type, uint32_t dbid, struct text tenant)
{
    struct access_gone gone = { .type = object_type_find(type), .dbid = dbid, .tenant = tenant };
    if (text_eq(type, TEXT("Secret"))) return access_may_use_secrets(rights);
    if (gone.type == NULL) return rights->kind == ACCESS_TO_EVERYTHING;
    const struct object *object = object_set_find_dbid(server->objects, gone.type, dbid);
    return object ? access_may(rights, object, MAY_READ) : access_may_read_gone(rights, &gone);
}

/* Entries of permissions are for who may read them. Log-ins of nobody are for who may change
 * Environment. */
static bool may_see(const struct history_read *read, const struct config_history_row *row)
{
    const struct config_server *server = read->server;
    const struct object_type *type = object_type_find(row->type);
    if (type == &OBJECT_PERSON && row->dbid == 0) return access_may_use_secrets(read->rights);
    if (!may_read_row(server, read->rights, row->type, row->dbid, row->tenant)) return false;
    if (!text_eq(row->op, TEXT("acl"))) return true;
    const struct object *object = object_set_find_dbid(server->objects, type, row->dbid);
    return object ? access_may(read->rights, object, MAY_READ_ACL)
                  : read->rights->kind == ACCESS_TO_EVERYTHING;
}

/* --- rows ----------------------------------------------------------------------------------- */

static void keep(struct history_read *read, const struct config_history_row *row,
                 const struct history_place *place)
{
    read->rows[read->count] = *row;
    read->places[read->count++] = *place;
}

static struct text kept(const struct history_read *read, const struct rows *rows, uint32_t row,
                        uint32_t column)
{
    return scope_keep(link_request_scope(read->request), rows_text(rows, row, column));
}

static void take_revision(struct history_read *read, const struct rows *rows, uint32_t i)
{
    struct scope *scope = link_request_scope(read->request);
    struct history_place place = { false, (uint64_t)rows_i64(rows, i, 0),
                                   (uint64_t)rows_i64(rows, i, 1), (uint32_t)rows_i64(rows, i, 2) };
    struct config_history_row row = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_HISTORY_ROW) & ~CONFIG_HISTORY_ROW_HAS_TENANT,
        .rev = place.major,
        .seq = place.minor,
        .time = place.utc_ms,
        .person = kept(read, rows, i, 3),
        .application = kept(read, rows, i, 4),
        .address = kept(read, rows, i, 5),
        .comment = kept(read, rows, i, 6),
        .op = scope_keep(scope, history_op(rows_text(rows, i, 7))),
        .type = kept(read, rows, i, 8),
        .dbid = (uint32_t)rows_i64(rows, i, 9),
        .tenant = kept(read, rows, i, 10),
        .key = kept(read, rows, i, 11),
    };
    if (row.tenant.len) row.head.has |= CONFIG_HISTORY_ROW_HAS_TENANT;
    row.properties.at = history_properties(scope, rows_text(rows, i, 12), &row.properties.count);
    keep(read, &row, &place);
}

static void name_person(const struct history_read *read, struct config_history_row *row)
{
    const struct object *person =
        object_set_find_dbid(read->server->objects, &OBJECT_PERSON, row->dbid);
    if (person == NULL) return;
    struct scope *scope = link_request_scope(read->request);
    row->tenant = scope_keep(scope, person->tenant);
    row->key = scope_keep(scope, person->key);
    row->head.has |= CONFIG_HISTORY_ROW_HAS_TENANT | CONFIG_HISTORY_ROW_HAS_KEY;
}

static struct text words_of_event(struct scope *scope, struct text user_name, struct text reason)
{
    return reason.len
               ? scope_format(scope, "user %.*s: %.*s", TEXT_ARG(user_name), TEXT_ARG(reason))
               : scope_format(scope, "user %.*s", TEXT_ARG(user_name));
}

static void take_account(struct history_read *read, const struct rows *rows, uint32_t i)
{
    static struct config_history_property password = {
        .head.has = CONFIG_HISTORY_PROPERTY_HAS_PATH | CONFIG_HISTORY_PROPERTY_HAS_OLD |
                    CONFIG_HISTORY_PROPERTY_HAS_NEW,
        .path = { "password", 8 },
        .old = { "\"***\"", 5 },
        .new = { "\"***\"", 5 },
    };
    struct scope *scope = link_request_scope(read->request);
    struct history_place place = { true, (uint64_t)rows_i64(rows, i, 0),
                                   (uint64_t)rows_i64(rows, i, 1), 0 };
    struct config_history_row row = {
        .head.has = CONFIG_HISTORY_ROW_HAS_REV | CONFIG_HISTORY_ROW_HAS_SEQ |
                    CONFIG_HISTORY_ROW_HAS_TIME | CONFIG_HISTORY_ROW_HAS_PERSON |
                    CONFIG_HISTORY_ROW_HAS_APPLICATION | CONFIG_HISTORY_ROW_HAS_ADDRESS |
                    CONFIG_HISTORY_ROW_HAS_COMMENT | CONFIG_HISTORY_ROW_HAS_OP |
                    CONFIG_HISTORY_ROW_HAS_TYPE | CONFIG_HISTORY_ROW_HAS_DBID,
        .time = place.utc_ms,
        .application = kept(read, rows, i, 6),
        .address = kept(read, rows, i, 7),
        .comment = words_of_event(scope, rows_text(rows, i, 5), rows_text(rows, i, 3)),
        .op = scope_keep(scope, history_op(rows_text(rows, i, 2))),
        .type = text_of(OBJECT_PERSON.name),
        .dbid = (uint32_t)rows_i64(rows, i, 4),
        .person = kept(read, rows, i, 8),
    };
    name_person(read, &row);
    bool is_password = text_eq(row.op, TEXT("password"));
    if (row.person.len == 0 && !is_password) row.person = row.key;
    if (is_password) {
        row.properties.at = &password;
        row.properties.count = 1;
        row.head.has |= CONFIG_HISTORY_ROW_HAS_PROPERTIES;
    }
    keep(read, &row, &place);
}

/* --- the page ------------------------------------------------------------------------------- */

static size_t bytes_of(const struct config_history_row *row)
{
    size_t bytes = 100 + row->key.len + row->comment.len;
    for (uint32_t i = 0; i < row->properties.count; i++)
        bytes += row->properties.at[i].path.len + row->properties.at[i].old.len +
                 row->properties.at[i].new.len;
    return bytes;
}

static bool has_room(const struct history_read *read)
{
    return read->out.rows.count < read->limit && read->bytes < PAGE_BYTES_MAX;
}

static void begin_round(struct history_read *read);

/* Two orders become one. What the asker may not see is passed over: where that leaves room, more is
 * read, so that nothing tells of it. What does not fit the page is asked for again. */
static void reply(struct history_read *read)
{
    struct scope *scope = link_request_scope(read->request);
    uint32_t one = 0, other = read->revision_count, last = 0;
    read->rights = request_rights(read->server, read->request);
    while (has_room(read) && (one < read->revision_count || other < read->count)) {
        bool is_other =
            one == read->revision_count ||
            (other < read->count && history_is_later(&read->places[other], &read->places[one]));
        last = is_other ? other++ : one++;
        if (!may_see(read, &read->rows[last])) continue;
        read->bytes += bytes_of(&read->rows[last]);
        read->out.rows.at[read->out.rows.count++] = read->rows[last];
    }
    bool has_more = read->count &&
                    (read->is_cut || one < read->revision_count || other < read->count);
    if (has_more && has_room(read) && ++read->rounds < ROUNDS_MAX) {
        read->before = read->places[last];
        begin_round(read);
        return;
    }
    if (has_more) {
        read->out.head.has |= CONFIG_HISTORY_HAS_BEFORE;
        read->out.before = history_place_format(scope, &read->places[last]);
    }
    link_reply(read->request, &read->out);
}

static void refuse(struct history_read *read, enum err err)
{
    struct fault fault;
    (void)fault_set(&fault, err, "", "the history cannot be read: %s",
                    store_query_words(read->server->store));
    link_refuse_fault(read->request, &fault);
}

static void on_account_rows(void *self, enum err err, const struct rows *rows)
{
    struct history_read *read = self;
    if (err) {
        refuse(read, err);
        return;
    }
    for (uint32_t i = 0; i < rows_count(rows); i++) take_account(read, rows, i);
    read->is_cut = read->is_cut || rows_count(rows) == read->limit;
    reply(read);
}

static void query_accounts(struct history_read *read)
{
    const struct history_place *before = &read->before;
    /* Of the same millisecond all accounts come behind all revisions. */
    int64_t id = before->is_account ? (int64_t)before->major : INT64_MAX;
    int64_t person = read->person_dbid ? (int64_t)read->person_dbid : -1;
    struct value parameters[] = { body_integer_value((int64_t)before->utc_ms),
                                  body_integer_value(id),
                                  body_integer_value((int64_t)read->asked->since),
                                  body_integer_value((int64_t)until_of(read)),
                                  body_integer_value(person),
                                  body_integer_value(read->limit) };
    struct query query = { &select_account_rows, parameters, 6 };
    store_query(read->server->store, &query, on_account_rows, read);
}

static void go_on_with_accounts(struct history_read *read)
{
    read->revision_count = read->count;
    if (read->has_accounts)
        query_accounts(read);
    else
        reply(read);
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct history_read *read = self;
    if (err) {
        refuse(read, err);
        return;
    }
    for (uint32_t i = 0; i < rows_count(rows); i++) take_revision(read, rows, i);
    read->is_cut = rows_count(rows) == read->limit;
    go_on_with_accounts(read);
}

static struct value text_value(struct text text)
{
    return body_text_value(text.at ? text : TEXT(""));
}

static void query_revisions(struct history_read *read)
{
    const struct config_read_history *asked = read->asked;
    const struct history_place *before = &read->before;
    struct value parameters[] = {
        body_integer_value((int64_t)before->utc_ms),
        /* A place among accounts: all revisions of that millisecond are told already. */
        body_integer_value(before->is_account ? 0 : (int64_t)before->major),
        body_integer_value(before->is_account ? 0 : before->minor),
        body_integer_value((int64_t)asked->since),
        body_integer_value((int64_t)until_of(read)),
        body_integer_value(asks_revision(read) ? (int64_t)asked->rev : -1),
        text_value(asked->person),
        text_value(read->type ? text_of(read->type->name) : asked->type),
        text_value(asked->tenant),
        text_value(asked->key),
        body_integer_value(read->dbid),
        body_integer_value(read->limit),
    };
    struct query query = { &select_rows, parameters, sizeof parameters / sizeof parameters[0] };
    store_query(read->server->store, &query, on_rows, read);
}

/* Of accounts: whose they are, by the person or by the key. False: nobody's. */
static bool find_account(struct history_read *read)
{
    const struct config_read_history *asked = read->asked;
    struct text employee_id = asked->person.len ? asked->person : asked->key;
    if (employee_id.len == 0) return true;
    const struct object *person = person_by_key(read, employee_id);
    read->person_dbid = person ? person->dbid : read->dbid;
    return read->person_dbid != 0;
}

static void begin_round(struct history_read *read)
{
    read->count = read->revision_count = 0;
    read->is_cut = false;
    if (wants_revisions(read))
        query_revisions(read);
    else
        go_on_with_accounts(read);
}

void request_read_history(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_read_history *asked = fields;
    struct scope *scope = link_request_scope(request);
    struct history_read *read = scope_alloc(scope, sizeof *read);
    *read = (struct history_read){
        .server = server,
        .request = request,
        .asked = asked,
        .type = asked->type.len ? object_type_find(asked->type) : NULL,
        .limit = asked->limit ? asked->limit : ROWS_DEFAULT,
        .before = { false, INT64_MAX, INT64_MAX, INT32_MAX },
    };
    if (asked->before.len && !history_place_read(asked->before, &read->before)) {
        struct fault fault;
        (void)fault_set(&fault, ERR_INVALID, "before", "before: is none of our cursors");
        link_refuse_fault(request, &fault);
        return;
    }
    read->dbid = dbid_of(read);
    read->rows = scope_alloc_array(scope, 2 * read->limit, sizeof *read->rows);
    read->places = scope_alloc_array(scope, 2 * read->limit, sizeof *read->places);
    read->has_accounts = wants_accounts(read) && find_account(read);
    read->out.head.has = CONFIG_HISTORY_HAS_ROWS;
    read->out.rows.at = scope_alloc_array(scope, read->limit, sizeof *read->out.rows.at);
    begin_round(read);
}
