# SPDX-License-Identifier: Apache-2.0
"""Call-backs: outbound 10, 2.4; acceptance 21: 26, 27. Waits are seconds here; minutes, hours and days are exact in
tests/unit/outbound/callback_test.c and world_test.c."""
import contextlib
import datetime
import sqlite3
import time
import unittest
import zoneinfo

from campaign import READY, RETRIEVED, UPDATED, Centre, new_group, notifying
from desktops import DesktopCentre
from harness import Receiver, wait_until
from websocket_client import Desktop

PERSONAL_CALLBACK, CAMPAIGN_CALLBACK, ANSWER = 5, 6, 33
AGENT_CALLBACK_ERROR, GROUP_CALLBACK_ERROR, MISSED = 47, 48, 8


def stamp(seconds, zone="UTC"):
    """GSW_DATE_TIME of epoch seconds."""
    return datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone)).strftime("%m/%d/%Y %H:%M")


class CallBack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(12)]
        cls.centre = Centre(groups, options={
            one.name: {**notifying(cls.receiver.url + "/crm"), "callback-wait": "1"} for one in groups})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.centre.apply(cls.assign_to_group)
        cls.free = groups

    @staticmethod
    def assign_to_group(config):
        config["treatments"] = [{"name": "to group", "callResult": AGENT_CALLBACK_ERROR,
                                 "recActionCode": "AssignToGroup"}]
        config["callingLists"][0]["treatments"] = ["to group"]

    def group(self, started=True):
        group = self.free.pop()
        if started:
            self.centre.load_and_start(group)
        return group

    def take(self, group, agent="a1"):
        answer = self.centre.preview(group, agent)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def ask(self, handle, req, status=200, **keys):
        answer = self.centre.record(handle, req, **keys)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def about(self, group, count):
        def mine():
            return [one.json for one in self.receiver.requests
                    if one.json["GSW_CAMPAIGN_GROUP_NAME"] == group.name]
        wait_until(lambda: len(mine()) >= count, what=f"{count} notifications of {group.name}")
        return mine()

    def row(self, group):
        return self.centre.rows(group)[0]

    def test_scenario_26_a_personal_call_back_is_written_with_one_notification(self):
        group = self.group()
        self.centre.add(group, "15550126", GSW_TZ_NAME="America/Denver")
        self.centre.add(group, "15550127", GSW_CHAIN_ID=self.row(group)["chain_id"])
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        due = int(time.time()) // 60 * 60 + 3600
        when = stamp(due, "America/Denver")
        answer = self.ask(handle, "RecordReschedule", GSW_DATE_TIME=when, GSW_CALLBACK_TYPE="Personal",
                          GSW_REFERENCE_ID=7)
        self.assertEqual(answer, {"GSW_USER_EVENT": "RecordRescheduleAcknowledge", "GSW_RECORD_HANDLE": handle,
                                  "GSW_CAMPAIGN_NAME": group.campaign, "GSW_CALLING_LIST": group.list,
                                  "GSW_DATE_TIME": when, "GSW_CALLBACK_TYPE": "Personal",
                                  "GSW_REFERENCE_ID": 7})
        self.assertEqual(self.row(group)["record_status"], RETRIEVED)  # not before RecordProcessed
        self.ask(handle, "RecordProcessed", GSW_CALL_RESULT=ANSWER)
        row = self.row(group)
        self.assertEqual([row[key] for key in ("record_type", "record_status", "dial_sched_time", "agent_id",
                                               "call_result")], [PERSONAL_CALLBACK, READY, due, "a1", ANSWER])
        body, = self.about(group, 1)
        self.assertEqual([body[key] for key in ("GSW_RECORD_TYPE", "GSW_RECORD_STATUS", "GSW_REASON",
                                                "GSW_SCHEDULED_TIME")],
                         [PERSONAL_CALLBACK, READY, 7, f"{due}.000"])
        self.assertEqual(self.centre.preview(group, "a1").status, 404)  # nor on the other number
        time.sleep(0.2)
        self.about(group, 1)

    def test_a_wish_outlives_kill_9(self):
        group = self.group()
        self.centre.add(group, "15550128")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        due = int(time.time()) // 60 * 60 + 7200
        self.ask(handle, "RecordReschedule", GSW_DATE_TIME=stamp(due), GSW_PHONE="15550199")
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        self.ask(handle, "RecordProcessed")
        row = self.row(group)
        self.assertEqual([row[key] for key in ("record_type", "record_status", "dial_sched_time",
                                               "contact_info")], [CAMPAIGN_CALLBACK, READY, due, "15550199"])

    def test_dates_that_are_none_or_past_are_error_9(self):
        group = self.group()
        self.centre.add(group, "15550129")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        for when in ("", "tomorrow", "2026-01-01 10:00", "13/01/2099 10:00", "02/30/2099 10:00",
                     "01/01/2099 24:00", "01/01/2099 10:60", "1/1/2099 10:00", "01/01/2099 10:00 ",
                     "01/01/2001 10:00", stamp(time.time() - 120)):
            answer = self.ask(handle, "RecordReschedule", 400, GSW_DATE_TIME=when)
            self.assertEqual(answer["GSW_ERROR"], 9, when)
            self.assertIn("GSW_DATE_TIME", answer["GSW_ERROR_TEXT"])
        answer = self.ask(handle, "RecordReschedule", 400)
        self.assertEqual(answer["GSW_ERROR"], 2)
        later = stamp(time.time() + 3600)
        self.assertEqual(self.ask(handle, "RecordReschedule", 400, GSW_DATE_TIME=later,
                                  GSW_CALLBACK_TYPE="Collective")["GSW_ERROR"], 2)
        self.assertEqual(self.ask(handle, "RecordReschedule", 409, GSW_DATE_TIME=later,
                                  GSW_AGENT_ID="a2")["GSW_ERROR"], 5)
        self.assertEqual(self.ask(handle, "ScheduledRecordReschedule", 409,
                                  GSW_DATE_TIME=later)["GSW_ERROR"], 11)
        self.ask(handle, "RecordProcessed", GSW_CALL_RESULT=ANSWER)
        self.assertEqual(self.row(group)["record_status"], UPDATED)

    def add_due(self, group, phone, record_type, ago=0, **keys):
        """A call-back that has been due for `ago` minutes, to the minute below."""
        self.centre.add(group, phone, GSW_RECORD_TYPE=record_type,
                        GSW_DATE_TIME=stamp(time.time() - 60 * ago), **keys)

    def test_a_campaign_call_back_that_is_due_goes_before_new_records_and_may_be_moved(self):
        group = self.group()
        for number in range(3):
            self.centre.add(group, f"1555021{number}")
        self.take(group)
        self.add_due(group, "15550219", CAMPAIGN_CALLBACK)
        record = wait_until(lambda: (one := self.take(group))["GSW_PHONE"] == "15550219" and one, 10,
                            every=2.5, what="the call-back")
        self.assertEqual((record["GSW_RECORD_TYPE"], record["GSW_CALLBACK_TYPE"]),
                         (CAMPAIGN_CALLBACK, "Campaign"))
        due = int(time.time()) // 60 * 60 + 600
        self.ask(record["GSW_RECORD_HANDLE"], "ScheduledRecordReschedule", GSW_DATE_TIME=stamp(due),
                 GSW_CALLBACK_TYPE="Personal")
        row, = self.centre.rows(group, "contact_info = '15550219'")
        self.assertEqual([row[key] for key in ("record_type", "record_status", "dial_sched_time", "agent_id")],
                         [PERSONAL_CALLBACK, READY, due, "a1"])
        body = self.about(group, 1)[-1]
        self.assertEqual((body["GSW_REASON"], body["GSW_SCHEDULED_TIME"]), (7, f"{due}.000"))

    def test_scenario_27_a_call_back_that_its_agent_does_not_take_is_result_47(self):
        group = self.group(started=False)
        self.add_due(group, "15550127", PERSONAL_CALLBACK, GSW_AGENT_ID="a3")
        self.centre.load_and_start(group)
        wait_until(lambda: self.row(group)["record_status"] == UPDATED, 15, what="status 3")
        self.assertEqual(self.row(group)["call_result"], AGENT_CALLBACK_ERROR)
        body, = self.about(group, 1)
        self.assertEqual((body["GSW_CALL_RESULT"], body["GSW_RECORD_STATUS"], body["GSW_REASON"]),
                         (AGENT_CALLBACK_ERROR, UPDATED, 1))
        self.assertNotIn("GSW_AGENT_ID", body)

    def test_nobody_of_the_group_there_is_result_48(self):
        group = self.group(started=False)
        self.add_due(group, "15550128", CAMPAIGN_CALLBACK)
        self.centre.load_and_start(group)
        wait_until(lambda: self.row(group)["record_status"] == UPDATED, 15, what="status 3")
        self.assertEqual(self.row(group)["call_result"], GROUP_CALLBACK_ERROR)

    def test_a_call_back_that_is_a_day_late_is_missed(self):
        group = self.group(started=False)
        self.add_due(group, "15550131", CAMPAIGN_CALLBACK, ago=24 * 60 + 1)
        self.add_due(group, "15550132", PERSONAL_CALLBACK, ago=24 * 60 + 1, GSW_AGENT_ID="a1")
        self.centre.load_and_start(group)
        wait_until(lambda: [row["record_status"] for row in self.centre.rows(group)] == [MISSED, MISSED], 15,
                   what="both missed")

    def test_47_assigned_to_the_group_is_answered_by_another(self):
        group = next(one for one in self.free if one.name == "G1")  # its list has the treatment
        self.free.remove(group)
        self.add_due(group, "15550147", PERSONAL_CALLBACK, GSW_AGENT_ID="a3")
        self.centre.load_and_start(group)
        wait_until(lambda: self.row(group)["record_type"] == CAMPAIGN_CALLBACK, 15, what="type 6")
        self.assertEqual(self.row(group)["call_result"], AGENT_CALLBACK_ERROR)
        record = wait_until(lambda: (one := self.centre.preview(group, "a2")).status == 200 and one.json, 10,
                            every=0.2, what="the call-back")
        self.ask(record["GSW_RECORD_HANDLE"], "RecordProcessed")
        self.assertEqual((self.row(group)["record_status"], self.row(group)["call_result"]), (UPDATED, ANSWER))

    def test_priorities_change_while_the_group_runs(self):
        group = self.group()
        answer = self.centre.order(group, "SetPriorities", GSW_PRIORITY_GENERAL=100)
        self.assertEqual((answer.status, answer.json["GSW_RESPONSE"]), (200, "CampaignSetPrioritiesDone"))
        self.add_due(group, "15550151", CAMPAIGN_CALLBACK)
        self.centre.add(group, "15550152")
        self.assertEqual([self.take(group)["GSW_PHONE"] for _ in range(2)], ["15550152", "15550151"])
        self.assertEqual(self.centre.order(self.free[0], "SetPriorities", GSW_PRIORITY_GENERAL=1).status, 409)


class ScheduledCall(unittest.TestCase):
    def test_a_desktop_hears_of_a_call_back_that_is_due_and_may_move_it(self):
        with DesktopCentre(users=("a1", "a2")) as centre:
            group = centre.groups[0]
            centre.add(group, "15550161", GSW_RECORD_TYPE=PERSONAL_CALLBACK, GSW_AGENT_ID="a1",
                       GSW_DATE_TIME=stamp(time.time()))
            with Desktop(centre.web_port, centre.log_in("a1")) as hers, \
                    Desktop(centre.web_port, centre.log_in("a2")) as other:
                centre.load_and_start(group)
                call = hers.event("ScheduledCall", timeout=15)
                self.assertEqual([call[key] for key in ("GSW_PHONE", "GSW_AGENT_ID", "GSW_RECORD_TYPE",
                                                        "GSW_CALLBACK_TYPE")],
                                 ["15550161", "a1", PERSONAL_CALLBACK, "Personal"])
                row, = centre.rows(group)
                self.assertEqual((row["record_status"], row["agent_id"]), (RETRIEVED, "a1"))
                due = int(time.time()) // 60 * 60 + 600
                answer = hers.ask("ScheduledRecordReschedule", GSW_RECORD_HANDLE=call["GSW_RECORD_HANDLE"],
                                  GSW_DATE_TIME=stamp(due), GSW_CALLBACK_TYPE="Personal")
                self.assertEqual(answer["GSW_DATE_TIME"], stamp(due))
                row, = centre.rows(group)
                self.assertEqual((row["record_status"], row["dial_sched_time"]), (READY, due))
                with self.assertRaises(Exception):
                    other.event("ScheduledCall", timeout=0.2)

    def test_a_full_ledger_holds_call_backs_back_until_there_is_room(self):
        full, patience_s = 1000, 4
        with Receiver() as receiver, DesktopCentre(users=("a1",), application_options={
                "OCServer": {"outbox-rows-max": str(full), "callback-wait": "1"}}) as centre:
            group = centre.groups[0]
            centre.add(group, "15550162", GSW_RECORD_TYPE=PERSONAL_CALLBACK, GSW_AGENT_ID="a1",
                       GSW_DATE_TIME=stamp(time.time()))
            centre.cli("stop", "outbound")
            now_ms = int(time.time() * 1000)
            database = next((centre.data / "outbound").glob("*.db"))
            with contextlib.closing(sqlite3.connect(database)) as base, base:
                base.executemany(
                    "INSERT INTO outbox (id, kind, target, headers, body, state, attempts, created_utc_ms, due_utc_ms, lane)"
                    " VALUES (?, 'contact-processed/1', ?, '', '{}', 1, 1, ?, ?, ?)",
                    [(f"waits-{number:04}", receiver.url, now_ms, now_ms + patience_s * 1000, receiver.url)
                     for number in range(full)])
            centre.cli("start", "outbound")
            centre.wait_running()
            with Desktop(centre.web_port, centre.log_in("a1")) as hers:
                centre.load_and_start(group)
                call = hers.event("ScheduledCall", timeout=30)
            self.assertEqual(call["GSW_PHONE"], "15550162")
            self.assertGreater(time.time(), now_ms / 1000 + patience_s, "not before there was room")
