# SPDX-License-Identifier: Apache-2.0
"""docs/scxml-conformance.md: each test of the suite, how it went in both sets."""

PLACE = "docs/scxml-conformance.md"

HEAD = """# SCXML conformance

Written by `make conformance` (tests/scxml/run.py); `make test` compares it with what it sees.

The W3C's implementation-report tests, ECMAScript data model, run where they lie beside the project and are not part of it. Our own
set (tests/scxml/own) has a document of our own writing for each of them and runs always. Sections are those of the suite's manifest:
its C.2 is the Recommendation's B.2, its D.1 and D.2 are C.1 and C.2. The manual tests are looked at by the runner (tests/scxml/manual.py).
Times are in the lines that the runner prints.

"""


def state(result):
    """The word, and how the session ended where that is not in the final state pass."""
    if result is None:
        return "not run"
    word = "**FAIL**" if result.wrong else "pass"
    return word if result.run.outcome == "pass" else f"{word} ({result.run.outcome})"


def tally(name, results):
    good = sum(not result.wrong for result in results)
    return f"| {name} | {good} | {len(results)} |\n"


def totals(ours, theirs):
    def of(results, kind, is_manual):
        return [one for one in results if one.document.kind == kind and one.document.is_manual == is_manual
                and one.document.id != "436"]
    text = "| set | pass | of |\n|---|---|---|\n"
    text += tally("W3C, automated, mandatory", of(theirs, "mandatory", False))
    text += tally("W3C, automated, optional", of(theirs, "optional", False))
    text += tally("W3C, manual, mandatory", of(theirs, "mandatory", True))
    text += tally("W3C, manual, optional", of(theirs, "optional", True))
    text += tally("W3C, null data model (436)", [one for one in theirs if one.document.id == "436"])
    text += tally("beside the manifest (145, encodings)", [one for one in theirs if one.document.kind == "extra"])
    return text + tally("our own set", ours) + "\n"


def table(documents, results):
    ours = {one.document.id: one for one in results["own"]}
    theirs = {one.document.id: one for one in results["w3c"]}
    text = HEAD + totals(results["own"], results["w3c"])
    text += "| test | section | | what must hold | our document | ours | W3C's |\n|---|---|---|---|---|---|---|\n"
    for one in documents:
        text += (f"| {one.id} | {one.section} | {one.kind} | {one.words} | {one.path.stem} | "
                 f"{state(ours.get(one.id))} | {state(theirs.get(one.id))} |\n")
    text += "\n| beside the manifest | W3C's |\n|---|---|\n"
    for one in results["w3c"]:
        if one.document.kind == "extra":
            text += f"| {one.document.id} | {state(one)} |\n"
    return text
