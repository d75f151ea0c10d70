# SPDX-License-Identifier: Apache-2.0
"""A small WebSocket client and a client of web's desktops (Python's standard library only).

    with Desktop(port, token) as desktop:                      # the Welcome is desktop.welcome
        record = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=201)   # the fields
        event = desktop.event("ScheduledCall")
        desktop.cut()                                          # as a pulled cable
        desktop.connect(resume=True)
"""
import base64
import hashlib
import json
import os
import socket
import struct
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The connection has ended; code 1006: without a close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status} {body[:300]!r}")
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Refusal(Exception):
    """A request of a desktop that was answered with an error."""

    def __init__(self, error):
        super().__init__(json.dumps(error))
        self.error = error
        self.code, self.name = error["code"], error["name"]


class WebSocket:
    """One connection. `headers` are added to the handshake; `tls` is an ssl.SSLContext."""

    def __init__(self, port, path, headers=None, timeout=10, tls=None):
        self.timeout = timeout
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.input = b""
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {key.decode()}",
                 *(f"{name}: {value}" for name, value in (headers or {}).items())]
        try:
            self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
            self._read_handshake(key)
        except BaseException:
            self.socket.close()
            raise

    def _more(self):
        part = self.socket.recv(65536)
        if not part:
            raise Closed(1006)
        self.input += part

    def _take(self, count):
        while len(self.input) < count:
            self._more()
        taken, self.input = self.input[:count], self.input[count:]
        return taken

    def _read_handshake(self, key):
        while b"\r\n\r\n" not in self.input:
            self._more()
        head, self.input = self.input.split(b"\r\n\r\n", 1)
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip()
                   for name, value in (line.split(":", 1) for line in lines)}
        status = int(status_line.split(" ")[1])
        if status != 101:
            raise Refused(status, headers, self._take(int(headers.get("content-length", 0))))
        wanted = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        assert headers["sec-websocket-accept"] == wanted, headers

    def send_frame(self, opcode, payload, first_byte=None, masked=True):
        """Any frame, also a wrong one: `first_byte` replaces FIN and opcode."""
        head = bytes([first_byte if first_byte is not None else 0x80 | opcode])
        bit = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
        mask = os.urandom(4)
        if masked:
            whole = int.from_bytes(payload, "big") ^ int.from_bytes(
                (mask * (len(payload) // 4 + 1))[:len(payload)], "big")
            payload = mask + whole.to_bytes(len(payload), "big")
        self.socket.sendall(head + payload)

    def send(self, text):
        self.send_frame(TEXT, text.encode() if isinstance(text, str) else text)

    def send_json(self, value):
        self.send(json.dumps(value))

    def receive(self, timeout=None):
        """The next text message. Pings are answered. Closed when it has ended."""
        self.socket.settimeout(timeout if timeout is not None else self.timeout)
        message = b""
        while True:
            first, second = self._take(2)
            length = second & 0x7f
            if length == 126:
                length = struct.unpack(">H", self._take(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self._take(8))[0]
            payload = self._take(length)
            opcode = first & 0x0f
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(code, payload[2:].decode())
            elif opcode in (0, TEXT):
                message += payload
                if first & 0x80:
                    return message.decode()

    def receive_json(self, timeout=None):
        return json.loads(self.receive(timeout))

    def close(self, code=1000):
        try:
            self.send_frame(CLOSE, struct.pack(">H", code))
            while True:
                self.receive(2)
        except (Closed, OSError):
            pass
        self.cut()

    def cut(self):
        """Without a word, as when the network goes."""
        self.socket.close()


class Desktop:
    """A desktop that knows its session: see the protocol in src/servers/web/README.md."""

    def __init__(self, port, token=None, cookie=None, origin=None, timeout=10, tls=None):
        self.port, self.timeout, self.tls = port, timeout, tls
        self.headers = {}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if cookie:
            self.headers["Cookie"] = cookie
        if origin:
            self.headers["Origin"] = origin
        self.session, self.seq, self.last_ref = None, 0, 0
        self.frames, self.socket, self.welcome = [], None, None
        self.connect()

    def connect(self, resume=False):
        """The Welcome's fields. With `resume` after the last frame that was handled."""
        if self.socket:
            self.socket.cut()
        self.frames = []
        path = f"/desktop?session={self.session}&seq={self.seq}" if resume else "/desktop"
        self.socket = WebSocket(self.port, path, self.headers, self.timeout, self.tls)
        first = self.socket.receive_json()
        assert first["message"] == "Welcome", first
        self.welcome = first["fields"]
        self.session = self.welcome["session"]
        if not resume:
            self.seq = self.welcome["seq"]
        return self.welcome

    def receive(self, timeout=None):
        """The next frame; its number is remembered."""
        frame = self.socket.receive_json(timeout)
        if "seq" in frame:
            assert frame["seq"] > self.seq, (self.seq, frame)
            self.seq = frame["seq"]
        return frame

    def _next(self, is_wanted, timeout):
        for frame in self.frames:
            if is_wanted(frame):
                self.frames.remove(frame)
                return frame
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"it did not come; came {self.frames}")
            try:
                frame = self.receive(left)
            except (TimeoutError, socket.timeout):
                continue
            if is_wanted(frame):
                return frame
            self.frames.append(frame)

    def send(self, message, to="outbound", ref=None, **fields):
        """Sends a request without waiting; returns its ref."""
        if ref is None:
            self.last_ref += 1
            ref = self.last_ref
        self.socket.send_json({"to": to, "message": message, "ref": ref, "fields": fields})
        return ref

    def reply(self, ref, timeout=None):
        """The reply's frame. Refusal when it is an error."""
        frame = self._next(lambda one: one.get("ref") == ref, timeout)
        if "error" in frame:
            raise Refusal(frame["error"])
        return frame

    def ask(self, message, to="outbound", ref=None, timeout=None, **fields):
        """The fields of the reply."""
        return self.reply(self.send(message, to, ref, **fields), timeout)["fields"]

    def event(self, name, timeout=None):
        """The fields of the next event of this name."""
        return self._next(lambda one: one.get("message") == name and "from" in one,
                          timeout)["fields"]

    def cut(self):
        self.socket.cut()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *words):
        self.socket.cut()
