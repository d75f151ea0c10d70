# SPDX-License-Identifier: Apache-2.0
"""The agents of the crash test, over HTTP and at desktops, and the ledger of what they were promised."""
import os
import random
import threading
import time

from campaign import Client, Lost, new_record
from desktops import StubbornDesktop
from websocket_client import Refusal

SEED = int(os.environ.get("CARILLON_CRASH_SEED", random.randrange(1_000_000)))
ADDERS = ("a7", "d4")  # add records and do nothing else
HELD_MAX = 4  # records an agent keeps open at a time
ANSWER_S = 5
NO_RECORDS = 3
NOT_NOW = (503, 504)  # the proxy without outbound: as unknown as a lost connection


class Held:
    """A record with an agent, as the agent knows it."""

    def __init__(self, record, before):
        self.handle, self.chain_id = record["GSW_RECORD_HANDLE"], record["GSW_CHAIN_ID"]
        self.phone, self.guid = record["GSW_PHONE"], record["GSW_CALL_ATTEMPT_GUID"]
        self.values = {before}  # what Other1 may be: the last acknowledged, and unknown ones since


class Ledger:
    """Everything that was promised, and who has what; all agents write into it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.added, self.maybe_added = {}, set()  # phone -> (chain, Other1)
        self.owner = {}                           # chain -> agent, as far as the clients know
        self.values = {}                          # chain -> what Other1 may be
        self.processed = {}                       # chain -> (agent, Other1, result, attempt GUID)
        self.acknowledged = 0
        self.broken = []

    def breaks(self, *words):
        with self.lock:
            self.broken.append(" ".join(str(word) for word in words))


class Agent(threading.Thread):
    """Works until told to stop; then whatever it holds stays open."""

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
            time.sleep(0.002)
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

    # deeds

    def add(self):
        value = self.next_value()
        phone = f"1555{ADDERS.index(self.name)}{self.number:06}"
        with self.ledger.lock:
            self.ledger.maybe_added.add(phone)
        status, answer = self.ask(f"/lists/{self.group.list}", "AddRecord",
                                  **new_record(phone, Other1=value))
        if status != 200:
            self.ledger.breaks("AddRecord answered", status, answer)
            return
        with self.ledger.lock:
            self.ledger.maybe_added.discard(phone)
            self.ledger.added[phone] = (answer["GSW_CHAIN_ID"], value)

    def preview(self):
        status, record = self.ask(f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest",
                                  GSW_AGENT_ID=self.name)
        if status == 404 and record["GSW_ERROR"] == NO_RECORDS:
            time.sleep(0.02)
            return
        if status != 200:
            self.ledger.breaks("PreviewRecordRequest answered", status, record)
            return
        ledger, chain = self.ledger, record["GSW_CHAIN_ID"]
        with ledger.lock:
            other, former = ledger.owner.get(chain), ledger.processed.get(chain)
            ledger.owner[chain] = self.name
            values = ledger.values.get(chain)
        if other:
            ledger.breaks("chain", chain, "is with", other, "and was given to", self.name)
        if former:
            ledger.breaks("chain", chain, "was processed by", former, "and was given to", self.name)
        if values and record.get("Other1") not in values:
            ledger.breaks("chain", chain, "came with", record.get("Other1"), "instead of", values)
        if record["GSW_AGENT_ID"] != self.name:
            ledger.breaks("chain", chain, "came to", self.name, "for", record["GSW_AGENT_ID"])
        self.held.append(Held(record, record.get("Other1")))

    def on_record(self, held, req, **keys):
        status, answer = self.ask(f"/records/{held.handle}", req, GSW_AGENT_ID=self.name, **keys)
        return status, answer

    def update(self, held):
        value = self.next_value()
        held.values.add(value)
        status, answer = self.on_record(held, "UpdateCallCompletionStats", Other1=value)
        if status == 200:
            held.values = {value}
        else:
            self.ledger.breaks(self.name, "had", held.handle, "and update was answered", status, answer)

    def give_up(self, held):
        """From the moment a reject leaves, another may get it. What it holds stays known."""
        self.held.remove(held)
        with self.ledger.lock:
            self.ledger.values[held.chain_id] = held.values
            self.ledger.owner.pop(held.chain_id, None)

    def reject(self, held):
        self.give_up(held)
        status, answer = self.on_record(held, "RecordReject")
        if status != 200:
            self.ledger.breaks(self.name, "had", held.handle, "and reject was answered", status, answer)

    def process(self, held):
        """Insists until it is acknowledged: "finalised already" is the answer to a repeat."""
        value, result = self.next_value(), self.random.choice((33, 6, 7, 9, 53))
        is_repeat = False
        while True:
            try:
                status, answer = self.on_record(held, "RecordProcessed", Other1=value,
                                                GSW_CALL_RESULT=result, GSW_DISPOSITION_CODE=value)
                break
            except Lost:
                is_repeat = True
                held.values.add(value)
                if self.stopping.is_set():
                    return  # the last look will find what became of it
                time.sleep(0.05)
        if status != 200 and not (is_repeat and status == 409 and answer["GSW_ERROR"] == 6):
            self.ledger.breaks(self.name, "had", held.handle, "and processed was answered", status, answer)
        self.held.remove(held)
        with self.ledger.lock:
            self.ledger.processed[held.chain_id] = (self.name, value, result, held.guid)
            self.ledger.owner.pop(held.chain_id, None)


class DesktopAgent(Agent):
    """The same at a desktop: it asks until it is answered, so that nothing but the end leaves it in
    doubt; and each Snapshot has to show what it knows to have."""

    LOSS = 0.03  # of 1: it breaks its own connection as well

    def __init__(self, name, centre, group, ledger):
        super().__init__(name, centre, group, ledger)
        self.desktop = StubbornDesktop(centre.web_port, centre.log_in(name), self.on_event, self.LOSS, self.random)
        self.pending, self.snapshots = None, 0  # (request, handle) that is not answered yet
        self.stories = {}  # handle -> what was asked about it and answered

    def ask(self, path, req, **keys):
        kind, name = path.strip("/").split("/")
        keys.pop("GSW_AGENT_ID", None)  # an agent speaks for herself
        if kind == "lists":
            keys["GSW_CALLING_LIST"] = name
        elif kind == "records":
            keys["GSW_RECORD_HANDLE"] = int(name)
        else:
            keys["GSW_CAMPAIGN_GROUP_DBID"] = int(name)
        self.pending = (req, keys.get("GSW_RECORD_HANDLE"))
        try:
            answer = self.desktop.ask(req, give_up=self.stopping.is_set, **keys)
        except Refusal as refusal:
            self.tell_story(req, refusal.code, keys)
            self.pending = None
            return (404 if refusal.code == NO_RECORDS else 409), {"GSW_ERROR": refusal.code,
                                                                  "error": refusal.error}
        except TimeoutError as problem:  # it stays pending: whether it was done nobody knows
            if not self.stopping.is_set():
                self.ledger.breaks(self.name, "was not answered:", problem)
            raise Lost(str(problem)) from problem
        self.tell_story(req, "done", {**keys, **answer})
        self.pending = None
        with self.ledger.lock:
            self.ledger.acknowledged += 1
        return 200, answer

    def tell_story(self, req, end, names):
        handle = names.get("GSW_RECORD_HANDLE")
        if handle:
            self.stories.setdefault(handle, []).append((self.desktop.ref, req, end))

    def on_event(self, event):
        if event.get("message") != "Snapshot":
            return
        self.snapshots += 1
        seen = {record["GSW_RECORD_HANDLE"]: record for record in event["fields"]["Records"]}
        known = {held.handle: held for held in self.held}
        req, handle = self.pending or (None, None)
        missing = known.keys() - seen.keys() - {handle}
        extra = seen.keys() - known.keys() - {handle}
        if req == "PreviewRecordRequest" and len(extra) == 1:
            extra = ()
        if missing or extra:
            self.ledger.breaks(self.name, "asks for", self.pending, "and its Snapshot lacks", missing,
                               "and has", extra, "beside", sorted(known), "; asked",
                               [self.stories.get(one) for one in {*missing, *extra}], "now", self.desktop.ref)
        for one in seen.keys() & known.keys():
            chain, guid = seen[one]["GSW_CHAIN_ID"], seen[one]["GSW_CALL_ATTEMPT_GUID"]
            if (chain, guid) != (known[one].chain_id, known[one].guid):
                self.ledger.breaks(self.name, "has", one, "in its Snapshot as", chain, guid)

    def look_again(self):
        """After all is over: a Snapshot of everything."""
        count = self.snapshots
        self.desktop.cut()
        end = time.monotonic() + 20
        while self.snapshots == count and time.monotonic() < end:
            self.desktop.listen(0.2)
        if self.snapshots == count:
            self.ledger.breaks(self.name, "had no Snapshot after everything was killed")
