# SPDX-License-Identifier: Apache-2.0
"""Each process stands still (SIGSTOP), longer than anybody waits for it, and goes on: clients get a clear
error in time, others notice and say so, and afterwards all is whole: no record has two owners, nothing
acknowledged is missing."""
import contextlib
import os
import signal
import time
import unittest

from campaign import application
from desktops import InOneCentre, log_in
from harness import http_call, process_lives, wait_until
from websocket_client import Refused

KEEP_ALIVE_S = 1   # remoteTimeout of the links: who says nothing for so long is lost
HEARTBEAT_S = 10   # the least that can be set
ANSWER_S = 2       # http-response-timeout: then the HTTP Proxy answers 504

LINK_LOST, HUNG, NO_ANSWER = "Std 04504", "Alr 05075", "Std 81162"


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def quick_links(config):
    """Keep-alive of a second, and no heartbeats."""
    for one in config["applications"]:
        for connection in one.get("connections", []):
            connection.update({"protocol": "addp", "localTimeout": KEEP_ALIVE_S, "remoteTimeout": KEEP_ALIVE_S})
    application(config, "outbound")["options"]["OCServer"]["http-response-timeout"] = str(ANSWER_S)


class Stopped(InOneCentre):
    amend = staticmethod(quick_links)

    def setUp(self):
        self.pids = self.centre.all_pids()

    def add(self):
        Stopped.number += 1
        return self.centre.add(self.group, f"1555{self.number:06}")

    def assertWhole(self):
        """The same processes; one record goes its way; nobody has what another has."""
        self.assertEqual(self.centre.all_pids(), self.pids)
        self.centre.wait_running()
        self.add()
        record = wait_until(lambda: (one := self.centre.preview(self.group, "a2")).status == 200 and one.json, 10)
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed").status, 200)
        self.assertEqual(len(self.centre.rows(self.group)), self.number)
        open_rounds = self.centre.select("select chain_id from round where state = 1")
        self.assertEqual(len(open_rounds), len({one["chain_id"] for one in open_rounds}))
        wait_until(lambda: self.logs_in(), 15, every=0.2, what="log-ins")

    def logs_in(self):
        with contextlib.suppress(Refused, OSError):
            return log_in(self.centre.web_port, "a1")

    def test_outbound(self):
        self.add()
        record = self.centre.preview(self.group, "a1").json
        before = self.centre.logs("web.*").count(LINK_LOST)
        with stopped(self.pids["outbound"]):
            began = time.monotonic()
            answer = self.centre.call("GET", f"/campaigngroups/{self.group.dbid}", timeout=15)
            self.assertEqual(answer.status, 504)
            self.assertTrue(ANSWER_S - 0.2 <= time.monotonic() - began < ANSWER_S + 4)
            wait_until(lambda: self.centre.logs("web.*").count(LINK_LOST) > before, 10, what="web notices")
            self.assertIn(NO_ANSWER, self.centre.logs("outbound_HTTPPRX*"))
        answer = wait_until(lambda: (one := self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed",
                                                               GSW_AGENT_ID="a1")).status == 200 and one, 10)
        self.assertEqual(answer.status, 200)
        self.assertWhole()

    def test_http_proxy(self):
        with stopped(self.pids["http_proxy"]):
            with self.assertRaises(TimeoutError):
                self.centre.call("GET", f"/campaigngroups/{self.group.dbid}", timeout=2)
        self.assertEqual(self.centre.call("GET", f"/campaigngroups/{self.group.dbid}").status, 200)
        self.assertWhole()

    def test_web(self):
        with stopped(self.pids["web"]):
            self.add()  # nobody else minds
            time.sleep(2 * KEEP_ALIVE_S + 1)
        self.assertWhole()

    def test_config(self):
        before = self.centre.logs("web.*").count(LINK_LOST)
        with stopped(self.pids["config"]):
            self.add()  # the configuration is known
            wait_until(lambda: self.centre.logs("web.*").count(LINK_LOST) > before, 10, what="web notices")
            with self.assertRaises(Refused) as refused:
                log_in(self.centre.web_port, "a1")
            self.assertEqual(refused.exception.status, 503)
            self.assertIn(b"config does not answer", refused.exception.body)
        wait_until(lambda: self.logs_in(), 15, every=0.2, what="log-ins")
        self.assertWhole()

    def test_supervisor(self):
        with stopped(self.pids["supervisor"]):
            for _ in range(3):
                self.add()
                time.sleep(1)
            with self.assertRaises(TimeoutError):
                http_call(self.centre.metrics_port, "GET", "/health", timeout=1)
        wait_until(lambda: self.centre.states(), 10)
        self.assertWhole()


if __name__ == "__main__":
    unittest.main()
