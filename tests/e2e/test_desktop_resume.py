# SPDX-License-Identifier: Apache-2.0
"""What a desktop that lost its connection may believe (src/servers/web/README.md, Resume)."""
import json
import time
import unittest

from desktops import AGENT, DesktopCentre, RawSocket


class Resume(unittest.TestCase):
    def setUp(self):
        self.centre = DesktopCentre()
        self.centre.__enter__()
        self.addCleanup(self.centre.close)
        self.group = self.centre.groups[0]
        self.centre.load_and_start(self.group)
        self.token = self.centre.log_in(AGENT)

    def connect(self, session="", seq=0):
        path = f"/desktop?session={session}&seq={seq}" if session else "/desktop"
        raw = RawSocket(self.centre.web_port, path, {"Authorization": f"Bearer {self.token}"})
        self.addCleanup(raw.cut)
        return raw, json.loads(raw.receive())["fields"]

    def replies(self, raw, seconds):
        """The frames with a `ref` that come in this time."""
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            try:
                frame = json.loads(raw.receive(left))
            except TimeoutError:
                break
            found += [frame] if "ref" in frame else []
        return found

    def test_a_repeat_is_not_carried_out_behind_a_refusal_that_was_not_heard(self):
        request = {"to": "outbound", "message": "PreviewRecordRequest", "ref": 1,
                   "fields": {"GSW_CAMPAIGN_GROUP_DBID": self.group.dbid}}
        raw, welcome = self.connect()
        raw.send_json(request)
        time.sleep(0.5)  # answered, and never read
        raw.cut()
        self.centre.add(self.group, "15550170")  # now there would be a record
        again, resumed = self.connect(welcome["session"], welcome["seq"])
        self.assertTrue(resumed["resumed"])
        again.send_json(request)
        replies = self.replies(again, 1.5)
        self.assertEqual([(one["ref"], one["error"]["code"]) for one in replies], [(1, 3)])
        self.assertEqual(self.centre.select("select 1 from round"), [])
        again.send_json({**request, "ref": 2})
        reply, = self.replies(again, 1)
        self.assertEqual(reply["fields"]["GSW_PHONE"], "15550170")

    def test_a_repeat_of_what_was_done_is_answered_once_more_and_done_once(self):
        self.centre.add(self.group, "15550171")
        self.centre.add(self.group, "15550172")
        request = {"to": "outbound", "message": "PreviewRecordRequest", "ref": 1,
                   "fields": {"GSW_CAMPAIGN_GROUP_DBID": self.group.dbid}}
        raw, welcome = self.connect()
        raw.send_json(request)
        time.sleep(0.5)
        raw.cut()
        again, resumed = self.connect(welcome["session"], welcome["seq"])
        again.send_json(request)
        first, = self.replies(again, 1)
        self.centre.kill("web")  # which keeps no answers; outbound does
        self.centre.wait_for_web()
        third, resumed = self.connect(welcome["session"], welcome["seq"])
        self.assertEqual((resumed["resumed"], resumed["session"]), (False, welcome["session"]))
        third.send_json(request)
        second, = self.replies(third, 1)
        self.assertEqual(first["fields"], second["fields"])
        self.assertEqual(len(self.centre.select("select 1 from round")), 1)


if __name__ == "__main__":
    unittest.main()
