# SPDX-License-Identifier: Apache-2.0
"""Reference pages in Markdown, one per kind of table: printed, never edited."""


def write(schema, out):
    out.mkdir(parents=True, exist_ok=True)
    pages = {
        "messages": messages(schema),
        "objects": objects(schema),
        "options": options(schema),
        "events": events(schema),
        "counters": counters(schema),
        "routes": routes(schema),
    }
    for name, text in pages.items():
        (out / f"{name}.md").write_text(text, encoding="utf-8")


def cell(text):
    return str(text if text is not None else "").replace("|", "\\|").replace("\n", " ")


def table(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(cell(one) for one in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def page(title, intro, body):
    return f"# {title}\n\n{intro}\n\nPrinted by `tools/generate --reference` from `schema/`.\n\n{body}"


def rule_words(item):
    words = []
    if item.required:
        words.append("required")
    if item.range:
        words.append(f"{item.range[0]} to {item.range[1]}")
    if item.max_len:
        words.append(f"at most {item.max_len} {'items' if item.is_list else 'bytes'}")
    if item.choices:
        words.append(", ".join(item.choices))
    if item.fallback is not None:
        words.append(f"default {item.fallback or 'empty'}")
    return "; ".join(words)


def field_table(struct):
    if not struct.fields:
        return "No fields.\n"
    return table(["tag", "field", "type", "rule", "unit", "meaning"],
                 [(item.tag, f"`{item.name}`", item.type_words, rule_words(item), item.unit, item.help)
                  for item in sorted(struct.fields, key=lambda item: item.tag)])


def messages(schema):
    body = ""
    for protocol in sorted({message.protocol for message in schema.messages} | set(schema.structs)):
        body += f"## {protocol}\n\n"
        for message in schema.messages:
            if message.protocol != protocol:
                continue
            reply = f" Reply: `{message.reply}`." if message.reply else ""
            access = "" if message.access == "servers" else f" Access: {message.access}."
            body += f"### {message.name} ({message.number})\n\n{message.help or ''}{reply}{access}\n\n"
            body += field_table(message.struct) + "\n" if message.owns_struct else f"Fields as {message.struct.name}.\n\n"
        for struct in schema.structs.get(protocol, []):
            body += f"### {struct.name} (part of others)\n\n" + (f"{struct.help}\n\n" if struct.help else "")
            body += field_table(struct) + "\n"
    return page("Messages", "What servers, desktops and HTTP clients exchange.", body)


def objects(schema):
    body = ""
    for one in schema.objects:
        scope = "of the installation" if one.is_global else "of a tenant"
        body += f"## {one.name} ({one.code})\n\n{one.help or ''}\n\n"
        body += f"`{one.plural}` in a configuration file; {scope}; key: {', '.join(one.key)}.\n\n"
        body += field_table(one.struct) + "\n"
        for struct in one.structs:
            body += f"### {struct.name}\n\n{field_table(struct)}\n"
    return page("Configuration objects", "What `carillon config apply` understands.", body)


def option_rule(option):
    words = [option.type]
    if option.range:
        words.append(f"{option.range[0]} to {option.range[1]}")
    if option.max_word:
        words.append(option.max_word)
    if option.choices:
        words.append(", ".join(one or "(empty)" for one in option.choices))
    return "; ".join(words)


def option_section(kind, option):
    if option.section:
        return option.section
    # The supervisor starts before there is any configuration: host.jsonc has its own.
    return "(host.jsonc)" if kind == "supervisor" else "(outbound 3.1)"


def options(schema):
    body = ""
    for kind, rows in schema.options.items():
        title = "Every application" if kind == "common" else kind
        body += f"## {title}\n\n" + table(
            ["section", "option", "valid", "default", "unit", "levels", "effect", "meaning"],
            [(option_section(kind, option), f"`{option.name}`", option_rule(option), option.fallback,
              option.unit, ", ".join(option.levels), option.effect, option.help) for option in rows]) + "\n"
    intro = ("An option that is not here does not exist. A section `(outbound 3.1)` is looked up in the section named "
             "as the application, then `default`, then `OCServer`; `(host.jsonc)` stands there under `options`.")
    return page("Options", intro, body)


def events(schema):
    rows = sorted(schema.events, key=lambda one: one[2]["id"])
    body = table(["id", "level", "category", "text", "cause", "cure"],
                 [(row["id"], row["level"], row.get("category", "application"), row["text"], row["cause"],
                   row["cure"]) for _, _, row in rows])
    intro = ("Every numbered line of a log. An operator changes an event's level by `[log-extended] level-reassign-ID`, its "
             "words by `[log] message-file`.")
    return page("Log events", intro, body)


def counters(schema):
    body = ""
    for kind, rows in schema.counters.items():
        body += f"## {kind}\n\n" + table(
            ["metric", "kind", "unit", "meaning"],
            [(f"`carillon_{key}`", row["kind"], row.get("unit"), row["help"]) for key, row in rows]) + "\n"
    return page("Counters", "Prometheus metrics, labelled with the application's name.", body)


def routes(schema):
    body = ""
    for server, rows in schema.routes.items():
        body += f"## {server}\n\n" + table(
            ["method", "path", "req", "also", "message", "who may", "meaning"],
            [(row["method"], f"`{row['path']}`", row.get("req"), ", ".join(row.get("aliases", [])),
              row.get("message"), row.get("access", "anybody"), row.get("help")) for row in rows]) + "\n"
    return page("HTTP routes", "What each server answers over HTTP.", body)
