# SPDX-License-Identifier: Apache-2.0
"""HTTP routes: read from schema/routes, checked, printed as C tables.

A row: method, path, access, help; `message`, what it becomes; and of the administration REST (framework 3.3, 6.5, 8.5)
  id      the operation's name in the OpenAPI document; the server finds its own deeds by it
  query   parameters that are fields of the message: "limit", or "user=person" where the field has another name
  own     parameters that the server itself reads: tables of name, in (query or header), type, range, choices, default, help
  fixed   fields of the message that the path says
  body    "fields": a JSON object of the message's other fields, `fields` of them where given; else a name of openapi.py
  answer  "reply": the message's reply, `show` of it where given; else a name of openapi.py
  etag    true: the reply's rev is its ETag, and If-Match goes to the request's rev
Parts of a path in braces are parameters, too. Of two rows that fit a path the one further up counts."""

import re

from . import names
from .names import c_string

ACCESS = ("anybody", "session", "agent", "administrator")
KEYS = ("method", "path", "req", "aliases", "message", "help", "access", "id", "query", "own", "fixed", "body", "fields",
        "answer", "show", "etag", "tag", "status")
OWN_KEYS = ("name", "in", "type", "range", "choices", "default", "help", "max_len")


def path_parameters(path):
    return re.findall(r"\{([^}]+)\}", path)


def field_of(row, name):
    struct = row["msg"].struct if "msg" in row else None
    return next((one for one in struct.fields if one.name == name), None) if struct else None


def query_parameters(row):
    """(name, field) of those that go into the message."""
    for word in row.get("query", []):
        name, _, field = word.partition("=")
        yield name, field or name


def has_if_match(row):
    """Of routes whose message has a rev to compare; changes of objects read the header themselves."""
    return row.get("etag", False) and row["method"] != "GET" and field_of(row, "rev") is not None


def check_row(where, row, refuse):
    for name, field in query_parameters(row):
        if field_of(row, field) is None:
            refuse(where, f"{field} is no field of {row.get('message')}")
    for field in [*row.get("fixed", {}), *row.get("fields", []), *(["rev"] if has_if_match(row) else [])]:
        if field_of(row, field) is None:
            refuse(where, f"{field} is no field of {row.get('message')}")
    for one in row.get("own", []):
        for key in one:
            if key not in OWN_KEYS:
                refuse(where, f"own: unknown key {key}")
    if "id" in row and not re.fullmatch(r"[a-z][A-Za-z]*", row["id"]):
        refuse(where, "id is a name like listObjects")


def check_order(where, rows, refuse):
    """What stands further down must be reachable: no path before it may take all that it takes."""
    def takes(general, special):
        a, b = general.split("/"), special.split("/")
        return len(a) == len(b) and all(x.startswith("{") or x == y for x, y in zip(a, b))
    paths = list(dict.fromkeys(row["path"] for row in rows))
    for i, path in enumerate(paths):
        for before in paths[:i]:
            if takes(before, path):
                refuse(where, f"{path} is never reached: {before} stands before it")


def read(schema, only, refuse):
    here = {f"{message.protocol}.{message.name}": message for message in schema.messages}
    for path, data in schema.toml("routes"):
        only(path, data, ("route",))
        rows = data.get("route", [])
        seen = set()
        for row in rows:
            where = f"{path}: {row.get('method')} {row.get('path')}"
            only(where, row, KEYS)
            if row.get("access", "anybody") not in ACCESS:
                refuse(where, f"access must be one of {', '.join(ACCESS)}")
            if "method" not in row or not row.get("path", "").startswith("/"):
                refuse(where, "method and path are needed")
            if "message" in row:
                row["msg"] = here.get(row["message"]) or refuse(where, f"no message {row['message']}")
            if row.get("id") in seen:
                refuse(where, f"id {row['id']} is there twice")
            seen.add(row.get("id") or id(row))
            check_row(where, row, refuse)
        if any("id" in row for row in rows):
            check_order(path, rows, refuse)
        schema.routes[path.stem] = rows


# --- C tables -------------------------------------------------------------------------------------


def parameter_rows(row):
    taken = {field for _, field in query_parameters(row)}
    for name in path_parameters(row["path"]):
        field = name if field_of(row, name) and name not in taken else None
        yield name, "PATH", field, None
    for name, field in query_parameters(row):
        yield name, "QUERY", field, None
    for one in row.get("own", []):
        yield one["name"], one.get("in", "query").upper(), None, None
    if has_if_match(row):
        yield "If-Match", "HEADER", "rev", None
    for field, value in row.get("fixed", {}).items():
        yield field, "FIXED", field, value


def parameters_table(name, row):
    rows = "".join(f"    {{ {c_string(one)}, ROUTE_IN_{place}, {c_string(field)}, {c_string(value)} }},\n"
                   for one, place, field, value in parameter_rows(row))
    return f"static const struct route_parameter {name}[] = {{\n{rows}    {{ NULL, ROUTE_IN_PATH, NULL, NULL }},\n}};\n"


def words(texts):
    return "(const char *const[]){ " + ", ".join(c_string(one) for one in texts) + ", NULL }" if texts else "NULL"


def c_row(row, parameters):
    message = "&" + row["msg"].constant if "msg" in row else "NULL"
    parts = [f".method = {c_string(row['method'])}, .path = {c_string(row['path'])}, .msg = {message}",
             f".help = {c_string(row.get('help'))}, .access = ROUTE_{row.get('access', 'anybody').upper()}"]
    for key in ("req", "id"):
        if key in row:
            parts.append(f".{key} = {c_string(row[key])}")
    for key, member in (("aliases", "aliases"), ("fields", "body_fields"), ("show", "show")):
        if row.get(key):
            parts.append(f".{member} = {words(row[key])}")
    if "id" in row:
        body = {None: "NONE", "fields": "FIELDS"}.get(row.get("body"), "OWN")
        parts.append(f".parameters = {parameters}, .body = ROUTE_BODY_{body}, .status = {row.get('status', 200)}")
        if row.get("etag"):
            parts.append(".has_etag = true")
    return "    { " + ", ".join(parts) + " },\n"


def tables(schema):
    head, body = "", ""
    for server, rows in schema.routes.items():
        constant, table = "ROUTES_" + names.constant(server), "NULL"
        head += f"extern const struct route_table {constant};\n"
        printed = ""
        for index, row in enumerate(rows):
            parameters = f"{names.snake(server)}_parameters_{index}"
            if "id" in row:
                body += parameters_table(parameters, row)
            printed += c_row(row, parameters)
        if rows:
            table = names.snake(server) + "_routes"
            body += f"static const struct route {table}[] = {{\n{printed}}};\n"
        body += f"const struct route_table {constant} = {{ {table}, {len(rows)} }};\n\n"
    return head, body
