/* SPDX-License-Identifier: Apache-2.0 */
/* Being connected, and waiting: hosts one after the other, deadlines everywhere. libpq does the
 * talking; it never waits by itself. Start reading at postgres_connect() and postgres_wait(). */
#include "store/postgres_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SLICE_MS = 50,
    WORDS_BYTES = 240,
    NAME_BYTES_MAX = 63,
    LOOKS_ALONE = 2, /* so often at our own server; then at the others as well */
};

/* --- the address --- */

static void add_pair(struct buf *out, const char *name, struct text value)
{
    buf_format(out, "%s='", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\'' || value.at[i] == '\\') buf_add_byte(out, '\\');
        buf_add_byte(out, value.at[i]);
    }
    buf_add_z(out, "' ");
}

/* Ours to say. */
static bool is_reserved(const char *keyword)
{
    static const char *const names[] = { "host",
                                         "hostaddr",
                                         "port",
                                         "connect_timeout",
                                         "options",
                                         "target_session_attrs",
                                         "replication",
                                         "client_encoding",
                                         "fallback_application_name" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(keyword, names[i]) == 0) return true;
    return false;
}

static struct text option_of(const PQconninfoOption *options, const char *keyword,
                             const char *usual)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0 && options->val && options->val[0])
            return text_of(options->val);
    return text_of(usual);
}

/* What is the same for every host. */
static void add_common(const PQconninfoOption *options, struct buf *out)
{
    static const char *const usual[][2] = {
        { "application_name", "carillon" }, { "keepalives_idle", "5" },
        { "keepalives_interval", "2" },     { "keepalives_count", "3" },
        { "tcp_user_timeout", "3000" },
    };
    add_pair(out, "client_encoding", TEXT("UTF8"));
    add_pair(out, "target_session_attrs", option_of(options, "target_session_attrs", "read-write"));
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (option_of(options, usual[i][0], "").len == 0)
            add_pair(out, usual[i][0], text_of(usual[i][1]));
    for (; options->keyword; options++)
        if (options->val && options->val[0] && !is_reserved(options->keyword))
            add_pair(out, options->keyword, text_of(options->val));
}

/* The item of a list that belongs to the host; a single one is for all. */
static struct text item_of(struct text list, uint32_t index)
{
    struct text item = list, rest = list;
    for (uint32_t i = 0; i <= index; i++)
        if (!text_next_item(&rest, ',', &item)) break;
    return item;
}

static enum err split_hosts(struct connection *connection, const PQconninfoOption *options,
                            struct fault *fault)
{
    struct text hosts = option_of(options, "host", "127.0.0.1"), rest = hosts, host;
    struct text ports = option_of(options, "port", "5432");
    struct text addresses = option_of(options, "hostaddr", "");
    while (text_next_item(&rest, ',', &host)) {
        if (connection->host_count == POSTGRES_HOSTS_MAX)
            return fault_set(fault, ERR_LIMIT, "host", "at most %d hosts", POSTGRES_HOSTS_MAX);
        struct buf out = { 0 };
        add_pair(&out, "host", text_trim(host));
        add_pair(&out, "port", item_of(ports, connection->host_count));
        if (addresses.len) add_pair(&out, "hostaddr", item_of(addresses, connection->host_count));
        add_common(options, &out);
        buf_add_byte(&out, '\0');
        connection->hosts[connection->host_count] = strdup(out.at);
        ASSERT(connection->hosts[connection->host_count] != NULL);
        connection->host_count++;
        explicit_bzero(out.at, out.len);
        buf_free(&out);
    }
    connection->place = scope_format(
        connection->life, "PostgreSQL %.*s:%.*s/%.*s schema %.*s", TEXT_ARG(hosts), TEXT_ARG(ports),
        TEXT_ARG(option_of(options, "dbname", "")), TEXT_ARG(connection->schema));
    return ERR_OK;
}

/* So that it needs no quotes, wherever it stands. */
static bool is_schema_name(struct text name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX) return false;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.at[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || byte == '_';
        if (!is_letter && !(i > 0 && byte >= '0' && byte <= '9')) return false;
    }
    return !text_starts(name, TEXT("pg_"));
}

enum err postgres_read_address(struct connection *connection, struct text address,
                               struct fault *fault)
{
    struct text schema, conninfo;
    address = text_slice(address, strlen(POSTGRES_SCHEME), address.len);
    if (!text_cut(address, ':', &schema, &conninfo) || !is_schema_name(schema))
        return fault_set(fault, ERR_INVALID, "schema",
                         "must be 1 to %d lower-case letters, digits and _", NAME_BYTES_MAX);
    connection->schema = scope_keep(connection->life, schema);
    char *error = NULL, *z = strndup(conninfo.at, conninfo.len);
    ASSERT(z != NULL);
    PQconninfoOption *options = PQconninfoParse(z, &error);
    explicit_bzero(z, conninfo.len);
    free(z);
    if (options == NULL) {
        PQfreemem(error); /* it may hold a piece of the password */
        return fault_set(fault, ERR_INVALID, "connection", "libpq cannot read it");
    }
    enum err err = split_hosts(connection, options, fault);
    PQconninfoFree(options);
    return err;
}

/* --- one attempt --- */

static bool wait_for(struct connection *connection, int descriptor, short events,
                     uint64_t deadline_ms)
{
    for (;;) {
        uint64_t now = group_clock_ms();
        if (now >= deadline_ms || atomic_load(&connection->is_closing)) return false;
        uint64_t left = deadline_ms - now;
        struct pollfd one = { .fd = descriptor, .events = events };
        int ready = poll(&one, 1, left < SLICE_MS ? (int)left : SLICE_MS);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

static void hear_notice(void *self, const PGresult *result)
{
    struct connection *connection = self;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0) connection->has_warning = true;
}

/* NULL: `words` say why. `has_answered`: something lives there, whatever it says. */
static PGconn *dial(struct connection *connection, uint32_t host, uint64_t deadline_ms,
                    bool *has_answered, char *words)
{
    PGconn *handle = PQconnectStart(connection->hosts[host]);
    ASSERT(handle != NULL);
    *has_answered = false;
    (void)PQsetNoticeReceiver(handle, hear_notice, connection);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (PQstatus(handle) == CONNECTION_BAD) status = PGRES_POLLING_FAILED;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        bool is_asked = PQstatus(handle) >= CONNECTION_AWAITING_RESPONSE;
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(connection, PQsocket(handle), events, deadline_ms)) {
            (void)snprintf(words, WORDS_BYTES, "no answer in the time allowed");
            PQfinish(handle);
            return NULL;
        }
        *has_answered |= is_asked && status == PGRES_POLLING_READING;
        status = PQconnectPoll(handle);
    }
    if (status == PGRES_POLLING_OK) return handle;
    (void)snprintf(words, WORDS_BYTES, "%s", PQerrorMessage(handle));
    for (char *at = words; *at; at++)
        if (*at == '\n') *at = ' ';
    PQfinish(handle);
    return NULL;
}

/* --- a session as we need it --- */

/* What a server does not know is left out: others speak the same protocol. The writer has no
 * statement_timeout: at a commit it would end the wait for a standby, and the server would say that
 * all is well. A transaction that we do not end is ended by the server. The reader plans each query
 * anew: a plan kept from when a list was empty would read all of it, again and again; and it counts
 * (store_count_anew()) by 3000 rows of a table, which is soon done. */
static const char settings[] =
    "SELECT count(set_config(wanted.name, wanted.value, false)) FROM (VALUES "
    "('search_path', $1), ('synchronous_commit', $2), ('statement_timeout', $3), "
    "('default_transaction_read_only', $4), ('idle_in_transaction_session_timeout', '5000'), "
    "('lock_timeout', '2000'), ('client_connection_check_interval', '2000'), "
    "('default_statistics_target', '10'), ('default_transaction_isolation', 'read committed'), "
    "('jit', 'off'), ('TimeZone', 'UTC'), "
    "('tcp_user_timeout', '5000'), ('tcp_keepalives_idle', '5'), "
    "('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3'), "
    "('standard_conforming_strings', 'on'), ('bytea_output', 'hex'), ('plan_cache_mode', $5), "
    "('client_min_messages', 'warning')) AS wanted (name, value) "
    "JOIN pg_settings ON lower(pg_settings.name) = lower(wanted.name)";

static enum err set_up(struct connection *connection, uint64_t deadline_ms, struct fault *fault)
{
    char schema[NAME_BYTES_MAX + 1], timeout[16];
    PGresult *result;
    (void)text_to_z(connection->schema, schema, sizeof schema);
    (void)snprintf(timeout, sizeof timeout, "%u",
                   connection->is_reader ? connection->query_timeout_ms : 0);
    const char *values[] = { schema, "on", timeout, connection->is_reader ? "on" : "off",
                             connection->is_reader ? "force_custom_plan" : "auto" };
    if (PQsetnonblocking(connection->handle, 1) != 0 ||
        !PQsendQueryParams(connection->handle, settings, 5, NULL, values, NULL, NULL, 0))
        return postgres_lost(connection, fault);
    enum err err = postgres_next(connection, deadline_ms, &result, fault);
    if (!err && PQresultStatus(result) != PGRES_TUPLES_OK)
        err = postgres_error(connection, result, fault);
    PQclear(result);
    while (!err && !(err = postgres_next(connection, deadline_ms, &result, fault)) && result)
        PQclear(result);
    if (!err && !PQenterPipelineMode(connection->handle)) err = postgres_lost(connection, fault);
    if (err) postgres_disconnect(connection);
    return err;
}

/* --- connecting --- */

void postgres_disconnect(struct connection *connection)
{
    if (connection->handle == NULL) return;
    PQfinish(connection->handle);
    connection->handle = NULL;
    if (connection->lost_since_ms == 0) connection->lost_since_ms = group_clock_ms();
    postgres_forget_prepared(connection);
}

static void note_connected(struct connection *connection, uint32_t host)
{
    struct postgres_pair *pair = connection->pair;
    connection->pause_ms = 0;
    connection->pause_until_ms = 0;
    connection->lost_since_ms = 0;
    (void)atomic_fetch_add(&connection->connected, 1);
    if (connection->is_reader) {
        connection->generation = atomic_load(&pair->generation);
    } else {
        atomic_store(&pair->host, host);
        (void)atomic_fetch_add(&pair->generation, 1);
    }
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Every host once, the last one that was good first. */
static enum err try_hosts(struct connection *connection, uint64_t deadline_ms, struct fault *fault)
{
    uint32_t first = atomic_load(&connection->pair->host);
    char words[WORDS_BYTES] = "";
    bool has_answered;
    for (uint32_t i = 0; i < connection->host_count; i++) {
        uint32_t host = (first + i) % connection->host_count;
        uint64_t until = sooner(deadline_ms, group_clock_ms() + POSTGRES_DIAL_MS);
        connection->handle = dial(connection, host, until, &has_answered, words);
        if (connection->handle == NULL) continue;
        if (set_up(connection, sooner(deadline_ms, group_clock_ms() + POSTGRES_DIAL_MS), fault))
            continue;
        connection->host = host;
        note_connected(connection, host);
        return ERR_OK;
    }
    return fault_set(fault, ERR_UNAVAILABLE, "", "%.*s: %s", TEXT_ARG(connection->place),
                     words[0] ? words : fault->words);
}

enum err postgres_connect_once(struct connection *connection, struct fault *fault)
{
    uint64_t all_ms = (uint64_t)POSTGRES_DIAL_MS * connection->host_count;
    return try_hosts(connection, group_clock_ms() + all_ms, fault);
}

/* Between half and all of what is due, so that many do not come back in step. */
static void begin_pause(struct connection *connection, const struct fault *why)
{
    uint32_t pause = connection->pause_ms * 2;
    if (pause < POSTGRES_PAUSE_MIN_MS) pause = POSTGRES_PAUSE_MIN_MS;
    if (pause > connection->pause_max_ms) pause = connection->pause_max_ms;
    connection->pause_ms = pause;
    connection->pause_until_ms = group_clock_ms() + pause / 2 +
                                 random_below(&connection->random, pause / 2 + 1);
    connection->why = *why;
}

static void sleep_until(struct connection *connection, uint64_t until_ms)
{
    (void)wait_for(connection, -1, 0, until_ms);
}

void postgres_sleep(struct connection *connection, uint32_t ms)
{
    sleep_until(connection, group_clock_ms() + ms);
}

enum err postgres_connect(struct connection *connection, uint64_t deadline_ms, struct fault *fault)
{
    struct postgres_pair *pair = connection->pair;
    if (connection->is_reader && connection->handle &&
        connection->generation != atomic_load(&pair->generation))
        postgres_disconnect(connection); /* the writer is elsewhere by now, maybe */
    if (connection->handle) return ERR_OK;
    uint64_t now = group_clock_ms();
    /* Away for long: nobody waits for it; each pause's end has one attempt. */
    bool is_away = connection->lost_since_ms &&
                   now - connection->lost_since_ms > POSTGRES_PATIENCE_MS;
    if (is_away && now < connection->pause_until_ms) {
        *fault = connection->why;
        return ERR_UNAVAILABLE;
    }
    if (connection->lost_since_ms == 0) connection->lost_since_ms = now;
    for (;;) {
        if (connection->pause_until_ms > now)
            sleep_until(connection, sooner(connection->pause_until_ms, deadline_ms));
        uint64_t soonest = group_clock_ms() + POSTGRES_DIAL_MS; /* a late one has a fair chance */
        enum err err = try_hosts(connection, deadline_ms > soonest ? deadline_ms : soonest, fault);
        if (!err) return ERR_OK;
        fault->err = ERR_UNAVAILABLE;
        begin_pause(connection, fault);
        now = group_clock_ms();
        if (is_away || now >= deadline_ms || atomic_load(&connection->is_closing))
            return ERR_UNAVAILABLE;
    }
}

/* --- waiting --- */

/* What the server does for us, asked beside: `active`, while we wait for its answer. Anything else
 * says that our question or its answer was lost on the way. No word: it lives, and that is all that
 * is known. */
static bool is_at_work(struct connection *connection, PGconn *probe, uint64_t deadline_ms)
{
    char pid[16];
    const char *values[] = { pid };
    (void)snprintf(pid, sizeof pid, "%d", PQbackendPID(connection->handle));
    if (!PQsendQueryParams(probe,
                           "SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int AND state "
                           "= 'active'",
                           1, NULL, values, NULL, NULL, 0))
        return true;
    while (PQisBusy(probe))
        if (!wait_for(connection, PQsocket(probe), POLLIN, deadline_ms) || !PQconsumeInput(probe))
            return false;
    PGresult *result = PQgetResult(probe);
    bool is_known = PQresultStatus(result) == PGRES_TUPLES_OK;
    bool is_active = is_known && strcmp(PQgetvalue(result, 0, 0), "0") != 0;
    PQclear(result);
    return is_active || !is_known;
}

static bool is_alive(struct connection *connection)
{
    bool has_answered;
    char words[WORDS_BYTES];
    PGconn *probe = dial(connection, connection->host, group_clock_ms() + POSTGRES_DIAL_MS,
                         &has_answered, words);
    if (probe == NULL) return has_answered;
    bool is_active = is_at_work(connection, probe, group_clock_ms() + POSTGRES_DIAL_MS);
    PQfinish(probe);
    return is_active;
}

/* Another host takes writes, and is not the same server by another name: ours was a leader, and
 * waits for ever for a standby that leads by now. The next connection begins there. */
static bool is_left_behind(struct connection *connection)
{
    bool has_answered;
    char words[WORDS_BYTES];
    for (uint32_t i = 1; !connection->is_reader && i < connection->host_count; i++) {
        uint32_t host = (connection->host + i) % connection->host_count;
        PGconn *probe =
            dial(connection, host, group_clock_ms() + POSTGRES_DIAL_MS, &has_answered, words);
        if (probe == NULL) continue;
        bool is_same = is_at_work(connection, probe, group_clock_ms() + POSTGRES_DIAL_MS);
        PQfinish(probe);
        if (is_same) continue;
        atomic_store(&connection->pair->host, host);
        return true;
    }
    return false;
}

static enum err give_up(struct connection *connection, const char *words, struct fault *fault)
{
    (void)fault_set(fault, ERR_UNAVAILABLE, "", "%.*s: %s", TEXT_ARG(connection->place), words);
    postgres_disconnect(connection);
    return ERR_UNAVAILABLE;
}

enum err postgres_wait(struct connection *connection, uint64_t deadline_ms, struct fault *fault)
{
    uint64_t look_ms = 0; /* the clock is not asked while answers come at once */
    unsigned look_count = 0;
    for (;;) {
        int unsent = PQflush(connection->handle);
        if (unsent < 0) return postgres_lost(connection, fault);
        if (!PQisBusy(connection->handle)) return ERR_OK;
        struct pollfd one = { .fd = PQsocket(connection->handle),
                              .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN) };
        int ready = poll(&one, 1, SLICE_MS);
        if (ready < 0 && errno != EINTR) return postgres_lost(connection, fault);
        if (ready > 0) {
            if (!PQconsumeInput(connection->handle)) return postgres_lost(connection, fault);
            look_ms = 0;
            look_count = 0;
            continue;
        }
        if (atomic_load(&connection->is_closing)) return give_up(connection, "closing", fault);
        uint64_t now = group_clock_ms();
        if (look_ms == 0) look_ms = now + POSTGRES_ALIVE_MS;
        if (deadline_ms && now >= deadline_ms)
            return fault_set(fault, ERR_TIMEOUT, "", "%.*s: no answer in the time allowed",
                             TEXT_ARG(connection->place));
        if (now < look_ms) continue;
        if (!is_alive(connection)) return give_up(connection, "it does not answer", fault);
        if (++look_count > LOOKS_ALONE && is_left_behind(connection))
            return give_up(connection, "another server takes the writes by now", fault);
        look_ms = group_clock_ms() + POSTGRES_ALIVE_MS;
    }
}

enum err postgres_next(struct connection *connection, uint64_t deadline_ms, PGresult **out,
                       struct fault *fault)
{
    *out = NULL;
    enum err err = postgres_wait(connection, deadline_ms, fault);
    if (err) return err;
    *out = PQgetResult(connection->handle);
    bool is_over = *out == NULL && PQstatus(connection->handle) == CONNECTION_BAD;
    return is_over ? postgres_lost(connection, fault) : ERR_OK;
}

enum err postgres_drain(struct connection *connection, uint64_t deadline_ms, struct fault *fault)
{
    PGresult *result;
    enum err first = ERR_OK;
    for (;;) {
        struct fault ours;
        enum err err = postgres_next(connection, deadline_ms, &result, &ours);
        ExecStatusType status = PQresultStatus(result);
        if (!err && result && status == PGRES_FATAL_ERROR && !first)
            first = postgres_error(connection, result, fault);
        PQclear(result);
        if (err) {
            *fault = ours;
            return err;
        }
        if (connection->handle == NULL) return first;
        if (result && status == PGRES_PIPELINE_SYNC) return first;
    }
}
