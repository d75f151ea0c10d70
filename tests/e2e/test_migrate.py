# SPDX-License-Identifier: Apache-2.0
"""carillon migrate: an installation moves from SQLite to PostgreSQL and back, and works on where it was."""
import copy
import json
import os
import unittest

from campaign import UPDATED, application
from databases import PASSWORD, USER, Postgres
from desktops import DesktopCentre
from harness import wait_until
from postgres_centre import PostgresCentre

APPLICATIONS = ("config", "control", "outbound", "web")
ANSWER = 33


class Migrate(unittest.TestCase):
    time_limit = 300

    def setUp(self):
        self.server = Postgres().__enter__()
        self.addCleanup(self.server.close)
        self.server.run("postgres", "create database bells encoding 'UTF8' template template0")
        self.place = f"postgresql://{USER}@127.0.0.1:{self.server.port}/bells"
        self.centre = DesktopCentre(environ={"PGPASSWORD": PASSWORD, "STORE_PASSWORD": PASSWORD})
        self.addCleanup(self.centre.close)
        self.centre.__enter__()
        self.group = self.centre.groups[0]

    def connect(self, is_there):
        """What the applications find when they start again: an access point, or none."""
        config = copy.deepcopy(self.centre.config)
        config["applications"].append({
            "name": "store", "template": "Database", "options": {"settings": {
                "dbms-type": "postgresql", "host": "127.0.0.1", "port": str(self.server.port),
                "database": "bells", "user": USER, "password": {"$secret": "store"}}}})
        config["secrets"] = {"store": {"$env": "STORE_PASSWORD"}}
        for name in ("control", "outbound", "web"):
            if is_there:
                application(config, name)["connections"].append({"server": "store"})
        path = self.centre.folder / "moved.jsonc"
        path.write_text(json.dumps(config))
        self.centre.cli("config", "apply", "--overwrite", str(path))

    def stop(self, is_postgres):
        """And say where config will find its own."""
        self.assertEqual(self.centre.stop(), 0)
        host = json.loads(self.centre.host_file.read_text())
        host["config"].pop("database", None)
        if is_postgres:
            host["config"]["database"] = f"host=127.0.0.1 port={self.server.port} dbname=bells user={USER}"
            with open(os.open(self.centre.data / "secret/config-database", os.O_WRONLY | os.O_CREAT, 0o600), "w",
                      encoding="utf-8") as file:
                file.write(PASSWORD + "\n")
        self.centre.host_file.write_text(json.dumps(host))

    def move(self, *place):
        for name in APPLICATIONS:
            said = self.centre.cli("migrate", name, *place).stdout
            self.assertIn("both places hold the same", said)
        return said

    def start(self):
        self.centre.start()
        self.centre.wait_running()
        self.centre.wait_for_http()

    def work_one(self, phone):
        record = self.centre.preview(self.group, "a2").json
        self.assertEqual(record["GSW_PHONE"], phone)
        return record

    def finish(self, record):
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_CALL_RESULT=ANSWER)
        self.assertEqual(answer.status, 200, answer)

    def test_an_installation_moves_to_postgresql_and_back(self):
        centre, group = self.centre, self.group
        for number in range(300):  # more than a page
            centre.add(group, f"1555{number:07}", Other1=f"Ж{number} é ✓")
        centre.load_and_start(group)
        record = self.work_one("15550000000")
        self.connect(True)
        exported = centre.cli("config", "export").stdout
        refused = centre.cli("migrate", "outbound", "--to", self.place, check=False)
        self.assertIn("is running; stop it first", refused.stderr)
        self.stop(True)
        self.move("--to", self.place)
        again = centre.cli("migrate", "outbound", "--to", self.place, check=False)
        self.assertIn("holds data already", again.stderr)
        for name in APPLICATIONS:
            (centre.data / name / f"{name}.db").rename(centre.data / name / "before.sqlite")
        self.start()
        self.assertEqual(centre.cli("config", "export").stdout, exported)
        self.finish(record)
        found = PostgresCentre.select(self, "select * from list_1 order by chain_id, chain_n")
        self.assertEqual(len(found), 300)
        self.assertEqual((found[0]["record_status"], found[0]["Other1".lower()]), (UPDATED, "Ж0 é ✓"))
        added = centre.add(group, "15559999999")
        self.assertEqual(added["GSW_CHAIN_ID"], 301, "numbers go on")
        record = self.work_one("15550000001")
        self.connect(False)
        self.stop(False)
        self.move("--from", self.place)
        self.start()
        self.finish(record)
        rows = centre.rows(group)
        self.assertEqual(len(rows), 301)
        self.assertEqual([row["record_status"] for row in rows[:2]], [UPDATED, UPDATED])
        self.assertEqual(centre.add(group, "15558888888")["GSW_CHAIN_ID"], 302)
        wait_until(lambda: centre.log_in("a1"), what="accounts came along")

    base = "bells"  # for PostgresCentre.select


if __name__ == "__main__":
    unittest.main()
