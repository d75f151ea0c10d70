# SPDX-License-Identifier: Apache-2.0
"""Hostile clients on every port: request smuggling, oversized and deep JSON, slow-loris, half-open
connections, garbage (outbound 14.1; what http-parser lets pass: dependencies of the platform). The
port goes on serving, and memory stays bounded."""
import json
import random
import re
import resource
import socket
import struct
import subprocess
import threading
import time
import unittest

from campaign import Centre, new_record, resident_kib
from harness import http_call, wait_until

GROWTH_KIB_MAX = 48 * 1024
SILENT = 1500  # more than the 1024 connections that the proxy takes

HEAD = b"Host: x\r\nContent-Type: application/json\r\n"
INNER = b"GET /records/31337 HTTP/1.1\r\nHost: x\r\n\r\n"

# Each is one request to us, or none; to somebody between us and the client perhaps two.
SMUGGLED = {
    "both lengths": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "both lengths, chunked first": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + INNER,
    "two different lengths": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}" + INNER,
    "lengths as a list": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: 2, 44\r\n\r\n{}" + INNER,
    "a length with a sign": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: +2\r\n\r\n{}" + INNER,
    "a negative length": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: -1\r\n\r\n" + INNER,
    "a hexadecimal length": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: 0x2\r\n\r\n{}" + INNER,
    "a length with junk": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: 2 2\r\n\r\n{}" + INNER,
    "an empty length": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length:\r\n\r\n" + INNER,
    "a length that overflows": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length: 18446744073709551618\r\n\r\n{}" + INNER,
    "an unknown transfer coding": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
    "identity": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n" + INNER,
    "chunked twice": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "chunked and not last": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
    "chunked behind a tab": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + INNER,
    "chunked in HTTP/1.0": b"POST /records/1?req=RecordProcessed HTTP/1.0\r\n" + HEAD +
                    b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "a space before the colon": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Content-Length : 44\r\n\r\n" + INNER,
    "a space before the coding's colon": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + INNER,
    "a folded header": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"X: y\r\n Content-Length: 44\r\nContent-Length: 2\r\n\r\n{}" + INNER,
    "a folded coding": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + INNER,
    "bare LF between headers": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\nHost: x\n"
                    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" + INNER,
    "bare LF at the end of the head": b"GET /records/1 HTTP/1.1\r\nHost: x\n\n" + INNER,
    "bare LF behind the request line": b"GET /records/1 HTTP/1.1\nHost: x\r\n\r\n" + INNER,
    "bare CR in a header": b"GET /records/1 HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n" + INNER,
    "NUL in a header": b"GET /records/1 HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n" + INNER,
    "no Host": b"GET /records/1 HTTP/1.1\r\n\r\n" + INNER,
    "two Hosts": b"GET /records/1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + INNER,
    "an odd version": b"GET /records/1 HTTP/1.2\r\nHost: x\r\n\r\n" + INNER,
    "a version of the future": b"GET /records/1 HTTP/2.0\r\nHost: x\r\n\r\n" + INNER,
    "no version": b"GET /records/1\r\n\r\n" + INNER,
    "LF in a chunk extension": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n" + INNER,
    "bare LF behind a chunk's size": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" + INNER,
    "no CRLF behind a chunk": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + INNER,
    "a chunk size with 0x": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + INNER,
    "a negative chunk size": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" + INNER,
    "a chunk size that overflows": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                    b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" + INNER,
    "a header name with a control character": b"GET /records/1 HTTP/1.1\r\nHost: x\r\nX\x01: y\r\n\r\n" + INNER,
    "an empty header name": b"GET /records/1 HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n" + INNER,
    "a header without a colon": b"GET /records/1 HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n" + INNER,
    "a space before the first header": b"GET /records/1 HTTP/1.1\r\n Host: x\r\n\r\n" + INNER,
    "an upgrade to HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + INNER,
}


def talk(port, data, seconds=5):
    """(what came back, whether the peer closed)."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as stream:
        received = b""
        try:
            stream.sendall(data)
            while chunk := stream.recv(65536):
                received += chunk
            return received, True
        except (ConnectionResetError, BrokenPipeError):
            return received, True
        except TimeoutError:
            return received, False


def statuses(received):
    """Of all answers; no body of ours has such words."""
    return [int(status) for status in re.findall(rb"HTTP/1\.\d (\d+)", received)]


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        cls.centre = Centre()
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.group = cls.centre.groups[0]
        cls.centre.load_and_start(cls.group)
        cls.random = random.Random(20)
        cls.file = cls.centre.folder / "one.csv"
        cls.file.write_text("contact_info,tz_name,daily_from,daily_till\n15550100,GMT,0,86400\n")

    def setUp(self):
        for port in (self.centre.http_port, self.centre.metrics_port):
            # A crowd of refused clients is closed without words for a while (io/http/server.c).
            wait_until(lambda port=port: statuses(talk(port, b"nonsense\r\n\r\n")[0]) == [400], 10, every=0.2,
                       what="refusals are answered again")
        self.pids = self.processes()
        self.before = {name: resident_kib(pid) for name, pid in self.pids.items()}

    def tearDown(self):
        """Nobody died, everything serves, nobody keeps what the attack left."""
        self.assertEqual(self.processes(), self.pids)
        self.assertServing()
        self.assertBounded()

    def assertBounded(self):
        grown = {name: resident_kib(pid) - self.before[name] for name, pid in self.pids.items()}
        self.assertLess(max(grown.values()), GROWTH_KIB_MAX, grown)

    def processes(self):
        return {"supervisor": self.centre.supervisor.pid, "config": self.centre.pid("config"),
                "outbound": self.centre.pid("outbound"), "http_proxy": self.centre.proxy_pid()}

    def ports(self):
        return {"config": self.centre.port("config"), "outbound": self.centre.port("outbound"),
                "http": self.centre.http_port, "metrics": self.centre.metrics_port}

    def assertServing(self):
        """Each of the four ports does its duty."""
        answer = self.centre.call("GET", f"/campaigngroups/{self.group.dbid}")
        self.assertEqual(answer.status, 200)
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 200)
        self.assertIn(self.group.name, self.centre.cli("config", "export").stdout)
        done = self.centre.cli("import", "--list", "NoSuchList", self.file, check=False, timeout=20)
        self.assertNotEqual(done.returncode, 0)  # asked outbound's link port, and was answered in words
        self.assertIn("NoSuchList", done.stdout + done.stderr)

    # request smuggling

    def test_smuggled_requests_are_refused_and_the_connection_ends(self):
        for port in (self.centre.http_port, self.centre.metrics_port):
            for name, data in SMUGGLED.items():
                with self.subTest(name, port=port):
                    received, closed = talk(port, data)
                    future = name in ("a version of the future", "an upgrade to HTTP/2")
                    self.assertIn(statuses(received), ([400], [505]) if future else ([400],), received[:300])
                    self.assertTrue(closed)
                    self.assertNotIn(b"31337", received)

    def test_a_good_request_before_does_not_help(self):
        good = f"GET /campaigngroups/{self.group.dbid} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for name in ("both lengths", "a space before the colon", "LF in a chunk extension", "two Hosts"):
            with self.subTest(name):
                received, closed = talk(self.centre.http_port, good + SMUGGLED[name])
                self.assertEqual(statuses(received), [200, 400])
                self.assertTrue(closed)

    def test_byte_by_byte_it_is_refused_as_well(self):
        for name in ("both lengths", "bare LF between headers", "a folded header", "LF in a chunk extension"):
            with self.subTest(name), socket.create_connection(("127.0.0.1", self.centre.http_port), 5) as stream:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                received = b""
                try:
                    for byte in SMUGGLED[name]:
                        stream.send(bytes([byte]))
                    while chunk := stream.recv(65536):
                        received += chunk
                except (ConnectionResetError, BrokenPipeError):
                    continue  # refused before the last byte: the answer may be lost with the reset
                self.assertEqual(statuses(received), [400])

    # JSON

    def post(self, body):
        return self.centre.call("POST", f"/lists/{self.group.list}?req=AddRecord", body,
                                {"Content-Type": "application/json"}, timeout=20)

    def test_deep_and_broken_json_is_refused(self):
        deep = 500_000
        count = len(self.centre.rows(self.group))
        for name, body in {
                "arrays": b"[" * deep, "closed arrays": b"[" * deep + b"]" * deep,
                "objects": b'{"a":' * (deep // 5) + b"1" + b"}" * (deep // 5),
                "inside a key": b'{"GSW_PHONE":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
                "a long string that does not end": b'{"GSW_PHONE":"' + b"x" * 1_000_000,
                "many keys": json.dumps({f"k{i}": i for i in range(40_000)}).encode(),
                "a key of 100 kB": b'{"' + b"k" * 100_000 + b'":1}',
                "a number of 100 kB": b'{"GSW_PHONE_TYPE":' + b"9" * 100_000 + b"}",
                "a lone surrogate": b'{"GSW_PHONE":"\\ud800"}', "NUL": b'{"GSW_PHONE":"\\u0000"}',
                "bad UTF-8": b'{"GSW_PHONE":"\xc0\xaf"}', "nothing": b" ", "a BOM": b"\xef\xbb\xbf{}",
                "numbers": b'{"GSW_PHONE":"1","GSW_PHONE_TYPE":1e400}',
                "the same key twice": b'{"GSW_PHONE":"1","GSW_PHONE":"2"}'}.items():
            with self.subTest(name):
                answer = self.post(body)
                self.assertEqual(answer.status, 400, answer)
        self.assertEqual(len(self.centre.rows(self.group)), count)

    def test_a_body_of_one_mebibyte_is_read_and_more_is_413(self):
        filler = json.dumps(new_record("15550180", Filler="x" * (1 << 20)))
        exact = filler[:-2 - (len(filler) - (1 << 20))] + '"}'
        self.assertEqual(len(exact), 1 << 20)
        self.assertIn(self.post(exact.encode()).status, (200, 400))
        over = b"POST /lists/L1?req=AddRecord HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n"
        received, closed = talk(self.centre.http_port, over % ((1 << 20) + 1))
        self.assertEqual((statuses(received), closed), ([413], True))
        received, closed = talk(self.centre.http_port, over % (1 << 40))
        self.assertEqual((statuses(received), closed), ([413], True))
        chunks = b"POST /lists/L1?req=AddRecord HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + \
            b"10000\r\n%s\r\n" % (b"x" * 65536) * 20
        received, closed = talk(self.centre.http_port, chunks)
        self.assertIn(statuses(received), ([413], []))  # [] when the reset overtook the answer
        self.assertTrue(closed)

    def test_a_head_beyond_16_kib_is_refused(self):
        for name, data in {
                "one header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
                "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 4000 + b"\r\n",
                "the target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                "a method": b"A" * 20_000,
                "a trailer": b"POST /records/1?req=RecordProcessed HTTP/1.1\r\n" + HEAD +
                             b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 4000 + b"\r\n"}.items():
            with self.subTest(name):
                received, closed = talk(self.centre.http_port, data)
                self.assertTrue(closed)
                self.assertTrue(all(400 <= status < 500 for status in statuses(received)), received[:200])

    def test_statuses_of_14_3(self):
        put = self.centre.call("PUT", "/records/712", b"{}", {"Content-Type": "application/json"})
        self.assertEqual((put.status, put.headers["Allow"]), (405, "GET, POST"))
        head = b"POST /lists/L1?req=AddRecord HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        self.assertEqual(statuses(talk(self.centre.http_port, head + b"Content-Type: application/json\r\n\r\n")[0]),
                         [411])
        self.assertEqual(statuses(talk(self.centre.http_port, head + b"Content-Type: application/xml\r\n"
                                       b"Content-Length: 4\r\n\r\n<a/>")[0]), [415])

    # connections

    def test_slow_loris_and_half_open_connections_starve_nobody(self):
        streams = []
        try:
            for i in range(SILENT):
                stream = socket.create_connection(("127.0.0.1", self.centre.http_port), timeout=5)
                streams.append(stream)
                stream.setblocking(False)
                if i % 3:  # every third says nothing at all
                    stream.send(b"POST /lists/L1?req=AddRecord HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            time.sleep(0.1)  # newcomers keep their places for 50 ms: nobody else gets one meanwhile
            began = time.monotonic()
            while time.monotonic() - began < 3:
                for stream in self.random.sample(streams, 300):
                    try:
                        stream.send(b"z")
                    except OSError:
                        pass  # closed for room
                asked = time.monotonic()
                self.assertEqual(self.centre.call("GET", f"/campaigngroups/{self.group.dbid}").status, 200)
                self.assertLess(time.monotonic() - asked, 1)
                time.sleep(0.05)
            self.assertBounded()
        finally:
            for stream in streams:
                stream.close()

    def test_clients_that_never_read_are_not_the_cause_of_memory(self):
        one = f"GET /campaigngroups/{self.group.dbid} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        streams = []
        try:
            for _ in range(50):
                stream = socket.socket()
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                stream.connect(("127.0.0.1", self.centre.http_port))
                stream.setblocking(False)
                streams.append(stream)
            for _ in range(20):
                for stream in streams:
                    try:
                        stream.send(one * 200)
                    except OSError:
                        pass
                time.sleep(0.05)
            self.assertServing()
            self.assertBounded()
        finally:
            for stream in streams:
                stream.close()

    def test_clients_that_leave_while_their_answer_is_made(self):
        asked = {self.centre.http_port: f"GET /campaigngroups/{self.group.dbid} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
                 self.centre.metrics_port: b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"}
        for turn in range(30):
            for port, one in asked.items():
                streams = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]
                for stream in streams:
                    stream.sendall(one * (1 + turn % 5))
                time.sleep(self.random.random() * 0.003)
                for stream in streams:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", turn % 2, 0))
                    stream.close()

    def test_connections_reset_at_any_byte(self):
        body = json.dumps(new_record("15550190")).encode()
        request = b"POST /lists/L1?req=AddRecord HTTP/1.1\r\n" + HEAD + \
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        for end in range(0, len(request), 3):
            stream = socket.create_connection(("127.0.0.1", self.centre.http_port), timeout=5)
            stream.sendall(request[:end])
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()

    # every port

    def garbage(self):
        yield b"\0" * 4096
        yield b"\xff" * 4096
        yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + self.random.randbytes(500)  # TLS
        yield b"SSH-2.0-OpenSSH_9.2\r\n"
        yield struct.pack(">I", 0)
        yield struct.pack(">I", 5) + b"\xdc\xff\xff\xff\xff"
        yield struct.pack(">I", 16 << 20) + b"\x94" * 1000          # the largest frame, which never comes
        yield struct.pack(">I", (16 << 20) + 1) + b"\x94" * 1000    # one byte longer
        yield struct.pack(">I", 0xffffffff) + self.random.randbytes(1000)
        yield struct.pack(">I", 9) + b"\x94\xdf\xff\xff\xff\xff\0\0\0"   # a map of 4 G pairs
        yield struct.pack(">I", 9) + b"\x94\xc6\xff\xff\xff\xff\0\0\0"   # 4 GiB of bytes
        yield struct.pack(">I", 60000) + b"\x91" * 60000            # arrays in arrays
        yield struct.pack(">I", 6) + b"\x94\x01\x01\x80\x80\0"       # a byte too many
        for size in (1, 3, 4, 5, 100, 5000, 70000):
            yield self.random.randbytes(size)
        for _ in range(30):
            data = self.random.randbytes(self.random.randrange(1, 400))
            yield struct.pack(">I", len(data)) + data

    def test_garbage_on_every_port(self):
        for name, port in self.ports().items():
            with self.subTest(name):
                for data in self.garbage():
                    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
                        try:
                            stream.sendall(data)
                            stream.shutdown(socket.SHUT_WR)
                            stream.settimeout(0.05)
                            stream.recv(65536)
                        except (TimeoutError, ConnectionError, OSError):
                            pass
                self.assertServing()

    def test_half_open_connections_on_every_port(self):
        streams = []
        try:
            for port in self.ports().values():
                for i in range(300):
                    stream = socket.create_connection(("127.0.0.1", port), timeout=5)
                    if i % 2:
                        stream.sendall(struct.pack(">I", 1 << 20) + b"\x94")
                    streams.append(stream)
            self.assertServing()
            self.assertBounded()
        finally:
            for stream in streams:
                stream.close()

    def test_a_flood_of_connections_on_the_link_ports(self):
        def flood(port):
            for _ in range(500):
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
                        stream.send(b"\0\0\0\x02")
                except OSError:
                    pass
        threads = [threading.Thread(target=flood, args=(self.centre.port(name),)) for name in ("config", "outbound")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_a_tool_with_another_secret_is_not_let_in(self):
        key = self.centre.data / "secret/installation.key"
        former = key.read_bytes()
        try:
            key.write_bytes(bytes(reversed(former)) if former != bytes(reversed(former)) else b"0" * len(former))
            done = self.centre.cli("config", "export", check=False, timeout=30)
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn(self.group.name, done.stdout)
        except subprocess.TimeoutExpired:
            self.fail("the tool should give up by itself")
        finally:
            key.write_bytes(former)

    def test_work_goes_on_meanwhile(self):
        """Garbage on all ports by two threads, and every record added is there."""
        stop = threading.Event()

        def annoy(port):
            while not stop.is_set():
                for data in self.garbage():
                    try:
                        with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
                            stream.sendall(data)
                    except OSError:
                        pass
                    if stop.wait(0.005):
                        return
        threads = [threading.Thread(target=annoy, args=(port,)) for port in self.ports().values()]
        for thread in threads:
            thread.start()
        try:
            for i in range(100):
                self.centre.add(self.group, str(15556000 + i))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        wait_until(lambda: len(self.centre.rows(self.group, "contact_info like '155560__'")) == 100, 5)


if __name__ == "__main__":
    unittest.main()
