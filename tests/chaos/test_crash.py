# SPDX-License-Identifier: Apache-2.0
"""kill -9 of outbound, its HTTP Proxy, web, config and the supervisor at random instants under a steady
load of HTTP requests and desktops; afterwards nothing that was acknowledged is lost (design 1.4, 5).

Agents (threads, crew.py) add, preview, update, reject and process records, each over a connection of its
own: some by the HTTP API, some at desktops, which resume, and repeat what was not answered.
What is asked, answered, shown, received and found in the store goes into an event log (event_log.py),
which check-log judges (tests/world/checker.h); what needs a living server is looked at here.
Then the log is spoilt in many ways (spoil_log.py), and check-log has to find each.
CARILLON_CRASH_SEED repeats the instants of a former run (as far as two processors allow),
CARILLON_CRASH_ROUNDS sets their number. prove_crash_test.sh shows that the test fails where a store
answers before its commit.
"""
import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from campaign import CHAIN_READY, PREVIEW, RETRIEVED, Client, Lost, new_group, notifying
from crew import ANSWER_S, NOT_NOW, SEED, Agent, DesktopAgent, Ledger
from desktops import DesktopCentre
from event_log import Broken
from harness import Receiver, http_call, load_jsonc, process_lives, rounds, wait_until
from spoil_log import assert_spoilt_logs_are_found

ROUNDS = int(os.environ.get("CARILLON_CRASH_ROUNDS", rounds(40, 200)))
CALLERS = ["a1", "a2", "a3", "a7"]   # by the HTTP API
DESKTOPS = ["d1", "d2", "d3", "d4"]  # by web
DESCRIPTION = "description of the campaign"
LOOK_EVERY = 8  # strikes
COUNTERS = {"chains_in_progress": "select count(*) n from round where state = 1",
            "sessions_started": "select count(*) n from session where state = 2",
            "notifications_waiting": "select count(*) n from outbox where state = 1"}


class Administrator(threading.Thread):
    """Applies one change of the configuration after the other, each until it is acknowledged; what
    `apply` said is a promise, too."""

    def __init__(self, centre, log):
        super().__init__(daemon=True, name="administrator")
        self.centre, self.log, self.number, self.stopping = centre, log, 1, threading.Event()

    def run(self):
        while not self.stopping.is_set():
            value = f"change {self.number}"

            def describe(config):
                config["campaigns"][0]["description"] = value
            number = self.log.asked("set", name=DESCRIPTION, value=value)
            try:
                said = self.centre.apply(describe, timeout=20).stdout
                self.log.acknowledged(number, revision=int(re.search(r"revision (\d+)", said)[1]))
                self.number += 1
            except (AssertionError, subprocess.TimeoutExpired):
                self.log.lost(number)
            self.stopping.wait(0.3)


class Manager(threading.Thread):
    """Loads, starts, stops and unloads a group of her own; what was acknowledged is its state."""

    ORDERS = [("Load", "loaded"), ("Start", "started"), ("Stop", "loaded"), ("Start", "started"),
              ("Unload", "null")]

    def __init__(self, centre, group, log):
        super().__init__(daemon=True, name="manager")
        self.client, self.group, self.log = Client(centre.http_port, timeout=ANSWER_S), group, log
        self.refused, self.stopping = [], threading.Event()

    def run(self):
        turn = 0
        self.log.write("seen", name=self.group.name, value="null")
        while not self.stopping.wait(0.02):
            req, state = self.ORDERS[turn % len(self.ORDERS)]
            number = self.log.asked("set", name=self.group.name, value=state)
            try:
                keys = {"GSW_DIAL_MODE": PREVIEW} if req == "Start" else {}
                status, answer = self.client.post(f"/campaigngroups/{self.group.dbid}", req, **keys)
            except Lost:
                status = NOT_NOW[0]
            if status in NOT_NOW:
                self.log.lost(number)
                continue  # once more: a repeat is acknowledged
            if status == 200:
                self.log.acknowledged(number)
                turn += 1
                continue
            self.log.refused(number, answer)
            if status != 409 or req != "Load":  # it unloads still
                self.refused.append((req, status, answer))
                return


class Killer:
    """Chooses victims and instants."""

    VICTIMS = ["outbound"] * 8 + ["web"] * 6 + ["http_proxy"] * 4 + ["config"] * 3 + ["supervisor"] * 3

    def __init__(self, centre, ledger):
        self.centre, self.ledger = centre, ledger
        self.random = random.Random(SEED)
        self.killed = {}

    def strike(self):
        """Mostly once work goes on again after the last strike; at times into the recovery."""
        if self.random.random() < 0.85:
            goal = self.ledger.acknowledged + self.random.randrange(20, 400)
            wait_until(lambda: self.ledger.acknowledged >= goal or self.ledger.broken, 30, every=0.002,
                       what=f"work goes on: {self.centre.states()}")
        time.sleep(self.random.random() * 0.15)
        victim = self.random.choice(self.VICTIMS)
        self.killed[victim] = self.killed.get(victim, 0) + 1
        self.ledger.log.write("killed", who=victim)
        if victim == "supervisor":
            self.centre.kill("supervisor")
            self.centre.start()
        elif victim == "http_proxy":
            pid = self.centre.proxy_pid()
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        else:
            pid = self.centre.pid(victim)
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class Crash(unittest.TestCase):
    time_limit = 120 + ROUNDS * 6

    def setUp(self):
        print(f"# crash test: seed {SEED}, {ROUNDS} rounds", file=sys.stderr, flush=True)
        self.receiver = Receiver(self.receive)
        self.addCleanup(self.receiver.close)
        self.whims = random.Random(SEED + 1)
        group, self.other_group = new_group(1), new_group(2)
        self.centre = DesktopCentre(
            [group, self.other_group], persons={"AG": CALLERS + DESKTOPS}, users=DESKTOPS,
            web_options={"requests-per-second": 10000},
            options={"G1": notifying(self.receiver.url + "/crm", http_retry_applies_to="all",
                                     http_retry_max_attempts=20, http_response_timeout=2)},
            supervisor_options={"restart-quick-time": 0, "restart-delay-first": 0, "restart-delay-max": 0,
                                "crash-loop-limit": 1000})
        self.centre.__enter__()
        self.addCleanup(self.centre.close)
        self.group, self.ledger = group, Ledger()
        self.addCleanup(self.ledger.log.close)

    def receive(self, request):
        """A receiver with moods: refuses some, hangs up on others."""
        self.ledger.log.received(request)
        mood = self.whims.random()
        return 503 if mood < 0.02 else None if mood < 0.04 else 200

    def test_nothing_acknowledged_is_lost_when_anything_is_killed_at_any_instant(self):
        centre, ledger = self.centre, self.ledger
        centre.load_and_start(self.group)
        desktops = [DesktopAgent(name, centre, self.group, ledger) for name in DESKTOPS]
        crew = [*(Agent(name, centre, self.group, ledger) for name in CALLERS), *desktops]
        administrator, manager = Administrator(centre, ledger.log), Manager(centre, self.other_group, ledger.log)
        for one in (*crew, administrator, manager):
            one.start()
        killer = Killer(centre, ledger)
        for number in range(ROUNDS):
            killer.strike()
            if ledger.broken:
                break
            if number % LOOK_EVERY == 0:
                ledger.log.look(centre, self.group)
        for one in (*crew, administrator, manager):
            one.stopping.set()
        for one in (*crew, administrator, manager):
            one.join(30)
        resumed, missed = (sum(getattr(one.desktop, name) for one in desktops) for name in ("resumed", "missed"))
        print(f"# crash test: killed {killer.killed}, {ledger.acknowledged} requests acknowledged, "
              f"{ledger.processed} chains processed; desktops resumed {resumed} times whole, "
              f"{missed} times by one of {sum(one.snapshots for one in desktops)} Snapshots",
              file=sys.stderr, flush=True)
        self.assertKept()
        self.kill_everything()
        ledger.log.write("quiet")
        self.look_at_agents(crew)
        for one in desktops:
            one.look_again()
        ledger.log.look(centre, self.group)
        self.assertEqual(centre.select("pragma integrity_check")[0]["integrity_check"], "ok")
        self.look_at_configuration()
        self.look_at_orders(manager)
        self.look_at_counters()
        self.finish_open_rounds()
        self.look_at_notifications()
        self.assertKept()
        print("# crash test:", ledger.log.judge(f"seed {SEED}"), file=sys.stderr, flush=True)
        assert_spoilt_logs_are_found(ledger.log.path)
        self.unload()

    def assertKept(self):
        """What the crew found odd; and what check-log has to say of it."""
        if self.ledger.broken:
            odd = f"seed {SEED}: " + "; ".join(self.ledger.broken[:10])
            raise Broken(f"{odd}\n{self.ledger.log.judge(odd)}")

    def kill_everything(self):
        """One last time, all at once; then nothing but a start."""
        pids = [self.centre.pid(name) for name in ("outbound", "web", "config")]
        self.centre.kill("supervisor")
        for pid in filter(None, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(process_lives(pid) for pid in pids if pid), 5, what="all are dead")
        self.centre.start()
        self.centre.wait_running(seconds=30)
        self.centre.wait_for_http()
        self.centre.wait_for_web()

    def look_at_agents(self, crew):
        """Whose the living server says it is."""
        for agent in crew:
            for held in agent.held:
                answer = self.centre.call("GET", f"/records/{held.handle}")
                if answer.status != 200:
                    self.ledger.breaks(agent.name, "had", held.handle, "and now it is", answer)
                elif answer.json["GSW_RECORD_STATUS"] == RETRIEVED:
                    self.ledger.log.shown(answer.json["GSW_AGENT_ID"], self.group, answer.json)

    def look_at_configuration(self):
        """Its content, and its revision once the new process has published it."""
        revision = wait_until(lambda: self.centre.metrics().get('carillon_config_revision{application="config"}'),
                              20, what="a revision")
        self.ledger.log.write("configuration", who="config", revision=int(revision))
        with tempfile.NamedTemporaryFile("w", suffix=".jsonc") as file:
            file.write(self.centre.cli("config", "export").stdout)
            file.flush()
            campaigns = {one["name"]: one for one in load_jsonc(pathlib.Path(file.name))["campaigns"]}
        self.ledger.log.write("seen", name=DESCRIPTION,
                              value=campaigns[self.group.campaign].get("description", ""))

    def look_at_orders(self, manager):
        self.assertEqual(manager.refused, [])
        wait_until(lambda: self.centre.status(self.other_group)["GSW_STATE"] != "unloading", 5,
                   what="unloaded")
        self.ledger.log.write("seen", name=self.other_group.name,
                              value=self.centre.status(self.other_group)["GSW_STATE"])

    def finish_open_rounds(self):
        """Every open round has one agent, who can finish it: also those whose preview was never heard of."""
        log = self.ledger.log
        for one in self.centre.select("select handle_base, attempt_guid, agent_id from round where state = 1"):
            number = log.asked("process", agent=one["agent_id"], guid=one["attempt_guid"], result=33)
            answer = self.centre.record(one["handle_base"], "RecordProcessed", GSW_AGENT_ID=one["agent_id"],
                                        GSW_CALL_RESULT=33)
            if answer.status == 200:
                log.acknowledged(number)
            else:
                self.ledger.breaks(one, "cannot be finished:", answer)

    def look_at_counters(self):
        """What is published now and then has to agree at some quiet instant."""
        for name, sql in COUNTERS.items():
            def compare(name=name, sql=sql):
                published = self.centre.metrics()[f'carillon_{name}{{application="outbound"}}']
                counted = self.centre.select(sql)[0]["n"]
                return int(published), counted
            end = time.monotonic() + 20
            while len(set(pair := compare())) > 1 and time.monotonic() < end:
                time.sleep(0.2)
            self.ledger.log.write("counter", name=name, published=pair[0], counted=pair[1])

    def look_at_notifications(self):
        """Each was sent; then the store is looked at with nothing on its way."""
        wait_until(lambda: not self.centre.select("select 1 from outbox where state = 1 limit 1"), 60, every=0.1,
                   what="the outbox is empty")
        self.ledger.log.look(self.centre, self.group, is_settled=True)

    def unload(self):
        """No repair by hand: work goes on, and the session ends with every row accounted for."""
        self.centre.add(self.group, "15990000000")
        record = wait_until(lambda: (one := self.centre.preview(self.group, "a1")).status == 200 and one.json,
                            5, what="a preview")
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed").status, 200)
        self.assertEqual(self.centre.order(self.group, "Unload").status, 200)
        wait_until(lambda: self.centre.status(self.group)["GSW_STATE"] == "null", 20, what="unloaded")
        left = self.centre.rows(self.group, "record_status in (?, ?)", RETRIEVED, CHAIN_READY)
        self.assertEqual(left, [])
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 200)


if __name__ == "__main__":
    unittest.main()
