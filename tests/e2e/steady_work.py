# SPDX-License-Identifier: Apache-2.0
"""Agents that add records and work them over HTTP, and an administrator who changes the configuration, for tests whose
database comes and goes: they remember what was acknowledged, so that it can be looked for in the end."""
import json
import threading
import time

from campaign import UPDATED, Client, Lost, new_record
from harness import wait_until


class Work(threading.Thread):
    """One agent: adds a record, works one; says what was acknowledged."""

    def __init__(self, centre, group, agent):
        super().__init__(daemon=True)
        self.client = Client(centre.http_port, timeout=20)
        self.group, self.agent = group, agent
        self.added, self.given, self.done = [], [], []
        self.times = []  # of what was acknowledged
        self.refused = self.lost = self.status = 0
        self.waits = []
        self.is_over = False
        self.problem = None

    def ask(self, path, req, **keys):
        began = time.monotonic()
        try:
            status, answer = self.client.post(path, req, **keys)
        except Lost:
            self.lost += 1
            time.sleep(0.05)
            return None
        self.waits.append(time.monotonic() - began)
        self.status = status
        if status == 200:
            self.times.append(time.monotonic())
            return answer
        if status != 404:
            self.refused += 1
        time.sleep(0.05)
        return None

    def step(self, number):
        phone = f"{self.agent}-{number}"
        if self.ask(f"/lists/{self.group.list}", "AddRecord", **new_record(phone)):
            self.added.append(phone)
        record = self.ask(f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest",
                          GSW_AGENT_ID=self.agent)
        if record is None:
            return
        self.given.append((record["GSW_CHAIN_ID"], record["GSW_RECORD_HANDLE"]))
        while not self.is_over:
            lost = self.lost
            answer = self.ask(f"/records/{record['GSW_RECORD_HANDLE']}", "RecordProcessed",
                              GSW_AGENT_ID=self.agent, GSW_CALL_RESULT=33)
            if answer is not None:
                self.done.append(record["GSW_CHAIN_ID"])
            # Refused for good: an earlier one happened, and its answer was lost.
            if answer is not None or (self.lost == lost and self.status in (400, 404, 409)):
                return

    def run(self):
        number = 0
        try:
            while not self.is_over:
                number += 1
                self.step(number)
        except Exception as problem:  # told by the test
            self.problem = problem


class Administrator(threading.Thread):
    """Adds a place at a time; what was acknowledged has a revision."""

    def __init__(self, centre):
        super().__init__(daemon=True)
        self.centre = centre
        self.done, self.times = [], []
        self.refused = []
        self.is_over = False
        self.problem = None

    def step(self, number):
        name = f"place{number}"
        file = {"format": "cc-config", "version": 1, "places": [{"name": name}]}
        done = self.centre.cli("config", "apply", "-", check=False, stdin=json.dumps(file), timeout=100)
        if done.returncode == 0:
            self.done.append((name, int(done.stdout.split()[1].rstrip(":"))))
            self.times.append(time.monotonic())
        else:
            self.refused.append(done.stderr)

    def run(self):
        number = 0
        try:
            while not self.is_over:
                number += 1
                self.step(number)
                time.sleep(0.2)
        except Exception as problem:  # told by the test
            self.problem = problem


def end(workers):
    for one in workers:
        one.is_over = True
    for one in workers:
        one.join(110)
        assert one.problem is None, one.problem


class Working:
    """A test with such people."""

    def check(self, centre, group, workers):
        """Nothing acknowledged is lost, nobody is called twice."""
        rows = {row["contact_info"]: row for row in centre.rows(group)}
        self.assertNotIn("refused", rows)
        self.assertEqual([phone for one in workers for phone in one.added if phone not in rows], [])
        by_chain = {row["chain_id"]: row for row in rows.values()}
        for chain in (chain for one in workers for chain in one.done):
            self.assertEqual(by_chain[chain]["record_status"], UPDATED, by_chain[chain])
        given = [chain for one in workers for chain, _ in one.given]
        self.assertEqual(len(given), len(set(given)), "a chain was given out twice")

    def check_revisions(self, centre, administrator):
        """The same of what the administrator did."""
        revisions = [revision for _, revision in administrator.done]
        self.assertEqual(len(set(revisions)), len(revisions), "one revision, two changes")
        kept = centre.select("select rev from history", schema="config")
        self.assertLessEqual(set(revisions), {row["rev"] for row in kept})
        exported = json.loads(centre.cli("config", "export").stdout)
        names = {place["name"] for place in exported.get("places", [])}
        self.assertLessEqual({name for name, _ in administrator.done}, names)

    def begin_work(self, centre, group, count=4):
        workers = [Work(centre, group, f"a{i + 1}") for i in range(count)]
        for one in workers:
            one.start()
        wait_until(lambda: all(len(one.done) >= 2 for one in workers), 20, what="everybody works")
        return workers

    def begin_administration(self, centre):
        administrator = Administrator(centre)
        administrator.start()
        wait_until(lambda: len(administrator.done) >= 2, 20, what="the administrator works")
        return administrator

    def expect_more(self, workers, seconds=30):
        before = [len(one.done) for one in workers]
        wait_until(lambda: all(len(one.done) > was + 1 for one, was in zip(workers, before)), seconds,
                   what="everybody works again")
