# SPDX-License-Identifier: Apache-2.0
"""Control with real processes: states, orders, solutions (framework 5, 6; F13), and its own death."""
import json
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
                {**application("config", "ConfigurationServer"), "connections": []},
                application("control", "SCS"),
                application("A", "CMServer", **manual),
                application("B", "MessageServer", **manual, autoRestart=False),
                application("C", "CMServer", **manual)],
            "solutions": [{"name": "Centre", "startupType": "manual", "components": [
                {"app": "A", "startupPriority": 1},
                {"app": "B", "startupPriority": 2, "isOptional": True},
                {"app": "C", "startupPriority": 3}]}]}


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config = centre_config()
        cls.centre = Installation(config, options={"restart-quick-time": 0}, wait=False)
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


if __name__ == "__main__":
    unittest.main()
