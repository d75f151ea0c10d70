/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - durable state behind one small asynchronous door (design 1.4, 5).
 * Promise  a change is atomic, and its callback with ERR_OK comes only after its group's commit is
 *          on disk (SQLite: WAL, synchronous=FULL). Changes of one store apply in the order
 *          submitted. A group holds at most 200 rows or what came while the last one was written;
 *          one bad change never spoils its neighbours.
 * Statements are data: constant SQL text with ?1.. parameters, prepared once per connection and
 *          found again by pointer; they live as long as the store. A driver (sqlite.c, postgres.c,
 *          odbc.c) carries them out.
 *
 * Patience where nothing was written for 2 s, what waits behind it is refused (ERR_UNAVAILABLE),
 * and so is what comes meanwhile; whoever is in the group that hangs waits for its end, since
 *          nobody knows it yet (design 5).
 *
 *          On PostgreSQL the same holds for a server that is away; a commit whose answer was lost
 *          is found out about first, so no answer is wrong (postgres_group.c).
 *
 * Errors   ERR_CONFLICT an `expect` or a foreign key did not hold (nothing of this change was
 *          kept), ERR_EXISTS a unique key, ERR_INVALID a NOT NULL or CHECK, ERR_FULL the disk is
 *          full, ERR_IO a write or sync failed: what is on disk nobody knows, so every later change
 *          ends with ERR_UNAVAILABLE until the store is opened again (reads answer on).
 *          ERR_UNAVAILABLE also: the lease is not ours, another process keeps the file locked for
 *          2 s, read-only. ERR_LIMIT too many changes or queries wait. ERR_INTERNAL the SQL is
 *          wrong.
 *
 * Thread   the loop's, all of it. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/log.h"
#include "base/shape.h"
#include "io/loop/loop.h"

struct store;
struct change;
struct rows;

struct statement {
    const char *sql;
    const char *postgres; /* instead, on PostgreSQL; NULL: the same (postgres_sql.h translates) */
};

struct migration {
    uint32_t version; /* 1, 2, 3... */
    const char *sql;  /* several statements; generated from schema/sql/ */
};

struct store_options {
    uint32_t group_rows_max; /* 0: 200 */
    uint32_t group_wait_ms;  /* how long a lone change may wait for company; 0: none: commit what is
                                there */
    uint32_t queue_max;      /* changes waiting; 0: 20,000 */
    uint32_t query_timeout_s; /* not SQLite; 0: 60 */
    uint32_t pause_max_s;     /* not SQLite: between attempts to connect; 0: 30, of PostgreSQL 5 */
    bool takes_half_moved; /* else a database to which a move (`carillon migrate`) was begun and not
                              ended is refused with ERR_CONFLICT */
};

/* In meta while a move into this database is not complete. */
#define STORE_HALF_MOVED "transfer"

/* A schema of a PostgreSQL database as a `path`: "postgresql:SCHEMA:CONNINFO", SCHEMA of lower-case
 * letters, digits and _, CONNINFO as libpq has it (host, port: several by commas, the one that
 * takes writes is found; dbname, user, password, sslmode...). The schema is made where it is
 * missing; its tables are ours alone. */
#define POSTGRES_SCHEME "postgresql:"

/* Open or create `path` (":memory:" or "sim:PATH" of sim_disk.h on a VIRTUAL loop;
 * POSTGRES_SCHEME), bring its schema up (`migrations` ends with version 0; a database newer by more
 * than one is refused), start the writer. Blocks: for start-up.
 */
enum err store_open(struct scope *owner, struct loop *loop, const struct log *log, struct text path,
                    const struct migration *migrations, const struct store_options *options,
                    struct store **out, struct fault *fault);

/* Whether the database of `path` can be had now: ERR_UNAVAILABLE with its server's words where it
 * cannot. A file is always there. Blocks for a second a host at most; for start-up. */
enum err store_reach(struct text path, struct fault *fault);

/* The store of somebody else's database, by an ODBC connection string with user and password in it:
 * the same door, without schema, lease, outbox and rowid. Never blocks: connections are made by the
 * worker threads when they are needed, again after a pause of 1 to `pause_max_s` s when they are
 * lost; until then changes and queries end with ERR_UNAVAILABLE and nothing is kept. ERR_IO here:
 * whether the change happened nobody knows (the answer of a commit was lost); the store goes on.
 * ERR_TIMEOUT: a query took longer than `query_timeout_s` of the options. */
enum err store_open_odbc(struct scope *owner, struct loop *loop, const struct log *log,
                         struct text connection_string, const struct store_options *options,
                         struct store **out, struct fault *fault);

/* What SQLite holds in this process, for metrics: its caches fill up to 16 MiB a connection, of
 * which a store has two, and stay. Any thread. */
uint64_t store_cache_bytes(void);

/* A change is built, then submitted or dropped. Its memory is its own; parameters are copied. */
struct change *change_new(struct store *store);
enum { ROWS_ANY = -1 };
/* Add one statement; parameters follow with change_bind_*, in order ?1, ?2...
 * `expect`: rows it must touch (or return, where it is a SELECT or has RETURNING), or ROWS_ANY. */
void change_add(struct change *change, const struct statement *statement, int expect);
void change_bind_i64(struct change *change, int64_t value);
void change_bind_f64(struct change *change, double value);
void change_bind_text(struct change *change, struct text value); /* .at NULL binds NULL */
void change_bind_bytes(struct change *change, struct text value);
void change_bind_null(struct change *change);
size_t change_rows(const struct change *change); /* statements so far */
void change_drop(struct change *change);
/* on_durable (NULL: nobody wants to know) comes exactly once. `rowid` of the last insert of the
 * change, for ids that the store gives: its statement ends with RETURNING and that column. 0: it
 * inserted nothing. */
struct change_result {
    enum err err;
    const char *words; /* the driver's reason; view */
    int64_t rowid;
    int failed_statement; /* index, or -1 */
};
void change_submit(struct change *change,
                   void (*on_durable)(void *self, const struct change_result *result), void *self);

/* A read on the reader's connection: sees every change that was acknowledged before. Rows come in
 * pages (the SQL says LIMIT itself; a page over 64 MB is ERR_LIMIT); all values are copies in
 * `rows`, which lives until return and is empty on an error. */
struct query {
    const struct statement *statement;
    const struct value *parameters;
    uint32_t parameter_count;
};
void store_query(struct store *store, const struct query *query,
                 void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);
/* Within on_rows, of an error: the driver's reason. */
const char *store_query_words(const struct store *store);
/* The same, blocking, for start-up and tools only. */
enum err store_query_now(struct store *store, const struct query *query,
                         void (*on_rows)(void *self, enum err err, const struct rows *rows),
                         void *self);
uint32_t rows_count(const struct rows *rows);
const struct value *rows_at(const struct rows *rows, uint32_t row, uint32_t column);
int64_t rows_i64(const struct rows *rows, uint32_t row, uint32_t column); /* NULL reads 0 */
struct text rows_text(const struct rows *rows, uint32_t row, uint32_t column);

/* The columns of table ?1, in their order: name, what it holds (integer, float, text, bytes, other)
 * and the characters of a bounded text, else 0. No rows: there is no such table. */
extern const struct statement STORE_COLUMNS;

/* Statements whose text is made at run time (a user's filter, a list's own table): interned for the
 * store's life; the same text gives the same pointer. NULL when 10,000 are kept already. */
const struct statement *store_statement(struct store *store, struct text sql);
/* For texts that have to differ: see also struct statement. */
bool store_is_postgres(const struct store *store);

/* Much was written into `table`, a name of ours: a PostgreSQL counts anew what is in it (ANALYZE),
 * so that its plans fit before it would look by itself, a minute later. Behind the queries that
 * wait; nobody is told. Nothing on SQLite, whose plans are fixed by our statements. */
void store_count_anew(struct store *store, struct text table);

/* Run DDL or a batch from a tool at start-up; blocking. */
enum err store_execute_now(struct store *store, struct text sql, struct fault *fault);

/* What is wrong with the disk below. Each trouble is logged once when it begins (STORE_TROUBLE,
 * STORE_BROKEN) and once when it is over; while there is a watcher, the store itself tries every
 * second whether the disk is well again. BROKEN has no end: a sync failed, the store must be opened
 * again, best by a new process. Not for ODBC. */
enum store_trouble {
    STORE_TROUBLE_NONE,     /* it is over */
    STORE_TROUBLE_FULL,     /* the disk is full */
    STORE_TROUBLE_FAILING,  /* it cannot be read or written */
    STORE_TROUBLE_REFUSING, /* read-only, or locked by another program */
    STORE_TROUBLE_SLOW,     /* nothing was written for 2 s */
    STORE_TROUBLE_BROKEN,
};
void store_on_trouble(struct store *store,
                      void (*on_trouble)(void *self, enum store_trouble kind, const char *words),
                      void *self);

/* No callback with this `self` comes any more, of changes, queries and flushes; what was submitted
 * happens all the same. For owners that die before the store. */
void store_forget(struct store *store, const void *self);

/* Wait until everything submitted is durable (stop), then close with the scope. What is not flushed
 * when the scope closes may be lost, as in a crash. */
void store_flush(struct store *store, void (*on_flushed)(void *self), void *self);

struct store_counters {
    uint64_t changes, rows, groups, failed, queries, waiting_now, commit_ms_total;
};
struct store_counters store_counters(const struct store *store);

#endif
