# SPDX-License-Identifier: Apache-2.0
"""schema/released.lock: numbers, tags and migrations that left the house, for life (design 5).

One line per fact, sorted, so that a diff reads as what was added. A fact may vanish from schema/
only when its number or tag is listed there as retired; it may never change.
"""

import hashlib
import re

from .schema import refuse

FILE = "released.lock"
TITLE = "# What releases have used, for life. Written by `tools/generate --release`; never edit.\n"


def on_the_wire(words):
    """What a field names is a rule of config's, which may come later: the bytes are the same."""
    return re.sub(r"\bref-\w+", "text", re.sub(r"\bkv-by-\w+", "kv", words))


def field_facts(owner, struct):
    for item in struct.fields:
        words = f"{item.name} {item.type_words.replace(' ', '-')}"
        yield f"field {owner} {item.tag}", words + (" required" if item.required else "")


def facts(schema, ordered):
    found = {}
    for protocol, structs in schema.structs.items():
        for struct in structs:
            found.update(field_facts(f"{protocol}.struct.{struct.name}", struct))
    for message in schema.messages:
        found[f"message {message.number}"] = f"{message.protocol}.{message.name}"
        if message.owns_struct:
            found.update(field_facts(f"{message.protocol}.{message.name}", message.struct))
    for one in schema.objects:
        found[f"object {one.code}"] = one.name
        found.update(field_facts(f"object.{one.name}", one.struct))
        for struct in one.structs:
            found.update(field_facts(f"object.{one.name}.{struct.name}", struct))
    for database, paths in ordered.items():
        for version, path in enumerate(paths, 1):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            found[f"migration {database} {version}"] = f"{path.parent.name}/{path.name} {digest}"
    return found


def retired(schema):
    """Keys of facts that may be gone, because schema/ still lists them as retired."""
    keys = {f"message {number}" for number in schema.retired_messages}

    def tags(owner, struct):
        return {f"field {owner} {tag}" for tag in struct.retired}

    for protocol, structs in schema.structs.items():
        for struct in structs:
            keys |= tags(f"{protocol}.struct.{struct.name}", struct)
    for message in schema.messages:
        keys |= tags(f"{message.protocol}.{message.name}", message.struct)
    for one in schema.objects:
        keys |= tags(f"object.{one.name}", one.struct)
        for struct in one.structs:
            keys |= tags(f"object.{one.name}.{struct.name}", struct)
    return keys


def read(schema):
    path = schema.root / FILE
    if not path.exists():
        return {}
    schema.files.append(path)
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, value = line.split(" = ", 1)
            found[key] = value
    return found


def order_migrations(schema, locked):
    """Released migrations keep their version; new common ones come next, then a database's own."""
    common = schema.sql.get("common", [])
    ordered = {}
    for database, own in schema.sql.items():
        if database == "common":
            continue
        by_name = {f"{path.parent.name}/{path.name}": path for path in [*common, *own]}
        versions, version = [], 1
        while f"migration {database} {version}" in locked:
            name = locked[f"migration {database} {version}"].split(" ")[0]
            if name not in by_name:
                refuse(FILE, f"released migration {name} of {database} is gone")
            versions.append(by_name.pop(name))
            version += 1
        ordered[database] = versions + list(by_name.values())
    return ordered


def check(schema, locked, now):
    gone_by_right = retired(schema)
    gone_messages = {name for name in schema.retired_messages.values()}
    for key, value in locked.items():
        if key in now and on_the_wire(now[key]) == on_the_wire(value):
            continue
        if key not in now and key in gone_by_right:
            continue
        # A field may stop being required: an older reader refuses what it misses, in words.
        if key in now and on_the_wire(value) == on_the_wire(now[key]) + " required":
            continue
        kind, *rest = key.split(" ")
        if key not in now and kind == "field" and rest[0] in gone_messages:
            continue
        refuse(FILE, f"{key} was released as {value}, and is now {now.get(key, 'gone')}")
    # The last release sends what was released without the new field.
    owners = {value for key, value in locked.items() if key.startswith("message ")}
    owners |= {key.split(" ")[1] for key in locked if key.startswith("field ")}
    for key, value in now.items():
        if key not in locked and value.endswith(" required") and key.split(" ")[1] in owners:
            refuse(FILE, f"{key} ({value}) is new in what was released: it may not be required")


def write(schema, locked, now):
    def order(line):
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in line.split(" ")]

    merged = {**locked, **now}
    lines = sorted((f"{key} = {value}\n" for key, value in merged.items()), key=order)
    (schema.root / FILE).write_text(TITLE + "".join(lines), encoding="utf-8")
