# SPDX-License-Identifier: Apache-2.0
"""A thousand desktops of `web`: what an idle one costs, one event for all, a storm of returns, and readers
that do not read. Fifteen thousand: bench/run.py desktops."""
import concurrent.futures
import json
import pathlib
import time
import unittest

from campaign import PREVIEW
from desktops import AGENT, PING, PONG, DesktopCentre, RawSocket, frame
from websocket_client import Closed, Refused

COUNT = 1000
IDLE_BYTES_MAX = 8 * 1024


def private_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Private_Dirty")


class Scale(unittest.TestCase):
    alone = True
    RATE = COUNT * 2 // 5  # admitted in a second, twice as many at once

    @classmethod
    def setUpClass(cls):
        cls.centre = DesktopCentre(web_options={"desktops-per-person": 3 * COUNT, "desktops-per-second": cls.RATE})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.token = cls.centre.log_in(AGENT)
        cls.centre.order(cls.centre.groups[0], "Load")

    def setUp(self):
        self.open_ones, self.refused = [], []
        self.addCleanup(lambda: [one.cut() for one in self.open_ones])

    def enter(self, resume=None):
        """One desktop, which comes again when it is told to; with its Welcome."""
        path = "/desktop?session={session}&seq={seq}".format(**resume) if resume else "/desktop"
        while True:
            try:
                raw = RawSocket(self.centre.web_port, path, {"Authorization": f"Bearer {self.token}"})
                break
            except Refused as refused:
                self.assertEqual(refused.status, 503, refused)
                self.refused.append(int(refused.headers["retry-after"]))
                time.sleep(self.refused[-1])
        raw.welcome = json.loads(raw.receive())["fields"]
        raw.known = {"session": raw.welcome["session"], "seq": raw.welcome["seq"]}
        self.open_ones.append(raw)
        return raw

    def enter_all(self, resumes):
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            return list(pool.map(self.enter, resumes))

    def heard_by_all(self, sockets, message):
        for raw in sockets:
            while True:
                event = json.loads(raw.receive())
                raw.known["seq"] = event["seq"]
                if event["message"] == message:
                    break

    def order(self, req, **keys):
        answer = self.centre.order(self.centre.groups[0], req, **keys)
        self.assertEqual(answer.status, 200, answer)

    def test_a_thousand_come_hear_are_cut_off_and_come_back(self):
        for one in self.enter_all([None] * 50):  # what the first ones cost is not of each
            one.cut()
        pid = self.centre.pid("web")
        before = private_bytes(pid)
        begun = time.monotonic()
        all_of_them = self.enter_all([None] * COUNT)
        came_slowly = time.monotonic() - begun > COUNT / self.RATE - 2  # a loaded machine needs no refusals
        self.assertTrue(self.refused or came_slowly, "nobody was asked to come later")
        self.assertTrue(all(1 <= after <= 3 for after in self.refused), self.refused)
        time.sleep(0.5)
        each = (private_bytes(pid) - before) / COUNT
        self.assertLess(each, IDLE_BYTES_MAX)

        self.order("Start", GSW_DIAL_MODE=PREVIEW)
        self.heard_by_all(all_of_them, "CampaignStarted")

        for one in all_of_them:
            one.cut()
        self.order("Stop")  # while nobody hears it
        back = self.enter_all([one.known for one in all_of_them])
        self.assertEqual([one for one in back if not one.welcome["resumed"]], [])
        self.assertEqual({one.known["session"] for one in back}, {one.known["session"] for one in all_of_them})
        self.heard_by_all(back, "CampaignStopped")
        self.assertEqual(self.centre.pid("web"), pid)

    def test_who_does_not_read_answers_is_not_read_and_harms_nobody(self):
        calm, deaf = self.enter(), [self.enter() for _ in range(20)]
        pid = self.centre.pid("web")
        before = private_bytes(pid)
        pings = frame(PING, b"x" * 100) * 2000
        sent = dict.fromkeys(deaf, 0)  # bytes, of pings without end
        for raw in deaf:
            raw.socket.setblocking(False)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            for raw in deaf:
                try:
                    sent[raw] += raw.socket.send(pings[sent[raw] % len(pings):])
                except BlockingIOError:
                    pass
            calm.send_raw(PING, b"?")
            self.assertEqual(calm.frame(5), (PONG, b"?"))
        held = private_bytes(pid) - before
        self.assertLess(held, len(deaf) * (6 << 20), sent)
        self.assertLess(max(sent.values()), 64 << 20)  # where the sockets and the queue are full it ends
        self.assertEqual(self.centre.pid("web"), pid)

    def test_a_desktop_whose_old_connection_still_stands_resumes(self):
        """As after a pulled cable."""
        former = self.enter()
        again = self.enter(former.known)
        self.assertTrue(again.welcome["resumed"])
        with self.assertRaises(Closed) as closed:
            former.receive(5)
        self.assertEqual(closed.exception.code, 4002)


if __name__ == "__main__":
    unittest.main()
