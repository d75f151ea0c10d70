# SPDX-License-Identifier: Apache-2.0
"""While config is away: a proxy answers what web asks of it, and control takes orders from the host (framework 3.5, 6.5)."""
import contextlib
import json
import unittest

from harness import wait_until
from rest import AGENT, HOST, RestCentre, rest_config
from websocket_client import Refused

SKILLS = "/api/cfg/v1/skills"


def with_proxy():
    config = rest_config()
    config["applications"].append({"name": "proxy", "template": "ConfigurationServer", "host": HOST, "tenants": ["Environment"],
                                   "ports": [{"id": "default", "number": 1}], "connections": [{"server": "config"}],
                                   "options": {"log": {"all": "proxy"}}})
    for application in config["applications"]:
        if application["name"] == "web":
            application["connections"] = [{"server": "proxy"}, {"server": "control"}]
    return config


class WithoutConfig(unittest.TestCase):
    def test_orders_are_given_from_the_host_and_asked_again_later_over_rest_while_config_is_away(self):
        with RestCentre() as centre:
            centre.client()
            agent = centre.client(AGENT)  # whom control has not asked config about
            centre.cli("ctl", "status")
            centre.cli("ctl", "stop", "config")
            told = centre.cli("ctl", "status")
            self.assertRegex(told.stdout, r"(?m)^config +STOPPED")
            self.assertIn("where it was last", told.stderr)
            asked = agent.get("/api/ctl/v1/applications")
            self.assertEqual(asked.status, 503)
            self.assertIn("Retry-After", asked.headers)
            centre.cli("ctl", "start", "config")
            wait_until(lambda: agent.get("/api/ctl/v1/applications").status == 200, 20, what="states")

    def test_web_works_through_it_and_reads_while_config_is_away(self):
        def log_in():
            with contextlib.suppress(Refused):  # web runs before its link with the proxy stands
                return centre.client()

        with RestCentre(config=with_proxy()) as centre:
            boss = wait_until(log_in, 10, what="web to reach the proxy")
            self.assertEqual(boss.call("POST", SKILLS, {"name": "French"}).status, 201)
            wait_until(lambda: boss.get(f"{SKILLS}/French").status == 200, 10, what="the skill at the proxy")
            centre.cli("ctl", "stop", "config")
            self.assertEqual(boss.get(f"{SKILLS}/French").status, 200)
            refused = boss.call("POST", SKILLS, {"name": "Dutch"})
            self.assertEqual((refused.status, json.loads(refused.body)["errorType"]), (503, "CFGReadOnly"))
            self.assertIn('"French"', centre.cli("config", "export", "--config", f"127.0.0.1:{centre.port('proxy')}").stdout)


if __name__ == "__main__":
    unittest.main()
