# SPDX-License-Identifier: Apache-2.0
"""`carillon config history` and `undo` against the real config: framework 3.6, F29."""
import json
import unittest
import xml.etree.ElementTree as ElementTree

from harness import Installation
from test_config import base_config


class History(unittest.TestCase):
    install = Installation

    def setUp(self):
        self.centre = self.enterContext(self.install(base_config()))

    def config(self, *words, expect=0, **more):
        done = self.centre.cli("config", *words, check=False, **more)
        self.assertEqual(done.returncode, expect, f"{words}: {done.stdout}{done.stderr}")
        return done

    def apply(self, *places):
        file = {"format": "cc-config", "version": 1, "places": list(places)}
        return self.config("apply", "-", "--overwrite", "--comment", "moving house", stdin=json.dumps(file)).stdout

    def test_F29_history_tells_changes_and_passwords_and_undo_takes_a_revision_back(self):
        self.apply({"name": "p", "site": "old"})
        before = self.config("export").stdout
        rev = int(self.apply({"name": "p", "site": "<new> & \"shiny\""}).split()[1].rstrip(":"))
        self.centre.cli("password", "default", stdin="correct horse battery staple\n")

        lines = self.config("history", "--last", "1").stdout
        self.assertRegex(lines, rf"revision {rev} update Place p by os:\S+ through tool from 127\.0\.0\.1")
        self.assertIn("moving house", lines)
        self.assertIn("password Person default by os:", lines)
        self.assertNotIn("horse", lines)

        path = self.centre.folder / "history.xml"
        self.config("history", "--type", "Place", "--key", "p", "--xml", str(path))
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        changes = ElementTree.parse(path).getroot().findall("change")
        self.assertEqual([one.get("operation") for one in changes], ["update", "create"])
        (new,) = changes[0].findall("property/new")
        self.assertEqual(json.loads(new.text), "<new> & \"shiny\"")
        rows = json.loads(self.config("history", "--json", "-").stdout)
        (password,) = [row for row in rows if row["op"] == "password" and row["application"] == "carillon password"]
        self.assertEqual(password["properties"], [{"path": "password", "old": "\"***\"", "new": "\"***\""}])
        for row in rows:
            if row["application"] in ("tool", "carillon password"):
                self.assertRegex(row["person"], r"^os:\S+$")
                self.assertRegex(row["address"], r"^127\.0\.0\.1")

        plan = self.config("undo", str(rev), "--plan", expect=2).stdout
        self.assertIn("~ Place p\n", plan)
        self.assertIn("site: ", plan)
        self.config("undo", str(rev))
        self.assertEqual(self.config("export").stdout, before)
        self.config("undo", str(rev), "--plan", expect=0)
        self.apply({"name": "p", "site": "again"})
        refused = self.config("undo", str(rev + 1), expect=1).stderr
        self.assertIn("places[p].site: was changed again since", refused)
