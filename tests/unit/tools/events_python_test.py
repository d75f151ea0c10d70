#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Log events (framework 8.3): every one that the program can write is declared, every declared one is written somewhere, and the
reference names cause and cure of each."""
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/unit"))

import tap  # noqa: E402

# Where a line may be written without the macro of a declared event: the door itself, and those who pass on an event they were
# handed.
DOORS = {"src/base/log.c", "src/base/log.h"}


def declared():
    events = {}
    for path in sorted((TOP / "schema/events").glob("*.toml")):
        for name, row in tomllib.loads(path.read_text(encoding="utf-8")).items():
            events[name] = row
    return events


def sources():
    for path in sorted((TOP / "src").rglob("*.c")) + sorted((TOP / "src").rglob("*.h")):
        yield path.relative_to(TOP).as_posix(), path.read_text(encoding="utf-8")


def reference():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, TOP / "tools/generate", "--schema", TOP / "schema", "--reference", folder], check=True)
        return (pathlib.Path(folder) / "events.md").read_text(encoding="utf-8")


def cells(line):
    return [one.strip() for one in re.split(r"(?<!\\)\|", line)[1:-1]]


def undocumented(rows):
    """Declared, and not in the reference with its words, a cause and a cure."""
    documented = {(row[0], row[3].replace("\\|", "|")): row[4:6] for row in rows}
    return [name for name, row in declared().items() if not all(documented.get((row["id"], row["text"]), [""]))]


def undeclared(texts):
    """Written past the declared events, or by a name that none has."""
    names, found = set(declared()), []
    for path, text in texts:
        found += [f"{path}: EVENT_{name}" for name in re.findall(r"&EVENT_([A-Z0-9_]+)\b", text) if name not in names]
        if path not in DOORS and re.search(r"(?<![a-z_])log_write\((?!&?[a-z_>.-]+, (?:event|&EVENT_[A-Z0-9_]+),)", text):
            found.append(f"{path}: log_write()")
        if path not in DOORS and re.search(r"struct log_event [a-z_]+ = \{", text):
            found.append(f"{path}: an event of its own")
    return found


def unwritten(texts):
    everything = "\n".join(text for _, text in texts)
    return sorted(set(declared()) - set(re.findall(r"\b(?:LOG|EVENT)_([A-Z0-9_]+)\b", everything)))


def checks():
    texts = list(sources())
    rows = [cells(line) for line in reference().splitlines() if re.match(r"\| \d\d-\d{5} ", line)]
    missing = undocumented(rows)
    yield f"every declared event is in the reference, with cause and cure: {missing}", rows and not missing
    found = undeclared(texts)
    yield f"every event that is written is declared: {found}", not found
    unused = unwritten(texts)
    yield f"every declared event is written somewhere: {unused}", not unused
    stray = [("src/x.c", 'log_write(log, &strange, "words");'), ("src/y.c", "&EVENT_NO_SUCH_THING")]
    yield "one that is not declared would be found", len(undeclared(stray)) == 2


if __name__ == "__main__":
    sys.exit(tap.run(checks()))
