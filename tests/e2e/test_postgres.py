# SPDX-License-Identifier: Apache-2.0
"""Config, outbound and web with their stores in a real PostgreSQL (framework 11, design 5)."""
import select
import contextlib
import http.client
import signal
import socket
import threading
import time
import unittest

from campaign import RETRIEVED, UPDATED, new_record
from databases import Postgres
from harness import rounds, wait_until
from postgres_centre import PostgresCentre
from steady_work import Working, end
from test_import import HEADER, line

SERVER = None
FROZEN_S, DEAD_S = rounds(5, 30), rounds(2.5, 30)


def setUpModule():
    global SERVER
    SERVER = Postgres().__enter__()


def tearDownModule():
    if SERVER:
        SERVER.close()


class Cable(threading.Thread):
    """A TCP relay to the server; what is cut stays open at both ends and carries nothing more."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = {}
        self.lock = threading.Lock()

    def cut(self):
        with self.lock:
            self.pairs = {}  # nobody closes them: they are kept below

    def run(self):
        kept = []
        while True:
            with self.lock:
                sockets = list(self.pairs)
            for one in select.select([self.listener, *sockets], [], [], 0.02)[0]:
                if one is self.listener:
                    client = one.accept()[0]
                    server = socket.create_connection(("127.0.0.1", self.server_port))
                    kept += [client, server]
                    with self.lock:
                        self.pairs.update({client: server, server: client})
                    continue
                with self.lock:
                    other = self.pairs.get(one)
                if other is None:
                    continue
                try:
                    data = one.recv(65536)
                    other.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    with self.lock:
                        self.pairs.pop(one, None)
                        self.pairs.pop(other, None)
                    one.close()
                    other.close()


class OnPostgres(Working, unittest.TestCase):
    time_limit = 400

    def test_a_list_is_worked_looked_up_and_survives_a_kill(self):
        with PostgresCentre(SERVER, web=True) as centre:
            group = centre.groups[0]
            for number in range(5):
                self.assertEqual(centre.add(group, f"1555010{number}", Other1=f"Ж{number}é")["GSW_CHAIN_ID"],
                                 number + 1)
            chain = centre.add_chain(group, "1", ["2", "3"])["GSW_CHAIN_ID"]
            self.assertEqual(len(centre.rows(group, "chain_id = ?", chain)), 3)
            record = centre.preview(group, "a1").json
            handle = record["GSW_RECORD_HANDLE"]
            self.assertEqual(centre.rows(group, "chain_id = ?", record["GSW_CHAIN_ID"])[0]["record_status"],
                             RETRIEVED)
            self.assertEqual(centre.record(handle, "UpdateCallCompletionStats", GSW_AGENT_ID="a1",
                                           Other1="Ы").status, 200)
            cancelled = centre.post("/phones/15550104", "RequestRecordCancel")
            self.assertEqual(cancelled.status, 200, cancelled)
            self.assertEqual(cancelled.json["GSW_RECORDS"], 1)
            barred = centre.post("/phones/15550103", "DoNotCall")
            self.assertEqual(barred.status, 200, barred)
            centre.kill("outbound")
            centre.wait_running()
            centre.wait_for_http()

            def is_taken():
                with contextlib.suppress(OSError, http.client.HTTPException):  # the one that dies may be asked
                    return centre.record(handle, "RecordProcessed", GSW_AGENT_ID="a1", GSW_CALL_RESULT=33).status == 200
            wait_until(is_taken, 20, 0.1, "it is taken")
            row = centre.rows(group, "chain_id = ?", record["GSW_CHAIN_ID"])[0]
            self.assertEqual((row["record_status"], row["other1"]), (UPDATED, "Ы"))
            centre.kill("config")
            centre.wait_running()
            self.assertIn("New database connection opened (connection ID: 1)", centre.logs("outbound*"))
            self.assertFalse((centre.data / "outbound/outbound.db").exists())
            self.assertFalse((centre.data / "config/config.db").exists())
            self.assertEqual(centre.select("select count(*) as n from object where type = 'CampaignGroup'",
                                           schema="config")[0]["n"], 1)

    def test_kill_9_of_outbound_and_config_under_load_loses_nothing(self):
        with PostgresCentre(SERVER) as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            workers = self.begin_work(centre, group)
            administrator = self.begin_administration(centre)
            for _ in range(rounds(2, 10)):
                centre.kill("outbound")
                centre.kill("config")
                centre.wait_running()
                centre.wait_for_http()
                self.expect_more([*workers, administrator])
            end([*workers, administrator])
            self.check(centre, group, workers)
            self.check_revisions(centre, administrator)

    def test_a_database_that_is_away_is_lived_through(self):
        with PostgresCentre(SERVER) as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            workers = self.begin_work(centre, group)
            for one in workers:
                one.waits.clear()
            administrator = self.begin_administration(centre)
            crew = [*workers, administrator]
            pids = [centre.pid(name) for name in ("outbound", "config")]

            self.addCleanup(SERVER.freeze, False)
            SERVER.freeze()  # it takes connections and answers nothing
            frozen = time.monotonic()
            time.sleep(3.5)
            began = time.monotonic()
            refused = centre.post(f"/lists/{group.list}", "AddRecord", **new_record("refused"))
            self.assertNotEqual(refused.status, 200, refused)
            self.assertLess(time.monotonic() - began, 10)
            self.assertEqual(centre.status(group)["GSW_STATE"], "started")  # reads of what is in memory
            self.config_only_reads(centre)
            time.sleep(max(0, FROZEN_S - (time.monotonic() - frozen)))
            SERVER.freeze(False)
            self.expect_more(crew)

            SERVER.kill()  # as a crash
            time.sleep(DEAD_S)
            for name in ("outbound", "config"):
                self.assertEqual(centre.state(name), "SERVICE_UNAVAILABLE")
            self.config_only_reads(centre)
            SERVER.start()
            self.expect_more(crew)
            for name in ("outbound", "config"):
                wait_until(lambda name=name: centre.state(name) == "RUNNING", 20, what=f"{name} says it is well")

            SERVER.stop(signal.SIGINT)  # in order
            SERVER.start()
            self.expect_more(crew)
            end(crew)
            self.check(centre, group, workers)
            self.check_revisions(centre, administrator)
            self.assertEqual([centre.pid(name) for name in ("outbound", "config")], pids)  # they lived through it
            # What was refused was refused soon; only who was in a commit waits for its end.
            waits = sorted(wait for one in workers for wait in one.waits)
            self.assertLess(waits[int(len(waits) * 0.9)], 10)
            self.assertIn("takes changes again", centre.logs("outbound*"))

    def config_only_reads(self, centre):
        """At once, and says why."""
        began = time.monotonic()
        self.assertIn('"campaigns"', centre.cli("config", "export").stdout)
        refused = centre.cli("config", "apply", "-", check=False,
                             stdin='{"format": "cc-config", "version": 1, "skills": [{"name": "refused"}]}')
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("can only be read for now", refused.stderr)
        self.assertLess(time.monotonic() - began, 10)

    def test_a_connection_that_is_cut_half_open_is_given_up(self):
        cable = Cable(SERVER.port)
        cable.start()
        with PostgresCentre(SERVER, port=cable.port) as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            workers = self.begin_work(centre, group)
            administrator = self.begin_administration(centre)
            for _ in range(rounds(1, 5)):
                cable.cut()
                self.expect_more([*workers, administrator])
            end([*workers, administrator])
            self.check(centre, group, workers)
            self.check_revisions(centre, administrator)

    def test_who_starts_while_it_is_away_waits_for_it_and_goes_on(self):
        names = ["config", "control", "outbound", "web"]
        with PostgresCentre(SERVER, web=True) as centre:
            group = centre.groups[0]
            centre.add(group, "15550190")
            SERVER.stop(signal.SIGINT)
            self.addCleanup(lambda: SERVER.process or SERVER.start())
            former = {name: centre.kill(name) for name in names}
            for name in names:
                wait_until(lambda name=name: "The database of the store cannot be had" in centre.logs(f"{name}*")
                           and centre.state(name) == "SERVICE_UNAVAILABLE", 30, 0.1, f"{name} says what it waits for")
            pids = {name: centre.pid(name) for name in names}
            self.assertFalse(set(pids.values()) & set(former.values()))
            self.assertEqual(centre.cli("config", "export", check=False).returncode, 1)
            SERVER.start()
            centre.wait_running(names)
            centre.wait_for_http()
            self.assertEqual({name: centre.pid(name) for name in names}, pids)  # nobody began anew
            for name in names:
                self.assertIn("The database of the store is there after", centre.logs(f"{name}*"))
            self.assertEqual([row["contact_info"] for row in centre.rows(group)], ["15550190"])
            centre.add(group, "15550191")

    def test_a_list_is_given_out_soon_after_it_came_in_though_nobody_else_analyses_it(self):
        count = 20_000  # PostgreSQL does so by itself, but a minute later; here never
        with PostgresCentre(SERVER) as centre:
            group = centre.groups[0]
            file = centre.folder / "list.csv"
            file.write_text(HEADER + "".join(line(f"1555{i:07}", f"k{i // 2}") for i in range(count)))
            centre.cli("import", "--list", group.list, "--all-or-nothing", str(file))
            centre.load_and_start(group)
            began = time.monotonic()
            self.assertEqual(centre.preview(group, "a1").status, 200)
            self.assertLess(time.monotonic() - began, 5)  # it walked the index of ready rows for each of them: 15 s
            wait_until(lambda: centre.select(f"select 1 as n from pg_class where relname = '{group.table}' "
                                             "and reltuples > 0"), what="it was analysed")

    def test_another_engine_is_refused_by_name(self):
        with PostgresCentre(SERVER, dbms="oracle", wait=False) as centre:
            wait_until(lambda: "this release keeps its data in postgresql or sqlite, not oracle"
                       in centre.logs("outbound*"), 20, what="the refusal")


if __name__ == "__main__":
    unittest.main()
