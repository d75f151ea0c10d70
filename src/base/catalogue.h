/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.h - the rows of the tables that tools/generate prints from schema/ (style 7,
 * design 1.5): messages, configuration objects, options, routes, counters. Tables only; the engines
 * that read them are written by hand: format/msgpack, format/json, model/option, io/link,
 * app. */
#ifndef BASE_CATALOGUE_H
#define BASE_CATALOGUE_H

#include "base/log.h"
#include "base/shape.h"

/* Who may send a message from outside, over a desktop's WebSocket; an administrator may send what
 * an agent may. A session: every person; the server asks the permissions of the objects concerned.
 * Servers and tools are known by their links. */
enum access { ACCESS_SERVERS, ACCESS_AGENT, ACCESS_ADMINISTRATOR, ACCESS_SESSION };

/* One message. schema/messages/<protocol>.toml, gen/messages.h: `const struct msg
 * MSG_<PROTOCOL>_<NAME>` and `struct <protocol>_<name>`. */
struct msg {
    uint32_t number; /* unique over all protocols, a range per protocol, for life */
    const char *protocol, *name;
    const struct shape *shape;
    const struct msg *reply; /* NULL: an event or a reply */
    enum access access;
    const char *help;
};
const struct msg *msg_find(uint32_t number);                             /* NULL: unknown */
const struct msg *msg_find_name(struct text protocol, struct text name); /* NULL: unknown */

/* One type of configuration object. schema/objects/<name>.toml, gen/objects.h: `OBJECT_<NAME>` and
 * `struct object_<name>`, whose first fields every type shares (struct object_common). */
struct object_common {
    struct shape_head head;
    uint32_t dbid;
    struct text name, tenant, folder, state; /* state: "enabled" (default) or "disabled" */
    struct kv annex;                         /* section -> kv of option -> text */
};
struct object_type;
struct object_reference { /* a field that names other objects by their natural key */
    const char *path;     /* "tableAccess", "callingLists[].list" */
    const char *to;       /* object type name */
    const struct object_type *type;
};
struct object_type {
    uint32_t code; /* the public enumeration, framework 2.2 */
    const char *name,
        *plural; /* "CampaignGroup", "campaignGroups" (the key in a configuration file) */
    const struct shape *shape;
    const char *const *key; /* natural key: field names, NULL-ended, tenant not among them */
    bool is_global;         /* belongs to no tenant */
    bool exports_dbid;      /* others refer to it by number (design 5, Ids) */
    const struct object_reference *references;
    size_t reference_count;
    int order; /* place in the canonical export */
    const char *help;
};
const struct object_type *object_type_find(struct text name); /* by name or plural */
const struct object_type *const *object_types(size_t *count); /* in canonical order */

/* One option. schema/options/<application type>.toml, gen/options.h: `struct <type>_options` and
 * `const struct option_table OPTIONS_<TYPE>`. */
enum option_effect {
    EFFECT_IMMEDIATE,
    EFFECT_NEXT_USE,
    EFFECT_RECONNECT,
    EFFECT_RESTART,
    EFFECT_STARTUP
};
enum option_level {
    LEVEL_APPLICATION = 1,
    LEVEL_CAMPAIGN = 2,
    LEVEL_CAMPAIGN_GROUP = 4,
    LEVEL_CALLING_LIST = 8,
    LEVEL_HOST = 16,
    LEVEL_DN = 32,
    LEVEL_TENANT = 64,
    LEVEL_PERSON = 128,
    LEVEL_SCRIPT = 256,
};
enum option_type { /* framework 4.1 */
                   OPTION_BOOL,
                   OPTION_U32,
                   OPTION_I64,
                   OPTION_FLOAT,
                   OPTION_TEXT,
                   OPTION_ENUM,
                   OPTION_LIST,
                   OPTION_URL,
                   OPTION_SECRET,
                   OPTION_DURATION,
                   OPTION_REGEX,
                   OPTION_JSON,
                   OPTION_PORTRANGE,
};
/* What a value follows beyond its type; tried when it is written (model/log_option.h). */
enum option_grammar {
    GRAMMAR_NONE,
    GRAMMAR_LOG_OUTPUTS,
    GRAMMAR_LOG_SEGMENT,
    GRAMMAR_LOG_EXPIRE,
    GRAMMAR_LOG_FILTER,
    GRAMMAR_LOG_LEVELS,
    GRAMMAR_PATH,
    GRAMMAR_HEARTBEAT,
};
struct option {
    const char *section; /* "" in the table's own default section list (outbound 3.1); "pop-client*"
                            stands for all sections that begin so */
    const char *name;
    enum option_type type;
    uint16_t offset;      /* of the member in the snapshot struct: bool, uint32_t, int64_t, double,
                             struct text; of a duration int64_t milliseconds */
    const char *fallback; /* the built-in default, as text */
    int64_t min, max;     /* numbers; both 0: no range */
    const char *max_word; /* of a U32: "max", for the highest number; NULL: none */
    const char *const *choices;
    enum option_grammar grammar;
    unsigned levels; /* of enum option_level */
    enum option_effect effect;
    const char *unit, *help;
    bool is_family; /* the member is a struct kv of texts: by name where the section's names are
                       free (name "*"), by section where the section is a pattern */
};
struct option_table {
    const char *application_type;
    const struct option *options;
    size_t count, size; /* size of the snapshot struct */
};
const struct option_table *option_table_find(struct text application_type);

/* One HTTP route. schema/routes/<server>.toml, gen/routes.h. Who may ask: anybody; who has a
 * session, also one that must change its password first; an agent or administrator; the latter. */
enum route_access { ROUTE_ANYBODY, ROUTE_SESSION, ROUTE_AGENT, ROUTE_ADMINISTRATOR };
enum route_place { ROUTE_IN_PATH, ROUTE_IN_QUERY, ROUTE_IN_HEADER, ROUTE_IN_FIXED };
struct route_parameter {
    const char *name;
    enum route_place place;
    const char *field; /* of the message, that it becomes; NULL: the server reads it itself */
    const char *value; /* FIXED: not asked for, always this */
};
enum route_body { ROUTE_BODY_NONE, ROUTE_BODY_FIELDS, ROUTE_BODY_OWN };
struct route {
    const char *method, *path;  /* "/records/{handle}" */
    const char *req;            /* value of the `req` parameter, or NULL */
    const struct msg *msg;      /* what it becomes */
    const char *const *aliases; /* of req; NULL-ended, or NULL */
    const char *help;
    enum route_access access;
    /* Of the administration REST (tools/generator/routes.py); else absent. */
    const char *id;                           /* "updateObject" */
    const struct route_parameter *parameters; /* ended by one without a name */
    enum route_body body;                     /* FIELDS: a JSON object of the message's fields */
    const char *const *body_fields;           /* those alone; NULL-ended, or NULL: any */
    const char *const *show;                  /* fields of the reply; NULL-ended, or NULL: all */
    unsigned status;                          /* of the answer when all is well */
    bool has_etag;                            /* the reply's rev is its ETag */
};
struct route_table {
    const struct route *routes;
    size_t count;
};

/* One counter, schema/counters/<application type>.toml, gen/counters.h. */
struct counter {
    const char *name, *unit, *help; /* Prometheus: carillon_<name> */
    bool is_gauge;
    uint16_t offset; /* a uint64_t in `struct <type>_counters` */
};
struct counter_table {
    const struct counter *counters;
    size_t count;
};

/* All declared log events (schema/events), LOG_FREE_TEXT not among them. One number may stand there
 * several times, in the words of several rooms. */
const struct log_event *const *log_events(size_t *count);

#endif
