# SPDX-License-Identifier: Apache-2.0
"""The ledger of notifications: list, show, replay (design 5, 6), by the command line."""
import json
import time
import unittest

from campaign import Centre, new_group, notifying
from harness import Receiver, wait_until


class Ledger(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.answers = {}
        cls.receiver = Receiver(lambda request: cls.answers.get(request.path, 200))
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(6)]
        options = {group.name: notifying(f"{cls.receiver.url}/{group.name}") for group in groups}
        options["G6"] |= {"http-retry-applies-to": "all", "http-retry-max-attempts": "10"}
        cls.centre = Centre(groups, options=options, application_options={"OCServer": {
            "http-custom-headers": "Authorization: Bearer t0ken | X-Campaign: spring"}})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        for group in groups:
            cls.centre.load_and_start(group)

    def process(self, name, phone):
        """Returns the GUID of its notification, once the ledger has it."""
        group = next(group for group in self.centre.groups if group.name == name)
        self.centre.add(group, phone)
        record = self.centre.preview(group, "a1").json
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_CALL_RESULT=33,
                                    GSW_DISPOSITION_CODE="SALE")
        self.assertEqual(answer.status, 200, answer)
        attempt = record["GSW_CALL_ATTEMPT_GUID"]
        found = self.centre.select("select id from outbox where instr(cast(body as text), ?) > 0", attempt)
        return found[0]["id"]

    def run_command(self, *words, code=0):
        done = self.centre.cli("notifications", *words, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def list(self, *words):
        return [json.loads(line) for line in self.run_command("list", "--json", *words).stdout.splitlines()]

    def row(self, guid):
        return json.loads(self.run_command("show", guid, "--json").stdout)["row"]

    def wait_state(self, guid, state):
        wait_until(lambda: self.row(guid)["state"] == state, what=f"{guid} {state}")
        return self.row(guid)

    def posts(self, guid):
        return [one for one in self.receiver.requests if one.json["GSW_MESSAGE_GUID"] == guid]

    def test_what_was_sent_is_shown_whole(self):
        guid = self.process("G1", "15550201")
        row = self.wait_state(guid, "sent")
        self.assertEqual((row["kind"], row["url"], row["attempts"], row["words"], row["summary"]),
                         ("contact-processed", f"{self.receiver.url}/G1", 1, "status 200", "G1, 15550201, result 33, SALE"))
        self.assertAlmostEqual(row["createdAt"], time.time() * 1000, delta=30000)
        self.assertGreaterEqual(row["sentAt"], row["createdAt"])
        self.assertNotIn("dueAt", row)
        whole = json.loads(self.run_command("show", guid, "--json").stdout)
        self.assertEqual(whole["body"].encode(), self.posts(guid)[0].body)
        self.assertEqual(whole["headers"].splitlines()[2:],
                         [f"ETag: {guid}", "Content-type: application/json", "Authorization: *****", "X-Campaign: spring"])
        for words in (["show", guid], ["list"]):
            self.assertNotIn("t0ken", self.run_command(*words).stdout)
        self.assertIn("GSW_CALL_RESULT", self.run_command("show", guid).stdout)

    def test_pages_and_filters(self):
        began = int(time.time())
        guids = [self.process("G2", f"1555021{i}") for i in range(5)]
        for guid in guids:
            self.wait_state(guid, "sent")
        listed = self.list("--contains", "1555021", "--limit", "100")
        self.assertEqual([row["guid"] for row in listed], guids[::-1])  # the latest first
        self.assertEqual([row["guid"] for row in self.list("--contains", "1555021", "--limit", "2")], guids[:2:-1])
        self.assertEqual([row["guid"] for row in self.list("--contains", "15550213")], [guids[3]])
        self.assertEqual(self.list("--contains", "1555021", "--state", "failed"), [])
        self.assertEqual(self.list("--contains", "1555021", "--kind", "history"), [])
        self.assertEqual(self.list("--contains", "1555021", "--until", "2026-01-01T00:00"), [])
        self.assertEqual(len(self.list("--contains", "1555021", "--since", "1h", "--kind", "contact-processed")), 5)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began + 3600))
        self.assertEqual(self.list("--contains", "1555021", "--since", stamp), [])
        words = self.run_command("list", "--contains", "1555021", "--limit", "3")
        self.assertEqual(len(words.stdout.splitlines()), 3)
        self.assertIn("there are more", words.stderr)

    def test_a_failed_one_is_sent_again_with_the_same_bytes_and_only_once(self):
        self.answers["/G3"] = 500
        guid = self.process("G3", "15550231")
        row = self.wait_state(guid, "failed")
        self.assertEqual((row["attempts"], row["words"]), (1, "status 500"))
        self.answers["/G3"] = 200
        self.assertIn("1 wait", self.run_command("replay", guid).stdout)
        self.assertEqual(self.wait_state(guid, "sent")["attempts"], 1)
        first, second = self.posts(guid)
        self.assertEqual(first.body, second.body)
        self.assertEqual(first.headers["ETag"], second.headers["ETag"])
        self.assertIn("1 wait", self.run_command("replay", guid).stdout)  # a sent one may be asked for again
        wait_until(lambda: len(self.posts(guid)) == 3, what="the third")

    def test_all_that_failed_since_are_sent_again(self):
        self.answers["/G4"] = 404
        guids = [self.process("G4", f"155502{40 + i}") for i in range(30)]
        sent = self.process("G5", "15550279")
        for guid in (guids[0], guids[-1]):
            self.wait_state(guid, "failed")
        self.wait_state(sent, "sent")
        wait_until(lambda: self.centre.select("select count(*) n from outbox where state = 1 and kind not like '%/206'")
                   [0]["n"] == 0, what="all ended")
        failed = self.centre.select("select count(*) n from outbox where state = 3")[0]["n"]
        self.answers["/G4"] = 200
        done = json.loads(self.run_command("replay", "--since", "1h", "--json").stdout)
        self.assertEqual(done["replayed"], failed)
        for guid in guids:
            wait_until(lambda: len(self.posts(guid)) == 2, what=guid)
        time.sleep(0.3)
        self.assertEqual([len(self.posts(guid)) for guid in (*guids, sent)], [2] * 30 + [1])
        self.assertEqual(json.loads(self.run_command("replay", "--state", "failed", "--json").stdout)["replayed"], 0)

    def test_what_waits_is_left_alone(self):
        self.answers["/G6"] = 503
        guid = self.process("G6", "15550261")
        wait_until(lambda: self.row(guid)["attempts"] >= 1, what="the first send")
        row = self.row(guid)
        self.assertEqual((row["state"], row["words"]), ("waiting", "status 503"))
        self.assertGreater(row["dueAt"], row["createdAt"])
        self.assertIn("waits", self.run_command("replay", guid, code=1).stderr)
        self.assertIn(guid, [one["guid"] for one in self.list("--state", "waiting")])
        self.answers["/G6"] = 200
        self.wait_state(guid, "sent")

    def test_wrong_words_are_refused(self):
        self.assertIn("no message NOSUCH", self.run_command("show", "NOSUCH", code=1).stderr)
        self.assertIn("not in the ledger", self.run_command("replay", "NOSUCH", code=1).stderr)
        self.assertIn("name a message", self.run_command("replay", code=1).stderr)
        self.assertIn("state", self.run_command("list", "--state", "lost", code=1).stderr)
        for words in (["show"], ["list", "X"], ["replay", "X", "--state", "sent"], ["burn"], ["list", "--since", "soon"],
                      ["list", "--limit", "0"], ["list", "--colour"]):
            self.run_command(*words, code=2)
        self.assertIn("--since", self.run_command("--help").stdout)


if __name__ == "__main__":
    unittest.main()
