# SPDX-License-Identifier: Apache-2.0
"""RequestRecordCancel (spec outbound 10, 14.3, 15.3): by handle, by number, by customer; on rows in
their table, in buffers and with agents."""
import contextlib
import json
import subprocess
import time
import unittest

from campaign import READY, Centre, new_group, notifying
from harness import Receiver, binary, wait_until

CANCELLED, CANCEL_RECORD = 5, 52
GROUPS = 12


class ListenedCentre(Centre):
    """With a client application `crm` that is connected to outbound and hears its events."""

    def _write_files(self):
        self.config["applications"].append({"name": "crm", "template": "CMServer", "isServer": False,
                                            "connections": [{"server": "outbound"}]})
        super()._write_files()

    @contextlib.contextmanager
    def listener(self):
        words = [str(binary()), "ask", "outbound", "--listen", "30", "--as", "crm",
                 "--data", str(self.data)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as crm:
            try:
                time.sleep(1)
                yield lambda: json.loads(crm.stdout.readline())
            finally:
                crm.kill()


class CancelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        cls.number = 0
        groups = [new_group(i + 1) for i in range(GROUPS)]
        cls.centre = ListenedCentre(groups, {one.name: notifying(cls.receiver.url)
                                             for one in groups})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    def group(self, started=True):
        group = self.centre.groups[type(self).number]
        type(self).number += 1
        if started:
            self.centre.load_and_start(group)
        return group

    def phone(self, at=0):
        return f"1666{type(self).number:02}{at:04}"

    def about(self, phone):
        return [one.json for one in self.receiver.requests if one.json["GSW_PHONE"] == phone]

    def assertCancelled(self, row):
        self.assertEqual((row["record_type"], row["call_result"], row["record_status"]),
                         (2, CANCEL_RECORD, CANCELLED), row)

    def assertNothingToGive(self, group, agent="a1"):
        answer = self.centre.preview(group, agent)
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (404, 3), answer)

    def cancel(self, path, **keys):
        answer = self.centre.post(path, "RequestRecordCancel", **keys)
        self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"]),
                         (200, "RecordCancelAcknowledge"), answer)
        return answer.json

    def test_a_row_in_its_table_is_cancelled_by_number_and_by_customer(self):
        group = self.group(started=False)
        self.centre.add(group, self.phone(0))
        self.centre.add(group, self.phone(1), GSW_CUSTOMER_ID="K1")
        self.centre.add(group, self.phone(2), GSW_CUSTOMER_ID="K1")
        self.centre.add(group, self.phone(3), GSW_CUSTOMER_ID="K2")
        self.assertEqual(self.cancel(f"/phones/{self.phone(0)}")["GSW_RECORDS"], 1)
        self.assertEqual(self.cancel("/customer_ids/K1")["GSW_RECORDS"], 2)
        rows = self.centre.rows(group)
        for row in rows[:3]:
            self.assertCancelled(row)
        self.assertEqual(rows[3]["record_status"], READY)
        self.assertEqual(self.centre.select(
            "select * from sqlite_master where name = 'gsw_donotcall_list'")[0]["type"], "table")
        self.assertEqual(self.centre.select("select * from gsw_donotcall_list"), [])
        self.assertEqual(self.cancel(f"/phones/{self.phone(0)}")["GSW_RECORDS"], 0)

    def test_a_number_that_changed_is_found_by_its_new_value_alone(self):
        group = self.group()
        self.centre.add(group, self.phone(0))
        self.assertEqual(self.cancel(f"/phones/{self.phone(9)}")["GSW_RECORDS"], 0)
        handle = self.centre.preview(group, "a1").json["GSW_RECORD_HANDLE"]
        self.centre.record(handle, "UpdateCallCompletionStats", GSW_PHONE=self.phone(1))
        self.centre.record(handle, "RecordReject")
        self.assertEqual(self.cancel(f"/phones/{self.phone(0)}")["GSW_RECORDS"], 0)
        self.assertEqual(self.cancel(f"/phones/{self.phone(1)}")["GSW_RECORDS"], 1)
        self.assertCancelled(self.centre.rows(group)[0])

    def test_a_buffered_chain_leaves_the_buffer_without_a_notification(self):
        group = self.group()
        self.centre.add(group, self.phone(0))
        self.centre.add(group, self.phone(1))
        first = self.centre.preview(group, "a1").json["GSW_PHONE"]
        other = self.phone(1) if first == self.phone(0) else self.phone(0)
        wait_until(lambda: self.centre.status(group)["GSW_RECORDS_BUFFERED"] >= 1, 5,
                   what="a record in the buffer")
        self.assertEqual(self.cancel(f"/phones/{other}")["GSW_RECORDS"], 1)
        self.assertNothingToGive(group, "a2")
        self.assertEqual(self.about(other), [])
        self.assertEqual(self.centre.status(group)["GSW_RECORDS_BUFFERED"], 0)

    def test_a_record_on_a_desktop_is_withdrawn_with_one_notification_of_reason_5(self):
        group = self.group()
        self.centre.add(group, self.phone())
        handle = self.centre.preview(group, "a1").json["GSW_RECORD_HANDLE"]
        self.assertEqual(self.cancel(f"/phones/{self.phone()}")["GSW_RECORDS"], 1)
        self.assertCancelled(self.centre.rows(group)[0])
        wait_until(lambda: self.about(self.phone()), 10, what="a notification")
        self.assertEqual([(one["GSW_REASON"], one["GSW_CALL_RESULT"], one["GSW_RECORD_STATUS"])
                          for one in self.about(self.phone())], [(5, CANCEL_RECORD, CANCELLED)])
        late = self.centre.record(handle, "RecordProcessed")
        self.assertEqual((late.status, late.json["GSW_ERROR"]), (409, 6), late)

    def test_the_agent_hears_that_her_record_is_withdrawn_unless_she_asked_herself(self):
        group = self.group()
        for number in range(3):
            self.centre.add(group, self.phone(number))
        with self.centre.listener() as next_event:
            handles = {}
            for _ in range(3):
                record = self.centre.preview(group, "a1").json
                handles[record["GSW_PHONE"]] = record["GSW_RECORD_HANDLE"]
            own = self.centre.record(handles[self.phone(0)], "RecordCancel", GSW_AGENT_ID="a1")
            self.assertEqual(own.status, 200)
            self.cancel(f"/phones/{self.phone(1)}")
            self.assertEqual(self.centre.post(f"/phones/{self.phone(2)}", "DoNotCall").status, 200)
            events = [next_event() for _ in range(2)]
        self.assertEqual([one["message"] for one in events], ["RecordCancelNotification"] * 2)
        self.assertEqual([(one["fields"]["GSW_AGENT_ID"], one["fields"]["GSW_RECORD_HANDLE"],
                           one["fields"]["GSW_CALL_RESULT"], one["fields"]["GSW_CALLING_LIST"])
                          for one in events],
                         [("a1", handles[self.phone(1)], CANCEL_RECORD, group.list),
                          ("a1", handles[self.phone(2)], 51, group.list)])

    def test_by_handle_and_its_alias(self):
        group = self.group()
        self.centre.add(group, self.phone())
        handle = self.centre.preview(group, "a1").json["GSW_RECORD_HANDLE"]
        stranger = self.centre.record(handle, "RecordCancel", GSW_AGENT_ID="a2")
        self.assertEqual((stranger.status, stranger.json["GSW_ERROR"]), (409, 5), stranger)
        answer = self.centre.record(handle, "RecordCancel", GSW_AGENT_ID="a1")
        self.assertEqual((answer.status, answer.json["GSW_RECORD_HANDLE"]), (200, handle), answer)
        self.assertCancelled(self.centre.rows(group)[0])
        again = self.centre.record(handle, "RecordCancel")
        self.assertEqual((again.status, again.json["GSW_ERROR"]), (409, 6), again)
        unknown = self.centre.record(999999, "RecordCancel")
        self.assertEqual((unknown.status, unknown.json["GSW_ERROR"]), (404, 4), unknown)

    def test_siblings_go_on_unless_the_whole_chain_is_meant(self):
        group = self.group(started=False)
        first = self.centre.add(group, self.phone(0))["GSW_CHAIN_ID"]
        self.centre.add(group, self.phone(1), GSW_CHAIN_ID=first)
        second = self.centre.add(group, self.phone(2))["GSW_CHAIN_ID"]
        self.centre.add(group, self.phone(3), GSW_CHAIN_ID=second)
        self.cancel(f"/phones/{self.phone(0)}")
        self.cancel(f"/phones/{self.phone(2)}", GSW_CHAIN_ATTR="AllChain")
        rows = self.centre.rows(group)
        self.assertCancelled(rows[0])
        self.assertEqual(rows[1]["record_status"], READY)
        self.assertCancelled(rows[2])
        self.assertCancelled(rows[3])
        self.centre.load_and_start(group)
        self.assertEqual(self.centre.preview(group, "a1").json["GSW_PHONE"], self.phone(1))
        self.assertNothingToGive(group)

    def test_only_in_the_campaign_that_is_named(self):
        first, second = self.group(started=False), self.group(started=False)
        for group in (first, second):
            self.centre.add(group, self.phone())
        self.assertEqual(self.cancel(f"/phones/{self.phone()}",
                                     GSW_CAMPAIGN_NAME=first.campaign)["GSW_RECORDS"], 1)
        self.assertCancelled(self.centre.rows(first)[0])
        self.assertEqual(self.centre.rows(second)[0]["record_status"], READY)

    def test_the_same_customer_twice_in_a_chain_with_an_agent(self):
        group = self.group(started=False)
        chain = self.centre.add(group, self.phone(0), GSW_CUSTOMER_ID="K7")["GSW_CHAIN_ID"]
        self.centre.add(group, self.phone(1), GSW_CUSTOMER_ID="K7", GSW_CHAIN_ID=chain)
        self.centre.add(group, self.phone(2), GSW_CUSTOMER_ID="K8", GSW_CHAIN_ID=chain)
        self.centre.load_and_start(group)
        self.centre.preview(group, "a1")
        self.cancel("/customer_ids/K7")
        rows = self.centre.rows(group)
        self.assertCancelled(rows[0])
        self.assertCancelled(rows[1])
        self.assertEqual(self.centre.preview(group, "a1").json["GSW_PHONE"], self.phone(2))
        wait_until(lambda: self.about(self.phone(0)), 10, what="a notification")
        self.assertEqual(len(self.about(self.phone(0)) + self.about(self.phone(1))), 1)


if __name__ == "__main__":
    unittest.main()
