# SPDX-License-Identifier: Apache-2.0
"""Centres with desktops: who logs in, a desktop that insists until it is answered, and a socket that can
break every rule of RFC 6455.

    with DesktopCentre() as centre:                        # Centre with `web`; every person has PASSWORD
        desktop = StubbornDesktop(centre.web_port, centre.log_in("a1"))
        record = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=201)  # through any kill -9
"""
import contextlib
import json
import random
import socket
import struct
import time
import unittest

import websocket_client
from campaign import AGENTS, Centre, application
from harness import http_call, wait_until
from websocket_client import Closed, Refusal, Refused

AGENT = AGENTS[0]
PASSWORD = "Correct-Horse-1"

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8a  # with FIN


def frame(first, payload=b"", mask=b"\x37\xfa\x21\x3d", length=None):
    """As a client sends it. mask None: without one; length: a head that lies."""
    length = len(payload) if length is None else length
    bit = 0x80 if mask is not None else 0
    if length < 126:
        head = struct.pack("!BB", first, bit | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    if mask is None:
        return head + payload
    key = (mask * (len(payload) // 4 + 1))[:len(payload)]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")
    return head + mask + masked


class RawSocket(websocket_client.WebSocket):
    """Frames as they are; a time-out loses nothing of what came."""

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send_raw(self, first, payload=b"", **more):
        self.send_bytes(frame(first, payload, **more))

    def _whole(self):
        """The bytes of the first frame's head and payload, when they are all here."""
        if len(self.input) < 2:
            return None
        assert not self.input[1] & 0x80, "a server does not mask"
        head, length = 2, self.input[1]
        if length >= 126:
            head = 4 if length == 126 else 10
            if len(self.input) < head:
                return None
            length = int.from_bytes(self.input[2:head], "big")
        return (head, length) if len(self.input) >= head + length else None

    def frame(self, timeout=10):
        """The next frame: its first byte and payload."""
        end = time.monotonic() + timeout
        while (whole := self._whole()) is None:
            self.socket.settimeout(max(end - time.monotonic(), 0.0001))
            try:
                self._more()
            except ConnectionError:
                raise Closed(1006) from None
        first, payload = self.input[0], self.input[whole[0]:whole[0] + whole[1]]
        self.input = self.input[whole[0] + whole[1]:]
        return first, payload

    def receive(self, timeout=None):
        end = time.monotonic() + (timeout if timeout is not None else self.timeout)
        while True:
            first, payload = self.frame(max(end - time.monotonic(), 0.0001))
            if first == TEXT:
                return payload.decode()
            if first == PING:
                self.send_raw(PONG, payload)
            if first == CLOSE:
                raise Closed(int.from_bytes(payload[:2], "big") if payload else 1005, payload[2:].decode())


class StubbornDesktop:
    """One thread's desktop. It resumes when its connection breaks and asks again, with the same `ref`,
    until it is answered. `on_event` hears what came unasked. `loss`: how often, of 1, it breaks its own
    connection between asking and hearing."""

    def __init__(self, port, token, on_event=None, loss=0, source=random):
        self.port, self.token, self.on_event, self.loss, self.random = port, token, on_event, loss, source
        self.session, self.seq, self.ref = None, 0, 0
        self.raw, self.replies = None, {}
        self.resumed = self.missed = 0

    def connect(self):
        path = f"/desktop?session={self.session}&seq={self.seq}" if self.session else "/desktop"
        raw = RawSocket(self.port, path, {"Authorization": f"Bearer {self.token}"}, timeout=5)
        try:
            welcome = json.loads(raw.receive())
            assert welcome["message"] == "Welcome", welcome
        except BaseException:
            raw.cut()
            raise
        fields = welcome["fields"]
        if self.session and fields["session"] != self.session:
            raise AssertionError(f"{self.session} became {fields['session']}")
        if fields["resumed"]:
            self.resumed += 1
        else:
            self.missed += self.session is not None
            assert fields["seq"] >= self.seq, (fields, self.seq)
            self.seq = fields["seq"]
        self.session, self.raw = fields["session"], raw

    def cut(self):
        if self.raw:
            self.raw.cut()
            self.raw = None

    def hear(self, timeout):
        """One frame."""
        message = json.loads(self.raw.receive(timeout))
        if "seq" in message:
            assert message["seq"] > self.seq, (self.seq, message)
            self.seq = message["seq"]
        if "ref" in message:
            self.replies[message["ref"]] = message
        elif self.on_event:
            self.on_event(message)
        return message

    def listen(self, seconds):
        """Hears what comes in this time, over new connections where it has to."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                self._through(lambda: self.hear(left))

    def _through(self, deed):
        """Its result, or None when the connection is not there (any more)."""
        try:
            if self.raw is None:
                self.connect()
            return deed()
        except TimeoutError:
            raise
        except Refused as refused:
            if refused.status not in (429, 503):
                raise
            time.sleep(self.random.uniform(0.05, 0.3))
        except (OSError, Closed):
            self.cut()
            time.sleep(self.random.uniform(0.02, 0.1))
        return None

    def _ask_once(self, request, end):
        if request["ref"] not in self.replies:  # else it came with the resume
            self.raw.send_json(request)
            if self.random.random() < self.loss:
                self.cut()
                return None
        while request["ref"] not in self.replies:
            self.hear(max(end - time.monotonic(), 0.0001))
        return self.replies.pop(request["ref"])

    def ask(self, message, to="outbound", give_up=lambda: False, seconds=60, **fields):
        """The reply's fields; Refusal. TimeoutError when it gave up: then nobody knows."""
        self.ref += 1
        request = {"to": to, "message": message, "ref": self.ref, "fields": fields}
        end = time.monotonic() + seconds
        while time.monotonic() < end and not give_up():
            try:
                reply = self._through(lambda: self._ask_once(request, time.monotonic() + 5))
            except TimeoutError:
                self.cut()
                continue
            if reply is None:
                continue
            if "error" not in reply:
                return reply["fields"]
            if not reply["error"].get("retryable"):
                raise Refusal(reply["error"])
            time.sleep(min(reply["error"].get("retry_after_ms", 50) / 1000, 0.5))
        raise TimeoutError(request)


def log_in(port, user, password=PASSWORD):
    answer = http_call(port, "POST", "/api/login", {"user": user, "password": password})
    if answer.status != 200:
        raise Refused(answer.status, answer.headers, answer.body)
    return answer.json["token"]


class DesktopCentre(Centre):
    """A Centre with `web`. `web_options`: of its section [web]. `users`: who gets PASSWORD."""

    def __init__(self, groups=1, web_options=None, users=(AGENT,), amend=None, **more):
        def amend_too(config):
            web = application(config, "web")
            web["options"].setdefault("web", {}).update(web_options or {})
            web["options"]["log"]["verbose"] = "standard"
            if amend:
                amend(config)
        self.users = users
        super().__init__(groups, web=True, amend=amend_too, **more)

    def __enter__(self):
        super().__enter__()
        try:
            for user in self.users:
                self.cli("password", user, stdin=PASSWORD + "\n")
            self.wait_for_web()
        except BaseException:
            self.show_logs()
            self.close()
            raise
        return self

    @property
    def web_port(self):
        return self.port("web")

    def wait_for_web(self, seconds=20):
        def is_healthy():
            with contextlib.suppress(OSError):
                return http_call(self.web_port, "GET", "/health", timeout=2).status == 200
        wait_until(is_healthy, seconds, what="web serves")

    def log_in(self, user):
        return log_in(self.web_port, user)

    def all_pids(self):
        """Of each process: the same ones later, if nobody died."""
        return {"supervisor": self.supervisor.pid, "http_proxy": self.proxy_pid(),
                **{name: self.pid(name) for name in ("config", "outbound", "web")}}


class InOneCentre(unittest.TestCase):
    """One centre with a started group for all tests of a class; `amend`: of its configuration."""
    amend = None

    @classmethod
    def setUpClass(cls):
        cls.centre = DesktopCentre(1, amend=cls.amend, supervisor_options={"restart-quick-time": 10})
        cls.addClassCleanup(cls.centre.close)
        cls.centre.__enter__()
        cls.group = cls.centre.groups[0]
        cls.centre.load_and_start(cls.group)
        cls.number = 0  # of the last contact
