# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client that can also break every rule, and a desktop of `web` on it.

    raw = WebSocket(port, "/desktop", {"Authorization": "Bearer ..."})   # Refused: the answer was not 101
    raw.send_text("Hello"); raw.text()                                   # pings are answered on the way
    raw.send(0x89, b"ping"); raw.frame()                                 # (first byte, payload)
    raw.send_bytes(b"\\x81\\x05Hello")                                     # anything

    desktop = Desktop(port, "a1", "password")
    record = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=201)    # its fields, or Refusal
"""
import base64
import hashlib
import http.client
import json
import os
import random
import socket
import struct
import time

from harness import http_call

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8a  # with FIN


class Refused(Exception):
    def __init__(self, status, headers, body):
        super().__init__(f"{status} {body[:200]!r}")
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """`code` is the peer's; 1006 when there was none."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


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


class WebSocket:
    def __init__(self, port, path="/desktop", headers=None, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        try:
            self._shake_hands(port, path, headers or {})
        except BaseException:
            self.socket.close()
            raise

    def _shake_hands(self, port, path, headers):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = http.client.HTTPResponse(self.socket, method="GET")
        answer.fp.close()
        answer.fp = self.socket.makefile("rb", buffering=0)  # what follows the head stays in the socket
        answer.begin()
        if answer.status != 101:
            raise Refused(answer.status, answer.headers, answer.read())
        proof = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        assert answer.headers["Sec-WebSocket-Accept"] == proof.decode(), answer.headers
        self.headers = answer.headers

    # out

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, first, payload=b"", **more):
        self.send_bytes(frame(first, payload, **more))

    def send_text(self, text):
        self.send(TEXT, text.encode())

    def send_json(self, value):
        self.send_text(json.dumps(value))

    # in

    def _read(self, count, deadline):
        while len(self.unread) < count:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                raise Closed(1006, "the connection ended")
            self.unread += piece
        taken, self.unread = self.unread[:count], self.unread[count:]
        return taken

    def frame(self, timeout=10):
        """The next frame: its first byte and payload. TimeoutError, with what came kept."""
        deadline = None if timeout is None else time.monotonic() + timeout
        kept = b""

        def read(count):
            nonlocal kept
            try:
                kept += self._read(count, deadline)
            except TimeoutError:
                self.unread = kept + self.unread
                raise
            return kept[-count:] if count else b""
        first, length = read(2)
        assert not length & 0x80, "a server does not mask"
        if length == 126:
            length, = struct.unpack("!H", read(2))
        elif length == 127:
            length, = struct.unpack("!Q", read(8))
        return first, read(length)

    def text(self, timeout=10):
        """The next text message; pings are answered. Closed when the server closes."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            first, payload = self.frame(None if deadline is None else max(deadline - time.monotonic(), 0.001))
            if first == TEXT:
                return payload.decode()
            if first == PING:
                self.send(PONG, payload)
            if first == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                raise Closed(code, payload[2:].decode())

    def json(self, timeout=10):
        return json.loads(self.text(timeout))

    def close_code(self, timeout=10):
        """What the server closes with; everything before it is read."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.text(max(deadline - time.monotonic(), 0.001))
        except Closed as closed:
            return closed.code

    def close(self, code=None):
        """Says goodbye when there is a code; else it just ends."""
        try:
            if code is not None:
                self.send(CLOSE, struct.pack("!H", code))
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *words):
        self.close()


# --- a desktop -------------------------------------------------------------------------------------

class Refusal(Exception):
    """An `error` that answers a request."""

    def __init__(self, error):
        super().__init__(json.dumps(error))
        self.error, self.code, self.is_retryable = error, error["code"], error.get("retryable", False)


def log_in(port, user, password, timeout=10):
    answer = http_call(port, "POST", "/api/login", {"user": user, "password": password}, timeout=timeout)
    if answer.status != 200:
        raise Refused(answer.status, answer.headers, answer.body)
    return answer.json["token"]


class Desktop:
    """One thread's desktop. It resumes by itself when its connection breaks, and then asks again what
    was not answered, with the same `ref`. `events` collects what came unasked, Snapshots too."""

    def __init__(self, port, user, password, token=None, timeout=20):
        self.port, self.timeout = port, timeout
        self.token = token or log_in(port, user, password)
        self.session, self.seq, self.ref = None, 0, 0
        self.events, self.replies, self.raw = [], {}, None
        self.welcomes = []

    def connect(self):
        path = f"/desktop?session={self.session}&seq={self.seq}" if self.session else "/desktop"
        self.raw = WebSocket(self.port, path, {"Authorization": f"Bearer {self.token}"}, timeout=5)
        welcome = self.raw.json(5)
        assert welcome["message"] == "Welcome", welcome
        fields = welcome["fields"]
        if not fields["resumed"] or self.session != fields["session"]:
            self.seq = fields["seq"]
        self.session = fields["session"]
        self.welcomes.append(welcome)

    def lose(self):
        """Without a word."""
        if self.raw:
            self.raw.close()
            self.raw = None

    def _hear(self, timeout):
        message = self.raw.json(timeout)
        seq = message.get("seq")
        if seq is not None:
            assert seq > self.seq, (seq, self.seq, message)
            self.seq = seq
        if "ref" in message:
            self.replies[message["ref"]] = message
        else:
            self.events.append(message)
        return message

    def listen(self, seconds):
        """Hears what comes; returns early when the connection ends."""
        end = time.monotonic() + seconds
        try:
            if self.raw is None:
                self.connect()
            while True:
                self._hear(max(end - time.monotonic(), 0.001))
        except TimeoutError:
            pass
        except (OSError, Closed):
            self.lose()

    def await_event(self, fits, seconds=10):
        """The first event that fits, past ones included."""
        end = time.monotonic() + seconds
        while True:
            for event in self.events:
                if fits(event):
                    return event
            if time.monotonic() > end:
                raise AssertionError(f"no such event among {self.events}")
            count = len(self.events)
            while len(self.events) == count and time.monotonic() < end:
                self.listen(min(0.2, max(end - time.monotonic(), 0.001)))

    def ask(self, message, to="outbound", **fields):
        """The reply's fields; it is asked again over new connections, and when told to, until there is
        one. Refusal; TimeoutError past the desktop's timeout: whether it was carried out is unknown."""
        self.ref += 1
        return self.ask_as(self.ref, message, to, **fields)

    def ask_as(self, ref, message, to="outbound", **fields):
        request = {"to": to, "message": message, "ref": ref, "fields": fields}
        end = time.monotonic() + self.timeout
        while time.monotonic() < end:
            try:
                reply = self._ask_once(request, end)
            except (OSError, Closed, Refused) as problem:
                if isinstance(problem, TimeoutError):
                    raise
                if isinstance(problem, Refused) and problem.status in (401, 403):
                    raise
                self.lose()
                time.sleep(random.uniform(0.02, 0.1))
                continue
            if "error" not in reply:
                return reply["fields"]
            if not reply["error"].get("retryable"):
                raise Refusal(reply["error"])
            time.sleep(min(reply["error"].get("retry_after_ms", 50) / 1000, 0.5))
        raise TimeoutError(request)

    def _ask_once(self, request, end):
        if self.raw is None:
            self.connect()
        if request["ref"] in self.replies:  # it came with the resume
            return self.replies.pop(request["ref"])
        self.raw.send_json(request)
        while request["ref"] not in self.replies:
            self._hear(max(end - time.monotonic(), 0.001))
        return self.replies.pop(request["ref"])

    def close(self):
        self.lose()

    def __enter__(self):
        return self

    def __exit__(self, *words):
        self.close()
