# SPDX-License-Identifier: Apache-2.0
"""Engines that run a chart of charts.py: ours (the command), npm's SCION, Qt's. Each answers with a Trace of model.py, or with Refused.

    with Scion(build) as engine: engine.run(xml, inputs)

Refused: the engine does not take the document. Crashed: it ended, or does not come to rest."""
import json
import pathlib
import select
import subprocess
import tempfile

from charts import input_lines
from install import build_qt, install_scion
from model import Step, Trace

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS, ANSWER_SECONDS = 60, 20  # the model comes to rest within milliseconds; but machines can be busy

NOTHING = [{"after": 0}]  # with no line of input at all our command goes on by itself


class Refused(Exception):
    """The engine does not take the document; why."""


class Crashed(Exception):
    pass


class Carillon:
    """Our command. A Trace of one Step: the configurations after each macrostep, and the log of all."""
    name = "Carillon"

    def __init__(self, binary):
        self.binary = binary

    def run(self, xml, inputs, patience_s=ANSWER_SECONDS):
        with tempfile.NamedTemporaryFile("w", suffix=".scxml", encoding="utf-8") as file:
            file.write(xml)
            file.flush()
            try:
                done = subprocess.run([self.binary, "scxml", "run", "--json", "--virtual-time", file.name], text=True,
                                      input=input_lines(inputs or NOTHING), capture_output=True, timeout=patience_s, check=False)
            except subprocess.TimeoutExpired as problem:
                raise Crashed("does not answer") from problem
        if done.returncode == 2:
            raise Refused(done.stderr.strip())
        if done.returncode != 0:
            raise Crashed(f"exit status {done.returncode}: {done.stderr[-300:]}")
        told = [json.loads(line) for line in done.stdout.splitlines()]
        macrosteps = [sorted(one["configuration"]) for one in told if "configuration" in one]
        log = [plain(line) for line in done.stderr.splitlines() if not line.startswith(file.name)]
        return Trace([Step(macrosteps, log)], next((one["final"] for one in told if "final" in one), None))


def plain(line):
    """Of "label: value", as the drivers have it."""
    label, _, value = line.partition(": ")
    return f"{label} {value}" if value else label.removesuffix(":")


def trace_of(told):
    return Trace([Step(one["configuration"], one["log"]) for one in told["steps"]], told["final"])


class Driver:
    """A process that takes a chart a line and answers in a line each."""

    def __init__(self, words):
        self.words, self.process = words, None

    def __enter__(self):
        return self

    def __exit__(self, *words):
        self.stop()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def run(self, xml, inputs, patience_s=ANSWER_SECONDS):
        if self.process is None:
            patience_s = START_SECONDS
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)
        try:
            self.process.stdin.write(json.dumps({"xml": xml, "inputs": inputs}) + "\n")
            self.process.stdin.flush()
            answers, _, _ = select.select([self.process.stdout], [], [], patience_s)
            line = self.process.stdout.readline() if answers else None
        except BrokenPipeError:
            line = ""
        if not line:
            self.stop()
            raise Crashed("does not answer" if line is None else "ended")
        told = json.loads(line)
        if "refused" in told:
            raise Refused(told["refused"])
        return trace_of(told)


class Scion(Driver):
    name = "SCION"

    def __init__(self, build):
        super().__init__(["node", HERE / "scion_driver.cjs", install_scion(build)])


class Qt(Driver):
    name = "Qt"

    def __init__(self, build):
        super().__init__([build_qt(build, HERE / "qt_driver.cc")])
