# SPDX-License-Identifier: Apache-2.0
"""kill -9 of outbound, its HTTP Proxy, web, config and the supervisor at random instants under a steady
load of HTTP requests and desktops; afterwards nothing that was acknowledged is lost (design 1.4, 5).

Agents (threads, crew.py) add, preview, update, reject and process records, each over a connection of its
own: some by the HTTP API, some at desktops, which resume, and repeat what was not answered.
What is answered is remembered as a promise; a connection that ended without an answer means
*unknown*: the change may be there or not, and both are right. A second receiver of truth is the
customer's web server. CARILLON_CRASH_SEED repeats the instants of a former run (as far as two
processors allow), CARILLON_CRASH_ROUNDS sets their number. prove_crash_test.sh shows that the test
fails where a store answers before its commit.
"""
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

from campaign import CHAIN_READY, PREVIEW, READY, RETRIEVED, UPDATED, Client, Lost, new_group, notifying
from crew import ANSWER_S, NOT_NOW, SEED, Agent, DesktopAgent, Ledger
from desktops import DesktopCentre
from harness import Receiver, http_call, process_lives, rounds, wait_until

ROUNDS = int(os.environ.get("CARILLON_CRASH_ROUNDS", rounds(40, 200)))
CALLERS = ["a1", "a2", "a3", "a7"]   # by the HTTP API
DESKTOPS = ["d1", "d2", "d3", "d4"]  # by web


class Broken(AssertionError):
    """A promise was not kept."""


class Administrator(threading.Thread):
    """Applies one change of the configuration after the other; what `apply` said is a promise, too."""

    def __init__(self, centre):
        super().__init__(daemon=True, name="administrator")
        self.centre, self.number, self.values = centre, 0, set()
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            self.number += 1
            value = f"change {self.number}"
            self.values.add(value)

            def describe(config):
                config["campaigns"][0]["description"] = value
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.centre.apply(describe, timeout=20)
                self.values = {value}
            self.stopping.wait(0.3)


class Manager(threading.Thread):
    """Loads, starts, stops and unloads a group of her own; what was acknowledged is its state."""

    ORDERS = [("Load", "loaded"), ("Start", "started"), ("Stop", "loaded"), ("Start", "started"),
              ("Unload", "null")]

    def __init__(self, centre, group):
        super().__init__(daemon=True, name="manager")
        self.client, self.group = Client(centre.http_port, timeout=ANSWER_S), group
        self.states, self.refused, self.stopping = {"null"}, [], threading.Event()

    def run(self):
        turn = 0
        while not self.stopping.wait(0.02):
            req, state = self.ORDERS[turn % len(self.ORDERS)]
            self.states.add(state)  # from now on it may be so
            try:
                keys = {"GSW_DIAL_MODE": PREVIEW} if req == "Start" else {}
                status, answer = self.client.post(f"/campaigngroups/{self.group.dbid}", req, **keys)
            except Lost:
                continue  # once more: a repeat is acknowledged
            if status in NOT_NOW or (status == 409 and req == "Load"):  # it unloads still
                continue
            if status != 200:
                self.refused.append((req, status, answer))
                return
            self.states = {state}
            turn += 1


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

    def receive(self, request):
        """A receiver with moods: refuses some, hangs up on others."""
        mood = self.whims.random()
        return 503 if mood < 0.02 else None if mood < 0.04 else 200

    def test_nothing_acknowledged_is_lost_when_anything_is_killed_at_any_instant(self):
        centre, ledger = self.centre, self.ledger
        centre.load_and_start(self.group)
        desktops = [DesktopAgent(name, centre, self.group, ledger) for name in DESKTOPS]
        crew = [*(Agent(name, centre, self.group, ledger) for name in CALLERS), *desktops]
        administrator, manager = Administrator(centre), Manager(centre, self.other_group)
        for one in (*crew, administrator, manager):
            one.start()
        killer = Killer(centre, ledger)
        for _ in range(ROUNDS):
            killer.strike()
            if ledger.broken:
                break
        for one in (*crew, administrator, manager):
            one.stopping.set()
        for one in (*crew, administrator, manager):
            one.join(30)
        resumed, missed = (sum(getattr(one.desktop, name) for one in desktops) for name in ("resumed", "missed"))
        print(f"# crash test: killed {killer.killed}, {ledger.acknowledged} requests acknowledged, "
              f"{len(ledger.processed)} chains processed; desktops resumed {resumed} times whole, "
              f"{missed} times by one of {sum(one.snapshots for one in desktops)} Snapshots",
              file=sys.stderr, flush=True)
        self.assertKept()
        self.kill_everything()
        self.look_at_agents(crew)
        for one in desktops:
            one.look_again()
        self.look_at_store()
        self.look_at_configuration(administrator)
        self.look_at_orders(manager)
        self.finish_open_rounds()
        self.look_at_notifications()
        self.unload()
        self.assertKept()

    def assertKept(self):
        if self.ledger.broken:
            raise Broken(f"seed {SEED}: " + "; ".join(self.ledger.broken[:10]))

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
        """Who had a record still has it."""
        for agent in crew:
            for held in agent.held:
                answer = self.centre.call("GET", f"/records/{held.handle}")
                seen = answer.json
                if answer.status == 200 and seen["GSW_RECORD_STATUS"] == UPDATED and len(held.values) > 1:
                    continue  # a RecordProcessed of unknown end was carried out
                if answer.status != 200 or (seen["GSW_AGENT_ID"], seen["GSW_CHAIN_ID"],
                                            seen["GSW_CALL_ATTEMPT_GUID"], seen["GSW_RECORD_STATUS"]) != (
                                                agent.name, held.chain_id, held.guid, RETRIEVED):
                    self.ledger.breaks(agent.name, "had", held.handle, "and now it is", answer)
                row, = self.centre.rows(self.group, "chain_id = ?", held.chain_id)
                if row["Other1"] not in held.values:
                    self.ledger.breaks("lost: chain", held.chain_id, "has", row["Other1"], "instead of",
                                       held.values)

    def look_at_store(self):
        """Every acknowledged change is there."""
        ledger = self.ledger
        rows = {row["contact_info"]: row for row in self.centre.rows(self.group)}
        self.assertEqual(len(rows), self.centre.select(f"select count(*) n from {self.group.table}")[0]["n"],
                         "a record was added twice")
        for phone in rows:
            if phone not in ledger.added and phone not in ledger.maybe_added:
                ledger.breaks("a record that nobody added:", phone)
        for phone, (chain, value) in ledger.added.items():
            row = rows.get(phone)
            if row is None or row["chain_id"] != chain:
                ledger.breaks("lost: added", phone, "as chain", chain, "and there is", row)
            elif row["record_status"] == READY and chain not in ledger.values and row["Other1"] != value:
                ledger.breaks("chain", chain, "was never touched and has", row["Other1"])
        by_chain = {row["chain_id"]: row for row in rows.values()}
        for chain, (agent, value, result, guid) in ledger.processed.items():
            row = by_chain.get(chain)
            if row is None:
                continue  # its AddRecord is complained about above
            seen = (row["record_status"], row["agent_id"], row["Other1"], row["call_result"])
            if seen != (UPDATED, agent, value, result):
                ledger.breaks("lost: chain", chain, "was processed as", (agent, value, result), "and is", seen)
            ends = self.centre.select("select state, message_guid from round where attempt_guid = ?", guid)
            if [one["state"] for one in ends] != [2] or not ends[0]["message_guid"]:
                ledger.breaks("lost: the round of chain", chain, "is", ends)
        for chain, values in ledger.values.items():  # rejected, and since then with nobody who said so
            row = by_chain.get(chain)
            if row and row["record_status"] == READY and row["Other1"] not in values:
                ledger.breaks("lost: chain", chain, "was rejected as", values, "and has", row["Other1"])
        self.assertEqual(self.centre.select("pragma integrity_check")[0]["integrity_check"], "ok")
        self.assertKept()

    def look_at_configuration(self, administrator):
        exported = self.centre.cli("config", "export").stdout
        self.assertTrue([value for value in administrator.values if f'"{value}"' in exported],
                        f"lost: none of {administrator.values} is in the configuration")

    def look_at_orders(self, manager):
        self.assertEqual(manager.refused, [])
        wait_until(lambda: self.centre.status(self.other_group)["GSW_STATE"] != "unloading", 5,
                   what="unloaded")
        self.assertIn(self.centre.status(self.other_group)["GSW_STATE"], manager.states)

    def finish_open_rounds(self):
        """Every open round has one agent, who can finish it: also those whose preview was never heard of."""
        open_rounds = self.centre.select("select handle_base, chain_id, agent_id from round where state = 1")
        self.assertEqual(len(open_rounds), len({one["chain_id"] for one in open_rounds}))
        for one in open_rounds:
            answer = self.centre.record(one["handle_base"], "RecordProcessed", GSW_AGENT_ID=one["agent_id"],
                                        GSW_CALL_RESULT=33)
            if answer.status != 200:
                self.ledger.breaks(one, "cannot be finished:", answer)

    def look_at_notifications(self):
        """One GUID per round that reached processed; the receiver got each, and nothing else."""
        wait_until(lambda: not self.centre.select("select 1 from outbox where state = 1 limit 1"), 60, every=0.1,
                   what="the outbox is empty")
        ended = self.centre.select("select attempt_guid, message_guid from round where state = 2 "
                                   "and message_guid is not null")
        promised = {one["message_guid"]: one["attempt_guid"] for one in ended}
        self.assertEqual(len(promised), len(ended), "a GUID was used twice")
        self.assertEqual(len({one["attempt_guid"] for one in ended}), len(ended), "two GUIDs for one round")
        came = {}
        for request in list(self.receiver.requests):
            guid = request.json["GSW_MESSAGE_GUID"]
            if came.setdefault(guid, request.body) != request.body:
                self.ledger.breaks("notification", guid, "came with two bodies")
            if promised.get(guid) != request.json["GSW_CALL_ATTEMPT_GUID"]:
                self.ledger.breaks("lost: notification", guid, "came about a round that the store does not have")
        for guid in promised.keys() - came.keys():
            self.ledger.breaks("lost: notification", guid, "never came")
        failed = self.centre.select("select id, words from outbox where state = 3")
        self.assertEqual(failed, [])

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
