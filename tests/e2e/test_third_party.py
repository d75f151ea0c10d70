# SPDX-License-Identifier: Apache-2.0
"""Third parties and tools over links (spec outbound 15, 16): orders by names, events, and who is disregarded."""
import json
import subprocess
import time
import unittest

from campaign import PREVIEW, Centre, new_group
from harness import binary, wait_until


def with_dialler(centre_config):
    """A client application `crm` that is connected to outbound, and `stranger` that is not."""
    for name, connections in (("crm", [{"server": "outbound"}]), ("stranger", [])):
        centre_config["applications"].append(
            {"name": name, "template": "CMServer",
             "isServer": False, "connections": connections})
    return centre_config


class ThirdPartyCentre(Centre):
    def _write_files(self):
        with_dialler(self.config)
        super()._write_files()

    def ask(self, message, fields=None, *more, application="outbound", check=True):
        done = self.cli("ask", application, message, json.dumps(fields or {}), *more, check=check)
        return json.loads(done.stdout)["fields"] if check else done

    def group_state(self, group):
        return self.ask("CampaignGetStatus", {"GSW_CAMPAIGN_GROUP_DBID": group.dbid})["GSW_STATE"]


class ThirdParty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = ThirdPartyCentre(groups=[new_group(1), new_group(2),
                                              new_group(3, campaign="C2", agents="OTHERS")],
                                      application_options={"log": {"verbose": "trace", "trace": "outbound"}})
        cls.centre.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.centre.__exit__(None, None, None)

    def test_orders_by_campaign_and_group_names(self):
        group = self.centre.groups[0]
        names = {"GSW_CAMPAIGN_NAME": group.campaign, "GSW_GROUP_NAME": "AG", "GSW_REFERENCE_ID": 42}
        done = self.centre.ask("CampaignLoad", names, "--as", "crm")
        self.assertEqual(("CampaignLoadDone", 42), (done["GSW_RESPONSE"], done["GSW_REFERENCE_ID"]))
        done = self.centre.ask("CampaignStart", {**names, "GSW_DIAL_MODE": PREVIEW}, "--as", "crm")
        self.assertEqual("CampaignStarted", done["GSW_CAMPAIGN_GROUP_STATE"])
        again = self.centre.ask("CampaignLoad", names, "--as", "crm")
        self.assertEqual("CampaignLoadDone", again["GSW_RESPONSE"], "loaded already: acknowledged")
        self.centre.ask("CampaignUnload", names, "--as", "crm")
        wait_until(lambda: self.centre.group_state(group) == "null", what="unloaded")

    def test_a_campaign_of_several_groups_needs_the_group(self):
        refused = self.centre.ask("CampaignLoad", {"GSW_CAMPAIGN_NAME": "C2"}, check=False)
        self.assertEqual(1, refused.returncode)
        self.assertIn("GSW_GROUP_NAME", refused.stderr)

    def test_start_of_an_unloaded_group_is_error_7(self):
        refused = self.centre.ask("CampaignStart", {"GSW_CAMPAIGN_NAME": "C1", "GSW_DIAL_MODE": PREVIEW},
                                  "--as", "crm", check=False)
        self.assertEqual(1, refused.returncode)
        self.assertIn("not loaded", refused.stderr)

    def test_scenario_42_an_unconnected_third_party_is_disregarded(self):
        group = self.centre.groups[1]
        self.centre.ask("CampaignLoad", {"GSW_CAMPAIGN_GROUP_DBID": group.dbid})
        began = time.monotonic()
        silent = self.centre.ask("CampaignStart", {"GSW_CAMPAIGN_GROUP_DBID": group.dbid, "GSW_DIAL_MODE": PREVIEW},
                                 "--as", "stranger", "--wait", "1", check=False)
        self.assertEqual(1, silent.returncode)
        self.assertGreaterEqual(time.monotonic() - began, 1, "no reply, not even a refusal")
        self.assertEqual("loaded", self.centre.group_state(group))
        self.centre.ask("CampaignStart", {"GSW_CAMPAIGN_GROUP_DBID": group.dbid, "GSW_DIAL_MODE": PREVIEW}, "--as", "crm")
        self.assertEqual("started", self.centre.group_state(group))

    def test_another_application_id_is_ignored(self):
        silent = self.centre.ask("Logout", {"GSW_AGENT_ID": "a1", "GSW_APPLICATION_ID": 999999}, "--wait", "1", check=False)
        self.assertEqual(1, silent.returncode)

    def test_connected_third_parties_hear_what_happens(self):
        group = self.centre.groups[2]
        words = [str(binary()), "ask", "outbound", "--listen", "20", "--data", str(self.centre.data)]
        with subprocess.Popen([*words, "--as", "crm"], stdout=subprocess.PIPE, text=True) as crm, \
                subprocess.Popen([*words, "--as", "stranger"], stdout=subprocess.PIPE, text=True) as stranger:
            try:
                time.sleep(1)
                order = {"GSW_CAMPAIGN_GROUP_DBID": group.dbid}
                self.centre.ask("CampaignLoad", order)
                self.centre.ask("CampaignStart", {**order, "GSW_DIAL_MODE": PREVIEW})
                self.centre.ask("CampaignForceUnload", order)
                heard = [json.loads(crm.stdout.readline()) for _ in range(3)]
            finally:
                crm.kill()
                stranger.kill()
            self.assertEqual("", stranger.stdout.read())
        self.assertEqual(["CampaignLoaded", "CampaignStarted", "CampaignUnloaded"], [one["message"] for one in heard])
        fields = heard[1]["fields"]
        self.assertEqual((group.campaign, "OTHERS", PREVIEW),
                         (fields["GSW_CAMPAIGN_NAME"], fields["GSW_GROUP_NAME"], fields["GSW_DIAL_MODE"]))
        self.assertEqual({one["fields"]["GSW_CAMPAIGN_GROUP_GUID"] for one in heard}, {fields["GSW_CAMPAIGN_GROUP_GUID"]})
        log = "\n".join(path.read_text() for path in (self.centre.data / "logs").glob("outbound.*.log"))
        self.assertRegex(log, r'Int 04543 Interaction message "CampaignForceUnload" received from \S+ \("\w+"\)')
        self.assertRegex(log, r"Trc 04542 CampaignUnloaded sent to \[\S+\] \(crm\)")


class Agents(unittest.TestCase):
    def test_previews_only_between_start_and_over(self):
        with ThirdPartyCentre(options={"G1": {"agent_preview_mode_start": "true"}}) as centre:
            group = centre.groups[0]
            centre.add(group, "15550100")
            centre.load_and_start(group)
            self.assertEqual(409, centre.preview(group, "a1").status)
            centre.ask("PreviewDialingModeStart", {"GSW_AGENT_ID": "a1"})
            proxy = centre.proxy_pid()
            centre.kill("outbound")
            wait_until(lambda: centre.proxy_pid() not in (None, proxy), 20, what="a new proxy")
            centre.wait_for_http()
            wait_until(lambda: centre.preview(group, "a1").status == 200, 20, what="a preview after a restart")
            centre.ask("PreviewDialingModeOver", {"GSW_AGENT_ID": "a1"})
            self.assertEqual(409, centre.preview(group, "a1").status)

    def test_log_out_ends_what_the_agent_has(self):
        with ThirdPartyCentre(options={"G1": {"agent_logout_preview_call_result": "3"}}) as centre:
            group = centre.groups[0]
            for number in range(3):
                centre.add(group, f"1555010{number}")
            centre.load_and_start(group)
            for agent in ("a1", "a1", "a2"):
                self.assertEqual(200, centre.preview(group, agent).status)
            snapshot = centre.ask("DesktopSnapshot", {"GSW_AGENT_ID": "a1"})
            self.assertEqual(2, len(snapshot["Records"]))
            self.assertEqual(["started"], [one["GSW_STATE"] for one in snapshot["Campaigns"]])
            self.assertEqual(2, centre.ask("Logout", {"GSW_AGENT_ID": "a1"})["GSW_RECORDS"])
            rows = centre.sqlite("outbound").execute(
                f"select record_status, call_result from {group.table} order by call_result").fetchall()
            self.assertEqual([(3, 3), (3, 3), (2, 28)], [tuple(row) for row in rows])

    def test_a_preview_stays_by_default_and_may_be_kept(self):
        with ThirdPartyCentre() as centre:
            group = centre.groups[0]
            centre.add(group, "15550100")
            centre.load_and_start(group)
            record = centre.preview(group, "a1").json
            handle = record["GSW_RECORD_HANDLE"]
            kept = centre.ask("ContinueProcessing", {"GSW_RECORD_HANDLE": handle, "GSW_AGENT_ID": "a1"})
            self.assertEqual(handle, kept["GSW_RECORD_HANDLE"])
            refused = centre.ask("ContinueProcessing", {"GSW_RECORD_HANDLE": handle, "GSW_AGENT_ID": "a2"}, check=False)
            self.assertIn("another agent", refused.stderr)
            self.assertEqual(0, centre.ask("Logout", {"GSW_AGENT_ID": "a1"})["GSW_RECORDS"])
            page = centre.ask("RecordList", {"list": group.list})
            self.assertEqual(["15550100"], [row["phone"] for row in page["records"]])
            chain = centre.ask("ChainGet", {"list": group.list, "chainId": record["GSW_CHAIN_ID"]})
            self.assertEqual(("a1", 1), (chain["rounds"][0]["agentId"], len(chain["records"])))
            lists = centre.ask("CallingListList")["lists"]
            self.assertEqual([(group.list, 1, 1)], [(one["name"], one["records"], one["retrieved"]) for one in lists])


if __name__ == "__main__":
    unittest.main()
