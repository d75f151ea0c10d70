# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium, by keyboard (tests/browser/console.mjs): work previews, see and replay a notification; what lists
and customers carry never runs; axe has no serious findings."""
import json
import pathlib
import shutil
import subprocess
import unittest

from campaign import AGENTS, PREVIEW, UPDATED, application, notifying
from desktops import DesktopCentre, PASSWORD
from harness import Receiver, TOP, binary, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MODULES = pathlib.Path(binary()).parent / "web/console/node_modules"
AGENT, ADMINISTRATOR = AGENTS[0], "boss"
ATTACK = "<img src=x onerror='window.attacked=1'><script>window.attacked=1</script>\"'"
RECORDS = 10


def missing():
    for what, is_there in (("node", shutil.which("node")), ("chromium", CHROMIUM),
                           ("playwright-core in the build folder (is this build with its console?)",
                            (MODULES / "playwright-core").is_dir())):
        if not is_there:
            return f"no {what}"
    return None


def add_administrator(config):
    config["persons"].append({"employeeId": ADMINISTRATOR, "userName": ADMINISTRATOR})
    config["accessGroups"] = [{"name": "Bosses", "type": "Administrators", "persons": [ADMINISTRATOR]}]


@unittest.skipIf(missing(), missing())
class Console(unittest.TestCase):
    def centre(self, **more):
        return DesktopCentre(users=(AGENT, ADMINISTRATOR), amend=add_administrator, **more)

    def start(self, deed, centre, user, **given):
        given = {"url": f"http://127.0.0.1:{centre.web_port}/", "modules": str(MODULES), "chromium": CHROMIUM,
                 "user": user, "password": PASSWORD, **given}
        process = subprocess.Popen(["node", str(TOP / "tests/browser/console.mjs"), deed], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        process.stdin = None
        self.addCleanup(process.kill)
        return process

    def end(self, process):
        answer, words = process.communicate(timeout=120)
        self.assertEqual(0, process.returncode, words)
        return json.loads(answer)

    def drive(self, deed, centre, user, **given):
        return self.end(self.start(deed, centre, user, **given))

    def test_work_ten_previews_and_replay_a_notification_by_keyboard(self):
        with Receiver() as receiver, self.centre(options={"G1": notifying(receiver.url)}) as centre:
            group = centre.groups[0]
            phones = [f"1555{number:07}" for number in range(RECORDS)]
            for phone in phones:
                centre.add(group, phone, Other1="before")
            self.drive("orders", centre, ADMINISTRATOR, group=group.name)
            worked = self.drive("work", centre, AGENT, count=RECORDS)["phones"]
            self.assertEqual(sorted(phones), sorted(worked))
            rows = centre.rows(group)
            self.assertEqual({UPDATED}, {row["record_status"] for row in rows})
            self.assertEqual({f"worked {i}" for i in range(RECORDS)}, {row["Other1"] for row in rows})
            receiver.wait_for(RECORDS)
            guid = self.drive("replay", centre, ADMINISTRATOR)["guid"]
            receiver.wait_for(RECORDS + 1)
            bodies = [request.body for request in receiver.requests if request.json["GSW_MESSAGE_GUID"] == guid]
            self.assertEqual(2, len(bodies))
            self.assertEqual(bodies[0], bodies[1], "the same bytes, with the same id")

    def test_nothing_that_lists_and_customers_carry_runs_and_axe_is_content(self):
        with Receiver() as receiver, self.centre(options={"G1": notifying(receiver.url)}) as centre:
            group = centre.groups[0]
            added = centre.add(group, ATTACK, Other1=ATTACK, Other2=ATTACK, FirstName=ATTACK[:60], GSW_CUSTOMER_ID=ATTACK[:30])
            centre.add(group, "15550100", Other1=ATTACK)
            hostile = centre.folder / f"{ATTACK.replace('/', '')}.csv"
            hostile.write_text(f"contact_info,contact_info_type,tz_name,Other1\n15550101,4,UTC,{ATTACK}\n"
                               f"15550102,4,{ATTACK},x\n")
            centre.cli("import", str(hostile), "--list", group.list, check=False)
            centre.load_and_start(group)
            record = centre.preview(group, AGENT).json
            centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_CALL_RESULT=33, GSW_DISPOSITION_CODE=ATTACK)
            centre.preview(group, AGENT)
            receiver.wait_for(1)
            guid = receiver.requests[0].json["GSW_MESSAGE_GUID"]
            listed = json.loads(centre.cli("ask", "outbound", "ImportList").stdout)["fields"]
            imports = [one["importId"] for one in listed.get("imports", [])]
            paths = ["campaigns", "lists", f"lists/{group.list}", f"chain/{group.list}/{added['GSW_CHAIN_ID']}", "notifications",
                     f"notifications/{guid}", "imports", *[f"imports/{one}" for one in imports],
                     "objects", "objects/Person", "objects/Person/new", "objects/Application/new", "apply", "history",
                     "applications", "applications/application/outbound", "applications/host/localhost", "alarms", "log",
                     "metrics", "metrics/outbound"]
            texts = self.drive("pages", centre, ADMINISTRATOR, paths=paths)["texts"]
            for path in (f"lists/{group.list}", f"chain/{group.list}/{added['GSW_CHAIN_ID']}", f"notifications/{guid}"):
                self.assertIn("onerror", texts[path], f"{path} shows what was sent, as text")
            self.assertIn("http_requests_total", texts["metrics/outbound"])
            texts = self.drive("pages", centre, AGENT, paths=["agent"])["texts"]
            self.assertIn("15550100", texts["agent"])

    def test_the_configuration_is_changed_and_applications_are_ordered_by_keyboard(self):
        def amend(config):
            add_administrator(config)
            config["accessGroups"].append({"name": "Chiefs", "type": "SuperAdministrators", "persons": [ADMINISTRATOR]})
            application(config, "outbound")["options"]["log"]["all"] = "outbound, network"
        with DesktopCentre(users=(AGENT, ADMINISTRATOR), amend=amend) as centre:
            self.drive("configure", centre, ADMINISTRATOR, person=AGENT)
            exported = json.loads(centre.cli("config", "export").stdout)
            person, = [one for one in exported["persons"] if one["employeeId"] == AGENT]
            self.assertNotIn("lastName", person, "the change was taken back")
            self.drive("permit", centre, ADMINISTRATOR, person=AGENT, account=f"person:{AGENT}")
            skill = {"format": "cc-config", "version": 1, "skills": [{"name": "Bell ringing"}]}
            self.drive("apply", centre, ADMINISTRATOR, text=json.dumps(skill), creates="Bell ringing")
            self.assertIn("Bell ringing", centre.cli("config", "export").stdout)
            self.drive("control", centre, ADMINISTRATOR, application="outbound")

    def test_a_desktop_goes_on_when_its_servers_are_killed(self):
        with self.centre() as centre:
            group = centre.groups[0]
            centre.add(group, "15550100", Other1="before")
            centre.load_and_start(group)
            process = self.start("resume", centre, AGENT)
            self.assertEqual("ready", process.stderr.readline().strip())
            centre.kill("web")
            centre.kill("outbound")
            self.end(process)
            self.assertEqual([UPDATED], [row["record_status"] for row in centre.rows(group)])

    def test_a_session_that_is_over_leads_to_the_log_in(self):
        with self.centre() as centre:
            process = self.start("expired", centre, AGENT)
            self.assertEqual("ready", process.stderr.readline().strip())
            centre.kill("web")
            self.end(process)


if __name__ == "__main__":
    unittest.main()
