#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: what Carillon does per second, as ratios to named peers measured in the same run; a table at the end.

    bench/run.py --binary build/carillon [--quick] [--profile] [--write docs/performance.md] [updates http ...]

Peers take turns with us, since requests per second drift with the machine's load; figures are min, median and max of the
rounds, ratios are those of the medians. Whoever sends the load shares the cores. A part is a file here, returns Bars
(table.py) and prints what does not fit into them.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
sys.path[:0] = [str(TOP / "tests/e2e"), str(HERE)]

import config  # noqa: E402
import desktop_load  # noqa: E402
import dnc  # noqa: E402
import endpoints  # noqa: E402
import http_layer  # noqa: E402
import imports  # noqa: E402
import ingest  # noqa: E402
import lists  # noqa: E402
import logs  # noqa: E402
import notifications  # noqa: E402
import peers  # noqa: E402
import postgres  # noqa: E402
import queues  # noqa: E402
import restart  # noqa: E402
import scxml  # noqa: E402
import starts  # noqa: E402
import table  # noqa: E402
import updates  # noqa: E402
import websockets  # noqa: E402

PARTS = {"http": http_layer.http_layer, "updates": updates.updates, "websockets": websockets.websockets,
         "queues": queues.queues, "notifications": notifications.notifications, "endpoints": endpoints.endpoints,
         "imports": imports.imports, "restart": restart.restart, "lists": lists.lists, "dnc": dnc.do_not_call,
         "desktops": desktop_load.desktops, "scxml": scxml.scxml, "config": config.config, "logs": logs.logs, "starts": starts.starts,
         "ingest": ingest.ingest, "postgres": postgres.postgres}
# Longer ones, by name only.
MORE = {"import-memory": imports.memory}
TOOLS = ["update_bench", "http_bench", "notify_bench", "desktop_bench", "dnc_bench", "websocket_bench", "websocket_load",
         "queue_bench", "scxml_bench", "config_bench", "log_bench", "ingest_bench", "postgres_bench"]


def say(line=""):
    print(line, flush=True)


def build_tools(build):
    """The small programs that are measured beside the binary; `make build` leaves them out."""
    done = subprocess.run(["ninja", "-C", build, "--quiet", *(f"bench/{name}" for name in TOOLS)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return build / "bench"


def measure(part, given, folder):
    """Its bars; one that says why, where the part failed: the others are measured all the same."""
    say(f"\n{part}")
    began = time.monotonic()
    try:
        bars = {**PARTS, **MORE}[part](given, folder)
    except peers.Unavailable as problem:
        bars = [table.Bar(part, part, trouble=str(problem))]
    except Exception as problem:  # whatever it was, it is told, and the run ends with 1
        traceback.print_exc()
        given.failed.append(part)
        bars = [table.Bar(part, part, trouble=f"the measurement failed: {type(problem).__name__}")]
    for bar in bars:
        say(table.line(bar))
    for one in dict.fromkeys(one for bar in bars for one in bar.profile):
        say(f"    {one}")
    say(f"  ({time.monotonic() - began:.0f} s)")
    return bars


def arguments():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--binary", default=TOP / "build/carillon", type=pathlib.Path)
    words.add_argument("--quick", action="store_true", help="a minute or two in all: one round, small counts")
    words.add_argument("--profile", action="store_true", help="one more round of each under perf, not counted")
    words.add_argument("--write", metavar="PAGE", type=pathlib.Path, help="also print the whole page there; profiles that "
                       "were not taken stay as they are in it")
    words.add_argument("--seconds", type=int, help="of one measurement; 4, or 1 when quick")
    words.add_argument("--rounds", type=int, help="3, or 1 when quick")
    words.add_argument("--connections", default=256, type=int)
    words.add_argument("--kills", type=int, help="7, or 2 when quick")
    words.add_argument("parts", nargs="*", help=f"of {' '.join(PARTS)}; none: all of these; "
                       f"also {' '.join(MORE)}")
    given = words.parse_args()
    for part in given.parts:
        if part not in PARTS and part not in MORE:
            words.error(f"no part {part}")
    if given.write and (given.parts or given.quick):
        words.error("--write needs a whole run: no parts, not quick")
    given.pick = lambda full, quick: quick if given.quick else full
    given.seconds = given.seconds or given.pick(4, 1)
    given.rounds = given.rounds or given.pick(3, 1)
    given.kills = given.kills or given.pick(7, 2)
    given.say, given.failed = say, []
    return given


def main():
    given = arguments()
    given.binary = given.binary.resolve()
    given.build = given.binary.parent
    os.environ["CARILLON_BINARY"] = str(given.binary)
    given.tools = build_tools(given.build)
    # The stores lie on the build's disk, not in a tmpfs where fsync costs nothing; but the path of a
    # Unix socket ends at 107 bytes.
    home = given.build if len(os.fsencode(given.build)) < 40 else None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=home) as name:
        tempfile.tempdir = name
        folder = pathlib.Path(name)
        given.eyes = peers.Eyes(given.profile, folder)
        machine = peers.machine(TOP, folder)
        machine["run"] = (f"{given.rounds} rounds of {given.seconds} s, {given.kills} kills; load {os.getloadavg()[0]:.1f} "
                          "before the run.")
        say(f"{machine['words']} {machine['run']} min / median / max of the rounds")
        bars = [bar for part in given.parts or PARTS for bar in measure(part, given, folder)]
        tempfile.tempdir = None
    if bars:
        say(f"\n{table.table(bars)}")
    if given.write:
        old = given.write.read_text(encoding="utf-8") if given.write.exists() else ""
        given.write.write_text(table.page(bars, machine, old), encoding="utf-8")
        say(f"see {given.write}")
    if given.failed:
        sys.exit(f"failed: {' '.join(given.failed)}")


if __name__ == "__main__":
    main()
