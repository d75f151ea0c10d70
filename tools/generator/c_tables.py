# SPDX-License-Identifier: Apache-2.0
"""Writes the C headers and tables of gen/: declarations and rows, never logic (style 7)."""

from . import names, openapi as openapi_document, routes as route_rows
from .names import c_string

BANNER = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Printed by tools/generate from schema/. Do not edit. */\n"
C_TYPES = {"bool": "bool", "u32": "uint32_t", "u64": "uint64_t", "i64": "int64_t", "f64": "double",
           "text": "struct text", "bytes": "struct text", "kv": "struct kv"}
KINDS = {"bool": "FIELD_BOOL", "u32": "FIELD_U32", "u64": "FIELD_U64", "i64": "FIELD_I64", "f64": "FIELD_F64",
         "text": "FIELD_TEXT", "bytes": "FIELD_BYTES", "kv": "FIELD_KV", "nested": "FIELD_NESTED"}
OPTION_C_TYPES = {"bool": "bool", "u32": "uint32_t", "i64": "int64_t", "float": "double",
                  "duration": "int64_t"}
OPTION_KINDS = {"bool": "OPTION_BOOL", "u32": "OPTION_U32", "i64": "OPTION_I64", "float": "OPTION_FLOAT",
                "text": "OPTION_TEXT", "enum": "OPTION_ENUM", "list": "OPTION_LIST", "url": "OPTION_URL",
                "secret": "OPTION_SECRET", "duration": "OPTION_DURATION", "regex": "OPTION_REGEX",
                "json": "OPTION_JSON", "portrange": "OPTION_PORTRANGE"}


def header(name, includes, body):
    guard = f"GEN_{name.upper()}_H"
    lines = "".join(f'#include "{one}"\n' for one in includes)
    return f"{BANNER}#ifndef {guard}\n#define {guard}\n\n{lines}\n{body}\n#endif\n"


def source(name, body, includes=()):
    lines = "".join(f'#include "{one}"\n' for one in (f"gen/{name}.h", "gen/tables.h", *includes))
    return f"{BANNER}{lines}\n#include <stddef.h>\n\n{body}"


def word(text):
    return text.replace("-", "_").upper()


def i64(value):
    # The lowest has no literal of its own in C.
    return "INT64_MIN" if value <= -(2**63) else f"{value}ll"


def words_list(words):
    if not words:
        return "NULL"
    return "(const char *const[]){ " + ", ".join(c_string(one) for one in words) + ", NULL }"


# --- shapes ---------------------------------------------------------------------------------------


def comment(text):
    return f" /* {text.replace('*/', '* /')} */" if text else ""


def struct_declaration(struct):
    out = [f"struct {struct.c_name} {{", "    struct shape_head head;"]
    for item in struct.fields:
        base = f"struct {item.struct.c_name}" if item.struct else C_TYPES[item.kind]
        if item.is_list:
            line = f"struct {{ {base} *at; uint32_t count; }} {item.member};"
        elif item.struct:
            line = f"{base} *{item.member};"
        else:
            line = f"{base} {item.member};"
        out.append(f"    {line}{comment(item.help)}")
    out.append("};")
    for index, item in enumerate(struct.fields):
        out.append(f"#define {struct.constant}_HAS_{names.constant(item.name)} (1ull << {index})")
    out.append(f"extern const struct shape SHAPE_{struct.constant};")
    return "\n".join(out) + "\n"


def field_row(struct, item):
    parts = [f".tag = {item.tag}", f".name = {c_string(item.name)}", f".kind = {KINDS[item.kind]}"]
    if item.is_list:
        parts.append(".is_list = true")
    if item.required:
        parts.append(".is_required = true")
    parts.append(f".offset = offsetof(struct {struct.c_name}, {item.member})")
    if item.struct:
        parts.append(f".nested = &SHAPE_{item.struct.constant}")
    if item.range:
        parts.append(f".min = {i64(item.range[0])}, .max = {i64(item.range[1])}")
    if item.max_len:
        parts.append(f".len_max = {item.max_len}")
    if item.choices:
        parts.append(f".choices = {words_list(item.choices)}")
    for key, value in (("unit", item.unit), ("help", item.help), ("fallback", item.fallback)):
        if value is not None:
            parts.append(f".{key} = {c_string(value)}")
    return "    { " + ", ".join(parts) + " },"


def shape_table(struct):
    fields = "NULL"
    out = ""
    if struct.fields:
        fields = f"{struct.c_name}_fields"
        rows = "\n".join(field_row(struct, item) for item in struct.fields)
        out = f"static const struct shape_field {fields}[] = {{\n{rows}\n}};\n"
    return out + (
        f"const struct shape SHAPE_{struct.constant} = {{ .name = {c_string(struct.name)}, "
        f".size = sizeof(struct {struct.c_name}), .fields = {fields}, .count = {len(struct.fields)} }};\n")


def pointer_table(kind, name, targets):
    """An array of pointers and its count; never empty, since C has no empty arrays."""
    rows = "".join(f"    &{one},\n" for one in targets) or "    NULL,\n"
    return (f"const struct {kind} *const {name}[] = {{\n{rows}}};\n"
            f"const size_t {name}_count = {len(targets)};\n")


def messages(schema):
    head, body = "", ""
    structs = [one for protocol in schema.structs.values() for one in protocol]
    structs += [message.struct for message in schema.messages if message.owns_struct]
    head += "".join(f"struct {one.c_name};\n" for one in structs) + "\n"
    for one in structs:
        head += struct_declaration(one) + "\n"
        body += shape_table(one) + "\n"
    constants = {(message.protocol, message.name): message.constant for message in schema.messages}
    for message in schema.messages:
        head += f"extern const struct msg {message.constant};{comment(message.help)}\n"
        reply = "&" + constants[message.protocol, message.reply] if message.reply else "NULL"
        body += (f"const struct msg {message.constant} = {{ {message.number}, {c_string(message.protocol)}, "
                 f"{c_string(message.name)}, &SHAPE_{message.struct.constant}, {reply}, ACCESS_{message.access.upper()}, "
                 f"{c_string(message.help)} }};\n")
    body += "\n" + pointer_table("msg", "gen_messages", [message.constant for message in schema.messages])
    by_name = sorted(schema.messages, key=lambda one: (one.protocol.encode(), one.name.encode()))
    body += pointer_table("msg", "gen_messages_by_name", [message.constant for message in by_name])
    return header("messages", ["base/catalogue.h"], head), source("messages", body)


# --- configuration objects ------------------------------------------------------------------------


def object_table(one):
    references = one.references()
    out = "".join(shape_table(struct) + "\n" for struct in [*one.structs, one.struct])
    rows = "NULL"
    if references:
        rows = f"{one.struct.c_name}_references"
        out += (f"static const struct object_reference {rows}[] = {{ "
                + ", ".join(f"{{ {c_string(path)}, {c_string(to)}, &OBJECT_{names.constant(to)} }}" for path, to in references)
                + " };\n")
    out += (f"const struct object_type {one.constant} = {{ .code = {one.code}, .name = {c_string(one.name)}, "
            f".plural = {c_string(one.plural)}, .shape = &SHAPE_{one.struct.constant}, .key = {words_list(one.key)}, "
            f".is_global = {str(one.is_global).lower()}, .exports_dbid = {str(one.exports_dbid).lower()}, "
            f".references = {rows}, .reference_count = {len(references)}, .order = {one.order}, "
            f".help = {c_string(one.help)} }};\n")
    for member in ("dbid", "name", "tenant", "folder", "state", "annex"):
        out += (f"_Static_assert(offsetof(struct {one.struct.c_name}, {member}) == "
                f"offsetof(struct object_common, {member}), \"common fields come first\");\n")
    return out + "\n"


def objects(schema):
    head = "".join(f"#define OBJECT_COMMON_HAS_{word} (1ull << {index})\n" for index, word in
                   enumerate(("DBID", "NAME", "TENANT", "FOLDER", "STATE", "ANNEX"))) + "\n"
    head += "".join(f"struct {struct.c_name};\n" for one in schema.objects for struct in [*one.structs, one.struct])
    body = ""
    for one in schema.objects:
        head += "\n" + "\n".join(struct_declaration(struct) for struct in [*one.structs, one.struct])
        head += f"extern const struct object_type {one.constant};{comment(one.help)}\n"
        body += object_table(one)
    body += pointer_table("object_type", "gen_objects", [one.constant for one in schema.objects])
    return header("objects", ["base/catalogue.h"], head), source("objects", body)


# --- options --------------------------------------------------------------------------------------


def option_row(struct_name, path, option):
    parts = [f".section = {c_string(option.section)}", f".name = {c_string(option.name)}",
             f".type = {OPTION_KINDS[option.type]}", f".offset = offsetof(struct {struct_name}, {path}{option.member})",
             f".fallback = {c_string(option.fallback)}"]
    if option.range:
        parts.append(f".min = {i64(option.range[0])}, .max = {i64(option.range[1])}")
    if option.max_word:
        parts.append(f".max_word = {c_string(option.max_word)}")
    if option.choices:
        parts.append(f".choices = {words_list(option.choices)}")
    if option.grammar:
        parts.append(f".grammar = GRAMMAR_{word(option.grammar)}")
    parts.append(".levels = " + " | ".join("LEVEL_" + word(one) for one in option.levels))
    parts.append(f".effect = EFFECT_{word(option.effect)}")
    if option.unit:
        parts.append(f".unit = {c_string(option.unit)}")
    parts.append(f".help = {c_string(option.help)}")
    if option.is_family:
        parts.append(".is_family = true")
    return "    { " + ", ".join(parts) + " },"


def options_struct(name, options, begins_with_common):
    rows = ["    struct common_options common; /* of every application */"] if begins_with_common else []
    for option in options:
        kind = "struct kv" if option.is_family else OPTION_C_TYPES.get(option.type, "struct text")
        unit = f"{option.unit}: " if option.unit else ""
        rows.append(f"    {kind} {option.member};{comment(unit + option.help)}")
    return f"struct {name} {{\n" + "\n".join(rows) + "\n};\n"


def options(schema):
    head, body, tables = "", "", []
    common = schema.options["common"]
    if not common:
        head += "struct common_options { char none; };\n"
    for kind in ["common", *(one for one in schema.options if one != "common")]:
        own = schema.options[kind]
        name, is_common = names.snake(kind) + "_options", kind == "common"
        if own or not is_common:
            head += options_struct(name, own, not is_common) + "\n"
        rows = [option_row(name, "" if is_common else "common.", option) for option in common]
        rows += [] if is_common else [option_row(name, "", option) for option in own]
        constant = "OPTIONS_" + names.constant(kind)
        head += f"extern const struct option_table {constant};\n\n"
        table = "NULL"
        if rows:
            table = name
            body += f"static const struct option {name}[] = {{\n" + "\n".join(rows) + "\n};\n"
        body += (f"const struct option_table {constant} = {{ {c_string(kind)}, {table}, {len(rows)}, "
                 f"sizeof(struct {name}) }};\n\n")
        tables.append(constant)
    body += pointer_table("option_table", "gen_options", tables)
    return header("options", ["base/catalogue.h"], head), source("options", body)


# --- events, counters, routes, migrations ---------------------------------------------------------


def takes_arguments(text):
    return "%" in text.replace("%%", "")


def events(schema):
    head, body = "", ""
    for _, name, row in schema.events:
        literal = c_string(row["text"]).replace("\n    ", " ")
        head += f"extern const struct log_event EVENT_{name}; /* {row['id']} */\n"
        if takes_arguments(row["text"]):
            head += f"#define LOG_{name}(log, ...) log_write(log, &EVENT_{name}, {literal}, __VA_ARGS__)\n"
        else:
            head += f"#define LOG_{name}(log) log_write(log, &EVENT_{name}, {literal})\n"
        body += (f"const struct log_event EVENT_{name} = {{ {c_string(row['id'])}, LOG_{row['level'].upper()}, "
                 f"{literal}, LOG_CATEGORY_{row.get('category', 'application').upper()} }};\n")
    names_of_all = [f"EVENT_{name}" for _, name, _ in schema.events]
    body += pointer_table("log_event", "gen_events", names_of_all)
    return header("events", ["base/catalogue.h"], head), source("events", body)


def counters(schema):
    head, body = "", ""
    for kind, rows in schema.counters.items():
        name, constant = names.snake(kind) + "_counters", "COUNTERS_" + names.constant(kind)
        head += f"struct {name} {{\n" + "".join(
            f"    uint64_t {names.member(key)};{comment(row['help'])}\n" for key, row in rows) + "};\n"
        head += f"extern const struct counter_table {constant};\n\n"
        body += f"static const struct counter {name}[] = {{\n" + "".join(
            f"    {{ {c_string(key)}, {c_string(row.get('unit', ''))}, {c_string(row['help'])}, "
            f"{str(row['kind'] == 'gauge').lower()}, offsetof(struct {name}, {names.member(key)}) }},\n"
            for key, row in rows) + "};\n"
        body += f"const struct counter_table {constant} = {{ {name}, {len(rows)} }};\n\n"
    return header("counters", ["base/catalogue.h"], head), source("counters", body)


def routes(schema):
    head, body = route_rows.tables(schema)
    return header("routes", ["base/catalogue.h"], head), source("routes", body, ["gen/messages.h"])


def openapi(schema):
    head, body = openapi_document.tables(schema)
    return header("openapi", [], head), source("openapi", body)


def migrations(schema, ordered):
    """`ordered`: database -> paths in the order of their versions, see released.py."""
    head, body = "", ""
    for database, paths in ordered.items():
        constant = "MIGRATIONS_" + names.constant(database)
        head += f"extern const struct migration {constant}[]; /* {len(paths)}, then version 0 */\n"
        body += f"const struct migration {constant}[] = {{\n"
        for version, path in enumerate(paths, 1):
            sql = c_string(path.read_text(encoding="utf-8"))
            body += f"    /* {path.parent.name}/{path.name} */\n    {{ {version},\n    {sql} }},\n"
        body += "    { 0, NULL },\n};\n\n"
    return header("migrations", ["store/store.h"], head), source("migrations", body)
