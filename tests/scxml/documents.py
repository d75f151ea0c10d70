# SPDX-License-Identifier: Apache-2.0
"""The two sets of conformance documents: ours (own/) and the W3C's, where that folder is there."""
import dataclasses
import pathlib
import re
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
OWN = HERE / "own"

# What the manifest does not list: encodings, and a test that the set's keepers wrote themselves.
EXTRA = {"145": "test145.scxml", "encoding UTF-8": "test-enc-UTF8.scxml",
         "encoding UTF-16": "test-enc-UTF-16.scxml",
         "encoding ISO-8859-1": "test-enc-ISO-8859-1.scxml",
         "encoding Windows-1252": "test-enc-WINDOWS-1252.scxml"}
NULL_DATA_MODEL = "436"
# Start documents that orchestration 3.6 counts: automated and manual, mandatory and optional.
COUNTS = {("mandatory", False): 160, ("optional", False): 33, ("mandatory", True): 8, ("optional", True): 1}

HEAD = re.compile(r"<!-- (\d+[a-c]?) ([A-D]?\.?[\d.]+) (mandatory|optional): (.+) -->")
EXPECTS = re.compile(r"<!-- expects (\w+):? ?(.*) -->")
# The data model's sections come before those of the processors.
SECTION_ORDER = {"C": 7, "D": 8}


@dataclasses.dataclass
class Document:
    """One document of a set; `expects` is "pass", "refused", "log", "http" or "answer"."""
    id: str
    section: str
    kind: str
    path: pathlib.Path
    words: str = ""
    is_manual: bool = False
    expects: str = "pass"
    detail: str = ""
    needs_http: bool = False

    @property
    def order(self):
        parts = [SECTION_ORDER.get(part) or int(part) for part in self.section.split(".") if part]
        return parts, int(re.match(r"\d+", self.id)[0]) if self.id[0].isdigit() else 0, self.id


def read_own(path):
    text = path.read_text(encoding="utf-8")
    head, expects = HEAD.search(text), EXPECTS.search(text)
    if not head:
        raise ValueError(f"{path.name}: no comment that says which rule it tests")
    kind, detail = expects.groups() if expects else ("pass", "")
    return Document(head[1], head[2], head[3], path, words=head[4], expects=kind, detail=detail,
                    needs_http=kind in ("http", "answer"))


def own():
    return sorted((read_own(path) for path in OWN.glob("*.scxml")), key=lambda one: one.order)


def w3c_document(folder, test, section, uri):
    name = pathlib.Path(uri).stem
    path = folder / ("null" if test.get("id") == NULL_DATA_MODEL else ".") / f"{name}.scxml"
    found = Document(name.removeprefix("test"), section, test.get("conformance"), path,
                     is_manual=test.get("manual") == "true")
    found.needs_http = path.exists() and b"BasicHTTP" in path.read_bytes()
    return found


def w3c(folder):
    """The start documents that the manifest lists, without XPath's, and those beside it."""
    manifest = xml.etree.ElementTree.parse(folder / "manifest.xml")
    listed = [w3c_document(folder, test, rule.get("specnum"), start.get("uri"))
              for rule in manifest.iter("assert") if rule.get("specnum") != "C.3"
              for test in rule.iter("test") for start in test.iter("start")]
    extra = [Document(name, "", "extra", folder / file) for name, file in EXTRA.items()]
    return sorted(listed, key=lambda one: one.order), extra


def check_table(ours, theirs):
    """(name, is_good, words): our documents and the manifest's, one for one."""
    mine = {one.id: one for one in ours}
    yield "own set: one document for each id", len(mine) == len(ours), ""
    counted = {}
    for one in ours:
        counted[one.kind] = counted.get(one.kind, 0) + 1
    expected = {kind: sum(count for (each, _), count in COUNTS.items() if each == kind) for kind in counted}
    expected["mandatory"] += 1  # 436, of the null data model
    yield "own set: as many documents as the suite has", counted == expected, f"{counted}"
    if theirs is None:
        return
    listed = {one.id: (one.section, one.kind) for one in theirs}
    wrong = [name for name in mine.keys() | listed.keys()
             if name not in mine or listed.get(name) != (mine[name].section, mine[name].kind)]
    yield "own set: ids, sections and kinds of the manifest", not wrong, " ".join(sorted(wrong))
    tally = {}
    for one in theirs:
        if one.id != NULL_DATA_MODEL:
            tally[one.kind, one.is_manual] = tally.get((one.kind, one.is_manual), 0) + 1
    yield "manifest: 160 + 33 automated, 8 + 1 manual", tally == COUNTS, f"{tally}"
