# SPDX-License-Identifier: Apache-2.0
"""A calling list in a customer's PostgreSQL, while outbound and PostgreSQL are killed at random instants
(design 5): nothing that was acknowledged is lost, no chain is given to two agents, nothing is owed in the
end. CARILLON_CRASH_SEED repeats the instants as far as two processors allow, CARILLON_CRASH_ROUNDS sets
their number.
"""
import contextlib
import os
import pathlib
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from campaign import RETRIEVED, UPDATED, Centre, Client, Lost, new_record
from databases import PASSWORD, Postgres, behind, rows
from harness import rounds, wait_until

ROUNDS = int(os.environ.get("CARILLON_CRASH_ROUNDS", rounds(4, 60)))
SEED = int(os.environ.get("CARILLON_CRASH_SEED", random.randrange(1_000_000)))
CREW, ADDER = ["a1", "a2", "a3", "a4"], "a5"
HELD_MAX = 3


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.added, self.maybe_added = {}, set()  # phone -> chain
        self.owner, self.ended = {}, {}           # chain -> agent; chain -> (agent, Other1, result)
        self.acknowledged = 0
        self.broken = []

    def breaks(self, *words):
        with self.lock:
            self.broken.append(" ".join(str(word) for word in words))


class Agent(threading.Thread):
    """Previews, writes and ends records; what is lost on the way may have happened or not."""

    def __init__(self, name, centre, group, ledger):
        super().__init__(daemon=True, name=name)
        self.centre, self.group, self.ledger = centre, group, ledger
        self.random = random.Random(f"{SEED}/{name}")
        self.client, self.held, self.number = Client(centre.http_port, timeout=8), [], 0
        self.stopping = threading.Event()

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.add() if self.name == ADDER else self.work()
                except Lost:
                    time.sleep(0.05)
        except Exception as problem:
            self.ledger.breaks(self.name, "stopped:", repr(problem))

    def add(self):
        self.number += 1
        phone = f"9{self.number:05}"
        self.ledger.maybe_added.add(phone)
        status, answer = self.client.post(f"/lists/{self.group.list}", "AddRecord",
                                          **new_record(phone, Other1="Ж"))
        if status == 200:
            with self.ledger.lock:
                self.ledger.added[phone] = answer["GSW_CHAIN_ID"]
                self.ledger.acknowledged += 1
        time.sleep(0.01)

    def work(self):
        if len(self.held) < HELD_MAX and (not self.held or self.random.random() < 0.5):
            self.preview()
            return
        handle, chain = self.held.pop(self.random.randrange(len(self.held)))
        self.end(handle, chain)

    def preview(self):
        status, answer = self.client.post(f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest",
                                          GSW_AGENT_ID=self.name)
        if status != 200:
            time.sleep(0.02)
            return
        chain = answer["GSW_CHAIN_ID"]
        with self.ledger.lock:
            other = self.ledger.owner.get(chain)
            if other or chain in self.ledger.ended:
                self.ledger.broken.append(f"chain {chain} is given to {self.name}, and is with {other}, "
                                          f"ended {self.ledger.ended.get(chain)}")
            self.ledger.owner[chain] = self.name
            self.ledger.acknowledged += 1
        self.held.append((answer["GSW_RECORD_HANDLE"], chain))

    def end(self, handle, chain):
        value = f"ё{self.random.randrange(1000)}"
        status, _ = self.client.post(f"/records/{handle}", "UpdateCallCompletionStats", GSW_AGENT_ID=self.name,
                                     Other1=value)
        if status != 200:
            self.held.append((handle, chain))
            time.sleep(0.02)
            return
        if self.random.random() < 0.2:
            with self.ledger.lock:  # whatever becomes of it: somebody else may have it from now on
                self.ledger.owner.pop(chain, None)
            self.client.post(f"/records/{handle}", "RecordReject", GSW_AGENT_ID=self.name)
            return
        status, answer = self.client.post(f"/records/{handle}", "RecordProcessed", GSW_AGENT_ID=self.name,
                                          GSW_CALL_RESULT=33)
        with self.ledger.lock:
            if status == 200:
                self.ledger.ended[chain] = (self.name, value, "33")
                self.ledger.owner.pop(chain, None)
                self.ledger.acknowledged += 1
        if status == 503:
            self.held.append((handle, chain))
        elif status != 200:
            self.ledger.breaks(self.name, "cannot end chain", chain, status, answer)


class OdbcCrash(unittest.TestCase):
    time_limit = 120 + ROUNDS * 8

    def setUp(self):
        print(f"# odbc crash test: seed {SEED}, {ROUNDS} rounds", file=sys.stderr, flush=True)
        self.server = self.enterContext(Postgres())
        self.base = self.server.create("crm")
        self.centre = self.enterContext(Centre(
            amend=behind(self.base), environ={"CRM_PASSWORD": PASSWORD},
            supervisor_options={"restart-quick-time": 0, "restart-delay-first": 0, "restart-delay-max": 0,
                                "crash-loop-limit": 1000}))
        self.group, self.ledger = self.centre.groups[0], Ledger()
        self.random = random.Random(SEED)
        self.killed = {}

    def strike(self):
        goal = self.ledger.acknowledged + self.random.randrange(10, 150)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self.ledger.acknowledged >= goal or self.ledger.broken, 3, 0.005)
        time.sleep(self.random.random() * 0.1)
        victim = self.random.choice(["outbound", "postgres", "postgres", "both"])
        self.killed[victim] = self.killed.get(victim, 0) + 1
        if victim in ("outbound", "both"):
            pid = self.centre.pid("outbound")
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if victim in ("postgres", "both"):
            self.server.kill()
            time.sleep(self.random.choice([0, 0.3, 1.5]))
            self.server.start()

    def test_nothing_acknowledged_is_lost_when_the_database_or_outbound_is_killed(self):
        centre, ledger = self.centre, self.ledger
        centre.load_and_start(self.group)
        crew = [Agent(name, centre, self.group, ledger) for name in (*CREW, ADDER)]
        for one in crew:
            one.start()
        for _ in range(ROUNDS):
            self.strike()
            if ledger.broken:
                break
        for one in crew:
            one.stopping.set()
        for one in crew:
            one.join(30)
        print(f"# odbc crash test: killed {self.killed}, {ledger.acknowledged} requests acknowledged, "
              f"{len(ledger.ended)} chains ended", file=sys.stderr, flush=True)
        self.assertKept()
        centre.wait_running(seconds=30)
        centre.wait_for_http()
        wait_until(lambda: not centre.select("select * from foreign_write"), 60, 0.1, "nothing is owed")
        self.look_at_table()
        self.end_what_is_open(crew)
        self.assertKept()

    def assertKept(self):
        if self.ledger.broken:
            raise AssertionError(f"seed {SEED}: " + "; ".join(self.ledger.broken[:10]))

    def look_at_table(self):
        ledger = self.ledger
        found = rows(self.base, self.group.table)
        by_chain = {int(row["chain_id"]): row for row in found}
        by_phone = {row["contact_info"]: row for row in found}
        self.assertEqual((len(by_chain), len(by_phone)), (len(found), len(found)), "a record is there twice")
        for phone, chain in ledger.added.items():
            if int(by_phone.get(phone, {"chain_id": 0})["chain_id"]) != chain:
                ledger.breaks("lost: added", phone, "as chain", chain, by_phone.get(phone))
        for phone in by_phone.keys() - ledger.maybe_added:
            ledger.breaks("a record that nobody added:", phone)
        for chain, wanted in ledger.ended.items():
            row = by_chain.get(chain, {})
            seen = (row.get("agent_id"), row.get("other1"), row.get("call_result"))
            if seen != wanted or row.get("record_status") != str(UPDATED):
                ledger.breaks("lost: chain", chain, "was ended as", wanted, "and is", row)
        self.assertKept()

    def end_what_is_open(self, crew):
        """Who had a record still has it, and no row is Retrieved by nobody."""
        centre = self.centre
        for one in centre.select("select handle_base, agent_id from round where state = 1"):
            def ended(one=one):
                return centre.record(one["handle_base"], "RecordProcessed", GSW_AGENT_ID=one["agent_id"],
                                     GSW_CALL_RESULT=33).status == 200
            wait_until(ended, 30, 0.2, f"{one} can be ended")
        self.assertEqual(centre.order(self.group, "Unload").status, 200)
        wait_until(lambda: centre.status(self.group)["GSW_STATE"] == "null", 20, what="unloaded")
        wait_until(lambda: not centre.select("select * from foreign_write"), 20, 0.1, "nothing is owed")
        self.assertEqual(rows(self.base, self.group.table, f"record_status = {RETRIEVED}"), [])


if __name__ == "__main__":
    unittest.main()
