#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/generate refuses what breaks its rules, and keeps what was released for life."""

import pathlib
import subprocess
import sys
import tempfile

GENERATE = [sys.executable, sys.argv[1]]
GREETING = """protocol = "test"
numbers = [100, 199]
[Greeting]
number = 101
reply = "Answer"
help = "h"
fields = [ { tag = 1, name = "Name", type = "text" }, { tag = 2, name = "Items", type = "list of Item" } ]
[Answer]
number = 102
fields = []
[struct.Item]
fields = [ { tag = 1, name = "Count", type = "u32", range = [0, 9] } ]
"""
OPTION = """[tries]
section = ""
type = "u32"
range = [0, 5]
default = "3"
effect = "immediate"
help = "h"
"""
SQL = "CREATE TABLE a (b TEXT);\n"


class House:
    """A schema folder of its own."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        self.put("messages/test.toml", GREETING)
        self.put("options/test.toml", OPTION)
        self.put("sql/common/001-ground.sql", "CREATE TABLE lease (name TEXT);\n")
        self.put("sql/test/001-first.sql", SQL)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, *more):
        done = subprocess.run([*GENERATE, "--schema", str(self.root), *more], capture_output=True, text=True)
        return done.returncode, done.stderr

    def accepts(self):
        code, words = self.run("--check-released")
        assert code == 0, words

    def refuses(self, *wanted):
        code, words = self.run("--check-released")
        assert code == 1, "accepted"
        for one in wanted:
            assert one in words, words

    def tables(self):
        out = self.root / "out"
        out.mkdir(exist_ok=True)
        code, words = self.run("--out", str(out))
        assert code == 0, words
        return {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()}


def a_missing_category_still_gives_its_header(house):
    names = set(house.tables())
    assert {"objects.h", "routes.h", "counters.h", "events.h"} <= names, names


def tables_hold_what_was_declared(house):
    tables = house.tables()
    assert "struct test_greeting {" in tables["messages.h"]
    assert "#define TEST_GREETING_HAS_ITEMS (1ull << 1)" in tables["messages.h"]
    assert "extern const struct msg MSG_TEST_GREETING;" in tables["messages.h"]
    assert ".min = 0ll, .max = 9ll" in tables["messages.c"]
    assert "uint32_t tries;" in tables["options.h"]
    assert tables["migrations.c"].index("lease") < tables["migrations.c"].index("CREATE TABLE a")


def files_that_did_not_change_are_not_written_again(house):
    house.tables()
    header = house.root / "out/messages.h"
    before = header.stat().st_mtime_ns
    house.tables()
    assert header.stat().st_mtime_ns == before


def a_tag_is_used_once(house):
    house.put("messages/test.toml", GREETING.replace("tag = 2, name", "tag = 1, name"))
    house.refuses("test.toml: Greeting", "tag 1 is used twice")


def a_number_is_used_once_and_lies_in_its_range(house):
    house.put("messages/test.toml", GREETING.replace("number = 102", "number = 101"))
    house.refuses("number 101 is taken by Greeting")
    house.put("messages/test.toml", GREETING.replace("number = 102", "number = 200"))
    house.refuses("number 200 is outside 100 to 199")


def a_reply_and_a_type_must_exist(house):
    house.put("messages/test.toml", GREETING.replace('"Answer"', '"Silence"'))
    house.refuses("its reply Silence does not exist")
    house.put("messages/test.toml", GREETING.replace("list of Item", "list of Thing"))
    house.refuses("unknown type Thing")


def a_misspelt_key_is_refused(house):
    house.put("options/test.toml", OPTION.replace("help", "hepl"))
    house.refuses("unknown key hepl")


def a_default_must_fit_its_own_rule(house):
    house.put("options/test.toml", OPTION.replace('default = "3"', 'default = "6"'))
    house.refuses("default '6' breaks its own type, range or choices")


def one_name_of_an_event_and_one_number_in_a_room(house):
    event = '[%s]\nid = "00-00001"\nlevel = "standard"\ntext = "t"\ncause = "c"\ncure = "c"\n'
    house.put("events/a.toml", event % "ONE")
    house.put("events/b.toml", event % "TWO")  # another room tells the same event
    house.accepts()
    house.put("events/b.toml", event % "ONE")
    house.refuses("the name is also that of")
    house.put("events/b.toml", event % "TWO" + event % "THREE")
    house.refuses("id 00-00001 is taken")


def a_broken_file_is_named(house):
    house.put("messages/test.toml", "[Greeting")
    house.refuses("test.toml")


def what_was_released_stays(house):
    assert house.run("--release")[0] == 0
    house.accepts()
    house.put("messages/test.toml", GREETING.replace("number = 102", "number = 103"))
    house.refuses("message 102 was released as test.Answer, and is now gone")
    house.put("messages/test.toml", GREETING.replace("tag = 2", "tag = 3"))
    house.refuses("field test.Greeting 2 was released as Items list-of-Item, and is now gone")
    house.put("messages/test.toml", GREETING.replace('type = "text"', 'type = "u32"'))
    house.refuses("field test.Greeting 1 was released as Name text, and is now Name u32")


def new_things_are_only_added(house):
    house.run("--release")
    house.put("messages/test.toml", GREETING + '[Later]\nnumber = 103\nfields = []\n')
    house.accepts()
    before = (house.root / "released.lock").read_text(encoding="utf-8")
    house.run("--release")
    after = (house.root / "released.lock").read_text(encoding="utf-8")
    assert set(before.splitlines()) < set(after.splitlines())


def a_new_field_of_a_released_message_is_optional(house):
    house.run("--release")
    longer = GREETING.replace('type = "list of Item" }', 'type = "list of Item" }, { tag = 3, name = "New", type = "u32" }')
    house.put("messages/test.toml", longer)
    house.accepts()
    house.put("messages/test.toml", longer.replace('name = "New"', 'name = "New", required = true'))
    house.refuses("field test.Greeting 3 (New u32 required) is new in what was released")


def a_retired_tag_may_go_but_never_come_back(house):
    house.run("--release")
    gone = GREETING.replace(', { tag = 2, name = "Items", type = "list of Item" } ]', " ]\nretired = [2]")
    house.put("messages/test.toml", gone)
    house.accepts()
    house.put("messages/test.toml", gone.replace('type = "text" }', 'type = "text" }, { tag = 2, name = "New", type = "u32" }'))
    house.refuses("tag 2 is used twice or retired")


def a_retired_message_keeps_its_number(house):
    house.run("--release")
    gone = GREETING.split("[Answer]")[0].replace('reply = "Answer"\n', "") + "[struct.Item]" + GREETING.split("[struct.Item]")[1]
    house.put("messages/test.toml", gone)
    house.refuses("message 102 was released")
    house.put("messages/test.toml", gone + "[retired]\n102 = \"Answer\"\n")
    house.accepts()
    house.put("messages/test.toml", gone + "[retired]\n102 = \"Answer\"\n[Other]\nnumber = 102\nfields = []\n")
    house.refuses("number 102 is taken by a retired message")


def a_released_migration_keeps_its_words_and_version(house):
    house.run("--release")
    house.put("sql/test/001-first.sql", SQL + "-- changed\n")
    house.refuses("migration test 2 was released")
    house.put("sql/test/001-first.sql", SQL)
    house.put("sql/common/002-later.sql", "CREATE TABLE later (x TEXT);\n")
    house.accepts()
    text = house.tables()["migrations.c"]
    assert text.index("CREATE TABLE a") < text.index("CREATE TABLE later"), "a common one came before a released one"


def the_reference_has_a_page_for_each_kind(house):
    assert house.run("--reference", str(house.root / "pages"))[0] == 0
    pages = {path.name for path in (house.root / "pages").iterdir()}
    assert pages == {f"{name}.md" for name in ("messages", "objects", "options", "events", "counters", "routes")}, pages
    assert "| 1 | `Name` | text |" in (house.root / "pages/messages.md").read_text(encoding="utf-8")


TESTS = [a_missing_category_still_gives_its_header, tables_hold_what_was_declared,
         files_that_did_not_change_are_not_written_again, a_tag_is_used_once,
         a_number_is_used_once_and_lies_in_its_range, a_reply_and_a_type_must_exist, a_misspelt_key_is_refused,
         a_default_must_fit_its_own_rule, one_name_of_an_event_and_one_number_in_a_room, a_broken_file_is_named,
         what_was_released_stays, new_things_are_only_added,
         a_new_field_of_a_released_message_is_optional, a_retired_tag_may_go_but_never_come_back,
         a_retired_message_keeps_its_number, a_released_migration_keeps_its_words_and_version,
         the_reference_has_a_page_for_each_kind]


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(House(folder))
                print(f"ok {number} - {test.__name__}")
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {test.__name__}\n# {error}")
    return 1 if failed else 0


sys.exit(main())
