# SPDX-License-Identifier: Apache-2.0
"""F11 over the whole thread: `carillon stop` suspends outbound, agents finish what they have, then it stops
(framework 6.4)."""
import threading
import time
import unittest

from campaign import READY, RETRIEVED, Centre
from harness import wait_until

WAIT_S = 5


def with_short_wait(config):
    for application in config["applications"]:
        if application["name"] == "outbound":
            application.setdefault("annex", {})["sml"] = {"suspending-wait-timeout": str(WAIT_S)}


class Graceful(unittest.TestCase):
    install = Centre

    def setUp(self):
        self.centre = self.install()
        self.centre.__enter__()
        self.addCleanup(self.centre.__exit__, None, None, None)
        self.centre.apply(with_short_wait)
        self.group = self.centre.groups[0]
        self.centre.add(self.group, "15550160")  # one alone: who asks next finds none, until 409
        self.centre.load_and_start(self.group)
        self.record = self.centre.preview(self.group, "a1").json

    def stop_in_background(self):
        """Seconds that `carillon stop outbound` took, once it is over."""
        took = []

        def run():
            began = time.monotonic()
            self.centre.cli("stop", "outbound")
            took.append(time.monotonic() - began)
        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: self.centre.preview(self.group, "a2").status == 409, 3, what="suspended")
        return thread, took

    def test_f11_an_agent_finishes_and_outbound_stops_as_soon_as_it_is_idle(self):
        thread, took = self.stop_in_background()
        time.sleep(1)
        answer = self.centre.call("POST", f"/records/{self.record['GSW_RECORD_HANDLE']}?req=RecordProcessed",
                                  {"GSW_CALL_RESULT": 33})
        self.assertEqual(answer.status, 200)
        thread.join(20)
        self.assertGreater(took[0], 0.9)
        self.assertLess(took[0], WAIT_S - 0.5)

    def test_one_that_is_disabled_stops_cleanly_and_its_rows_are_ready(self):
        self.centre.add(self.group, "15550161")
        for one in ("15550162", "15550163"):
            self.centre.add(self.group, one)
        wait_until(lambda: self.centre.preview(self.group, "a2").status == 200, 5, what="a record for a2")

        def disable(config):
            for application in config["applications"]:
                if application["name"] == "outbound":
                    application["state"] = "disabled"
        self.centre.apply(disable)
        wait_until(lambda: self.centre.pid("outbound") is None, 10, what="outbound stopped")
        self.assertIn("outbound: stopped (exit code 0)", self.centre.output.read_text())
        rows = [status for status, in self.centre.sqlite("outbound").execute(
            f"select record_status from {self.group.table}")]
        self.assertEqual(sorted(rows), [READY, READY, RETRIEVED, RETRIEVED])

    def test_f11_one_that_is_kept_busy_is_stopped_when_the_time_is_up_and_the_agent_keeps_the_record(self):
        thread, took = self.stop_in_background()
        thread.join(20)
        self.assertGreater(took[0], WAIT_S - 0.5)
        self.assertLess(took[0], WAIT_S + 3)
        self.centre.cli("start", "outbound")
        self.centre.wait_for_http()
        handle = self.record["GSW_RECORD_HANDLE"]
        status = wait_until(lambda: (one := self.centre.call("GET", f"/records/{handle}")).status == 200 and one.json,
                            10, what="outbound again")
        self.assertEqual(status["GSW_AGENT_ID"], "a1")


if __name__ == "__main__":
    unittest.main()
