# SPDX-License-Identifier: Apache-2.0
"""The SCXML engine (scxml_bench.c) beside Qt's and npm's SCION: how often a chart without data model goes round; then events with
ECMAScript conditions, memory of idle sessions, saving and restoring, loading. All rates are by CPU time, so that three engines can
take turns on a busy machine.

The bar is uSCXML, which is in no package. Its ratio to Qt is known: of the sizes 4 and 64 from the project's own measurements, of 16
from a build of uSCXML's sources measured once beside Qt (the faster of its two interpreters)."""
import json
import pathlib
import statistics
import subprocess
import sys

import peers
import scxml_charts
from table import Bar

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests/peers"))

import install  # noqa: E402

USCXML_TO_QT = {"Transitions.4": 1_790_000 / 405_000, "Transitions.16": 8.9, "Transitions.64": 77_000 / 7_000,
                "LCCA.4": 652_000 / 162_000, "LCCA.16": 33, "LCCA.64": 1_800 / 4}
EVENTS_AIM = 200_000             # a second
IDLE_SESSIONS, IDLE_MIB = 100_000, 1024
RESUMED_US = 5_000_000 / 1_000   # orchestration 12: 1,000 sessions resume in 5 s
LARGE_STATES = 2_000
SLOW_S = 150                     # SCION takes its time before the first entry of LCCA.64


def output(words, seconds=SLOW_S):
    try:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True, timeout=seconds)
    except subprocess.TimeoutExpired as problem:
        raise peers.Unavailable(f"no figure within {seconds} s") from problem
    except subprocess.CalledProcessError as problem:
        raise RuntimeError(problem.stderr) from problem
    return json.loads(done.stdout)


def ours(given, *words):
    return output([given.tools / "scxml_bench", *words])


def rate(run):
    return run["entries"] / run["cpu_s"]


def write_charts(folder, names):
    """Paths of the chart, and of the same with a log in `mark`, by name."""
    paths = {}
    for name in names:
        shape, size = name.split(".")
        paths[name] = []
        for is_counted in (False, True):
            path = folder / f"{name}.{'counted.' if is_counted else ''}scxml"
            path.write_text(scxml_charts.SHAPES[shape](int(size), is_counted), encoding="utf-8")
            paths[name].append(path)
    return paths


class Peer:
    """An engine beside ours: the words that run a chart; or why it cannot be had."""

    def __init__(self, name, prepare):
        self.name, self.trouble, self.words = name, "", None
        try:
            self.words = prepare()
        except install.Unavailable as problem:
            self.trouble = str(problem)

    def entries(self, chart, seconds):
        if self.trouble:
            raise peers.Unavailable(self.trouble)
        return rate(output([*self.words, chart, seconds]))


def entries_bar(given, name, charts, peer, aim):
    shape, size = name.split(".")
    what = {"LCCA": f"{size} regions, {size} states deep", "Transitions": f"{size} conflicting transitions in each of {size} regions"}
    key = f"SCXML {name} / {peer.name}"
    mine, theirs = [], []
    try:
        for _ in range(given.rounds):
            mine.append(rate(ours(given, "entries", *charts, given.seconds)))
            theirs.append(peer.entries(charts[0], given.seconds))
    except peers.Unavailable as problem:
        return Bar(key, "a state entered", trouble=str(problem), aim=aim)
    profile = given.eyes.run("scxml_bench", [given.tools / "scxml_bench", "entries", *charts, 1]) if peer.name == "Qt" else ()
    return Bar(key, "`mark` entered once in a chart without data model that goes round for ever", what[shape], "/CPU s", ours=mine,
               peer=peer.name, theirs=theirs, aim=aim, cpu_us={"engine": 1e6 / statistics.median(mine)},
               profile=profile)


def entries(given, folder):
    sizes = given.pick((4, 16, 64), (4, 16))
    names = [f"{shape}.{size}" for shape in scxml_charts.SHAPES for size in sizes]
    qt = Peer("Qt", lambda: [install.build_qt(given.build, HERE / "scxml_qt.cc"), "entries"])
    scion = Peer("SCION", lambda: ["node", HERE / "scxml_scion.cjs", install.install_scion(given.build)])
    for name, charts in write_charts(folder, names).items():
        yield entries_bar(given, name, charts, qt, USCXML_TO_QT[name])
        if not given.quick or name.endswith(".4"):
            yield entries_bar(given, name, charts, scion, 1.0)


def events(given):
    count = given.pick(2_000_000, 300_000)
    words = ["events", HERE / "scxml_events.scxml", 10_000, count]
    runs = [ours(given, *words) for _ in range(given.rounds)]
    rates = [run["events"] / run["cpu_s"] for run in runs]
    return Bar("SCXML events", "an event with JSON data, ECMAScript conditions on it and on the session's data, an assignment",
               f"{runs[0]['sessions']:,} sessions in turn, one thread", "/CPU s", ours=rates, peer="limit", theirs=[EVENTS_AIM],
               cpu_us={"engine": 1e6 / statistics.median(rates)}, rss_mib={"all": runs[-1]["resident"] / 2**20},
               profile=given.eyes.run("scxml_bench", [given.tools / "scxml_bench", *words]))


def idle(given):
    count = given.pick(IDLE_SESSIONS, IDLE_SESSIONS // 10)
    runs = [ours(given, "idle", HERE / "scxml_callback.scxml", count) for _ in range(given.rounds)]
    given.say(f"An idle callback session: {runs[0]['bytes']:.0f} B, {runs[0]['outside_the_heap']:.0f} B of them outside the script "
              f"heap; {runs[0]['start_us']:.1f} us to start it and post an event")
    limit = IDLE_MIB * count / IDLE_SESSIONS
    return Bar("idle SCXML sessions", f"{count:,} sessions of a callback chart of 22 states, 16 data items, two timers each, waiting",
               "whole process, resident", "MiB", ours=[run["resident"] / 2**20 for run in runs], peer="limit", theirs=[limit],
               less_is_better=True, cpu_us={"start": statistics.median(run["start_us"] for run in runs)},
               rss_mib={"all": runs[-1]["resident"] / 2**20})


def save(given):
    words = ["save", HERE / "scxml_callback.scxml", given.pick(50_000, 5_000)]
    runs = [ours(given, *words) for _ in range(given.rounds)]
    return Bar("SCXML save and restore", "a session of the callback chart written to bytes and read back in a heap that has its document",
               f"{runs[0]['bytes']} B", "µs", ours=[run["save_us"] + run["restore_us"] for run in runs], peer="limit",
               theirs=[RESUMED_US], less_is_better=True,
               cpu_us={name: statistics.median(run[f"{name}_us"] for run in runs) for name in ("save", "restore")},
               profile=given.eyes.run("scxml_bench", [given.tools / "scxml_bench", *words]))


def load(given, folder):
    path, times = folder / "large.scxml", given.pick(20, 3)
    path.write_text(scxml_charts.large(LARGE_STATES), encoding="utf-8")
    runs = [ours(given, "load", path, times) for _ in range(given.rounds)]
    what = f"{runs[0]['states']:,} states, {runs[0]['source'] // 1024} KiB of XML, {runs[0]['compiled'] // 1024} KiB compiled"
    try:
        qt = install.build_qt(given.build, HERE / "scxml_qt.cc")
    except install.Unavailable as problem:
        return Bar("SCXML load / Qt", "a document loaded, checked and compiled", what, trouble=str(problem))
    theirs = [output([qt, "load", path, times])["load_us"] / 1000 for _ in range(given.rounds)]
    return Bar("SCXML load / Qt", "a document loaded, checked and compiled, its evaluator opened", what, "ms",
               ours=[run["load_us"] / 1000 for run in runs], peer="Qt, the same document", theirs=theirs, less_is_better=True,
               profile=given.eyes.run("scxml_bench", [given.tools / "scxml_bench", "load", path, times]))


def scxml(given, folder):
    return [*entries(given, folder), events(given), idle(given), save(given), load(given, folder)]
