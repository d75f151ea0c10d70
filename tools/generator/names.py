# SPDX-License-Identifier: Apache-2.0
"""How the guides' names become C names: the spelling others see stays in strings."""

import re

C_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while bool true false head".split()
)


def snake(name):
    """CallingList -> calling_list, GSW_PHONE -> gsw_phone, http-proxy -> http_proxy."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return name.lower().strip("_")


def member(name):
    name = snake(name)
    return name + "_" if name in C_WORDS else name


def constant(name):
    return snake(name).upper()


def c_string(text):
    """A C literal; newlines become one literal per line, so that tables stay readable."""
    if text is None:
        return "NULL"
    lines = []
    for line in text.splitlines(keepends=True) or [""]:
        out = ""
        for char in line:
            if char in '\\"':
                out += "\\" + char
            elif char == "\n":
                out += "\\n"
            elif ord(char) < 32 or ord(char) == 127:
                out += "\\%03o" % ord(char)
            else:
                out += char
        # No trigraphs: a literal ?? could begin one.
        lines.append('"' + out.replace("??", '?""?') + '"')
    return "\n    ".join(lines)
