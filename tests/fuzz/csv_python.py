#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The corpus of the CSV fuzzer, read by Python's csv beside our reader: csv_python.py CSV_PRINT FOLDER

What differs, and why that is right:
  bytes that are no UTF-8    ours reads bytes; Python is given one character a byte
  a byte order mark          ours drops UTF-8's at the front; Python is given the rest
  a row that ours tells bad  text behind a closing quote, a quote open at the end, past a bound: Python
                             takes the first two as they come. Files with one are compared up to it.
  blank lines                ours passes over them, Python tells an empty row
"""

import csv
import io
import pathlib
import random
import subprocess
import sys

csv.field_size_limit(1 << 30)


def by_python(content, delimiter):
    if content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
    rows = csv.reader(io.StringIO(content.decode("latin-1"), newline=""), delimiter=delimiter)
    try:
        for row in rows:
            if row:
                yield "".join(f"{len(one)}:{one}" for one in row) + "\n"
    except csv.Error:
        yield None


def by_us(program, content, delimiter, slice_bytes):
    told = subprocess.run([program, delimiter, str(slice_bytes)], input=content, check=True,
                          stdout=subprocess.PIPE).stdout.decode("latin-1")
    bad = told.find("line ")
    while bad > 0 and told[bad - 1] != "\n":
        bad = told.find("line ", bad + 1)
    return told if bad < 0 else told[:bad], bad >= 0


def check(program, content, delimiter, chance):
    ours, has_bad = by_us(program, content, delimiter, chance.randrange(1, 33))
    theirs = "".join(row or "" for row in by_python(content, delimiter))
    return theirs.startswith(ours) if has_bad else theirs == ours


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    files, chance, failed = sorted(folder.iterdir()), random.Random(20261121), 0
    print(f"1..{len(files)}")
    for number, path in enumerate(files, 1):
        content = path.read_bytes()
        likely = max(",;\t|", key=content.decode("latin-1").count)
        wrong = [one for one in {",", likely} if not check(program, content, one, chance)]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {path.name} reads as Python reads it"
              + (f" # not with {wrong}" if wrong else ""))
    return 1 if failed else 0


sys.exit(main())
