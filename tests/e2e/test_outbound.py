# SPDX-License-Identifier: Apache-2.0
"""Records and agents over the HTTP API: outbound 4, 5, 6 (preview), 14.3, 15.4; acceptance 21: 11 to
13, 25."""
import http.client
import tempfile
import threading
import time
import unittest

from campaign import (AGENTS, CHAIN_READY, CHAIN_UPDATED, PREDICTIVE, PREVIEW, READY, RETRIEVED,
                      STALE, UPDATED, Centre, application, new_group, new_record, notifying)
from harness import Receiver, wait_until

GROUPS = 24
JUST_DUE = time.strftime("%m/%d/%Y %H:%M", time.gmtime(time.time() - 120))  # a day later it is missed


class OutboundCase(unittest.TestCase):
    """One installation for all; every test takes groups with lists of their own."""

    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(GROUPS)]
        cls.centre = Centre(groups, options={one.name: notifying(cls.receiver.url + "/crm")
                                             for one in groups})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.free = groups

    def group(self, started=True):
        group = self.free.pop()
        if started:
            self.centre.load_and_start(group)
        return group

    def assertError(self, answer, status, code):
        self.assertEqual((answer.status, answer.json.get("GSW_USER_EVENT"), answer.json.get("GSW_ERROR")),
                         (status, "Error", code), answer)
        self.assertTrue(answer.json["GSW_ERROR_TEXT"])

    def take(self, group, agent="a1"):
        answer = self.centre.preview(group, agent)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def about(self, group):
        """The notifications of a group so far."""
        return [one.json for one in self.receiver.requests
                if one.json["GSW_CAMPAIGN_GROUP_NAME"] == group.name]


class Adding(OutboundCase):
    def test_11_a_record_is_added(self):
        group = self.group()
        answer = self.centre.post(f"/lists/{group.list}", "AddRecord", GSW_PHONE="15550111",
                                  GSW_PHONE_TYPE=4, GSW_TZ_NAME="GMT", GSW_FROM=0, GSW_UNTIL=86339)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(answer.json["GSW_USER_EVENT"], "AddRecordAcknowledge")
        row, = self.centre.rows(group)
        self.assertEqual(row["chain_id"], answer.json["GSW_CHAIN_ID"])
        self.assertEqual(row["chain_n"], answer.json["GSW_CHAIN_N"])
        self.assertEqual(row["record_id"], answer.json["GSW_RECORD_ID"])
        self.assertEqual({name: row[name] for name in (
            "contact_info", "contact_info_type", "record_type", "record_status", "call_result",
            "attempt", "daily_from", "daily_till")},
            {"contact_info": "15550111", "contact_info_type": 4, "record_type": 2,
             "record_status": READY, "call_result": 28, "attempt": 0, "daily_from": 0,
             "daily_till": 86339})

    def test_11_each_new_record_has_a_chain_of_its_own_and_one_with_a_chain_id_joins_it(self):
        group = self.group(started=False)
        first = self.centre.add(group, "15550112")
        second = self.centre.add(group, "15550113")
        third = self.centre.add(group, "15550114", GSW_CHAIN_ID=first["GSW_CHAIN_ID"])
        self.assertNotEqual(first["GSW_CHAIN_ID"], second["GSW_CHAIN_ID"])
        self.assertEqual(third["GSW_CHAIN_ID"], first["GSW_CHAIN_ID"])
        self.assertGreater(third["GSW_CHAIN_N"], first["GSW_CHAIN_N"])
        self.assertEqual(len({one["GSW_RECORD_ID"] for one in (first, second, third)}), 3)

    def test_a_chain_id_far_behind_the_last_is_refused_and_uses_no_numbers_up(self):
        group = self.group(started=False)
        first = self.centre.add(group, "15550115")["GSW_CHAIN_ID"]
        answer = self.centre.post(f"/lists/{group.list}", "AddRecord",
                                  **new_record("15550116"), GSW_CHAIN_ID=9007199254740991)
        self.assertError(answer, 400, 2)
        self.assertIn("GSW_CHAIN_ID", answer.json["GSW_ERROR_TEXT"])
        self.assertEqual(self.centre.add(group, "15550117")["GSW_CHAIN_ID"], first + 1)
        near = self.centre.add(group, "15550118", GSW_CHAIN_ID=first + 1000)
        self.assertEqual(near["GSW_CHAIN_ID"], first + 1000)
        self.assertEqual(self.centre.add(group, "15550119")["GSW_CHAIN_ID"], first + 1001)

    def test_a_chain_is_no_longer_than_what_can_be_given_out(self):
        group = self.group()
        chain = self.centre.add(group, "15550130")["GSW_CHAIN_ID"]
        for _ in range(99):
            self.centre.add(group, "15550131", GSW_CHAIN_ID=chain)
        for keys in ({}, {"GSW_CHAIN_N": 1000}):
            answer = self.centre.post(f"/lists/{group.list}", "AddRecord",
                                      **new_record("15550132"), GSW_CHAIN_ID=chain, **keys)
            self.assertError(answer, 409, 12)
        self.centre.add(group, "15550133")
        phones = [self.take(group)["GSW_PHONE"] for _ in range(2)]
        self.assertEqual(phones, ["15550130", "15550133"])
        self.assertError(self.centre.preview(group, "a1"), 404, 3)

    def test_11_user_fields_are_stored_under_their_send_attribute(self):
        group = self.group(started=False)
        self.centre.add(group, "15550115", GSW_CUSTOMER_ID="C7", Other1="Ж ✓ \"quoted\"", NoSuchField="x")
        row, = self.centre.rows(group)
        self.assertEqual((row["c_client_id"], row["Other1"], row["Other2"]),
                         ("C7", "Ж ✓ \"quoted\"", None))

    def test_12_without_a_time_zone_no_row_is_made(self):
        group = self.group(started=False)
        self.centre.add(group, "15550116")
        for key in ("GSW_TZ_NAME", "GSW_PHONE", "GSW_PHONE_TYPE", "GSW_FROM", "GSW_UNTIL"):
            keys = new_record("15550117")
            del keys[key]
            answer = self.centre.post(f"/lists/{group.list}", "AddRecord", **keys)
            self.assertError(answer, 400, 2)
            self.assertIn(key, answer.json["GSW_ERROR_TEXT"])
        self.assertEqual(len(self.centre.rows(group)), 1)

    def test_12_an_unknown_list_is_404_with_error_8(self):
        self.assertError(self.centre.post("/lists/NoSuch", "AddRecord", **new_record("15550118")), 404, 8)

    def test_12_bad_json_is_400(self):
        group = self.group(started=False)
        for body in (b"{bad", b"", b"[]", b"7", b"null", b'{"GSW_PHONE":}', b'{"a":1}{"b":2}',
                     b'{"GSW_PHONE":"\xff\xfe"}'):
            answer = self.centre.call("POST", f"/lists/{group.list}?req=AddRecord", body,
                                      {"Content-Type": "application/json"})
            self.assertEqual(answer.status, 400, (body, answer))
            self.assertEqual(answer.json["GSW_USER_EVENT"], "Error")

    def test_a_body_of_very_many_keys_is_refused_and_hurts_nobody(self):
        group = self.group()
        self.centre.add(group, "15550108")
        record = self.take(group)
        before = self.centre.pid("outbound")
        for count in (1001, 75000):
            body = {f"k{number}": 1 for number in range(count)}
            answer = self.centre.post(f"/records/{record['GSW_RECORD_HANDLE']}",
                                      "UpdateCallCompletionStats", **body)
            self.assertError(answer, 400, 2)
        answer = self.centre.post(f"/records/{record['GSW_RECORD_HANDLE']}",
                                  "UpdateCallCompletionStats", **{f"k{n}": 1 for n in range(900)})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.centre.pid("outbound"), before)

    def test_12_bad_values_name_the_key(self):
        group = self.group(started=False)
        for key, value in (("GSW_PHONE_TYPE", 99), ("GSW_PHONE_TYPE", "four"), ("GSW_FROM", -1),
                           ("GSW_TZ_NAME", "Nowhere/Land"), ("GSW_PHONE", "1" * 129),
                           ("GSW_UNTIL", 86401), ("Other1", "x" * 256)):
            answer = self.centre.post(f"/lists/{group.list}", "AddRecord",
                                      **{**new_record("15550119"), key: value})
            self.assertError(answer, 400, 2)
            self.assertIn(key, answer.json["GSW_ERROR_TEXT"])

    def test_an_unknown_request_or_resource_is_refused(self):
        group = self.group(started=False)
        self.assertError(self.centre.post(f"/lists/{group.list}", "MakeCoffee"), 400, 1)
        self.assertError(self.centre.call("POST", f"/lists/{group.list}", {}), 400, 1)
        self.assertEqual(self.centre.call("GET", "/coffees/1").status, 404)
        self.assertEqual(self.centre.call("GET", "/").status, 404)
        self.assertError(self.centre.call("GET", "/campaigngroups/99999"), 404, 13)
        self.assertEqual(self.centre.call("GET", "/campaigngroups/abc").status, 404)


class Finalised(OutboundCase):
    def test_13_a_second_RecordProcessed_is_409_and_an_unknown_handle_404(self):
        group = self.group()
        self.centre.add(group, "15550120")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        answer = self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json, {"GSW_USER_EVENT": "RecordProcessedAcknowledge",
                                       "GSW_RECORD_HANDLE": handle, "GSW_CAMPAIGN_NAME": group.campaign,
                                       "GSW_CALLING_LIST": group.list})
        self.assertError(self.centre.record(handle, "RecordProcessed"), 409, 6)
        self.assertError(self.centre.record(handle, "UpdateCallCompletionStats", Other1="x"), 409, 6)
        for unknown in (999999, 2147483647, 4294967296, 0, -1, "x"):
            self.assertError(self.centre.record(unknown, "RecordProcessed"), 404, 4)
        put = self.centre.call("PUT", f"/records/{handle}", b"{}", {"Content-Type": "application/json"})
        self.assertEqual((put.status, put.headers["Allow"]), (405, "GET, POST"))
        self.assertEqual(self.centre.call("DELETE", f"/records/{handle}", b"").status, 405)
        status = self.centre.call("GET", f"/records/{handle}")
        self.assertEqual((status.status, status.json["GSW_RECORD_STATUS"], status.json["GSW_CALL_RESULT"]),
                         (200, UPDATED, 33))

    def test_13_also_after_a_restart(self):
        group = self.group()
        self.centre.add(group, "15550121")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.record(handle, "RecordProcessed").status, 200)
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        self.assertError(self.centre.record(handle, "RecordProcessed"), 409, 6)
        self.assertEqual(self.centre.call("GET", f"/records/{handle}").json["GSW_RECORD_STATUS"], UPDATED)


class Preview(OutboundCase):
    def test_25_preview_reject_and_no_records(self):
        group = self.group()
        self.centre.add(group, "15550125", Other1="one", GSW_CUSTOMER_ID="C1")
        record = self.take(group)
        expected = {"GSW_USER_EVENT": "PreviewRecord", "GSW_PHONE": "15550125", "GSW_PHONE_TYPE": 4,
                    "GSW_AGENT_ID": "a1", "GSW_CAMPAIGN_NAME": group.campaign,
                    "GSW_CAMPAIGN_GROUP_NAME": group.name, "GSW_CAMPAIGN_GROUP_DBID": group.dbid,
                    "GSW_CALLING_LIST": group.list, "GSW_TZ_NAME": "UTC", "GSW_TZ_OFFSET": 0,
                    "GSW_CALL_RESULT": 28, "GSW_ATTEMPTS": 0, "GSW_RECORD_TYPE": 2, "GSW_CHAIN_N": 1,
                    "InteractionType": "Outbound", "InteractionSubtype": "OutboundNew",
                    "Other1": "one", "GSW_CUSTOMER_ID": "C1"}
        self.assertEqual({key: record.get(key) for key in expected}, expected)
        for key in ("GSW_APPLICATION_ID", "GSW_RECORD_HANDLE", "GSW_CHAIN_ID", "GSW_CALLING_LIST_DBID"):
            self.assertGreater(record[key], 0, key)
        self.assertRegex(record["GSW_CALL_ATTEMPT_GUID"], "^[0-9A-Z]{32}$")
        self.assertEqual(record["Other2"], "")  # every field with send_attribute, a value or not
        row, = self.centre.rows(group)
        self.assertEqual(row["record_status"], RETRIEVED)
        answer = self.centre.record(record["GSW_RECORD_HANDLE"], "RecordReject", GSW_AGENT_ID="a1")
        self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"]), (200, "RecordRejectAcknowledge"))
        row, = self.centre.rows(group)
        self.assertEqual((row["record_status"], row["record_type"], row["call_result"]), (READY, 2, 28))
        self.assertEqual(self.about(group), [])
        again = self.take(group)
        self.assertEqual(again["GSW_PHONE"], "15550125")
        self.assertNotEqual(again["GSW_CALL_ATTEMPT_GUID"], record["GSW_CALL_ATTEMPT_GUID"])
        self.assertEqual(self.centre.record(again["GSW_RECORD_HANDLE"], "RecordProcessed").status, 200)
        self.assertError(self.centre.preview(group, "a1"), 404, 3)
        wait_until(lambda: self.about(group), what="its notification")
        self.assertEqual(len(self.about(group)), 1)  # of the round that was processed

    def test_25_the_reply_about_a_record_has_the_attempt_as_etag(self):
        group = self.group()
        self.centre.add(group, "15550126")
        answer = self.centre.preview(group, "a1")
        handle, guid = answer.json["GSW_RECORD_HANDLE"], answer.json["GSW_CALL_ATTEMPT_GUID"]
        self.assertEqual(answer.headers["ETag"].strip('"'), guid)
        self.assertEqual(self.centre.call("GET", f"/records/{handle}").headers["ETag"].strip('"'), guid)

    def test_a_rejected_record_goes_to_another_agent(self):
        group = self.group()
        self.centre.add(group, "15550127")
        first = self.take(group, "a1")
        self.assertEqual(self.centre.record(first["GSW_RECORD_HANDLE"], "RecordReject").status, 200)
        second = self.take(group, "a2")
        self.assertEqual((second["GSW_PHONE"], second["GSW_AGENT_ID"]), ("15550127", "a2"))

    def test_agents_who_ask_at_once_never_get_the_same_record(self):
        group = self.group()
        wanted = {str(15551000 + i) for i in range(100)}
        for phone in wanted:
            self.centre.add(group, phone)
        given, problems = [], []

        def ask(agent):
            while True:
                answer = self.centre.preview(group, agent)
                if answer.status == 404 and answer.json["GSW_ERROR"] == 3:
                    return
                if answer.status != 200:
                    problems.append(answer)
                    return
                given.append((answer.json["GSW_PHONE"], answer.json["GSW_RECORD_HANDLE"]))

        threads = [threading.Thread(target=ask, args=(agent,)) for agent in AGENTS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.assertEqual(len(given), 100)
        self.assertEqual({phone for phone, _ in given}, wanted)
        self.assertEqual(len({handle for _, handle in given}), 100)

    def test_only_enabled_agents_of_the_group_get_records(self):
        group = self.group()
        self.centre.add(group, "15550128")
        for agent in ("b1", "nobody", "a6-disabled"):
            self.assertError(self.centre.preview(group, agent), 409, 5)
        self.assertError(self.centre.order(group, "PreviewRecordRequest"), 400, 2)
        self.assertEqual(self.take(group, "a1")["GSW_PHONE"], "15550128")

    def test_a_record_answers_only_to_its_owner_when_an_agent_is_named(self):
        group = self.group()
        self.centre.add(group, "15550129")
        handle = self.take(group, "a1")["GSW_RECORD_HANDLE"]
        for req in ("UpdateCallCompletionStats", "RecordProcessed", "RecordReject"):
            self.assertError(self.centre.record(handle, req, GSW_AGENT_ID="a2"), 409, 5)
        self.assertEqual(self.centre.record(handle, "RecordProcessed", GSW_AGENT_ID="a1").status, 200)

    def test_new_values_are_in_the_row_when_they_are_acknowledged(self):
        group = self.group()
        self.centre.add(group, "15550130", Other1="old", Other2="kept")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        answer = self.centre.record(handle, "UpdateCallCompletionStats", GSW_CALL_RESULT=6,
                                    GSW_PHONE="15550131", Other1="new")
        self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"]),
                         (200, "UpdateCallCompletionStatsAcknowledge"))
        row, = self.centre.rows(group)
        self.assertEqual((row["call_result"], row["contact_info"], row["Other1"], row["Other2"],
                          row["record_status"]), (6, "15550131", "new", "kept", RETRIEVED))
        self.assertEqual(self.about(group), [])

    def test_a_result_above_53_is_stored_unchanged(self):
        group = self.group()
        self.centre.add(group, "15550132")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=1077).status, 200)
        self.assertEqual(self.centre.rows(group)[0]["call_result"], 1077)

    def test_a_record_outside_its_hours_is_not_given_out(self):
        group = self.group()
        hour = int(time.time()) % 86400 // 3600
        shut = ((hour + 11) % 24 * 3600, (hour + 12) % 24 * 3600)
        self.centre.add(group, "15550133", GSW_FROM=shut[0], GSW_UNTIL=shut[1])
        self.centre.add(group, "15550134", GSW_FROM=3600, GSW_UNTIL=3600)
        self.assertError(self.centre.preview(group, "a1"), 404, 3)
        self.centre.add(group, "15550135")
        self.assertEqual(self.take(group)["GSW_PHONE"], "15550135")

    def test_a_whole_chain_is_taken_and_settled(self):
        group = self.group()
        first = self.centre.add_chain(group, "15550136", ("15550137", "15550138"))
        record = self.take(group)
        self.assertEqual((record["GSW_PHONE"], record["GSW_CHAIN_N"]), ("15550136", 1))
        self.assertEqual([row["record_status"] for row in self.centre.rows(group)],
                         [RETRIEVED, CHAIN_READY, CHAIN_READY])
        self.assertError(self.centre.preview(group, "a2"), 404, 3)
        handle = record["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33).status, 200)
        self.assertEqual([(row["record_status"], row["call_result"]) for row in self.centre.rows(group)],
                         [(UPDATED, 33), (CHAIN_UPDATED, 28), (CHAIN_UPDATED, 28)])

    def test_RecordOnly_leaves_the_siblings_ready(self):
        group = self.group()
        self.centre.add_chain(group, "15550139", ("15550140",))
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.record(handle, "RecordProcessed", GSW_CHAIN_ATTR="RecordOnly").status, 200)
        self.assertEqual([row["record_status"] for row in self.centre.rows(group)], [UPDATED, READY])
        self.assertEqual(self.take(group)["GSW_PHONE"], "15550140")

    def test_a_chain_is_shown_by_ChainedRecordRequest(self):
        group = self.group()
        first = self.centre.add_chain(group, "15550141", ("15550142", "15550143"))
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        answer = self.centre.record(handle, "ChainedRecordRequest")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual([(one["GSW_USER_EVENT"], one.get("GSW_PHONE")) for one in answer.json],
                         [("ChainedRecord", "15550142"), ("ChainedRecord", "15550143"),
                          ("ChainedRecordsDataEnd", None)])
        end = answer.json[-1]
        self.assertEqual((end["GSW_CHAIN_ID"], end["GSW_RECORD_HANDLE"], end["GSW_CALLING_LIST"],
                          end["GSW_CAMPAIGN_NAME"]),
                         (first["GSW_CHAIN_ID"], handle, group.list, group.campaign))
        second = answer.json[0]["GSW_RECORD_HANDLE"]
        status = self.centre.call("GET", f"/records/{second}").json
        self.assertEqual((status["GSW_CHAIN_N"], status["GSW_AGENT_ID"]), (2, "a1"))

    def test_requests_on_one_record_at_the_same_moment_are_all_answered(self):
        group = self.group()
        self.centre.add(group, "15550147")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        doors = [http.client.HTTPConnection("127.0.0.1", self.centre.http_port, timeout=3) for _ in range(7)]
        for door in doors:
            self.addCleanup(door.close)
            door.connect()
        for turn in range(20):  # one change, and behind it six that only ask
            for i, door in enumerate(doors):
                req, body = ("ChainedRecordRequest", "{}") if i else \
                    ("UpdateCallCompletionStats", f'{{"Other1":"turn {turn}"}}')
                door.request("POST", f"/records/{handle}?req={req}", body, {"Content-Type": "application/json"})
            for door in doors:
                answer = door.getresponse()
                answer.read()
                self.assertEqual(answer.status, 200)

    def test_a_row_that_joins_a_chain_with_an_agent_is_not_taken_for_his_after_a_crash(self):
        group = self.group()
        chain = self.centre.add(group, "15550177")["GSW_CHAIN_ID"]
        self.centre.add(group, "15550178", GSW_CHAIN_ID=chain)
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.centre.add(group, "15550179", GSW_CHAIN_ID=chain, GSW_CHAIN_N=0)
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        status = self.centre.call("GET", f"/records/{handle}").json
        self.assertEqual((status["GSW_CHAIN_N"], status["GSW_RECORD_STATUS"], status["GSW_AGENT_ID"]),
                         (1, RETRIEVED, "a1"))
        self.assertEqual(self.centre.record(handle, "RecordProcessed").status, 200)
        answer = wait_until(lambda: (one := self.centre.preview(group, "a1")).status == 200 and one, 20,
                            what="the row that joined is given out")  # after the pause behind an empty fetch
        self.assertEqual(answer.json["GSW_PHONE"], "15550179")

    def test_a_personal_record_is_given_to_its_agent_alone_once_it_is_due(self):
        group = self.group()
        personal = {"GSW_RECORD_TYPE": 5, "GSW_AGENT_ID": "a2"}
        self.centre.add(group, "15550171", GSW_DATE_TIME=JUST_DUE, **personal)
        self.centre.add(group, "15550172", GSW_DATE_TIME="01/02/2040 03:04", **personal)
        self.centre.add(group, "15550173", GSW_DATE_TIME=JUST_DUE, GSW_RECORD_TYPE=5, GSW_AGENT_ID="b1")
        self.centre.add(group, "15550174")
        self.assertEqual(self.take(group, "a1")["GSW_PHONE"], "15550174")
        self.assertError(self.centre.preview(group, "a1"), 404, 3)
        self.assertEqual(self.take(group, "a2")["GSW_PHONE"], "15550171")
        time.sleep(1.1)  # the pause after an empty fetch
        self.assertError(self.centre.preview(group, "a2"), 404, 3)  # the other is not due, b1's is not his

    def test_personal_records_of_agents_elsewhere_do_not_stand_in_the_way(self):
        group = self.group(started=False)
        due = {"GSW_RECORD_TYPE": 5, "GSW_DATE_TIME": JUST_DUE}
        for _ in range(105):
            self.centre.add(group, "15550175", GSW_AGENT_ID="b1", **due)
        self.centre.add(group, "15550176", GSW_AGENT_ID="a2", **due)
        self.centre.load_and_start(group)
        self.assertEqual(self.take(group, "a2")["GSW_PHONE"], "15550176")

    def test_agents_who_wait_for_a_fetch_are_all_answered(self):
        group = self.group()
        self.centre.add(group, "15550148")
        answers = []

        def ask(agent):
            answers.append(self.centre.preview(group, agent).status)
        threads = [threading.Thread(target=ask, args=(agent,)) for agent in AGENTS * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        self.assertEqual(sorted(answers), [200] + [404] * (len(AGENTS) * 3 - 1))

    def test_only_from_the_list_that_is_named(self):
        group = self.group()
        self.centre.add(group, "15550144")
        self.assertError(self.centre.preview(group, "a1", GSW_CALLING_LIST="NoSuch"), 404, 8)
        self.assertEqual(self.centre.preview(group, "a1", GSW_CALLING_LIST=group.list).status, 200)


class ManyGroups(unittest.TestCase):
    def test_groups_that_were_only_looked_at_do_not_keep_others_out(self):
        groups = [new_group(i + 1, campaign="C1") for i in range(502)]
        for one in groups:
            one.list, one.table = "L1", "list_1"
        with Centre(groups) as centre:
            centre.load_and_start(groups[0])
            for one in groups:
                self.assertEqual(centre.call("GET", f"/campaigngroups/{one.dbid}").status, 200, one)
            self.assertEqual(centre.status(groups[0])["GSW_STATE"], "started")
            centre.load_and_start(groups[-1])


class Seats(unittest.TestCase):
    """A pool of licences (framework 13)."""

    def test_agents_above_the_pool_get_no_records_whoever_is_killed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonc") as pool:
            pool.write('{"outbound_agent_seat": 1}')
            pool.flush()

            def limit(config):
                application(config, "config")["options"]["license"] = {"license-file": pool.name}
            with Centre(amend=limit, application_options={"license": {"num-of-licenses": "5"}}) as centre:
                group = centre.groups[0]
                for number in range(4):
                    centre.add(group, f"1555019{number:02}")
                centre.load_and_start(group)
                mine = centre.preview(group, "a1")
                self.assertEqual(mine.status, 200, mine)
                self.refuse(centre, group, "a2")
                for name in ("config", "outbound"):
                    former = centre.kill(name)
                    wait_until(lambda name=name, former=former: centre.pid(name) not in (None, former), 20)
                    centre.wait_running()
                    centre.wait_for_http()
                    self.refuse(centre, group, "a2")  # also when nobody has answered yet
                handle = mine.json["GSW_RECORD_HANDLE"]
                self.assertEqual(centre.record(handle, "RecordProcessed").status, 200)  # work in hand goes on
                self.assertEqual(centre.preview(group, "a1").status, 200)

    def refuse(self, centre, group, agent):
        answer = centre.preview(group, agent)
        self.assertEqual((answer.status, answer.json["GSW_ERROR"]), (409, 12), answer)
        self.assertIn("num-of-licenses", answer.json["GSW_ERROR_TEXT"])


class Lists(unittest.TestCase):
    """What a CallingList object says (outbound 3.2)."""

    def test_another_filter_sends_the_buffer_back_and_what_agents_have_stays(self):
        with Centre() as centre:
            group = centre.groups[0]
            for number in range(20):
                centre.add(group, f"1555018{number:02}", Other1="north" if number % 2 else "south")
            centre.load_and_start(group)
            mine = centre.preview(group, "a1").json

            def only_north(config):
                config["filters"] = [{"name": "North", "format": "Default_Outbound_70",
                                      "annex": {"default": {"criteria": "Other1 = 'north'",
                                                            "order_by": "contact_info DESC"}}}]
                config["callingLists"][0]["filter"] = "North"
            centre.apply(only_north)
            wait_until(lambda: centre.status(group)["GSW_RECORDS_BUFFERED"] == 0, 5, what="the buffer went back")
            phones = [centre.preview(group, "a2").json["GSW_PHONE"] for _ in range(10)]
            wanted = [f"1555018{number:02}" for number in range(19, 0, -2) if f"1555018{number:02}" != mine["GSW_PHONE"]]
            self.assertEqual(phones[:len(wanted)], wanted)
            status = centre.call("GET", f"/records/{mine['GSW_RECORD_HANDLE']}").json
            self.assertEqual(status["GSW_AGENT_ID"], "a1")

    def test_records_of_higher_priority_come_first(self):
        with Centre() as centre:
            group = centre.groups[0]
            for phone, kind in (("15550195", 2), ("15550196", 3), ("15550197", 6), ("15550198", 2)):
                centre.add(group, phone, GSW_RECORD_TYPE=kind, GSW_DATE_TIME=JUST_DUE)
            centre.load_and_start(group)
            self.assertEqual([centre.preview(group, "a1").json["GSW_PHONE"] for _ in range(4)],
                             ["15550197", "15550196", "15550195", "15550198"])

    def test_a_row_that_has_had_all_its_attempts_is_final(self):
        with Centre() as centre:
            group = centre.groups[0]
            centre.apply(lambda config: config["callingLists"][0].update(maxAttempts=3))
            centre.add(group, "15550190", GSW_ATTEMPTS=3)
            centre.add(group, "15550191", GSW_ATTEMPTS=2)
            centre.load_and_start(group)
            self.assertEqual(centre.preview(group, "a1").json["GSW_PHONE"], "15550191")
            self.assertEqual(centre.preview(group, "a1").status, 404)
            rows = dict(centre.sqlite("outbound").execute(
                f"select contact_info, record_status from {group.table}"))
            self.assertEqual(rows, {"15550190": UPDATED, "15550191": RETRIEVED})


class Sessions(OutboundCase):
    def test_a_group_that_is_not_loaded_or_not_started_gives_nothing(self):
        group = self.group(started=False)
        self.centre.add(group, "15550150")
        self.assertError(self.centre.preview(group, "a1"), 409, 7)
        self.assertError(self.centre.order(group, "Start", GSW_DIAL_MODE=PREVIEW), 409, 7)
        self.assertEqual(self.centre.order(group, "Load").status, 200)
        self.assertEqual(self.centre.status(group)["GSW_STATE"], "loaded")
        self.assertEqual(self.centre.preview(group, "a1").status, 409)
        self.assertEqual(self.centre.order(group, "Start", GSW_DIAL_MODE=PREVIEW).status, 200)
        self.assertEqual(self.centre.status(group)["GSW_STATE"], "started")
        self.assertEqual(self.take(group)["GSW_PHONE"], "15550150")

    def test_other_dialing_modes_are_refused_in_words(self):
        group = self.group(started=False)
        self.assertEqual(self.centre.order(group, "Load").status, 200)
        for mode in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11):
            self.assertError(self.centre.order(group, "Start", GSW_DIAL_MODE=mode), 409, 11)
        self.assertError(self.centre.order(group, "Start"), 400, 2)
        self.assertError(self.centre.order(group, "Start", GSW_DIAL_MODE=12), 400, 2)
        self.assertEqual(self.centre.order(group, "Start", GSW_DIAL_MODE=PREVIEW).status, 200)
        self.assertError(self.centre.order(group, "SetDialMode", GSW_DIAL_MODE=PREDICTIVE), 409, 11)

    def test_load_stop_and_unload_may_be_repeated(self):
        group = self.group()
        for req in ("Load", "Stop", "Stop", "Unload", "Unload"):
            answer = self.centre.order(group, req)
            self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"]),
                             (200, "CampaignGroupAcknowledge"), (req, answer))
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", what="unloaded")

    def test_each_load_is_a_session_of_its_own(self):
        group = self.group()
        first = self.centre.status(group)["GSW_CAMPAIGN_GROUP_GUID"]
        self.assertEqual(self.centre.order(group, "Unload").status, 200)
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", what="unloaded")
        self.centre.load_and_start(group)
        second = self.centre.status(group)["GSW_CAMPAIGN_GROUP_GUID"]
        self.assertRegex(second, "^[0-9A-Z]{32}$")
        self.assertNotEqual(first, second)

    def test_stop_gives_nothing_new_and_what_agents_have_goes_on(self):
        group = self.group()
        self.centre.add(group, "15550151")
        self.centre.add(group, "15550152")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.order(group, "Stop").status, 200)
        self.assertEqual(self.centre.preview(group, "a2").status, 409)
        self.assertEqual(self.centre.record(handle, "RecordProcessed").status, 200)
        self.assertEqual(self.centre.order(group, "Start", GSW_DIAL_MODE=PREVIEW).status, 200)
        self.assertEqual(self.take(group, "a2")["GSW_PHONE"], "15550152")

    def test_unload_gives_rows_back_and_waits_for_the_last_chain(self):
        group = self.group()
        for phone in range(15550153, 15550163):
            self.centre.add(group, str(phone))
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.order(group, "Unload").status, 200)

        def statuses():
            return sorted(row["record_status"] for row in self.centre.rows(group))
        wait_until(lambda: statuses() == [READY] * 9 + [RETRIEVED], what="rows back to Ready")
        self.assertEqual(self.centre.status(group)["GSW_STATE"], "unloading")
        self.assertEqual(self.centre.preview(group, "a2").status, 409)
        self.assertEqual(self.centre.record(handle, "RecordProcessed").status, 200)
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", what="the end of the session")
        self.assertEqual(statuses(), [READY] * 9 + [UPDATED])
        wait_until(lambda: len(self.about(group)) == 1, what="the notification of the one")

    def test_force_unload_makes_active_rows_stale(self):
        group = self.group()
        self.centre.add(group, "15550163")
        self.centre.add(group, "15550164")
        handle = self.take(group)["GSW_RECORD_HANDLE"]
        self.assertEqual(self.centre.order(group, "ForceUnload").status, 200)
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", what="unloaded")
        self.assertEqual([(row["record_status"], row["call_result"]) for row in self.centre.rows(group)],
                         [(STALE, 46), (READY, 28)])
        self.assertError(self.centre.record(handle, "RecordProcessed"), 409, 6)
        wait_until(lambda: self.about(group), what="a notification")
        self.assertEqual([one["GSW_REASON"] for one in self.about(group)], [8])  # ChainForcedUnload

    def test_rows_left_by_a_killed_process_are_ready_again_unless_an_agent_has_them(self):
        group = self.group()
        for phone in ("15550165", "15550166", "15550167"):
            self.centre.add(group, phone)
        record = self.take(group)
        former = self.centre.kill("outbound")
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), what="a new outbound")
        self.centre.wait_running()
        self.centre.wait_for_http()
        self.assertEqual(self.centre.status(group)["GSW_STATE"], "started")
        status = self.centre.call("GET", f"/records/{record['GSW_RECORD_HANDLE']}").json
        self.assertEqual((status["GSW_AGENT_ID"], status["GSW_RECORD_STATUS"],
                          status["GSW_CALL_ATTEMPT_GUID"]),
                         ("a1", RETRIEVED, record["GSW_CALL_ATTEMPT_GUID"]))
        others = [self.take(group, "a2"), self.take(group, "a3")]
        self.assertEqual({one["GSW_PHONE"] for one in others} | {record["GSW_PHONE"]},
                         {"15550165", "15550166", "15550167"})
        self.assertError(self.centre.preview(group, "a4"), 404, 3)
        self.assertEqual(self.centre.record(record["GSW_RECORD_HANDLE"], "RecordProcessed",
                                            GSW_AGENT_ID="a1").status, 200)
