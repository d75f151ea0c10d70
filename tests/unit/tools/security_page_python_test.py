#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/security.md: every test that it names is there, and every threat has one or says why not."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[3]
NAMED = re.compile(r"`(\w+_test|test_\w+|fuzz)/(\w+)`")


def places(file):
    """Where a test file of that name may be; fuzz is the folder of fuzz targets."""
    return [path for ending in (".c", ".py") for path in (TOP / "tests").rglob(file + ending)]


def is_there(file, test):
    if file == "fuzz":
        return (TOP / f"tests/fuzz/{test}_fuzz.c").is_file() and f"'{test}'" in (TOP / "tests/fuzz/meson.build").read_text()
    pattern = re.compile(rf"TEST(?:_OF_FILES)?\({test}\)|def {test}\(")
    return any(pattern.search(path.read_text(encoding="utf-8")) for path in places(file))


def rows(text):
    """The rows of the threat table: threat, what stops it, tests."""
    part = text.partition("\n## Threats\n")[2].partition("\n## ")[0]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return found[2:]


def checks():
    text = (TOP / "docs/security.md").read_text(encoding="utf-8")
    table = rows(text)
    yield "the table is found", len(table) > 40 and all(len(row) == 3 for row in table)
    bare = [row[0] for row in table if not NAMED.search(row[-1]) and "no test, because" not in row[-1]]
    yield f"every threat has a test, or a reason: {bare}", not bare
    missing = [f"{file}/{test}" for file, test in NAMED.findall(text) if not is_there(file, test)]
    yield f"every test named is there: {missing}", not missing
    yield "one that is not there would be missed", not is_there("test_security", "test_of_nothing") and not is_there("fuzz", "nothing")


if __name__ == "__main__":
    sys.exit(tap.run(checks()))
