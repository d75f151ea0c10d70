# SPDX-License-Identifier: Apache-2.0
"""Two releases side by side: this tree's program and the last release that spoke other messages or options (design 5, Upgrade).
Tools of one with servers of the other, and a host of each in one installation. `make soak-release`."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import unittest

import campaign
from campaign import AGENTS, PREVIEW, Centre, application, campaign_config
from desktops import PASSWORD, StubbornDesktop, log_in
from harness import Installation, binary, http_call, load_jsonc, wait_until

RELEASED = os.environ.get("CARILLON_RELEASED")
ANSWER = 33
AGENT = AGENTS[0]
LINES = "contact_info,contact_info_type,tz_name,daily_from,daily_till\n15550180,4,UTC,0,86400\n15550181,4,UTC,0,86400\n"


@contextlib.contextmanager
def released_sample():
    """Configurations as the released program knows them."""
    today = campaign.SAMPLE
    campaign.SAMPLE = pathlib.Path(RELEASED).parent.parent / "source/samples/demo/carillon.jsonc"
    try:
        yield
    finally:
        campaign.SAMPLE = today


class SecondHost(Installation):
    """Runs what the first host's configuration gives to host `two`."""

    def __init__(self, first, **more):
        self.first = first
        super().__init__({"hosts": [{"name": "two"}]}, **more)
        self.ports = first.ports
        secret = self.data / "secret"
        secret.mkdir(parents=True, mode=0o700)
        shutil.copy(first.data / "secret/installation.key", secret)
        host = load_jsonc(self.host_file)
        host["config"] = {"application": "config", "address": f"127.0.0.1:{first.port('config')}", "start": False}
        self.host_file.write_text(json.dumps(host))

    def start(self):
        self.spawn()
        for name in ("outbound", "copy"):
            wait_until(lambda name=name: self.state(name) == "RUNNING", 30, what=f"{name} RUNNING on the second host")


@unittest.skipUnless(RELEASED, "needs the program of the release before: make soak-release")
class Released(unittest.TestCase):
    def centre(self, program):
        with released_sample():
            centre = Centre(program=program, web=True)
        self.addCleanup(centre.close)
        return centre.__enter__()

    def tools_work(self, servers, tools):
        centre = self.centre(servers)
        group = centre.groups[0]

        def tool(*words, **more):
            return centre.cli(*words, program=tools, **more).stdout
        self.assertEqual(tool("config", "export"), centre.cli("config", "export").stdout)
        changed = centre.folder / "changed.jsonc"
        config = json.loads(json.dumps(centre.config))
        config["persons"][0]["firstName"] = "Ada"
        changed.write_text(json.dumps(config))
        plan = centre.cli("config", "plan", "--overwrite", str(changed), program=tools, check=False)
        self.assertEqual(plan.returncode, 2, plan.stdout + plan.stderr)
        self.assertIn("Ada", plan.stdout)
        applied = tool("config", "apply", "--overwrite", str(changed))
        self.assertIn('"firstName": "Ada"', tool("config", "export"))
        self.assertIn("Ada", tool("config", "history", "--json", "-"))
        tool("config", "undo", applied.split()[1].rstrip(":"))
        self.assertNotIn("Ada", tool("config", "export"))
        self.assertIn("outbound", tool("status"))
        self.control_works(tool)
        rows = centre.folder / "rows.csv"
        rows.write_text(LINES)
        tool("import", str(rows), "--list", group.list)
        self.assertEqual(len(centre.rows(group)), 2)
        for message, fields in (("CampaignLoad", {}), ("CampaignStart", {"GSW_DIAL_MODE": PREVIEW})):
            tool("ask", "outbound", message, json.dumps({"GSW_CAMPAIGN_GROUP_DBID": group.dbid, **fields}))
        given = json.loads(tool("ask", "outbound", "PreviewRecordRequest", json.dumps(
            {"GSW_CAMPAIGN_GROUP_DBID": group.dbid, "GSW_AGENT_ID": AGENT})))["fields"]
        self.assertEqual(given["GSW_PHONE"], "15550180")
        tool("dnc", "add", "15550181")
        self.assertIn("do not call", tool("explain", group.list, "15550181").lower())
        tool("password", AGENT, stdin=PASSWORD + "\n")
        self.assertTrue(log_in(centre.port("web"), AGENT))

    def control_works(self, tool):
        """What `carillon ctl` asks of it, of an application that nobody needs just now."""
        wait_until(lambda: re.search(r"(?m)^web +RUNNING", tool("ctl", "status")), 20, what="control knows what runs")
        tool("ctl", "log-level", "web", "debug", "--for", "30")
        tool("ctl", "restart", "web")
        self.assertRegex(tool("ctl", "status", "web"), r"(?m)^web +RUNNING")
        self.assertIn("{", tool("ctl", "sample", "--json"))
        tool("ctl", "alarms", "--all")
        wait_until(lambda: "05061" in tool("ctl", "log", "--app", "web"), 20, what="the record of its start")

    def test_tools_of_the_release_work_with_todays_servers(self):
        self.tools_work(binary(), RELEASED)

    def test_todays_tools_work_with_the_servers_of_the_release(self):
        self.tools_work(RELEASED, binary())

    def two_hosts(self, first_program, second_program):
        """Config, control and web of one, outbound and a proxy of config of the other."""
        def two_hosts(config):
            config["hosts"].append({"name": "two", "ipAddress": "127.0.0.1"})
            application(config, "outbound")["host"] = "two"
            config["applications"].append({
                "name": "copy", "template": "ConfigurationServer", "host": "two", "tenants": ["Environment"],
                "ports": [{"id": "default", "number": 1}], "connections": [{"server": "config"}]})
        with released_sample():
            first = Centre(program=first_program, web=True, amend=two_hosts, wait=False)
        self.addCleanup(first.close)
        first.__enter__()
        second = SecondHost(first, program=second_program)
        self.addCleanup(second.close)
        second.start()
        first.sqlite = second.sqlite
        self.a_call_is_worked(first, lambda: second.kill("outbound"))
        skill = {"op": "create", "type": "Skill", "value": '{"name": "French"}'}
        first.cli("ask", "copy", "config.ChangeSet", json.dumps({"ops": [skill]}))  # which passes it on
        self.assertIn("French", first.cli("config", "export").stdout)
        for program in (first_program, second_program):
            wait_until(lambda program=program: "French" in first.cli(
                "ask", "copy", "config.Read", '{"type": "Skill"}', program=program).stdout, 10, 0.2, "the skill at the proxy")

    def test_config_of_the_release_and_todays_outbound_and_proxy_on_two_hosts(self):
        self.two_hosts(RELEASED, binary())

    def test_todays_config_and_outbound_and_proxy_of_the_release_on_two_hosts(self):
        self.two_hosts(binary(), RELEASED)

    def a_call_is_worked(self, centre, between):
        """From the list to a desktop and back; `between` its start and its end something happens."""
        group = centre.groups[0]
        centre.wait_for_http()
        centre.load_and_start(group)
        centre.add(group, "15550190")
        centre.cli("password", AGENT, stdin=PASSWORD + "\n")
        wait_until(lambda: http_call(centre.port("web"), "GET", "/health", timeout=2).status == 200, what="web serves")
        desktop = StubbornDesktop(centre.port("web"), log_in(centre.port("web"), AGENT))
        record = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=group.dbid)
        self.assertEqual(record["GSW_PHONE"], "15550190")
        between()
        desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"], GSW_CALL_RESULT=ANSWER)
        row, = centre.rows(group)
        self.assertEqual((row["record_status"], row["call_result"]), (campaign.UPDATED, ANSWER))

    def test_an_upgrade_one_process_after_the_other(self):
        """The new supervisor takes over what runs; each server that dies starts anew as today's."""
        centre = self.centre(RELEASED)

        def replace(name):
            old = centre.kill(name)
            wait_until(lambda: centre.pid(name) not in (None, old), what=f"{name} anew")
            wait_until(lambda: centre.state(name) == "RUNNING", 30, what=f"{name} RUNNING")

        def upgrade():
            centre.kill("supervisor")
            centre.program = binary()
            centre.start()
            for name in ("config", "outbound", "control"):
                replace(name)
        self.a_call_is_worked(centre, upgrade)
        replace("web")
        wait_until(lambda: http_call(centre.port("web"), "GET", "/health", timeout=2).status == 200, what="web serves")
        self.assertTrue(log_in(centre.port("web"), AGENT))


if __name__ == "__main__":
    unittest.main()
