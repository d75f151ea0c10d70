# SPDX-License-Identifier: Apache-2.0
"""A calling list in a customer's PostgreSQL, while outbound and PostgreSQL are killed at random instants
(design 5): nothing that was acknowledged is lost, no chain is given to two agents (check-log judges the
event log), nothing is owed in the end. CARILLON_CRASH_SEED repeats the instants as far as two processors
allow, CARILLON_CRASH_ROUNDS sets their number.
"""
import contextlib
import os
import pathlib
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from campaign import Centre
from crew import Agent, Ledger
from databases import PASSWORD, Postgres, behind, rows
from harness import rounds, wait_until

ROUNDS = int(os.environ.get("CARILLON_CRASH_ROUNDS", rounds(4, 60)))
SEED = int(os.environ.get("CARILLON_CRASH_SEED", random.randrange(1_000_000)))
CREW, ADDER = ["a1", "a2", "a3", "a4"], "a5"  # who adds: crew.ADDERS


class Customer(Agent):
    """One of the crew; what it writes has letters of the customer's."""

    REST_S = 0.01

    def next_value(self):
        return f"ё{super().next_value()}"


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
        self.addCleanup(self.ledger.log.close)
        self.random = random.Random(SEED)
        self.killed = {}

    def strike(self):
        goal = self.ledger.acknowledged + self.random.randrange(10, 150)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self.ledger.acknowledged >= goal or self.ledger.broken, 3, 0.005)
        time.sleep(self.random.random() * 0.1)
        victim = self.random.choice(["outbound", "postgres", "postgres", "both"])
        self.killed[victim] = self.killed.get(victim, 0) + 1
        self.ledger.log.write("killed", who=victim)
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
        crew = [Customer(name, centre, self.group, ledger) for name in (*CREW, ADDER)]
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
              f"{ledger.processed} chains processed", file=sys.stderr, flush=True)
        self.assertKept()
        centre.wait_running(seconds=30)
        centre.wait_for_http()
        wait_until(lambda: not centre.select("select * from foreign_write"), 60, 0.1, "nothing is owed")
        self.look_at_table()
        self.end_what_is_open()
        self.assertKept()
        print("# odbc crash test:", ledger.log.judge(f"seed {SEED}", "--silent"), file=sys.stderr, flush=True)

    def assertKept(self):
        if self.ledger.broken:
            raise AssertionError(f"seed {SEED}: " + "; ".join(self.ledger.broken[:10]))

    def look_at_table(self, **flags):
        self.ledger.log.look(self.centre, self.group, rows(self.base, self.group.table), **flags)

    def end_what_is_open(self):
        """Who had a record still has it, and no row is Retrieved by nobody."""
        centre, log = self.centre, self.ledger.log
        for one in centre.select("select handle_base, attempt_guid, agent_id from round where state = 1"):
            def ended(one=one):
                number = log.asked("process", agent=one["agent_id"], guid=one["attempt_guid"], result=33)
                answer = centre.record(one["handle_base"], "RecordProcessed", GSW_AGENT_ID=one["agent_id"],
                                       GSW_CALL_RESULT=33)
                if answer.status == 200:
                    log.acknowledged(number)
                else:
                    log.lost(number)
                return answer.status == 200
            wait_until(ended, 30, 0.2, f"{one} can be ended")
        self.assertEqual(centre.order(self.group, "Unload").status, 200)
        wait_until(lambda: centre.status(self.group)["GSW_STATE"] == "null", 20, what="unloaded")
        wait_until(lambda: not centre.select("select * from foreign_write"), 20, 0.1, "nothing is owed")
        self.look_at_table(is_settled=True, is_unloaded=True)


if __name__ == "__main__":
    unittest.main()
