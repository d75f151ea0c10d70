# SPDX-License-Identifier: Apache-2.0
"""Reads schema/ and refuses what breaks its rules, naming file, table and rule.

Everything downstream (C tables, pages, the released lock) works on the plain objects made here.
"""

import pathlib
import re
import tomllib
from dataclasses import dataclass, field

from . import names, routes

FIELD_TYPES = ("bool", "u32", "u64", "i64", "f64", "text", "bytes", "kv")
OPTION_TYPES = ("bool", "u32", "i64", "float", "text", "enum", "list", "url", "secret",
                "duration", "regex", "json", "portrange")
LEVELS = ("application", "campaign", "campaign-group", "calling-list", "host", "dn", "tenant", "person", "script")
# What a value follows beyond its type, and of which types of options it can be.
GRAMMARS = {**dict.fromkeys(("log-outputs", "log-segment", "log-expire", "log-filter", "log-levels", "path"), ("text", "list")),
            "heartbeat": ("u32",)}
EFFECTS = ("immediate", "next-use", "reconnect", "restart", "startup")
LOG_LEVELS = ("debug", "trace", "interaction", "standard", "alarm")
ACCESS = ("servers", "agent", "administrator", "session")  # who may send a message from outside; session: every person, the server asks permissions
FIELDS_MAX = 64
COMMON_FIELDS = [
    {"tag": 1, "name": "dbid", "type": "u32", "help": "assigned once, never used again"},
    {"tag": 2, "name": "name", "type": "text", "max_len": 255, "help": "unique within its type and tenant"},
    {"tag": 3, "name": "tenant", "type": "text", "max_len": 255, "help": "whose it is; absent for global types"},
    {"tag": 4, "name": "folder", "type": "ref Folder", "max_len": 1024, "help": "path of the container"},
    {"tag": 5, "name": "state", "type": "text", "choices": ["enabled", "disabled"], "default": "enabled",
     "help": "a disabled object is kept, and acts as absent"},
    {"tag": 6, "name": "annex", "type": "kv", "help": "sections of options"},
]


class SchemaError(Exception):
    pass


def refuse(where, words):
    raise SchemaError(f"{where}: {words}")


@dataclass
class Field:
    tag: int
    name: str
    kind: str  # bool ... kv, or "nested"
    struct: "Struct | None" = None
    is_list: bool = False
    reference: str | None = None
    required: bool = False
    range: tuple | None = None
    max_len: int = 0
    choices: list | None = None
    fallback: str | None = None
    unit: str | None = None
    help: str | None = None

    @property
    def member(self):
        return names.member(self.name)

    @property
    def type_words(self):
        word = self.struct.name if self.kind == "nested" else self.kind
        if self.reference:
            word = "kv by " + self.reference if self.kind == "kv" else "ref " + self.reference
        return "list of " + word if self.is_list else word


@dataclass
class Struct:
    name: str
    c_name: str
    fields: list = field(default_factory=list)
    retired: list = field(default_factory=list)
    help: str | None = None

    @property
    def constant(self):
        return self.c_name.upper()


@dataclass
class Message:
    protocol: str
    name: str
    number: int
    struct: Struct  # another message's, where this one is like it
    reply: str | None
    access: str
    help: str | None

    @property
    def constant(self):
        return "MSG_" + (names.snake(self.protocol) + "_" + names.snake(self.name)).upper()

    @property
    def owns_struct(self):
        return self.struct.name == self.name


@dataclass
class ObjectType:
    name: str
    plural: str
    code: int
    key: list
    is_global: bool
    exports_dbid: bool
    order: int
    struct: Struct
    structs: list
    help: str | None

    @property
    def constant(self):
        return self.struct.constant

    def references(self):
        return _references(self.struct, "", ())


def _references(struct, prefix, seen):
    found = []
    for item in struct.fields:
        path = prefix + item.name + ("[]" if item.is_list else "{}" if item.kind == "kv" else "")
        if item.reference:
            found.append((path, item.reference))
        if item.struct and item.struct.name not in seen:
            found += _references(item.struct, path + ".", seen + (item.struct.name,))
    return found


@dataclass
class Option:
    section: str
    name: str
    member: str
    type: str
    fallback: str
    range: tuple | None
    choices: list | None
    levels: list
    effect: str
    unit: str | None
    help: str | None
    is_family: bool
    grammar: str | None = None
    max_word: str | None = None  # "max" instead of the highest number


@dataclass
class Schema:
    root: pathlib.Path
    files: list = field(default_factory=list)
    structs: dict = field(default_factory=dict)  # protocol -> [Struct]
    messages: list = field(default_factory=list)
    objects: list = field(default_factory=list)
    options: dict = field(default_factory=dict)  # type -> [Option]
    events: list = field(default_factory=list)  # (room, name, dict)
    counters: dict = field(default_factory=dict)  # type -> [(name, dict)]
    routes: dict = field(default_factory=dict)  # server -> [dict]
    sql: dict = field(default_factory=dict)  # database -> [path], in name order
    retired_messages: dict = field(default_factory=dict)  # number -> protocol.Name

    def toml(self, category):
        for path in sorted((self.root / category).glob("*.toml")):
            self.files.append(path)
            try:
                yield path, tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                refuse(path, error)


def only(where, table, allowed):
    for key in table:
        if key not in allowed:
            refuse(where, f"unknown key {key}; known: {', '.join(sorted(allowed))}")


def read_field(where, row, structs, known):
    only(where, row, ("tag", "name", "type", "names", "required", "range", "max_len", "choices", "default", "unit", "help"))
    where = f"{where}.{row.get('name', '?')}"
    for key in ("tag", "name", "type"):
        if key not in row:
            refuse(where, f"{key} is missing")
    if not 1 <= row["tag"] <= 65535:
        refuse(where, "tag must be 1 to 65535")
    word, is_list, reference, struct = row["type"], False, None, None
    if word.startswith("list of "):
        word, is_list = word.removeprefix("list of "), True
    if word.startswith("ref "):
        word, reference = "text", word.removeprefix("ref ")
    if "names" in row and (word != "kv" or is_list):
        refuse(where, "names: the names of a kv are those of objects")
    reference = reference or row.get("names")
    if word == "kv" and is_list:
        refuse(where, "a list of kv does not exist: a kv value may hold lists")
    if word not in FIELD_TYPES:
        if word not in structs:
            refuse(where, f"unknown type {word}; known: {', '.join(FIELD_TYPES + tuple(structs))}")
        struct, word = structs[word], "nested"
    limits = row.get("range")
    if limits is not None:
        if word not in ("u32", "u64", "i64", "f64") or len(limits) != 2 or limits[0] > limits[1]:
            refuse(where, "range is [lowest, highest] of a number")
        if limits == [0, 0]:
            refuse(where, "range [0, 0] would mean no range")
    if row.get("choices") and word != "text":
        refuse(where, "choices are of text")
    fallback = row.get("default")
    if isinstance(fallback, bool):
        fallback = "true" if fallback else "false"
    return Field(row["tag"], row["name"], word, struct, is_list, reference, row.get("required", False),
                 tuple(limits) if limits else None, row.get("max_len", 0), row.get("choices"),
                 None if fallback is None else str(fallback), row.get("unit"), row.get("help"))


def fill(where, struct, table, structs, known, before=()):
    rows = list(before) + table.get("fields", [])
    struct.retired = table.get("retired", [])
    struct.help = table.get("help")
    if len(rows) > FIELDS_MAX:
        refuse(where, f"{len(rows)} fields: at most {FIELDS_MAX}")
    tags, spellings, members = set(struct.retired), set(), set()
    for row in rows:
        item = read_field(where, row, structs, known)
        if item.tag in tags:
            refuse(where, f"tag {item.tag} is used twice or retired")
        if item.name in spellings or item.member in members:
            refuse(where, f"field {item.name} is there twice")
        tags.add(item.tag)
        spellings.add(item.name)
        members.add(item.member)
        struct.fields.append(item)


def read_structs(path, data, prefix, known, types=()):
    tables = data.pop("struct", {})
    structs = {name: Struct(name, prefix + names.snake(name)) for name in tables}
    for name, table in tables.items():
        only(f"{path}: struct.{name}", table, ("fields", "retired", "help"))
        claim(path, structs[name].c_name, known)
    for name, table in tables.items():
        fill(f"{path}: struct.{name}", structs[name], table, {**dict(types), **structs}, known)
    return structs


def claim(where, c_name, known):
    if c_name in known:
        refuse(where, f"struct {c_name} is declared twice")
    known.add(c_name)


def read_messages(schema, known):
    numbers, types = {}, {}  # types: protocol -> structs by name
    for path, data in schema.toml("messages"):
        protocol = data.pop("protocol", path.stem)
        low, high = data.pop("numbers", (1, 0xFFFFFFFF))
        for number, name in data.pop("retired", {}).items():
            schema.retired_messages[int(number)] = f"{protocol}.{name}"
        # A protocol may stand in several files; what is declared further up may be used as a type.
        known_types = types.setdefault(protocol, {})
        structs = read_structs(path, data, names.snake(protocol) + "_", known, known_types)
        schema.structs.setdefault(protocol, []).extend(structs.values())
        known_types.update(structs)
        for name, table in data.items():
            where = f"{path}: {name}"
            only(where, table, ("number", "reply", "like", "access", "help", "fields", "retired"))
            number = table.get("number", 0)
            if not low <= number <= high:
                refuse(where, f"number {number} is outside {low} to {high}")
            if number in numbers or number in schema.retired_messages:
                refuse(where, f"number {number} is taken by {numbers.get(number, 'a retired message')}")
            numbers[number] = name
            access = table.get("access", "servers")
            if access not in ACCESS:
                refuse(where, f"access is one of {', '.join(ACCESS)}")
            if "like" in table:
                struct = known_types.get(table["like"]) or refuse(where, f"like {table['like']}: no such message yet")
                if "fields" in table:
                    refuse(where, "like and fields exclude each other")
            else:
                struct = Struct(name, names.snake(protocol) + "_" + names.snake(name))
                claim(where, struct.c_name, known)
                fill(where, struct, table, known_types, known)
                known_types[name] = struct
            schema.messages.append(Message(protocol, name, number, struct, table.get("reply"), access, table.get("help")))
    here = {(message.protocol, message.name) for message in schema.messages}
    for message in schema.messages:
        if message.reply and (message.protocol, message.reply) not in here:
            refuse(f"{message.protocol}.{message.name}", f"its reply {message.reply} does not exist")
    schema.messages.sort(key=lambda message: message.number)


def read_objects(schema, known):
    for path, data in schema.toml("objects"):
        name = data.get("type") or refuse(path, "type is missing")
        c_name = "object_" + names.snake(name)
        structs = read_structs(path, data, c_name + "_", known)
        only(path, data, ("type", "plural", "code", "key", "global", "exports_dbid", "order", "fields", "retired", "help"))
        for key in ("plural", "code", "key"):
            if key not in data:
                refuse(path, f"{key} is missing")
        struct = Struct(name, c_name)
        claim(path, c_name, known)
        fill(path, struct, data, structs, known, COMMON_FIELDS)
        spellings = {item.name for item in struct.fields}
        for key in data["key"]:
            if key not in spellings:
                refuse(path, f"key {key} is no field")
        schema.objects.append(ObjectType(name, data["plural"], data["code"], data["key"], data.get("global", False),
                                         data.get("exports_dbid", False), data.get("order", 0), struct,
                                         list(structs.values()), data.get("help")))
    schema.objects.sort(key=lambda one: (one.order, one.name))
    spellings = [one.name for one in schema.objects]
    for one in schema.objects:
        for other in schema.objects:
            if one is not other and (one.name == other.name or one.code == other.code or one.plural == other.plural):
                refuse(one.name, f"name, plural or code is also that of {other.name}")
        for path, to in one.references():
            if to not in spellings:
                refuse(one.name, f"{path} refers to {to}, which is no object type")


def is_number(text, low, high, kind):
    try:
        value = float(text) if kind == "float" else int(text)
    except ValueError:
        return False
    return low <= value <= high


def check_fallback(where, option):
    text, limits = option.fallback, option.range
    fits = True
    if option.type == "bool":
        fits = text.lower() in ("true", "false", "yes", "no", "on", "off", "1", "0")
    elif option.type in ("u32", "i64", "float"):
        own = (0, 2**32 - 1) if option.type == "u32" else (-(2**63), 2**63 - 1)
        fits = text == option.max_word or is_number(text, *(limits or own), option.type)
    elif option.type == "duration":
        fits = re.fullmatch(r"\d+ *(ms|s|min|h|d)?", text) is not None
    elif option.type == "portrange":
        fits = re.fullmatch(r"(\d+(-\d+)?(,\d+(-\d+)?)*)?", text) is not None
    elif option.type in ("regex", "json"):
        fits = text == ""
    elif option.type == "url":
        fits = text == "" or re.match(r"https?://[^/@]+", text) is not None
    elif option.type == "list":
        words = [word.strip().lower() for word in text.split(",") if word.strip()]
        fits = not option.choices or set(words) <= {choice.lower() for choice in option.choices}
    elif option.choices:
        fits = text in option.choices
    elif option.type == "enum":
        refuse(where, "choices are missing")
    if not fits:
        refuse(where, f"default {text!r} breaks its own type, range or choices")


def read_option(where, header, row):
    only(where, row, ("section", "name", "type", "range", "choices", "default", "levels", "effect", "unit", "help", "pattern", "grammar",
                     "max_word"))
    section, name = row.get("section"), row.get("name", header)
    if "name" not in row and "." in header and section in (None, header.split(".", 1)[0]):
        section, name = header.split(".", 1)
    if section is None:
        refuse(where, "section is missing")
    if row.get("type") not in OPTION_TYPES:
        refuse(where, f"type must be one of {', '.join(OPTION_TYPES)}")
    levels, effect = row.get("levels", ["application"]), row.get("effect")
    if not set(levels) <= set(LEVELS) or not levels:
        refuse(where, f"levels must be of {', '.join(LEVELS)}")
    if effect not in EFFECTS:
        refuse(where, f"effect must be one of {', '.join(EFFECTS)}")
    if "help" not in row:
        refuse(where, "help is missing: an option that exists is documented")
    if "grammar" in row and row["type"] not in GRAMMARS.get(row["grammar"], ()):
        refuse(where, "grammar must be one of " + ", ".join(f"{name} of {' or '.join(of)}" for name, of in GRAMMARS.items()))
    fallback = row.get("default", "")
    fallback = str(fallback).lower() if isinstance(fallback, bool) else str(fallback)
    limits = row.get("range")
    is_pattern = section.endswith("*")
    if is_pattern and (row.get("pattern") or "default" in row):
        refuse(where, "of a pattern of sections one name is read, and there is no default")
    is_family = is_pattern or row.get("pattern", False)
    option = Option(section, "*" if is_family and not is_pattern else name, names.member(header), row["type"], fallback,
                    tuple(limits) if limits else None, row.get("choices"), levels, effect, row.get("unit"),
                    row["help"], is_family, row.get("grammar"), row.get("max_word"))
    if option.max_word and option.type != "u32":
        refuse(where, "a max_word is one of a u32")
    if not is_family:
        check_fallback(where, option)
    return option


def read_options(schema):
    for path, data in schema.toml("options"):
        rows = [read_option(f"{path}: {header}", header, row) for header, row in data.items()]
        for i, row in enumerate(rows):
            for other in rows[:i]:
                if (row.section.lower(), row.name.lower()) == (other.section.lower(), other.name.lower()) \
                        or row.member == other.member:
                    refuse(path, f"[{row.section}] {row.name} is there twice")
        schema.options[path.stem] = rows
    schema.options.setdefault("common", [])


def read_events(schema):
    ids, spellings, taken = {}, {}, set()
    for path, data in schema.toml("events"):
        for name, row in data.items():
            where = f"{path}: {name}"
            only(where, row, ("id", "level", "category", "text", "cause", "cure"))
            if row.get("category", "application") not in ("application", "audit"):
                refuse(where, "category must be application or audit")
            for key in ("id", "level", "text", "cause", "cure"):
                if key not in row:
                    refuse(where, f"{key} is missing")
            if not re.fullmatch(r"\d\d-\d{5}", row["id"]):
                refuse(where, "id is NN-NNNNN")
            if row["level"] not in LOG_LEVELS:
                refuse(where, f"level must be one of {', '.join(LOG_LEVELS)}")
            if name in spellings:
                refuse(where, f"the name is also that of {spellings[name]}")
            # One event may be told by two rooms, each in its own words: an application says "started"
            # of itself, its supervisor says it of the application.
            room, level = ids.setdefault(row["id"], (path.stem, row["level"]))
            if level != row["level"] or (path.stem, row["id"]) in taken:
                refuse(where, f"id {row['id']} is taken in {room}")
            taken.add((path.stem, row["id"]))
            spellings[name] = where
            schema.events.append((path.stem, name, row))


def read_counters(schema):
    for path, data in schema.toml("counters"):
        for name, row in data.items():
            where = f"{path}: {name}"
            only(where, row, ("kind", "unit", "help"))
            if row.get("kind") not in ("counter", "gauge"):
                refuse(where, "kind must be counter or gauge")
            if "help" not in row:
                refuse(where, "help is missing")
        schema.counters[path.stem] = list(data.items())


def read_sql(schema):
    for folder in sorted((schema.root / "sql").glob("*/")):
        paths = sorted(folder.glob("*.sql"))
        for path in paths:
            if not re.fullmatch(r"\d{3}-[a-z0-9-]+\.sql", path.name):
                refuse(path, "a migration is named NNN-word.sql")
        numbers = [path.name[:3] for path in paths]
        if len(set(numbers)) != len(numbers):
            refuse(folder, "two migrations have one number")
        schema.files += paths
        schema.sql[folder.name] = paths


def read(root):
    schema, known = Schema(pathlib.Path(root)), set()
    read_messages(schema, known)
    read_objects(schema, known)
    read_options(schema)
    read_events(schema)
    read_counters(schema)
    routes.read(schema, only, refuse)
    read_sql(schema)
    return schema
