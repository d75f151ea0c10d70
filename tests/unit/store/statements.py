#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every statement of every server is prepared on SQLite and on PostgreSQL, behind all migrations.

    tests/unit/store/statements.py CHECKER BUILD_FOLDER

The sources are read as the compiler reads them (its command with -E), so that macros are what they stand
for; every `struct statement` with its text is found in them, and handed to CHECKER (statements_check.c)."""
import ast
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
STRING = r'"(?:[^"\\]|\\.)*"'
TEXT = rf"{STRING}(?:\s*{STRING})*"
# { "..." } or { "...", .postgres = "..." }, behind a name or within an array.
STATEMENT = re.compile(rf"\{{\s*(?:\.sql\s*=\s*)?({TEXT})\s*(?:,\s*(?:\.postgres\s*=\s*)?({TEXT}))?\s*,?\s*\}}")
DECLARATION = re.compile(r"\bstruct statement\b[^;(){}]*=\s*")
LIVES_IN = {"config": "config", "control": "control", "outbound": "outbound", "web": "web", "store": "outbound"}


def text_of(literals):
    return "".join(ast.literal_eval(one) for one in re.findall(STRING, literals))


def declared(source):
    """The text of each declaration of statements, up to its semicolon outside of quotes."""
    for found in DECLARATION.finditer(source):
        end = re.match(rf"(?:{STRING}|[^;\"])*;", source[found.end():])
        if end:
            yield end.group(0)


def statements_of(command):
    words = shlex.split(command["command"])
    keep, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MQ"):
            skip = True
        elif word not in ("-c", "-MD"):
            keep.append(word)
    done = subprocess.run([*keep, "-E", "-P"], cwd=command["directory"], capture_output=True, text=True,
                          check=True)
    found = []
    for body in declared(done.stdout):
        for sql, postgres in STATEMENT.findall(body):
            sql, postgres = text_of(sql), text_of(postgres) if postgres else ""
            # SQLite's catalogue: asked on the way that is SQLite's alone (lookup.c).
            found.append((sql, postgres or ("SELECT 1" if "sqlite_master" in sql else "")))
    return found


def main(checker, build):
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    wanted = {}
    for command in commands:
        path = pathlib.Path(os.path.normpath(os.path.join(command["directory"], command["file"])))
        parts = path.relative_to(TOP / "src").parts if path.is_relative_to(TOP / "src") else ()
        room = parts[1] if parts[:1] == ("servers",) else parts[0] if parts else ""
        # Drivers speak to what is theirs; statements of customers' tables are met in test_odbc.py.
        if room in LIVES_IN and path.suffix == ".c" and not re.match(r"(sqlite|postgres|odbc|migrate|sim_)", path.name):
            if "struct statement" in path.read_text():
                wanted.setdefault(path, (LIVES_IN[room], command))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda one: (one[0], statements_of(one[1])), wanted.values()))
    found = {(room, *pair) for room, pairs in results for pair in pairs}
    rooms = {room for room, *_ in found}
    if rooms != set(LIVES_IN.values()) or len(found) < 80:
        sys.exit(f"statements.py: {len(found)} statements of {sorted(rooms)}: the sources are not understood")
    with tempfile.NamedTemporaryFile("wb", suffix=".statements") as file:
        for one in sorted(found):
            file.write("".join(text + "\0" for text in one).encode())
        file.flush()
        sys.exit(subprocess.run([checker], env={**os.environ, "STATEMENTS": file.name}, check=False).returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
