# SPDX-License-Identifier: Apache-2.0
"""Kept logs, alarms and reactions with real processes (framework 8.5, 9; F19): records come from a real
application, a webhook goes to a real receiver, an e-mail to a real SMTP server, a program really runs."""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import stat
import subprocess
import threading
import time
import unittest

from databases import PASSWORD, USER, Postgres
from harness import Installation, Receiver, free_port, rounds, wait_until

HOST = "localhost"
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()
DEBIAN_PYTHON = "/usr/bin/python3"  # python3-aiosmtpd is Debian's


def application(name, kind, connections, options, **more):
    log = {"all": name, "standard": "network"}
    return {"name": name, "template": kind, "host": HOST, "tenants": ["Environment"],
            "ports": [{"id": "default", "number": 1, **more.pop("port", {})}],
            "connections": [{"server": one} for one in connections], "reconnectTimeout": 1,
            "options": {"log": log, **options}, **more}


def reaction(name, **options):
    return {"name": name, "type": "AlarmReaction", "annex": {"reaction": options}}


def centre_config(receiver, smtp, folder):
    alarms = {"command-folder": folder, "smtp-server": f"smtp://127.0.0.1:{smtp}",
              "smtp-from": "carillon@centre.example"}
    kinds = ("ConfigurationServer", "SCS", "CMServer", "WebAPIServer")
    return {
        "format": "cc-config", "version": 1, "tenants": [{"name": "Environment"}],
        "hosts": [{"name": HOST, "ipAddress": "127.0.0.1", "scs": "control"}],
        "templates": [{"name": kind, "type": kind} for kind in kinds],
        "applications": [
            {**application("config", "ConfigurationServer", [], {}), "options": {"log": {"all": "config"}}},
            application("control", "SCS", ["config"], {"alarms": alarms}),
            application("A", "CMServer", ["config", "control"], {}, autoRestart=False),
            application("B", "CMServer", ["config", "control"], {}, autoRestart=False),
            application("web", "WebAPIServer", ["config", "control", "A", "B"], {},
                        port={"connectionProtocol": "http"})],
        "scripts": [
            reaction("post", action="webhook", url=f"{receiver}/alarms", secret=SECRET),
            reaction("mail", action="email", to="night@centre.example"),
            reaction("tell", action="command", command="tell", arguments="loudly")],
        "alarmConditions": [{
            "name": "Peer lost", "category": "critical", "detectEvent": "00-04504", "cancelEvent": "00-04503",
            "selection": "application", "application": "web",
            "reactionScripts": [f"{one}/AlarmReaction" for one in ("post", "mail", "tell")],
            "clearanceScripts": ["post/AlarmReaction"]}]}


class Alarms(unittest.TestCase):
    install = Installation
    time_limit = rounds(180, 900)

    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        smtp = free_port()
        config = centre_config(cls.receiver.url, smtp, "/")
        # Killed thirty times in the soak it is no crash loop.
        cls.centre = cls.install(config, options={"crash-loop-limit": 1000, "restart-delay-first": 0,
                                                  "restart-delay-max": 0})
        cls.folder = cls.centre.folder / "commands"
        cls.folder.mkdir()
        cls.told = cls.centre.folder / "told"
        program = cls.folder / "tell"
        program.write_text(f'#!/bin/sh\n(echo "$@"; env) > {cls.told}.new && mv {cls.told}.new {cls.told}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        cls.centre.config["applications"][1]["options"]["alarms"]["command-folder"] = str(cls.folder)
        cls.amend(cls.centre)
        cls.centre._write_files()
        cls.mailbox = cls.centre.folder / "mailbox"
        server = subprocess.Popen([DEBIAN_PYTHON, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{smtp}",
                                   "-c", "aiosmtpd.handlers.Mailbox", str(cls.mailbox)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    @classmethod
    def amend(cls, centre):
        """Before it starts."""

    def texts(self):
        """Of the records that the tool sent, as the store has them."""
        return [row[0] for row in self.centre.sqlite("control").execute(
            "SELECT text FROM G_LOG_MESSAGES WHERE app_name = 'tool' ORDER BY id")]

    def ask(self, message, fields, check=True):
        done = self.centre.cli("ask", "control", f"control.{message}", json.dumps(fields), check=check)
        return json.loads(done.stdout)["fields"] if done.returncode == 0 else None

    def alarms(self, condition, **fields):
        alarms = self.ask("ReadAlarms", fields)["alarms"]
        return [one for one in alarms if one["condition"] == condition]

    def order(self, name, order):
        self.ask("OrderApplication", {"name": name, "order": order})

    def wait_state(self, name, state):
        self.assertTrue(wait_until(lambda: self.centre.state(name) == state, 20, 0.1, f"{name} {state}"))

    def knows(self, name):
        """web is connected to it, and control sees it run."""
        connected = self.ask("ReadLog", {"application": "web", "id": "00-04503", "text": f"application {name} "})
        states = self.ask("ReadStatus", {"kind": "applications", "name": name})["applications"]
        return connected["rows"] and states and states[0]["state"] == "RUNNING"

    def test_1_F19_a_lost_peer_is_one_alarm_until_it_is_back(self):
        wait_until(lambda: self.knows("A") and self.knows("B"), 20, 0.2, "all know each other")
        for name in "AB":
            self.centre.kill(name)
        alarm = wait_until(lambda: next((one for one in self.alarms("Peer lost", state="active")
                                         if one["count"] == 2), None), 20, 0.2, "two detections, one alarm")
        self.assertEqual((alarm["application"], alarm["category"], alarm["event"]),
                         ("web", "critical", "00-04504"))
        self.assertEqual(len(self.alarms("Peer lost")), 1)
        self.assertEqual(len(self.alarms("Connection Failure", application="web")), 1)  # the predefined one
        failed = wait_until(lambda: self.alarms("Application Failure", state="active", application="A"),
                            10, 0.2, "A's own end")
        self.assertEqual(failed[0]["event"], "00-05064")
        self.order("A", "start")
        self.wait_state("A", "RUNNING")
        cleared = wait_until(lambda: self.alarms("Peer lost", state="cleared"), 20, 0.2, "cleared")
        self.assertEqual(cleared[0]["clearedBy"], "00-04503")
        self.assertEqual(len(self.alarms("Peer lost", state="active")), 0)

    def test_2_the_webhook_is_signed_and_tells_of_both_ends(self):
        first, second = self.receiver.wait_for(2)[:2]
        for request, kind in ((first, "alarm.created"), (second, "alarm.cleared")):
            self.assertEqual(request.json["type"], kind)
            self.assertEqual(request.json["data"]["condition"], "Peer lost")
            signed = b".".join((request.headers["webhook-id"].encode(),
                                request.headers["webhook-timestamp"].encode(), request.body))
            mac = hmac.new(base64.b64decode(SECRET[6:]), signed, hashlib.sha256).digest()
            self.assertEqual(request.headers["webhook-signature"], "v1," + base64.b64encode(mac).decode())
        self.assertNotEqual(first.headers["webhook-id"], second.headers["webhook-id"])
        self.assertEqual(len(self.receiver.requests), 2)  # no second reaction to the second detection

    def test_3_the_e_mail_is_taken_by_an_smtp_server(self):
        def read():
            files = list((self.mailbox / "new").iterdir()) if (self.mailbox / "new").is_dir() else []
            return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]
        mail = wait_until(read, 20, 0.2, "the e-mail")[0]
        self.assertEqual(mail["Subject"], "critical: Peer lost, web")
        self.assertEqual((mail["From"], mail["To"]), ("carillon@centre.example", "night@centre.example"))
        self.assertIn("00-04504", mail.get_content())

    def test_4_the_program_gets_the_alarm_in_its_environment(self):
        wait_until(self.told.exists, 20, 0.2, "the program ran")
        lines = self.told.read_text().splitlines()
        self.assertEqual(lines[0], "loudly")
        self.assertIn("CARILLON_ALARM_CONDITION=Peer lost", lines)
        self.assertIn("CARILLON_ALARM_APPLICATION=web", lines)

    def test_5_records_of_all_are_found_by_application_and_event(self):
        rows = self.ask("ReadLog", {"application": "web", "id": "00-04504"})["rows"]
        self.assertGreaterEqual(len(rows), 2)
        self.assertTrue(all(one["application"] == "web" for one in rows))
        self.assertTrue(self.ask("ReadLog", {"application": "A", "text": "ENDED without"})["rows"])

    def test_6_killed_again_and_again_control_loses_nothing_that_it_acknowledged(self):
        kept, ends = [], threading.Event()

        def send():
            number = 1
            while not ends.is_set():
                record = {"id": "00-05060" if number % 5 else "00-04504", "time": int(time.time() * 1e6),
                          "priority": 4, "text": f"number {number}"}
                answer = self.ask("SendLog", {"stream": "crash", "first": number, "records": [record]}, check=False)
                if answer:
                    kept.append(number)
                    number = answer["upTo"] + 1

        sender = threading.Thread(target=send, daemon=True)
        self.addCleanup(ends.set)
        sender.start()
        for _ in range(rounds(3, 30)):
            before = len(kept)
            wait_until(lambda: len(kept) >= before + 7, 30, 0.01, "records are kept")
            self.centre.kill("control")
            self.wait_state("control", "RUNNING")
        ends.set()
        sender.join()
        found = self.texts()
        self.assertEqual(len(found), len(set(found)), "none twice")
        self.assertEqual({f"number {one}" for one in kept} - set(found), set())
        alarm, = self.alarms("Connection Failure", state="active", application="tool")
        self.assertEqual(alarm["count"], sum(1 for one in found if int(one.split()[1]) % 5 == 0))


class OnPostgres(Alarms):
    """The same, with control's store in PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres().__enter__()
        cls.addClassCleanup(cls.server.close)
        super().setUpClass()

    @classmethod
    def amend(cls, centre):
        cls.server.run("postgres", "create database centre encoding 'UTF8' template template0")
        centre.config["applications"].append({
            "name": "store", "template": "Database", "options": {"settings": {
                "dbms-type": "postgresql", "host": "127.0.0.1", "port": str(cls.server.port),
                "database": "centre", "user": USER, "password": {"$secret": "store"}}}})
        centre.config["templates"].append({"name": "Database", "type": "Database"})
        centre.config["secrets"] = {"store": {"$env": "STORE_PASSWORD"}}
        centre.config["applications"][1]["connections"].append({"server": "store"})
        centre.environ["STORE_PASSWORD"] = PASSWORD

    def texts(self):
        return self.server.run("centre", "set search_path = control; select text from g_log_messages"
                                         " where app_name = 'tool' order by id").stdout.split("\n")[:-1]


if __name__ == "__main__":
    unittest.main()
