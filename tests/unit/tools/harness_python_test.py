#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/e2e/harness.py: what becomes of tests that fail, hang, die or are interrupted, in several processes."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/unit"))

import tap  # noqa: E402

RUN = """
import argparse, faulthandler, pathlib, signal, sys
sys.path[:0] = [{e2e!r}]
import harness
faulthandler.enable()
signal.signal(signal.SIGINT, signal.default_int_handler)
given = argparse.Namespace(tap=None, times=None, jobs={jobs})
harness.FOLDERS[:] = [pathlib.Path({folder!r})]
tests = harness.find_tests([], soak=False)
sys.exit(0 if harness.run_tests(tests, given) else 1)
"""


def start(folder, sources, jobs=3):
    for name, text in sources.items():
        (folder / f"test_{name}.py").write_text("import os, pathlib, signal, subprocess, time, unittest\n" + text)
    program = RUN.format(e2e=str(TOP / "tests/e2e"), folder=str(folder), jobs=jobs)
    return subprocess.Popen([sys.executable, "-c", program], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})


def run(sources, jobs=3):
    """Exit code, lines of TAP without the time they took, standard error."""
    with tempfile.TemporaryDirectory() as folder:
        process = start(pathlib.Path(folder), sources, jobs)
        out, error = process.communicate(timeout=60)
    return process.returncode, [re.sub(r" \([\d.]+ s\)$", "", line) for line in out.splitlines()], error


def cases(lines):
    """Name and note to whether it is well; the numbers have to be right."""
    found = [re.fullmatch(r"(ok|not ok) (\d+) - (.*)", line) for line in lines if not line.startswith("#")]
    assert lines[0] == f"1..{len(found) - 1}", lines[0]
    assert [int(one[2]) for one in found[1:]] == list(range(1, len(found))), lines
    return {one[3].strip(): one[1] == "ok" for one in found[1:]}


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


GOOD = """
class {name}(unittest.TestCase):
    def test_one(self):
        pass
    def test_two(self):
        pass
"""


def test_classes_run_at_once_and_are_numbered_in_one_list():
    meet = """
class Case{0}(unittest.TestCase):
    def test_one(self):
        folder, end = pathlib.Path(os.environ["PYTHONPATH"]), time.monotonic() + 30
        (folder / "here{0}").touch()
        while len(list(folder.glob("here*"))) < 3:
            self.assertLess(time.monotonic(), end, "nobody comes")
            time.sleep(0.01)
    def test_two(self):
        print("said of Case{0}")
"""
    code, lines, error = run({str(number): meet.format(number) for number in range(3)})
    names = [f"test_{number}.Case{number}.test_{which}" for number in range(3) for which in ("one", "two")]
    assert code == 0 and cases(lines) == dict.fromkeys(names, True), lines
    assert all(f"said of Case{number}" in error for number in range(3)), error


def test_one_process_runs_all_in_order():
    names = [f"test_{number}.Case{number}.test_{which}" for number in range(3) for which in ("one", "two")]
    code, lines, _ = run({str(number): GOOD.format(name=f"Case{number}") for number in range(3)}, jobs=1)
    assert code == 0 and list(cases(lines)) == names, lines


def test_a_failure_and_a_subtest_are_one_line_each_with_their_traces():
    code, lines, _ = run({"bad": """
class Bad(unittest.TestCase):
    def test_fails(self):
        self.fail("on purpose")
    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(number, 1, "odd")
""", "good": GOOD.format(name="Good")})
    found = {name: ok for name, ok in cases(lines).items() if "Bad" in name}
    assert code == 1 and found == {"test_bad.Bad.test_fails": False, "test_bad.Bad.test_subtests": False}, lines
    assert any("on purpose" in line for line in lines) and sum("odd" in line for line in lines) >= 2, lines


def test_a_worker_that_dies_fails_its_test_by_name_and_the_others_are_run():
    code, lines, error = run({"dies": """
class Dies(unittest.TestCase):
    def test_1_well(self):
        pass
    def test_2_dies(self):
        os.kill(os.getpid(), signal.SIGSEGV)
    def test_3_well(self):
        pass
    def test_4_ends(self):
        os._exit(3)
""", "good": GOOD.format(name="Good")})
    found = {name: ok for name, ok in cases(lines).items() if "Dies" in name}
    assert code == 1, lines
    assert found == {"test_dies.Dies.test_1_well": True, "test_dies.Dies.test_2_dies (its process was ended by SIGSEGV)": False,
                     "test_dies.Dies.test_3_well": True, "test_dies.Dies.test_4_ends (its process ended with 3)": False}, lines
    assert "in test_2_dies" in error, error  # faulthandler


def test_what_a_set_up_keeps_from_running_has_a_line_all_the_same():
    code, lines, _ = run({"broken": """
class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("no set-up")
    def test_one(self):
        pass
    def test_two(self):
        pass
""", "skipped": """
class Skipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("nothing here")
    def test_one(self):
        pass
    def test_two(self):
        pass
"""})
    found = cases(lines)
    assert code == 1 and len(found) == 4, lines
    for which in ("one", "two"):
        assert found[f"test_broken.Broken.test_{which} (setUpClass (test_broken.Broken))"] is False, lines
        assert found[f"test_skipped.Skipped.test_{which} # SKIP nothing here"] is True, lines


def test_a_test_that_takes_too_long_has_failed():
    code, lines, _ = run({"long": """
class Long(unittest.TestCase):
    time_limit = 1
    def test_long(self):
        time.sleep(30)
""", "good": GOOD.format(name="Good")})
    assert code == 1 and cases(lines)["test_long.Long.test_long"] is False, lines
    assert any("took too long" in line for line in lines), lines


def test_a_class_that_is_to_be_alone_comes_last_and_is_alone():
    span = """
class {name}(unittest.TestCase):
    alone = {alone}
    def test_it(self):
        print("begin {name}", time.monotonic())
        time.sleep(0.3)
        print("end {name}", time.monotonic())
"""
    names = {"A": True, "B": False, "C": False, "D": True}
    code, lines, error = run({name: span.format(name=name, alone=alone) for name, alone in names.items()})
    assert code == 0, lines
    at = {(what, name): float(when) for what, name, when in re.findall(r"(begin|end) (\w) ([\d.]+)", error)}
    assert at["begin", "A"] > max(at["end", "B"], at["end", "C"]), at
    assert at["begin", "D"] > at["end", "A"] or at["begin", "A"] > at["end", "D"], at


def test_an_interrupt_stops_all_that_was_started():
    sources = {name: f"""
class {name}(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.environ["PYTHONPATH"]
        cls.addClassCleanup(lambda: pathlib.Path(cls.folder, "tidy{name}").touch())
    def test_it(self):
        child = subprocess.Popen(["sleep", "300"], start_new_session=True)
        pathlib.Path(self.folder, "pid{name}").write_text(str(child.pid) + "\\n" + str(os.getpid()))
        time.sleep(300)
""" for name in ("A", "B")}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        process = start(folder, sources)
        notes = [folder / "pidA", folder / "pidB"]
        end = time.monotonic() + 30
        while not all(note.exists() and "\n" in note.read_text() for note in notes):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        pids = [int(pid) for note in notes for pid in note.read_text().split()]
        assert len(pids) == 4 and not any(lives(pid) for pid in pids), pids
        assert (folder / "tidyA").exists() and (folder / "tidyB").exists()
    assert process.returncode != 0


def test_ports_of_two_processes_are_never_the_same():
    program = (f"import sys; sys.path.insert(0, {str(TOP / 'tests/e2e')!r})\n"
               "from ports import free_port\n"
               "print(*(free_port() for _ in range(200)), flush=True); input()")
    both = [subprocess.Popen([sys.executable, "-c", program], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(4)]
    ports = [port for one in both for port in one.stdout.readline().split()]
    for one in both:
        one.communicate("\n", timeout=20)
    assert len(ports) == len(set(ports)) == 800 and all(12000 < int(port) < 32000 for port in ports)


def checks():
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            is_good = True
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            print(f"# {name}: {problem!r}"[:4000].replace("\n", "\n# "), flush=True)
            is_good = False
        yield name[len("test_"):].replace("_", " "), is_good


if __name__ == "__main__":
    sys.exit(tap.run(checks()))
