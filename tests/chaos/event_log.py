# SPDX-License-Identifier: Apache-2.0
"""The event log of a real run, which `check-log` judges (tests/world/event_log.h, checker.h).

    log = EventLog()
    number = log.asked("update", agent="a1", guid=guid, value="v")   # before the request leaves
    log.acknowledged(number)                                         # or refused(), lost()
    log.look(centre, group)                                          # the store, at one instant
    log.judge("seed 7")                                              # raises Broken

All threads write into one log; the lock makes its order true: what stands before a look had
happened before it.
"""
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

from harness import TOP, beside

HELD_AT_MOST_MS = 60_000  # so long after it is due somebody has asked for it, through any kill -9
NOT_JUDGED = "could not be judged"
OF_TABLE = "table_name like '%' || ?"  # a customer's stands behind its access point


class Broken(AssertionError):
    """A promise was not kept."""


def checker():
    sources = [one for name in ("check", "event_log", "guess") for one in (TOP / "tests/world").glob(f"{name}*.[ch]")]
    return beside("tests/world/check-log", sources)


def check(path, *options):
    """What check-log says of a file: its exit code and words."""
    done = subprocess.run([checker(), *options, path], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


class EventLog:
    def __init__(self):
        descriptor, path = tempfile.mkstemp(prefix="carillon-events-", suffix=".jsonl")
        self.file, self.path = os.fdopen(descriptor, "w", encoding="utf-8"), pathlib.Path(path)
        self.lock, self.numbers = threading.RLock(), itertools.count(1)

    def close(self):
        self.file.close()
        self.path.unlink(missing_ok=True)

    def write(self, event, **fields):
        """Absent is None; so is 0, which no event tells from it."""
        line = {"event": event, "at": int(time.time() * 1000),
                **{name: value for name, value in fields.items() if value is not None and value != 0}}
        with self.lock:
            if not self.file.closed:  # a receiver may hear something after the end
                self.file.write(json.dumps(line, ensure_ascii=False) + "\n")

    # requests

    def asked(self, ask, **fields):
        number = next(self.numbers)
        self.write("asked", ask=ask, request=number, **fields)
        return number

    def acknowledged(self, number, **fields):
        self.write("acknowledged", request=number, **fields)

    def given(self, number, group, record):
        """A preview's answer."""
        self.acknowledged(number, list=group.list, chain=record["GSW_CHAIN_ID"], phone=record["GSW_PHONE"],
                          handle=record["GSW_RECORD_HANDLE"], guid=record["GSW_CALL_ATTEMPT_GUID"],
                          value=record.get("Other1"))

    def refused(self, number, answer):
        self.write("refused", request=number, code=answer["GSW_ERROR"])

    def lost(self, number):
        self.write("lost", request=number)

    # what is seen

    def shown(self, agent, group, record):
        self.write("shown", agent=agent, list=group.list, chain=record["GSW_CHAIN_ID"],
                   guid=record["GSW_CALL_ATTEMPT_GUID"], handle=record["GSW_RECORD_HANDLE"],
                   phone=record.get("GSW_PHONE"))

    def snapshot(self, agent, group, records):
        with self.lock:
            for record in records:
                self.shown(agent, group, record)
            self.write("snapshot", agent=agent)

    def received(self, request):
        """A notification, to be noted before it is answered."""
        body = request.json
        self.write("received", message=body["GSW_MESSAGE_GUID"], guid=body["GSW_CALL_ATTEMPT_GUID"],
                   digest=hashlib.sha256(request.body).hexdigest()[:16])

    def look(self, centre, group, rows=None, **flags):
        """The store at one instant, also while everybody works. `rows`: of a list that lies elsewhere."""
        with self.lock, contextlib.closing(centre.sqlite("outbound")) as base:
            def select(sql, *values):
                cursor = base.execute(sql, values)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row)) for row in cursor]
            base.execute("begin")
            self.write("look", list=group.list, **flags)
            for row in rows or select(f"select * from {group.table}"):
                value = row.get("Other1", row.get("other1"))
                self.write("row", chain=int(row["chain_id"]), phone=row["contact_info"], value=value,
                           status=int(row["record_status"]), agent=row["agent_id"] or None,
                           result=int(row["call_result"]))
            for one in select(f"select * from round where {OF_TABLE}", group.table):
                self.write("round", chain=one["chain_id"], guid=one["attempt_guid"], status=one["state"],
                           agent=one["agent_id"], handle=one["handle_base"], message=one["message_guid"])
            for one in select("select id, state, created_utc_ms, body from outbox "
                              "where kind like 'contact-processed%'"):
                self.write("outbox", message=one["id"], status=one["state"], since=one["created_utc_ms"],
                           guid=json.loads(one["body"])["GSW_CALL_ATTEMPT_GUID"])
            self.write("looked")
            for one in select(f"select chain_id, due_utc_ms from held_chain where {OF_TABLE}", group.table):
                self.write("state", name="held chain", who=f"{group.list}/{one['chain_id']}",
                           until=one["due_utc_ms"] + HELD_AT_MOST_MS)

    # the verdict

    def judge(self, seed, *options):
        """What check-log counted; Broken with its words, and then the file stays. So it does when a
        chain could not be judged."""
        with self.lock:
            self.file.flush()
        code, words = check(self.path, *options)
        if code or NOT_JUDGED in words:
            kept = self.path.rename(self.path.with_name(f"kept-{self.path.name}"))
            raise Broken(f"{seed}: check-log found (the whole log is {kept})\n{words}")
        return words.strip()
