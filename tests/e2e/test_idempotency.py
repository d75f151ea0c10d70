# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: the same key asks for the same effect once (design 6)."""
import concurrent.futures
import contextlib
import http.client
import json
import random
import sqlite3
import threading
import time
import unittest
import uuid

from campaign import Centre, new_record
from databases import PASSWORD, SqliteDatabase, behind, rows
from harness import http_call, rounds, wait_until


def keyed(centre, path, req, key, timeout=10, **keys):
    return http_call(centre.http_port, "POST", f"{path}?req={req}", keys, {"Idempotency-Key": key}, timeout)


def keyed_until_there(*arguments, **keys):
    """Repeats while outbound is not back: that is what keys are for."""
    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer = keyed(*arguments, **keys)
            return answer if answer.status != 503 else None
    return wait_until(ask, 10, every=0.05, what="outbound answers")


def seen(answer):
    """What a client sees of an answer: status, body, ETag."""
    return answer.status, answer.body, answer.headers["ETag"]


class Repeats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = Centre(groups=2)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.group, cls.idle = cls.centre.groups
        cls.centre.load_and_start(cls.group)

    def add(self, phone, key, **keys):
        return keyed(self.centre, f"/lists/{self.group.list}", "AddRecord", key, **new_record(phone, **keys))

    def preview(self, key, agent="a1"):
        return wait_until(lambda: (one := keyed(self.centre, f"/campaigngroups/{self.group.dbid}",
                                                "PreviewRecordRequest", key, GSW_AGENT_ID=agent)).status == 200
                          and one, 5, what="a record")

    def repeated(self):
        return sum(value for name, value in self.centre.metrics().items() if "requests_repeated" in name)

    def test_a_row_is_added_once(self):
        first = self.add("15551000", "key-1")
        self.assertEqual(first.status, 200, first)
        for _ in range(3):
            self.assertEqual(seen(self.add("15551000", "key-1")), seen(first))
        self.assertEqual(len(self.centre.rows(self.group, "contact_info = '15551000'")), 1)
        other = self.add("15551000", "key-2")
        self.assertNotEqual(other.json["GSW_CHAIN_ID"], first.json["GSW_CHAIN_ID"])

    def test_another_request_with_the_same_key_is_refused(self):
        self.assertEqual(self.add("15551001", "key-3").status, 200)
        answer = self.add("15551002", "key-3")
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (409, 11))
        self.assertIn("Idempotency-Key: the key was used for another request", answer.json["GSW_ERROR_TEXT"])
        answer = keyed(self.centre, f"/campaigngroups/{self.idle.dbid}", "Load", "key-3")
        self.assertEqual(answer.status, 409)
        self.assertEqual(self.centre.rows(self.group, "contact_info = '15551002'"), [])

    def test_a_preview_gives_one_record_and_its_end_is_told_again(self):
        for i in range(3):
            self.centre.add(self.group, f"1555110{i}")
        first = self.preview("preview-1")
        again = keyed(self.centre, f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest", "preview-1",
                      GSW_AGENT_ID="a1")
        self.assertEqual(seen(again), seen(first))
        other = self.preview("preview-2")
        self.assertNotEqual(other.json["GSW_RECORD_HANDLE"], first.json["GSW_RECORD_HANDLE"])
        path = f"/records/{first.json['GSW_RECORD_HANDLE']}"
        for req, key, keys in (("UpdateCallCompletionStats", "update-1", {"Other1": "first"}),
                               ("RecordProcessed", "processed-1", {"GSW_CALL_RESULT": 33})):
            done = keyed(self.centre, path, req, key, **keys)
            self.assertEqual((done.status, done.json["GSW_USER_EVENT"]), (200, f"{req}Acknowledge"))
            self.assertEqual(done.headers["ETag"], first.json["GSW_CALL_ATTEMPT_GUID"])
            self.assertEqual(seen(keyed(self.centre, path, req, key, **keys)), seen(done))
        answer = keyed(self.centre, path, "RecordProcessed", "processed-2", GSW_CALL_RESULT=33)
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (409, 6))
        rejected = keyed(self.centre, f"/records/{other.json['GSW_RECORD_HANDLE']}", "RecordReject", "reject-1")
        self.assertEqual(rejected.status, 200)
        self.assertEqual(seen(keyed(self.centre, f"/records/{other.json['GSW_RECORD_HANDLE']}", "RecordReject",
                                    "reject-1")), seen(rejected))

    def test_an_order_is_carried_out_once(self):
        path = f"/campaigngroups/{self.idle.dbid}"
        first = keyed(self.centre, path, "Load", "load-1")
        self.assertEqual(first.status, 200, first)
        self.assertEqual(self.centre.order(self.idle, "Unload").status, 200)
        wait_until(lambda: self.centre.status(self.idle)["GSW_STATE"] == "null", 5, what="unloaded")
        self.assertEqual(seen(keyed(self.centre, path, "Load", "load-1")), seen(first))
        self.assertEqual(self.centre.status(self.idle)["GSW_STATE"], "null")

    def test_what_was_refused_is_judged_anew(self):
        path = f"/campaigngroups/{self.idle.dbid}"
        self.assertEqual(keyed(self.centre, path, "Start", "start-1", GSW_DIAL_MODE=3).status, 409)
        self.assertEqual(self.centre.order(self.idle, "Load").status, 200)
        self.assertEqual(keyed(self.centre, path, "Start", "start-1", GSW_DIAL_MODE=3).status, 200)
        for req in "Stop", "Unload":
            self.assertEqual(self.centre.order(self.idle, req).status, 200)
        wait_until(lambda: self.centre.status(self.idle)["GSW_STATE"] == "null", 5, what="unloaded")

    def test_many_at_once_are_one(self):
        before = self.repeated()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.add("15551200", "crowd"), range(12)))
        self.assertEqual({seen(one) for one in answers}, {seen(answers[0])})
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(len(self.centre.rows(self.group, "contact_info = '15551200'")), 1)
        wait_until(lambda: self.repeated() - before >= 11, 15, every=0.5, what="the counter")

    def test_a_crowd_behind_one_key_is_bounded(self):
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(lambda _: self.add("15551201", "big-crowd"), range(60)))
        self.assertLessEqual({one.status for one in answers}, {200, 409})
        self.assertEqual(len({one.body for one in answers if one.status == 200}), 1)
        self.assertEqual(len(self.centre.rows(self.group, "contact_info = '15551201'")), 1)

    def test_a_key_has_1_to_255_visible_characters(self):
        for key in "", "k" * 256, "two words", "tab\there", "\xe9":
            answer = self.add("15551300", key.encode("latin-1"))
            self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (400, 2), key)
            self.assertIn("Idempotency-Key", answer.json["GSW_ERROR_TEXT"])
        self.assertEqual(self.centre.rows(self.group, "contact_info = '15551300'"), [])
        self.assertEqual(self.add("15551301", "k" * 255).status, 200)

    def test_reads_need_no_key_and_keep_none(self):
        count = "select count(*) as n from idempotency"
        before = self.centre.select(count)[0]["n"]
        for _ in range(2):
            answer = http_call(self.centre.http_port, "GET", f"/campaigngroups/{self.group.dbid}",
                               headers={"Idempotency-Key": "read"})
            self.assertEqual(answer.status, 200)
        self.centre.add(self.group, "15551400")
        self.assertEqual(self.centre.select(count)[0]["n"], before)


class Bounds(unittest.TestCase):
    def test_keys_are_forgotten_after_a_day_and_refused_when_too_many_are_kept(self):
        with Centre() as centre:
            group = centre.groups[0]
            path, body = f"/lists/{group.list}", new_record("15557000")
            first = keyed(centre, path, "AddRecord", "mine", **body)
            self.assertEqual(first.status, 200)
            hour_ms, now_ms = 3600 * 1000, int(time.time() * 1000)

            def change_keys(rows):
                centre.cli("stop", "outbound")
                with contextlib.closing(sqlite3.connect(centre.data / "outbound/outbound.db")) as base, base:
                    base.executemany("insert into idempotency values ('http', ?, 1, 1, '', x'80', ?, ?)", rows)
                centre.cli("start", "outbound")
                centre.wait_running()
                centre.wait_for_http()

            def kept():
                return {row["key"] for row in centre.select("select key from idempotency")}
            change_keys([(f"old-{i}", now_ms - 24 * hour_ms - 60000, 100) for i in range(5000)] +
                        [("young", now_ms - 23 * hour_ms, 100)])
            wait_until(lambda: kept() == {"mine", "young"}, 10, every=0.1, what="old keys are forgotten")
            # Crowded: those of a day go, those of the last hour stay, and no more come in.
            change_keys([("huge", now_ms, 2 * 1024 ** 3)])
            wait_until(lambda: kept() == {"mine", "huge"}, 10, every=0.1, what="the older key is forgotten")
            refused = keyed_until_there(centre, path, "AddRecord", "another", **body)
            self.assertEqual((refused.status, refused.json["GSW_ERROR"]), (409, 12), refused)
            self.assertEqual(seen(keyed(centre, path, "AddRecord", "mine", **body)), seen(first))
            self.assertEqual(centre.post(path, "AddRecord", **body).status, 200)  # without a key
            self.assertEqual(len(centre.rows(group)), 2)


class CustomersDatabase(unittest.TestCase):
    def test_a_row_is_added_once_and_what_their_database_refuses_is_not_kept(self):
        base = SqliteDatabase()
        self.addCleanup(base.close)
        with Centre(amend=behind(base), environ={"CRM_PASSWORD": PASSWORD}) as centre:
            group = centre.groups[0]
            path = f"/lists/{group.list}"
            first = keyed(centre, path, "AddRecord", "theirs-1", **new_record("1"))
            self.assertEqual(first.status, 200, first)
            for _ in range(3):
                self.assertEqual(seen(keyed(centre, path, "AddRecord", "theirs-1", **new_record("1"))), seen(first))
            self.assertEqual(len(rows(base, group.table)), 1)
            chain = first.json["GSW_CHAIN_ID"]
            for key in "theirs-2", "theirs-2", "theirs-3":  # the place is taken
                taken = keyed(centre, path, "AddRecord", key, **new_record("2", GSW_CHAIN_ID=chain, GSW_CHAIN_N=1))
                self.assertEqual((taken.status, taken.json["GSW_ERROR"]), (400, 2), taken)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: keyed(centre, path, "AddRecord", "theirs-4",
                                                        **new_record("4", GSW_CHAIN_ID=chain, GSW_CHAIN_N=1)),
                                        range(8)))
            self.assertEqual({one.status for one in answers}, {400})
            # What is owed to their database has its key until they refuse it; then the key goes, soon.
            wait_until(lambda: centre.select("select key from idempotency") == [{"key": "theirs-1"}],
                       what="the keys of refused rows are gone")
            base.sql(f"delete from {group.table}")
            again = keyed(centre, path, "AddRecord", "theirs-2", **new_record("2", GSW_CHAIN_ID=chain, GSW_CHAIN_N=1))
            self.assertEqual(again.status, 200, again)
            self.assertEqual([row["contact_info"] for row in rows(base, group.table)], ["2"])


class Crashes(unittest.TestCase):
    def test_after_kill_9_every_key_has_its_effect_once_and_its_first_answer(self):
        """Clients that repeat what they got no answer to; outbound dies in between, again and again."""
        with Centre() as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            answers, stop = {}, threading.Event()

            def add_on_and_on(number):
                chance = random.Random(number)
                while not stop.is_set():
                    key = str(uuid.uuid4())
                    phone = f"1{chance.randrange(10**9, 10**10)}"
                    body = json.dumps(new_record(phone, Other1=key))
                    while True:  # until it is answered, also past the end of the test's time
                        try:
                            answer = http_call(centre.http_port, "POST", f"/lists/{group.list}?req=AddRecord",
                                               body, {"Idempotency-Key": key, "Content-Type": "application/json"}, 5)
                        except (OSError, http.client.HTTPException):
                            time.sleep(0.05)
                            continue
                        if answer.status in (503, 504):
                            time.sleep(0.05)
                            continue
                        answers[key] = (answer.status, answer.body, body)
                        break

            workers = [threading.Thread(target=add_on_and_on, args=(number,)) for number in range(6)]
            for worker in workers:
                worker.start()
            for _ in range(rounds(3, 40)):
                time.sleep(random.uniform(0.2, 0.5))
                centre.kill("outbound")
                wait_until(lambda: centre.state("outbound") == "RUNNING", 20, what="outbound is back")
                centre.wait_for_http()
            time.sleep(0.3)
            stop.set()
            for worker in workers:
                worker.join(30)
                self.assertFalse(worker.is_alive())
            stored = {}
            for row in centre.rows(group):
                stored.setdefault(row["Other1"], []).append(row)
            self.assertGreater(len(answers), 50)
            self.assertEqual({status for status, _, _ in answers.values()}, {200})
            self.assertEqual({key for key, found in stored.items() if len(found) != 1}, set())
            self.assertEqual(set(stored), set(answers))
            for key, (_, answer, body) in random.sample(sorted(answers.items()), 40):
                self.assertEqual(json.loads(answer)["GSW_CHAIN_ID"], stored[key][0]["chain_id"])
                again = http_call(centre.http_port, "POST", f"/lists/{group.list}?req=AddRecord", body,
                                  {"Idempotency-Key": key, "Content-Type": "application/json"})
                self.assertEqual((again.status, again.body), (200, answer))

    def test_agents_who_repeat_through_kill_9_work_every_record_once(self):
        """Previews and finished records with keys: never "finalised already", never two records for one key."""
        with Centre() as centre:
            group = centre.groups[0]
            for i in range(600):
                centre.add(group, f"1666{i:07}")
            centre.load_and_start(group)
            worked, wrong, stop = [], [], threading.Event()

            def until_answered(path, req, **keys):
                key = str(uuid.uuid4())
                while True:
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        answer = keyed(centre, path, req, key, timeout=5, **keys)
                        if answer.status not in (503, 504):
                            return answer
                    time.sleep(0.03)

            def work(agent):
                while not stop.is_set():
                    record = until_answered(f"/campaigngroups/{group.dbid}", "PreviewRecordRequest",
                                            GSW_AGENT_ID=agent)
                    if record.status != 200:
                        if record.status != 404:  # nothing ready yet after the restart
                            wrong.append(record)
                        time.sleep(0.02)
                        continue
                    path = f"/records/{record.json['GSW_RECORD_HANDLE']}"
                    for req, keys in ("UpdateCallCompletionStats", {"Other1": agent}), (
                            "RecordProcessed", {"GSW_CALL_RESULT": 33}):
                        answer = until_answered(path, req, GSW_AGENT_ID=agent, **keys)
                        if answer.status != 200:
                            wrong.append(answer)
                    worked.append(record.json["GSW_CHAIN_ID"])

            workers = [threading.Thread(target=work, args=(agent,)) for agent in ("a1", "a2", "a3")]
            for worker in workers:
                worker.start()
            for _ in range(rounds(3, 30)):
                time.sleep(random.uniform(0.1, 0.3))
                centre.kill("outbound")
                wait_until(lambda: centre.state("outbound") == "RUNNING", 20, what="outbound is back")
                centre.wait_for_http()
            time.sleep(0.2)
            stop.set()
            for worker in workers:
                worker.join(30)
                self.assertFalse(worker.is_alive())
            self.assertEqual(wrong, [])
            self.assertGreater(len(worked), 10)
            self.assertEqual(len(worked), len(set(worked)))
            done = {row["chain_id"] for row in centre.rows(group, "record_status = 3")}
            self.assertEqual(done, set(worked))

    def test_a_preview_that_was_lost_in_a_crash_is_given_again(self):
        with Centre() as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            for i in range(4):
                centre.add(group, f"1555900{i}")
            path = f"/campaigngroups/{group.dbid}"
            first = wait_until(lambda: (one := keyed(centre, path, "PreviewRecordRequest", "p",
                                                     GSW_AGENT_ID="a1")).status == 200 and one, 5)
            done = keyed(centre, f"/records/{first.json['GSW_RECORD_HANDLE']}", "RecordProcessed", "d",
                         GSW_CALL_RESULT=33)
            self.assertEqual(done.status, 200)
            centre.kill("outbound")
            wait_until(lambda: centre.state("outbound") == "RUNNING", 20, what="outbound is back")
            centre.wait_for_http()
            self.assertEqual(seen(keyed_until_there(centre, path, "PreviewRecordRequest", "p", GSW_AGENT_ID="a1")),
                             seen(first))
            self.assertEqual(seen(keyed_until_there(centre, f"/records/{first.json['GSW_RECORD_HANDLE']}",
                                                    "RecordProcessed", "d", GSW_CALL_RESULT=33)), seen(done))
            self.assertEqual(centre.status(group)["GSW_RECORDS_IN_PROGRESS"], 0)


if __name__ == "__main__":
    unittest.main()
