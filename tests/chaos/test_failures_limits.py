# SPDX-License-Identifier: Apache-2.0
"""No descriptors left, in each process in turn: who knocks waits, who is inside works on, an alarm line
says so, and with the limit raised (or the crowd gone) all goes on by itself."""
import contextlib
import os
import resource
import socket
import time
import unittest

from campaign import Client, new_record
from desktops import InOneCentre
from harness import http_call, rounds, wait_until

SHORT, BACK = "Alr 04560", "Std 04561"
KNOCKING = 12


@contextlib.contextmanager
def descriptors_left(pid, count):
    """The process may open so many more and no other."""
    highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    former = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + count, former[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, former)


class NoDescriptors(InOneCentre):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pids = cls.centre.all_pids()

    @classmethod
    def tearDownClass(cls):
        assert cls.pids == cls.centre.all_pids(), "somebody died of it"

    def assertWorks(self):
        self.centre.add(self.group, f"1555{time.monotonic_ns() % 10**9:09}")
        record = wait_until(lambda: (one := self.centre.preview(self.group, "a1")).status == 200 and one.json, 5)
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed").status, 200)

    def test_who_knocks_waits_and_who_is_inside_works_on(self):
        centre, client, streams = self.centre, Client(self.centre.http_port), []
        self.addCleanup(client.close)
        victims = {"outbound_HTTPPRX*": (centre.proxy_pid(), centre.http_port),
                   "outbound.*": (centre.pid("outbound"), centre.port("outbound")),
                   "config.*": (centre.pid("config"), centre.port("config")),
                   "web.*": (centre.pid("web"), centre.web_port),
                   "supervisor*": (centre.supervisor.pid, centre.metrics_port)}

        def add(number):
            status, _ = client.post(f"/lists/{self.group.list}", "AddRecord", **new_record(f"1666{number:05}"))
            self.assertEqual(status, 200)  # written to the disk
        add(0)
        with contextlib.ExitStack() as stack:
            for pid, port in victims.values():
                stack.enter_context(descriptors_left(pid, 3))
                for _ in range(KNOCKING):
                    streams.append(socket.create_connection(("127.0.0.1", port), 5))
            for logs in victims:
                wait_until(lambda logs=logs: SHORT in centre.logs(logs), 10, what=f"{SHORT} in {logs}")
            for number in range(1, 20):
                add(number)
        for stream in streams:
            stream.close()
        for logs in victims:
            wait_until(lambda logs=logs: BACK in centre.logs(logs), 15, every=0.1, what=f"{BACK} in {logs}")
            self.assertEqual(centre.logs(logs).count(SHORT), 1)
        self.assertWorks()
        self.assertIn(self.group.name, centre.cli("config", "export").stdout)
        centre.log_in("a1")
        self.assertEqual(http_call(centre.metrics_port, "GET", "/health").status, 200)

    @unittest.skipUnless(rounds(False, True), "in make soak")
    def test_what_dies_while_the_supervisor_has_none_left_comes_back(self):
        with descriptors_left(self.centre.supervisor.pid, 0):
            former = self.centre.kill("web")
            time.sleep(1)
        wait_until(lambda: self.centre.pid("web") not in (None, former), 15, what="web again")
        self.centre.wait_running()
        self.centre.wait_for_web()
        self.pids.update(self.centre.all_pids())


if __name__ == "__main__":
    unittest.main()
