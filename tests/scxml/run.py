#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the SCXML conformance documents through `carillon scxml run`, one process each.

    tests/scxml/run.py [--binary FILE] [--w3c FOLDER] [--tap FILE] [--report FILE] [ID...]

Our own set always; the W3C's where its folder is (CARILLON_SCXML_W3C, else
../shared/conformance/scxml-w3c beside the project). A line of TAP for each document: set, id,
section, kind, seconds, final state. Time is virtual unless a document uses Basic HTTP; then the
sockets are real. --report writes the table of docs/scxml-conformance.md; without it that table is
compared with what was seen."""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time
import urllib.parse

import documents
import manual
import report

TOP = documents.HERE.parent.parent
TIME_LIMIT = 60  # seconds of one document; the longest guard of theirs is 30
VIRTUAL_MS = 120000  # what passes on the virtual clock before the input ends


@dataclasses.dataclass
class Run:
    """What a document's process said."""
    status: int = None
    final: str = ""
    configurations: list = dataclasses.field(default_factory=list)
    logs: list = dataclasses.field(default_factory=list)
    errors: str = ""
    seconds: float = 0.0

    @property
    def outcome(self):
        if self.status is None:
            return "no end in time"
        if self.status == 2 and not self.configurations:
            return "refused"
        if self.status < 0:
            return f"killed by signal {-self.status}"
        return self.final or "no final state"


@dataclasses.dataclass
class Result:
    document: documents.Document
    run: Run
    wrong: str  # "" when it is as it should be


# --- one document ------------------------------------------------------------------------------

def read_lines(stream, lines):
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def start(binary, document):
    clock = [] if document.needs_http else ["--virtual-time"]
    return subprocess.Popen([binary, "scxml", "run", "--json", *clock, document.path.name],
                            cwd=document.path.parent, text=True, encoding="utf-8", errors="replace",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def take_in(run, line):
    """A line of the process's output."""
    try:
        said = json.loads(line)
    except ValueError:
        run.errors += f"no JSON: {line}\n"
        return
    if "configuration" in said:
        run.configurations.append(said["configuration"])
    run.final = said.get("final", run.final) or ""


def is_engines(document, line):
    """The engine's own words for a person, among the lines that a document logs."""
    return line.startswith((f"{document.path.name}:", "carillon scxml:"))


def let_time_pass(process):
    """On the virtual clock: all that the document waits for; then the input ends."""
    with contextlib.suppress(BrokenPipeError):  # a document that is refused reads nothing
        process.stdin.write(json.dumps({"after": VIRTUAL_MS}) + "\n")
        process.stdin.close()


def follow(process, document, run, on_log):
    """Takes in all that it says, log lines as they come."""
    lines, words = queue.Queue(), queue.Queue()
    for stream, said in ((process.stdout, lines), (process.stderr, words)):
        threading.Thread(target=read_lines, args=(stream, said), daemon=True).start()
    for line in iter(lambda: words.get(timeout=TIME_LIMIT), None):
        if is_engines(document, line):
            run.errors += line + "\n"
            continue
        run.logs.append(line)
        if on_log:
            on_log(line)
    for line in iter(lambda: lines.get(timeout=TIME_LIMIT), None):
        take_in(run, line)


def play(binary, document, on_log=None):
    """Runs it to its end; in real time the input stays open."""
    run, started = Run(), time.monotonic()
    with start(binary, document) as process:
        try:
            if not document.needs_http:
                let_time_pass(process)
            follow(process, document, run, on_log)
            run.status = process.wait(TIME_LIMIT)
        except (queue.Empty, subprocess.TimeoutExpired):
            process.kill()
    run.seconds = time.monotonic() - started
    return run


# --- what is expected --------------------------------------------------------------------------

def logs_are(run, expected):
    wanted = [words.strip() for words in expected.split("|")]
    return "" if run.logs == wanted else f"log: {run.logs}"


def post_and_look(binary, document):
    """513: the address that the document logs answers a POST with 2xx, and the event comes."""
    answers = []

    def post(log):
        label, _, address = log.partition(": ")
        if label != "address":
            return
        place = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
        connection.request("POST", place.path, "_scxmleventname=test&key1=value1&key2=value2",
                           {"Content-Type": "application/x-www-form-urlencoded"})
        answers.append(connection.getresponse().status)
        connection.close()

    run = play(binary, document, post)
    good = len(answers) == 1 and 200 <= answers[0] < 300
    return Result(document, run, manual.ends_in(run, "pass") or ("" if good else f"answered {answers}"))


def judge(binary, document):
    if document.expects == "answer":
        return post_and_look(binary, document)
    run = play(binary, document)
    if document.is_manual and document.id in manual.CHECKS:
        return Result(document, run, manual.CHECKS[document.id](run))
    if document.expects == "refused":
        wrong = manual.is_refused(run)
        if not wrong and document.detail not in run.errors.lower():
            wrong = f"refused for another reason: {run.errors}"
        return Result(document, run, wrong)
    wrong = manual.ends_in(run, "pass")
    if not wrong and document.expects == "log":
        wrong = logs_are(run, document.detail)
    return Result(document, run, wrong)


# --- all ---------------------------------------------------------------------------------------

class Tap:
    def __init__(self, path, planned):
        self.files = [sys.stdout] + ([open(path, "w", encoding="utf-8")] if path else [])
        self.count = self.failures = 0
        self.say(f"1..{planned}")

    def say(self, line):
        for file in self.files:
            print(line, file=file, flush=True)

    def case(self, name, is_good, words=""):
        self.count += 1
        self.failures += not is_good
        self.say(f"{'ok' if is_good else 'not ok'} {self.count} - {name}")
        if not is_good:
            for line in words.rstrip("\n").split("\n"):
                self.say(f"# {line}")

    def skip(self, name, why):
        self.count += 1
        self.say(f"ok {self.count} - {name} # skipped: {why}")

    def result(self, set_name, result):
        document, run = result.document, result.run
        section = f" {document.section} {document.kind}" if document.section else ""
        self.case(f"scxml {set_name} {document.id}{section}: {run.outcome}, {run.seconds:.2f} s",
                  not result.wrong, "\n".join([result.wrong, run.errors, *run.logs]))


def judge_all(binary, found, workers=2):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda document: judge(binary, document), found)


def w3c_folder(given):
    return pathlib.Path(given or os.environ.get("CARILLON_SCXML_W3C") or
                        TOP.parent / "shared/conformance/scxml-w3c")


def theirs_in(folder, ours):
    """The W3C's documents in the order in which they run; 513 is told in text, ours plays it."""
    if not (folder / "manifest.xml").is_file():
        return None, []
    listed, extra = documents.w3c(folder)
    own_513 = next(one for one in ours if one.id == "513")
    listed = [dataclasses.replace(own_513, is_manual=True) if one.id == "513" else one for one in listed]
    return listed, extra


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--binary", default=str(TOP / "build/carillon"))
    words.add_argument("--w3c", help="the folder of the W3C's documents")
    words.add_argument("--tap", help="write the TAP lines there, too")
    words.add_argument("--report", help="write the table there")
    words.add_argument("ids", nargs="*", help="only these")
    given = words.parse_args()
    binary, folder = os.path.abspath(given.binary), w3c_folder(given.w3c)
    ours = documents.own()
    theirs, extra = theirs_in(folder, ours)
    table = list(documents.check_table(ours, theirs))
    wanted = [one for one in ours if not given.ids or one.id in given.ids]
    wanted_theirs = [one for one in (theirs or []) + extra if not given.ids or one.id in given.ids]
    compares = theirs is not None and not given.ids and not given.report
    tap = Tap(given.tap, len(table) + len(wanted) + (len(wanted_theirs) if theirs else 1) + compares)
    for name, is_good, why in table:
        tap.case(f"scxml {name}", is_good, why)
    results = {"own": [], "w3c": []}
    for set_name, found in (("own", wanted), ("w3c", wanted_theirs)):
        for result in judge_all(binary, found):
            tap.result(set_name, result)
            results[set_name].append(result)
    if theirs is None:
        tap.skip("scxml w3c", "its folder is not at hand; CARILLON_SCXML_W3C names it")
    if given.report:
        pathlib.Path(given.report).write_text(report.table(ours, results), encoding="utf-8")
    if compares:
        seen = (TOP / report.PLACE).read_text(encoding="utf-8")
        tap.case(f"scxml {report.PLACE} tells what was seen", seen == report.table(ours, results),
                 "make conformance writes it anew")
    sys.exit(1 if tap.failures else 0)


if __name__ == "__main__":
    main()
