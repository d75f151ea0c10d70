# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, read-only, slow or broken below a whole centre (design 5): whoever asks meanwhile
is refused in clear words, an alarm line says what is wrong and what to do, nothing acknowledged is lost,
and work goes on by itself when the disk is well again."""
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

from campaign import is_open, new_record
from desktops import AGENT, DesktopCentre, log_in
from harness import http_call, rounds, wait_until
from small_disk import OnSmallDisk, SmallDisk
from traced import injected
from websocket_client import Refused

DEFAULTS = {"restart-quick-time": 10}  # of the supervisor, as in a real centre
IN_SOAK = rounds(False, True)

DISK_TROUBLE, DISK_WELL, DISK_BROKEN, LOG_FAILED = "Alr 04550", "Std 04551", "Alr 04552", "Alr 05069"
UNAVAILABLE, CRASH_LOOP = "05074", "05073"


class Work:
    """What clients do and are promised, in a centre that is there already."""

    def begin(self, centre):
        self.centre, self.group = centre, centre.groups[0]
        centre.load_and_start(self.group)
        self.kept, self.number, self.lock = [], 0, threading.Lock()

    def add(self, timeout=10):
        """One record; the answer. What is acknowledged is a promise."""
        with self.lock:
            self.number += 1
            phone = f"1555{self.number:06}"
        answer = self.centre.call("POST", f"/lists/{self.group.list}?req=AddRecord", new_record(phone),
                                  timeout=timeout)
        if answer.status == 200:
            self.kept.append(phone)
        return answer

    def try_add(self):
        """Its status; 0 while nobody listens."""
        try:
            return self.add().status
        except OSError:
            return 0

    def until_refused(self, seconds=10):
        end = time.monotonic() + seconds
        while (answer := self.add()).status == 200:
            self.assertLess(time.monotonic(), end, "it is never refused")
        return answer

    def assertRefused(self, answer):
        self.assertEqual(answer.status, 503, answer)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertEqual(answer.json["GSW_ERROR"], 10)

    def assertAllKept(self):
        phones = {row["contact_info"] for row in self.centre.rows(self.group)}
        self.assertEqual([phone for phone in self.kept if phone not in phones], [])
        self.assertEqual(self.centre.select("pragma integrity_check")[0]["integrity_check"], "ok")

    def assertLogged(self, logs, *words):
        for one in words:
            wait_until(lambda one=one: one in self.centre.logs(logs), 10, every=0.1, what=f"{one} in {logs}")

    def assertWell(self, seconds=30):
        """It works, says so, and nobody had to do anything."""
        wait_until(lambda: self.try_add() == 200, seconds, every=0.1, what="work goes on")
        self.centre.wait_running(seconds=seconds)
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 200)
        self.assertNotIn(CRASH_LOOP, self.centre.logs("supervisor*"))
        record = wait_until(lambda: (one := self.centre.preview(self.group, "a5")).status == 200 and one.json, 10)
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed").status, 200)
        self.assertAllKept()


class FullDisk(Work, OnSmallDisk):
    def setUp(self):
        centre = DesktopCentre(1, supervisor_options=DEFAULTS)
        self.addCleanup(shutil.rmtree, centre.folder)
        self.disk = self.mount(centre.data)
        self.addCleanup(centre.close)
        self.begin(centre.__enter__())

    def describe(self, words):
        def change(config):
            config["campaigns"][0]["description"] = words
        return self.centre.apply(change)

    def refused_import(self):
        file = self.centre.folder / "import.csv"
        file.write_text("contact_info\n" + "".join(f"1666{i:06}\n" for i in range(200)))
        done = self.centre.cli("import", "--list", self.group.list, file, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_whoever_asks_is_refused_and_all_goes_on_when_there_is_room(self):
        for _ in range(20):
            self.assertEqual(self.add().status, 200)
        record = self.centre.preview(self.group, "a1").json
        self.centre.log_in(AGENT)
        self.disk.fill()
        self.assertRefused(self.until_refused())
        for _ in range(20):
            self.assertRefused(self.add())
        # outbound: reading goes on, no change is half done
        self.assertEqual(self.centre.call("GET", f"/records/{record['GSW_RECORD_HANDLE']}").status, 200)
        self.assertRefused(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1"))
        self.assertRefused(self.centre.preview(self.group, "a2"))
        self.assertIn("disk is full", self.refused_import())
        # config and web
        with self.assertRaises(AssertionError) as refused:
            self.describe("x" * 1000)
        self.assertIn("disk", str(refused.exception))
        with self.assertRaises(Refused) as refused:
            log_in(self.centre.web_port, AGENT)
        self.assertEqual(refused.exception.status, 503)
        self.assertIn(b"disk", refused.exception.body)
        # who looks at it from outside
        wait_until(lambda: self.centre.state("outbound") == "SERVICE_UNAVAILABLE", 5)
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 503)
        self.assertIn("disk is full", self.centre.output.read_text())  # the supervisor's terminal
        self.disk.free()
        self.assertWell()
        self.describe("again")
        self.centre.log_in(AGENT)
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1")
        self.assertEqual(answer.status, 200)
        self.assertLogged("outbound.*", DISK_TROUBLE, DISK_WELL)  # though the logs lay on the same disk
        self.assertLogged("config.*", DISK_TROUBLE, DISK_WELL)
        self.assertLogged("supervisor*", UNAVAILABLE)
        self.assertEqual(self.centre.logs("outbound.*").count(DISK_TROUBLE), 1)

    @unittest.skipUnless(IN_SOAK, "in make soak")
    def test_what_dies_meanwhile_waits_for_room_and_is_no_crash_loop(self):
        self.assertEqual(self.add().status, 200)
        self.disk.fill()
        self.until_refused()
        for name in ("outbound", "web", "config"):
            self.centre.kill(name)
        time.sleep(40)
        self.disk.free()
        self.assertWell(40)
        self.centre.wait_for_web(30)
        self.centre.log_in(AGENT)


class SlowDisk(Work, unittest.TestCase):
    """By strace: every sync of outbound's takes long."""

    def test_a_change_waits_two_seconds_and_reading_goes_on(self):
        centre = DesktopCentre(1, supervisor_options=DEFAULTS)
        self.addCleanup(centre.close)
        self.begin(centre.__enter__())
        self.assertEqual(self.add().status, 200)
        outcomes = []

        def ask():
            began = time.monotonic()
            answer = self.add(timeout=30)
            outcomes.append((answer.status, time.monotonic() - began))
        with injected(self.centre.pid("outbound"), "fdatasync,fsync", "delay_enter=3500000"):
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
                time.sleep(0.05)
            time.sleep(2.4)
            began = time.monotonic()
            self.assertRefused(self.add())  # the hang is known: at once
            self.assertLess(time.monotonic() - began, 1)
            self.assertEqual(self.centre.status(self.group)["GSW_STATE"], "started")
            for thread in threads:
                thread.join()
        refused = [seconds for status, seconds in outcomes if status == 503]
        self.assertEqual({status for status, _ in outcomes}, {200, 503}, outcomes)
        self.assertGreaterEqual(len(refused), 4)
        self.assertLess(max(refused), 4)
        self.assertWell()
        self.assertLogged("outbound.*", DISK_TROUBLE, "the disk or the database is slow", DISK_WELL)


class FailedSync(Work, unittest.TestCase):
    """By strace: every sync of outbound's fails. The application starts anew once it is old enough to be no
    quick death."""

    def test_it_starts_anew_and_nothing_is_lost(self):
        centre = DesktopCentre(1, supervisor_options=DEFAULTS)
        self.addCleanup(centre.close)
        self.begin(centre.__enter__())
        for _ in range(20):
            self.assertEqual(self.add().status, 200)
        record = self.centre.preview(self.group, "a1").json
        former, began = self.centre.pid("outbound"), time.monotonic()
        with injected(former, "fdatasync,fsync", "error=EIO"):
            self.assertIn(self.try_add(), (0, 503))
            self.assertLogged("outbound.*", DISK_BROKEN)
            self.assertLogged("supervisor*", UNAVAILABLE)
            self.assertRefused(self.add())
            answer = self.centre.call("GET", f"/records/{record['GSW_RECORD_HANDLE']}")
            self.assertEqual(answer.status, 200)  # reading goes on
            wait_until(lambda: self.centre.pid("outbound") not in (None, former), 25, what="a new process")
        self.assertGreater(time.monotonic() - began, 5)  # it was young: no quick death
        self.assertWell()
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1")
        self.assertEqual(answer.status, 200)


@unittest.skipUnless(IN_SOAK, "in make soak")
class BrokenDisk(Work, OnSmallDisk):
    """What stays broken for a minute and more."""

    time_limit = 300

    def setUp(self):
        centre = DesktopCentre(1, supervisor_options=DEFAULTS)
        self.addCleanup(shutil.rmtree, centre.folder)
        self.disk = self.mount(centre.data)
        self.own = SmallDisk(centre.data / "outbound", 24)
        self.addCleanup(self.own.close)
        self.addCleanup(centre.close)
        self.begin(centre.__enter__())

    def test_a_read_only_disk_at_the_start_is_waited_for(self):
        self.assertEqual(self.add().status, 200)
        supervisor = self.centre.supervisor.pid
        os.kill(supervisor, signal.SIGSTOP)  # a disk becomes read-only while nobody writes to it
        pid = self.centre.kill("outbound")
        wait_until(lambda: not is_open(self.centre.http_port), 10)
        wait_until(lambda: subprocess.run(["mount", "-o", "remount,ro", str(self.own.path)],
                                          capture_output=True).returncode == 0, 10, every=0.1)
        os.kill(supervisor, signal.SIGCONT)
        wait_until(lambda: self.centre.state("outbound") == "SERVICE_UNAVAILABLE", 20)
        time.sleep(60)
        self.assertNotIn(CRASH_LOOP, self.centre.logs("supervisor*"))
        self.assertIn("read-only", self.centre.logs("outbound*"))
        self.own.remount("rw")
        self.assertWell(40)
        self.assertNotEqual(self.centre.pid("outbound"), pid)

    def test_a_disk_that_fails_every_sync_for_long(self):
        for _ in range(20):
            self.assertEqual(self.add().status, 200)
        with injected(self.centre.supervisor.pid, "fdatasync,fsync", "error=EIO"):  # and its children to come
            self.centre.kill("outbound")
            time.sleep(60)
        self.assertWell(40)


if __name__ == "__main__":
    unittest.main()
