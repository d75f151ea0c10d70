# SPDX-License-Identifier: Apache-2.0
"""The agents of the crash test, over HTTP and at desktops; what they ask and hear goes into the event log."""
import contextlib
import os
import random
import threading
import time

from campaign import Client, Lost, new_record
from desktops import StubbornDesktop
from event_log import EventLog
from websocket_client import Refusal

SEED = int(os.environ.get("CARILLON_CRASH_SEED", random.randrange(1_000_000)))
ADDERS = ("a7", "d4", "a5")  # add records and do nothing else
HELD_MAX = 4  # records an agent keeps open at a time
ANSWER_S = 5
NO_RECORDS = 3
ROUND_IS_OVER = (4, 5, 6)  # invalid handle, not the owner, finalised already
NOT_NOW = (503, 504)  # the proxy without outbound: as unknown as a lost connection


class Held:
    """A record with an agent, as the agent knows it."""

    def __init__(self, record):
        self.handle, self.chain_id = record["GSW_RECORD_HANDLE"], record["GSW_CHAIN_ID"]
        self.guid = record["GSW_CALL_ATTEMPT_GUID"]


class Ledger:
    """What all agents write into: the event log, which check-log judges in the end, and what no
    answer should ever be."""

    def __init__(self):
        self.log, self.lock = EventLog(), threading.Lock()
        self.acknowledged = self.processed = 0
        self.broken = []

    def breaks(self, *words):
        with self.lock:
            self.broken.append(" ".join(str(word) for word in words))


class Agent(threading.Thread):
    """Works until told to stop; then whatever it holds stays open."""

    REST_S = 0.002  # of an adder

    def __init__(self, name, centre, group, ledger):
        super().__init__(daemon=True, name=name)
        self.centre, self.group, self.ledger = centre, group, ledger
        self.random = random.Random(f"{SEED}/{name}")
        self.client = Client(centre.http_port, timeout=ANSWER_S)
        self.held, self.number, self.stopping = [], 0, threading.Event()

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.step()
                except Lost:
                    time.sleep(0.01)
        except Exception as problem:  # a bug of the test is a broken promise, too
            self.ledger.breaks(self.name, "ended:", repr(problem))

    def step(self):
        if self.name in ADDERS:
            self.add()
            time.sleep(self.REST_S)
            return
        deed = self.random.random()
        if not self.held or (deed < 0.3 and len(self.held) < HELD_MAX):
            self.preview()
            return
        held = self.random.choice(self.held)
        if deed < 0.7:
            self.update(held)
        elif deed < 0.8:
            self.reject(held)
        else:
            self.process(held)

    def next_value(self):
        self.number += 1
        return f"{self.name}-{self.number}"

    def ask(self, path, req, **keys):
        """The answer, or Lost where nobody can know."""
        status, answer = self.client.post(path, req, **keys)
        if status in NOT_NOW:
            time.sleep(0.02)
            raise Lost(status)
        if status == 200:
            with self.ledger.lock:
                self.ledger.acknowledged += 1
        return status, answer

    @contextlib.contextmanager
    def noted(self, ask, **fields):
        """Its number; a request that is lost is noted here, its answer by the caller."""
        log = self.ledger.log
        number = log.asked(ask, **fields)
        try:
            yield number
        except Lost:
            log.lost(number)
            raise

    # deeds

    def add(self):
        value = self.next_value()
        phone = f"1555{ADDERS.index(self.name)}{self.number:06}"
        with self.noted("add", list=self.group.list, phone=phone, value=value) as number:
            status, answer = self.ask(f"/lists/{self.group.list}", "AddRecord",
                                      **new_record(phone, Other1=value))
        if status == 200:
            self.ledger.log.acknowledged(number, chain=answer["GSW_CHAIN_ID"])
        else:
            self.ledger.breaks("AddRecord answered", status, answer)

    def preview(self):
        with self.noted("preview", agent=self.name) as number:
            status, record = self.ask(f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest",
                                      GSW_AGENT_ID=self.name)
        if status == 200:
            self.ledger.log.given(number, self.group, record)
            self.held.append(Held(record))
            if record["GSW_AGENT_ID"] != self.name:
                self.ledger.breaks(record, "came to", self.name)
            return
        self.ledger.log.refused(number, record)
        if status == 404 and record["GSW_ERROR"] == NO_RECORDS:
            time.sleep(0.02)
        else:
            self.ledger.breaks("PreviewRecordRequest answered", status, record)

    def on_record(self, ask, held, req, keys, **fields):
        """Whether it was done; what else a refusal may mean check-log knows."""
        with self.noted(ask, agent=self.name, guid=held.guid, handle=held.handle, **fields) as number:
            status, answer = self.ask(f"/records/{held.handle}", req, GSW_AGENT_ID=self.name, **keys)
        if status == 200:
            self.ledger.log.acknowledged(number)
            return True
        self.ledger.log.refused(number, answer)
        if answer["GSW_ERROR"] not in ROUND_IS_OVER:
            self.ledger.breaks(self.name, "had", held.handle, "and", req, "was answered", status, answer)
        return False

    def update(self, held):
        value = self.next_value()
        self.on_record("update", held, "UpdateCallCompletionStats", {"Other1": value}, value=value)

    def reject(self, held):
        """From the moment it leaves, another may get it."""
        self.held.remove(held)
        self.on_record("reject", held, "RecordReject", {})

    def process(self, held):
        """Insists until it is answered: "finalised already" is the answer to a repeat."""
        value, result = self.next_value(), self.random.choice((33, 6, 7, 9, 53))
        keys = {"Other1": value, "GSW_CALL_RESULT": result, "GSW_DISPOSITION_CODE": value}
        while True:
            try:
                self.on_record("process", held, "RecordProcessed", keys, value=value, result=result)
                break
            except Lost:
                if self.stopping.is_set():
                    return  # the last look will find what became of it
                time.sleep(0.05)
        self.held.remove(held)
        with self.ledger.lock:
            self.ledger.processed += 1


class DesktopAgent(Agent):
    """The same at a desktop: it asks until it is answered, so that nothing but the end leaves it in
    doubt; and each Snapshot has to show what it knows to have."""

    LOSS = 0.03  # of 1: it breaks its own connection as well

    def __init__(self, name, centre, group, ledger):
        super().__init__(name, centre, group, ledger)
        self.desktop = StubbornDesktop(centre.web_port, centre.log_in(name), self.on_event, self.LOSS, self.random)
        self.snapshots = 0

    def ask(self, path, req, **keys):
        kind, name = path.strip("/").split("/")
        keys.pop("GSW_AGENT_ID", None)  # an agent speaks for herself
        if kind == "lists":
            keys["GSW_CALLING_LIST"] = name
        elif kind == "records":
            keys["GSW_RECORD_HANDLE"] = int(name)
        else:
            keys["GSW_CAMPAIGN_GROUP_DBID"] = int(name)
        try:
            answer = self.desktop.ask(req, give_up=self.stopping.is_set, **keys)
        except Refusal as refusal:
            return (404 if refusal.code == NO_RECORDS else 409), {"GSW_ERROR": refusal.code,
                                                                  "error": refusal.error}
        except TimeoutError as problem:
            if not self.stopping.is_set():
                self.ledger.breaks(self.name, "was not answered:", problem)
            raise Lost(str(problem)) from problem
        with self.ledger.lock:
            self.ledger.acknowledged += 1
        return 200, answer

    def on_event(self, event):
        if event.get("message") == "Snapshot":
            self.snapshots += 1
            self.ledger.log.snapshot(self.name, self.group, event["fields"]["Records"])

    def look_again(self):
        """After all is over: a Snapshot of everything."""
        count = self.snapshots
        self.desktop.cut()
        end = time.monotonic() + 20
        while self.snapshots == count and time.monotonic() < end:
            self.desktop.listen(0.2)
        if self.snapshots == count:
            self.ledger.breaks(self.name, "had no Snapshot after everything was killed")
