# SPDX-License-Identifier: Apache-2.0
"""`carillon import`: a CSV file becomes rows of a calling list; what breaks a rule is left out and
named, and live work goes on meanwhile."""
import csv
import os
import signal
import subprocess
import threading
import time
import unittest

from campaign import READY, Centre, new_group
from harness import binary, wait_until

HEADER = "contact_info,contact_info_type,tz_name,daily_from,daily_till,chain_key,first_name,Other1\n"


def line(phone, chain="", name="", other=""):
    return f"{phone},4,GMT,0,86400,{chain},{name},{other}\n"


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.groups = [new_group(i + 1) for i in range(20)]
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
            self.import_file()
        self.assertWhole(count)

    def test_an_import_whose_tool_is_killed_goes_on_when_it_is_repeated(self):
        count = 60_000
        self.write(HEADER + "".join(line(f"1561{i:07}", f"k{i // 3}") for i in range(count)))
        tool = subprocess.Popen([binary(), "import", "--data", str(self.centre.data), *self.command()[1:]],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        os.kill(tool.pid, signal.SIGKILL)
        tool.wait()
        self.import_file()
        self.assertWhole(count)

    def assertWhole(self, count):
        rows = self.centre.rows(self.group)
        self.assertEqual((len(rows), len({row["contact_info"] for row in rows})), (count, count))
        rows.sort(key=lambda row: row["contact_info"])
        self.assertEqual([row["chain_n"] for row in rows], [i % 3 + 1 for i in range(count)])


if __name__ == "__main__":
    unittest.main()
