# SPDX-License-Identifier: Apache-2.0
"""The Do-Not-Call list (spec outbound 2.6, 10): scenarios 14 and 15, who is blocked where, what a
DoNotCall does to rows, buffers and agents, and what a restart keeps."""
import contextlib
import http.client
import json
import os
import signal
import sqlite3
import time
import unittest

from campaign import READY, RETRIEVED, UPDATED, Centre, new_group, notifying
from harness import Receiver, wait_until

NO_CALL, DO_NOT_CALL = 7, 51
GROUPS = 20


class DncTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        cls.number = 0
        groups = [new_group(i + 1) for i in range(GROUPS)]
        options = {group.name: notifying(cls.receiver.url) for group in groups}
        options[groups[-1].name]["check_dnc_list"] = "false"
        options[groups[-2].name]["check_dnc_callback"] = "false"
        cls.centre = Centre(groups, options)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    def group(self, started=True):
        group = self.centre.groups[type(self).number]
        type(self).number += 1
        if started:
            self.centre.load_and_start(group)
        return group

    def phone(self, at=0):
        """A number of this test's own."""
        return f"1555{type(self).number:02}{at:04}"

    def block(self, phone, **keys):
        return self.centre.post(f"/phones/{phone}", "DoNotCall", **keys)

    def dnc_rows(self, phone):
        return self.centre.select("select * from gsw_donotcall_list where phone = ?", phone)

    def about(self, phone):
        """The notifications about a number so far."""
        return [one.json for one in self.receiver.requests if one.json["GSW_PHONE"] == phone]

    def assertBlocked(self, row):
        self.assertEqual((row["record_type"], row["call_result"], row["record_status"]),
                         (NO_CALL, DO_NOT_CALL, UPDATED), row)

    def assertNothingToGive(self, group, agent="a1"):
        answer = self.centre.preview(group, agent)
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (404, 3), answer)

    def test_scenario_14_a_blocked_number_is_never_given_out(self):
        group = self.group(started=False)
        self.centre.add(group, "15550122")
        answer = self.centre.post("/phones/15550122", "DoNotCall")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["GSW_USER_EVENT"], "DoNotCallAcknowledge")
        self.assertEqual(answer.json["GSW_RECORDS"], 1)
        row, = self.dnc_rows("15550122")
        self.assertEqual((row["customer_id"], row["campaign_dbid"], row["tenant_dbid"]), (None, 0, 1))
        self.assertGreater(row["time_stamp"], 0)
        row, = self.centre.rows(group)
        self.assertBlocked(row)
        self.centre.load_and_start(group)
        self.assertNothingToGive(group)

    def test_scenario_14_repeated_adds_no_second_entry(self):
        group = self.group(started=False)
        phone = self.phone()
        self.centre.add(group, phone)
        for form in (phone, "%2B" + phone, phone):
            self.assertEqual(self.block(form).status, 200)
        self.assertEqual(len(self.centre.select(
            "select * from gsw_donotcall_list where phone like ?", f"%{phone}")), 1)

    def test_a_buffered_record_leaves_the_buffer_and_its_siblings_go_on(self):
        group = self.group(started=False)
        phone, sibling = self.phone(), self.phone(1)
        chain = self.centre.add(group, phone)["GSW_CHAIN_ID"]
        self.centre.add(group, sibling, GSW_CHAIN_ID=chain)
        other = self.centre.add(group, self.phone(2))["GSW_CHAIN_ID"]
        self.centre.load_and_start(group)
        taken = self.centre.preview(group, "a1").json     # fills the buffer
        self.centre.record(taken["GSW_RECORD_HANDLE"], "RecordReject")
        wait_until(lambda: self.centre.rows(group)[0]["record_status"] in (READY, RETRIEVED), 5)
        self.assertEqual(self.block(phone).status, 200)
        rows = self.centre.rows(group)
        self.assertBlocked(rows[0])
        given = {self.centre.preview(group, "a1").json["GSW_PHONE"] for _ in range(2)}
        self.assertEqual(given, {sibling, self.phone(2)})
        self.assertNothingToGive(group)
        self.assertNotEqual(chain, other)
        self.assertEqual(self.about(phone), [])

    def test_a_record_on_a_desktop_is_withdrawn_with_one_notification_of_reason_6(self):
        group = self.group()
        phone = self.phone()
        self.centre.add(group, phone)
        record = self.centre.preview(group, "a1").json
        answer = self.block(phone)
        self.assertEqual((answer.status, answer.json["GSW_RECORDS"]), (200, 1), answer)
        row, = self.centre.rows(group)
        self.assertBlocked(row)
        late = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_CALL_RESULT=33)
        self.assertEqual((late.status, late.json["GSW_ERROR"]), (409, 6), late)
        wait_until(lambda: self.about(phone), 10, what="a notification")
        bodies = self.about(phone)
        self.assertEqual([(one["GSW_REASON"], one["GSW_CALL_RESULT"], one["GSW_RECORD_TYPE"],
                           one["GSW_RECORD_STATUS"]) for one in bodies], [(6, 51, 7, 3)])

    def test_by_handle_the_record_is_finalised_and_its_number_listed(self):
        group = self.group(started=False)
        phone, sibling = self.phone(), self.phone(1)
        chain = self.centre.add(group, phone)["GSW_CHAIN_ID"]
        self.centre.add(group, sibling, GSW_CHAIN_ID=chain)
        self.centre.load_and_start(group)
        record = self.centre.preview(group, "a1").json
        stranger = self.centre.record(record["GSW_RECORD_HANDLE"], "DoNotCall", GSW_AGENT_ID="a2")
        self.assertEqual((stranger.status, stranger.json["GSW_ERROR"]), (409, 5), stranger)
        self.assertEqual(self.dnc_rows(phone), [])
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "DoNotCall", GSW_AGENT_ID="a1",
                                    GSW_REFERENCE_ID=7)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["GSW_RECORD_HANDLE"], answer.json["GSW_CAMPAIGN_NAME"],
                          answer.json["GSW_CALLING_LIST"], answer.json["GSW_REFERENCE_ID"]),
                         (record["GSW_RECORD_HANDLE"], group.campaign, group.list, 7))
        row, = self.dnc_rows(phone)
        self.assertEqual((row["is_internal"], row["dnc_message"]), (1, "DoNotCall by agent a1"))
        self.assertBlocked(self.centre.rows(group)[0])
        self.assertEqual(self.centre.preview(group, "a1").json["GSW_PHONE"], sibling)

    def test_all_chain_takes_the_siblings_along(self):
        group = self.group(started=False)
        phone = self.phone()
        chain = self.centre.add(group, phone)["GSW_CHAIN_ID"]
        self.centre.add(group, self.phone(1), GSW_CHAIN_ID=chain)
        self.centre.load_and_start(group)
        record = self.centre.preview(group, "a1").json
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "DoNotCall",
                                    GSW_CHAIN_ATTR="AllChain")
        self.assertEqual(answer.status, 200, answer)
        for row in self.centre.rows(group):
            self.assertBlocked(row)
        self.assertEqual(len(self.dnc_rows(phone)), 1)

    def test_a_record_that_is_finalised_already_may_still_be_listed(self):
        group = self.group()
        phone = self.phone()
        self.centre.add(group, phone)
        handle = self.centre.preview(group, "a1").json["GSW_RECORD_HANDLE"]
        self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33)
        answer = self.centre.record(handle, "DoNotCall")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(len(self.dnc_rows(phone)), 1)
        row, = self.centre.rows(group)
        self.assertEqual(row["call_result"], 33)

    def test_scenario_15_a_row_is_blocked_by_number_or_by_customer(self):
        group = self.group(started=False)
        p1, p2, p3 = (self.phone(i) for i in range(3))
        self.block(p1)
        customer = self.centre.post("/customer_ids/C1", "DoNotCall")
        self.assertEqual(customer.status, 200, customer)
        for phone, owner in ((p1, "C9"), (p2, "C1"), (p3, "C9")):
            self.centre.add(group, phone, GSW_CUSTOMER_ID=owner)
        self.centre.load_and_start(group)
        self.assertEqual(self.centre.preview(group, "a1").json["GSW_PHONE"], p3)
        self.assertNothingToGive(group)
        rows = self.centre.rows(group)
        self.assertBlocked(rows[0])
        self.assertBlocked(rows[1])
        lines = [line["inputs"] for line in self.centre.select(
            "select * from explain where rule = 'do not call list' and group_dbid = ? "
            "order by chain_id", group.dbid)]
        self.assertEqual(lines, ["number is on the list", "customer is on the list"])

    def test_an_entry_of_one_campaign_leaves_the_others_alone(self):
        first, second = self.group(), self.group()
        phone = self.phone()
        self.centre.add(first, phone)
        self.centre.add(second, phone)
        answer = self.block(phone, GSW_CAMPAIGN_NAME=first.campaign)
        self.assertEqual((answer.status, answer.json["GSW_RECORDS"]), (200, 1), answer)
        self.assertNothingToGive(first)
        self.assertEqual(self.centre.preview(second, "a1").json["GSW_PHONE"], phone)
        unknown = self.block(phone, GSW_CAMPAIGN_NAME="NoSuch")
        self.assertEqual((unknown.status, unknown.json["GSW_ERROR"]), (409, 7), unknown)

    def test_the_options_let_everything_or_promised_call_backs_through(self):
        all_pass, callbacks_pass = self.centre.groups[-1], self.centre.groups[-2]
        phone = "15559990001"
        self.block(phone)
        self.centre.add(all_pass, phone)
        self.centre.add(callbacks_pass, phone)
        self.centre.add(callbacks_pass, phone)
        with contextlib.closing(sqlite3.connect(self.centre.data / "outbound/outbound.db")) as base:
            base.execute(f"update {callbacks_pass.table} set record_type = 6, "
                         f"dial_sched_time = {int(time.time()) - 5} where chain_id = 2")
            base.commit()
        for group in (all_pass, callbacks_pass):
            self.centre.load_and_start(group)
            self.assertEqual(self.centre.preview(group, "a1").json["GSW_PHONE"], phone)
            self.assertNothingToGive(group)
        first, second = self.centre.rows(callbacks_pass)
        self.assertBlocked(first)
        self.assertEqual((second["record_type"], second["record_status"]), (6, RETRIEVED))

    def test_bad_requests_name_the_key(self):
        for path, keys in (("/phones/%20", {}), ("/records/1", {"GSW_CHAIN_ATTR": "Some"})):
            answer = self.centre.post(path, "DoNotCall", **keys)
            self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (400, 2), answer)
        answer = self.centre.post("/records/999999", "DoNotCall")
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (404, 4), answer)

    # the command line

    def dnc(self, *words):
        return self.centre.cli("dnc", *words, check=False)

    def test_entries_are_added_checked_and_removed_on_the_command_line(self):
        phone = self.phone(77)
        self.assertIn("is not on the list", self.dnc("check", phone).stdout)
        self.assertIn("added", self.dnc("add", phone, "--message", "asked by letter").stdout)
        self.assertIn("is there already", self.dnc("add", phone).stdout)
        self.assertIn("asked by letter", self.dnc("check", phone).stdout)
        self.assertIn(phone, self.dnc("list", "--limit", "9999").stdout)
        self.assertIn("removed", self.dnc("remove", phone).stdout)
        self.assertIn("is not there", self.dnc("remove", phone).stdout)
        self.assertIn("is not on the list", self.dnc("check", phone).stdout)
        self.assertIn("added", self.dnc("add", "--customer", "K 9").stdout)
        self.assertIn("K 9", self.dnc("check", "--customer", "K 9").stdout)
        self.assertEqual(self.dnc("add").returncode, 2)
        self.assertEqual(self.dnc("add", "x" * 65).returncode, 1)

    def test_a_file_goes_in_and_blocks_and_goes_in_again_without_harm(self):
        group = self.group(started=False)
        phones = [f"1777{number:07}" for number in range(2500)]
        path = self.centre.folder / "dnc.csv"
        path.write_text("phone;customer_id;message\n" + "".join(f"+{one};;regulator\n" for one in phones)
                        + ";CX1;letter\n;;\n" + "9" * 70 + ";;\n")
        self.centre.add(group, phones[1234])
        self.centre.add(group, self.phone(1), GSW_CUSTOMER_ID="CX1")
        self.centre.add(group, self.phone(2))
        first = self.dnc("import", str(path))
        self.assertIn("2501 entries added, 2 rejected", first.stderr, first)
        again = self.dnc("import", str(path))
        self.assertIn("0 entries added, 2 rejected", again.stderr, again)
        self.assertEqual(len(self.centre.select(
            "select 1 from gsw_donotcall_list where dnc_message in ('regulator', 'letter')")), 2501)
        self.centre.load_and_start(group)
        self.assertEqual(self.centre.preview(group, "a1").json["GSW_PHONE"], self.phone(2))
        self.assertNothingToGive(group)

    def test_rows_added_by_hand_are_seen_when_the_table_is_read_again(self):
        group = self.group(started=False)
        phone = self.phone()
        self.centre.add(group, phone)
        with contextlib.closing(sqlite3.connect(self.centre.data / "outbound/outbound.db")) as base:
            base.execute("insert into gsw_donotcall_list (phone) values (?)", (f"+{phone[:4]}-{phone[4:]}",))
            base.commit()
        self.assertEqual(self.dnc("reread").returncode, 0)
        self.centre.load_and_start(group)
        self.assertNothingToGive(group)
        self.assertBlocked(self.centre.rows(group)[0])

    def test_explain_says_why_for_each_record(self):
        group = self.group()
        blocked, free = self.phone(0), self.phone(1)
        chain = self.centre.add(group, blocked)["GSW_CHAIN_ID"]
        self.centre.add(group, free)
        self.centre.cli("dnc", "add", blocked)
        now = self.centre.cli("explain", group.list, blocked)
        self.assertEqual(now.returncode, 0, now)
        self.assertIn("do not call list   blocked: the number is on the list", now.stdout)
        self.assertIn("because of: do not call list", now.stdout)
        self.assertIn("would be given out now", self.centre.cli("explain", group.list, free).stdout)
        record = self.centre.preview(group, "a1").json
        self.assertEqual(record["GSW_PHONE"], free)
        self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_CALL_RESULT=33)
        lines = [json.loads(line) for line in self.centre.cli(
            "explain", group.list, "--phone", free, "--json").stdout.splitlines()]
        stored = [one for one in lines if not one.get("isNow")]
        self.assertEqual([one["rule"] for one in stored], ["processed", "given out"])
        self.assertIn("result 33 (Answer)", stored[0]["inputs"])
        self.assertEqual(stored[0]["outcome"], "Updated")
        self.assertIn("with agent a1", stored[1]["outcome"])
        self.assertEqual([one["outcome"] for one in lines if one.get("isNow") and one["rule"] == "status"],
                         ["final"])
        seen = self.centre.cli("ask", "outbound", "ChainGet", json.dumps(
            {"list": group.list, "chainId": record["GSW_CHAIN_ID"]})).stdout
        self.assertEqual([one["rule"] for one in json.loads(seen)["fields"]["explanations"]],
                         ["processed", "given out"])
        stored = self.centre.cli("explain", group.list, str(chain), "--stored").stdout
        self.assertIn("do not call list: type No Call", stored)
        unknown = self.centre.cli("explain", group.list, "999999999", check=False)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("has no such number", unknown.stderr)


class UnreadableCentre(Centre):
    """The Table Access names a table that is no Do-Not-Call list."""

    def _write_files(self):
        self.config["tableAccesses"].append({"name": "gsw_donotcall_list", "type": "DoNotCall",
                                             "dbTableName": "session"})
        super()._write_files()


class DncUnreadable(unittest.TestCase):
    def test_nothing_is_given_out_while_the_list_cannot_be_read(self):
        with UnreadableCentre(2, {"G2": {"check_dnc_list": "false"}}) as centre:
            wait_until(lambda: " 81191 " in centre.logs(), 10, what="the alarm 81191")
            careful, careless = centre.groups
            for group in (careful, careless):
                centre.load_and_start(group)
                centre.add(group, "15550001")
            self.assertEqual(centre.preview(careless, "a1").status, 200)
            with self.assertRaises(TimeoutError):
                centre.call("POST", f"/campaigngroups/{careful.dbid}?req=PreviewRecordRequest",
                            {"GSW_AGENT_ID": "a1"}, timeout=2)
            self.assertEqual(centre.rows(careful)[0]["record_status"], READY)
            self.assertEqual(centre.status(careful)["GSW_STATE"], "started")


class DncAfterCrash(unittest.TestCase):
    """What was acknowledged blocks after kill -9; nothing is given out before the list is read."""

    def test_entries_and_marks_outlive_kill_9(self):
        with Centre(1) as centre:
            group, = centre.groups
            centre.load_and_start(group)
            phones = [f"1888{number:07}" for number in range(40)]
            for phone in phones:
                centre.add(group, phone)
            blocked = []
            for phone in phones[:30]:
                if centre.post(f"/phones/{phone}", "DoNotCall").status == 200:
                    blocked.append(phone)
                if len(blocked) == 20:
                    os.kill(centre.pid("outbound"), signal.SIGKILL)
                    break
            self.assertEqual(len(blocked), 20)

            def is_back():
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return centre.call("GET", f"/campaigngroups/{group.dbid}").status == 200

            wait_until(is_back, 20, what="outbound is back")
            rows = {row["contact_info"]: row for row in centre.rows(group)}
            for phone in blocked:
                self.assertEqual((rows[phone]["record_type"], rows[phone]["call_result"]),
                                 (NO_CALL, DO_NOT_CALL))
            self.assertEqual(len(centre.select("select * from gsw_donotcall_list")), 20)
            centre.add(group, phones[3])  # again, by somebody who does not know
            given = set()
            while (answer := centre.preview(group, "a1")).status == 200:
                given.add(answer.json["GSW_PHONE"])
            self.assertEqual(given, set(phones[20:]))


if __name__ == "__main__":
    unittest.main()
