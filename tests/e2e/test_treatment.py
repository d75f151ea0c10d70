# SPDX-License-Identifier: Apache-2.0
"""Treatments by the agent's word: outbound 9, 5.2; acceptance 21: 22, 32, 44. The delays of minutes and hours
are exact in tests/unit/outbound; here they are zero or looked at in the row."""
import time
import unittest

from campaign import (CHAIN_READY, CHAIN_UPDATED, READY, RETRIEVED, UPDATED, Centre, new_group,
                      notifying)
from harness import Receiver, wait_until

BUSY, NO_ANSWER, ANSWER = 6, 7, 33
GENERAL, RESCHEDULED, PERSONAL_RESCHEDULED = 2, 3, 4
CAMPAIGN, PERSONAL = "RecordTreatCampaign", "RecordTreatPersonal"
AGENT_ERROR = 6


def redial(**more):
    return {"callResult": BUSY, "recActionCode": "Redial", "attempts": 3, **more}


class TreatmentCase(unittest.TestCase):
    """One installation; `lists` names the treatments of each group's list."""
    lists = {}
    agents = None

    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        cls.groups = {name: new_group(i + 1) for i, name in enumerate(cls.lists)}
        groups = list(cls.groups.values())
        cls.centre = Centre(groups, options={one.name: notifying(cls.receiver.url + "/crm")
                                             for one in groups}, wait=True)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.centre.apply(cls.configure)
        for group in groups:
            cls.centre.load_and_start(group)

    @classmethod
    def configure(cls, config):
        config["treatments"] = []
        for key, treatments in cls.lists.items():
            group = cls.groups[key]
            names = []
            for number, treatment in enumerate(treatments, 1):
                names.append(f"{key} {number}")
                config["treatments"].append({"name": names[-1], **treatment})
            next(one for one in config["callingLists"] if one["name"] == group.list)["treatments"] = names

    def take(self, group, agent="a1"):
        answer = self.centre.preview(group, agent)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def done(self, record, result, treatment=CAMPAIGN, **keys):
        keys = {**keys, **({"GSW_TREATMENT": treatment} if treatment else {})}
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed",
                                    GSW_CALL_RESULT=result, **keys)
        self.assertEqual(answer.status, 200, answer)

    def notifications(self, group, count):
        def mine():
            return [one.json for one in self.receiver.requests
                    if one.json["GSW_CAMPAIGN_GROUP_NAME"] == group.name]
        wait_until(lambda: len(mine()) >= count, what=f"{count} notifications of {group.name}")
        return mine()

    def held(self, group):
        return self.centre.select("select * from held_chain where group_dbid = ?", group.dbid)

    def none(self, group, agent="a1"):
        self.assertEqual(self.centre.preview(group, agent).status, 404)


class Treatments(TreatmentCase):
    lists = {
        "redial": [redial()],
        "unasked": [redial()],
        "personal": [redial()],
        "later": [redial(interval=30, increment=5)],
        "retry": [{"callResult": NO_ANSWER, "recActionCode": "RetryIn", "interval": 120}],
        "chain": [redial(attempts=1), {"callResult": BUSY, "sequence": 2, "recActionCode": "NextInChain",
                                       "attempts": 1}],
        "after": [{"callResult": BUSY, "recActionCode": "NextInChainAfter", "attempts": 1, "interval": 60}],
        "error": [{"callResult": 40, "recActionCode": "MarkAsAgentError"}],
        "ignored": [redial(callActionCode="Connect")],
        "order": [redial(attempts=1)],
        "unload": [redial(interval=30), {"callResult": NO_ANSWER, "recActionCode": "Redial", "attempts": 1}],
    }

    def test_scenario_32_each_busy_has_its_notification_and_the_last_is_final(self):
        group = self.groups["redial"]
        self.centre.add(group, "15550132")
        handles = set()
        for number in range(4):
            record = self.take(group)
            self.assertEqual(record["GSW_PHONE"], "15550132")
            handles.add(record["GSW_RECORD_HANDLE"])
            self.done(record, BUSY)
            row, = self.centre.rows(group)
            self.assertEqual((row["record_status"], row["record_type"], row["call_result"], row["attempt"]),
                             (UPDATED if number == 3 else RETRIEVED, GENERAL, BUSY, 0))
            answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed")
            self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (409, 6))
        self.none(group)
        bodies = self.notifications(group, 4)
        self.assertEqual([(one["GSW_RECORD_STATUS"], one["GSW_REASON"]) for one in bodies],
                         [(RETRIEVED, 2)] * 3 + [(UPDATED, 1)])
        for key in ("GSW_CALL_ATTEMPT_GUID", "GSW_MESSAGE_GUID"):
            self.assertEqual(len({one[key] for one in bodies}), 4)
        self.assertEqual(len(handles), 4)
        self.assertEqual({one["GSW_RECORD_HANDLE"] for one in bodies}, handles)
        self.assertEqual(self.held(group), [])

    def test_without_being_asked_no_treatment_follows(self):
        group = self.groups["unasked"]
        self.centre.add(group, "15550133")
        record = self.take(group)
        self.done(record, BUSY, treatment=None)
        row, = self.centre.rows(group, "contact_info = ?", "15550133")
        self.assertEqual((row["record_status"], row["treatments"]), (UPDATED, None))

    def test_scenario_22_no_answer_goes_back_for_two_hours(self):
        group = self.groups["retry"]
        for phone in ("15550122", "15550123"):
            self.centre.add(group, phone)
        before = time.time()
        self.done(self.take(group), NO_ANSWER)
        row, = self.centre.rows(group, "contact_info = ?", "15550122")
        self.assertEqual((row["record_status"], row["record_type"], row["call_result"]),
                         (READY, RESCHEDULED, NO_ANSWER))
        self.assertGreaterEqual(row["dial_sched_time"], before + 7200)
        self.assertLessEqual(row["dial_sched_time"], time.time() + 7201)
        body, = self.notifications(group, 1)
        self.assertEqual((body["GSW_REASON"], body["GSW_RECORD_TYPE"], body["GSW_RECORD_STATUS"]),
                         (2, RESCHEDULED, READY))
        self.assertEqual(body["GSW_SCHEDULED_TIME"], f"{row['dial_sched_time']}.000")
        self.done(self.take(group), BUSY)  # no treatment of this result
        row, = self.centre.rows(group, "contact_info = ?", "15550123")
        self.assertEqual((row["record_status"], row["call_result"]), (UPDATED, BUSY))
        self.none(group)

    def test_next_in_chain_works_the_records_one_after_the_other(self):
        group = self.groups["chain"]
        chain = self.centre.add_chain(group, "15550141", ("15550142", "15550143"))["GSW_CHAIN_ID"]
        for phone in ("15550141", "15550141", "15550142", "15550142", "15550143"):
            record = self.take(group)
            self.assertEqual((record["GSW_PHONE"], record["GSW_CHAIN_ID"]), (phone, chain))
            self.done(record, BUSY)
        self.assertEqual([row["record_status"] for row in self.centre.rows(group)],
                         [UPDATED, UPDATED, RETRIEVED])
        self.done(self.take(group), ANSWER)
        self.assertEqual([(row["record_status"], row["call_result"]) for row in self.centre.rows(group)],
                         [(UPDATED, BUSY), (UPDATED, BUSY), (UPDATED, ANSWER)])
        bodies = self.notifications(group, 6)
        self.assertEqual([one["GSW_CHAIN_N"] for one in bodies], [1, 1, 2, 2, 3, 3])

    def test_next_in_chain_after_an_hour_leaves_the_siblings_alone_until_then(self):
        group = self.groups["after"]
        chain = self.centre.add_chain(group, "15550151", ("15550152", "15550153"))["GSW_CHAIN_ID"]
        self.done(self.take(group), BUSY)
        rows = self.centre.rows(group)
        self.assertEqual([(row["record_status"], row["record_type"]) for row in rows],
                         [(UPDATED, GENERAL), (READY, RESCHEDULED), (READY, GENERAL)])
        self.assertGreater(rows[1]["dial_sched_time"], time.time() + 3500)
        self.none(group)  # the customer is not called on another number meanwhile

    def test_mark_as_agent_error(self):
        group = self.groups["error"]
        self.centre.add(group, "15550161")
        self.done(self.take(group), 40)
        row, = self.centre.rows(group)
        self.assertEqual((row["record_status"], row["call_result"]), (AGENT_ERROR, 40))
        body, = self.notifications(group, 1)
        self.assertEqual((body["GSW_REASON"], body["GSW_RECORD_STATUS"]), (1, AGENT_ERROR))

    def test_a_treatment_that_is_not_complete_is_ignored_with_one_warning(self):
        group = self.groups["ignored"]
        for number in range(2):
            self.centre.add(group, f"1555017{number}")
            self.done(self.take(group), BUSY)
        self.assertEqual({row["record_status"] for row in self.centre.rows(group)}, {UPDATED})
        self.assertEqual(self.centre.logs("outbound*").count("Treatment ignored 1 is ignored"), 1)

    def test_personal_treatment_brings_the_record_back_to_the_same_agent(self):
        group = self.groups["personal"]
        self.centre.add(group, "15550181")
        self.done(self.take(group, "a2"), BUSY, PERSONAL)
        row, = self.centre.rows(group, "contact_info = ?", "15550181")
        self.assertEqual((row["record_status"], row["record_type"], row["agent_id"]),
                         (RETRIEVED, PERSONAL_RESCHEDULED, "a2"))
        self.none(group, "a1")
        record = self.take(group, "a2")
        self.assertEqual(record["GSW_PHONE"], "15550181")
        self.done(record, ANSWER, None)

    def test_a_record_that_comes_back_goes_before_new_ones(self):
        group = self.groups["order"]
        for number in range(5):
            self.centre.add(group, f"1555019{number}")
        record = self.take(group)
        self.assertEqual(record["GSW_PHONE"], "15550190")
        self.done(record, BUSY)
        self.assertEqual(self.take(group)["GSW_PHONE"], "15550190")

    def test_unloading_writes_back_what_a_treatment_put_off(self):
        group = self.groups["unload"]
        for phone in ("15550201", "15550202"):
            self.centre.add(group, phone)
        before = time.time()
        self.done(self.take(group), BUSY)       # due in half an hour
        self.done(self.take(group), NO_ANSWER)  # due at once
        self.assertEqual([row["record_status"] for row in self.centre.rows(group)], [RETRIEVED, RETRIEVED])
        self.assertEqual(self.centre.order(group, "Unload").status, 200)
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", what="unloaded")
        rows = self.centre.rows(group)
        self.assertEqual([(row["record_status"], row["record_type"]) for row in rows],
                         [(READY, RESCHEDULED), (READY, RESCHEDULED)])
        self.assertGreaterEqual(rows[0]["dial_sched_time"], before + 1800)
        self.assertLessEqual(rows[1]["dial_sched_time"], time.time() + 1)
        self.assertEqual(self.held(group), [])
        self.centre.load_and_start(group)
        answer = wait_until(lambda: (one := self.centre.preview(group, "a1")).status == 200 and one,
                            what="the record that is due")
        self.assertEqual(answer.json["GSW_PHONE"], "15550202")
        self.none(group)


class Restart(TreatmentCase):
    lists = {"now": [redial()], "later": [redial(interval=30, increment=5)]}

    def test_what_a_treatment_put_off_outlives_kill_9(self):
        now, later = self.groups["now"], self.groups["later"]
        self.centre.add(now, "15550211")
        self.centre.add(later, "15550212")
        self.done(self.take(now, "a3"), BUSY, PERSONAL)
        self.done(self.take(later), BUSY)
        held = self.centre.select("select * from held_chain order by group_dbid")
        self.assertEqual(len(held), 2)
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        self.assertEqual(self.centre.select("select * from held_chain order by group_dbid"), held)
        for group in (now, later):
            row, = self.centre.rows(group)
            self.assertEqual((row["record_status"], row["call_result"]), (RETRIEVED, BUSY))
        self.none(now, "a1")
        self.none(later)
        record = self.take(now, "a3")
        self.done(record, BUSY)
        self.assertEqual(self.centre.rows(now)[0]["treatments"], "6:1:2/3R0+0")
        self.assertEqual(len(self.centre.select("select * from held_chain")), 2)
