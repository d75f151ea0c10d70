# SPDX-License-Identifier: Apache-2.0
"""The wall clock is set, by hours, forth and back, below a whole centre at work (Debian's libfaketime, with
a file that says how far; the monotonic clock goes on as ever). What waits for an interval waits that long,
what waits for a moment comes when the clock says so, nobody spins, nobody stands still."""
import base64
import contextlib
import os
import pathlib
import sys
import tempfile
import time
import unittest

from campaign import new_record, notifying
from desktops import DesktopCentre, StubbornDesktop
from harness import Receiver, http_call, rounds, wait_until
from websocket_client import Refused

HOUR = 3600
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def library():
    found = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise unittest.SkipTest("no libfaketime here")
    return found[0]


class ClockSteps(unittest.TestCase):
    time_limit = 240

    def setUp(self):
        with tempfile.NamedTemporaryFile("w", prefix="carillon-clock-", delete=False) as file:
            self.clock = pathlib.Path(file.name)
        self.addCleanup(self.clock.unlink)
        self.set_clock(0)
        self.is_refusing = False
        self.receiver = Receiver(lambda request: 503 if self.is_refusing else 200)
        self.addCleanup(self.receiver.close)
        self.centre = DesktopCentre(
            1, users=("a1", "a2"), supervisor_options={"restart-quick-time": 10},
            options={"G1": notifying(self.receiver.url + "/crm", http_retry_applies_to="all", http_retry_max_attempts=50,
                                     http_webhook_secret=SECRET)},
            environ={"LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
                     "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
        self.addCleanup(self.centre.close)
        self.centre.__enter__()
        self.group = self.centre.groups[0]
        self.centre.load_and_start(self.group)
        self.number = 0
        self.pids = self.centre.all_pids()

    def set_clock(self, hours):
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(f"{hours * HOUR:+d}\n")
        fresh.rename(self.clock)  # never half
        self.hours = hours

    def cpu_s(self):
        def of(pid):
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        return {name: of(pid) for name, pid in self.pids.items()}

    def now(self):
        return time.time() + self.hours * HOUR

    def add(self, **keys):
        self.number += 1
        return self.centre.add(self.group, f"1555{self.number:06}", **keys)

    def take(self, agent="a1"):
        return wait_until(lambda: (one := self.centre.preview(self.group, agent)).status == 200 and one.json, 10)

    def end(self, record, **keys):
        return self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", **keys)

    def assertTimely(self):
        """A record goes its way now, and its notification leaves now, with the time of now."""
        self.add()
        came = len(self.receiver.requests)
        self.assertEqual(self.end(self.take(), GSW_CALL_RESULT=33).status, 200)
        request = self.receiver.wait_for(came + 1, 10)[came]
        self.assertLess(abs(int(request.headers["webhook-timestamp"]) - self.now()), 60)

    def assertQuiet(self, seconds):
        """Nobody spins, fills the log, restarts or is thought hung."""
        lines, before = len(self.centre.logs().splitlines()), self.cpu_s()
        time.sleep(seconds)
        self.assertEqual(self.centre.all_pids(), self.pids)
        for name, cpu_s in self.cpu_s().items():
            self.assertLess(cpu_s - before[name], seconds * 0.3, name)
        self.assertLess(len(self.centre.logs().splitlines()) - lines, 50)
        self.centre.wait_running()

    def step(self, hours):
        """With a record at an agent, a retry on its way and a desktop that is open."""
        record = self.take("a2")
        desktop = StubbornDesktop(self.centre.web_port, self.centre.log_in("a1"))
        desktop.ask("AddRecord", GSW_CALLING_LIST=self.group.list,
                    GSW_CAMPAIGN_GROUP_DBID=self.group.dbid, **new_record(f"1666{self.number:06}"))
        self.number += 1
        self.is_refusing, came = True, len(self.receiver.requests)
        self.end(self.take(), GSW_CALL_RESULT=33)
        self.receiver.wait_for(came + 1)
        first = self.receiver.requests[came]
        wait_until(lambda: self.centre.select("select 1 from outbox where id = ? and attempts > 0",
                                              first.headers["webhook-id"]), 5, what="the retry is planned")
        self.set_clock(hours)
        self.is_refusing = False
        self.assertTimely()
        wait_until(lambda: sum(one.headers["webhook-id"] == first.headers["webhook-id"]
                               for one in list(self.receiver.requests)[came:]) >= 2, 15, what="the retry")
        self.assertEqual(self.centre.call("GET", f"/records/{record['GSW_RECORD_HANDLE']}").json["GSW_AGENT_ID"], "a2")
        self.assertEqual(self.end(record, GSW_AGENT_ID="a2").status, 200)
        with contextlib.suppress(Refused):  # a session that was idle for hours, says the clock, may be over
            desktop.ask("AddRecord", GSW_CALLING_LIST=self.group.list, GSW_CAMPAIGN_GROUP_DBID=self.group.dbid,
                        **new_record(f"1777{self.number:06}"))
        desktop.cut()
        self.centre.log_in("a2")

    def test_five_hours_forth_and_ten_back(self):
        for _ in range(4):
            self.add()
        self.step(5)
        self.assertQuiet(rounds(2, 20))
        self.add()
        self.add()
        self.step(-5)
        self.assertQuiet(rounds(2, 20))

    def test_what_is_due_at_a_moment_comes_when_the_clock_says_so(self):
        self.add()
        later = time.strftime("%m/%d/%Y %H:%M", time.gmtime(time.time() + 3 * HOUR))
        record = self.take()
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordReschedule", GSW_AGENT_ID="a1",
                                    GSW_DATE_TIME=later, GSW_CALLBACK_TYPE="Campaign")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.end(record, GSW_AGENT_ID="a1").status, 200)
        self.assertEqual(self.centre.preview(self.group, "a1").status, 404)
        self.set_clock(4)
        began = time.monotonic()
        taken = wait_until(lambda: (one := self.centre.preview(self.group, "a1")).status == 200 and one.json, 70,
                           every=0.2, what="the record that is due")
        print(f"# clock: it came after {time.monotonic() - began:.1f} s", file=sys.stderr)
        self.assertEqual(taken["GSW_CHAIN_ID"], record["GSW_CHAIN_ID"])

    def test_what_starts_after_a_step_back_works(self):
        self.set_clock(5)
        self.assertTimely()
        token = self.centre.log_in("a1")
        desktop = StubbornDesktop(self.centre.web_port, token)
        desktop.connect()
        self.set_clock(-5)
        former = self.centre.proxy_pid()
        for name in ("outbound", "web", "config"):
            self.centre.kill(name)
        self.centre.wait_running()
        wait_until(lambda: self.centre.proxy_pid() not in (None, former), 20, what="a new HTTP Proxy")
        self.centre.wait_for_http()
        self.centre.wait_for_web()
        self.assertTimely()
        self.centre.log_in("a2")
        desktop.cut()
        desktop.ask("AddRecord", GSW_CALLING_LIST=self.group.list, GSW_CAMPAIGN_GROUP_DBID=self.group.dbid,
                    **new_record("16669"))
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 200)


if __name__ == "__main__":
    unittest.main()
