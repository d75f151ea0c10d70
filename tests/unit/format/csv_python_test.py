#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Property: what Python's csv module writes, our reader reads as Python does. 60 files, a fixed seed."""

import csv
import io
import random
import subprocess
import sys

PIECES = ["a", "Z", " ", ",", ";", "\t", '"', '""', "\n", "\r\n", "é", "bell", "0", "'", "\\", "😀"]


def cell(chance):
    return "".join(chance.choice(PIECES) for _ in range(chance.randrange(6)))


def rows_of(chance):
    # A row whose only field is empty is written as "" and read back; a blank line is none.
    return [[cell(chance) for _ in range(chance.randrange(1, 8))] for _ in range(chance.randrange(1, 30))]


def main():
    chance, failed = random.Random(20240), 0
    print("1..60")
    for number in range(1, 61):
        rows, delimiter = rows_of(chance), chance.choice(",;\t")
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator=chance.choice(["\r\n", "\n"]),
                   quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])).writerows(rows)
        wanted = "".join("".join(f"{len(one.encode())}:{one}" for one in row) + "\n" for row in
                         csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter))
        got = subprocess.run([sys.argv[1], delimiter, str(chance.randrange(1, 9))], check=True,
                             input=text.getvalue().encode(), stdout=subprocess.PIPE).stdout.decode()
        is_same = got == wanted
        failed += not is_same
        print(f"{'ok' if is_same else 'not ok'} {number} - file {number} reads as Python reads it")
        if not is_same:
            print(f"# wrote {text.getvalue()!r}\n# wanted {wanted!r}\n# got {got!r}")
    return 1 if failed else 0


sys.exit(main())
