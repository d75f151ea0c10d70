# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of outbound, resource by resource: outbound 13.3, 14.2, 14.3, 20; acceptance 21: 7, 8, 9, 13, 14."""
import json
import os
import signal
import threading
import time
import unittest
import urllib.parse

from campaign import Centre, application, new_record
from harness import http_call, wait_until

SECURITY_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "script-src 'self'; object-src 'self'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = Centre(groups=2)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.group, cls.idle = cls.centre.groups
        cls.centre.load_and_start(cls.group)

    def assertError(self, answer, status, code, words=""):
        self.assertEqual((answer.status, answer.json.get("GSW_USER_EVENT"), answer.json.get("GSW_ERROR")),
                         (status, "Error", code), answer)
        self.assertIn(words, answer.json["GSW_ERROR_TEXT"])
        self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")

    def take(self, phone, agent="a1", **keys):
        self.centre.add(self.group, phone, **keys)
        return wait_until(lambda: (one := self.centre.preview(self.group, agent)).status == 200 and one, 5,
                          what="a record")

    # resources and requests

    def test_every_request_of_14_3_is_known_to_its_resource(self):
        requests = {"records": ["UpdateCallCompletionStats", "RecordProcessed", "RecordReschedule",
                                "ScheduledRecordReschedule", "RecordReject", "RequestRecordCancel", "RecordCancel",
                                "DoNotCall", "ChainedRecordRequest"],
                    "phones": ["RequestRecordCancel", "RecordCancel", "DoNotCall"],
                    "customer_ids": ["RequestRecordCancel", "RecordCancel", "DoNotCall"],
                    "customerids": ["RequestRecordCancel", "RecordCancel", "DoNotCall"],
                    "lists": ["AddRecord"], "callinglists": ["AddRecord"],
                    "campaigngroups": ["Load", "Start", "Stop", "Unload", "ForceUnload", "SetDialMode",
                                       "PreviewRecordRequest", "GetStatus"]}
        identifiers = {"records": "999999", "phones": "19995550000", "customer_ids": "none", "customerids": "none",
                       "lists": "NoSuch", "callinglists": "99999", "campaigngroups": "99999"}
        everything = {req for known in requests.values() for req in known}
        bodies = {"RecordReschedule": {"GSW_DATE_TIME": "01/01/2099 10:00"},
                  "ScheduledRecordReschedule": {"GSW_DATE_TIME": "01/01/2099 10:00"},
                  "AddRecord": new_record("15550100"), "Start": {"GSW_DIAL_MODE": 3},
                  "SetDialMode": {"GSW_DIAL_MODE": 3}, "PreviewRecordRequest": {"GSW_AGENT_ID": "a1"}}
        for resource, known in requests.items():
            for req in sorted(everything):
                answer = self.centre.post(f"/{resource}/{identifiers[resource]}", req, **bodies.get(req, {}))
                if req not in known:
                    self.assertError(answer, 400, 1, "req:")
                    continue
                # Known: nothing of this name is there, or, by number, nothing had to be done.
                self.assertIn(answer.status, (200, 404), (resource, req, answer))
                if resource == "records":
                    self.assertError(answer, 404, 4)

    def test_GetStatus_by_GET_with_and_without_req_and_by_POST(self):
        path = f"/campaigngroups/{self.group.dbid}"
        for method, query in ("GET", ""), ("GET", "?req=GetStatus"), ("POST", "?req=GetStatus"):
            answer = self.centre.call(method, path + query)
            self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"]), (200, "CampaignStatus"), method)

    def test_identifiers_are_percent_encoded(self):
        for resource, identifier, key in (("phones", "+1 555/0100", "GSW_PHONE"), ("phones", "%41", "GSW_PHONE"),
                                          ("customer_ids", "Käufer №7 / öst&req=x", "GSW_CUSTOMER_ID"),
                                          ("customerids", "a?b#c", "GSW_CUSTOMER_ID")):
            path = f"/{resource}/{urllib.parse.quote(identifier, safe='')}"
            answer = self.centre.post(path, "RecordCancel")
            self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"], answer.json[key]),
                             (200, "RecordCancelAcknowledge", identifier))
        for bad in "%", "%4", "%GG", "%FF", "%C3", "x" * 256, "":
            answer = self.centre.post(f"/phones/{bad}", "RecordCancel")
            self.assertIn(answer.status, (400, 404), bad)
        self.assertEqual(self.centre.post("/phones/1/2", "RecordCancel").status, 404)

    def test_a_calling_list_by_name_and_by_number_under_both_spellings(self):
        record = self.take("15550130").json
        dbid = record["GSW_CALLING_LIST_DBID"]
        for path in (f"/lists/{self.group.list}", f"/callinglists/{self.group.list}", f"/callinglists/{dbid}",
                     f"/lists/{dbid}"):
            answer = self.centre.post(path, "AddRecord", **new_record("15550131"))
            self.assertEqual((answer.status, answer.json["GSW_CALLING_LIST"]), (200, self.group.list), path)

    def test_14_a_number_on_the_do_not_call_list_is_never_given_out(self):
        self.centre.add(self.group, "15550122")
        answer = self.centre.post("/phones/15550122", "DoNotCall")
        self.assertEqual((answer.status, answer.json["GSW_USER_EVENT"]), (200, "DoNotCallAcknowledge"))
        row, = self.centre.rows(self.group, "contact_info = '15550122'")
        self.assertEqual((row["record_type"], row["call_result"]), (7, 51))

    # status codes

    def test_13_methods(self):
        for path, allow in (("/records/712", "GET, POST"), ("/phones/1", "POST"), ("/customer_ids/1", "POST"),
                            ("/lists/L1", "POST"), ("/campaigngroups/1", "GET, POST")):
            for method in "PUT", "DELETE", "HEAD", "PATCH":
                answer = http_call(self.centre.http_port, method, path, b"")
                self.assertEqual((answer.status, answer.headers["Allow"]), (405, allow), (method, path))
        answer = self.centre.call("GET", "/lists/L1")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST"))
        answer = self.centre.call("GET", "/records/712?req=RecordProcessed")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST"))

    def test_bodies(self):
        path = f"/lists/{self.group.list}?req=AddRecord"

        def post(body, **headers):
            return http_call(self.centre.http_port, "POST", path, body,
                             {"Content-Type": "application/json", **headers})
        good = new_record("15550140")
        for body in (b"{bad", b"[]", b"1", b"", b"{}", b'{"GSW_PHONE":"1","GSW_PHONE":"2"}', b"\xff", b'{"a":"\xff"}',
                     b'{"a":"\\ud800"}', b'{"a":1}{"b":2}', b'{"a":NaN}'):
            answer = post(body)
            self.assertIn(answer.status, (400, 411), body)
            self.assertEqual(answer.json["GSW_ERROR"], 2, body)
        nested = {**good, "deep": {"er": 1}}
        self.assertError(post(json.dumps(nested).encode()), 400, 2, "deep: the body is one flat object")
        other = {**good, "GSW_CALLING_LIST": "another"}
        self.assertError(post(json.dumps(other).encode()), 400, 2, "GSW_CALLING_LIST: differs from the path")
        same = {**good, "GSW_CALLING_LIST": self.group.list, "GSW_APPLICATION_ID": 1, "GSW_AGENT_REQ_TYPE": "x"}
        self.assertEqual(post(json.dumps(same).encode()).status, 200)
        self.assertEqual(http_call(self.centre.http_port, "POST", path, json.dumps(good),
                                   {"Content-Type": "text/json"}).status, 415)
        self.assertEqual(post(json.dumps(good).encode(), **{"Content-Type": "Application/JSON ; charset=utf-8"}).status,
                         200)

    def test_keys_and_values_have_their_lengths(self):
        def add(**keys):
            return self.centre.post(f"/lists/{self.group.list}", "AddRecord", **new_record("15550141", **keys))
        self.assertEqual(add(**{"k" * 255: "v" * 4096}).status, 200)
        self.assertError(add(**{"k" * 256: "v"}), 400, 2, "a key has 1 to 255 bytes")
        self.assertError(add(key="v" * 4097), 400, 2, "key: a value has at most 4096 bytes")
        self.assertError(add(key="ж" * 2049), 400, 2, "key: a value has at most 4096 bytes")

    def test_other_dialing_modes_than_preview_need_a_dialer(self):
        self.assertEqual(self.centre.order(self.idle, "Load").status, 200)
        for mode in 1, 2, 4, 5:
            answer = self.centre.order(self.idle, "Start", GSW_DIAL_MODE=mode)
            if answer.status == 200:
                self.skipTest("this release has a dialer")
            self.assertError(answer, 409, 11, "GSW_DIAL_MODE")
        self.assertError(self.centre.order(self.idle, "Start", GSW_DIAL_MODE=99), 400, 2, "GSW_DIAL_MODE")
        self.assertError(self.centre.order(self.idle, "Start"), 400, 2, "GSW_DIAL_MODE")
        self.assertEqual(self.centre.order(self.idle, "Unload").status, 200)

    def test_503_with_retry_after_while_outbound_is_gone(self):
        with Centre(reconnect_s=7) as centre:
            path = f"/campaigngroups/{centre.groups[0].dbid}"
            outbound, answers = centre.pid("outbound"), []
            os.kill(outbound, signal.SIGSTOP)
            asking = threading.Thread(target=lambda: answers.append(http_call(centre.http_port, "GET", path)))
            asking.start()
            time.sleep(0.3)  # the proxy has it, outbound has not answered
            os.kill(outbound, signal.SIGKILL)
            asking.join(5)
            self.assertEqual((answers[0].status, answers[0].headers["Retry-After"]), (503, "7"))

    # ETag, headers, encodings

    def test_answers_about_one_record_have_its_attempt_as_etag(self):
        preview = self.take("15550150", Other1="x")
        attempt = preview.json["GSW_CALL_ATTEMPT_GUID"]
        handle = preview.json["GSW_RECORD_HANDLE"]
        self.assertEqual(preview.headers["ETag"], attempt)
        for req, keys in (("UpdateCallCompletionStats", {"Other1": "y"}), ("ChainedRecordRequest", {}),
                          ("RecordCancel", {})):
            answer = self.centre.record(handle, req, **keys)
            self.assertEqual((answer.status, answer.headers["ETag"]), (200, attempt), req)
        self.assertEqual(self.centre.call("GET", f"/records/{handle}").headers["ETag"], attempt)

    def test_7_every_answer_has_the_custom_headers(self):
        group = f"/campaigngroups/{self.group.dbid}"
        for method, path, body, status in (
                ("GET", group, None, 200), ("GET", "/nothing/1", None, 404), ("PUT", group, b"{}", 405),
                ("POST", f"{group}?req=Nonsense", b"{}", 400), ("GET", "/records/999999", None, 404),
                ("POST", f"{group}?req=Start", b'{"GSW_DIAL_MODE":3}', None),
                ("POST", "/lists/L1?req=AddRecord", b"{}", 400)):
            answer = http_call(self.centre.http_port, method, path, body,
                               {"Content-Type": "application/json"} if body else {})
            self.assertIn(answer.status, (status, 200, 409) if status is None else (status,), path)
            self.assertEqual({name: answer.headers[name] for name in SECURITY_HEADERS}, SECURITY_HEADERS, path)

    def test_preview_record_says_where_its_record_is(self):
        record = self.take("15550160").json
        uri = f"http://127.0.0.1:{self.centre.http_port}/records/{record['GSW_RECORD_HANDLE']}"
        self.assertEqual(record["GSW_RECORD_URI"], uri)
        self.assertEqual(self.centre.call("GET", urllib.parse.urlparse(uri).path).json["GSW_RECORD_HANDLE"],
                         record["GSW_RECORD_HANDLE"])


class Encodings(unittest.TestCase):
    def test_8_without_an_encoding_text_is_stored_as_it_came(self):
        with Centre() as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            body = json.dumps(new_record("15550108", Other1="Ж"), ensure_ascii=False).encode()
            self.assertIn(b"\xd0\x96", body)
            answer = http_call(centre.http_port, "POST", f"/lists/{group.list}?req=AddRecord", body,
                               {"Content-Type": "application/json"})
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(centre.select(f"select hex(Other1) as hex from {group.table}"), [{"hex": "D096"}])
            preview = wait_until(lambda: (one := centre.preview(group, "a1")).status == 200 and one, 5)
            self.assertIn(b'"Other1":"\xd0\x96"', preview.body)

    def test_9_with_an_encoding_text_is_stored_in_it_and_the_wire_stays_utf_8(self):
        with Centre() as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            child = centre.proxy_pid()

            def encode(config):
                application(config, "outbound")["options"]["OCServer"]["encoding"] = "ISO-8859-1"
            centre.apply(encode)

            def add(value):
                return centre.post(f"/lists/{group.list}", "AddRecord", **new_record("15550109", Other1=value))
            refused = wait_until(lambda: (one := add("Ж")).status == 400 and one, 5, what="the encoding counts")
            self.assertEqual(refused.json["GSW_ERROR"], 2)
            self.assertIn("Other1", refused.json["GSW_ERROR_TEXT"])
            stored = f"select hex(Other1) as hex from {group.table} order by chain_id desc limit 1"
            self.assertEqual(add("é").status, 200)
            self.assertEqual(centre.select(stored), [{"hex": "E9"}])
            heard = []

            def take():
                preview = centre.preview(group, "a1")
                if preview.status == 200:
                    heard.append(preview.body)
                return any(b'"Other1":"\xc3\xa9"' in body for body in heard)
            wait_until(take, 5, what="the record")
            self.assertEqual(centre.proxy_pid(), child)


if __name__ == "__main__":
    unittest.main()
