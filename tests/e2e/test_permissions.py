# SPDX-License-Identifier: Apache-2.0
"""Permissions end to end (framework 12.2): the table of tests/unit/config/access_matrix_test.c, sampled
over REST and a desktop's WebSocket against the real processes."""
import json
import time
import unittest
import urllib.parse

from desktops import PASSWORD
from harness import http_call
from rest import BOSS, RestCentre, rest_config
from websocket_client import Desktop, Refusal

CFG = "/api/cfg/v1"

# Who may what in Environment, in tenant T, and of what is of no tenant.
ROLES = {
    BOSS: ("RCHXDEP", "RCHXDEP", "RCHXDEP"),       # super administrator
    "adm": ("RCHXDE", "RCHXDE", "RCHXDE"),         # administrator of Environment
    "tadm": ("", "RCHXDE", ""),                    # administrator of the tenant
    "usr": ("R", "", "R"),                         # user of Environment
    "tusr": ("", "R", ""),                         # user of the tenant
    "agt": ("R", "", "R"),                         # agent
    "west": ("", "", ""),                          # a group of her own, without an entry
}
TYPES = {  # plural: body, key
    "skills": ({"name": "%s"}, "%s"),
    "places": ({"name": "%s"}, "%s"),
    "persons": ({"employeeId": "%s", "userName": "%s"}, "%s"),
    "accessGroups": ({"name": "%s"}, "%s"),
    "scripts": ({"name": "%s", "type": "Schedule"}, "%s/Schedule"),
    "filters": ({"name": "%s"}, "%s"),
    "folders": ({"path": "%s"}, "%s"),
    "roles": ({"name": "%s"}, "%s"),
}
GLOBAL_TYPES = {
    "hosts": ({"name": "%s"}, "%s"),
    "applications": ({"name": "%s", "template": "Database"}, "%s"),
    "solutions": ({"name": "%s"}, "%s"),
}
PLACES = (("Environment", 0, TYPES), ("T", 1, TYPES), ("", 2, GLOBAL_TYPES))


def config():
    persons = [{"employeeId": name, "userName": name} for name in (BOSS, "adm", "usr", "west")]
    persons += [{"employeeId": "agt", "userName": "agt", "isAgent": True}]
    persons += [{"tenant": "T", "employeeId": name, "userName": name} for name in ("tadm", "tusr")]
    groups = [{"name": "Bosses", "type": "SuperAdministrators", "persons": [BOSS]},
              {"name": "Admins", "type": "Administrators", "persons": ["adm"]}, {"name": "West", "persons": ["west"]},
              {"tenant": "T", "name": "Heads", "type": "Administrators", "persons": ["tadm"]},
              {"tenant": "T", "name": "Users", "type": "Users"}]
    made = rest_config(tenants=[{"name": "Environment"}, {"name": "T"}], persons=persons, accessGroups=groups)
    for application in made["applications"]:
        application["tenants"] = ["Environment", "T"]
    return made


def filled(body, name):
    return json.loads(json.dumps(body).replace("%s", name))


class Permissions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = RestCentre(users=tuple(ROLES), config=config())
        cls.enterClassContext(cls.centre)
        cls.clients = {user: cls.centre.client(user) for user in ROLES}
        cls.boss = cls.clients[BOSS]
        ops = [{"op": "create", "type": plural, "tenant": tenant, "value": filled(body, f"cell-{tenant}")}
               for tenant, _, types in PLACES for plural, (body, _) in types.items()]
        answer = cls.boss.call("POST", f"{CFG}/changes", {"comment": "cells", "ops": ops})
        assert answer.status == 200, answer.body

    def ask(self, user, method, path, body=None):
        """As often as the limit of writes allows."""
        for _ in range(50):
            answer = self.clients[user].call(method, f"{CFG}/{path}", body)
            if answer.status != 429:
                return answer
            self.assertEqual(answer.json["errorType"], "CFGRateLimit")
            time.sleep(float(answer.headers["Retry-After"]))
        self.fail("refused for ever")

    def expect_deed(self, answer, may, bit, success, what):
        wanted = success if "R" in may and bit in may else 403 if "R" in may else 404
        error = {403: "CFGNoPermission", 404: "CFGObjectNotFound"}.get(wanted)
        self.assertEqual(answer.status, wanted, (what, answer.body))
        if error:
            self.assertEqual(answer.json["errorType"], error, what)

    def one_cell(self, user, may, tenant, plural, body, key):
        name = f"cell-{tenant}"
        where = f"?tenant={tenant}" if tenant else ""
        path = f"{plural}/{urllib.parse.quote(key.replace('%s', name), safe='')}"
        what = (user, plural, tenant)
        seen = "R" in may
        answer = self.ask(user, "GET", path + where)
        self.assertEqual(answer.status, 200 if seen else 404, what)
        missing = self.ask(user, "GET", f"{plural}/nothing{where}")
        self.assertEqual(answer.json["errorType"] if not seen else "CFGObjectNotFound", missing.json["errorType"], what)
        listed = self.ask(user, "GET", plural + where)
        self.assertEqual(name in listed.body.decode(), seen, what)
        patch = {"annex": {"cell": {user: str(time.time())}}}
        self.expect_deed(self.ask(user, "PATCH", path + where, patch), may, "H", 200, what)
        self.expect_deed(self.ask(user, "GET", f"{path}/acl{where}"), may, "E", 200, what)
        value = filled(body, "new")
        if tenant:
            value["tenant"] = tenant
        made = self.ask(user, "POST", plural + where, value)
        self.assertEqual(made.status, 201 if "C" in may else 403, (what, made.body))
        if made.status == 201:
            new = f"{plural}/{urllib.parse.quote(key.replace('%s', 'new'), safe='')}{where}"
            self.expect_deed(self.ask(user, "DELETE", new), may, "D", 200, what)
        else:
            self.expect_deed(self.ask(user, "DELETE", path + where), may, "D", 200, what)

    def test_cells_over_rest(self):
        for user, masks in ROLES.items():
            for tenant, place, types in PLACES:
                for plural, (body, key) in types.items():
                    self.one_cell(user, masks[place], tenant, plural, body, key)

    def test_cells_over_a_websocket(self):
        for user, masks in ROLES.items():
            with Desktop(self.centre.port("web"), self.clients[user].token) as desktop:
                for tenant, place, types in PLACES:
                    for plural, (body, key) in types.items():
                        self.one_question(desktop, masks[place], tenant, plural, key)

    def one_question(self, desktop, may, tenant, plural, key):
        what = (may, plural, tenant)
        fields = {"type": plural, "key": key.replace("%s", f"cell-{tenant}")}
        if tenant:
            fields["tenant"] = tenant
        objects = desktop.ask("Read", to="config", **fields)["objects"]
        self.assertEqual(len(objects), 1 if "R" in may else 0, what)
        value = json.dumps({"annex": {"cell": {"socket": str(time.time())}}})
        refused = "CFGNoPermission" if "R" in may else "CFGObjectNotFound"
        self.assertEqual(self.name_of(desktop, "ReadEffective", **fields), None if "R" in may else refused, what)
        self.assertEqual(self.name_of(desktop, "ChangeSet", ops=[{"op": "update", "value": value, **fields}]),
                         None if "H" in may else refused, what)

    @staticmethod
    def name_of(desktop, message, **fields):
        """Of the refusal, or None."""
        for _ in range(50):
            try:
                desktop.ask(message, to="config", **fields)
            except Refusal as refusal:
                if refusal.name != "CFGRateLimit":
                    return refusal.name
                time.sleep(0.5)
            else:
                return None
        return "refused for ever"

    def test_who_may_execute_an_application_logs_in_through_it(self):
        def status(user, application):
            return http_call(self.centre.port("web"), "POST", f"{CFG}/login",
                             {"user": user, "password": PASSWORD, "application": application}).status
        self.assertEqual([status("usr", one) for one in ("default", "web", "nothing")], [200, 403, 403])
        entries = {"entries": [{"account": "person:usr", "mask": "Read & Execute"}]}
        self.assertEqual(self.ask(BOSS, "PUT", "applications/web/acl", entries).status, 200)
        self.assertEqual([status(user, "web") for user in ("usr", "agt", BOSS)], [200, 403, 200])

    def test_an_administrator_sets_the_password_of_another_who_changes_it_at_the_next_log_in(self):
        self.assertEqual(self.ask(BOSS, "POST", "persons", {"employeeId": "novice", "userName": "novice"}).status, 201)
        wanted = {"newPassword": "as the administrator says"}
        self.assertEqual(self.ask("usr", "POST", "persons/novice/password", wanted).status, 403)
        self.assertEqual(self.ask("west", "POST", "persons/novice/password", wanted).status, 404)
        self.assertEqual(self.ask("adm", "POST", "persons/novice/password", {"newPassword": "short"}).status, 400)
        self.assertEqual(self.ask("adm", "POST", f"persons/{BOSS}/password", wanted).status, 403)
        self.assertEqual(self.ask("adm", "POST", "persons/novice/password", wanted).status, 200)
        session = http_call(self.centre.port("web"), "POST", f"{CFG}/login", {"user": "novice", "password": wanted["newPassword"]})
        self.assertEqual((session.status, json.loads(session.body)["mustChangePassword"]), (200, True))
        rows = [row for row in self.ask(BOSS, "GET", "history?key=novice&limit=10").json["rows"] if row["op"] == "password"]
        self.assertEqual((rows[0]["person"], rows[0]["application"]), ("adm", "web"))

    def test_a_change_is_told_of_with_who_made_it_to_those_who_may_see_it(self):
        patch = {"annex": {"audit": {"by": "adm"}}}
        self.assertEqual(self.ask("adm", "PATCH", "skills/cell-T?tenant=T", patch).status, 200)
        for user, masks in ROLES.items():
            rows = self.ask(user, "GET", "history?type=Skill&key=cell-T&tenant=T").json["rows"]
            self.assertEqual(bool(rows), "R" in masks[1], user)
            if rows:
                self.assertEqual((rows[0]["person"], rows[0]["application"], rows[0]["op"]), ("adm", "web", "update"))
