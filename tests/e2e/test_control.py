# SPDX-License-Identifier: Apache-2.0
"""Control with real processes: states, orders, solutions (framework 5, 6; F13), and its own death."""
import json
import re
import signal
import time
import unittest

from harness import Installation, wait_until

HOST = "localhost"


def application(name, kind, **more):
    return {"name": name, "template": kind, "host": HOST, "tenants": ["Environment"],
            "ports": [{"id": "default", "number": 1}], "connections": [{"server": "config"}],
            "options": {"log": {"all": name}}, **more}


def centre_config():
    """config and control; A, B and C run no sooner than they are told. B ends at once: it has no port."""
    manual = {"startupType": "manual", "startupTimeout": 20}
    return {"format": "cc-config", "version": 1,
            "tenants": [{"name": "Environment"}],
            "hosts": [{"name": HOST, "ipAddress": "127.0.0.1", "scs": "control"}],
            "templates": [{"name": kind, "type": kind} for kind in ("ConfigurationServer", "SCS", "MessageServer", "CMServer")],
            "applications": [
                {**application("config", "ConfigurationServer"), "connections": [],
                 "options": {"log": {"all": "config", "verbose": "trace"}}},
                {**application("control", "SCS"), "options": {"log": {"all": "control", "verbose": "trace"}},
                 "connections": [{"server": "config", "protocol": "addp", "localTimeout": 3, "remoteTimeout": 5,
                                  "trace": "both"}]},
                application("A", "CMServer", **manual),
                application("B", "MessageServer", **manual, autoRestart=False),
                application("C", "CMServer", **manual)],
            "solutions": [{"name": "Centre", "startupType": "manual", "components": [
                {"app": "A", "startupPriority": 1},
                {"app": "B", "startupPriority": 2, "isOptional": True},
                {"app": "C", "startupPriority": 3}]}]}


class Control(unittest.TestCase):
    install = Installation

    @classmethod
    def setUpClass(cls):
        config = centre_config()
        cls.centre = cls.install(config, options={"restart-quick-time": 0}, wait=False)
        for one in cls.centre.config["applications"]:
            if one["name"] == "B":
                one["ports"] = []
        cls.centre._write_files()
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.centre.wait_running(["config", "control"])

    def ask(self, message, fields, check=True):
        done = self.centre.cli("ask", "control", f"control.{message}", json.dumps(fields), check=check)
        return json.loads(done.stdout)["fields"] if done.returncode == 0 else done.stderr

    def status(self):
        return self.ask("ReadStatus", {})

    def applications(self):
        return {one["name"]: one for one in self.status()["applications"]}

    def solution(self):
        return self.status()["solutions"][0]

    def wait_state(self, name, state):
        wait_until(lambda: self.applications()[name]["state"] == state, 20, 0.1, f"{name} {state}")

    def test_1_f13_an_optional_component_that_fails_does_not_fail_the_solution(self):
        self.wait_state("config", "RUNNING")
        self.assertEqual(self.solution()["state"], "stopped")
        self.ask("OrderSolution", {"name": "Centre", "order": "start"})
        wait_until(lambda: self.solution()["state"] == "running", 20, 0.1, "the solution")
        states = self.applications()
        self.assertEqual([states[one]["state"] for one in "AC"], ["RUNNING"] * 2)
        self.assertEqual(states["B"]["state"], "STOPPED")
        self.assertIn("exit code", states["B"]["reason"])
        self.assertLess(states["A"]["since"], states["C"]["since"])

    def test_2_an_order_is_followed_to_its_outcome(self):
        self.centre.cli("ctl", "solution", "start", "Centre", check=False)  # it may run already
        done = self.centre.cli("ctl", "restart", "C")
        self.assertRegex(done.stdout, r"C: STOP(.|\n)*C: RUNNING")  # what passes between two looks is not told
        done = self.centre.cli("ctl", "start", "B", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("exit code 1", done.stdout)
        done = self.centre.cli("ctl", "start", "C", check=False)
        self.assertEqual((done.returncode, "NotStopped" in done.stderr), (1, True), done.stderr)
        self.centre.cli("ctl", "stop-gracefully", "A")
        self.assertIsNone(self.centre.pid("A"))
        self.assertEqual(self.applications()["A"]["restarts"], 0)
        time.sleep(0.3)
        self.assertEqual(self.applications()["A"]["state"], "STOPPED")
        self.assertRegex(self.centre.cli("ctl", "status").stdout, r"(?m)^A +STOPPED")

    def test_3_a_killed_control_learns_everything_again_and_changes_nothing(self):
        self.centre.cli("ctl", "solution", "start", "Centre", check=False)
        self.centre.cli("ctl", "start", "A", check=False)
        self.centre.cli("ctl", "stop", "C")
        before = {name: self.centre.pid(name) for name in ("config", "A")}
        former = self.centre.kill("control")
        wait_until(lambda: self.centre.pid("control") not in (None, former), 10, what="control again")
        self.centre.wait_running(["control"])
        self.wait_state("A", "RUNNING")
        self.assertEqual({name: self.centre.pid(name) for name in before}, before)
        self.wait_state("C", "STOPPED")  # a commanded stop stays one
        self.assertEqual(self.solution()["state"], "run-pending")

    def test_4_a_stop_that_was_cut_short_goes_on(self):
        self.centre.cli("ctl", "solution", "start", "Centre", check=False)
        wait_until(lambda: self.solution()["state"] == "running", 20, 0.1, "the solution")
        self.centre.kill("C", signal.SIGSTOP)  # it cannot hear `stop`: the walk down hangs there
        self.centre.cli("ctl", "solution", "stop", "Centre", "--no-wait")
        former = self.centre.kill("control")
        self.centre.kill("C", signal.SIGCONT)
        wait_until(lambda: self.centre.pid("control") not in (None, former), 10, what="control again")
        wait_until(lambda: self.centre.pid("A") is None and self.centre.pid("C") is None, 20, what="A and C stopped")
        self.centre.wait_running(["control"])
        wait_until(lambda: self.solution()["state"] == "stopped", 20, 0.1, "the solution")

    def test_5_a_killed_application_is_noted_as_the_dead_ones_record_and_restarted(self):
        self.centre.cli("ctl", "start", "C", check=False)
        former = self.centre.kill("C")
        wait_until(lambda: self.centre.pid("C") not in (None, former), 10, what="C again")
        self.wait_state("C", "RUNNING")
        found = wait_until(lambda: re.search(r"C 00-05064 .*signal 9", self.centre.cli(
            "ctl", "log", "--app", "C", "--id", "00-05064").stdout), 10, what="the record")
        self.assertTrue(found)

    def test_6_figures_of_the_host(self):
        sample = json.loads(self.centre.cli("ctl", "sample", "--json").stdout)
        self.assertGreater(sample["memory"], sample["memoryFree"])
        self.assertGreater(sample["disk"], 0)
        control = [one for one in sample["processes"] if one["name"] == "control"][0]
        self.assertEqual(control["pid"], self.centre.pid("control"))
        self.assertGreater(control["memory"], 1 << 20)
        self.assertLess(abs(sample["clockOffset"]), 2000)

    def test_7_f18_a_peer_that_stands_still_is_reported_within_six_seconds_and_polls_are_traced(self):
        def losses():
            return len(re.findall(r"04504 Connection .*config", self.centre.logs("control.*")))
        time.sleep(4)  # silence: polls go to and fro
        before = losses()
        self.centre.kill("config", signal.SIGSTOP)
        began = time.monotonic()
        try:
            wait_until(lambda: losses() > before, 8, what="the loss")
            self.assertLess(time.monotonic() - began, 6.5)
        finally:
            self.centre.kill("config", signal.SIGCONT)
        self.assertIn("poll sent", self.centre.logs("control.*"))
        self.assertIn("poll received", self.centre.logs("config.*"))


if __name__ == "__main__":
    unittest.main()
