# SPDX-License-Identifier: Apache-2.0
"""`carillon import`: a CSV file becomes rows of a calling list; what breaks a rule is left out and
named, and live work goes on meanwhile."""
import base64
import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

import databases
from campaign import READY, UPDATED, Centre, new_group
from harness import alone, binary, wait_until

HEADER = "contact_info,contact_info_type,tz_name,daily_from,daily_till,chain_key,first_name,Other1\n"


def line(phone, chain="", name="", other=""):
    return f"{phone},4,GMT,0,86400,{chain},{name},{other}\n"


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.groups = [new_group(i + 1) for i in range(50)]
        cls.centre = Centre(list(cls.groups))
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    def setUp(self):
        self.group = self.groups.pop()
        self.file = self.centre.folder / f"{self.group.list}.csv"
        self.rejects = self.centre.folder / f"{self.group.list}.rejects.csv"

    def write(self, text, encoding="utf-8"):
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))

    def command(self, *words):
        return ["import", "--list", self.group.list, "--rejects", str(self.rejects), *words, str(self.file)]

    def import_file(self, *words, code=0):
        done = self.centre.cli(*self.command(*words), check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def rejected(self):
        if not self.rejects.exists():
            return []
        with self.rejects.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def test_rows_get_what_the_file_says_and_the_defaults_of_a_new_record(self):
        self.write(HEADER + '15550001,1,CET,08:00,20:30,,Anna,hello\n')
        self.import_file()
        row, = self.centre.rows(self.group)
        expected = {"contact_info": "15550001", "contact_info_type": 1, "daily_from": 8 * 3600,
                    "daily_till": 20 * 3600 + 30 * 60, "first_name": "Anna", "Other1": "hello",
                    "Other2": None, "record_type": 2, "record_status": READY, "call_result": 28,
                    "attempt": 0, "chain_n": 1}
        self.assertEqual({key: row[key] for key in expected}, expected)
        self.assertGreater(row["tz_dbid"], 0)
        self.assertGreater(row["record_id"], 0)
        self.assertGreater(row["chain_id"], 0)

    def test_bom_quotes_and_line_ends(self):
        text = HEADER.replace("\n", "\r\n") + \
            '"15550002","4","GMT","0","86400","","Smith, ""Jo""","two\r\nlines, ""quoted"""\r\n' \
            '15550003,4,GMT,0,86400,,Ж é ✓,\r\n15550004,4,GMT,0,86400,,,last'
        self.write(b"\xef\xbb\xbf" + text.encode())
        self.import_file()
        rows = {row["contact_info"]: row for row in self.centre.rows(self.group)}
        self.assertEqual(sorted(rows), ["15550002", "15550003", "15550004"])
        self.assertEqual((rows["15550002"]["first_name"], rows["15550002"]["Other1"]),
                         ('Smith, "Jo"', 'two\r\nlines, "quoted"'))
        self.assertEqual(rows["15550003"]["first_name"], "Ж é ✓")
        self.assertEqual(rows["15550004"]["Other1"], "last")

    def test_columns_in_any_order_and_names_mapped(self):
        self.write("Note;ignore me;Phone Number;Zone;von;bis;Customer\n".replace(";", ",")
                   + "hi,x,15550005,GMT,0,86400,C5\n")
        self.import_file("--map", "contact_info=Phone Number,tz_name=Zone,daily_from=von,daily_till=bis,"
                         "Other1=Note,GSW_CUSTOMER_ID=Customer", "--ignore", "ignore me")
        row, = self.centre.rows(self.group)
        self.assertEqual((row["contact_info"], row["Other1"], row["c_client_id"]), ("15550005", "hi", "C5"))

    def test_lines_with_one_chain_key_become_one_chain(self):
        self.write(HEADER + line("15550006", "k1") + line("15550007", "k1") + line("15550008", "k1")
                   + line("15550009", "k2") + line("15550010", "") + line("15550011", ""))
        self.import_file()
        rows = self.centre.rows(self.group)
        chains = {}
        for row in rows:
            chains.setdefault(row["chain_id"], []).append((row["chain_n"], row["contact_info"]))
        self.assertEqual(sorted(chains.values()),
                         [[(1, "15550006"), (2, "15550007"), (3, "15550008")], [(1, "15550009")],
                          [(1, "15550010")], [(1, "15550011")]])
        self.assertEqual(len({row["record_id"] for row in rows}), 6)

    def test_chains_hold_together_over_thousands_of_lines(self):
        count = 4000
        self.write(HEADER + "".join(line(f"1556{i:07}", f"key {i // 3}") for i in range(count)))
        self.import_file()
        rows = self.centre.rows(self.group)
        self.assertEqual(len(rows), count)
        for i, row in enumerate(sorted(rows, key=lambda row: row["contact_info"])):
            self.assertEqual(row["chain_n"], i % 3 + 1, row)
        self.assertEqual(len({row["chain_id"] for row in rows}), -(-count // 3))

    def test_what_breaks_a_rule_is_named_by_line_field_and_rule(self):
        good = [line("15550012"), line("15550013")]
        self.write(HEADER + good[0]                                     # line 2
                   + ",4,GMT,0,86400,,,\n"                              # 3: no number
                   + "15550014,99,GMT,0,86400,,,\n"                     # 4: no such type
                   + "15550015,4,Mars/Olympus,0,86400,,,\n"             # 5: no such zone
                   + "15550016,4,GMT,25:00,86400,,,\n"                  # 6: no such hour
                   + "15550017,4,GMT,0\n"                               # 7: too few cells
                   + f"15550018,4,GMT,0,86400,,{'x' * 65},\n"           # 8: too long
                   + '15550019,four,GMT,0,86400,,,"two\nlines"\n'       # 9 and 10: not a number
                   + good[1])                                           # 11
        self.import_file(code=3)
        self.assertEqual(sorted(row["contact_info"] for row in self.centre.rows(self.group)), ["15550012", "15550013"])
        rejected = sorted(self.rejected(), key=lambda one: int(one["line"]))
        self.assertEqual([(int(one["line"]), one["field"]) for one in rejected],
                         [(3, "contact_info"), (4, "contact_info_type"), (5, "tz_name"), (6, "daily_from"),
                          (7, "line"), (8, "first_name"), (9, "contact_info_type")])
        self.assertTrue(all(one["rule"] for one in rejected))

    def test_the_outcome_is_told_in_words_and_a_file_without_rejects_leaves_no_rejects_file(self):
        self.write(HEADER + line("15550020") + line("15550021"))
        done = self.import_file()
        self.assertIn("2", done.stdout)
        self.assertFalse(self.rejects.exists())

    def test_without_a_terminal_progress_comes_in_whole_lines(self):
        self.write(HEADER + "".join(line(f"1557{i:07}") for i in range(20000)))
        done = self.import_file()
        self.assertNotIn("\r", done.stderr + done.stdout)
        self.assertNotIn("\x1b", done.stderr + done.stdout)

    def test_files_that_are_no_list_are_refused_as_a_whole(self):
        for text, word in (("phone,shoe_size\n1,2\n", "phone"),
                           ("tz_name,daily_from,daily_till\nGMT,0,1\n", "contact_info"),
                           ("contact_info,contact_info,tz_name,daily_from,daily_till\n1,2,GMT,0,1\n", "twice"),
                           ("contact_info,record_id,tz_name,daily_from,daily_till\n1,2,GMT,0,1\n", "record_id"),
                           ("", "")):
            with self.subTest(text):
                self.write(text)
                done = self.import_file(code=1)
                self.assertIn(word, done.stderr)
        with self.assertRaises(Exception):
            self.assertTrue(self.centre.rows(self.group))  # no row; perhaps not even the table

    def test_exit_codes(self):
        self.assertEqual(self.centre.cli("import", check=False).returncode, 2)
        self.assertEqual(self.centre.cli("import", "--list", self.group.list, check=False).returncode, 2)
        self.assertEqual(self.centre.cli("import", "--no-such-option", "x", check=False).returncode, 2)
        done = self.centre.cli("import", "--list", self.group.list, "/no/such/file", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/file", done.stderr)
        self.write(HEADER + line("15550022"))
        done = self.centre.cli("import", "--list", "NoSuchList", str(self.file), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NoSuchList", done.stderr)

    def test_imported_records_are_given_to_agents_at_once(self):
        self.centre.load_and_start(self.group)
        self.assertEqual(self.centre.preview(self.group, "a1").status, 404)
        self.write(HEADER + line("15550023"))
        self.import_file()
        record = self.centre.preview(self.group, "a1")
        self.assertEqual((record.status, record.json["GSW_PHONE"]), (200, "15550023"))

    @alone
    def test_a_live_AddRecord_waits_at_most_about_a_group(self):
        self.centre.add(self.group, "15550024")
        count = 60_000
        self.write(HEADER + "".join(line(f"1558{i:07}", f"k{i // 2}") for i in range(count)))
        began = time.monotonic()
        importing = subprocess.Popen([binary(), "import", "--data", str(self.centre.data), *self.command()[1:]],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        waits, number = [], 0
        while importing.poll() is None:
            number += 1
            asked = time.monotonic()
            self.centre.add(self.group, f"1559{number:07}")
            waits.append(time.monotonic() - asked)
            time.sleep(0.005)
        took = time.monotonic() - began
        self.assertEqual(importing.returncode, 0, importing.stdout.read())
        importing.stdout.close()
        waits.sort()
        print(f"# import: {count} rows in {took:.2f} s; {len(waits)} live AddRecords meanwhile: median "
              f"{waits[len(waits) // 2] * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms", flush=True)
        self.assertGreater(len(waits), 5)
        self.assertLess(waits[len(waits) // 2], 0.1)
        self.assertLess(waits[-1], 0.5)
        self.assertEqual(len(self.centre.rows(self.group)), count + number + 1)

    def test_an_import_whose_server_is_killed_goes_on_and_no_row_comes_twice(self):
        count = 60_000
        self.write(HEADER + "".join(line(f"1560{i:07}", f"k{i // 3}") for i in range(count)))
        done = {}

        def run():
            done["command"] = self.centre.cli(*self.command(), check=False, timeout=120)
        thread = threading.Thread(target=run)
        thread.start()
        for _ in range(2):
            time.sleep(0.4)
            former = self.centre.kill("outbound")
            wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        thread.join()
        self.centre.wait_running()
        self.centre.wait_for_http()
        if done["command"].returncode != 0:  # a tool may give up; the same command goes on then
            done["command"] = self.import_file()
        self.assertNotIn("there already", done["command"].stdout)
        self.assertWhole(count)

    def test_an_import_whose_tool_is_killed_goes_on_when_it_is_repeated(self):
        count = 60_000
        self.write(HEADER + "".join(line(f"1561{i:07}", f"k{i // 3}") for i in range(count)))
        tool = subprocess.Popen([binary(), "import", "--data", str(self.centre.data), *self.command()[1:]],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        os.kill(tool.pid, signal.SIGKILL)
        tool.wait()
        done = self.import_file()
        self.assertNotIn("there already", done.stdout)  # what is durable of the file is no duplicate of it
        self.assertWhole(count)

    # numbers and zones

    def test_numbers_are_kept_checked_or_normalised(self):
        text = ("phone,daily_from,daily_till,tz_name\n"
                "(212) 555-2671,0,86400,GMT\n"      # 2
                "030 23125000,0,86400,GMT\n"        # 3: not of the region
                "+49 30 23125000,0,86400,GMT\n"     # 4
                "+1 212 555 26,0,86400,GMT\n"       # 5: too short
                "+1 212 555 2671 ext. 5,0,86400,GMT\n"  # 6
                "ann@example.com,0,86400,GMT\n")    # 7: an address is no number
        kept = {"(212) 555-2671", "+49 30 23125000", "+1 212 555 2671 ext. 5", "ann@example.com"}
        for words, numbers, refused in (
                (("--numbers", "keep"), {*kept, "030 23125000", "+1 212 555 26"}, []),
                (("--numbers", "check"), kept, [3, 5]),
                (("--numbers", "normalise"), {"+12125552671", "+493023125000", "ann@example.com"}, [3, 5, 6])):
            with self.subTest(words=words):
                self.group = self.groups.pop()
                self.write(text)
                self.rejects.unlink(missing_ok=True)
                self.import_file(*words, "--region", "US", "--duplicates", "keep", code=3 if refused else 0)
                self.assertEqual({row["contact_info"] for row in self.centre.rows(self.group)}, numbers)
                rejected = self.rejected()
                self.assertEqual([int(one["line"]) for one in rejected], refused)
                self.assertTrue(all(one["field"] == "contact_info" and one["value"] for one in rejected), rejected)

    def test_a_number_tells_its_time_zone(self):
        self.write("phone,tz_name,daily_from,daily_till\n"
                   "+12125552671,,0,86400\n"       # 2: New York
                   "+14155552671,,0,86400\n"       # 3: Los Angeles
                   "+493023125000,,0,86400\n"      # 4: Berlin, whose clock is that of CET
                   "+12125552672,GMT,0,86400\n"    # 5: the file's word goes first
                   "+18005552671,,0,86400\n"       # 6: anywhere in North America
                   "5552671,,0,86400\n")           # 7: nowhere
        self.import_file(code=3)
        zones = {row["contact_info"]: row["tz_dbid"] for row in self.centre.rows(self.group)}
        names = {row["contact_info"]: self.zone_name(row["tz_dbid"]) for row in self.centre.rows(self.group)}
        self.assertEqual(names, {"+12125552671": "EST", "+14155552671": "PST", "+493023125000": "CET",
                                 "+12125552672": "GMT"}, zones)
        self.assertEqual([(int(one["line"]), one["field"]) for one in self.rejected()], [(6, "tz_name"), (7, "tz_dbid")])
        self.assertIn("time zones", self.rejected()[0]["rule"])

    def test_numbers_of_unclear_zone_may_have_one_given(self):
        self.write("phone,daily_from,daily_till\n+18005552671,0,86400\n+12125552671,0,86400\n")
        self.import_file("--zone-if-unclear", "MST")
        self.assertEqual([self.zone_name(row["tz_dbid"]) for row in self.centre.rows(self.group)], ["MST", "EST"])
        done = self.import_file("--zone-if-unclear", "Mars", code=1)
        self.assertIn("Mars", done.stderr)

    def zone_name(self, dbid):
        if not hasattr(type(self), "zone_names"):
            type(self).zone_names = {}
            for line in self.centre.cli("ask", "config", "Read", '{"type":"TimeZone"}').stdout.splitlines():
                for one in json.loads(line)["fields"].get("objects", []):
                    body = json.loads(one["body"])
                    self.zone_names[one["dbid"]] = body["name"]
        return self.zone_names[dbid]

    # files of every shape

    def test_several_numbers_in_a_row_become_a_chain_in_the_order_asked_for(self):
        self.write("Handy;Name;Privat;Firma\n0171 3920012;Anna;030 23125000;\n;Bert;;\n030 23125001;Cleo;;030 23125002\n")
        self.import_file("--phones", "Privat=1,Firma=BusinessWithExt,Handy=Mobile", "--map", "first_name=Name",
                         "--set", "daily_from=09:00,daily_till=20:00", "--numbers", "normalise", "--region", "DE",
                         code=3)
        rows = [(row["chain_n"], row["contact_info"], row["contact_info_type"], row["first_name"], row["daily_from"])
                for row in self.centre.rows(self.group)]
        self.assertEqual(rows, [(1, "+493023125000", 1, "Anna", 32400), (2, "+491713920012", 4, "Anna", 32400),
                                (1, "+493023125002", 3, "Cleo", 32400), (2, "+493023125001", 4, "Cleo", 32400)])
        self.assertEqual([(one["line"], one["field"]) for one in self.rejected()], [("3", "Privat")])

    def test_rows_of_a_chain_may_stand_apart(self):
        count = 3000
        self.write(HEADER + "".join(line(f"1562{i:07}", f"key {i % 1000}") for i in range(count)))
        self.import_file()
        chains = {}
        for row in self.centre.rows(self.group):
            chains.setdefault(row["chain_id"], []).append((row["chain_n"], int(row["contact_info"][-7:]) % 1000))
        self.assertEqual(len(chains), 1000)
        for rows in chains.values():
            self.assertEqual([n for n, _ in rows], [1, 2, 3])
            self.assertEqual(len({key for _, key in rows}), 1)

    def test_a_chain_has_at_most_100_records(self):
        self.write(HEADER + "".join(line(f"1563{i:07}", "k") for i in range(102)))
        self.import_file(code=3)
        self.assertEqual([(one["line"], one["field"]) for one in self.rejected()], [("102", "chain_key"), ("103", "chain_key")])

    def test_character_sets(self):
        text = HEADER + line("15640001", "", "Bj\u00f6rn", "\u20ac") + line("15640002", "", "Zo\u00eb")
        for number, (encoding, words) in enumerate((("utf-16", ()), ("utf-16-be", ("--encoding", "UTF-16BE")),
                                                   ("cp1252", ("--encoding", "WINDOWS-1252")), ("utf-8-sig", ()))):
            with self.subTest(encoding):
                self.group = self.groups.pop()
                self.write(text, encoding)
                self.import_file(*words)
                self.assertEqual([(row["first_name"], row["Other1"]) for row in self.centre.rows(self.group)],
                                 [("Bj\u00f6rn", "\u20ac"), ("Zo\u00eb", None)], number)
        self.group = self.groups.pop()
        self.write(text, "cp1252")
        self.import_file(code=3)  # taken for UTF-8
        self.assertEqual([(one["line"], one["field"]) for one in self.rejected()], [("2", "first_name"), ("3", "first_name")])
        self.assertIn("Mars", self.import_file("--encoding", "Mars", code=1).stderr)

    def test_types_by_name(self):
        self.write("phone,type,record_type,tz_name,daily_from,daily_till\n15650001,Mobile,Campaign CallBack,GMT,0,1\n"
                   "15650002,home phone,,GMT,0,1\n15650003,Shoe,,GMT,0,1\n")
        self.import_file(code=3)
        self.assertEqual([(row["contact_info_type"], row["record_type"]) for row in self.centre.rows(self.group)],
                         [(4, 6), (1, 2)])
        self.assertEqual(self.rejected()[0]["field"], "contact_info_type")

    # duplicates and the Do-Not-Call list

    def test_duplicates_of_the_list_and_of_the_file(self):
        self.centre.add(self.group, "15660001")
        text = HEADER + line("1 (566) 0001") + line("15660002") + line("15660002", "", "again") + line("15660003")
        self.write(text)
        done = self.import_file("--duplicates", "reject", code=3)
        self.assertEqual([(one["line"], one["field"], one["value"]) for one in self.rejected()],
                         [("2", "contact_info", "1 (566) 0001"), ("4", "contact_info", "15660002")])
        self.assertIn("2 numbers were there already", done.stdout)
        self.assertEqual(len(self.centre.rows(self.group)), 3)
        self.write(text + line("15660004"))  # another file
        self.rejects.unlink()
        self.import_file()  # reported is the usual way: loaded, and the file says so
        self.assertEqual([(one["line"], one["rule"][-8:]) for one in self.rejected()],
                         [(number, "(loaded)") for number in "2345"])
        self.assertEqual(len(self.centre.rows(self.group)), 8)
        self.rejects.unlink()
        self.write(text + line("15660004") + line("15660005"))
        self.import_file("--duplicates", "keep")
        self.assertEqual(len(self.centre.rows(self.group)), 14)
        self.assertFalse(self.rejects.exists())

    def test_who_must_not_be_called(self):
        for path in ("/phones/15670002", "/customer_ids/C9"):
            answer = self.centre.post(path, "DoNotCall")
            self.assertEqual(answer.status, 200, (path, answer))
        text = ("phone,customer id,tz_name,daily_from,daily_till\n15670001,C1,GMT,0,86400\n15670002,C2,GMT,0,86400\n"
                "15670003,C9,GMT,0,86400\n")
        self.write(text)
        done = self.import_file()
        rows = [(row["contact_info"], row["record_type"], row["record_status"], row["call_result"])
                for row in self.centre.rows(self.group)]
        self.assertEqual(rows, [("15670001", 2, READY, 28), ("15670002", 7, UPDATED, 51), ("15670003", 7, UPDATED, 51)])
        self.assertEqual([one["line"] for one in self.rejected()], ["3", "4"])
        self.assertIn("2 rows are on the Do-Not-Call list", done.stdout)
        self.group = self.groups.pop()
        self.import_file("--do-not-call", "reject", code=3)
        self.assertEqual([row["contact_info"] for row in self.centre.rows(self.group)], ["15670001"])

    # all or nothing

    def test_all_or_nothing_gives_nobody_a_record_before_the_whole_file_is_in(self):
        self.centre.load_and_start(self.group)
        count = 30_000
        self.write(HEADER + "".join(line(f"1568{i:07}", f"k{i // 2}") for i in range(count)))
        former = self.centre.pid("outbound")
        self.kill_half_way("--all-or-nothing")
        self.assertEqual(self.centre.rows(self.group, "record_status <> 0"), [])
        self.assertEqual(self.centre.preview(self.group, "a1").status, 404)
        self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        self.assertEqual(self.centre.preview(self.group, "a1").status, 404)
        self.centre.add(self.group, "15689999999")  # its chain is no part of the import
        self.import_file("--all-or-nothing")
        self.assertEqual(self.centre.preview(self.group, "a1").status, 200)
        rows = self.centre.rows(self.group, "contact_info <> '15689999999'")
        self.assertEqual((len(rows), {row["record_status"] for row in rows} - {READY, 2, 9}), (count, set()))

    def kill_half_way(self, *words):
        tool = subprocess.Popen([binary(), "import", "--data", str(self.centre.data), *self.command(*words)[1:]],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def has_rows():
            with contextlib.suppress(sqlite3.OperationalError):  # no table yet
                return self.centre.select(f"select count(*) as n from {self.group.table}")[0]["n"] > 2000
            return False
        wait_until(has_rows, what="rows")
        os.kill(tool.pid, signal.SIGKILL)
        tool.wait()

    def test_all_or_nothing_with_a_bad_row_is_nothing(self):
        self.centre.add(self.group, "15690000")
        self.write(HEADER + "".join(line(f"1569{i:07}") for i in range(5000)) + ",4,GMT,0,86400,,,\n")
        done = self.import_file("--all-or-nothing", code=3)
        self.assertIn("nothing came in", done.stdout)
        self.assertEqual([one["line"] for one in self.rejected()], ["5002"])
        self.assertEqual([row["contact_info"] for row in self.centre.rows(self.group)], ["15690000"])

    def test_what_is_being_released_comes_in_whatever_is_killed(self):
        count = 60_000
        self.write(HEADER + "".join(line(f"1575{i:07}") for i in range(count)))
        tool = subprocess.Popen([binary(), "import", "--data", str(self.centre.data),
                                 *self.command("--all-or-nothing")[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def is_being_released():
            with contextlib.suppress(sqlite3.OperationalError):
                return self.centre.select("select 1 from import where table_name = ? and state <> 1", self.group.table)
            return False
        wait_until(is_being_released, 60, every=0.002, what="the file is in")
        former = self.centre.kill("outbound")
        os.kill(tool.pid, signal.SIGKILL)
        tool.wait()
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        wait_until(lambda: self.imports()[0]["state"] == "done", 30, what="the import is released")
        self.assertEqual(self.centre.select(f"select record_status as s, count(*) as n from {self.group.table} group by 1"),
                         [{"s": READY, "n": count}])
        self.assertIn("0 rows inserted", self.import_file("--all-or-nothing").stdout)

    def test_an_all_or_nothing_import_that_did_not_end_can_be_undone(self):
        self.write(HEADER + "".join(line(f"1570{i:07}") for i in range(60_000)))
        self.kill_half_way("--all-or-nothing")
        number = self.imports()[0]["importId"]

        def undo():
            return self.centre.cli("import", "--undo", str(number), check=False).returncode == 0
        wait_until(undo, what="the import is undone")  # its last slices may be under way
        self.assertEqual(self.centre.rows(self.group), [])
        self.assertEqual(self.imports()[0]["state"], "undone")
        self.import_file("--all-or-nothing")  # a new start of the same
        self.assertEqual(len(self.centre.rows(self.group, "record_status = 1")), 60_000)
        self.assertEqual([one["state"] for one in self.imports()], ["done", "undone"])

    # what the console shows

    def imports(self):
        answer = self.centre.cli("ask", "outbound", "ImportList", "{}").stdout
        return [one for one in json.loads(answer)["fields"]["imports"] if one["list"] == self.group.list]

    def test_imports_and_their_rejects_are_kept(self):
        self.write(HEADER + line("15710001") + "".join(f"bad{i},4,GMT,25:00,0,,,\n" for i in range(1205)) + line("15710002"))
        self.import_file(code=3)
        done, = self.imports()
        self.assertEqual({key: done[key] for key in ("state", "inserted", "rejected", "chains", "duplicates", "blocked")},
                         {"state": "done", "inserted": 2, "rejected": 1205, "chains": 2, "duplicates": 0, "blocked": 0})
        self.assertEqual(done["doneBytes"], done["totalBytes"])
        lines, after = [], 0
        while True:
            asked = json.dumps({"importId": done["importId"], "after": after, "limit": 500})
            page = json.loads(self.centre.cli("ask", "outbound", "ImportRejects", asked).stdout)["fields"]
            lines += [one["line"] for one in page["rejects"]]
            after = lines[-1]
            if not page["more"]:
                break
        self.assertEqual((lines, page["kept"]), (list(range(3, 1208)), 1205))
        self.assertEqual([int(one["line"]) for one in self.rejected()], lines)
        words = self.centre.cli("import", "--status", str(done["importId"])).stdout
        self.assertIn("1205 rejected", words)
        self.assertIn("line 1207, daily_from", words)
        self.assertIn(self.group.list, self.centre.cli("import", "--list-imports").stdout)
        self.assertEqual(self.centre.cli("import", "--status", "999999", check=False).returncode, 1)
        # The same command again finds it done, and tells the same.
        self.rejects.unlink()
        again = self.import_file(code=3)
        self.assertIn("0 rows inserted", again.stdout)
        self.assertEqual(len(self.rejected()), 1205)

    def test_what_is_no_slice_is_refused_and_nothing_comes_in(self):
        def ask(message, **fields):
            return self.centre.cli("ask", "outbound", message, json.dumps(fields), check=False)

        def begin():
            answer = ask("ImportBegin", key="by hand", list=self.group.list, rowsMax=3,
                         columns=["contact_info", "tz_name", "daily_from", "daily_till"])
            return json.loads(answer.stdout)["fields"]["importId"]

        def rows(number, packed, sequence=1, start=0, of=None):
            return ask("ImportRows", importId=of or begin(), sequence=sequence, count=number, offset=10, line=3,
                       rows=base64.b64encode(packed).decode(), **{"from": start})
        good = b"\x01\x01a\x03GMT\x010\x011"
        for number, packed in ((1, b"\x01\x05abc"), (1, b""), (2, good), (0, good), (1, good + b"\x01"), (1, b"\xff" * 30)):
            self.assertIn("rows: INVALID", rows(number, packed).stderr, packed)
        self.assertIn("sequence: CONFLICT", rows(1, good, sequence=2).stderr)
        self.assertIn("sequence: CONFLICT", rows(1, good, start=1).stderr)
        self.assertIn("importId: NOT_FOUND", rows(1, good, of=1 << 40).stderr)
        self.assertIn("UNSUPPORTED", ask("ImportSlice", importId=begin(), sequence=1, rows=[]).stderr)
        number = begin()
        for _ in range(2):  # the second is a repeat
            self.assertEqual(json.loads(rows(1, good, of=number).stdout)["fields"]["inserted"], 1)
        self.assertEqual(len(self.centre.rows(self.group)), 1)
        self.assertEqual(json.loads(ask("ImportEnd", importId=number).stdout)["fields"]["state"], "ended")
        self.assertIn("CONFLICT", ask("ImportUndo", importId=number).stderr)

    def test_after_an_interruption_the_rejects_are_those_of_the_whole_file(self):
        count = 60_000
        self.write(HEADER + "".join(line(f"1572{i:07}") if i % 10 else "bad,4,GMT,25:00,0,,,\n" for i in range(count)))
        for _ in range(3):
            tool = subprocess.Popen([binary(), "import", "--data", str(self.centre.data), *self.command()[1:]],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.15)
            os.kill(tool.pid, signal.SIGINT)
            tool.wait()
        self.import_file(code=3)
        self.assertEqual([int(one["line"]) for one in self.rejected()], list(range(2, count + 2, 10)))
        self.assertEqual(len(self.centre.rows(self.group)), count - count // 10)

    def test_a_file_that_was_changed_is_another_import(self):
        self.write(HEADER + line("15730001"))
        self.import_file()
        self.write(HEADER + line("15730002"))
        self.import_file()
        self.assertEqual(len(self.centre.rows(self.group)), 2)
        self.assertEqual(len(self.imports()), 2)

    def assertWhole(self, count):
        rows = self.centre.rows(self.group)
        self.assertEqual((len(rows), len({row["contact_info"] for row in rows})), (count, count))
        rows.sort(key=lambda row: row["contact_info"])
        self.assertEqual([row["chain_n"] for row in rows], [i % 3 + 1 for i in range(count)])


class CustomersOwnDatabase(unittest.TestCase):
    """A list behind ODBC: rows are owed to it from the moment that they are acknowledged."""

    def test_a_list_of_another_database_is_filled(self):
        base = databases.SqliteDatabase()
        self.addCleanup(base.close)
        with Centre(amend=databases.behind(base), environ={"CRM_PASSWORD": databases.PASSWORD}) as centre:
            group = centre.groups[0]
            centre.add(group, "15740000")
            file = centre.folder / "list.csv"
            file.write_text(HEADER + "".join(line(f"1574{i:07}", f"k{i // 2}", "", "Zoë") for i in range(500))
                            + line("15740000000", "", "", "again"), encoding="utf-8")
            done = centre.cli("import", "--list", group.list, str(file))
            self.assertIn("501 rows inserted", done.stdout)
            self.assertIn("1 numbers were there already", done.stdout)
            rows = databases.settled(base, group.table, "contact_info like '1574%'", 502)
            chains = {}
            for row in rows:
                chains.setdefault(row["chain_id"], []).append(int(row["chain_n"]))
            self.assertEqual(sorted(map(sorted, chains.values())), [[1], [1]] + [[1, 2]] * 250)
            self.assertEqual({row["other1"] for row in rows} - {"", None}, {"Zoë", "again"})
            whole = centre.cli("import", "--list", group.list, "--all-or-nothing", str(file), check=False)
            self.assertEqual(whole.returncode, 1, whole.stdout)
            self.assertIn("own store", whole.stderr)


if __name__ == "__main__":
    unittest.main()
