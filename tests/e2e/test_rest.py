# SPDX-License-Identifier: Apache-2.0
"""The administration REST against real servers: framework 3.3, 6.5; F1, F3, F4, F5, F6 as HTTP clients see them."""
import http.client
import json
import tempfile
import unittest
import urllib.parse

from harness import http_call, wait_until
from rest import AGENT, BOSS, HOST, RestCentre
from websocket_client import Desktop, Refusal

CFG, CTL, LOG = "/api/cfg/v1", "/api/ctl/v1", "/api/log/v1"
ERROR_MEMBERS = ["errorType", "objectType", "objectProperty", "message", "details"]


class Rest(unittest.TestCase):
    install = RestCentre

    @classmethod
    def setUpClass(cls):
        cls.centre = cls.enterClassContext(cls.install())
        cls.boss = cls.centre.client(BOSS)

    def expect(self, answer, status, error_type=None):
        self.assertEqual(answer.status, status, answer.body)
        body = json.loads(answer.body) if answer.body else None
        if error_type:
            self.assertEqual(body["errorType"], error_type)
            self.assertEqual(list(body), ERROR_MEMBERS)
        return body

    def create(self, plural, **value):
        return self.expect(self.boss.call("POST", f"{CFG}/{plural}", value), 201)

    def object(self, plural, key):
        return self.expect(self.boss.get(f"{CFG}/{plural}/{urllib.parse.quote(key, safe='')}"), 200)

    def rev(self):
        return self.expect(self.boss.get(f"{CFG}/server"), 200)["rev"]

    # --- objects ---

    def test_F3_of_two_writers_with_one_revision_the_first_wins(self):
        rev = self.create("hosts", name="F3", ipAddress="127.0.0.1")["rev"]
        first = self.boss.call("PATCH", f"{CFG}/hosts/F3", {"lcaPort": 5001}, {"If-Match": f'"{rev}"'})
        self.expect(first, 200)
        self.assertEqual(first.headers["ETag"], f'"{rev + 1}"')
        second = self.boss.call("PATCH", f"{CFG}/hosts/F3", {"lcaPort": 5002}, {"If-Match": str(rev)})
        self.expect(second, 412, "CFGRevMismatch")
        answer = self.boss.get(f"{CFG}/hosts/F3")
        self.assertEqual(answer.headers["ETag"], f'"{rev + 1}"')
        self.assertEqual((self.expect(answer, 200)["lcaPort"], json.loads(answer.body)["rev"]), (5001, rev + 1))
        self.assertEqual(self.boss.get(f"{CFG}/hosts/F3", If_None_Match=f'"{rev + 1}"').status, 304)

    def test_F4_what_others_refer_to_is_deleted_only_when_they_let_go(self):
        self.create("applications", name="F4-B", template="MessageServer")
        self.create("applications", name="F4-A", template="MessageServer", connections=[{"server": "F4-B"}])
        refusal = self.expect(self.boss.call("DELETE", f"{CFG}/applications/F4-B"), 409, "CFGInUse")
        self.assertIn("F4-A", " ".join(refusal["details"]))
        rev = self.rev()
        done = self.expect(self.boss.call("DELETE", f"{CFG}/applications/F4-B?cascade=unlink"), 200)
        self.assertEqual(done["rev"], rev + 1)
        self.assertEqual(self.object("applications", "F4-A").get("connections", []), [])
        self.expect(self.boss.get(f"{CFG}/applications/F4-B"), 404, "CFGObjectNotFound")

    def test_F5_a_change_set_is_all_or_nothing(self):
        rev = self.rev()
        ops = [{"op": "create", "type": "Host", "value": {"name": f"F5-{i}", "ipAddress": "127.0.0.1"}} for i in range(2)]
        bad = {"op": "create", "type": "Host", "value": {"name": "F5-2", "lcaPort": "many"}}
        answer = self.boss.call("POST", f"{CFG}/changes", {"comment": "F5", "ops": [*ops, bad]})
        self.expect(answer, 422, "CFGInvalidValue")
        self.assertEqual(self.rev(), rev)
        self.expect(self.boss.get(f"{CFG}/hosts/F5-0"), 404)
        done = self.expect(self.boss.call("POST", f"{CFG}/changes", {"comment": "F5", "ops": ops}), 200)
        self.assertEqual((done["rev"], len(done["objects"])), (rev + 1, 2))

    def test_an_object_is_made_replaced_and_removed(self):
        made = self.boss.call("POST", f"{CFG}/skills", {"name": "sales/uk", "annex": {"s": {"x": "1"}}})
        dbid = self.expect(made, 201)["objects"][0]["dbid"]
        self.assertEqual(made.headers["Location"], f"{CFG}/skills/{dbid}")
        self.assertEqual(self.object("skills", "sales/uk")["annex"], {"s": {"x": "1"}})
        self.assertEqual(self.object("skills", str(dbid))["name"], "sales/uk")
        whole = self.object("skills", str(dbid))
        whole.pop("annex")
        self.expect(self.boss.call("PUT", f"{CFG}/skills/{dbid}", whole), 200)
        self.assertNotIn("s", self.object("skills", str(dbid)).get("annex", {}))
        self.expect(self.boss.call("DELETE", f"{CFG}/skills/{dbid}"), 200)
        self.expect(self.boss.get(f"{CFG}/skills/{dbid}"), 404, "CFGObjectNotFound")

    def test_lists_are_filtered_shortened_and_paged(self):
        for name in ("L1", "L2", "L3"):
            self.create("skills", name=name, annex={"lists": {"of": "L"}})
        found, after = [], 0
        while after is not None:
            query = urllib.parse.urlencode({"filter": "annex.lists.of eq 'L'", "fields": "name", "limit": 2, "after": after})
            page = self.expect(self.boss.get(f"{CFG}/skills?{query}"), 200)
            found += page["objects"]
            after = page.get("after")
        self.assertEqual([one["name"] for one in found], ["L1", "L2", "L3"])
        self.assertEqual(set(found[0]), {"rev", "dbid", "name"})
        self.expect(self.boss.get(f"{CFG}/skills?filter=name"), 422, "CFGInvalidValue")

    # --- what happened ---

    def test_F6_a_stream_goes_on_where_it_was_left(self):
        def change(number):
            self.expect(self.boss.call("PATCH", f"{CFG}/skills/F6", {"annex": {"F6": {"n": str(number)}}}), 200)
        self.create("skills", name="F6")
        with self.boss.stream(f"{CFG}/events") as events:
            self.assertEqual(events.headers["Content-Type"], "text/event-stream; charset=utf-8")
            first = next(events)
            self.assertEqual((first[0], first[2]["mode"]), ("mode-changed", "full"))
            change(0)
            name, last, data = next(events)
            self.assertEqual((name, data["type"], data["key"], data["delta"]),
                             ("object-changed", "Skill", "F6", {"annex": {"F6": {"n": "0"}}}))
        for number in range(1, 6):
            change(number)
        with self.boss.stream(f"{CFG}/events", {"Last-Event-ID": last}) as events:
            heard = [one for one in (next(events) for _ in range(6)) if one[0] != "mode-changed"]
            self.assertEqual([one[2]["rev"] for one in heard], [data["rev"] + i for i in range(1, 6)])
            self.assertEqual([one[2]["delta"]["annex"]["F6"]["n"] for one in heard], list("12345"))
            change(6)
            self.assertEqual(next(events)[2]["delta"]["annex"]["F6"]["n"], "6")
        with self.boss.stream(f"{CFG}/events", {"Last-Event-ID": "5:another-store"}) as events:
            self.assertEqual(events.next_of("resync")[0], "resync")

    def test_a_long_poll_waits_for_the_next_change(self):
        now = self.expect(self.boss.get(f"{CFG}/changes"), 200)
        self.assertEqual(now["events"], [])
        quiet = self.expect(self.boss.get(f"{CFG}/changes?since={now['rev']}&types=ActionCode&wait=0"), 200)
        self.assertEqual((quiet["events"], quiet["resync"]), ([], False))
        self.create("skills", name="polled")
        news = self.expect(self.boss.get(f"{CFG}/changes?since={now['rev']}&types=skills&wait=20"), 200)
        self.assertEqual([(one["event"], one["key"]) for one in news["events"]], [("object-added", "polled")])
        self.assertEqual(news["events"][0]["value"]["name"], "polled")

    def test_a_stream_ends_with_its_session(self):
        other = self.centre.client(BOSS)
        with other.stream(f"{CFG}/events") as events:
            next(events)
            self.assertEqual(other.call("POST", f"{CFG}/logout").status, 204)
            self.assertEqual(list(events), [])

    # --- files, history, permissions, schemas ---

    def test_F1_F2_a_file_is_planned_imported_and_exported(self):
        self.create("skills", name="filed")
        file = {"format": "cc-config", "version": 1, "skills": [{"name": "planned"}]}
        rev = self.rev()
        plan = self.expect(self.boss.call("POST", f"{CFG}/import?plan=1", file), 200)
        self.assertEqual([(one["op"], one["key"]) for one in plan["items"]], [("create", "planned")])
        self.assertEqual(self.rev(), rev)
        done = self.expect(self.boss.call("POST", f"{CFG}/import?comment=F2", file), 200)
        self.assertEqual((done["rev"], done["created"]), (rev + 1, 1))
        exported = self.expect(self.boss.get(f"{CFG}/export?types=Skill"), 200)
        self.assertLessEqual({"filed", "planned"}, {one["name"] for one in exported["skills"]})

    def test_history_tells_who_and_from_where_and_a_revision_is_taken_back(self):
        rev = self.create("skills", name="undone")["rev"]
        row = self.expect(self.boss.get(f"{CFG}/history?rev={rev}"), 200)["rows"][0]
        self.assertEqual((row["person"], row["op"], row["key"], row["application"], row["address"]),
                         (BOSS, "create", "undone", "web", "127.0.0.1"))
        self.expect(self.boss.call("POST", f"{CFG}/history/{rev}/undo?comment=no"), 200)
        self.expect(self.boss.get(f"{CFG}/skills/undone"), 404)

    def test_permissions_are_read_given_and_explained(self):
        self.create("skills", name="guarded")
        acl = self.boss.get(f"{CFG}/skills/guarded/acl")
        self.expect(acl, 200)
        entries = {"entries": [{"account": f"person:{AGENT}", "mask": "RX"}]}
        since = self.rev()
        self.expect(self.boss.call("PUT", f"{CFG}/skills/guarded/acl", entries, {"If-Match": acl.headers["ETag"]}), 200)
        news = self.expect(self.boss.get(f"{CFG}/changes?since={since}&types=Skill"), 200)["events"]
        self.assertEqual([(one["event"], one["key"]) for one in news], [("access-changed", "guarded")])
        effective = self.expect(self.boss.get(f"{CFG}/skills/guarded/effective?account=person:{AGENT}"), 200)
        self.assertEqual(effective["mask"], "RX")
        agent = self.centre.client(AGENT)
        self.expect(agent.get(f"{CFG}/skills/guarded"), 200)
        self.expect(agent.call("PATCH", f"{CFG}/skills/guarded", {"annex": {"a": {"b": "c"}}}), 403, "CFGNoPermission")

    def test_F7_who_may_only_read_hears_the_guides_words(self):
        self.create("applications", name="GMS_812_node1", template="MessageServer")
        self.expect(self.boss.call("PUT", f"{CFG}/applications/GMS_812_node1/acl",
                                   {"entries": [{"account": f"person:{AGENT}", "mask": "R"}]}), 200)
        agent = self.centre.client(AGENT)
        answer = agent.call("PATCH", f"{CFG}/applications/GMS_812_node1", {"options": {"a": {"b": "c"}}})
        error = self.expect(answer, 403, "CFGNoPermission")
        self.assertEqual((error["objectType"], error["objectProperty"]), ("CFGApplication", "CFGDBID"))

    def seats(self, deed, group, client=None, **more):
        body = {"feature": "ics_multi_media_agent_seat", "group": str(group), **more}
        return (client or self.boss).call("POST", f"{CFG}/licences/{deed}", body)

    def test_F27_seats_are_lent_until_there_are_none_and_what_comes_back_is_lent_again(self):
        groups = [self.create("applications", name=f"F27-{i}", template="GenericServer")["objects"][0]["dbid"]
                  for i in range(4)]
        first = self.expect(self.seats("checkout", groups[0], count=1000), 200)
        self.assertEqual((first["granted"], first["unlimited"]), (1000, True))  # there is no pool
        with tempfile.NamedTemporaryFile("w", suffix=".jsonc") as pool:
            pool.write('{"ics_multi_media_agent_seat": 100} // of the contract')
            pool.flush()
            options = {"options": {"license": {"license-file": pool.name}}}
            self.expect(self.boss.call("PATCH", f"{CFG}/applications/config", options), 200)
            wait_until(lambda: not json.loads(self.seats("checkout", groups[0], count=30).body)["unlimited"], 30)
            granted = [self.expect(self.seats("checkout", group, count=30), 200)["granted"] for group in groups]
            self.assertEqual(granted, [30, 30, 30, 10])
            use = self.expect(self.boss.get(f"{CFG}/licences?feature=ics_multi_media_agent_seat"), 200)["licences"][0]
            self.assertEqual((use["count"], use["used"], use["most"], len(use["groups"])), (100, 100, 100, 4))
            self.expect(self.seats("checkin", groups[0]), 200)
            renewed = self.expect(self.seats("renew", groups[3], count=30, inUse=7), 200)
            self.assertEqual((renewed["granted"], renewed["lease"]), (30, 60))
            agent = self.centre.client(AGENT)
            self.expect(self.seats("checkout", groups[3], agent, count=1), 403, "CFGNoPermission")
            self.expect(self.seats("checkout", 4000000000, count=1), 404, "CFGObjectNotFound")
            self.expect(self.boss.call("PATCH", f"{CFG}/applications/config", {"options": {"license": None}}), 200)
        self.assertTrue(self.expect(self.seats("checkout", groups[0], count=30), 200)["unlimited"])

    def test_schemas_are_told_for_forms(self):
        types = {one["name"]: one for one in self.expect(self.boss.get(f"{CFG}/schema/objects"), 200)["types"]}
        fields = {one["name"]: one for one in types["Application"]["fields"]}
        servers = {one["name"]: one for one in fields["connections"]["fields"]}
        self.assertEqual((fields["host"]["reference"], servers["server"]["reference"]), ("Host", "Application"))
        options = self.expect(self.boss.get(f"{CFG}/schema/WebAPIServer"), 200)["options"]
        self.assertIn("session-idle", {one["name"] for one in options})
        self.expect(self.boss.get(f"{CFG}/schema/Unknown"), 404, "NotFound")

    # --- control ---

    def test_states_are_listed_streamed_and_ordered(self):
        def states(data):
            return {one["name"]: one["state"] for one in data["applications"]}
        with self.boss.stream(f"{CTL}/status") as events:
            self.assertEqual(states(next(events)[2])["web"], "RUNNING")
            listed = self.expect(self.boss.get(f"{CTL}/applications"), 200)
            self.assertEqual(list(listed), ["applications"])
            self.expect(self.boss.call("POST", f"{CTL}/applications/nobody/start"), 404)
        sample = self.expect(self.boss.get(f"{CTL}/hosts/{HOST}/sample"), 200)
        self.assertGreater(sample["memory"], 0)
        with self.boss.stream(f"{CTL}/alarms/events") as events:
            self.assertEqual(next(events)[0], "alarms")
        self.expect(self.boss.get(f"{LOG}/records?from=2026-01-01T00:00:00Z&limit=5"), 200)
        self.expect(self.boss.get(f"{LOG}/trace/none"), 200)

    def test_desktops_ask_config_and_control_by_the_same_permissions(self):
        with Desktop(self.boss.port, self.boss.token) as desktop:
            self.assertIn("web", {one["name"] for one in desktop.ask("ReadStatus", to="control")["applications"]})
            self.assertEqual(desktop.ask("ReadServer", to="config")["mode"], "full")
        agent = self.centre.client(AGENT)
        with Desktop(agent.port, agent.token) as desktop, self.assertRaises(Refusal):
            desktop.ask("OrderApplication", to="control", name="control", order="stop")
        refused = agent.call("POST", f"{CTL}/applications/control/stop")
        self.assertIn(refused.status, (403, 404), refused.body)

    # --- refusals ---

    def test_what_is_wrong_with_a_request_is_said_in_one_form(self):
        strange = http_call(self.boss.port, "GET", f"{CFG}/hosts")
        self.expect(strange, 401, "NoSession")
        method = self.boss.call("DELETE", f"{CFG}/hosts")
        self.expect(method, 405, "MethodNotAllowed")
        self.assertEqual(method.headers["Allow"], "GET, HEAD, POST")
        self.assertEqual(self.expect(self.boss.get(f"{CFG}/hosts?colour=red"), 400, "BadRequest")["objectProperty"], "colour")
        self.expect(self.boss.call("POST", f"{CFG}/hosts", "name=x", {"Content-Type": "text/plain"}), 415, "NotJson")
        self.expect(self.boss.call("POST", f"{CFG}/hosts", {"name": "x" * 300}), 422, "CFGInvalidValue")
        self.expect(self.boss.call("POST", f"{CFG}/hosts", "{", {"Content-Type": "application/json"}), 400, "BadRequest")
        self.expect(self.boss.get(f"{CFG}/colours"), 404)
        self.expect(self.boss.get(f"{CFG}/hosts/{HOST}/x/y"), 404, "NotFound")
        self.expect(self.boss.get(f"{CFG}/hosts?limit=1001"), 400, "BadRequest")
        self.expect(self.boss.call("PATCH", f"{CFG}/hosts/{HOST}", {}, {"If-Match": "W/x"}), 400, "BadRequest")

    def test_bodies_are_as_long_as_their_sender_may_send(self):
        big = json.dumps({"name": "big", "annex": {"s": {"x": "y" * 30000, "z": "y" * 60000}}})
        self.expect(self.boss.call("POST", f"{CFG}/skills", big, {"Content-Type": "application/json"}), 201)
        stranger = http_call(self.boss.port, "POST", f"{CFG}/skills", big, {"Content-Type": "application/json"})
        self.assertEqual((stranger.status, json.loads(stranger.body)["errorType"]), (413, "TooLarge"))
        connection = http.client.HTTPConnection("127.0.0.1", self.boss.port, timeout=10)
        self.addCleanup(connection.close)
        connection.putrequest("POST", f"{CFG}/changes")
        for name, value in (("Authorization", f"Bearer {self.boss.token}"), ("Content-Type", "application/json"),
                            ("Content-Length", str(8 * 1024 * 1024 + 1))):
            connection.putheader(name, value)
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)

    def test_a_browser_needs_our_origin_to_change_something(self):
        answer = http_call(self.boss.port, "POST", f"{CFG}/login", {"user": BOSS, "password": "Correct-Horse-1", "cookie": True})
        cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
        self.expect(http_call(self.boss.port, "GET", f"{CFG}/hosts", headers=cookie), 200)
        for origin in ({}, {"Origin": "http://evil.example"}):
            self.expect(http_call(self.boss.port, "POST", f"{CFG}/skills", {"name": "csrf"}, {**cookie, **origin}), 403, "BadOrigin")

    def test_existence_is_not_revealed_to_who_may_not_read(self):
        self.create("skills", name="secret")
        self.expect(self.boss.call("PUT", f"{CFG}/skills/secret/acl",
                                   {"entries": [{"account": "group:Users", "mask": ""}]}), 200)
        agent = self.centre.client(AGENT)
        there, not_there = (agent.get(f"{CFG}/skills/{name}") for name in ("secret", "nothing"))
        self.assertEqual((there.status, there.body), (not_there.status, not_there.body))
        self.assertEqual(there.status, 404)
        for method in ("PATCH", "DELETE"):
            body = {"annex": {"a": {"b": "c"}}} if method == "PATCH" else None
            there, not_there = (agent.call(method, f"{CFG}/skills/{name}", body)
                                for name in ("secret", "nothing"))
            self.assertEqual(there.status, not_there.status)
            self.assertEqual(json.loads(there.body)["errorType"], json.loads(not_there.body)["errorType"])


if __name__ == "__main__":
    unittest.main()
