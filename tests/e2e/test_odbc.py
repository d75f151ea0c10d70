# SPDX-License-Identifier: Apache-2.0
"""Calling lists in a customer's own database, by ODBC: a real PostgreSQL, and SQLite (spec outbound 2.1,
3.2, 4, 5.3; design 5)."""
import contextlib
import json
import sqlite3
import time
import unittest

from campaign import READY, RETRIEVED, UPDATED, CHAIN_READY, Centre, new_group, new_record
from databases import PASSWORD, Postgres, SqliteDatabase, behind, rows, settled
from harness import wait_until

SERVER = None  # one PostgreSQL for all tests of OfPostgres
ANSWER_S = 10
BUSY = 6


class Lists:
    """What must hold whatever the database is."""
    bases = 0

    def new_database(self):
        raise NotImplementedError

    def setUp(self):
        self.base = self.new_database()
        self.addCleanup(self.base.close)

    def centre(self, **more):
        return Centre(amend=behind(self.base), environ={"CRM_PASSWORD": PASSWORD}, **more)

    def owed(self, centre):
        return centre.select("select * from foreign_write")

    def work(self, centre, group, agent, **keys):
        """One record from preview to its end; the preview's answer."""
        record = centre.preview(group, agent)
        self.assertEqual(record.status, 200, record)
        handle = record.json["GSW_RECORD_HANDLE"]
        answer = centre.record(handle, "RecordProcessed", GSW_AGENT_ID=agent, GSW_CALL_RESULT=33, **keys)
        self.assertEqual(answer.status, 200, answer)
        return record.json

    def test_a_list_is_created_worked_and_written_back(self):
        with self.centre() as centre:
            group = centre.groups[0]
            for number in range(3):
                added = centre.add(group, f"1555010{number}", Other1=f"Ж{number}é")
                self.assertEqual(added["GSW_CHAIN_ID"], number + 1)
            # Acknowledged while their database answers: it is there.
            found = rows(self.base, group.table)
            self.assertEqual([row["contact_info"] for row in found], ["15550100", "15550101", "15550102"])
            self.assertEqual(found[0]["other1"], "Ж0é")
            self.assertEqual({row["record_status"] for row in found}, {str(READY)})
            centre.load_and_start(group)
            record = centre.preview(group, "a1").json
            self.assertEqual((record["GSW_PHONE"], record["Other1"]), ("15550100", "Ж0é"))
            row = rows(self.base, group.table, "chain_id = 1")[0]
            self.assertEqual(row["record_status"], str(RETRIEVED))
            self.assertGreater(int(row["app_id"]), 0)
            handle = record["GSW_RECORD_HANDLE"]
            answer = centre.record(handle, "UpdateCallCompletionStats", GSW_AGENT_ID="a1", Other1="Ы")
            self.assertEqual(answer.status, 200, answer)
            answer = centre.record(handle, "RecordProcessed", GSW_AGENT_ID="a1", GSW_CALL_RESULT=33)
            self.assertEqual(answer.status, 200, answer)
            row = settled(self.base, group.table, f"record_status = {UPDATED}", 1)[0]
            self.assertEqual((row["other1"], row["call_result"], row["agent_id"]), ("Ы", "33", "a1"))
            status = centre.call("GET", f"/records/{handle}")
            self.assertEqual(status.json["GSW_RECORD_STATUS"], UPDATED, status)
            centre.order(group, "Unload")
            settled(self.base, group.table, f"record_status = {READY}", 2)
            wait_until(lambda: not self.owed(centre), ANSWER_S, what="nothing is owed")

    def test_chains_are_taken_whole_and_siblings_come_back(self):
        with self.centre() as centre:
            group = centre.groups[0]
            chain = centre.add(group, "1")["GSW_CHAIN_ID"]
            for number in (2, 3):
                added = centre.add(group, str(number), GSW_CHAIN_ID=chain)
                self.assertEqual(added["GSW_CHAIN_N"], number)
            taken = centre.post(f"/lists/{group.list}", "AddRecord",
                                **new_record("4", GSW_CHAIN_ID=chain, GSW_CHAIN_N=2))
            self.assertEqual(taken.status, 400, taken)
            centre.load_and_start(group)
            record = centre.preview(group, "a1").json
            self.assertEqual([row["record_status"] for row in rows(self.base, group.table)],
                             [str(RETRIEVED), str(CHAIN_READY), str(CHAIN_READY)])
            answer = centre.record(record["GSW_RECORD_HANDLE"], "RecordReject", GSW_AGENT_ID="a1")
            self.assertEqual(answer.status, 200, answer)
            # A fetch sees what was acknowledged before it.
            again = centre.preview(group, "a2")
            self.assertEqual((again.status, again.json["GSW_CHAIN_ID"]), (200, chain))

    def test_a_filter_chooses_and_orders_rows_that_others_put_in(self):
        def amend(config):
            behind(self.base)(config)
            config["filters"] = [{"name": "F", "format": config["formats"][0]["name"], "annex": {
                "default": {"criteria": "Other1 <> 'never'", "order_by": "Other1 DESC"}}}]
            config["callingLists"][0]["filter"] = "F"
        with Centre(amend=amend, environ={"CRM_PASSWORD": PASSWORD}) as centre:
            group = centre.groups[0]
            centre.add(group, "1", Other1="a")
            self.base.sql(f"insert into {group.table} (record_id, contact_info, contact_info_type, "
                          "record_type, record_status, call_result, attempt, daily_from, daily_till, "
                          "tz_dbid, chain_id, chain_n, other1) select chain_id + 100, 'theirs', 4, 2, 1, "
                          "28, 0, 0, 86400, tz_dbid, chain_id + 1, 1, 'z' "
                          f"from {group.table} union all select 300, 'not', 4, 2, 1, 28, 0, 0, 86400, "
                          f"tz_dbid, 50, 1, 'never' from {group.table}")
            # Their chain has the number that ours would have had.
            self.assertEqual(centre.add(group, "2", Other1="m")["GSW_CHAIN_ID"], 51)
            centre.load_and_start(group)
            phones = [self.work(centre, group, "a1")["GSW_PHONE"] for _ in range(3)]
            self.assertEqual(phones, ["theirs", "2", "1"])
            self.assertEqual(centre.preview(group, "a1").status, 404)
            self.assertEqual(rows(self.base, group.table, "chain_id = 50")[0]["record_status"], str(READY))

    def test_a_table_of_another_structure_is_refused_in_words(self):
        with self.centre() as centre:
            group = centre.groups[0]
            self.base.sql(f"create table {group.table} (chain_id integer, chain_n integer)")
            answer = centre.order(group, "Load")
            self.assertGreaterEqual(answer.status, 400)
            self.assertIn("has 2 columns", str(answer.json))
            wait_until(lambda: "cannot be loaded: " in centre.logs("outbound*"), what="the words in the log")
            self.base.sql(f"drop table {group.table}")
            self.base.sql(f"create table {group.table} (record_id varchar(10))")
            answer = centre.order(group, "Load")
            self.assertIn("record_id", str(answer.json))
            self.base.sql(f"drop table {group.table}")
            self.assertEqual(centre.order(group, "Load").status, 200)

    def test_a_killed_outbound_gives_back_its_buffer_and_keeps_what_agents_have(self):
        with self.centre() as centre:
            group = centre.groups[0]
            for number in range(10):
                centre.add(group, str(number))
            centre.load_and_start(group)
            mine = centre.preview(group, "a1").json
            settled(self.base, group.table, f"record_status = {RETRIEVED}", 10)
            centre.kill("outbound")
            settled(self.base, group.table, "call_result = 46", 9)
            row = rows(self.base, group.table, f"chain_id = {mine['GSW_CHAIN_ID']}")[0]
            self.assertEqual((row["record_status"], row["call_result"]), (str(RETRIEVED), "28"))
            centre.wait_running(["outbound"])
            centre.wait_for_http()
            answer = centre.record(mine["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1",
                                   GSW_CALL_RESULT=33)
            self.assertEqual(answer.status, 200, answer)
            for _ in range(9):
                self.work(centre, group, "a2")
            settled(self.base, group.table, f"record_status = {UPDATED}", 10)


    def test_treatments_move_through_a_chain_and_survive_a_restart(self):
        def amend(config):
            behind(self.base)(config)
            config["treatments"] = [
                {"name": "again", "callResult": BUSY, "recActionCode": "Redial", "attempts": 1},
                {"name": "next", "callResult": BUSY, "sequence": 2, "recActionCode": "NextInChain",
                 "attempts": 1}]
            config["callingLists"][0]["treatments"] = ["again", "next"]
        with Centre(amend=amend, environ={"CRM_PASSWORD": PASSWORD}) as centre:
            group = centre.groups[0]
            chain = centre.add(group, "1")["GSW_CHAIN_ID"]
            centre.add(group, "2", GSW_CHAIN_ID=chain)
            centre.load_and_start(group)
            for phone, statuses in (("1", [RETRIEVED, CHAIN_READY]), ("1", [UPDATED, RETRIEVED])):
                record = centre.preview(group, "a1").json
                self.assertEqual(record["GSW_PHONE"], phone)
                answer = centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1",
                                       GSW_CALL_RESULT=BUSY, GSW_TREATMENT="RecordTreatCampaign")
                self.assertEqual(answer.status, 200, answer)
                wait_until(lambda: not self.owed(centre), ANSWER_S, what="nothing is owed")
                found = rows(self.base, group.table)
                self.assertEqual([int(row["record_status"]) for row in found], statuses)
            self.assertEqual(len({row["app_id"] for row in found}), 1)  # the hold has passed on
            centre.kill("outbound")
            wait_until(lambda: not centre.is_http_open(), ANSWER_S, what="it is gone")
            centre.wait_for_http()
            record = centre.preview(group, "a2").json
            self.assertEqual(record["GSW_PHONE"], "2")
            answer = centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a2",
                                   GSW_CALL_RESULT=33)
            self.assertEqual(answer.status, 200, answer)
            found = settled(self.base, group.table, f"record_status = {UPDATED}", 2)
            self.assertEqual([row["call_result"] for row in found], [str(BUSY), "33"])

    def test_do_not_call_and_cancel_reach_rows_that_wait_and_rows_in_hand(self):
        with self.centre() as centre:
            group = centre.groups[0]
            for phone in ("15550201", "15550202", "15550203", "15550204"):
                centre.add(group, phone)
            answer = centre.post("/phones/15550201", "DoNotCall")
            self.assertEqual(answer.status, 200, answer)
            answer = centre.post("/phones/15550202", "RequestRecordCancel")
            self.assertEqual(answer.status, 200, answer)
            row = settled(self.base, group.table, "record_type = 7", 1)[0]
            self.assertEqual((row["contact_info"], row["record_status"], row["call_result"]),
                             ("15550201", str(UPDATED), "51"))
            settled(self.base, group.table, "record_status = 5 and call_result = 52", 1)
            centre.load_and_start(group)
            record = centre.preview(group, "a1").json
            self.assertEqual(record["GSW_PHONE"], "15550203")
            answer = centre.post("/phones/15550203", "RequestRecordCancel")
            self.assertEqual(answer.status, 200, answer)
            settled(self.base, group.table, "record_status = 5 and call_result = 52", 2)
            answer = centre.post("/phones/15550204", "DoNotCall")
            self.assertEqual(answer.status, 200, answer)
            settled(self.base, group.table, "record_type = 7", 2)
            self.assertEqual(centre.preview(group, "a1").status, 404)


class OfPostgres(Lists, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        global SERVER
        SERVER = cls.enterClassContext(Postgres())

    def away(self):
        """PostgreSQL is killed, and comes back when the test ends at the latest."""
        SERVER.kill()
        self.addCleanup(self.back)

    def back(self):
        if SERVER.process is None:
            SERVER.start()

    def test_what_is_done_while_the_database_is_away_is_carried_out_when_it_is_back(self):
        with self.centre() as centre:
            group = centre.groups[0]
            for number in range(4):
                centre.add(group, str(number))
            centre.load_and_start(group)
            mine = centre.preview(group, "a1").json
            settled(self.base, group.table, f"record_status = {RETRIEVED}", 4)
            self.away()
            answer = centre.record(mine["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1",
                                   GSW_CALL_RESULT=33, Other1="Ж")
            self.assertEqual(answer.status, 200, answer)
            self.work(centre, group, "a2")  # from the buffer
            added = centre.add(group, "new")
            self.assertEqual(added["GSW_CHAIN_ID"], 5)
            # Of a chain in the table it can tell nothing: refused, not guessed.
            answer = centre.post(f"/lists/{group.list}", "AddRecord", **new_record("x", GSW_CHAIN_ID=5))
            self.assertEqual(answer.status, 503, answer)
            for _ in range(3):  # what is buffered goes on, then there is nothing
                answer = centre.preview(group, "a3")
            self.assertEqual(answer.status, 404, answer)
            wait_until(lambda: centre.status(group).get("GSW_SYSTEM_ERROR"), ANSWER_S,
                       what="the group reports its trouble")
            self.assertEqual(len(self.owed(centre)), 3)  # two ends, one new
            # A restart in between changes nothing but that records wait.
            centre.kill("outbound")
            wait_until(lambda: not centre.is_http_open(), ANSWER_S, what="it is gone")
            centre.wait_for_http()
            held = self.handles(centre)
            answer = centre.record(held[0], "RecordProcessed", GSW_AGENT_ID="a3", GSW_CALL_RESULT=7)
            self.assertEqual(answer.status, 503, answer)
            self.back()
            found = settled(self.base, group.table, f"record_status = {UPDATED}", 2, 40)
            self.assertEqual((found[0]["other1"], found[0]["call_result"]), ("Ж", "33"))
            settled(self.base, group.table, "contact_info = 'new' and chain_id = 5", 1)
            wait_until(lambda: not self.owed(centre), ANSWER_S, what="nothing is owed")

            def answered():
                return centre.record(held[0], "RecordProcessed", GSW_AGENT_ID="a3",
                                     GSW_CALL_RESULT=7).status == 200
            wait_until(answered, 40, 0.2, "the agent's record is back")
            self.assertEqual(centre.preview(group, "a4").json["GSW_PHONE"], "new")

    def test_a_database_that_says_nothing_keeps_nobody_waiting(self):
        self.base.access_point["query-timeout"] = "1"
        with self.centre() as centre:
            group = centre.groups[0]
            for number in range(3):
                centre.add(group, str(number))
            centre.load_and_start(group)
            mine = centre.preview(group, "a1").json
            settled(self.base, group.table, f"record_status = {RETRIEVED}", 3)
            SERVER.freeze()
            self.addCleanup(SERVER.freeze, False)
            began = time.monotonic()
            answer = centre.record(mine["GSW_RECORD_HANDLE"], "RecordProcessed", GSW_AGENT_ID="a1",
                                   GSW_CALL_RESULT=33)
            self.assertEqual(answer.status, 200, answer)
            self.work(centre, group, "a2")
            self.work(centre, group, "a3")
            self.assertLess(time.monotonic() - began, 2)
            self.assertEqual(centre.add(group, "new")["GSW_CHAIN_ID"], 4)
            self.assertEqual(centre.preview(group, "a4").status, 404)
            self.assertLess(time.monotonic() - began, 9)
            SERVER.freeze(False)
            settled(self.base, group.table, f"record_status = {UPDATED}", 3, 30)
            wait_until(lambda: centre.preview(group, "a4").status == 200, 30, 0.1, "the new one is there")

    def test_a_cancel_that_cannot_be_carried_out_is_not_acknowledged(self):
        with self.centre() as centre:
            group = centre.groups[0]
            centre.add(group, "15550210")
            self.away()
            for path in ("/phones/15550210", "/phones/15550210"):  # the second knows that it is away
                answer = centre.post(path, "RequestRecordCancel")
                self.assertEqual((answer.status, answer.json.get("GSW_ERROR")), (503, 10), answer)
            self.assertEqual(centre.post("/phones/15550210", "DoNotCall").status, 200)
            self.back()

            def cancelled():
                return centre.post("/phones/15550210", "RequestRecordCancel").status == 200
            wait_until(cancelled, 40, 0.2, "the database is back")
            settled(self.base, group.table, "record_status = 5 and call_result = 52", 1)

    def test_a_number_blocked_while_its_record_waits_is_taken_from_the_agent(self):
        with self.centre() as centre:
            group = centre.groups[0]
            centre.add(group, "15550220")
            centre.load_and_start(group)
            self.assertEqual(centre.preview(group, "a1").json["GSW_PHONE"], "15550220")
            self.away()
            centre.kill("outbound")
            wait_until(lambda: not centre.is_http_open(), ANSWER_S, what="it is gone")
            centre.wait_for_http()
            self.assertEqual(centre.post("/phones/15550220", "DoNotCall").status, 200)
            waiting, = self.shown_to(centre, "a1")
            self.assertTrue(waiting["GSW_IS_WAITING"])
            self.back()
            row = settled(self.base, group.table, "record_type = 7", 1, 40)[0]
            self.assertEqual((row["record_status"], row["call_result"]), (str(UPDATED), "51"))
            wait_until(lambda: self.shown_to(centre, "a1") == [], ANSWER_S, what="it is hers no more")

    def test_a_restart_while_a_table_is_locked_leaves_other_lists_at_work(self):
        groups = [new_group(1), new_group(2)]

        def amend(config):
            behind(self.base)(config)
            del config["tableAccesses"][1]["dbAccess"]
        self.base.access_point["query-timeout"] = "30"
        with Centre(groups, options={"G2": {"check_dnc_list": False}}, amend=amend,
                    environ={"CRM_PASSWORD": PASSWORD}) as centre:
            centre.add(groups[0], "theirs")
            centre.add(groups[1], "ours")
            for group in groups:
                centre.load_and_start(group)
            held = centre.preview(groups[0], "a1").json["GSW_RECORD_HANDLE"]
            lock = self.enterContext(SERVER.locked(self.base.name, groups[0].table))
            old = centre.pid("outbound")
            centre.kill("outbound")
            wait_until(lambda: centre.pid("outbound") not in (old, None), ANSWER_S, what="it runs again")
            new = centre.pid("outbound")
            centre.wait_running(["outbound"])  # until then the former HTTP Proxy may answer
            centre.wait_for_http(15)
            self.assertEqual(centre.pid("outbound"), new, "it ended once more")
            self.work(centre, groups[1], "a2")
            answer = centre.record(held, "UpdateCallCompletionStats", GSW_AGENT_ID="a1")
            self.assertEqual(answer.status, 503, answer)
            waiting, = self.shown_to(centre, "a1")
            self.assertEqual((waiting["GSW_RECORD_HANDLE"], waiting["GSW_IS_WAITING"]), (held, True))
            self.assertNotIn("GSW_PHONE", waiting)
            lock.kill()

            def answered():
                return centre.record(held, "UpdateCallCompletionStats", GSW_AGENT_ID="a1").status == 200
            wait_until(answered, 40, 0.2, "the agent's record is back")
            back, = self.shown_to(centre, "a1")
            self.assertEqual((back["GSW_RECORD_HANDLE"], back["GSW_PHONE"]), (held, "theirs"))
            self.assertNotIn("GSW_IS_WAITING", back)

    def shown_to(self, centre, agent):
        asked = json.dumps({"GSW_AGENT_ID": agent})
        return json.loads(centre.cli("ask", "outbound", "DesktopSnapshot", asked).stdout)["fields"]["Records"]

    def handles(self, centre):
        return [row["handle_base"] for row in
                centre.select("select handle_base from round where state = 1 order by handle_base")]

    def test_a_password_that_is_wrong_is_told_and_nothing_else_suffers(self):
        groups = [new_group(1), new_group(2)]

        def amend(config):
            behind(self.base)(config)
            del config["tableAccesses"][1]["dbAccess"]
        with Centre(groups, amend=amend, environ={"CRM_PASSWORD": "wrong"}) as centre:
            answer = centre.order(groups[0], "Load")
            self.assertEqual(answer.status, 409, answer)
            self.assertIn("password authentication failed", str(answer.json))
            self.assertNotIn("wrong", str(answer.json))
            centre.add(groups[1], "1")
            centre.load_and_start(groups[1])
            self.work(centre, groups[1], "a1")

    def new_database(self):
        Lists.bases += 1
        return SERVER.create(f"crm_{Lists.bases}")


class OfSqlite(Lists, unittest.TestCase):
    def new_database(self):
        return SqliteDatabase()


class Encoding(unittest.TestCase):
    """The option `encoding`: how texts stand in a list's own table; HTTP is UTF-8 (spec outbound 14.1)."""

    def stored(self, centre, group):
        return [row["bytes"] for row in centre.select(
            f"select hex(cast(Other1 as blob)) as bytes from {group.table} order by record_id")]

    def test_scenario_8_without_encoding_texts_are_stored_as_utf_8(self):
        with Centre() as centre:
            group = centre.groups[0]
            centre.add(group, "1", Other1="Ж")
            self.assertEqual(self.stored(centre, group), ["D096"])

    def test_scenario_9_with_encoding_texts_are_stored_in_its_set_and_sent_as_utf_8(self):
        with Centre(application_options={"OCServer": {"encoding": "ISO-8859-1"}}) as centre:
            group = centre.groups[0]
            centre.add(group, "1", Other1="é")
            self.assertEqual(self.stored(centre, group), ["E9"])
            # What has no place in the set is refused, with the field's name.
            answer = centre.post(f"/lists/{group.list}", "AddRecord", **new_record("2", Other1="Ж"))
            self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (400, 2), answer)
            self.assertIn("Other1", answer.json["GSW_ERROR_TEXT"])
            centre.load_and_start(group)
            record = centre.preview(group, "a1")
            self.assertIn("é".encode(), record.body)
            handle = record.json["GSW_RECORD_HANDLE"]
            answer = centre.record(handle, "UpdateCallCompletionStats", GSW_AGENT_ID="a1", Other1="ü")
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.stored(centre, group), ["FC"])
            answer = centre.record(handle, "UpdateCallCompletionStats", GSW_AGENT_ID="a1", Other1="Ж")
            self.assertEqual(answer.status, 400, answer)
            # Back from a restart it is what it was.
            centre.kill("outbound")
            wait_until(lambda: not centre.is_http_open(), ANSWER_S, what="it is gone")
            centre.wait_for_http()
            answer = centre.record(handle, "RecordProcessed", GSW_AGENT_ID="a1", GSW_CALL_RESULT=33)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.stored(centre, group), ["FC"])

    def test_a_list_or_its_table_access_may_have_a_set_of_its_own(self):
        groups = [new_group(1), new_group(2), new_group(3)]

        def amend(config):
            config["tableAccesses"][0]["annex"] = {"OCServer": {"encoding": "windows-1251"}}
            config["callingLists"][1]["annex"] = {"default": {"encoding": "ISO-8859-15"}}
            config["callingLists"][2]["annex"] = {"default": {"encoding": "no-such-set"}}
        with Centre(groups, amend=amend) as centre:
            centre.add(groups[0], "1", Other1="Ж")
            self.assertEqual(self.stored(centre, groups[0]), ["C6"])
            centre.add(groups[1], "1", Other1="€")
            self.assertEqual(self.stored(centre, groups[1]), ["A4"])
            answer = centre.post("/lists/L3", "AddRecord", **new_record("1"))
            self.assertGreaterEqual(answer.status, 400, answer)
            self.assertIn("no-such-set", answer.json["GSW_ERROR_TEXT"])

    def test_a_byte_that_means_nothing_is_shown_as_such(self):
        with Centre(application_options={"OCServer": {"encoding": "US-ASCII"}}) as centre:
            group = centre.groups[0]
            centre.add(group, "1", Other1="ab")
            path = next((centre.data / "outbound").glob("*.db"))
            with contextlib.closing(sqlite3.connect(path, timeout=10)) as base, base:
                base.execute(f"update {group.table} set Other1 = cast(x'61E962' as text)")
            centre.load_and_start(group)
            self.assertEqual(centre.preview(group, "a1").json["Other1"], "a\ufffdb")


if __name__ == "__main__":
    unittest.main()
