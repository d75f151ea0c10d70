# SPDX-License-Identifier: Apache-2.0
"""Runs units of tests (running.py) in several processes at once.

A worker is `harness.py --worker DESCRIPTOR`: it reads the ids of a unit's tests from its standard input, a
line of JSON each time, and writes what happens to them to the descriptor. What it and its tests print
comes to our standard error when a test has ended. A worker that dies has failed the test that it ran;
another one goes on. Its TMPDIR is a folder of its own, and whatever runs with that in its environment is
its own: when the worker ends, the folder and the processes that are left go too, by pid."""
import collections
import contextlib
import json
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from running import run_unit

LONGEST = pathlib.Path(__file__).with_name("longest.txt")
USUAL_SECONDS = 3  # of a unit that is not in that list
FIXTURE_SECONDS = 300  # between two tests; longer than that, and it hangs
GRACE_SECONDS = 60  # after a test's own time limit, which did not end it
END_SECONDS = 40  # an interrupted worker stops what it started


# --- in the worker -----------------------------------------------------------------------------

def work(descriptor):
    os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(descriptor, "w", encoding="utf-8") as events:
        def tell(event):
            sys.stdout.flush()
            sys.stderr.flush()
            print(json.dumps(event), file=events, flush=True)

        for line in sys.stdin:
            run_unit(unittest.TestLoader().loadTestsFromNames(json.loads(line)), tell)
            tell({"done": True})


# --- around it ---------------------------------------------------------------------------------

def processes_of(folder):
    """Who has the folder as TMPDIR, and what it was called with."""
    mark = f"TMPDIR={folder}".encode()
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (path / "environ").read_bytes().split(b"\0"):
                found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


class Worker:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-e2e-"))
        os.chmod(self.folder, 0o711)  # databases are started as somebody else
        self.output = open(self.folder / "output", "w+b")
        self.events, theirs = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("harness.py"), "--worker", str(theirs)],
            stdin=subprocess.PIPE, stdout=self.output.fileno(), stderr=self.output.fileno(), pass_fds=[theirs],
            start_new_session=True, env={**os.environ, "TMPDIR": str(self.folder)})
        os.close(theirs)
        self.unit, self.shown, self.rest = None, 0, b""
        self.began = self.deadline = None

    def give(self, unit):
        self.unit, self.began = unit, time.monotonic()
        self.wait_for(FIXTURE_SECONDS)
        with contextlib.suppress(BrokenPipeError):  # it died; that is heard soon
            self.process.stdin.write(json.dumps(unit.waiting).encode() + b"\n")
            self.process.stdin.flush()

    def wait_for(self, seconds):
        self.deadline = time.monotonic() + seconds

    def is_overdue(self):
        return self.unit and time.monotonic() > self.deadline

    def hear(self):
        """What it said since, and whether it lives."""
        said = os.read(self.events, 1 << 16)
        *lines, self.rest = (self.rest + said).split(b"\n")
        return [json.loads(line) for line in lines], bool(said)

    def show_output(self):
        size = os.fstat(self.output.fileno()).st_size
        text = os.pread(self.output.fileno(), size - self.shown, self.shown)
        self.shown += len(text)
        sys.stderr.write(text.decode(errors="replace"))
        sys.stderr.flush()

    def how_it_died(self):
        code = self.process.wait()
        return f"its process was ended by {signal.Signals(-code).name}" if code < 0 else f"its process ended with {code}"

    def close(self):
        """Returns what it left behind."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        left = processes_of(self.folder)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.show_output()
        self.output.close()
        os.close(self.events)
        shutil.rmtree(self.folder, ignore_errors=True)
        return left


class Crew:
    def __init__(self, jobs, tap):
        self.jobs, self.tap = jobs, tap
        self.idle, self.busy = [], []
        self.listening = selectors.DefaultSelector()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # it is being seen to
            for worker in self.busy:
                worker.process.send_signal(signal.SIGINT)
        for worker in self.idle + self.busy:
            self.dismiss(worker)

    def dismiss(self, worker):
        for pid, words in worker.close().items():
            print(f"# left behind, and killed: {pid} {words}", file=sys.stderr)

    def run(self, units):
        """The longest first; then, one by one, those that are to be alone."""
        known = longest()
        queue = sorted(units, key=lambda unit: -sum(known.get(name, USUAL_SECONDS) for name in unit.names))
        self.run_all([unit for unit in queue if not unit.by_itself], self.jobs)
        self.run_all([unit for unit in queue if unit.by_itself], 1)

    def run_all(self, queue, jobs):
        waiting = collections.deque(queue)
        while waiting or self.busy:
            while waiting and len(self.busy) < jobs:
                self.begin(waiting.popleft())
            for key, _ in self.listening.select(1):
                self.hear(key.data, waiting)
            for worker in filter(Worker.is_overdue, self.busy):
                worker.process.send_signal(signal.SIGABRT)  # faulthandler says where it was
                worker.wait_for(GRACE_SECONDS)

    def begin(self, unit):
        worker = self.idle.pop() if self.idle else Worker()
        self.busy.append(worker)
        self.listening.register(worker.events, selectors.EVENT_READ, worker)
        worker.give(unit)

    def end(self, worker):
        self.listening.unregister(worker.events)
        self.busy.remove(worker)
        worker.unit.seconds += time.monotonic() - worker.began

    def hear(self, worker, waiting):
        events, lives = worker.hear()
        for event in events:
            if "done" in event:
                self.end(worker)
                self.idle.append(worker)
                self.tap.end(worker.unit)
                return
            self.tap.take(worker.unit, event)
            worker.wait_for(event["limit"] + GRACE_SECONDS if "began" in event else FIXTURE_SECONDS)
            if "began" not in event:
                worker.show_output()
        if not lives:
            self.end(worker)
            self.tap.died(worker.unit, worker.how_it_died())
            self.dismiss(worker)
            if worker.unit.waiting:
                waiting.appendleft(worker.unit)


# --- how long they take ------------------------------------------------------------------------

def longest():
    """Class to seconds."""
    lines = (line.split() for line in LONGEST.read_text().splitlines() if line and line[0] != "#")
    return {name: float(seconds) for seconds, name in lines}


def write_times(path, units):
    with open(path, "w", encoding="utf-8") as file:
        for unit in sorted(units, key=lambda unit: -unit.seconds):
            print(f"{unit.seconds:6.1f} {min(unit.names)}", file=file)
