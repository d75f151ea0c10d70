# SPDX-License-Identifier: Apache-2.0
"""Runs tests, one class after the other, and says what came of them as TAP.

A unit is what one process runs in one go: the tests of a class, or of a module whose classes share a
set-up. `run_unit` says what happens to each test by `tell`, a function that takes an event:

    {"began": id, "limit": seconds}
    {"ended": id, "ok": bool, "note": words, "trace": text}
    {"fixture": name, "ok": bool, "note": ..., "trace": ...}     of a whole class or module: failed, or skipped

`Tap` turns events into lines. workers.py carries them from other processes."""
import contextlib
import signal
import sys
import time
import unittest

TEST_TIME_LIMIT = 180  # seconds; a test class may set its own `time_limit`


class Events(unittest.TestResult):
    """Tells what happens to tests."""

    def __init__(self, tell):
        super().__init__()
        self.tell, self.began = tell, 0
        self.traces = []  # of the subtests that failed in the present test

    def startTest(self, test):
        super().startTest(test)
        limit = getattr(test, "time_limit", TEST_TIME_LIMIT)
        self.tell({"began": test.id(), "limit": limit})
        self.began = time.monotonic()
        signal.alarm(limit)

    def stopTest(self, test):
        signal.alarm(0)
        if self.traces:
            self._case(False, test, trace="\n".join(self.traces))
            self.traces = []
        super().stopTest(test)

    def addSubTest(self, test, subtest, problem):
        super().addSubTest(test, subtest, problem)
        if problem:  # all of them are one line, when the test ends
            found = self.failures if issubclass(problem[0], test.failureException) else self.errors
            self.traces.append(f"{subtest.id()}\n{found[-1][1]}")

    def _case(self, ok, test, note="", trace=""):
        what = "fixture"
        if isinstance(test, unittest.TestCase):
            what, note = "ended", note or f"({time.monotonic() - self.began:.1f} s)"
        self.tell({what: test.id(), "ok": ok, "note": note, "trace": trace})

    def addSuccess(self, test):
        super().addSuccess(test)
        self._case(True, test)

    def addFailure(self, test, problem):
        super().addFailure(test, problem)
        self._case(False, test, trace=self.failures[-1][1])

    def addError(self, test, problem):
        super().addError(test, problem)
        self._case(False, test, trace=self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._case(True, test, f"# SKIP {reason}")


def on_time_up(number, frame):
    raise AssertionError("the test took too long")


def run_unit(tests, tell):
    """What is left of it when somebody interrupts is put away before that goes on."""
    signal.signal(signal.SIGALRM, on_time_up)
    suite, result = unittest.TestSuite(tests), Events(tell)
    try:
        suite.run(result)
    except BaseException:
        signal.alarm(0)
        with contextlib.suppress(Exception):  # who was told may be the one that is gone
            suite._tearDownPreviousClass(None, result)
            suite._handleModuleTearDown(result)
        raise


class Unit:
    """Tests that one process runs together, by their ids."""

    def __init__(self, tests, by_itself):
        self.waiting, self.by_itself = [test.id() for test in tests], by_itself
        self.names = {name.rpartition(".")[0] for name in self.waiting}  # of its classes
        self.present = None  # the test that is being run
        self.troubles = []   # what became of set-ups of the whole
        self.seconds = 0


def is_alone(test):
    """Whether its class or its method says `alone = True`: it measures closely what others at work would spoil."""
    method = getattr(type(test), getattr(test, "_testMethodName", ""), None)
    return getattr(method, "alone", getattr(test, "alone", False))


def alone(method):
    """The decorator for one method of a class; its tests must not build on each other then."""
    method.alone = True
    return method


def units_of(tests):
    """In the order in which they were found."""
    found = {}
    for test in tests:
        kind = type(test)
        shares = hasattr(sys.modules[kind.__module__], "setUpModule")
        found.setdefault((kind.__module__ if shares else kind, is_alone(test)), []).append(test)
    return [Unit(some, by_itself) for (_, by_itself), some in found.items()]


class Tap:
    """The lines of all tests, in the order in which they end. Every test has one, whatever happens."""

    def __init__(self, count, files):
        self.files, self.number, self.failed = files, 0, 0
        self.say(f"1..{count}")

    def say(self, line):
        for file in self.files:
            print(line, file=file, flush=True)

    def case(self, ok, name, note, trace=""):
        self.number += 1
        self.failed += not ok
        self.say(f"{'ok' if ok else 'not ok'} {self.number} - {name} {note}")
        for line in trace.splitlines():
            self.say(f"# {line}")

    def take(self, unit, event):
        if "began" in event:
            unit.present = event["began"]
        elif "fixture" in event:
            unit.troubles.append(event)
        elif "ended" in event:
            unit.present = None
            unit.waiting.remove(event["ended"])
            self.case(event["ok"], event["ended"], event["note"], event["trace"])

    def end(self, unit):
        """Tests that a set-up kept from running are skipped as it is, or have failed; a bad tear-down is one case more."""
        for event in unit.troubles:
            for name in unit.waiting:
                self.case(event["ok"], name, event["note"] or f"({event['fixture']})", event["trace"])
            if not unit.waiting and not event["ok"]:
                self.case(False, event["fixture"], "", event["trace"])
            unit.waiting = []
        for name in unit.waiting:
            self.case(False, name, "(was not run)")
        unit.waiting = []

    def died(self, unit, how):
        """The test that ran, or was next, has failed; what is left of the unit goes on elsewhere."""
        name = unit.present or next(iter(unit.waiting), f"after {min(unit.names)}")
        unit.present, unit.troubles = None, []
        unit.waiting = [one for one in unit.waiting if one != name]
        self.case(False, name, f"({how})")


def run_here(units, tests, tap):
    """One after the other, in this process."""
    by_id = {test.id(): test for test in tests}
    for unit in units:
        run_unit([by_id[name] for name in unit.waiting], lambda event, unit=unit: tap.take(unit, event))
        tap.end(unit)
