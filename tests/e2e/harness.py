#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts real installations for end-to-end tests and runs the tests (Python's standard library).

In a test:
    with Installation(config) as centre:              # a temporary folder, free ports, RUNNING
        answer = centre.http("outbound", "http", "GET", "/records/1")
        centre.kill("outbound")                       # kill -9 by application name
        centre.cli("config", "export")                # the carillon command, with --data
        centre.sqlite("outbound").execute("select ...")
`config` is a path or a dict in the form of carillon.jsonc; every port in it is replaced by a free
one, see centre.port(application, id). Whatever was started is stopped by its pid.

To run: tests/e2e/harness.py [--binary FILE] [--tap FILE] [--jobs N] [--soak] [NAME...]
Several processes run a class of tests each (workers.py), the longest first (longest.txt); a class with
`alone = True` runs while no other does. --jobs 1: all in one process, in the order of their names.
"""
import argparse
import contextlib
import copy
import faulthandler
import fcntl
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

import running
import workers
from ports import free_port
from running import alone

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = [TOP / "tests/e2e", TOP / "tests/chaos"]
sys.modules.setdefault("harness", sys.modules[__name__])  # one module, also when run as a program

JOBS = 3  # most tests wait most of the time


def beside(name, sources):
    """A program of the build that the binary is from; built when it is not there, or older than `sources`."""
    build = pathlib.Path(binary()).resolve().parent
    path, newest = build / name, max(one.stat().st_mtime for one in sources)
    with open(build / "build.ninja", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two ninjas in one folder spoil each other's work
        if not path.exists() or path.stat().st_mtime < newest:
            subprocess.run(["ninja", "-C", build, "--quiet", name], check=True, stdout=subprocess.DEVNULL)
    return path


def binary():
    return os.environ.get("CARILLON_BINARY", str(TOP / "build/carillon"))


def rounds(in_test, in_soak):
    """How often a crash test repeats itself: make test, make soak."""
    return in_soak if os.environ.get("CARILLON_SOAK") else in_test


# --- small helpers ---------------------------------------------------------------------------

def wait_until(question, seconds=10, every=0.01, what="it"):
    """Asks until the answer is true and returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(every)


def load_jsonc(path):
    """JSON with comments and trailing commas."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    token = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|,(?=\s*(?:(?://[^\n]*\n|/\*.*?\*/)\s*)*[}\]])',
                       re.DOTALL)
    return json.loads(token.sub(lambda match: match[0] if match[0][0] == '"' else "", text))


class Answer:
    """An HTTP answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


def http_call(port, method, path, body=None, headers=None, timeout=10):
    """One request on a connection of its own. A dict as body becomes JSON."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def process_lives(pid, start_ticks=None):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    fields = stat[stat.rindex(")") + 2:].split()
    return fields[0] != "Z" and (start_ticks is None or int(fields[19]) == start_ticks)


# --- an installation ---------------------------------------------------------------------------

class Installation:
    """One host with its supervisor and applications."""

    def __init__(self, config=None, options=None, wait=True, environ=None, program=None):
        self.program = program or binary()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-"))
        self.data = self.folder / "data"
        self.host_file = self.folder / "host.jsonc"
        self.config_file = self.folder / "carillon.jsonc"
        self.output = self.folder / "supervisor.out"
        self.metrics_port = free_port()
        self.supervisor = None
        self.environ = dict(os.environ, **(environ or {}))
        self.ports = {}
        self.wait = wait
        self.config = self._with_free_ports(config)
        self.options = options or {}
        self._write_files()

    def _with_free_ports(self, config):
        config = copy.deepcopy(config) if isinstance(config, dict) else (
            load_jsonc(config) if config else None)
        for application in (config or {}).get("applications", []):
            for port in application.get("ports", []):
                port["number"] = free_port()
                self.ports[application["name"], port.get("id", "default")] = port["number"]
        self.ports.setdefault(("config", "default"), free_port())
        return config

    def _write_files(self):
        host = self.config["hosts"][0]["name"] if self.config and self.config.get("hosts") else "localhost"
        self.host_file.write_text(json.dumps({
            "host": host, "data": str(self.data),
            "config": {"application": "config",
                       "address": f"127.0.0.1:{self.port('config')}"},
            "metrics": f"127.0.0.1:{self.metrics_port}", "options": self.options}, indent=2))
        if self.config:
            self.config_file.write_text(json.dumps(self.config, indent=2))

    def __enter__(self):
        try:
            self.start()
            if self.config:
                self.cli("config", "apply", str(self.config_file))
                if self.wait:
                    self.wait_running()
        except BaseException:
            self.show_logs()
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind and not issubclass(kind, unittest.SkipTest):
            self.show_logs()
        self.close()

    # the supervisor and its applications

    def start(self):
        """The supervisor; returns when it has read its configuration."""
        self.spawn()
        wait_until(lambda: self.state("config") == "RUNNING", 20, what="config RUNNING")

    def spawn(self):
        """The supervisor, in a session of its own."""
        self.supervisor = subprocess.Popen(
            [self.program, "run", "--data", str(self.data), "--host-file", str(self.host_file)],
            stdin=subprocess.DEVNULL, stdout=open(self.output, "ab"), stderr=subprocess.STDOUT,
            start_new_session=True, env=self.environ)

    def names(self):
        host = self.config["hosts"][0]["name"] if self.config.get("hosts") else None
        return [one["name"] for one in self.config["applications"]
                if one.get("host") == host and one.get("state", "enabled") == "enabled"]

    def wait_running(self, names=None, seconds=20):
        for name in names or self.names():
            wait_until(lambda name=name: self.state(name) == "RUNNING", seconds,
                       what=f"{name} RUNNING, is {self.state(name)}")

    def states(self):
        """Name to state of every application, {} while no supervisor answers."""
        try:
            answer = http_call(self.metrics_port, "GET", "/health", timeout=2)
        except OSError:
            if self.supervisor is not None and self.supervisor.poll() is not None:
                raise AssertionError(f"the supervisor ended with {self.supervisor.returncode}: "
                                     + self.output.read_text(errors="replace"))
            return {}
        return {name: one["state"] for name, one in answer.json["applications"].items()}

    def state(self, name):
        return self.states().get(name)

    def pid(self, name):
        """The living process of an application, or None."""
        try:
            pid, ticks = (self.data / "run" / f"{name}.pid").read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if process_lives(int(pid), int(ticks)) else None

    def kill(self, name, number=signal.SIGKILL):
        """kill -9 by application name; returns the pid it had. "supervisor" is one, too."""
        if name == "supervisor":
            pid = self.supervisor.pid
            self.supervisor.send_signal(number)
            if number == signal.SIGKILL:
                self.supervisor.wait()
            return pid
        pid = wait_until(lambda: self.pid(name), 20, what=f"a process of {name}")
        os.kill(pid, number)
        return pid

    def stop(self, number=signal.SIGINT, seconds=60):
        """As Ctrl-C does; returns the supervisor's exit code."""
        self.supervisor.send_signal(number)
        return self.supervisor.wait(seconds)

    # doors

    def port(self, application, port_id="default"):
        return self.ports[application, port_id]

    def http(self, application, port_id, method, path, body=None, headers=None, timeout=10):
        return http_call(self.port(application, port_id), method, path, body, headers, timeout)

    def metrics(self):
        """Name with labels, as printed, to number."""
        text = http_call(self.metrics_port, "GET", "/metrics").body.decode()
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in samples}

    def cli(self, *words, check=True, timeout=60, stdin=None, program=None):
        """The carillon command on this installation."""
        done = subprocess.run([program or self.program, words[0], "--data", str(self.data), *map(str, words[1:])],
                              capture_output=True, text=True, timeout=timeout, input=stdin,
                              env=self.environ)
        if check and done.returncode != 0:
            raise AssertionError(f"carillon {' '.join(map(str, words))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def sqlite(self, application, name=None):
        """The application's store, read-only."""
        found = sorted((self.data / application).glob(f"{name or '*'}.db"))
        if not found:
            raise AssertionError(f"no store of {application} below {self.data}")
        return sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True, timeout=10)

    def logs(self, pattern="*"):
        """What all log files say, joined. A worker writes them, a little behind what they tell of."""
        time.sleep(0.1)
        return "".join(path.read_text(errors="replace")
                       for path in sorted((self.data / "logs").glob(pattern)) if path.is_file())

    # the end

    def show_logs(self):
        for path in [self.output, *sorted((self.data / "logs").glob("*"))]:
            if path.is_file() and path.stat().st_size:
                print(f"# --- {path.name}", file=sys.stderr)
                for line in path.read_text(errors="replace").splitlines()[-40:]:
                    print(f"# {line}", file=sys.stderr)

    def _kill_leftovers(self):
        for path in (self.data / "run").glob("*.pid"):
            pid = self.pid(path.name[:-len(".pid")])
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def close(self):
        if self.supervisor is not None and self.supervisor.poll() is None:
            for seconds in (2, 30):  # who waits for its agents is not waited for
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.stop(signal.SIGINT, seconds)
                    break
            if self.supervisor.poll() is None:
                self.supervisor.kill()
                self.supervisor.wait()
        self._kill_leftovers()
        shutil.rmtree(self.folder, ignore_errors=True)


# --- a web server of the customer's ----------------------------------------------------------

class Receiver:
    """Takes notifications. `answer(request)` returns a status, or (status, body), or None to close
    the connection without an answer; it may sleep. request: method, path, query, headers, body,
    json, at (monotonic seconds)."""

    class Request:
        def __init__(self, handler, body):
            url = urllib.parse.urlsplit(handler.path)
            self.method, self.path, self.target = handler.command, url.path, handler.path
            self.query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
            self.headers, self.body, self.at = handler.headers, body, time.monotonic()

        @property
        def json(self):
            return json.loads(self.body)

    def __init__(self, answer=None, port=0):
        self.answer = answer or (lambda request: 200)
        self.requests, self._lock = [], threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = Receiver.Request(self, self.rfile.read(length))
                with receiver._lock:
                    receiver.requests.append(request)
                answer = receiver.answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, body = answer if isinstance(answer, tuple) else (answer, b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

            def log_message(self, *words):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, request, address):
                pass  # a sender that was killed is no news

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def wait_for(self, count, seconds=10):
        wait_until(lambda: len(self.requests) >= count, seconds,
                   what=f"{count} notifications, came {len(self.requests)}")
        return list(self.requests)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *words):
        self.close()


# --- running the tests ------------------------------------------------------------------------

def find_tests(names, soak):
    """In the soak all of tests/chaos, and what of tests/e2e goes by rounds()."""
    loader, found = unittest.TestLoader(), {}

    def flat(tests):
        for test in tests:
            yield from flat(test) if isinstance(test, unittest.TestSuite) else [test]

    for folder in FOLDERS:
        for path in sorted(folder.glob("test_*.py")):
            tests = loader.loadTestsFromName(path.stem)
            if soak and folder.name != "chaos" and not hasattr(sys.modules[path.stem], "rounds"):
                continue
            for test in flat(tests):
                if not names or any(name in test.id() for name in names):
                    found[test.id()] = test
    return list(found.values())


def run_tests(tests, given):
    """Their TAP to standard output; whether all is well."""
    units = running.units_of(tests)
    with contextlib.ExitStack() as stack:
        files = [sys.stdout]
        if given.tap:
            files.append(stack.enter_context(open(given.tap, "w", encoding="utf-8")))
        tap = running.Tap(len(tests), files)
        if given.jobs == 1 or len(units) == 1:
            running.run_here(units, tests, tap)
        else:
            stack.enter_context(crew := workers.Crew(given.jobs, tap)).run(units)
    if given.times:
        workers.write_times(given.times, units)
    return not tap.failed


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--binary", help="default build/carillon")
    words.add_argument("--tap", help="write the TAP lines there, too")
    words.add_argument("--soak", action="store_true", help="the crash tests, many rounds")
    words.add_argument("--jobs", type=int, help=f"processes that run tests, default {JOBS}; with --soak 1")
    words.add_argument("--times", help="write there how long the classes took, as tests/e2e/longest.txt")
    words.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    words.add_argument("names", nargs="*", help="only tests whose name contains one of these")
    given = words.parse_args()
    given.jobs = given.jobs or (1 if given.soak else JOBS)
    faulthandler.enable()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if given.binary:
        os.environ["CARILLON_BINARY"] = os.path.abspath(given.binary)
    if given.soak:
        os.environ["CARILLON_SOAK"] = "1"
    sys.path[:0] = [str(folder) for folder in FOLDERS]
    if given.worker is not None:
        workers.work(given.worker)
        return
    tests = find_tests(given.names, given.soak)
    if not tests:
        words.error("no such test")
    sys.exit(0 if run_tests(tests, given) else 1)


if __name__ == "__main__":
    main()
