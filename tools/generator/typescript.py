# SPDX-License-Identifier: Apache-2.0
"""Messages that people's programs may send or hear, as TypeScript types for the console; and what servers count.

UserData is flat among the fields where an edge is JSON; nested in a list it stays an object."""
import json

TYPES = {"bool": "boolean", "u32": "number", "u64": "number", "i64": "number", "f64": "number",
         "text": "string", "bytes": "string", "kv": "UserData"}


def field_line(item, is_flat):
    if is_flat and item.kind == "kv" and item.name == "UserData":
        return ""
    word = item.struct.name if item.kind == "nested" else TYPES[item.kind]
    if item.choices:
        word = " | ".join(f"'{one}'" for one in item.choices)
    if item.is_list:
        word = f"({word})[]" if " | " in word else f"{word}[]"
    name = item.name if item.name.isidentifier() else f"'{item.name}'"
    comment = f" // {item.help}" if item.help else ""
    return f"  {name}{'' if item.required else '?'}: {word}{comment}\n"


def interface(struct, is_message):
    has_user_data = is_message and any(item.name == "UserData" and item.kind == "kv" for item in struct.fields)
    body = "".join(field_line(item, has_user_data) for item in struct.fields)
    if has_user_data:
        body += "  [userField: string]: unknown\n"
    return f"export interface {struct.name} {{\n{body}}}\n\n"


def nested(struct, found):
    for item in struct.fields:
        if item.struct and item.struct.name not in found:
            found[item.struct.name] = item.struct
            nested(item.struct, found)


def figures(schema):
    out = "\n// What servers count (schema/counters).\nexport const FIGURES: Record<string, { kind: 'counter' | 'gauge'; unit?: string; help: string }> = {\n"
    for rows in schema.counters.values():
        for name, row in rows:
            out += f"  {name}: {json.dumps({key: row[key] for key in ('kind', 'unit', 'help') if key in row})},\n"
    return out + "}\n"


def messages(schema):
    by_name = {(one.protocol, one.name): one for one in schema.messages}
    asked = [one for one in schema.messages if one.access != "servers" and one.reply]
    replies = {(one.protocol, one.reply) for one in schema.messages}
    events = [one for one in schema.messages
              if one.protocol == "outbound" and not one.reply and (one.protocol, one.name) not in replies]
    shown, parts = {}, {}
    for one in asked + events + [by_name[one.protocol, one.reply] for one in asked]:
        shown[one.struct.name] = one.struct
        nested(one.struct, parts)
    snapshot = by_name["outbound", "DesktopSnapshotTaken"].struct
    shown[snapshot.name] = snapshot
    nested(snapshot, parts)
    out = "// Printed by tools/generate from schema/messages. SPDX-License-Identifier: Apache-2.0\n\n"
    out += "export type UserData = Record<string, unknown>\n\n"
    for struct in shown.values():
        out += interface(struct, True)
    for name, struct in parts.items():
        if name not in shown:
            out += interface(struct, False)
    out += "// What may be asked, by application and message: its fields, and its reply.\nexport interface Requests {\n"
    for one in asked:
        reply = by_name[one.protocol, one.reply].struct.name
        out += f"  '{one.protocol}.{one.name}': {{ fields: {one.struct.name}; reply: {reply} }}\n"
    out += "}\n\n// What is said unasked.\nexport interface Events {\n"
    for one in events:
        out += f"  {one.name}: {one.struct.name}\n"
    out += f"  Snapshot: {snapshot.name}\n}}\n"
    return out + figures(schema)
