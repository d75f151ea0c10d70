# SPDX-License-Identifier: Apache-2.0
"""Contact-processed notifications: outbound 12; acceptance 21: 31 (preview), 33 to 35, 38, 39."""
import json
import time
import unittest

from campaign import PREVIEW, UPDATED, Centre, new_group, notifying
from harness import Receiver, wait_until

# 12.4, the rows marked mandatory.
MANDATORY_TEXT = ("GSW_MESSAGE", "GSW_MESSAGE_GUID", "GSW_TIMESTAMP", "GSW_CALL_ATTEMPT_GUID", "GSW_PHONE",
                  "GSW_CAMPAIGN_NAME", "GSW_CONTACT_MEDIA_TYPE", "GSW_CALLING_LIST",
                  "GSW_CAMPAIGN_GROUP_NAME", "GSW_CAMPAIGN_GROUP_GUID", "GSW_GROUP_NAME",
                  "GSW_QUEUE_NAME", "GSW_START_PROCESSING")
MANDATORY_NUMBERS = ("GSW_PHONE_TYPE", "GSW_CHAIN_ID", "GSW_CHAIN_N", "GSW_RECORD_HANDLE", "GSW_REASON",
                     "GSW_CALL_RESULT", "GSW_DIAL_MODE", "GSW_RECORD_TYPE", "GSW_RECORD_STATUS")
GUID, STAMP = "^[0-9A-Z]{32}$", r"^\d{10}\.\d{3}$"


class Notification(unittest.TestCase):
    """Every group posts to a path of its own; `answers` says what that path gets."""

    @classmethod
    def setUpClass(cls):
        cls.answers = {}
        cls.receiver = Receiver(lambda request: cls.answers.get(request.path, lambda: 200)())
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(13)]
        for name in ("G11", "G12"):  # one campaign and one list for two groups
            one = next(group for group in groups if group.name == name)
            one.campaign, one.list, one.table = "C11", "L11", "list_11"
        options = {group.name: notifying(f"{cls.receiver.url}/{group.name}", http_retry_applies_to="all",
                                         http_retry_max_attempts=2) for group in groups}
        options["G4"]["http-retry-applies-to"] = ""
        options["G6"]["http-retry-applies-to"] = "timeout, connect"
        options["G7"]["http-response-timeout"] = "1"
        options["G8"]["contact-processed-notification"] = "false"
        options["G9"]["contact-processed-notification-uri"] = ""
        options["G12"]["contact-processed-notification"] = "false"
        cls.centre = Centre(groups, options=options,
                            application_options={"OCServer": {"http-custom-headers":
                                                              "Authorization: Bearer t0ken | X-Campaign: spring"}})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        for group in groups:
            cls.centre.load_and_start(group)
        cls.answer_with("G3", 500, 500, 200)  # 33 and 34 take their time beside the other tests
        cls.answer_with("G5", 503)
        cls.process("G3", "15550134")
        cls.began = time.monotonic()
        cls.process("G5", "15550135")
        cls.took_s = time.monotonic() - cls.began

    @classmethod
    def group(cls, name):
        return next(group for group in cls.centre.groups if group.name == name)

    def posts(self, name):
        return [one for one in self.receiver.requests if one.path == f"/{name}"]

    def wait_posts(self, name, count, seconds=10):
        wait_until(lambda: len(self.posts(name)) >= count, seconds,
                   what=f"{count} POSTs of {name}, came {len(self.posts(name))}")
        return self.posts(name)

    @classmethod
    def process(cls, name, phone, agent="a1", **keys):
        """One record from AddRecord to RecordProcessed."""
        group = cls.group(name)
        cls.centre.add(group, phone)
        record = cls.centre.preview(group, agent).json
        answer = cls.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed",
                                   **{"GSW_CALL_RESULT": 33, **keys})
        assert answer.status == 200, answer
        return record

    @classmethod
    def answer_with(cls, name, *statuses):
        """Status by status, the last one from then on."""
        rest = list(statuses)
        cls.answers[f"/{name}"] = lambda: rest.pop(0) if len(rest) > 1 else rest[0]

    def test_31_the_agent_sets_a_result_and_changes_one_field(self):
        group = self.group("G1")
        self.centre.add(group, "15550131", Other1="before", Other2="stays", GSW_CUSTOMER_ID="C31",
                        GSW_PHONE_TYPE=1)
        began = time.time()
        record = self.centre.preview(group, "a1").json
        handle = record["GSW_RECORD_HANDLE"]
        answer = self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33, Other1="wants \"Ж\"",
                                    Other2="stays", GSW_DISPOSITION_CODE="SALE")
        self.assertEqual(answer.status, 200, answer)
        request, = self.wait_posts("G1", 1)
        body = request.json
        for key in MANDATORY_TEXT:
            self.assertIsInstance(body.get(key), str, key)
        for key in MANDATORY_NUMBERS:
            self.assertIsInstance(body.get(key), int, key)
        expected = {"GSW_MESSAGE": "ContactProcessed", "GSW_PHONE": "15550131", "GSW_PHONE_TYPE": 1,
                    "GSW_CALL_ATTEMPT_GUID": record["GSW_CALL_ATTEMPT_GUID"],
                    "GSW_CHAIN_ID": record["GSW_CHAIN_ID"], "GSW_CHAIN_N": 1, "GSW_RECORD_HANDLE": handle,
                    "GSW_REASON": 1, "GSW_CUSTOMER_ID": "C31", "GSW_CALL_RESULT": 33,
                    "GSW_DISPOSITION_CODE": "SALE", "GSW_CAMPAIGN_NAME": group.campaign,
                    "GSW_CONTACT_MEDIA_TYPE": "voice", "GSW_CALLING_LIST": group.list,
                    "GSW_CAMPAIGN_GROUP_NAME": group.name, "GSW_GROUP_NAME": "AG", "GSW_QUEUE_NAME": "",
                    "GSW_DIAL_MODE": PREVIEW, "GSW_AGENT_ID": "a1", "GSW_RECORD_TYPE": 2,
                    "GSW_RECORD_STATUS": UPDATED, "Other1": "wants \"Ж\"",
                    "GSW_CAMPAIGN_GROUP_GUID": self.centre.status(group)["GSW_CAMPAIGN_GROUP_GUID"]}
        self.assertEqual({key: body.get(key) for key in expected}, expected)
        for key in ("Other2", "GSW_OPTIMIZE_BY", "GSW_OPTIMIZE_GOAL", "GSW_CALL_TIME", "GSW_SCHEDULED_TIME",
                    "GSW_CAMPAIGN_TEMPLATE_NAME", "GSW_CHAIN_LIFO_GUID", "FirstName"):
            self.assertNotIn(key, body)
        self.assertNotIn(None, body.values())
        self.assertRegex(body["GSW_MESSAGE_GUID"], GUID)
        self.assertRegex(body["GSW_CAMPAIGN_GROUP_GUID"], GUID)
        for key in ("GSW_TIMESTAMP", "GSW_START_PROCESSING", "GSW_COMPLETE_PROCESSING"):
            self.assertRegex(body[key], STAMP)
            self.assertAlmostEqual(float(body[key]), began, delta=10)
        self.assertLessEqual(float(body["GSW_START_PROCESSING"]), float(body["GSW_COMPLETE_PROCESSING"]))
        time.sleep(0.3)
        self.assertEqual(len(self.posts("G1")), 1)

    def test_31_headers(self):
        self.process("G2", "15550132")
        request = wait_until(lambda: [one for one in self.posts("G2") if one.json["GSW_PHONE"] == "15550132"],
                             what="its POST")[0]
        headers = request.headers
        self.assertEqual(request.method, "POST")
        self.assertEqual(headers["ETag"].strip('"'), request.json["GSW_MESSAGE_GUID"])
        self.assertEqual(headers["Accept"], "*/*")
        self.assertEqual(headers["Host"], f"127.0.0.1:{self.receiver.port}")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(int(headers["Content-Length"]), len(request.body))
        self.assertRegex(headers["User-Agent"], r"^OCS/\S+$")
        self.assertEqual((headers["Authorization"], headers["X-Campaign"]), ("Bearer t0ken", "spring"))
        for name in ("Expect", "Transfer-Encoding"):
            self.assertIsNone(headers[name])

    def test_31_an_update_before_counts_as_changed_in_this_round(self):
        group = self.group("G2")
        self.centre.add(group, "15550133", Other1="a", Other2="b")
        handle = self.centre.preview(group, "a2").json["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.record(handle, "UpdateCallCompletionStats", Other2="c").status, 200)
        self.assertEqual(self.centre.record(handle, "RecordProcessed").status, 200)
        body = wait_until(lambda: [one.json for one in self.posts("G2")
                                   if one.json["GSW_PHONE"] == "15550133"], what="its POST")[0]
        self.assertEqual((body.get("Other1"), body.get("Other2"), body["GSW_CALL_RESULT"]), (None, "c", 28))
        self.assertNotIn("GSW_DISPOSITION_CODE", body)

    def test_33_after_500_500_200_there_are_three_equal_posts_at_0_1_3_seconds(self):
        posts = self.wait_posts("G3", 3)
        gaps = [posts[i + 1].at - posts[i].at for i in range(2)]
        self.assertAlmostEqual(gaps[0], 1, delta=0.4)
        self.assertAlmostEqual(gaps[1], 2, delta=0.4)
        self.assertEqual(len({one.body for one in posts}), 1)
        self.assertEqual(len({one.headers["ETag"] for one in posts}), 1)
        time.sleep(max(0.0, posts[2].at + 0.5 - time.monotonic()))
        self.assertEqual(len(self.posts("G3")), 3)
        self.assertNotIn("81112", self.lines_about(posts[0]))

    def test_34_after_three_times_503_it_is_discarded_and_the_chain_is_written_all_the_same(self):
        row, = self.centre.rows(self.group("G5"))
        self.assertEqual(row["record_status"], UPDATED)
        self.assertLess(self.took_s, 1)  # retries never delay the chain
        posts = self.wait_posts("G5", 3)
        wait_until(lambda: "81112" in self.lines_about(posts[0]), 5, what="81112")
        self.assertEqual(self.lines_about(posts[0]).count("81112"), 1)
        time.sleep(max(0.0, posts[2].at + 4.5 - time.monotonic()))  # the next would come 4 s behind the third
        self.assertEqual(len(self.posts("G5")), 3)

    def lines_about(self, request):
        guid = request.json["GSW_MESSAGE_GUID"]
        return "\n".join(line for line in self.centre.logs("outbound*").splitlines() if guid in line)

    def test_35_no_retry_where_it_does_not_apply(self):
        self.answer_with("G4", 500)  # http-retry-applies-to is empty
        self.answer_with("G10", 400)  # applies to all, but 400 is final
        self.answer_with("G6", 500)  # applies to time-outs and connections
        for name in ("G4", "G10", "G6"):
            self.process(name, "15550136")
        for name in ("G4", "G10", "G6"):
            post, = self.wait_posts(name, 1)
            wait_until(lambda: "81112" in self.lines_about(post), 5, what="81112")
        time.sleep(1.5)
        self.assertEqual([len(self.posts(name)) for name in ("G4", "G10", "G6")], [1, 1, 1])

    def test_a_silent_receiver_is_asked_again_after_the_time_out(self):
        slow = [3]
        self.answers["/G7"] = lambda: (time.sleep(slow.pop()) if slow else None) or 200
        self.process("G7", "15550137")
        first, second = self.wait_posts("G7", 2)
        self.assertAlmostEqual(second.at - first.at, 2, delta=0.5)  # 1 s to answer, 1 s of pause
        self.assertEqual(first.body, second.body)

    def test_38_one_notification_per_chain(self):
        group = self.group("G2")
        first = self.centre.add_chain(group, "15550138", ("15550139", "15550140"), Other1="one", Other2="one")
        handle = self.centre.preview(group, "a3").json["GSW_RECORD_HANDLE"]
        chained = self.centre.record(handle, "ChainedRecordRequest").json
        second, third = [one["GSW_RECORD_HANDLE"] for one in chained
                         if one["GSW_USER_EVENT"] == "ChainedRecord"]
        for other in (second, third):
            answer = self.centre.record(other, "UpdateCallCompletionStats", GSW_CALL_RESULT=6, Other2="of another")
            self.assertEqual(answer.status, 200, answer)
        answer = self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33, Other1="of the first")
        self.assertEqual(answer.status, 200, answer)

        def about_chain():
            return [one.json for one in self.posts("G2") if one.json["GSW_CHAIN_ID"] == first["GSW_CHAIN_ID"]]
        wait_until(about_chain, what="the notification")
        time.sleep(0.5)
        body, = about_chain()
        self.assertEqual((body["GSW_CHAIN_N"], body["GSW_PHONE"], body["GSW_RECORD_HANDLE"],
                          body["GSW_CALL_RESULT"], body["Other1"]),
                         (1, "15550138", handle, 33, "of the first"))
        self.assertNotIn("Other2", body)
        rows = self.centre.rows(group, "chain_id = ?", first["GSW_CHAIN_ID"])
        self.assertEqual([(row["call_result"], row["Other2"]) for row in rows],
                         [(33, "one"), (6, "of another"), (6, "of another")])

    def test_39_only_the_group_that_asks_for_them_sends(self):
        for name, phone in (("G11", "15550141"), ("G12", "15550142"), ("G8", "15550143"), ("G9", "15550144"),
                            ("G11", "15550145")):
            self.process(name, phone)
        bodies = [one.json for one in self.wait_posts("G11", 2)]
        time.sleep(0.5)
        self.assertEqual([one["GSW_PHONE"] for one in bodies], ["15550141", "15550145"])
        self.assertEqual({one["GSW_CAMPAIGN_GROUP_NAME"] for one in bodies}, {"G11"})
        for name in ("G8", "G9", "G12"):
            self.assertEqual(self.posts(name), [], name)

    def test_a_notification_that_could_not_be_sent_survives_kill_9(self):
        """Refused until outbound is killed, accepted afterwards; its GUID and body stay."""
        answers = [503]
        self.answers["/G10"] = lambda: answers[0]
        before = len(self.posts("G10"))
        record = self.process("G10", "15550146")

        def mine():
            return [one for one in self.posts("G10")[before:]
                    if one.json["GSW_CALL_ATTEMPT_GUID"] == record["GSW_CALL_ATTEMPT_GUID"]]
        wait_until(mine, what="the first send")
        former = self.centre.kill("outbound")
        answers[0] = 200
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        wait_until(lambda: len(mine()) >= 2, what="the send after the restart")
        self.assertEqual(len({one.body for one in mine()}), 1)
        self.assertEqual(len({json.loads(one.body)["GSW_MESSAGE_GUID"] for one in mine()}), 1)

    def test_after_a_restart_the_options_of_a_group_that_is_not_loaded_rule_its_sends(self):
        """The first send ended before the kill; the group's two retries are still owed after it."""
        self.answers["/G13"] = lambda: 503
        self.process("G13", "15550147")
        wait_until(lambda: self.posts("G13"), what="the first send")
        group = next(one for one in self.centre.groups if one.name == "G13")
        self.assertEqual(self.centre.order(group, "Unload").status, 200)
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", what="unloaded")
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        wait_until(lambda: len(self.posts("G13")) >= 3, 8, what="three sends")


if __name__ == "__main__":
    unittest.main()
