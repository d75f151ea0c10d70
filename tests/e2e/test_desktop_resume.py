# SPDX-License-Identifier: Apache-2.0
"""What a desktop that lost its connection may believe (src/servers/web/README.md, Resume)."""
import json
import socket
import unittest

from desktops import AGENT, DesktopCentre, RawSocket
from harness import wait_until


class Resume(unittest.TestCase):
    def setUp(self):
        self.centre = DesktopCentre()
        self.centre.__enter__()
        self.addCleanup(self.centre.close)
        self.group = self.centre.groups[0]
        self.centre.load_and_start(self.group)
        self.token = self.centre.log_in(AGENT)
        self.request = {"to": "outbound", "message": "PreviewRecordRequest", "ref": 1,
                        "fields": {"GSW_CAMPAIGN_GROUP_DBID": self.group.dbid}}
        self.ask(self.connect()[0])  # no record yet, so nothing is done

    def connect(self, session="", seq=0):
        path = f"/desktop?session={session}&seq={seq}" if session else "/desktop"
        raw = RawSocket(self.centre.web_port, path, {"Authorization": f"Bearer {self.token}"})
        self.addCleanup(raw.cut)
        return raw, json.loads(raw.receive())["fields"]

    def replies(self, raw):
        """The frames with a `ref`, until none has come for a second."""
        found = []
        try:
            while True:
                frame = json.loads(raw.receive(1 if found else 10))
                found += [frame] if "ref" in frame else []
        except TimeoutError:
            return found

    def ask(self, raw):
        """The one reply; asks again while web is up and its link to outbound is not."""
        while True:
            raw.send_json(self.request)
            reply, = self.replies(raw)
            if not reply.get("error", {}).get("retryable"):
                return reply

    def ask_and_lose(self):
        """The answer comes as far as the socket, and nobody reads it. What to resume after."""
        raw, welcome = self.connect()
        raw.send_json(self.request)
        wait_until(lambda: b'"ref":1' in raw.socket.recv(65536, socket.MSG_PEEK), what="the answer")
        raw.cut()
        return welcome["session"], welcome["seq"]

    def test_a_repeat_is_not_carried_out_behind_a_refusal_that_was_not_heard(self):
        resume = self.ask_and_lose()
        self.centre.add(self.group, "15550170")  # now there would be a record
        again, resumed = self.connect(*resume)
        self.assertTrue(resumed["resumed"])
        again.send_json(self.request)
        replies = self.replies(again)
        self.assertEqual([(one["ref"], one["error"]["code"]) for one in replies], [(1, 3)])
        self.assertEqual(self.centre.select("select 1 from round"), [])
        again.send_json({**self.request, "ref": 2})
        reply, = self.replies(again)
        self.assertEqual(reply["fields"]["GSW_PHONE"], "15550170")

    def test_a_repeat_of_what_was_done_is_answered_once_more_and_done_once(self):
        self.centre.add(self.group, "15550171")
        self.centre.add(self.group, "15550172")
        resume = self.ask_and_lose()
        again, resumed = self.connect(*resume)
        again.send_json(self.request)
        first, = self.replies(again)
        self.centre.kill("web")  # which keeps no answers; outbound does
        self.centre.wait_for_web()
        third, resumed = self.connect(*resume)
        self.assertEqual((resumed["resumed"], resumed["session"]), (False, resume[0]))
        second = self.ask(third)
        self.assertEqual(first["fields"], second["fields"])
        self.assertEqual(len(self.centre.select("select 1 from round")), 1)


if __name__ == "__main__":
    unittest.main()
