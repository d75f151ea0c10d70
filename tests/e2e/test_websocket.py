# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 at `web`'s /desktop, from raw sockets: the list of cases of Autobahn's test suite (section
numbers in the names), each sent whole and in pieces. A text that is fine is `{"ack":1}`, which has no
answer; that the connection goes on is seen by a ping that is answered."""
import base64
import json
import os
import random
import shutil
import socket
import ssl
import struct
import unittest

from campaign import application
from harness import free_port
from test_http_tls import make_certificate
from desktops import AGENT, BINARY, CLOSE, PING, PONG, TEXT, DesktopCentre, RawSocket, frame
from websocket_client import Closed, Refused

IN_HASTE = {"desktops-per-second": "10000"}  # one person comes again and again

ACK = b'{"ack":1}'
GREEK = "κόσμε".encode()
SURROGATE = b"\xed\xa0\x80"
FINE = "goes on"
TEXT_MORE, BINARY_MORE, REST_MORE, REST = 0x01, 0x02, 0x00, 0x80
MESSAGE_MAX = 1 << 20


def closing(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


def text_of(length):
    """A frame's content that is JSON, as long as wanted."""
    return b'{"ack":1}'.ljust(length)


def cases():
    yield "1.1 a text", frame(TEXT, ACK), FINE
    for length in (125, 126, 127, 128, 65535, 65536, MESSAGE_MAX):
        yield f"1.1 a text of {length}", frame(TEXT, text_of(length)), FINE
    yield "1.2 binary", frame(BINARY, b"x"), 1003
    yield "2.1 ping", frame(PING), FINE
    yield "2.4 ping of 125", frame(PING, b"x" * 125), FINE
    yield "2.5 ping of 126", frame(PING, b"x" * 126), 1002
    yield "2.7 unasked pong", frame(PONG, b"x"), FINE
    yield "2.10 ten pings", b"".join(frame(PING, b"%d" % i) for i in range(10)), FINE
    for bits in range(1, 8):
        yield f"3 reserved bits {bits}", frame(TEXT | bits << 4, ACK), 1002
        yield f"3 reserved bits {bits} of a ping", frame(PING | bits << 4), 1002
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"4 opcode {opcode}", frame(TEXT, ACK) + frame(0x80 | opcode), 1002
        yield f"4 opcode {opcode} in pieces", frame(opcode, b"x"), 1002
    yield "5.1 ping in pieces", frame(0x09, b"a") + frame(REST, b"b"), 1002
    yield "5.2 pong in pieces", frame(0x0a, b"a") + frame(REST, b"b"), 1002
    yield "5.3 two pieces", frame(TEXT_MORE, ACK[:3]) + frame(REST, ACK[3:]), FINE
    yield ("5.6 a ping between",
           frame(TEXT_MORE, ACK[:3]) + frame(PING, b"p") + frame(REST, ACK[3:]), FINE)
    yield "5.9 rest of nothing", frame(REST, ACK), 1002
    yield "5.12 piece of nothing", frame(REST_MORE, ACK), 1002
    yield "5.15 rest behind a whole one", frame(TEXT, ACK) + frame(REST, b"x"), 1002
    yield "5.18 a text inside a text", frame(TEXT_MORE, ACK[:3]) + frame(TEXT, ACK), 1002
    yield "5.20 empty pieces around", frame(TEXT_MORE) + frame(REST_MORE, ACK) + frame(REST), FINE
    yield ("6.2 inside a character",
           frame(TEXT_MORE, b'{"a":"\xce') + frame(PING) + frame(REST, b'\xba"}'), FINE)
    for name, bad in (("6.3 a surrogate", GREEK + SURROGATE), ("6.6 unfinished", GREEK[:-1]),
                      ("6.8 five bytes", b"\xf8\x88\x80\x80\x80"), ("6.10 past the last", b"\xf4\x90\x80\x80"),
                      ("6.12 stray", b"\x80"), ("6.14 lonely", b"\xc3 "), ("6.16 fe ff", b"\xfe\xff"),
                      ("6.17 overlong", b"\xc0\xaf"), ("6.18 overlong", b"\xe0\x80\xaf"),
                      ("6.18 overlong in four", b"\xf0\x8f\xbf\xbf"), ("6.21 a pair", SURROGATE + b"\xed\xb0\x80")):
        yield name, frame(TEXT, bad), 1007
        yield f"{name} in pieces", frame(TEXT_MORE, bad[:1]) + frame(REST, bad[1:]), 1007
    yield "6.4 told before the message ends", frame(TEXT_MORE, b"\xf4\x90"), 1007
    yield "7.1 close", closing(1000), 1000
    yield "7.1.3 ping behind the close", closing(1000) + frame(PING), 1000
    yield "7.1.5 close inside a message", frame(TEXT_MORE, b"x") + closing(1000), 1000
    yield "7.3.1 no code", frame(CLOSE), 1005
    yield "7.3.2 half a code", frame(CLOSE, b"\x03"), 1002
    yield "7.3.5 reason of 123", closing(1000, b"x" * 123), 1000
    yield "7.3.6 reason of 124", closing(1000, b"x" * 124), 1002
    yield "7.5.1 reason not UTF-8", closing(1000, SURROGATE), 1007
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield f"7.7 code {code}", closing(code, b"why"), code
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield f"7.9 code {code}", closing(code, b"why"), 1002
    yield "9 too long", frame(TEXT, b"", length=MESSAGE_MAX + 1), 1009
    yield "9 a promise of 8 EiB", frame(TEXT, b"", length=(1 << 63) - 1), 1009
    yield "9 its highest bit", frame(TEXT, b"", length=1 << 63), 1002
    yield ("9.3 too long in pieces", frame(TEXT_MORE, b"x" * 1000) + frame(REST_MORE, b"x" * 1000) * 1050, 1009)
    yield ("9.3 many pieces", frame(TEXT_MORE, b'{"a":"') + frame(REST_MORE, b"x") * 4096 + frame(REST, b'"}'), FINE)
    yield ("10.1 pieces of 1300", frame(TEXT_MORE, text_of(1300)) + frame(REST_MORE, b" " * 1300) * 50 + frame(REST),
           FINE)
    yield "unmasked", frame(TEXT, ACK, mask=None), 1002
    yield "unmasked ping", frame(PING, mask=None), 1002
    yield "a length that could be shorter", b"\x81\xfe\x00\x09\x37\xfa\x21\x3d", 1002
    yield "a length of 8 bytes for 9", b"\x81\xff" + struct.pack("!Q", 9) + b"\x37\xfa\x21\x3d", 1002
    yield "a mask of zeros", frame(TEXT, ACK, mask=b"\0\0\0\0"), FINE
    yield "an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002


class WebSocketCases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = DesktopCentre(web_options=IN_HASTE)
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.token = cls.centre.log_in(AGENT)

    def open(self):
        raw = RawSocket(self.centre.web_port, "/desktop", {"Authorization": f"Bearer {self.token}"})
        self.addCleanup(raw.cut)
        self.assertEqual(json.loads(raw.receive())["message"], "Welcome")
        return raw

    def outcome(self, data, piece):
        """FINE, or the close code."""
        raw = self.open()
        try:
            for at in range(0, len(data), piece):
                raw.send_bytes(data[at:at + piece])
            raw.send_raw(PING, b"still there?")
        except OSError:
            pass  # it was refused before its last byte
        try:
            while True:
                first, payload = raw.frame(5)
                if first == PONG and payload == b"still there?":
                    return FINE
                if first == CLOSE:
                    return struct.unpack("!H", payload[:2])[0] if payload else 1005
        except Closed as closed:
            return closed.code
        finally:
            raw.cut()

    def test_every_case_of_the_list(self):
        for name, data, wanted in cases():
            for piece in {len(data), 7} if len(data) < 3000 else {len(data), 4097}:
                with self.subTest(name, piece=piece):
                    self.assertEqual(self.outcome(data, piece), wanted)

    def test_single_bytes(self):
        data = frame(TEXT_MORE, ACK[:4]) + frame(PING, b"p") + frame(REST, ACK[4:])
        self.assertEqual(self.outcome(data, 1), FINE)
        self.assertEqual(self.outcome(frame(TEXT, b"\xc0"), 1), 1007)

    def test_pings_are_answered_in_their_order(self):
        raw = self.open()
        for i in range(100):
            raw.send_raw(PING, b"%d" % i)
        self.assertEqual([raw.frame() for _ in range(100)], [(PONG, b"%d" % i) for i in range(100)])

    def test_handshakes_that_are_refused(self):
        head = {"Host": "x", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Authorization": f"Bearer {self.token}"}
        for status, change in ((101, {}), (101, {"Connection": "keep-alive, upgrade", "Upgrade": "WebSocket"}),
                               (426, {"Upgrade": None}), (426, {"Connection": None}),
                               (426, {"Sec-WebSocket-Version": "8"}), (400, {"Sec-WebSocket-Key": "short"}),
                               (400, {"Sec-WebSocket-Key": None}),
                               (401, {"Authorization": None}), (401, {"Authorization": "Bearer no"})):
            lines = "".join(f"{name}: {value}\r\n" for name, value in {**head, **change}.items() if value)
            with self.subTest(status, change=change):
                with socket.create_connection(("127.0.0.1", self.centre.web_port), timeout=5) as stream:
                    stream.sendall(f"GET /desktop HTTP/1.1\r\n{lines}\r\n".encode())
                    self.assertEqual(stream.recv(65536).split(b" ")[1], str(status).encode())

    def test_bytes_behind_the_request_are_refused(self):
        """RFC 6455 4.1: a client waits for the answer."""
        with socket.create_connection(("127.0.0.1", self.centre.web_port), timeout=5) as stream:
            stream.sendall(b"GET /desktop HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           b"Authorization: Bearer " + self.token.encode() + b"\r\n\r\n" + frame(TEXT, ACK))
            self.assertEqual(stream.recv(65536).split(b" ")[1], b"400")

    def test_noise_after_the_handshake_harms_nobody(self):
        source, calm = random.Random(6455), self.open()
        for _ in range(100):
            raw = self.open()
            try:
                raw.send_bytes(frame(TEXT, ACK) + source.randbytes(source.randrange(1, 3000)))
            except OSError:
                pass
            raw.cut()
        calm.send_raw(PING, b"?")
        self.assertEqual(calm.frame(), (PONG, b"?"))

    def test_connections_reset_at_any_byte(self):
        data = frame(TEXT_MORE, ACK[:4]) + frame(PING, b"p") + frame(REST, ACK[4:]) + closing(1000)
        for end in range(len(data)):
            raw = self.open()
            raw.send_bytes(data[:end])
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.socket.close()
        self.assertEqual(self.outcome(frame(TEXT, ACK), 1000), FINE)


class SecureSocket(RawSocket):
    def __init__(self, port, token, context):
        self.timeout, self.input = 10, b""
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10),
                                          server_hostname="localhost")
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(b"GET /desktop HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key +
                            b"\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n")
        self._read_handshake(key)


@unittest.skipUnless(shutil.which("openssl"), "no openssl command")
class OverTls(WebSocketCases):
    """The same list through TLS, on a port beside the plain one."""

    @classmethod
    def setUpClass(cls):
        cls.secure_port = free_port()
        cls.centre = DesktopCentre(web_options=IN_HASTE, amend=lambda config: application(config, "web")["ports"].append(
            {"id": "https", "number": cls.secure_port, "connectionProtocol": "https"}))
        cls.addClassCleanup(cls.centre.close)
        port = next(one for one in application(cls.centre.config, "web")["ports"] if one["id"] == "https")
        make_certificate(cls.centre.folder, "server")
        port.update(number=cls.secure_port, certificate=str(cls.centre.folder / "server.pem"),
                    certificateKey=str(cls.centre.folder / "server.key"))
        cls.centre._write_files()
        cls.centre.__enter__()
        cls.context = ssl.create_default_context(cafile=cls.centre.folder / "server.pem")
        cls.token = cls.centre.log_in(AGENT)

    def open(self):
        raw = SecureSocket(self.secure_port, self.token, self.context)
        self.addCleanup(raw.cut)
        self.assertEqual(json.loads(raw.receive())["message"], "Welcome")
        return raw


if __name__ == "__main__":
    unittest.main()
