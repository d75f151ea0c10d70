# SPDX-License-Identifier: Apache-2.0
"""`carillon config` against the real config: framework 3.2, 3.3; F1, F2, F4 to F6, F10 as the command shows them."""
import json
import re
import threading
import time
import unittest

from harness import Installation, wait_until

HOST = "localhost"


def base_config(**more):
    """config alone, and what the test adds."""
    return {"format": "cc-config", "version": 1,
            "hosts": [{"name": HOST, "ipAddress": "127.0.0.1"}],
            "applications": [{"name": "config", "template": "ConfigurationServer", "host": HOST,
                              "ports": [{"id": "default", "number": 1}]}], **more}


# Framework 3.2, as it stands there.
SAMPLE = """
{ "format": "cc-config", "version": 1, "rev": 412,
  "tenants": [ { "name": "Environment" } ],
  "hosts":   [ { "name": "ESHost", "ipAddress": "127.0.0.1", "lcaPort": 4999 } ],
  "applications": [%s
    { "name": "ES85_IxnSrv", "template": "InteractionServer", "host": "ESHost",
      "ports": [ { "id": "default", "number": 6130, "listeningMode": "unsecured" } ],
      "tenants": [ "Environment" ],
      "connections": [ { "server": "ES85_Ixn_DAP" },
                       { "server": "MsgSrv", "protocol": "addp", "localTimeout": 30, "remoteTimeout": 60, "trace": "both" } ],
      "start": { "dir": "./ixn", "command": "ixnd" },
      "options": { "log": { "verbose": "standard", "standard": "network" } } } ],
  "secrets": { "ixn-db": { "$env": "IXN_DB_PASSWORD" } } }
"""
MISSING = """
    { "name": "ES85_Ixn_DAP", "template": "Database",
      "options": { "default": { "password": { "$secret": "ixn-db" } } } },
    { "name": "MsgSrv", "template": "MessageServer" },"""


class Command(unittest.TestCase):
    install = Installation

    def setUp(self):
        centre = self.install(base_config(), environ={"IXN_DB_PASSWORD": "open-sesame"})
        self.centre = self.enterContext(centre)

    def write(self, name, text):
        path = self.centre.folder / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return str(path)

    def config(self, *words, expect=0, **more):
        done = self.centre.cli("config", *words, check=False, **more)
        self.assertEqual(done.returncode, expect, f"{words}: {done.stdout}{done.stderr}")
        return done

    def rev(self):
        return json.loads(self.config("plan", self.write("empty", {"format": "cc-config", "version": 1}),
                                      "--json").stdout)["rev"]

    def test_F1_a_plan_names_what_is_missing_then_what_it_would_create(self):
        before = self.rev()
        failed = self.config("plan", self.write("sample", SAMPLE % ""), expect=1)
        self.assertIn("ES85_Ixn_DAP", failed.stderr)
        self.assertIn("MsgSrv", failed.stderr)
        plan = self.config("plan", self.write("sample", SAMPLE % MISSING), "--json", expect=2)
        items = json.loads(plan.stdout)["items"]
        created = [one["type"] for one in items if one["op"] == "create" and one["type"] != "Secret"]
        self.assertEqual(sorted(created), ["Application"] * 3 + ["Host"])
        self.assertEqual(self.rev(), before)

    def test_F2_an_import_is_one_revision_and_a_copy_exports_the_same_bytes(self):
        before, path = self.rev(), self.write("sample", SAMPLE % MISSING)
        self.config("apply", path)
        self.assertEqual(self.rev(), before + 1)
        self.config("plan", path, expect=0)
        exported = self.config("export").stdout
        self.assertNotIn("open-sesame", exported)
        self.assertNotIn("rev", json.loads(exported))
        with self.install() as copy:
            copy.cli("config", "apply", "-", "--overwrite", stdin=exported)
            self.assertEqual(copy.cli("config", "export").stdout, exported)

    def test_a_secret_lies_sealed_and_its_file_may_lie_beside_the_configuration(self):
        self.write("pw", "open-sesame\n")
        self.config("apply", self.write("c.jsonc", {
            "format": "cc-config", "version": 1, "secrets": {"db": {"$file": "pw"}}}))
        (sealed,), = self.centre.sqlite("config").execute("SELECT sealed FROM secret WHERE name = 'db'")
        self.assertEqual(len(sealed), len("open-sesame") + 28)
        for path in (self.centre.data / "config").glob("config.db*"):
            self.assertNotIn(b"open-sesame", path.read_bytes())
        history = str(self.centre.sqlite("config").execute("SELECT * FROM history").fetchall())
        self.assertNotIn("open-sesame", history)
        self.assertNotIn("open-sesame", self.centre.logs())

    def test_a_sealed_value_may_stand_in_the_file_and_opens_under_its_name_only(self):
        sealed = json.loads(self.config("seal", "db", stdin="open-sesame\n").stdout)
        self.assertEqual(list(sealed), ["$enc"])
        self.config("apply", self.write("c", {"format": "cc-config", "version": 1, "secrets": {"db": sealed}}))
        file = {"format": "cc-config", "version": 1, "secrets": {"other": sealed}}
        failed = self.config("apply", self.write("c", file), expect=1)
        self.assertIn("secrets.other: was not sealed by this installation", failed.stderr)
        self.write("pw", "open-sesame")
        same = {"format": "cc-config", "version": 1, "secrets": {"db": {"$file": "pw"}}}
        self.config("plan", self.write("c", same), expect=0)  # it is the same value

    def test_variables_come_from_the_file_before_the_environment_and_a_missing_one_is_named(self):
        config = self.write("c", {"format": "cc-config", "version": 1, "hosts": [
            {"name": "h", "ipAddress": "${IXN_DB_PASSWORD}", "lcaPort": "${PORT:-5000}", "hostType": "${KIND}"}]})
        failed = self.config("plan", config, expect=1)
        self.assertIn("hosts[h].hostType: the variable KIND is not set", failed.stderr)
        values = self.write("values", "# of this site\nKIND = big\nIXN_DB_PASSWORD=10.0.0.1\n")
        self.config("apply", config, "--variables", values)
        host = [one for one in json.loads(self.config("export", "--types", "Host").stdout)["hosts"]
                if one["name"] == "h"]
        self.assertEqual(host, [{"name": "h", "ipAddress": "10.0.0.1", "lcaPort": 5000, "hostType": "big"}])

    def test_modes_and_leave_to_overwrite(self):
        def places(*rows):
            return self.write("p", {"format": "cc-config", "version": 1, "places": list(rows)})
        self.config("apply", places({"name": "a"}, {"name": "b"}), "--mode", "create-only")
        self.config("apply", places({"name": "a"}), "--mode", "create-only", expect=1)
        change = places({"name": "a", "site": "c"})
        self.assertIn("--overwrite", self.config("plan", change, expect=2).stderr)
        before = self.rev()
        self.config("apply", change, expect=1)
        self.assertEqual(self.rev(), before)
        self.config("apply", change, "--overwrite")
        self.config("apply", change, "--mode", "sync")
        self.assertEqual([one["name"] for one in json.loads(self.config("export").stdout)["places"]], ["a"])
        self.config("apply", change, "--mode", "wild", expect=1)
        self.config("plan", expect=1)
        self.config("wonder", expect=1)

    def test_F10_an_option_out_of_range_is_refused_by_section_and_name(self):
        def wait(seconds):
            return self.write("w", {"format": "cc-config", "version": 1, "applications": [
                {"name": "config", "annex": {"sml": {"suspending-wait-timeout": seconds}}}]})
        failed = self.config("apply", wait("4"), "--overwrite", expect=1)
        self.assertIn("CFGInvalidValue", failed.stderr)
        self.assertIn("annex.sml.suspending-wait-timeout", failed.stderr)
        self.config("apply", wait("5"), "--overwrite")

    def change(self, *ops, expect=0):
        done = self.centre.cli("ask", "config", "config.ChangeSet", json.dumps({"ops": [
            {**one, **({"value": json.dumps(one["value"])} if "value" in one else {})} for one in ops]}), check=False)
        self.assertEqual(done.returncode, expect, done)
        return done.stderr if expect else json.loads(done.stdout.splitlines()[-1])["fields"]

    def application(self, name):
        return next(one for one in json.loads(self.config("export").stdout)["applications"] if one["name"] == name)

    def test_F4_what_others_are_connected_to_goes_only_with_their_connection(self):
        self.change({"op": "create", "type": "Application", "value": {"name": "B", "type": "ThirdPartyServer"}},
                    {"op": "create", "type": "Application", "value": {
                        "name": "A", "type": "ThirdPartyServer", "connections": [{"server": "B"}]}})
        before, away = self.rev(), {"op": "delete", "type": "Application", "key": "B"}
        refused = self.change(away, expect=1)
        self.assertIn("used by applications[A].connections", refused)
        self.assertEqual(self.rev(), before)
        self.assertEqual(self.change({**away, "cascade": "unlink"})["rev"], before + 1)
        self.assertNotIn("connections", self.application("A"))

    def test_F5_of_three_operations_with_an_invalid_third_none_happens(self):
        before = self.rev()
        refused = self.change({"op": "create", "type": "Place", "value": {"name": "one"}},
                              {"op": "create", "type": "Place", "value": {"name": "two"}},
                              {"op": "create", "type": "Place", "value": {"name": "three", "capacityRule": "none/CapacityRule"}},
                              expect=1)
        self.assertIn('places[three].capacityRule: there is no Script "none/CapacityRule"', refused)
        self.assertEqual(self.rev(), before)
        self.assertNotIn("places", json.loads(self.config("export").stdout))

    def test_a_folder_is_made_moved_and_exported_with_what_is_in_it(self):
        self.config("apply", self.write("c", {"format": "cc-config", "version": 1, "skills": [
            {"name": "sales", "folder": "Trade/Retail"}]}))
        self.change({"op": "update", "type": "Folder", "key": "Trade", "value": {"path": "Commerce"}})
        exported = json.loads(self.config("export").stdout)
        self.assertEqual([one["path"] for one in exported["folders"]], ["Commerce", "Commerce/Retail"])
        self.assertEqual(exported["skills"], [{"name": "sales", "folder": "Commerce/Retail"}])

    def ask(self, message, **fields):
        return json.loads(self.centre.cli("ask", "config", f"config.{message}", json.dumps(fields)).stdout.splitlines()[-1])["fields"]

    def test_a_last_log_in_is_told_and_makes_no_revision(self):
        before = self.rev()
        self.assertEqual(self.ask("Read", type="PersonLastLogin").get("objects", []), [])
        self.ask("SetPassword", userName="default", newPassword="Correct-horse-9")
        self.ask("Authenticate", userName="default", password="Correct-horse-9", application="default")
        (told,) = self.ask("Read", type="PersonLastLogin")["objects"]
        body = json.loads(told["body"])
        self.assertEqual((body["person"], body["application"]), ("default", "default"))
        self.assertLess(abs(body["lastLogin"] / 1000 - time.time()), 60)
        self.assertEqual(self.rev(), before)
        self.assertNotIn("personLastLogins", json.loads(self.config("export").stdout))

    def test_what_does_not_fit_a_message_is_exported_in_pieces(self):
        for part in range(2):
            self.config("apply", self.write("big", json.dumps({"format": "cc-config", "version": 1, "places": [
                {"name": f"p{part}-{i}", "annex": {"s": {"o": "\u00e9" * 32_000}}} for i in range(150)]}, ensure_ascii=False)))
        exported = self.config("export").stdout
        self.assertGreater(len(exported.encode()), 16 * 1024 * 1024)
        self.assertEqual(len(json.loads(exported)["places"]), 300)

    def test_what_an_export_says_is_what_a_second_export_says_after_a_kill(self):
        self.config("apply", self.write("sample", SAMPLE % MISSING))
        before = self.config("export").stdout
        self.centre.kill("config")
        wait_until(lambda: self.centre.cli("config", "export", check=False).stdout == before,
                   what="the same export after the restart")


class Death(unittest.TestCase):
    install = Installation

    def test_what_was_acknowledged_is_there_after_each_kill_and_nothing_is_half(self):
        with self.install(base_config(), options={"restart-quick-time": "0"}) as centre:
            acknowledged, refused, stop = [], [], threading.Event()

            def write():
                number = 0
                while not stop.is_set():
                    number += 1
                    file = {"format": "cc-config", "version": 1, "places": [
                        {"name": f"p{number}-{part}"} for part in ("a", "b", "c")]}
                    done = centre.cli("config", "apply", "-", check=False, stdin=json.dumps(file))
                    (acknowledged if done.returncode == 0 else refused).append(number)

            writer = threading.Thread(target=write)
            writer.start()
            try:
                for kill in range(6):
                    wait_until(lambda kill=kill: len(acknowledged) >= 4 * (kill + 1), 30, what="more revisions")
                    centre.kill("config")
            finally:
                stop.set()
                writer.join()
            wait_until(lambda: centre.cli("config", "export", check=False).returncode == 0, what="config again")
            places = json.loads(centre.cli("config", "export").stdout)["places"]
            numbers = [int(re.match(r"p(\d+)-", one["name"])[1]) for one in places]
            self.assertLessEqual(set(acknowledged), set(numbers))
            for number in set(numbers):
                self.assertEqual(numbers.count(number), 3, "all three, or none")
            self.assertEqual(len({one["dbid"] for one in places}), len(places))
            store = centre.sqlite("config")
            revs = [rev for rev, in store.execute("SELECT DISTINCT rev FROM history ORDER BY rev")]
            self.assertEqual(revs, list(range(1, len(revs) + 1)), "no revision is missing")
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchone(), ("ok",))


class Subscriber(unittest.TestCase):
    install = Installation

    def test_F6_an_application_that_missed_changes_catches_up_without_reading_everything(self):
        config = base_config(agentGroups=[{"name": "g"}], campaigns=[{"name": "c"}])
        config["applications"].append({
            "name": "outbound", "template": "CMServer", "host": HOST,
            "options": {"log": {"verbose": "all", "all": "outbound"}},
            "ports": [{"id": "default", "number": 1}]})
        with self.install(config) as centre:
            self.apply(centre, 0)
            centre.kill("config")
            wait_until(lambda: centre.state("config") == "RUNNING", what="config again")
            for number in range(1, 4):
                self.apply(centre, number)
            rev = json.loads(centre.cli("config", "plan", "-", "--json", stdin=json.dumps(
                {"format": "cc-config", "version": 1})).stdout)["rev"]
            wait_until(lambda: re.search(rf"\brevision {rev}\b", centre.logs("outbound.*"), re.IGNORECASE),
                       what=f"revision {rev} at outbound")
            self.assertEqual(centre.metrics().get('carillon_config_resyncs_total{application="config"}', 0), 0)

    @staticmethod
    def apply(centre, number):
        centre.cli("config", "apply", "-", "--overwrite", stdin=json.dumps({
            "format": "cc-config", "version": 1,
            "campaigns": [{"name": "c", "description": f"change {number}"}]}))


class Cluster(unittest.TestCase):
    install = Installation

    def test_F9_nodes_read_what_their_cluster_says_until_they_say_it_themselves(self):
        def node(name, **options):
            return {"name": name, "template": "CMServer", "host": HOST, "connections": [{"server": "cluster"}],
                    "ports": [{"id": "default", "number": 1}],
                    "options": {"log": {"all": name, "verbose": "all", **options}}}
        config = base_config()
        config["applications"] += [node("node1"), node("node2"), {
            "name": "cluster", "template": "ApplicationCluster", "options": {"log": {"message-format": "json"}}}]
        with self.install(config) as centre:
            for name in ("node1", "node2"):
                self.wait_for_line(centre, name, "{")
            for changes in ({"applications": [{"name": "node1", "options": {"log": {"message-format": "full"}}}]},
                            {"hosts": [{"name": HOST, "hostType": "something to tell of"}]}):
                centre.cli("config", "apply", "-", "--overwrite", stdin=json.dumps(
                    {"format": "cc-config", "version": 1, **changes}))
            self.wait_for_line(centre, "node1", "20")  # ISO8601 begins with the year
            rev = json.loads(centre.cli("config", "plan", "-", "--json", stdin=json.dumps(
                {"format": "cc-config", "version": 1})).stdout)["rev"]
            wait_until(lambda: f"revision {rev}" in centre.logs("node2.2*").lower(), what=f"revision {rev} at node2")
            last = centre.logs("node2.2*").strip().splitlines()[-1]
            self.assertTrue(last.startswith("{"), last)

    @staticmethod
    def wait_for_line(centre, name, begin):
        wait_until(lambda: any(line.startswith(begin) for line in centre.logs(f"{name}.2*").splitlines()[-3:]),
                   what=f"a last line of {name} that begins with {begin}")
