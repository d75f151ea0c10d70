# SPDX-License-Identifier: Apache-2.0
"""The administration REST against real servers: framework 3.3; F3, F4, F5, F6 as HTTP clients see them."""
import json
import unittest

from harness import http_call
from rest import AGENT, BOSS, HOST, RestCentre

CFG = "/api/cfg/v1"


class Rest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = cls.enterClassContext(RestCentre())
        cls.boss = cls.centre.client(BOSS)

    def expect(self, answer, status, error_type=None):
        self.assertEqual(answer.status, status, answer.body)
        body = json.loads(answer.body) if answer.body else None
        if error_type:
            self.assertEqual(body["errorType"], error_type)
            self.assertEqual(list(body), ["errorType", "objectType", "objectProperty", "message", "details"])
        return body

    def create(self, plural, **value):
        return self.expect(self.boss.call("POST", f"{CFG}/{plural}", value), 201)

    def test_F3_of_two_writers_with_one_revision_the_first_wins(self):
        made = self.create("hosts", name="F3", ipAddress="127.0.0.1")
        rev = made["rev"]
        first = self.boss.call("PATCH", f"{CFG}/hosts/F3", {"lcaPort": 5001}, {"If-Match": f'"{rev}"'})
        self.expect(first, 200)
        self.assertEqual(first.headers["ETag"], f'"{rev + 1}"')
        second = self.boss.call("PATCH", f"{CFG}/hosts/F3", {"lcaPort": 5002}, {"If-Match": str(rev)})
        self.expect(second, 412, "CFGRevMismatch")
        answer = self.boss.get(f"{CFG}/hosts/F3")
        self.assertEqual(answer.headers["ETag"], f'"{rev + 1}"')
        self.assertEqual((self.expect(answer, 200)["lcaPort"], json.loads(answer.body)["rev"]), (5001, rev + 1))
        self.assertEqual(self.boss.get(f"{CFG}/hosts/F3", If_None_Match=f'"{rev + 1}"').status, 304)
