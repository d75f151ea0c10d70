#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sample web server of a customer: receives contact-processed notifications (spec outbound 12).

    samples/receiver.py [--port 8099] [--file FILE]

It prints each contact once, knowing repeats by GSW_MESSAGE_GUID: outbound sends again whenever it
cannot be sure that a message arrived. With --file it keeps the notifications there, one JSON line
each, durably before it answers, and remembers them when it is started again.

    GET /last    the last notification          GET /list[?n=20]    the last ones, newest first
    POST /...    a notification; 200 also for a repeat. Loopback only; Python's standard library.
"""
import argparse
import collections
import datetime
import http.server
import json
import os
import pathlib
import signal
import sys
import threading
import urllib.parse

BODY_BYTES_MAX = 1024 * 1024
KEPT = 10_000  # notifications in memory, and ids that are recognised
SHOWN_FIRST = ["GSW_PHONE", "GSW_CALL_RESULT", "GSW_DISPOSITION_CODE", "GSW_AGENT_ID", "GSW_CUSTOMER_ID",
               "GSW_CAMPAIGN_GROUP_NAME", "GSW_CALLING_LIST", "GSW_CHAIN_ID", "GSW_CHAIN_N"]
IS_COLOURED = sys.stdout.isatty()


class Ledger:
    """What arrived, each message once."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.by_guid = collections.OrderedDict()
        self.repeats = 0
        self.file = None
        if path:
            if path.exists():
                for line in path.read_text(encoding="utf-8").splitlines():
                    try:
                        self.remember(json.loads(line))
                    except (ValueError, KeyError, TypeError):
                        pass  # half a line, written when we were killed: it was not answered
            self.file = open(path, "a", encoding="utf-8")
            if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
                self.file.write("\n")

    def remember(self, notification):
        self.by_guid[notification["GSW_MESSAGE_GUID"]] = notification
        while len(self.by_guid) > KEPT:
            self.by_guid.popitem(last=False)

    def add(self, notification):
        """False when it is known. Durable on return."""
        with self.lock:
            if notification["GSW_MESSAGE_GUID"] in self.by_guid:
                self.repeats += 1
                return False
            if self.file:
                self.file.write(json.dumps(notification, ensure_ascii=False) + "\n")
                self.file.flush()
                os.fdatasync(self.file.fileno())
            self.remember(notification)
            return True

    def last(self, count):
        with self.lock:
            return list(self.by_guid.values())[:-count - 1:-1]


def bold(text):
    return f"\033[1m{text}\033[0m" if IS_COLOURED else text


def when(stamp):
    """"1780334195.004" -> local time of day."""
    try:
        return datetime.datetime.fromtimestamp(float(stamp)).strftime("%H:%M:%S.%f")[:-3]
    except (TypeError, ValueError, OverflowError, OSError):
        return "--:--:--"


def describe(notification):
    """Lines for a person: who, what came of it, what the agent changed, the rest."""
    get = notification.get
    lines = [f"{when(get('GSW_TIMESTAMP'))}  {get('GSW_PHONE')}  result {get('GSW_CALL_RESULT')}"
             f"{'  ' + str(get('GSW_DISPOSITION_CODE')) if get('GSW_DISPOSITION_CODE') else ''}"]
    first = [key for key in SHOWN_FIRST if key in notification]
    own = [key for key in notification if not key.startswith("GSW_")]
    rest = [key for key in notification if key not in first and key not in own]
    for title, keys in (("", first), ("changed: ", own), ("", rest)):
        if keys:
            lines.append("    " + title + "  ".join(f"{key.removeprefix('GSW_')}={notification[key]}"
                                                    for key in keys))
    lines = ["".join(c if c.isprintable() else "?" for c in line) for line in lines]
    return "\n".join([bold(lines[0]), *lines[1:]])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    ledger = None

    def answer(self, status, body):
        payload = (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def refuse(self, status, words):
        self.close_connection = True  # the body may still be on its way
        self.answer(status, {"error": words})

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/last":
            last = self.ledger.last(1)
            self.answer(200, last[0]) if last else self.answer(404, {"error": "nothing arrived yet"})
        elif url.path == "/list":
            wanted = urllib.parse.parse_qs(url.query).get("n", ["20"])[0]
            if not wanted.isdigit() or not 1 <= int(wanted) <= KEPT:
                self.answer(400, {"error": f"n: must be 1 to {KEPT}"})
                return
            self.answer(200, {"count": len(self.ledger.by_guid), "repeats": self.ledger.repeats,
                              "notifications": self.ledger.last(int(wanted))})
        else:
            self.answer(404, {"error": "GET /last or /list"})

    def read_body(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.refuse(411, "Content-Length is missing")
        elif int(length) > BODY_BYTES_MAX:
            self.refuse(413, f"more than {BODY_BYTES_MAX} bytes")
        else:
            return self.rfile.read(int(length))
        return None

    def do_POST(self):
        body = self.read_body()
        if body is None:
            return
        try:
            notification = json.loads(body)
            guid = notification["GSW_MESSAGE_GUID"]
        except (ValueError, KeyError, TypeError, RecursionError):
            self.refuse(400, "the body must be a JSON object with GSW_MESSAGE_GUID")
            return
        if not isinstance(guid, str) or self.headers.get("ETag", guid).strip('"') != guid:
            self.refuse(400, "ETag and GSW_MESSAGE_GUID differ")
            return
        is_new = self.ledger.add(notification)
        self.answer(200, {"received": guid, "repeat": not is_new})
        print(describe(notification) if is_new else f"    repeat of {guid}", flush=True)

    def log_message(self, *_):
        """We say what arrived, not how."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A peer that went away in the middle is no news."""


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--port", type=int, default=8099)
    words.add_argument("--file", type=pathlib.Path)
    given = words.parse_args()
    Handler.ledger = Ledger(given.file)
    server = Server(("127.0.0.1", given.port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on http://127.0.0.1:{server.server_port}, GET /last and /list", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
