# SPDX-License-Identifier: Apache-2.0
"""kill -9 of outbound while records go through their treatments: every record is worked exactly as often as its
treatments say, each time with one notification, and no chain that a treatment put off is lost
(design 1.4, 5; outbound 5.2, 9). check-log judges the rest by the event log."""
import collections
import contextlib
import os
import random
import sys
import threading
import time
import unittest

from campaign import UPDATED, Centre, Client, Lost, notifying
from event_log import EventLog
from harness import Receiver, rounds, wait_until

SEED = int(os.environ.get("CARILLON_CRASH_SEED", random.randrange(1 << 30)))
ROUNDS, RECORDS, CYCLES, BUSY = rounds(8, 60), rounds(60, 400), 4, 6
AGENTS = ["a1", "a2", "a3", "a4"]


class Worker(threading.Thread):
    """Says Busy to every record; who hears no answer asks again, for the same record."""

    def __init__(self, centre, group, agent, log):
        super().__init__(daemon=True, name=agent)
        self.client = Client(centre.http_port, timeout=5)
        self.group, self.agent, self.log = group, agent, log
        self.stopping, self.wrong = threading.Event(), []

    def ask(self, path, req, note, **keys):
        """Its status and answer, and the number of the last request; `note`: the event's fields."""
        while not self.stopping.is_set():
            number = self.log.asked(**note)
            with contextlib.suppress(Lost):
                status, answer = self.client.post(path, req, **keys)
                if status not in (503, 504):
                    return status, answer, number
            self.log.lost(number)
            time.sleep(0.01)
        return None, None, None

    def run(self):
        while not self.stopping.is_set():
            status, record, number = self.ask(f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest",
                                              {"ask": "preview", "agent": self.agent}, GSW_AGENT_ID=self.agent)
            if status != 200:
                if status:
                    self.log.refused(number, record)
                time.sleep(0.02)
                continue
            self.log.given(number, self.group, record)
            status, answer, number = self.ask(
                f"/records/{record['GSW_RECORD_HANDLE']}", "RecordProcessed",
                {"ask": "process", "then": "either", "agent": self.agent, "result": BUSY,
                 "guid": record["GSW_CALL_ATTEMPT_GUID"]},
                GSW_CALL_RESULT=BUSY, GSW_TREATMENT="RecordTreatCampaign")
            if status == 200:
                self.log.acknowledged(number)
            elif status:
                self.log.refused(number, answer)
                if status != 409:
                    self.wrong.append((record, status, answer))


class TreatmentCrash(unittest.TestCase):
    time_limit = 60 + ROUNDS * 5

    def look_for_stale(self, centre, group):
        """A record in its treatments is with an agent or put off, never Stale."""
        for _ in range(20):
            self.assertEqual(centre.rows(group, "call_result = 46 and treatments is not null"), [], f"seed {SEED}")
            time.sleep(0.01)

    def test_each_record_is_worked_exactly_as_often_as_its_treatments_say(self):
        chance = random.Random(SEED)
        log = EventLog()
        self.addCleanup(log.close)
        receiver = Receiver(lambda request: log.received(request) or 200)
        self.addCleanup(receiver.close)
        centre = Centre(options={"G1": notifying(receiver.url + "/crm", http_retry_applies_to="all",
                                                 http_retry_max_attempts=20)},
                        supervisor_options={"restart-delay-first": 0, "restart-delay-max": 0,
                                            "crash-loop-limit": 1000})
        centre.__enter__()
        self.addCleanup(centre.close)
        group = centre.groups[0]

        def redial(config):
            config["treatments"] = [{"name": "redial", "callResult": BUSY, "recActionCode": "Redial",
                                     "attempts": CYCLES}]
            config["callingLists"][0]["treatments"] = ["redial"]
        centre.apply(redial)
        for number in range(RECORDS):
            phone = f"1555{number:04}"
            asked = log.asked("add", list=group.list, phone=phone)
            log.acknowledged(asked, chain=centre.add(group, phone)["GSW_CHAIN_ID"])
        centre.load_and_start(group)
        workers = [Worker(centre, group, agent, log) for agent in AGENTS]
        for worker in workers:
            worker.start()
        for _ in range(ROUNDS):
            time.sleep(chance.random() * 0.3)
            log.write("killed", who="outbound")
            former = centre.kill("outbound")
            wait_until(lambda: centre.pid("outbound") not in (None, former), 20, what="a new outbound")
            self.look_for_stale(centre, group)
        print(f"# treatment crash: seed {SEED}, {len(receiver.requests)} of {RECORDS * (CYCLES + 1)} rounds told "
              f"when {ROUNDS} kills were over", file=sys.stderr, flush=True)

        def is_done():
            with contextlib.suppress(Exception):
                return all(row["record_status"] == UPDATED for row in centre.rows(group))
        # What an agent was given while its answer was lost is hers still: she finds it by the store.
        def finish():
            log.look(centre, group)
            for row in centre.select("select handle_base, attempt_guid from round where state = 1 "
                                     "and started_utc_ms < ?", (time.time() - 1) * 1000):
                number = log.asked("process", then="either", guid=row["attempt_guid"], result=BUSY)
                answer = centre.record(row["handle_base"], "RecordProcessed", GSW_CALL_RESULT=BUSY,
                                       GSW_TREATMENT="RecordTreatCampaign")
                log.acknowledged(number) if answer.status == 200 else log.refused(number, answer.json)
            return is_done()
        wait_until(finish, 40, every=0.5, what=f"all are done (seed {SEED})")
        for worker in workers:
            worker.stopping.set()
            self.assertEqual(worker.wrong, [], f"seed {SEED}")
        self.assertEqual({(row["call_result"], row["treatments"]) for row in centre.rows(group)},
                         {(BUSY, f"6:1:{CYCLES}")}, f"seed {SEED}")
        self.assertEqual(centre.select("select * from held_chain"), [])
        wanted = RECORDS * (CYCLES + 1)

        def messages():
            return {one.json["GSW_MESSAGE_GUID"]: one.json for one in receiver.requests}
        wait_until(lambda: len(messages()) >= wanted, 20, what=f"{wanted} notifications (seed {SEED})")
        bodies = messages().values()
        self.assertEqual(len({one["GSW_CALL_ATTEMPT_GUID"] for one in bodies}), wanted, f"seed {SEED}")
        per_record = collections.Counter(one["GSW_PHONE"] for one in bodies)
        self.assertEqual(set(per_record.values()), {CYCLES + 1}, f"seed {SEED}")
        reasons = collections.Counter(one["GSW_REASON"] for one in bodies)
        self.assertEqual(reasons, {2: RECORDS * CYCLES, 1: RECORDS}, f"seed {SEED}")
        wait_until(lambda: not centre.select("select 1 from outbox where state = 1"), 20, what="the outbox is empty")
        log.look(centre, group, is_settled=True)
        print("# treatment crash:", log.judge(f"seed {SEED}"), file=sys.stderr, flush=True)
