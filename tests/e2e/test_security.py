# SPDX-License-Identifier: Apache-2.0
"""What docs/security.md says of listeners, secrets and rights, tried on the real thing."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest
import urllib.parse

from campaign import application, notifying
from desktops import PASSWORD, DesktopCentre
from harness import Receiver, binary, free_port, http_call, wait_until
from websocket_client import Desktop, Refusal

HOOK = "whsec_" + base64.b64encode(b"a secret of many bytes..").decode()
DATABASE_PASSWORD = "opensesame-4711"


def amend(config):
    """Tenant B with an administrator, a third party that outbound knows, and secrets in use."""
    config["tenants"] = [{"name": "B"}]
    config["persons"] += [{"employeeId": "boss", "userName": "boss"},
                          {"employeeId": "b-boss", "userName": "b-boss", "tenant": "B"}]
    config["accessGroups"] = [{"name": "Bosses", "type": "Administrators", "persons": ["boss"]},
                              {"name": "Bosses", "type": "Administrators", "persons": ["b-boss"], "tenant": "B"}]
    application(config, "web")["tenants"] = ["Environment", "B"]
    application(config, "outbound")["tenants"] = ["Environment", "B"]
    config["applications"] += [
        {"name": "crm", "template": "CMServer", "isServer": False, "connections": [{"server": "outbound"}]},
        {"name": "their-database", "template": "Database",
         "options": {"default": {"password": {"$secret": "db"}}}}]
    config["campaignGroups"][0]["annex"]["OCServer"]["http-webhook-secret"] = {"$secret": "hook"}
    config["secrets"] = {"hook": {"$env": "HOOK_SECRET"}, "db": {"$env": "DB_SECRET"}}


class SecureCentre(DesktopCentre):
    """The secrets are in the environment of the command that applies them, and of nothing else."""

    def cli(self, *words, **more):
        outside = self.environ
        if words[:2] == ("config", "apply"):
            self.environ = dict(outside, HOOK_SECRET=HOOK, DB_SECRET=DATABASE_PASSWORD)
        try:
            return super().cli(*words, **more)
        finally:
            self.environ = outside

    def processes(self):
        return {"supervisor": self.supervisor.pid, "http_proxy": self.proxy_pid(),
                **{name: self.pid(name) for name in ("config", "outbound", "web")}}


def sockets_of(pid):
    """The inodes of a process's sockets."""
    found = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
                found.add(match[1])
    return found


def listening_addresses(pid):
    """Hexadecimal addresses at which it listens on TCP."""
    inodes, found = sockets_of(pid), []
    for kind in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                found.append(words[1].split(":")[0])
    return found


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.receiver = cls.stack.enter_context(Receiver())
        cls.centre = cls.stack.enter_context(SecureCentre(
            users=("a1", "boss", "b-boss"), amend=amend, options={"G1": notifying(cls.receiver.url)},
            web_options={"logins-per-address": "1000", "logins-per-account": "1000"},
            application_options={"log": {"verbose": "all", "all": "outbound"}}))
        cls.group = cls.centre.groups[0]
        cls.centre.load_and_start(cls.group)

    def test_everything_listens_on_loopback_or_on_a_private_socket(self):
        at = {name: listening_addresses(pid) for name, pid in self.centre.processes().items()}
        self.assertEqual({name: set(addresses) for name, addresses in at.items()},
                         {name: {"0100007F"} for name in at})
        self.assertEqual({name: len(addresses) for name, addresses in at.items()},
                         {"supervisor": 1, "config": 1, "outbound": 1, "http_proxy": 1, "web": 1})
        door = (self.centre.data / "run/supervisor.sock").stat()
        self.assertTrue(stat.S_ISSOCK(door.st_mode))
        self.assertEqual(stat.S_IMODE(door.st_mode), 0o600)

    def test_other_users_of_the_host_may_read_nothing(self):
        folder = self.centre.data
        self.assertEqual(stat.S_IMODE((folder / "secret").stat().st_mode), 0o700)
        for path in set(folder.rglob("*")) - {folder / "host.jsonc"}:  # where things are, and no more
            mode = stat.S_IMODE(path.stat().st_mode)
            self.assertEqual(mode & 0o007, 0, f"{path}: {mode:o}")
            if path.suffix in (".db", ".key", ".cfgcache") or path.parent.name == "secret":
                self.assertEqual(mode & 0o077, 0, f"{path}: {mode:o}")

    def test_no_secret_is_seen_outside_of_its_place(self):
        """Not in logs, command lines, environments, figures, exports, nor in clear on disk but in a private cache."""
        key = (self.centre.data / "secret/installation.key").read_text().strip()
        token = self.centre.log_in("a1")
        with Desktop(self.centre.web_port, token) as desktop:
            self.centre.add(self.group, "15550101")
            handle = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)["GSW_RECORD_HANDLE"]
            desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=handle, GSW_CALL_RESULT=33)
        self.assertIn("webhook-signature", {name.lower() for name in self.receiver.wait_for(1)[0].headers})
        secrets = {"installation": key, "hook": HOOK, "database": DATABASE_PASSWORD, "password": PASSWORD,
                   "token": token, "first": (self.centre.data / "secret/first-password").read_text().strip(),
                   **{f"key of {name}": self.centre.cli("secret", name).stdout.strip() for name in ("outbound", "web", "crm", "tool")}}
        seen = {"logs": self.centre.logs().encode(), "output": self.centre.output.read_bytes(),
                "metrics": http_call(self.centre.metrics_port, "GET", "/metrics").body,
                "export": self.centre.cli("config", "export").stdout.encode()}
        for name, pid in self.centre.processes().items():
            for part in ("cmdline", "environ"):
                seen[f"{part} of {name}"] = pathlib.Path(f"/proc/{pid}/{part}").read_bytes()
        for path in self.centre.data.rglob("*"):
            if path.is_file() and path.parent.name != "secret" and path.name not in ("outbound.cfgcache", "control.cfgcache"):
                seen[str(path)] = path.read_bytes()
        for where, text in seen.items():
            for name, secret in secrets.items():
                self.assertNotIn(secret.encode(), text, f"{name} in {where}")
                with contextlib.suppress(ValueError):
                    self.assertNotIn(bytes.fromhex(secret), text, f"{name} in {where}")
        self.assertIn(hashlib.sha256(bytes.fromhex(token)).digest(), b"".join(
            path.read_bytes() for path in (self.centre.data / "web").iterdir()))

    def test_a_third_party_neither_changes_configuration_nor_sees_secrets(self):
        """Its key opens config's port, as it opens outbound's; there it is nobody."""
        change = json.dumps({"ops": [{"op": "create", "type": "Place", "key": "x", "value": '{"name":"x"}'}]})
        file = json.dumps({"text": '{"format":"cc-config","version":1,"places":[{"name":"x"}]}'})
        accounts = (("Authenticate", '{"userName":"a1","password":"x"}'),
                    ("SetPassword", '{"userName":"a1","newPassword":"Another-one-1"}'), ("CompareAccounts", "{}"))
        for name in ("crm", "nobody-at-all"):
            for message, fields, words in (("ChangeSet", change, "may not create"), ("Plan", file, "may not create"),
                                           ("Apply", file, "may not create"),
                                           ("Seal", '{"name":"n","value":"v"}', "only who may change Environment")):
                done = self.centre.cli("ask", "config", f"config.{message}", fields, "--as", name, check=False)
                self.assertEqual((done.returncode, words in done.stderr), (1, True), (message, name, done))
            self.assertNotIn(DATABASE_PASSWORD, self.centre.cli("ask", "config", "config.Export", "{}", "--as", name).stdout)
        for name in ("crm", "outbound", "nobody-at-all"):
            for message, fields in accounts:
                done = self.centre.cli("ask", "config", f"config.{message}", fields, "--as", name, check=False)
                self.assertEqual((done.returncode, "only tools" in done.stderr), (1, True), (message, name, done))
        read = ("ask", "config", "config.Read", '{"type":"Application","key":"their-database"}')
        self.assertIn(DATABASE_PASSWORD, self.centre.cli(*read, "--as", "outbound").stdout)
        for name in ("crm", "web", "nobody-at-all"):
            self.assertNotIn(DATABASE_PASSWORD, self.centre.cli(*read, "--as", name).stdout, name)
        self.assertNotIn(DATABASE_PASSWORD, self.centre.cli(*read).stdout)

    def test_who_is_not_connected_with_outbound_imports_nothing(self):
        begin = json.dumps({"key": "k", "list": self.group.list, "columns": ["contact_info"]})
        for message, fields in (("ImportBegin", begin), ("ImportRows", '{"importId":1,"sequence":1,"count":1,"rows":"AAAA","offset":0,"line":1,"from":0}'),
                                ("ImportEnd", '{"importId":1}'), ("ImportUndo", '{"importId":1}')):
            done = self.centre.cli("ask", "outbound", message, fields, "--as", "web-of-somebody-else", "--wait", "1", check=False)
            self.assertIn("no answer in the time allowed", done.stderr, message)
        self.assertEqual(self.centre.select("select count(*) as count from import"), [{"count": 0}])

    def test_an_administrator_of_one_tenant_has_no_right_to_the_configuration_of_all(self):
        change = {"ops": [{"op": "create", "type": "Place", "key": "y", "value": '{"name":"y"}'}]}
        with Desktop(self.centre.web_port, self.centre.log_in("b-boss")) as desktop:
            self.assertNotIn('"boss"', desktop.ask("Export", to="config")["text"])
            self.assertEqual(desktop.ask("Read", to="config", type="Person", tenant="Environment")["objects"], [])
            with self.assertRaises(Refusal) as refusal:
                desktop.ask("ChangeSet", to="config", **change)
            self.assertEqual(refusal.exception.name, "CFGNoPermission")
        with Desktop(self.centre.web_port, self.centre.log_in("boss")) as desktop:
            self.assertIn("persons", desktop.ask("Export", to="config")["text"])

    def test_no_application_takes_a_name_of_ours(self):
        for name, words in (("tool", "a name of our own"), ("supervisor", "a name of our own"), ("config\x1fsecrets", "control characters")):
            value = json.dumps({"name": name, "type": "ThirdPartyServer"})
            done = self.centre.cli("ask", "config", "config.ChangeSet", json.dumps(
                {"ops": [{"op": "create", "type": "Application", "value": value}]}), check=False)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(words, done.stderr)

    def test_a_page_of_another_site_cannot_use_a_browser_on_this_host(self):
        path = f"/campaigngroups/{self.group.dbid}?req=SetDialMode"
        here = f"127.0.0.1:{self.centre.http_port}"
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"{here}"},
                        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": f"http://{here}"}):
            answer = http_call(self.centre.http_port, "POST", path, headers={"Content-Length": "0", **headers})
            self.assertEqual((answer.status, "Origin" in answer.json["GSW_ERROR_TEXT"]), (403, True), headers)
        for headers in ({}, {"Origin": f"http://{here}"}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://crm.example"}):
            self.assertNotEqual(http_call(self.centre.http_port, "POST", path, headers={"Content-Length": "0", **headers}).status,
                                403, headers)

    def test_what_is_said_is_no_statement_to_the_database(self):
        evil = "x'); DROP TABLE list_1; --"
        record = self.centre.add(self.group, "15550109", Other1=evil, GSW_CUSTOMER_ID=evil, **{evil: evil})
        row, = self.centre.rows(self.group, "chain_id = ?", record["GSW_CHAIN_ID"])
        self.assertEqual(row["Other1"], evil)
        for path, req in ((f"/phones/{evil}", "DoNotCall"), (f"/customer_ids/{evil}", "RequestRecordCancel"), (f"/lists/{evil}", "AddRecord")):
            self.centre.post(urllib.parse.quote(path), req)
        self.assertEqual(len(self.centre.rows(self.group, "chain_id = ?", record["GSW_CHAIN_ID"])), 1)

    def test_what_a_stranger_says_does_nothing_in_a_terminal(self):
        evil = "mallory\x1b]0;owned\x07\x1b[2J\r\x9b31m\x7f"
        http_call(self.centre.web_port, "POST", "/api/login", {"user": evil, "password": "x"})
        line = wait_until(lambda: [line for line in self.centre.logs("config*").split("\n") if "mallory" in line], what="it is logged")[0]
        self.assertIn("mallory?]0;owned??[2J??31m?", line)
        self.assertEqual(re.findall("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", self.centre.logs()), [])


class BehindAProxy(unittest.TestCase):
    def test_a_trusted_proxy_tells_who_asks_and_nobody_else_does(self):
        with DesktopCentre(users=("a1",), web_options={"logins-per-address": "4", "logins-per-account": "1000"}) as centre:
            def log_in(*forwarded):
                return http_call(centre.web_port, "POST", "/api/login", {"user": "a1", "password": PASSWORD},
                                 {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {})
            statuses = [log_in(f"192.0.2.{i}").status for i in range(6)]
            self.assertIn(429, statuses, "nobody is trusted")
            centre.apply(lambda config: application(config, "web")["options"]["web"].update(
                {"trusted-proxies": "127.0.0.1"}))
            wait_until(lambda: log_in("192.0.2.100").status == 200, what="the proxy is trusted")
            for i in range(4):  # whatever the client writes before what the proxy writes
                self.assertEqual(log_in(f"198.51.100.{i}", "192.0.2.1").status, 200)
            self.assertEqual(log_in("198.51.100.9", "192.0.2.1").status, 429)
            for i in range(4):
                self.assertEqual(log_in(f"2001:db8:1:1::{i}").status, 200)
            self.assertEqual(log_in("2001:db8:1:1:ffff::9").status, 429)
            token = log_in("192.0.2.2").json["token"]
            for address, status in (("192.0.2.2", 200), ("192.0.2.3", 401)):
                answer = http_call(centre.web_port, "GET", "/api/session",
                                   headers={"Authorization": f"Bearer {token}", "X-Forwarded-For": address})
                self.assertEqual(answer.status, status, "a session is bound to the client's address")


class AtTheStart(unittest.TestCase):
    @staticmethod
    def is_running(port):
        with contextlib.suppress(OSError):
            return http_call(port, "GET", "/health").json["applications"]["config"]["state"] == "RUNNING"
    def test_figures_are_not_shown_beyond_this_host(self):
        for address, good in (("0.0.0.0", False), ("[::]", False), ("127.0.0.1", True)):
            folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-"))
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
            port = free_port()
            (folder / "host.jsonc").write_text(json.dumps({
                "data": str(folder / "data"), "metrics": f"{address}:{port}",
                "config": {"address": f"127.0.0.1:{free_port()}"}}))
            with subprocess.Popen([binary(), "run", "--data", str(folder / "data"), "--host-file", str(folder / "host.jsonc")],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as supervisor:
                if good:
                    wait_until(lambda port=port: self.is_running(port), what="it runs")
                    supervisor.terminate()
                words = supervisor.communicate(timeout=30)[0]
            self.assertEqual((supervisor.returncode == 0, "reached by others" in words), (good, not good), words)

    def test_a_secret_that_others_may_read_is_not_used(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "secret").mkdir(mode=0o700)
        (folder / "secret/installation.key").write_text("0" * 64 + "\n")
        (folder / "secret/installation.key").chmod(0o644)
        done = subprocess.run([binary(), "run", "--data", str(folder)], capture_output=True, text=True, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("chmod 600", done.stdout + done.stderr)
