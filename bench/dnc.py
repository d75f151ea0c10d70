# SPDX-License-Identifier: Apache-2.0
"""The Do-Not-Call list in memory: size, time to fill, look-ups (spec outbound 20); dnc_bench.c reckons in CPU time."""
import json
import subprocess

from table import Bar

BYTES_AIM, LOOKUP_NS_AIM = 400_000_000, 1000


def do_not_call(given, folder):
    words = [given.tools / "dnc_bench", str(given.pick(10_000_000, 1_000_000)), str(given.pick(3_000_000, 500_000))]
    runs = [json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
            for _ in range(given.rounds)]
    one = runs[0]
    given.say(f"Do-Not-Call list of {one['entries']:,} entries: {one['bytes'] / one['entries']:.1f} B an entry, filled in "
              f"{min(run['fill_s'] for run in runs):.1f} s")
    profile = given.eyes.run("dnc_bench", words)
    worst = [max(run["listed_ns"], run["other_ns"]) for run in runs]
    entries = f"{one['entries']:,} entries"
    limit = BYTES_AIM * one["entries"] / 10_000_000
    return [Bar("Do-Not-Call look-up", "a number looked up in the Do-Not-Call list", f"{entries}, 11 digits, in memory", "ns",
                ours=worst, peer="limit", theirs=[LOOKUP_NS_AIM], less_is_better=True, cpu_us={"look-up": min(worst) / 1000},
                profile=profile),
            Bar("Do-Not-Call memory", "the Do-Not-Call list in memory", entries, "MB", ours=[run["resident"] / 1e6 for run in runs],
                peer="limit", theirs=[limit / 1e6], less_is_better=True, rss_mib={"list": one["resident"] / 2**20},
                profile=profile)]
