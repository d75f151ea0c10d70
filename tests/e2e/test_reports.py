# SPDX-License-Identifier: Apache-2.0
"""Campaign group states and call report records: outbound 13.1, 13.2; acceptance 21: 40."""
import contextlib
import random
import threading
import time
import unittest

from campaign import PREVIEW, Centre, Client, Lost, new_group, notifying
from harness import Receiver, wait_until

GUID, STAMP = "^[0-9A-Z]{32}$", r"^\d{10}\.\d{3}$"


def states(url, **more):
    """Options of a group that posts its states."""
    return {"send-campaigngroup-states": "true", "campaigngroup-states-uri": url,
            **{name.replace("_", "-"): str(value) for name, value in more.items()}}


class States(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.answers = {}
        cls.receiver = Receiver(lambda request: cls.answers.get(request.path, lambda: 200)())
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(7)]
        uri = cls.receiver.url
        options = {
            "G1": states(f"{uri}/G1", campaigngroup_states_interval=5, http_retry_applies_to="contact-processed, 5xx"),
            "G2": states(f"{uri}/G2", campaigngroup_states_interval=0),
            "G3": states(f"{uri}/G3", campaigngroup_states_interval=0,
                         http_retry_applies_to="campaigngroup-states"),
            "G4": {"campaigngroup-states-uri": f"{uri}/G4"},  # not switched on
            "G5": states(f"{uri}/G5", campaigngroup_states_interval=0, http_webhook_secret="whsec_" + "AAAA" * 8),
            "G6": states(f"{uri}/G6", campaigngroup_states_interval=1),
            "G7": states(f"{uri}/G7", campaigngroup_states_interval=1),
        }
        cls.centre = Centre(groups, options=options,
                            application_options={"log": {"verbose": "trace"}})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.work_scenario_40()

    def group(self, name):
        return next(group for group in self.centre.groups if group.name == name)

    def posts(self, name):
        """In the order in which they were made: each may take a connection of its own."""
        return sorted((one for one in self.receiver.requests if one.path == f"/{name}"),
                      key=lambda one: one.json["GSW_TIMESTAMP"])

    def told(self, name):
        return [one.json["GSW_CAMPAIGN_GROUP_STATE"] for one in self.posts(name)]

    def wait_told(self, name, *states_, seconds=10):
        wait_until(lambda: self.told(name) == list(states_), seconds, what=f"{states_} of {name}, told {self.told(name)}")
        return self.posts(name)

    def order(self, name, *requests):
        for req in requests:
            keys = {"GSW_DIAL_MODE": PREVIEW} if req == "Start" else {}
            answer = self.centre.order(self.group(name), req, **keys)
            self.assertEqual(answer.status, 200, (req, answer))

    @classmethod
    def work_scenario_40(cls):
        """Goes on beside the other tests, as it takes its time."""
        group = cls.centre.groups[0]

        def work():
            time.sleep(11)
            for req in ("Stop", "Unload"):
                cls.centre.order(group, req)
        cls.answers["/G1"] = lambda: 500
        cls.centre.load_and_start(group)
        cls.began = time.monotonic()
        cls.worker = threading.Thread(target=work)
        cls.worker.start()
        cls.addClassCleanup(cls.worker.join)

    def test_scenario_40_states_every_five_seconds_to_a_receiver_that_always_fails(self):
        self.worker.join()
        posts = self.wait_told("G1", "CampaignLoaded", "CampaignStarted", "CampaignActive", "CampaignActive",
                               "CampaignStopped", "CampaignUnloaded")
        for post, due in zip(posts[2:4], (5, 10)):
            self.assertAlmostEqual(post.at - self.began, due, delta=0.9)
        time.sleep(1.5)  # a re-send would come after one second
        self.assertEqual(len(self.posts("G1")), 6)
        log = self.centre.logs("outbound*")
        lines = [line for line in log.splitlines() if f"{self.receiver.url}/G1" in line]
        self.assertEqual([sum(number in line for line in lines) for number in ("81000", "81001")], [4, 2])

    def test_13_1_the_keys(self):
        self.order("G2", "Load", "Start", "Stop", "Unload")
        posts = self.wait_told("G2", "CampaignLoaded", "CampaignStarted", "CampaignStopped", "CampaignUnloaded")
        first, second = posts[0].json, posts[1].json
        expected = {"GSW_MESSAGE": "CampaignGroupState", "GSW_TENANT_NAME": "Environment", "GSW_TENANT_CCID": "undefined",
                    "GSW_CAMPAIGN_GROUP_NAME": "G2", "GSW_GROUP_NAME": "AG", "GSW_CAMPAIGN_NAME": "C2",
                    "GSW_STAT_BUSY_FACTOR": None, "GSW_STAT_HIT_RATIO": None, "GSW_STAT_OVERDIAL_RATE": None,
                    "GSW_STAT_TIME_TO_COMPLETE": None}
        self.assertEqual({key: first.get(key, "absent") for key in expected}, expected)
        self.assertEqual(second["GSW_DIAL_MODE"], PREVIEW)
        for key in ("GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL", "GSW_CAMPAIGN_TEMPLATE_NAME"):
            self.assertNotIn(key, second)
        self.assertRegex(first["GSW_MESSAGE_GUID"], GUID)
        self.assertRegex(first["GSW_TIMESTAMP"], STAMP)
        self.assertEqual(len({one.json["GSW_CAMPAIGN_GROUP_GUID"] for one in posts}), 1)
        self.assertRegex(first["GSW_CAMPAIGN_GROUP_GUID"], GUID)
        self.assertEqual(len({one.json["GSW_MESSAGE_GUID"] for one in posts}), 4)
        self.assertEqual([one.headers["ETag"] for one in posts], [one.json["GSW_MESSAGE_GUID"] for one in posts])

    def test_an_order_that_is_fulfilled_already_is_no_news(self):
        self.order("G5", "Load", "Load", "Start", "Start", "Stop", "Stop")
        posts = self.wait_told("G5", "CampaignLoaded", "CampaignStarted", "CampaignStopped")
        self.assertTrue(posts[0].headers["webhook-signature"].startswith("v1,"))

    def test_retries_need_their_token(self):
        rest = [500, 500, 200]
        self.answers["/G3"] = lambda: rest.pop(0)
        self.order("G3", "Load")
        posts = self.wait_told("G3", "CampaignLoaded", "CampaignLoaded", "CampaignLoaded")
        self.assertEqual(len({one.body for one in posts}), 1)

    def test_a_group_that_does_not_ask_for_them_sends_none(self):
        self.order("G4", "Load", "Start", "Stop", "Unload")
        time.sleep(0.3)
        self.assertEqual(self.posts("G4"), [])

    def test_only_when_the_last_chain_is_done_unloaded_is_told(self):
        group = self.group("G6")
        self.order("G6", "Load", "Start")
        self.centre.add(group, "15550601")
        handle = self.centre.preview(group, "a1").json["GSW_RECORD_HANDLE"]
        self.order("G6", "Unload")
        time.sleep(1.3)  # no periodic one any more either
        self.assertNotIn("CampaignUnloaded", self.told("G6"))
        before = len(self.posts("G6"))
        self.assertEqual(self.centre.record(handle, "RecordProcessed").status, 200)
        wait_until(lambda: self.told("G6")[-1] == "CampaignUnloaded", what="unloaded")
        self.assertEqual(len(self.posts("G6")), before + 1)

    def test_when_killed_periodic_states_go_on_in_the_same_session(self):
        self.order("G7", "Load", "Start")
        wait_until(lambda: "CampaignActive" in self.told("G7"), what="a periodic state")
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        before = len(self.posts("G7"))
        wait_until(lambda: self.told("G7")[before:].count("CampaignActive") >= 2, what="periodic states")
        self.assertEqual(len({one.json["GSW_CAMPAIGN_GROUP_GUID"] for one in self.posts("G7")}), 1)
        self.assertEqual(self.told("G7").count("CampaignStarted"), 1)


def reports(url, **more):
    """Options of a group that posts call report records."""
    return {"send-history": "true", "history-uri": url,
            **{name.replace("_", "-"): str(value) for name, value in more.items()}}


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.answers = {}
        cls.receiver = Receiver(lambda request: cls.answers.get(request.path, 200))
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(6)]
        uri = cls.receiver.url
        often = {"http_retry_applies_to": "all", "http_retry_max_attempts": 100}
        options = {
            "G1": reports(f"{uri}/G1"),
            "G2": {**reports(f"{uri}/G2"), **notifying(f"{uri}/G2-notifications")},
            "G3": reports(f"{uri}/G3", history_wait_condition_threshold=2, history_wait_recovery_timeout=2, **often),
            "G4": reports(f"{uri}/G4", history_wait_condition_threshold=1, history_wait_recovery_timeout=60, **often),
            "G5": {"history-uri": f"{uri}/G5"},  # not switched on
            "G6": {**reports(f"{uri}/G6"), **notifying(f"{uri}/G6-notifications")},
        }
        cls.centre = Centre(groups, options=options)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        for group in groups:
            cls.centre.load_and_start(group)

    def group(self, name):
        return next(group for group in self.centre.groups if group.name == name)

    def posts(self, name):
        return sorted((one for one in self.receiver.requests if one.path == f"/{name}"),
                      key=lambda one: one.json["GSW_TIMESTAMP"])

    def wait_posts(self, name, count):
        wait_until(lambda: len(self.posts(name)) >= count, what=f"{count} of {name}, came {len(self.posts(name))}")
        return self.posts(name)

    def take(self, name, phone, **keys):
        self.centre.add(self.group(name), phone, **keys)
        answer = self.centre.preview(self.group(name), "a1")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def finish(self, record, **keys):
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", **{"GSW_CALL_RESULT": 33, **keys})
        self.assertEqual(answer.status, 200, answer)

    def test_13_2_two_reports_of_each_attempt(self):
        record = self.take("G1", "15550701", Other1="a")
        first, = self.wait_posts("G1", 1)
        before = first.json
        self.finish(record, Other1="b", GSW_DISPOSITION_CODE="SALE")
        after = self.wait_posts("G1", 2)[1].json
        zone = self.centre.status(self.group("G1"))
        for body, sequence in ((before, 0), (after, 1)):
            expected = {"GSW_HIST_SEQUENCE_NUM": sequence, "GSW_CALL_ATTEMPT_GUID": record["GSW_CALL_ATTEMPT_GUID"],
                        "GSW_PHONE": "15550701", "GSW_CHAIN_ID": record["GSW_CHAIN_ID"], "GSW_CHAIN_N": 1,
                        "GSW_RECORD_HANDLE": record["GSW_RECORD_HANDLE"], "GSW_CAMPAIGN_NAME": "C1",
                        "GSW_CAMPAIGN_GROUP_NAME": "G1", "GSW_GROUP_NAME": "AG", "GSW_CALLING_LIST": "L1",
                        "GSW_AGENT_ID": "a1", "GSW_DIAL_MODE": PREVIEW, "GSW_TENANT_NAME": "Environment",
                        "GSW_CAMPAIGN_DBID": record["GSW_CAMPAIGN_DBID"],
                        "GSW_CALLING_LIST_DBID": record["GSW_CALLING_LIST_DBID"], "GSW_TZ_NAME": "UTC", "GSW_TZ_OFFSET": 0,
                        "GSW_CAMPAIGN_GROUP_GUID": zone["GSW_CAMPAIGN_GROUP_GUID"]}
            self.assertEqual({key: body.get(key) for key in expected}, expected)
            self.assertRegex(body["GSW_MESSAGE_GUID"], GUID)
            self.assertRegex(body["GSW_START_PROCESSING"], STAMP)
            for key in ("GSW_MESSAGE", "GSW_REASON", "GSW_COUNTRY_CODE"):
                self.assertNotIn(key, body)
        for key in ("GSW_CALL_RESULT", "GSW_DISPOSITION_CODE", "GSW_COMPLETE_PROCESSING", "Other1"):
            self.assertNotIn(key, before)
        self.assertEqual((after["GSW_CALL_RESULT"], after["GSW_DISPOSITION_CODE"], after["Other1"]), (33, "SALE", "b"))
        self.assertEqual(before["GSW_START_PROCESSING"], after["GSW_START_PROCESSING"])
        self.assertNotEqual(before["GSW_MESSAGE_GUID"], after["GSW_MESSAGE_GUID"])
        self.assertEqual(first.headers["ETag"], before["GSW_MESSAGE_GUID"])

    def test_a_record_that_is_given_back_ends_its_report_and_notifies_nobody(self):
        record = self.take("G2", "15550702")
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordReject").status, 200)
        posts = self.wait_posts("G2", 2)
        self.assertEqual([one.json["GSW_HIST_SEQUENCE_NUM"] for one in posts], [0, 1])
        self.assertEqual(self.posts("G2-notifications"), [])
        again = self.centre.preview(self.group("G2"), "a2").json
        self.finish(again)
        posts = self.wait_posts("G2", 4)
        notification, = self.wait_posts("G2-notifications", 1)
        self.assertEqual(len({one.json["GSW_CALL_ATTEMPT_GUID"] for one in posts}), 2)
        self.assertEqual(posts[3].json["GSW_CALL_ATTEMPT_GUID"], notification.json["GSW_CALL_ATTEMPT_GUID"])

    def test_reports_without_confirmation_pause_new_work_for_a_while(self):
        self.answers["/G3"] = 503
        group = self.group("G3")
        for number in range(8):
            self.centre.add(group, f"1555071{number}")
        for _ in range(3):
            self.assertEqual(self.centre.preview(group, "a1").status, 200)
        answer = self.centre.preview(group, "a1")
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (409, 12), answer)
        self.assertIn("call report", answer.json["GSW_ERROR_TEXT"])
        began = time.monotonic()
        wait_until(lambda: self.centre.preview(group, "a1").status == 200, what="the end of the pause")
        self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(self.centre.preview(group, "a1").status, 409)  # and the next report begins the next one
        self.assertEqual(self.centre.logs("outbound*").count("81114"), 2)
        self.answers["/G3"] = 200
        wait_until(lambda: self.centre.preview(group, "a1").status == 200, 15, what="confirmation")

    def test_kill_9_loses_no_report_and_changes_none(self):
        group, took, finished = self.group("G6"), set(), set()
        for number in range(60):
            self.centre.add(group, f"1555080{number:02}")
        client = Client(self.centre.http_port)

        def work(stop):
            while not stop.is_set():
                with contextlib.suppress(Lost, KeyError):
                    status, record = client.post(f"/campaigngroups/{group.dbid}", "PreviewRecordRequest", GSW_AGENT_ID="a3")
                    if status != 200:
                        time.sleep(0.02)
                        continue
                    took.add(record["GSW_CALL_ATTEMPT_GUID"])
                    status, _ = client.post(f"/records/{record['GSW_RECORD_HANDLE']}", "RecordProcessed", GSW_CALL_RESULT=33)
                    if status == 200:
                        finished.add(record["GSW_CALL_ATTEMPT_GUID"])
                time.sleep(0.01)
        stop = threading.Event()
        worker = threading.Thread(target=work, args=(stop,))
        worker.start()
        for _ in range(3):
            time.sleep(random.uniform(0.05, 0.3))
            former = self.centre.kill("outbound")
            wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
            self.centre.wait_running()
            self.centre.wait_for_http()
        wait_until(lambda: len(finished) >= 20, 20, what="some work done")
        stop.set()
        worker.join()

        def told(sequence):
            return {one.json["GSW_CALL_ATTEMPT_GUID"] for one in self.posts("G6")
                    if one.json["GSW_HIST_SEQUENCE_NUM"] == sequence}
        wait_until(lambda: told(0) >= took and told(1) >= finished, what="every report")
        notified = {one.json["GSW_CALL_ATTEMPT_GUID"] for one in self.posts("G6-notifications")}
        self.assertGreaterEqual(notified, finished)
        bodies = {}
        for one in self.posts("G6"):
            self.assertEqual(bodies.setdefault(one.json["GSW_MESSAGE_GUID"], one.body), one.body)

    def test_what_is_not_confirmed_counts_after_kill_9(self):
        self.answers["/G4"] = 503
        group = self.group("G4")
        for number in range(4):
            self.centre.add(group, f"1555072{number}")
        for _ in range(2):
            self.assertEqual(self.centre.preview(group, "a1").status, 200)
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        self.assertEqual(self.centre.preview(group, "a1").status, 409)
        self.answers["/G4"] = 200
        wait_until(lambda: self.centre.preview(group, "a1").status == 200, 15, what="confirmation")
        self.assertEqual(self.posts("G5"), [])


if __name__ == "__main__":
    unittest.main()
