#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random charts on our engine and on its peers, each compared with what the Recommendation says of them (model.py).

    tests/peers/compare.py --binary build/carillon [--seconds 600] [--first SEED] [--engine Carillon|SCION|Qt ...]
    tests/peers/compare.py --binary build/carillon --show SEED    # that chart, its inputs, and what each engine does

Each must do what the model says with all the departures that are known of it; where it does not, the chart is made smaller and
printed, and the end is 1.
"""
import argparse
import collections
import json
import pathlib
import random
import sys
import time

from charts import input_lines, random_chart, random_inputs
from departures import CARILLON, Departing, QT, SCION, explain
from engines import ANSWER_SECONDS, Carillon, Crashed, Qt, Refused, Scion
from install import Unavailable
from model import Restless, Step, Trace, run
from shrink import shrink

FINDINGS_MAX, SHRINK_SECONDS = 3, 20
AFTER_CUT_SECONDS = 2  # a peer that may go on for ever after it has ended
RESTLESS, AS_SAID = "comes to no rest", "as the Recommendation says"


def flat(trace):
    """Of an engine that does not tell where an input ends."""
    macrosteps = [one for step in trace.steps for one in step.macrosteps]
    return Trace([Step(macrosteps, [line for step in trace.steps for line in step.log])], trace.final)


class Judge:
    """Compares one engine, whose known departures have these names. `view`: how it tells a trace."""

    def __init__(self, engine, departures, view=lambda told: told):
        self.engine, self.departures, self.view = engine, departures, view
        self.tally, self.findings = collections.Counter(), []

    def verdict(self, chart, inputs):
        """Words for the tally, and whether this is a finding."""
        try:
            run(chart, inputs)
            full = run(chart, inputs, frozenset(self.departures), Departing)
        except Restless:
            return RESTLESS, False
        try:
            done = self.engine.run(chart.xml(), inputs, AFTER_CUT_SECONDS if full.is_cut else ANSWER_SECONDS)
        except Refused as problem:
            return f"refused: {problem}", True
        except Crashed as problem:
            return f"{problem} (after a cut)" if full.is_cut else str(problem), not full.is_cut
        names = explain(chart, inputs, done, self.departures, self.view)
        if names is None:
            return "different", True
        return " + ".join(names) or AS_SAID, False

    def look_at(self, seed):
        chart, inputs = chart_of(seed)
        words, is_finding = self.verdict(chart, inputs)
        self.tally[words] += 1
        if is_finding and len(self.findings) < FINDINGS_MAX:
            self.findings.append((seed, words, *shrink(chart, inputs, lambda *one: self.verdict(*one) == (words, True),
                                                      SHRINK_SECONDS)))

    @property
    def compared(self):
        return self.tally.total() - self.tally[RESTLESS]

    def report(self):
        lines = [f"{self.engine.name}: {self.compared} charts"]
        lines += [f"  {count:6} {words}" for words, count in self.tally.most_common() if words != RESTLESS]
        for seed, words, chart, inputs in self.findings:
            lines += [f"seed {seed}, made smaller: {words}", chart.xml(), input_lines(inputs)]
        return "\n".join(lines)


def chart_of(seed):
    return random_chart(random.Random(seed)), random_inputs(random.Random(seed))


def judges(binary, build, names=("Carillon", "SCION", "Qt")):
    """One for each engine that can be had; `absent` says why others cannot."""
    makers = {"Carillon": lambda: Judge(Carillon(binary), CARILLON, flat), "SCION": lambda: Judge(Scion(build), SCION),
              "Qt": lambda: Judge(Qt(build), QT)}
    found, absent = [], {}
    for name in names:
        try:
            found.append(makers[name]())
        except Unavailable as problem:
            absent[name] = str(problem)
    return found, absent


def show(seed, found):
    chart, inputs = chart_of(seed)
    print(chart.xml() + input_lines(inputs))
    for judge in found:
        print(judge.engine.name, *judge.verdict(chart, inputs))
        try:
            trace = judge.engine.run(chart.xml(), inputs)
        except (Crashed, Refused) as problem:
            print(" ", problem)
            continue
        for step in trace.steps:
            print("  ", json.dumps([step.configuration, step.log]))


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--binary", required=True, type=pathlib.Path)
    words.add_argument("--seconds", type=int, default=60)
    words.add_argument("--first", type=int, default=0, help="seed; the next ones follow")
    words.add_argument("--engine", action="append", help="only this one")
    words.add_argument("--show", type=int, metavar="SEED")
    given = words.parse_args()
    found, absent = judges(given.binary, given.binary.resolve().parent, given.engine or ("Carillon", "SCION", "Qt"))
    for name, why in absent.items():
        print(f"{name}: skipped: {why}")
    if given.show is not None:
        show(given.show, found)
        return
    end, seed = time.monotonic() + given.seconds, given.first
    while time.monotonic() < end:
        for judge in found:
            judge.look_at(seed)
        seed += 1
    print(f"seeds {given.first} to {seed - 1}")
    for judge in found:
        print(judge.report())
    if any(judge.findings for judge in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
