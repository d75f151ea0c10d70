# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of the administration REST, from the tables that the server is made of: routes, messages, objects.

A path with {type} stands there once for each object type, with that type's own schema."""

import json
import re

from . import names, routes

TITLE = "Carillon administration"
PIECE_CHARS = 1500
TAGS = {
    "session": "Who asks: log-in, log-out, password.",
    "objects": "Configuration objects, by type.",
    "changes": "Several at once, and what happened.",
    "history": "Who changed what, and the way back.",
    "files": "Configuration files.",
    "schemas": "What objects and options are made of.",
    "permissions": "Who may do what to which object.",
    "licences": "Optional pools of seats.",
    "server": "The configuration server.",
    "control": "States and orders.",
    "alarms": "What somebody should know.",
    "logs": "Kept log records.",
}
BODY_STATUS = {"400": "BadRequest", "401": "NoSession", "403": "Forbidden", "404": "NotFound", "409": "Conflict",
               "412": "RevMismatch", "413": "TooLarge", "415": "NotJson", "422": "InvalidValue", "429": "TooManyRequests",
               "500": "InternalError", "501": "NotImplemented", "503": "Unavailable", "504": "Timeout"}
WORDS = {
    "BadRequest": "A parameter or the body breaks a rule; objectProperty names it.",
    "NoSession": "Log in first.",
    "Forbidden": "A permission is missing (CFGNoPermission), the password must be changed first (MustChangePassword), or the page that asks is not ours (BadOrigin).",
    "NotFound": "There is no such thing, or it may not be read: nobody learns which (CFGObjectNotFound).",
    "Conflict": "CFGUniquenessViolation, CFGInUse, CFGAlreadyConnected, or an order that the present state does not allow.",
    "RevMismatch": "CFGRevMismatch: it has another revision by now.",
    "TooLarge": "The body, or the answer, is too long.",
    "NotJson": "The body is not JSON.",
    "InvalidValue": "CFGInvalidValue: a rule of the configuration is broken; details lists every problem.",
    "TooManyRequests": "More requests than allowed; wait as Retry-After says.",
    "InternalError": "An error of ours, or of an operating system.",
    "NotImplemented": "The server does not offer it.",
    "Unavailable": "The server behind is away or read-only (CFGReadOnly); wait as Retry-After says.",
    "Timeout": "The server behind gave no answer in time; whether it was done is not known.",
}


def ref(kind, name):
    return {"$ref": f"#/components/{kind}/{name}"}


def sentence(text):
    """Help of the tables is written without a full stop where it is no sentence."""
    text = text or ""
    return text[:1].upper() + text[1:]


# --- schemas --------------------------------------------------------------------------------------

NUMBERS = {"u32": (0, 2**32 - 1), "u64": (0, None), "i64": (None, None), "f64": (None, None)}


def bounds(schema, item):
    low, high = item.range or NUMBERS[item.kind]
    if low is not None:
        schema["minimum"] = low
    if high is not None:
        schema["maximum"] = high


def one_schema(item, prefix, is_object):
    """Of one value of a field; a reply may hold what a later release adds, so words are told, not forbidden there."""
    if item.kind == "nested":
        return ref("schemas", prefix(item.struct))
    if item.kind == "bool":
        return {"type": "boolean"}
    if item.kind in NUMBERS:
        schema = {"type": "number" if item.kind == "f64" else "integer"}
        bounds(schema, item)
        return schema
    if item.kind == "kv":
        return {"type": "object", "additionalProperties": True}
    schema = {"type": "string"}
    if item.kind == "bytes":
        schema["contentEncoding"] = "base64"
    if item.choices:
        schema["enum"] = item.choices
    return schema


def default_of(item):
    if item.kind == "bool":
        return item.fallback == "true"
    if item.kind in NUMBERS:
        return float(item.fallback) if item.kind == "f64" else int(item.fallback)
    return item.fallback


def field_schema(item, prefix, is_object=False):
    schema = one_schema(item, prefix, is_object)
    if item.is_list:
        schema = {"type": "array", "items": schema}
    words = sentence(item.help)
    if item.unit:
        words += f" (in {item.unit})"
    if item.reference:
        words += f" (names an object of type {item.reference})"
    if words:
        schema = {**schema, "description": words}
    if item.fallback is not None and not item.is_list and item.kind != "kv":
        schema["default"] = default_of(item)
    return schema


def struct_schema(struct, prefix, is_object=False):
    schema = {"type": "object", "properties": {item.name: field_schema(item, prefix, is_object) for item in struct.fields}}
    required = [item.name for item in struct.fields if item.required]
    if required:
        schema["required"] = required
    if struct.help:
        schema["description"] = sentence(struct.help)
    return schema


def message_name(protocol):
    return lambda struct: names_of(protocol, struct.name)


def names_of(protocol, name):
    return ("Control" if protocol == "control" else "") + name


class Document:
    def __init__(self, schema):
        self.schema = schema
        self.schemas = {}
        self.parameters = {}
        self.paths = {}

    def use_parameter(self, one):
        """Written once, however many operations take it."""
        word = re.sub("[^A-Za-z]", "", one["name"].title() if "-" in one["name"] else one["name"][:1].upper() + one["name"][1:])
        for number in range(1, 100):
            name = f"{word}{'' if number == 1 else number}"
            if self.parameters.setdefault(name, one) == one:
                return ref("parameters", name)
        raise ValueError(f"a hundred different parameters {one['name']}")

    def use_struct(self, protocol, struct):
        """Of a message: its schema and those it needs, once each."""
        name = names_of(protocol, struct.name)
        if name in self.schemas:
            return name
        self.schemas[name] = None
        self.schemas[name] = struct_schema(struct, message_name(protocol))
        for item in struct.fields:
            if item.struct:
                self.use_struct(protocol, item.struct)
        return name

    def use_objects(self):
        for one in self.schema.objects:
            def prefix(struct, one=one):
                return one.name + struct.name + "Part"
            for struct in one.structs:
                self.schemas[prefix(struct)] = struct_schema(struct, prefix, True)
            whole = struct_schema(one.struct, prefix, True)
            whole["properties"] = {"rev": {"type": "integer", "minimum": 0, "readOnly": True,
                                           "description": "Revision of its last change; 0: the store keeps it by itself"}, **whole["properties"]}
            whole["description"] = sentence(one.help)
            self.schemas[one.name] = whole
            patch = {"type": "object", "description": f"Some properties of a {one.name}; null removes.",
                     "additionalProperties": True}
            self.schemas[one.name + "Patch"] = patch
            page = {"type": "object", "required": ["rev", "objects"], "properties": {
                "rev": {"type": "integer", "description": "Present revision"},
                "objects": {"type": "array", "maxItems": 1000, "items": ref("schemas", one.name + "Shown")},
                "after": {"type": "integer", "description": "There are more after this DBID"}}}
            self.schemas[one.name + "Page"] = page
            shown = {**whole}
            shown.pop("required", None)  # a list may show some properties alone
            self.schemas[one.name + "Shown"] = {**shown, "required": ["rev", "dbid"]}


# --- schemas that are no message ------------------------------------------------------------------

TEXT, TRUTH, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
ANY_OBJECT = {"type": "object", "additionalProperties": True}


def of(required, description=None, **properties):
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if description:
        schema["description"] = description
    return schema


FIXED_SCHEMAS = {
    "Error": of(["errorType", "objectType", "objectProperty", "message", "details"],
                "What was refused, in the guides' words.",
                errorType={**TEXT, "description": "A stable code: CFGNoPermission"},
                objectType={**TEXT, "description": "CFGApplication; empty: of no object"},
                objectProperty={**TEXT, "description": "The property, parameter or member at fault; may be empty"},
                message={**TEXT, "description": "For people"},
                details={"type": "array", "items": TEXT, "description": "Every problem, one line each"}),
    "LogIn": of(["user", "password"], user=TEXT, password={**TEXT, "format": "password", "maxLength": 256},
                application={**TEXT, "default": "default", "description": "Which application it is for"},
                cookie={**TRUTH, "default": False, "description": "The token comes as a cookie alone"}),
    "PasswordChange": of(["password", "newPassword"], password={**TEXT, "format": "password"},
                         newPassword={**TEXT, "format": "password"}),
    "LoggedIn": of(["expires", "mustChangePassword", "person"], token={**TEXT, "description": "Absent with a cookie"},
                   expires={**NUMBER, "description": "Milliseconds of UTC"}, mustChangePassword=TRUTH, person=ANY_OBJECT),
    "Document": ANY_OBJECT,
    "ConfigurationFile": {"type": "object", "additionalProperties": True,
                          "description": "Framework 3.2; comments and trailing commas are accepted"},
    "ChangedReference": of(["type", "dbid", "rev", "key"], type=TEXT, dbid=NUMBER, rev=NUMBER, tenant=TEXT, key=TEXT),
    "Changed": of(["rev", "objects", "warnings"], "What became of a change.", rev={**NUMBER, "description": "The new revision"},
                  objects={"type": "array", "items": ref("schemas", "ChangedReference")},
                  warnings={"type": "array", "items": TEXT}),
    "ChangeOperation": of(["op", "type"], op={**TEXT, "enum": ["create", "update", "replace", "delete"]}, type=TEXT,
                          tenant=TEXT, key={**TEXT, "description": "Natural key or DBID; create takes it from the value"},
                          rev={**NUMBER, "description": "Refused when the object has another"}, value=ANY_OBJECT,
                          cascade={**TEXT, "enum": ["none", "unlink", "delete"]}),
    "ChangeOperations": of(["ops"], comment=TEXT,
                           ops={"type": "array", "maxItems": 1000, "items": ref("schemas", "ChangeOperation")}),
    "ChangeNews": of(["event", "rev", "type", "dbid", "key"],
                     event={**TEXT, "enum": ["object-added", "object-changed", "object-deleted", "access-changed"]},
                     rev=NUMBER, type=TEXT, dbid=NUMBER, tenant=TEXT, key=TEXT,
                     value={**ANY_OBJECT, "description": "object-added: the object"},
                     delta={**ANY_OBJECT, "description": "object-changed: a merge-patch"}),
    "ChangesSince": of(["rev", "epoch", "events"], rev={**NUMBER, "description": "Go on from here"}, epoch=TEXT,
                       mode={**TEXT, "enum": ["full", "read-only"]}, reason=TEXT,
                       resync={**TRUTH, "description": "Read everything again"},
                       events={"type": "array", "items": ref("schemas", "ChangeNews")}),
    "FieldDescription": of(["name", "type", "isList", "isRequired"], name=TEXT,
                           type={**TEXT, "enum": ["bool", "u32", "u64", "i64", "f64", "text", "bytes", "kv", "nested"]},
                           isList=TRUTH, isRequired=TRUTH, min=NUMBER, max=NUMBER, maxLength=NUMBER,
                           choices={"type": "array", "items": TEXT}, default=TEXT, unit=TEXT,
                           reference={**TEXT, "description": "Object type that it names"}, help=TEXT,
                           fields={"type": "array", "items": ref("schemas", "FieldDescription")}),
    "ObjectTypeDescription": of(["name", "plural", "typeCode", "isGlobal", "key", "fields"], name=TEXT, plural=TEXT,
                                typeCode=NUMBER, help=TEXT, isGlobal=TRUTH, key={"type": "array", "items": TEXT},
                                fields={"type": "array", "items": ref("schemas", "FieldDescription")}),
    "ObjectTypes": of(["types"], types={"type": "array", "items": ref("schemas", "ObjectTypeDescription")}),
    "OptionDescription": of(["section", "name", "type", "default", "effective", "secret", "desc"], section=TEXT, name=TEXT,
                            type={**TEXT, "enum": ["bool", "int", "float", "string", "enum", "list", "url", "secret",
                                                    "duration", "regex", "json", "portrange"]},
                            min=NUMBER, max=NUMBER, choices={"type": "array", "items": TEXT}, default=TEXT,
                            effective={**TEXT, "enum": ["immediate", "next-object", "reconnect", "restart", "startup"]},
                            unit=TEXT, secret=TRUTH, isFamily=TRUTH, desc=TEXT),
    "Options": of(["appType", "options"], appType=TEXT,
                  options={"type": "array", "items": ref("schemas", "OptionDescription")}),
}
BODIES = {"login": "LogIn", "password": "PasswordChange", "changes": "ChangeOperations", "file": "ConfigurationFile"}
ANSWERS = {"session": "LoggedIn", "document": "Document", "file": "ConfigurationFile", "changed": "Changed",
           "objectTypes": "ObjectTypes", "objectType": "ObjectTypeDescription", "options": "Options"}


# --- parameters -----------------------------------------------------------------------------------


def parameter(name, place, schema, words, required=False):
    one = {"name": name, "in": place, "schema": schema}
    if words:
        one["description"] = sentence(words)
    if required:
        one["required"] = True
    if schema.get("type") == "array":
        one.update({"style": "form", "explode": False})
    return one


def parameter_schema(item):
    if item.kind == "u64" and item.unit == "ms":
        return {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}]}
    schema = one_schema(item, None, False)
    if item.range or item.kind in NUMBERS:
        bounds(schema, item)
    if item.is_list:
        return {"type": "array", "items": schema, "maxItems": item.max_len or 1000}
    if item.max_len:
        schema["maxLength"] = item.max_len
    return schema


def own_schema(one):
    kind = {"text": "string", "bool": "boolean", "u32": "integer"}[one["type"]]
    schema = {"type": kind}
    if "range" in one:
        schema["minimum"], schema["maximum"] = one["range"]
    if "choices" in one:
        schema["enum"] = one["choices"]
    if "max_len" in one:
        schema["maxLength"] = one["max_len"]
    if "default" in one:
        schema["default"] = {"true": True, "false": False}.get(one["default"], one["default"])
    return schema


def parameters(row):
    found = []
    for name in routes.path_parameters(row["path"]):
        item = routes.field_of(row, name)
        schema = one_schema(item, None, False) if item else {"type": "string"}
        help_of = {"key": "Natural key, percent-encoded, its parts joined by /; or DBID", "type": "Object type"}
        found.append(parameter(name, "path", {**schema, **({"minLength": 1} if schema["type"] == "string" else {})},
                               help_of.get(name) or (item.help if item else "Application type, as CMServer; or common"), True))
    for name, field in routes.query_parameters(row):
        item = routes.field_of(row, field)
        found.append(parameter(name, "query", parameter_schema(item), item.help, item.required))
    for one in row.get("own", []):
        found.append(parameter(one["name"], one.get("in", "query"), own_schema(one), one.get("help")))
    if routes.has_if_match(row):
        found.append(parameter("If-Match", "header", TEXT, "the revision that was read: refused when it has another by now"))
    return found


# --- operations -----------------------------------------------------------------------------------


def content(schema, kind="application/json"):
    return {kind: {"schema": schema}}


def body_of(document, row, one):
    kind = row.get("body")
    if kind is None:
        return None
    if kind == "fields":
        struct = row["msg"].struct
        taken = {field for _, field in routes.query_parameters(row)} | set(routes.path_parameters(row["path"])) | set(row.get("fixed", {}))
        items = [item for item in struct.fields if item.name not in taken and (not row.get("fields") or item.name in row["fields"])]
        for item in items:
            if item.struct:
                document.use_struct(row["msg"].protocol, item.struct)
        schema = {"type": "object", "additionalProperties": False,
                  "properties": {item.name: field_schema(item, message_name(row["msg"].protocol)) for item in items}}
        return {"content": content(schema)}
    if kind == "object":
        return {"required": True, "content": content(ref("schemas", one.name))}
    if kind == "patch":
        schema = ref("schemas", one.name + "Patch")
        return {"required": True, "content": {**content(schema, "application/merge-patch+json"), **content(schema)}}
    return {"required": True, "content": content(ref("schemas", BODIES[kind]))}


def answer_schema(document, row, one):
    answer = row.get("answer", "reply")
    if answer in ANSWERS:
        return ref("schemas", ANSWERS[answer])
    if answer == "page":
        return ref("schemas", one.name + "Page")
    if answer == "object":
        return ref("schemas", one.name + "Shown")
    by_name = {(message.protocol, message.name): message for message in document.schema.messages}
    message = row.get("msg")
    if answer == "imported":
        return {"oneOf": [ref("schemas", document.use_struct("config", by_name["config", name].struct))
                          for name in ("ApplyDone", "PlanDone")]}
    if message.name == "ReadChanges":
        return ref("schemas", "ChangesSince")
    reply = by_name[message.protocol, message.reply].struct
    if not row.get("show"):
        return ref("schemas", document.use_struct(message.protocol, reply))
    items = [item for item in reply.fields if item.name in row["show"]]
    for item in items:
        document.use_struct(message.protocol, item.struct)
    return {"type": "object", "properties": {item.name: field_schema(item, message_name(message.protocol)) for item in items}}


def good_answer(document, row, one):
    status = str(row.get("status", 200))
    if status == "204":
        return status, {"description": "Done."}
    if row.get("answer") == "events":
        return status, {"description": row["help"], "content": {"text/event-stream": {"schema": TEXT}}}
    answer = {"description": "Done." if row["method"] != "GET" else "As it is now.",
              "content": content(answer_schema(document, row, one))}
    if row.get("etag"):
        answer["headers"] = {"ETag": ref("headers", "ETag")}
    if status == "201":
        answer.setdefault("headers", {})["Location"] = ref("headers", "Location")
    return status, answer


def bad_statuses(row):
    found = ["400", "429", "503"]
    if row["access"] != "anybody":
        found += ["401", "403"]
    if row["id"] == "logIn":
        found += ["401"]
    if "body" in row:
        found += ["413", "415"]
    if "msg" in row:
        found += ["404", "500", "501", "504"]
        if row["method"] != "GET":
            found += ["409", "412", "422"]
        elif row["msg"].protocol == "config":
            found += ["422"]
    elif "{" in row["path"]:
        found += ["404"]
    return sorted(set(found))


def operation(document, row, one):
    suffix = one.name if one else ""
    found = {"operationId": row["id"] + suffix, "summary": summary_of(row, one), "description": row["help"], "tags": [row["tag"]]}
    given = [item for item in parameters(row) if not (one and item["name"] == "type" and item["in"] == "path")]
    if given:
        found["parameters"] = [document.use_parameter(item) for item in given]
    body = body_of(document, row, one)
    if body:
        found["requestBody"] = body
    status, good = good_answer(document, row, one)
    found["responses"] = {status: good}
    if any(item["name"] == "If-None-Match" for item in given):
        found["responses"]["304"] = {"description": "It still has the revision that is known."}
    for bad in bad_statuses(row):
        found["responses"][bad] = ref("responses", BODY_STATUS[bad])
    if row["access"] == "anybody":
        found["security"] = []
    return found


def summary_of(row, one):
    words = re.split("[.,;:] ", row["help"])[0].rstrip(".")
    return f"{words} ({one.name})" if one else words


def add_path(document, row):
    # /{type}...: once for each type. Of /schema/objects/{type} the type is an ordinary parameter.
    is_of_types = re.search(r"/v1/\{type\}", row["path"]) is not None
    for one in document.schema.objects if is_of_types else [None]:
        path = row["path"].replace("{type}", one.plural) if one else row["path"]
        document.paths.setdefault(path, {})[row["method"].lower()] = operation(document, row, one)


def document(schema):
    made = Document(schema)
    made.schemas.update(FIXED_SCHEMAS)
    made.use_objects()
    for row in schema.routes.get("web", []):
        if "id" in row:
            add_path(made, row)
    responses = {name: {"description": WORDS[name], "content": content(ref("schemas", "Error"))} for name in WORDS}
    for name in ("TooManyRequests", "Unavailable"):
        responses[name]["headers"] = {"Retry-After": ref("headers", "RetryAfter")}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "summary": "Configuration, control and kept logs.",
                 "description": "Every call but log-in needs a session: a bearer token, or the cookie of a browser's log-in.",
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                 "contact": {"name": "The operator of this installation", "url": "https://localhost/"}},
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": made.paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"},
                                "cookie": {"type": "apiKey", "in": "cookie", "name": "carillon"}},
            "headers": {"ETag": {"description": "The object's revision", "schema": TEXT},
                        "Location": {"description": "Where the new object is", "schema": TEXT},
                        "RetryAfter": {"description": "Seconds to wait", "schema": NUMBER}},
            "parameters": made.parameters,
            "responses": responses,
            "schemas": made.schemas,
        },
    }


def text(schema):
    return json.dumps(document(schema), separators=(",", ":"), ensure_ascii=True)


def tables(schema):
    whole = text(schema)
    pieces = [whole[at:at + PIECE_CHARS] for at in range(0, len(whole), PIECE_CHARS)]
    rows = "".join(f"    {names.c_string(piece)},\n" for piece in pieces)
    head = "/* In pieces, NULL-ended: a literal may not be longer. */\nextern const char *const OPENAPI_WEB[];\n"
    return head, f"const char *const OPENAPI_WEB[] = {{\n{rows}    NULL,\n}};\n"
