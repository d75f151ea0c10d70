# SPDX-License-Identifier: Apache-2.0
"""`carillon strategy check | compile | draw`: strategy files and the documents made of them
(interaction 11)."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from harness import TOP, binary

SAMPLES = sorted((TOP / "samples/strategies").glob("*.strategy"))
SCXML = "{http://www.w3.org/2005/07/scxml}"

WITHOUT_END = """\
strategy "A" {
  if data.Segment = "gold" { prioritty 50 }
  log "x"
}
"""

COUNTS = """\
strategy "Count" {
  n = 0
  repeat 3 { n = n + 1 wait 10s log "round " + n }
  call "Double" (n) -> n
  log "twice " + n
  stop
}
subroutine "Double" (x) -> y { return x * 2 }
"""


class Strategies(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="carillon-strategy-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def carillon(self, *words, code=0, stdin=""):
        done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True,
                              input=stdin, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def file(self, text, name="a.strategy"):
        path = self.folder / name
        path.write_text(text)
        return path

    def compiled(self, *files):
        out = self.folder / "out"
        self.carillon("strategy", "compile", "--out", out, *files)
        return out

    def test_the_samples_are_clean_one_by_one_and_together(self):
        self.assertEqual(len(SAMPLES), 4)
        for sample in [*([one] for one in SAMPLES), SAMPLES]:
            done = self.carillon("strategy", "check", *sample)
            self.assertEqual(done.stdout + done.stderr, "")

    def test_every_document_of_the_samples_passes_the_check_of_state_charts(self):
        out = self.compiled(*SAMPLES)
        documents = sorted(out.glob("*.scxml"))
        self.assertEqual(len(documents), 17)
        done = self.carillon("scxml", "check", *documents)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_the_same_file_gives_the_same_bytes(self):
        once = self.carillon("strategy", "compile", *SAMPLES).stdout
        self.assertEqual(once, self.carillon("strategy", "compile", *SAMPLES).stdout)
        self.assertIn("==> Process_ABC.scxml <==", once)

    def test_a_process_becomes_a_description(self):
        out = self.compiled(TOP / "samples/strategies/webcallback.strategy")
        told = json.loads((out / "WebCallback_BP.json").read_text())
        self.assertEqual(told["process"], "WebCallback BP")
        self.assertEqual([queue["name"] for queue in told["queues"]],
                         ["New", "Scheduled", "Returned", "Cancelled", "Expired transfers",
                          "Expired conferences", "Notifications"])
        self.assertEqual(told["queues"][2]["views"][1],
                         {"name": "By customer", "condition": "cb_by='customer'",
                          "strategy": "Rescheduled by Customer"})
        for strategy in told["strategies"]:
            self.assertTrue((out / strategy["document"]).exists(), strategy)

    def test_states_are_named_after_statement_and_line(self):
        source = TOP / "samples/strategies/abc_simple.strategy"
        out = self.compiled(source)
        root = xml.etree.ElementTree.parse(out / "Process_ABC.scxml").getroot()
        ids = [state.get("id") for state in root.iter(SCXML + "state")]
        self.assertEqual(ids, ["strategy", "route_10", "route_10_step_1", "route_10_deliver",
                               "queue_12", "failed"])
        lines = source.read_text().splitlines()
        for state in ids:
            word = re.match(r"(route|queue)_(\d+)$", state)
            if word:
                self.assertIn(word[1] + " ", lines[int(word[2]) - 1])

    def test_mistakes_point_into_the_source_and_nothing_is_written(self):
        path = self.file(WITHOUT_END)
        done = self.carillon("strategy", "check", path, code=2)
        self.assertEqual(done.stdout.splitlines(), [
            f"{path}:2:19: error: '=' compares nothing; did you mean '=='?",
            f"{path}:2:30: error: 'prioritty' is no statement; did you mean 'priority'?"])
        done = self.carillon("strategy", "compile", "--out", self.folder / "none", path, code=2)
        self.assertEqual(done.stdout, "")
        self.assertIn(f"{path}:2:19: error", done.stderr)
        self.assertFalse((self.folder / "none").exists())

    def test_files_of_one_call_are_one_program(self):
        first = self.file('strategy "A" { queue "Q" }\n')
        second = self.file('process "P" { queue "Q" { view "V" { run "A" } } }\n', "b.strategy")
        self.carillon("strategy", "check", first, second)
        done = self.carillon("strategy", "check", first, code=2)
        self.assertEqual(done.stdout, f"{first}:1:22: error: there is no queue 'Q'\n")

    def test_a_compiled_strategy_runs_with_its_subroutine(self):
        out = self.compiled(self.file(COUNTS))
        done = self.carillon("scxml", "run", "--virtual-time", out / "Count.scxml")
        told = [line for line in done.stderr.splitlines() if "round" in line or "twice" in line]
        self.assertEqual([line.split(": ")[-1] for line in told],
                         ["round 1", "round 2", "round 3", "twice 6"])

    def test_drawings_are_svg_one_for_each_document(self):
        out = self.folder / "svg"
        self.carillon("strategy", "draw", "--out", out, *SAMPLES)
        drawings = sorted(out.glob("*.svg"))
        self.assertEqual(len(drawings), 17)
        for drawing in drawings:
            root = xml.etree.ElementTree.parse(drawing).getroot()
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        one = self.carillon("strategy", "draw", "--name", "Process ABC", *SAMPLES)
        self.assertEqual(one.stdout, (out / "Process_ABC.svg").read_text())

    def test_wrong_use_is_told(self):
        self.carillon("strategy", code=2)
        self.carillon("strategy", "paint", SAMPLES[0], code=2)
        self.carillon("strategy", "check", code=2)
        self.carillon("strategy", "check", "--out", "x", SAMPLES[0], code=2)
        self.carillon("strategy", "draw", *SAMPLES, code=2)
        self.carillon("strategy", "compile", "--name", "Nobody", *SAMPLES, code=1)
        done = self.carillon("strategy", "check", self.folder / "none.strategy", code=2)
        self.assertIn("none.strategy", done.stderr)
