#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of `make bench`: ratios, verdicts, and profiles that outlive a run without perf."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[3] / "bench"), str(HERE.parents[1])]

import tap  # noqa: E402
from table import Bar, page, profiles_of, table  # noqa: E402

FAST = Bar("update / nginx", "an update", "B|W", ours=[90, 100, 130], peer="nginx", theirs=[1000, 1010, 990], aim=0.1,
           cpu_us={"outbound": 20.04}, profile=("kernel 40 %", "fsync 9 %"))
SLOW = Bar("memory", "an idle desktop", "B", ours=[16000], peer="limit", theirs=[8000], less_is_better=True, unit="B")
ABSENT = Bar("queue", "a queue", trouble="no beanstalkd")
MACHINE = {"date": "today", "commit": "abc1234", "words": "2 cores.", "run": "3 rounds."}


def without_profile(bar):
    return Bar(**{**vars(bar), "profile": ()})


def checks():
    yield "the ratio is that of the medians", FAST.ratio == 0.1 and FAST.is_met
    yield "where less is better, the limit over what is used counts", SLOW.ratio == 0.5 and SLOW.verdict == "MISSED"
    yield "a next aim that is not reached is said", Bar(**{**vars(FAST), "after": 0.2}).verdict == "met; 20.0 % not yet"
    yield "processor time is compared where both sides' is known", \
        "10.0 %, by CPU 50.0 %" in table([Bar(**{**vars(FAST), "peer_us": 10.02})])
    rows = table([FAST, SLOW, ABSENT]).splitlines()
    yield "every row has as many cells as the head", len({row.replace("\\|", "").count("|") for row in rows}) == 1
    yield "what could not be measured says why", "not measured: no beanstalkd" in rows[4] and not ABSENT.is_met
    first = page([FAST, SLOW, ABSENT], MACHINE)
    yield "what is missed is named", "Missed: memory. Not measured: queue (no beanstalkd)." in first
    yield "profiles are read back", profiles_of(first) == {"update / nginx": ("abc1234", FAST.profile)}
    later = page([without_profile(FAST)], {**MACHINE, "commit": "def5678"}, first)
    yield "a profile not taken now is kept with its commit", profiles_of(later) == profiles_of(first)
    both = page([FAST, Bar(**{**vars(FAST), "key": "update / store"})], MACHINE)
    again = page([without_profile(FAST)], {**MACHINE, "commit": "def5678"}, both)
    yield "bars that share a profile keep it apart", profiles_of(again) == {"update / nginx": ("abc1234", FAST.profile)}


if __name__ == "__main__":
    sys.exit(tap.run(checks()))
