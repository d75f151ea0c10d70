# SPDX-License-Identifier: Apache-2.0
"""The served OpenAPI document against the server that serves it: every operation answers as the document says.

tests/openapi/lint.py asks npm's linters what they think of the document itself."""
import http.client
import json
import unittest
import urllib.parse

from harness import http_call
from rest import BOSS, HOST, RestCentre

try:
    import jsonschema
except ImportError:  # Debian: python3-jsonschema
    jsonschema = None

NOBODY = {"key": "nothing-there", "name": "nobody", "host": "nowhere", "rev": "1", "id": "999999", "ixn": "none",
          "type": "hosts", "appType": "CMServer"}


@unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = cls.enterClassContext(RestCentre())
        cls.boss = cls.centre.client(BOSS)
        cls.document = json.loads(http_call(cls.boss.port, "GET", "/api/openapi.json").body)
        cls.validators = {}
        cls.connection = http.client.HTTPConnection("127.0.0.1", cls.boss.port, timeout=20)

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def find(self, one):
        while "$ref" in one:
            found = self.document
            for part in one["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            one = found
        return one

    def ask(self, method, path, body=None, session=True):
        headers = {"Authorization": f"Bearer {self.boss.token}"} if session else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        if answer.headers["Content-Type"] and answer.headers["Content-Type"].startswith("text/event-stream"):
            answer.text = ""
            self.connection.close()
        else:
            answer.text = answer.read()
        return answer

    def check(self, operation, answer, where):
        self.assertIn(str(answer.status), operation["responses"], f"{where}: {answer.text}")
        content = self.find(operation["responses"][str(answer.status)]).get("content", {})
        kind = (answer.headers["Content-Type"] or "").split(";")[0]
        self.assertEqual(bool(content), bool(kind), where)
        if kind != "application/json":
            return
        self.assertIn(kind, content, where)
        key = json.dumps(content[kind]["schema"])
        if key not in self.validators:
            schema = {**content[kind]["schema"], "components": self.document["components"]}
            self.validators[key] = jsonschema.Draft202012Validator(schema)
        errors = [error.message for error in self.validators[key].iter_errors(json.loads(answer.text))]
        self.assertEqual(errors[:3], [], where)

    @staticmethod
    def filled(path, operation):
        for name, value in NOBODY.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def test_the_document_is_one(self):
        self.assertEqual(self.document["openapi"], "3.1.0")
        ids = [operation["operationId"] for _, _, operation in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 400)

    def test_each_operation_answers_as_its_document_says(self):
        for path, method, operation in self.operations():
            if path.endswith(("/logout", "/password", "/login", "/import")):
                continue
            where = f"{method} {path}"
            body = {} if "requestBody" in operation else None
            self.check(operation, self.ask(method, self.filled(path, operation), body), where)

    def test_each_operation_wants_a_session_and_known_parameters(self):
        for path, method, operation in self.operations():
            if operation.get("security") == [] or path.endswith(("/logout", "/password")):
                continue
            body = {} if "requestBody" in operation else None
            target = self.filled(path, operation)
            answer = self.ask(method, target, body, session=False)
            self.assertEqual(answer.status, 401, target)
            self.check(operation, answer, f"{method} {path} without a session")
            answer = self.ask(method, f"{target}?no-such-parameter=1", body)
            self.assertEqual((answer.status, json.loads(answer.text)["objectProperty"]), (400, "no-such-parameter"), target)

    def test_every_object_there_is_fits_its_schema(self):
        count = 0
        for one in self.document["paths"]:
            if not one.startswith("/api/cfg/v1/") or f"{one}/{{key}}" not in self.document["paths"]:
                continue
            listed = self.ask("GET", one)
            self.check(self.document["paths"][one]["get"], listed, one)
            objects = json.loads(listed.text)["objects"]
            count += len(objects)
            if objects:
                path = f"{one}/{objects[0]['dbid']}"
                answer = self.ask("GET", path)
                self.assertEqual(answer.status, 200, path)
                self.check(self.document["paths"][f"{one}/{{key}}"]["get"], answer, path)
        self.assertGreater(count, 40)
        host = self.ask("GET", f"/api/cfg/v1/hosts/{urllib.parse.quote(HOST)}")
        self.assertEqual(json.loads(host.text)["name"], HOST)


if __name__ == "__main__":
    unittest.main()
