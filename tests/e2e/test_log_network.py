# SPDX-License-Identifier: Apache-2.0
"""Log records on their way to a real Message Server, json lines, and the memory of a killed process (framework 8.1, 8.2, 8.5)."""
import json
import os
import re
import subprocess
import time
import unittest

from harness import Installation, binary, wait_until

HOST = "localhost"
FIELDS = ["ts", "lvl", "id", "app", "host", "pid", "thr", "ixn", "cat", "msg", "attr"]


def application(name, kind, **more):
    return {"name": name, "template": kind, "host": HOST, "tenants": ["Environment"],
            "ports": [{"id": "default", "number": 1}], "connections": [{"server": "config"}], "options": {}, **more}


def centre_config():
    log = {"verbose": "trace", "all": "outbound, network, memory", "memory": "outbound.ring", "message-format": "json"}
    return {"format": "cc-config", "version": 1,
            "tenants": [{"name": "Environment"}],
            "hosts": [{"name": HOST, "ipAddress": "127.0.0.1"}],
            "templates": [{"name": kind, "type": kind} for kind in ("ConfigurationServer", "MessageServer", "SCS", "CMServer")],
            "applications": [
                {**application("config", "ConfigurationServer", options={"log": {"standard": "network"}}),
                 "connections": [{"server": "msgsrv"}]},
                application("msgsrv", "MessageServer"),
                application("scs", "SCS", connections=[{"server": "config"}, {"server": "msgsrv"}]),
                application("outbound", "CMServer", connections=[{"server": "config"}, {"server": "msgsrv"}],
                            ports=[{"id": "default", "number": 1},
                                   {"id": "http", "number": 2, "connectionProtocol": "http"}],
                            options={"log": log})]}


class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = Installation(centre_config(), options={"restart-quick-time": 0,
                                                            "log": {"standard": "supervisor, network"}})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.turn = 0

    def kept(self, **filters):
        """Rows, of outbound unless others are asked for, or none while the Message Server is away."""
        fields = json.dumps({"application": "outbound", "limit": 1000, **filters})
        done = self.centre.cli("ask", "msgsrv", "control.ReadLog", fields, check=False)
        return json.loads(done.stdout)["fields"].get("rows", []) if done.returncode == 0 else []

    def change(self):
        """A revision, which outbound notes in its log; its number."""
        type(self).turn += 1
        config = json.loads(self.centre.config_file.read_text())
        config["tenants"].append({"name": f"T{self.turn}"})
        self.centre.config_file.write_text(json.dumps(config))
        done = self.centre.cli("config", "apply", str(self.centre.config_file))
        return int(re.search(r"revision (\d+)", done.stdout + done.stderr)[1])

    def log_memory(self, path):
        return subprocess.run([binary(), "log", "memory", path], capture_output=True, text=True, check=False, timeout=20)

    def memory(self, name="outbound.ring"):
        return self.log_memory(self.centre.data / "logs" / name).stdout

    def applied(self, row):
        """Which revision this record is about; None: another record."""
        found = re.match(r"configuration revision (\d+) applied", row["record"]["text"])
        return int(found[1]) if found else None

    def test_1_what_was_said_while_either_end_was_killed_is_kept_once(self):
        wait_until(lambda: any(row["record"]["id"] == "00-05061" for row in self.kept()), 20, what="the first records")
        revisions = [self.change() for _ in range(3)]
        self.centre.kill("msgsrv")
        revisions += [self.change() for _ in range(4)]
        self.centre.kill("msgsrv")
        revisions += [self.change() for _ in range(2)]
        wait_until(lambda: f"revision {revisions[-1]} applied" in self.memory(), 20, what="the last revision at outbound")
        old = self.centre.pid("outbound")
        self.centre.kill("outbound")
        self.assertIn(f"revision {revisions[-1]} applied", self.last_words())
        wait_until(lambda: {self.applied(row) for row in self.kept(id="00-04511")} >= set(revisions), 40, every=0.2,
                   what="every revision kept")
        rows = [row for row in self.kept(id="00-04511") if row["pid"] == old]
        seen = [self.applied(row) for row in reversed(rows)]
        self.assertEqual(seen, sorted(set(seen)), "in order, and none twice")

    def last_words(self):
        """The ring of the run before, once the next one has begun; until then the ring itself."""
        before = self.centre.data / "logs/outbound.ring.before"
        wait_until(before.exists, 20, what="another outbound")
        return self.memory("outbound.ring.before")

    def test_2_every_line_is_json_with_the_fields_of_the_spec(self):
        lines = [line for path in sorted((self.centre.data / "logs").glob("outbound.2*.log"))
                 for line in path.read_text(encoding="utf-8").splitlines()]
        self.assertGreater(len(lines), 10)
        records = [json.loads(line) for line in lines]
        heads = [one for one in records if "started" in one]
        self.assertGreaterEqual(len(heads), 1)
        for one in records:
            self.assertRegex(one["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            if "started" not in one:
                self.assertEqual(list(one), [name for name in FIELDS if name in one])
                self.assertEqual((one["app"], one["cat"]), ("outbound", "application"))

    def test_5_config_holds_the_secret_of_all_and_is_kept_like_others(self):
        wait_until(lambda: self.kept(application="config"), 20, what="records of config")

    def test_6_the_supervisor_and_the_http_proxy_send_theirs_too(self):
        self.assertTrue(any(row["record"]["id"] == "27-81104" for row in self.kept(id="27-81104")))
        child, = {row["pid"] for row in self.kept(id="27-81104")[:1]}
        self.assertNotEqual(child, self.centre.pid("outbound"), "the helper's own pid")
        wait_until(lambda: self.kept(application="supervisor"), 20, what="records of the supervisor")
        row = self.kept(application="supervisor")[0]
        self.assertEqual((row["host"], row["type"]), (HOST, "supervisor"))

    def test_7_beside_an_scs_the_message_server_keeps_logs_and_the_scs_takes_orders(self):
        def ask(server, message, **fields):
            done = self.centre.cli("ask", server, f"control.{message}", json.dumps(fields))
            return json.loads(done.stdout)["fields"]
        hosts = ask("scs", "ReadStatus").get("hosts", [])
        self.assertEqual([(HOST, "running")], [(host["name"], host["state"]) for host in hosts])
        self.assertEqual([], ask("msgsrv", "ReadStatus").get("hosts", []), "it controls nobody")
        before, now = self.centre.pid("outbound"), time.time() * 1000
        ask("scs", "OrderApplication", name="outbound", order="restart")
        wait_until(lambda: self.kept(id="00-05061") and any(row.get("pid", before) != before and row["written"] > now
                                                            for row in self.kept(id="00-05061")), 30,
                   what="the log of the one that was started anew")
        # What became of it the SCS notes in its name, and the Message Server keeps and judges that, too.
        wait_until(lambda: any("pid" not in row and row["written"] > now for row in self.kept(id="00-05061")), 20,
                   what="what the SCS notes of it")
        self.assertEqual([], ask("scs", "ReadLog", application="outbound").get("rows", []))
        alarms = [one["condition"] for one in ask("msgsrv", "ReadAlarms", state="active").get("alarms", [])]
        self.assertEqual([], [name for name in alarms if name.startswith("Host")], "it watches no host")

    def test_3_a_file_that_is_no_ring_is_refused(self):
        done = self.log_memory(self.centre.config_file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no file of the log output memory", done.stderr)

    def test_4_the_spool_is_gone_when_all_is_kept(self):
        folder = self.centre.data / "outbound/log-spool"
        wait_until(lambda: sum(os.path.getsize(path) for path in folder.iterdir()) < 65536 and len(list(folder.iterdir())) <= 1, 20,
                   what="an empty spool")


if __name__ == "__main__":
    unittest.main()
