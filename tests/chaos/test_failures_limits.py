# SPDX-License-Identifier: Apache-2.0
"""No descriptors left, in each process in turn: who knocks waits, who is inside works on, an alarm line
says so, and with the limit raised (or the crowd gone) all goes on by itself."""
import contextlib
import os
import resource
import socket
import time
import unittest

from campaign import Client
from desktops import DesktopCentre
from harness import http_call, wait_until

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


class NoDescriptors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = DesktopCentre(1, supervisor_options={"restart-quick-time": 10})
        cls.addClassCleanup(cls.centre.close)
        cls.centre.__enter__()
        cls.group = cls.centre.groups[0]
        cls.centre.load_and_start(cls.group)
        cls.pids = cls.all_pids()

    @classmethod
    def tearDownClass(cls):
        assert cls.pids == cls.all_pids(), "somebody died of it"

    @classmethod
    def all_pids(cls):
        return [cls.centre.supervisor.pid, cls.centre.proxy_pid(),
                *(cls.centre.pid(name) for name in ("config", "outbound", "web"))]

    def starve(self, pid, port, logs, inside=lambda: None, left=3):
        """`inside` asks over what is open already; it works in the middle of it."""
        lost = self.centre.logs(logs).count(SHORT)
        streams = []
        with descriptors_left(pid, left):
            for _ in range(KNOCKING):
                streams.append(socket.create_connection(("127.0.0.1", port), 5))
            wait_until(lambda: self.centre.logs(logs).count(SHORT) == lost + 1, 10, what=f"{SHORT} in {logs}")
            for _ in range(3):
                inside()
                time.sleep(0.1)
        for stream in streams:
            stream.close()
        wait_until(lambda: self.centre.logs(logs).count(BACK) == lost + 1, 15, every=0.1, what=f"{BACK} in {logs}")
        self.assertEqual(self.centre.logs(logs).count(SHORT), lost + 1)

    def assertWorks(self):
        self.centre.add(self.group, f"1555{time.monotonic_ns() % 10**9:09}")
        record = wait_until(lambda: (one := self.centre.preview(self.group, "a1")).status == 200 and one.json, 5)
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed").status, 200)

    def test_http_proxy(self):
        client = Client(self.centre.http_port)

        def inside():
            self.assertEqual(client.call("GET", f"/campaigngroups/{self.group.dbid}")[0], 200)
        inside()
        self.starve(self.centre.proxy_pid(), self.centre.http_port, "outbound_HTTPPRX*", inside)
        client.close()
        self.assertWorks()

    def test_outbound_with_its_store_open(self):
        client = Client(self.centre.http_port)
        numbers = iter(range(100))

        def inside():
            status, _ = client.post(f"/lists/{self.group.list}", "AddRecord", GSW_PHONE=f"1666{next(numbers):05}",
                                    GSW_PHONE_TYPE=4, GSW_TZ_NAME="UTC", GSW_FROM=0, GSW_UNTIL=86400)
            self.assertEqual(status, 200)  # written to the disk
        inside()
        self.starve(self.centre.pid("outbound"), self.centre.port("outbound"), "outbound.*", inside)
        self.assertWorks()

    def test_config(self):
        self.starve(self.centre.pid("config"), self.centre.port("config"), "config.*")
        self.assertIn(self.group.name, self.centre.cli("config", "export").stdout)

    def test_web(self):
        self.starve(self.centre.pid("web"), self.centre.web_port, "web.*")
        self.centre.log_in("a1")

    def test_supervisor(self):
        self.starve(self.centre.supervisor.pid, self.centre.metrics_port, "supervisor*")
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 200)

    def test_what_dies_while_the_supervisor_has_none_left_comes_back(self):
        with descriptors_left(self.centre.supervisor.pid, 0):
            former = self.centre.kill("web")
            time.sleep(1)
        wait_until(lambda: self.centre.pid("web") not in (None, former), 15, what="web again")
        self.centre.wait_running()
        self.centre.wait_for_web()
        self.pids[:] = self.all_pids()


if __name__ == "__main__":
    unittest.main()
