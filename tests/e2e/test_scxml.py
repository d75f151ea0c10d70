# SPDX-License-Identifier: Apache-2.0
"""`carillon scxml run | check | draw`: lines in and out, both clocks, Basic HTTP over sockets, runs
that are recorded, repeated, put aside and taken up again (orchestration 3, 14)."""
import http.server
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import xml.etree.ElementTree

from harness import TOP, beside, binary, http_call, wait_until

NAMESPACE = 'xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="ecmascript"'
HTTP = "http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor"

CLOCK = """<parallel id="all">
  <state id="a"><transition event="tick">
    <log label="data" expr="JSON.stringify(_event.data)"/></transition></state>
  <state id="b" initial="b1">
    <state id="b1"><onentry><send event="later" delay="2s"/></onentry>
      <transition event="later" target="b2"/></state>
    <state id="b2"/></state>
  <transition event="stop" target="done"/></parallel><final id="done"/>"""


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-scxml-"))
        self.addCleanup(lambda: subprocess.run(["rm", "-r", str(self.folder)], check=True))

    def chart(self, body, name="chart.scxml", attributes=NAMESPACE):
        path = self.folder / name
        path.write_text(f"<scxml {attributes}>{body}</scxml>")
        return str(path)

    def scxml(self, *words, lines="", timeout=30):
        """(exit status, lines of standard output, standard error)"""
        done = subprocess.run([binary(), "scxml", *map(str, words)], input=lines.encode(),
                              capture_output=True, timeout=timeout, check=False)
        return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()

    def virtual(self, body, lines, *words):
        return self.scxml("run", "--virtual-time", *words, self.chart(body), lines=lines)


class RunTest(Folder):
    def test_prints_a_line_for_each_macrostep_and_the_final_state_last(self):
        status, out, _ = self.virtual(CLOCK, "tick\nunknown\nstop\n")
        self.assertEqual((status, out), (0, ["a b1", "a b1", "a b1", "done", "final done"]))

    def test_json_lines(self):
        status, out, error = self.virtual(
            CLOCK, '{"name":"tick","data":{"x":[1,"é"]}}\n\n{"name":"stop"}\n', "--json")
        self.assertEqual(status, 0)
        self.assertEqual(out, ['{"configuration":["a","b1"]}', '{"configuration":["a","b1"]}',
                               '{"configuration":["done"]}', '{"final":"done"}'])
        self.assertIn('data: {"x":[1,"é"]}', error)

    def test_after_moves_the_virtual_clock(self):
        started = time.monotonic()
        _, out, _ = self.virtual(CLOCK, '{"after":1999}\ntick\n{"after":1}\n{"after":3600000}\n')
        self.assertEqual(out, ["a b1", "a b1", "a b2"])
        self.assertLess(time.monotonic() - started, 10)

    def test_the_end_of_the_input_ends_the_run(self):
        status, out, _ = self.virtual(CLOCK, "tick\n")
        self.assertEqual((status, out), (0, ["a b1", "a b1"]))
        started = time.monotonic()
        status, out, _ = self.scxml("run", self.chart(CLOCK), lines="tick\n")
        self.assertEqual((status, out), (0, ["a b1", "a b1"]))
        self.assertLess(time.monotonic() - started, 1.9)

    def test_without_any_input_delayed_sends_come(self):
        _, out, _ = self.virtual(CLOCK, "")
        self.assertEqual(out, ["a b1", "a b2"])
        started = time.monotonic()
        _, out, _ = self.scxml("run", self.chart(CLOCK))
        self.assertEqual(out, ["a b1", "a b2"])
        self.assertGreater(time.monotonic() - started, 1.9)

    def test_wait_lets_delayed_sends_come(self):
        _, out, _ = self.virtual(CLOCK, "tick\n", "--wait")
        self.assertEqual(out, ["a b1", "a b1", "a b2"])
        started = time.monotonic()
        _, out, _ = self.scxml("run", "--wait", self.chart(CLOCK))
        self.assertEqual(out, ["a b1", "a b2"])
        self.assertGreater(time.monotonic() - started, 1.9)

    def test_delayed_sends_run_on_real_time_between_lines(self):
        process = subprocess.Popen([binary(), "scxml", "run", self.chart(CLOCK)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started = time.monotonic()
        self.assertEqual(process.stdout.readline(), b"a b1\n")
        process.stdin.write(b"tick\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"a b1\n")
        self.assertEqual(process.stdout.readline(), b"a b2\n")
        self.assertGreater(time.monotonic() - started, 1.9)
        out, _ = process.communicate(b'{"after":300}\nstop\n', timeout=20)
        self.assertEqual((process.returncode, out), (0, b"done\nfinal done\n"))
        self.assertGreater(time.monotonic() - started, 2.2)

    def test_a_refused_document_is_status_2_and_says_where(self):
        path = self.chart('<state id="a">\n  <transition event="e" target="nowhere"/></state>')
        status, out, error = self.scxml("run", path)
        self.assertEqual((status, out), (2, []))
        self.assertRegex(error, re.escape(path) + r":2:\d+: error: .*nowhere")
        self.assertEqual(self.scxml("run", self.folder / "missing.scxml")[0], 2)

    def test_wrong_lines_are_named_and_passed_over(self):
        status, out, error = self.virtual(CLOCK, 'tick\n{"name":1}\n{"after":-1}\n{"nam":"x"}\n'
                                                 'two words\n{"name":"stop","more":1}\nstop\n')
        self.assertEqual(status, 1)
        self.assertEqual(out, ["a b1", "a b1", "done", "final done"])
        for line in range(2, 7):
            self.assertIn(f"standard input:{line}: error: ", error)

    def test_a_line_too_long_is_passed_over(self):
        status, out, error = self.virtual(CLOCK, "x" * (1 << 21) + "\nstop\n")
        self.assertEqual((status, out), (1, ["a b1", "done", "final done"]))
        self.assertIn("standard input:1: error: ", error)

    def test_a_last_line_needs_no_end(self):
        self.assertEqual(self.virtual(CLOCK, "stop")[1][-1], "final done")

    def test_what_never_rests_is_stopped_behind_its_input(self):
        body = ('<state id="a"><onentry><send event="e"/></onentry>'
                '<transition event="e" target="a"/></state>')
        for words in ((), ("--virtual-time",)):
            _, out, error = self.scxml("run", *words, self.chart(body), timeout=60)
            self.assertIn("no rest after", error)
            self.assertGreater(len(out), 1000)

    def test_scenario_O19_a_loop_without_event_is_terminated(self):
        status, out, error = self.virtual(
            '<state id="a"><transition target="b"/></state>'
            '<state id="b"><transition target="a"/></state>', "")
        self.assertEqual((status, out), (0, []))
        self.assertIn("error.platform.loop", error)

    def test_scenario_O17_a_system_variable_cannot_be_written(self):
        _, out, _ = self.virtual(
            '<state id="a"><onentry><assign location="_sessionid" expr="1"/><raise event="e1"/>'
            '</onentry><transition event="e1" target="bad"/><transition event="error.execution" '
            'cond="_sessionid.length === 32" target="good"/></state>'
            '<final id="good"/><final id="bad"/>', "")
        self.assertEqual(out[-1], "final good")

    def test_a_delayed_send_to_another_session_is_no_macrostep(self):
        _, out, error = self.virtual(
            f'<state id="a"><invoke id="kid"><content><scxml {NAMESPACE}><state id="inner">'
            '<transition event="hello"><log label="kid" expr="\'heard\'"/></transition></state></scxml>'
            '</content></invoke><onentry><send event="hello" target="#_kid" delay="1s"/></onentry>'
            '</state>', '{"after":5000.5}\n')
        self.assertEqual(out, ["a"])
        self.assertIn("kid: heard", error)

    def test_children_are_not_printed_but_their_log_is(self):
        _, out, error = self.virtual(
            f'<state id="a"><invoke id="kid"><content><scxml {NAMESPACE}><state id="inner"><onexit>'
            '<log label="kid" expr="\'left\'"/></onexit></state></scxml></content></invoke>'
            '<transition event="stop" target="f"/></state><final id="f"/>', "stop\n")
        self.assertEqual(out, ["a", "f", "final f"])
        self.assertIn("kid: left", error)

    def test_many_lines_at_once(self):
        body = ('<state id="a"><transition event="e" target="b"/></state>'
                '<state id="b"><transition event="e" target="a"/></state>')
        _, out, _ = self.virtual(body, "e\n" * 20001)
        self.assertEqual(len(out), 20002)
        self.assertEqual(out[-1], "b")

    def test_wrong_use(self):
        path = self.chart(CLOCK)
        for words in ([], ["run"], ["walk", path], ["run", "--unknown", path],
                      ["run", "--seed", "x", path], ["run", path, path],
                      ["run", "--http", "70000", path], ["check", "--virtual-time", path],
                      ["run", "--virtual-time", "--http", "0", path]):
            status, out, error = self.scxml(*words)
            self.assertEqual((status, out), (2, []), words)
            self.assertIn("carillon", error)


class RepeatTest(Folder):
    CHANCE = ('<state id="a"><onentry><send event="tick" delay="100ms"/></onentry>'
              '<transition event="tick" target="a"><log expr="Math.random()"/>'
              '<log expr="new Date().getTime()"/></transition>'
              '<transition event="ask" target="a"><log expr="_event.data"/></transition></state>')

    def test_a_virtual_run_repeats_itself(self):
        lines = 'ask\n{"after":1000}\n'
        first = self.virtual(self.CHANCE, lines)
        self.assertEqual(first, self.virtual(self.CHANCE, lines))
        self.assertNotEqual(first, self.virtual(self.CHANCE, lines, "--seed", "2"))

    def test_a_recorded_run_in_real_time_is_repeated_byte_for_byte(self):
        record = self.folder / "record"
        path = self.chart(self.CHANCE)
        process = subprocess.Popen([binary(), "scxml", "run", "--record", str(record), path],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(b'{"name":"ask","data":{"n":1}}\n')
        process.stdin.flush()
        time.sleep(0.5)
        out, error = process.communicate(b"ask\n", timeout=20)
        self.assertGreater(out.count(b"\n"), 5)
        status, again, error_again = self.scxml("run", "--replay", record, path)
        self.assertEqual(status, 0, error_again)
        self.assertEqual(("\n".join(again) + "\n").encode(), out)
        self.assertEqual(error_again.encode(), error)

    def test_a_replay_that_differs_says_where(self):
        record = self.folder / "record"
        path = self.chart(self.CHANCE)
        self.scxml("run", "--virtual-time", "--record", record, path, lines='{"after":250}\n')
        lines = record.read_text().splitlines()
        number = next(i for i, line in enumerate(lines) if "words" in line)
        lines[number] = lines[number].replace('"words":"0.', '"words":"1.')
        record.write_text("\n".join(lines) + "\n")
        status, _, error = self.scxml("run", "--replay", record, path)
        self.assertEqual(status, 1)
        self.assertIn(f"line {number + 1} of the record is now ", error)

    def test_nonsense_is_no_record(self):
        record = self.folder / "record"
        path = self.chart(self.CHANCE)
        for text in ("", "x\n", "{}\n", '{"at":1,"steps":1}\n', '{"record":2}\n'):
            record.write_text(text)
            self.assertEqual(self.scxml("run", "--replay", record, path)[0], 2, text)

    def test_a_run_put_aside_goes_on_in_another_process(self):
        body = CLOCK.replace('<log label="data" expr="JSON.stringify(_event.data)"/>',
                             '<log label="n" expr="count()"/>').replace(
            '<parallel id="all">', '<datamodel><data id="n" expr="0"/></datamodel>'
            '<script>function count() { return ++n; }</script><parallel id="all">')
        whole = self.virtual(body, 'tick\n{"after":1500}\ntick\n{"after":1500}\ntick\nstop\n')
        saved = self.folder / "saved"
        path = self.chart(body)
        out, error = [], ""
        for i, lines in enumerate(('tick\n{"after":1500}\n', 'tick\n{"after":1500}\n',
                                   "tick\nstop\n")):
            more = ("--restore", saved) if i else ()
            status, one, words = self.scxml("run", "--virtual-time", "--save", saved, *more, path,
                                            lines=lines)
            self.assertEqual(status, 0, words)
            out += one
            error += words
        self.assertEqual((0, out, error), whole)

    def test_a_run_of_another_document_is_not_taken_up(self):
        saved = self.folder / "saved"
        self.scxml("run", "--virtual-time", "--save", saved, self.chart(CLOCK), lines="tick\n")
        other = self.chart('<state id="x"/>', "other.scxml")
        status, out, error = self.scxml("run", "--virtual-time", "--restore", saved, other)
        self.assertEqual((status, out), (2, []))
        self.assertIn("another document", error)
        saved.write_bytes(saved.read_bytes()[:-5])
        self.assertEqual(self.scxml("run", "--restore", saved, self.chart(CLOCK))[0], 2)


class BasicHttpTest(Folder):
    """W3C tests 201, 509 ... 577 run over the same sockets in tests/scxml; here is what they leave
    out."""
    BODY = ('<state id="a"><onentry><log label="location" '
            'expr="_ioprocessors[\'basichttp\'].location"/></onentry>'
            '<transition event="*"><log label="got" expr="_event.name + \' \' + '
            'JSON.stringify(_event.data)"/></transition></state>')

    def setUp(self):
        super().setUp()
        self.error = open(self.folder / "error", "w+b")  # the run writes, we read
        self.addCleanup(self.error.close)
        self.process = subprocess.Popen(
            [binary(), "scxml", "run", "--http", "0", self.chart(self.BODY)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.error)
        self.addCleanup(self.stop)
        self.location = urllib.parse.urlsplit(self.said("location: (.*)"))

    def stop(self):
        self.process.kill()
        self.process.communicate()

    def said(self, pattern):
        path = self.folder / "error"
        return wait_until(lambda: re.search(pattern + "\n", path.read_text()), what=pattern).groups()[-1]

    def post(self, body, headers=None, path=None, method="POST"):
        headers = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return http_call(self.location.port, method, path or self.location.path, body, headers)

    def test_a_form_is_an_event(self):
        self.assertEqual(self.post("_scxmleventname=go&x=1&x=2&y=%C3%A9").status, 204)
        self.assertEqual(json.loads(self.said("got: go (.*)")), {"x": ["1", "2"], "y": "é"})

    def test_json_is_data(self):
        self.assertEqual(self.post('{"a":[1]}', {"Content-Type": "application/json"},
                                   self.location.path + "?_scxmleventname=order").status, 204)
        self.assertEqual(json.loads(self.said("got: order (.*)")), {"a": [1]})

    def test_what_is_no_event_is_refused(self):
        self.assertEqual(self.post("a=%zz").status, 400)
        self.assertEqual(self.post("", method="GET").status, 405)
        self.assertEqual(self.post("", path=self.location.path.replace("/session/", "/session/0"))
                         .status, 404)
        self.assertEqual(self.post("", path="/").status, 404)
        self.assertEqual(self.post("_scxmleventname=still").status, 204)
        self.said("got: still (undefined)")

    def test_the_end_of_the_input_ends_it(self):
        out, _ = self.process.communicate(b"", timeout=20)
        self.assertEqual(self.process.returncode, 0)
        self.assertEqual(out, b"a\n")


class SendOverHttpTest(Folder):
    def answer(self, status):
        """A server that answers so; (url, list of bodies)"""
        bodies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append((self.headers["Content-Type"],
                               self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/", bodies

    def send(self, url, content):
        return self.scxml(
            "run", "--wait", self.chart(
                f'<state id="a"><onentry><send id="s" type="{HTTP}" target="{url}" {content}'
                '<send event="enough" delay="500ms"/></onentry>'
                '<transition event="error.communication" cond="_event.sendid === \'s\'" '
                'target="failed"/><transition event="enough" target="delivered"/></state>'
                '<final id="failed"/><final id="delivered"/>'))[1][-1]

    def test_a_send_is_a_form(self):
        url, bodies = self.answer(200)
        self.assertEqual(self.send(url, 'event="go"><param name="x y" expr="\'a&amp;b\'"/></send>'),
                         "final delivered")
        self.assertEqual(bodies, [("application/x-www-form-urlencoded",
                                   b"_scxmleventname=go&x%20y=a%26b")])

    def test_content_is_the_body(self):
        url, bodies = self.answer(204)
        self.assertEqual(self.send(url, '><content expr="{a: 1}"/></send>'), "final delivered")
        self.assertEqual(bodies, [("application/json", b'{"a":1}')])

    def test_a_refusal_is_error_communication(self):
        url, bodies = self.answer(500)
        self.assertEqual(self.send(url, 'event="go"/>'), "final failed")
        self.assertEqual(len(bodies), 1)

    def test_nobody_there_is_error_communication(self):
        self.assertEqual(self.send("http://127.0.0.1:1/", 'event="go"/>'), "final failed")


class CheckTest(Folder):
    def test_every_error_has_its_place(self):
        good, bad = self.chart(CLOCK, "good.scxml"), self.folder / "bad.scxml"
        bad.write_text(f'<scxml {NAMESPACE}>\n<state id="a">\n'
                       '  <transition event="e" target="nowhere"/>\n'
                       '  <transition cond="a +"/>\n</state>\n<state id="a"/>\n</scxml>')
        self.assertEqual(self.scxml("check", good), (0, [], ""))
        status, out, error = self.scxml("check", good, bad)
        self.assertEqual((status, error), (2, ""))
        places = [re.fullmatch(re.escape(str(bad)) + r":(\d+):(\d+): error: (.+)", line)
                  for line in out]
        self.assertEqual(sorted(int(place[1]) for place in places), [3, 4, 6], out)
        self.assertTrue(all(int(place[2]) > 1 for place in places if place[1] != "6"), out)

    def test_json(self):
        bad = self.chart('<state id="a" initial="b"/>', "bad.scxml")
        status, out, _ = self.scxml("check", "--json", bad, self.folder / "missing.scxml")
        self.assertEqual(status, 2)
        found = [json.loads(line) for line in out]
        self.assertEqual(found[0]["file"], bad)
        self.assertEqual(found[0]["line"], 1)
        self.assertEqual({one["severity"] for one in found}, {"error"})
        self.assertIn("missing.scxml", found[-1]["words"])

    def test_a_document_of_another_kind_is_refused(self):
        for name, text in (("empty", b""), ("text", b"hello"), ("html", b"<html/>"),
                           ("zero", b"<scxml\0/>")):
            path = self.folder / name
            path.write_bytes(text)
            status, out, _ = self.scxml("check", path)
            self.assertEqual(status, 2, name)
            self.assertTrue(out[0].startswith(str(path) + ":"), out)
        self.assertEqual(self.scxml("check", "/dev/zero")[0], 2)
        self.assertEqual(self.scxml("check", self.folder)[0], 2)
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        self.assertEqual(self.scxml("check", fifo)[0], 2)


class DrawTest(Folder):
    def test_a_chart_is_drawn_alike_each_time(self):
        path = self.chart(CLOCK)
        status, out, error = self.scxml("draw", path)
        self.assertEqual((status, error), (0, ""))
        root = xml.etree.ElementTree.fromstring("\n".join(out))
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        words = " ".join(root.itertext())
        for word in ("b1", "b2", "later", "done"):
            self.assertIn(word, words)
        self.assertEqual(self.scxml("draw", path), (status, out, error))

    def test_a_refused_document_is_not_drawn(self):
        status, out, error = self.scxml("draw", self.chart('<state id="a" initial="b"/>'))
        self.assertEqual((status, out), (2, []))
        self.assertIn(": error: ", error)


class BoundsTest(unittest.TestCase):
    """Within 100 ms of a limit, to the millisecond, in the build that is used: a sanitized one takes several times as long."""
    alone = True

    def test_scenario_O18_nothing_that_a_document_contains_can_stop_its_server(self):
        name = "tests/unit/scxml/scxml_ecmascript_bounds_test"
        program = beside(name, [TOP / "tests/unit/scxml/ecmascript_bounds_test.c", TOP / "src/scxml/ecmascript.c"])
        done = subprocess.run([program], capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])


if __name__ == "__main__":
    unittest.main()
