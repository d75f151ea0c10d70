# SPDX-License-Identifier: Apache-2.0
"""How notifications travel: pools, proxies, TLS, dead receivers, signatures, headers. Outbound 12.5, 12.6, 13.3; design 6;
acceptance 21: 36, 37."""
import base64
import contextlib
import hashlib
import hmac
import pathlib
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

from campaign import Centre, application, new_group, notifying
from harness import Receiver, free_port, wait_until

SECRET, NEXT_SECRET = "whsec_" + base64.b64encode(b"carillon's first secret!").decode(), \
    "whsec_" + base64.b64encode(bytes(range(32))).decode()


class CountingReceiver(Receiver):
    """Knows how many connections it has, and had at most."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.open = self.most = self.accepted = 0
        take, drop = self.server.process_request, self.server.shutdown_request

        def process_request(request, address):
            with self._lock:
                self.open, self.accepted = self.open + 1, self.accepted + 1
                self.most = max(self.most, self.open)
            take(request, address)

        def shutdown_request(request):
            with self._lock:
                self.open -= 1
            drop(request)
        self.server.process_request, self.server.shutdown_request = process_request, shutdown_request


class Authority:
    """A certificate authority of our own, by openssl."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.pem = self.folder / "ca.pem"
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Carillon test authority",
                 "-keyout", "ca.key", "-out", "ca.pem")

    def run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def server_context(self, name, is_signed=True):
        """TLS for a server called `name`."""
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", "server.key", "-out", "server.csr")
        (self.folder / "server.ext").write_text(f"subjectAltName=DNS:{name}\n")
        signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"] if is_signed else ["-signkey", "server.key"]
        self.run("x509", "-req", "-in", "server.csr", "-days", "2", "-extfile", "server.ext", *signer, "-out", "server.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context


def serve_tls(receiver, context):
    """The receiver speaks TLS; returns the list of (server name asked for, version) it fills."""
    seen, names = [], []
    context.sni_callback = lambda connection, name, _: names.append(name)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True, do_handshake_on_connect=False)
    answer = receiver.answer
    take = receiver.server.finish_request

    def finish_request(request, address):
        with contextlib.suppress(OSError):
            request.do_handshake()
            seen.append((names[-1] if names else None, request.version()))
        take(request, address)
    receiver.server.finish_request, receiver.answer = finish_request, answer
    receiver.url = f"https://localhost:{receiver.port}"
    return seen


class ConnectProxy:
    """Tunnels; remembers each first line and every byte that came from the client."""

    def __init__(self, refuses=False):
        self.refuses, self.lines, self.bytes = refuses, [], bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.tunnel, args=(self.listener.accept()[0],), daemon=True).start()

    def tunnel(self, client):
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.bytes += head
            self.lines.append(head.split(b"\r\n")[0].decode())
            if self.refuses:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            host, port = self.lines[-1].split()[1].rsplit(":", 1)
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=self.copy, args=(server, client), daemon=True).start()
                self.copy(client, server, self.bytes)

    @staticmethod
    def copy(source, target, memory=None):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if memory is not None:
                    memory += chunk
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


def verify(secret, request):
    """The convention's own reckoning, by hand: which of the request's signatures this secret made."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return [number for number, one in enumerate(request.headers["webhook-signature"].split(" ")) if one == wanted]


class Webhooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        authority = Authority(folder.name)
        cls.slow = CountingReceiver(lambda request: time.sleep(1) or 200)
        cls.tls = Receiver()
        cls.tls_seen = serve_tls(cls.tls, authority.server_context("localhost"))
        cls.strangers = Receiver()  # its certificate is its own work
        serve_tls(cls.strangers, authority.server_context("localhost", is_signed=False))
        cls.plain = CountingReceiver()
        cls.answers = {}
        cls.signed = Receiver(lambda request: cls.answers.get(request.path, lambda: 200)())
        cls.silent = Receiver(lambda request: time.sleep(60) or 200)
        cls.swallower = socket.create_server(("127.0.0.1", 0), backlog=0)  # nobody accepts
        cls.proxy, cls.refusing = ConnectProxy(), ConnectProxy(refuses=True)
        for one in (cls.slow, cls.tls, cls.strangers, cls.plain, cls.signed, cls.silent, cls.swallower, cls.proxy,
                    cls.refusing):
            cls.addClassCleanup(one.close)
        groups = [new_group(i + 1) for i in range(16)]
        via = {"http_proxy": f"127.0.0.1:{cls.proxy.port}"}
        every = {"http_retry_applies_to": "all", "http_retry_max_attempts": 100, "http_response_timeout": 2}
        targets = {
            "G1": notifying(f"{cls.slow.url}/slow"),
            "G2": notifying(f"{cls.tls.url}/tls", **via),
            "G3": notifying(f"{cls.tls.url}/direct"),
            "G4": notifying(f"{cls.strangers.url}/stranger"),
            "G5": notifying(f"https://127.0.0.1:{cls.tls.port}/other-name"),
            "G6": notifying(f"{cls.tls.url}/refused", http_proxy=f"127.0.0.1:{cls.refusing.port}"),
            "G7": notifying(f"{cls.plain.url}/plain", **via),
            "G8": notifying(f"{cls.signed.url}/signed"),  # its secret lies sealed in config
            "G9": notifying(f"{cls.signed.url}/two", http_webhook_secret=f"{NEXT_SECRET} {SECRET}",
                            http_retry_applies_to="all"),
            "G10": notifying(f"{cls.signed.url}/unsigned", http_webhook_secret="whsec_hunter2"),
            "G11": notifying(f"{cls.silent.url}/silent", **every),
            "G12": notifying(f"http://127.0.0.1:{cls.swallower.getsockname()[1]}/swallowed", **every),
            "G13": notifying(f"http://127.0.0.1:{free_port()}/refused", **every),
            "G14": notifying(f"{cls.plain.url}/living"),
            "G15": notifying(f"{cls.signed.url}/tokens", http_retry_applies_to="SUNDAYS, 5XX, Contact-Processed"),
            "G16": notifying(f"{cls.signed.url}/headers"),
        }
        targets["G8"]["http-webhook-secret"] = {"$secret": "hook"}
        cls.centre = Centre(groups, options=targets,
                            amend=lambda config: config.update(secrets={"hook": {"$env": "HOOK_SECRET"}}),
                            environ={"SSL_CERT_FILE": str(authority.pem), "HOOK_SECRET": SECRET},
                            application_options={"OCServer": {"http-connection-pool-size": "2"}})
        cls.centre.options_of = targets
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        for group in groups:
            cls.centre.load_and_start(group)

    def group(self, name):
        return next(group for group in self.centre.groups if group.name == name)

    def give(self, name, count, start=15550000):
        """Records that agent a1 has."""
        group = self.group(name)
        for number in range(count):
            self.centre.add(group, str(start + number))
        return [self.centre.preview(group, "a1").json["GSW_RECORD_HANDLE"] for _ in range(count)]

    def process(self, name, count=1):
        for handle in self.give(name, count):
            self.assertEqual(self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33).status, 200)

    def ledger(self, name):
        """State and words of the group's messages."""
        rows = self.centre.select("select state, words, attempts from outbox where kind = ?",
                                  f"contact-processed/{self.group(name).dbid}")
        return [(row["state"], row["words"], row["attempts"]) for row in rows]

    def failed(self, name):
        """The words of its one message, which failed."""
        wait_until(lambda: any(state == 3 for state, _, _ in self.ledger(name)), what=f"{name} fails")
        (state, words, attempts), = self.ledger(name)
        self.assertEqual((state, attempts), (3, 1), words)
        return words

    def test_36_six_at_once_to_a_slow_receiver_over_two_connections(self):
        handles = self.give("G1", 6)
        began = time.monotonic()
        for handle in handles:
            self.assertEqual(self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=33).status, 200)
        posts = self.slow.wait_for(6)
        wait_until(lambda: [state for state, _, _ in self.ledger("G1")] == [2] * 6, what="all are sent")
        self.assertLess(time.monotonic() - began, 5.5)  # 6 of 1 s, two at a time: about 3 s
        self.assertGreater(posts[-1].at - began, 1.8)  # the last two began after four had ended
        self.assertEqual((self.slow.most, self.slow.accepted), (2, 2))

    def test_37_https_by_a_proxy_that_never_sees_the_body(self):
        self.process("G2")
        request = wait_until(lambda: [one for one in self.tls.requests if one.path == "/tls"], what="the POST")[0]
        self.assertEqual(request.json["GSW_MESSAGE"], "ContactProcessed")
        self.assertEqual(self.proxy.lines, [f"CONNECT localhost:{self.tls.port} HTTP/1.1"])
        name, version = self.tls_seen[0]
        self.assertEqual(name, "localhost")
        self.assertIn(version, ("TLSv1.2", "TLSv1.3"))
        for secret in (b"ContactProcessed", b"GSW_", request.json["GSW_MESSAGE_GUID"].encode(), b"POST "):
            self.assertNotIn(secret, bytes(self.proxy.bytes))

    def test_37_http_goes_direct(self):
        before = len(self.proxy.lines)
        self.process("G7")
        wait_until(lambda: [one for one in self.plain.requests if one.path == "/plain"], what="the POST")
        self.assertEqual(len([line for line in self.proxy.lines[before:] if f":{self.plain.port}" in line]), 0)

    def test_37_without_a_proxy_https_goes_direct(self):
        self.process("G3")
        wait_until(lambda: [one for one in self.tls.requests if one.path == "/direct"], what="the POST")

    def test_a_stranger_another_name_and_a_proxy_that_refuses_are_connection_failures(self):
        for name, words in (("G4", "certificate"), ("G5", "name"), ("G6", "403")):
            self.process(name)
            self.assertIn(words, self.failed(name))
        for receiver in (self.tls, self.strangers):
            self.assertEqual([one for one in receiver.requests if one.path in ("/stranger", "/other-name", "/refused")], [])

    def test_dead_receivers_hold_up_nobody_else(self):
        """More than a window's worth of theirs first; each of ours takes its usual time."""
        for name in ("G11", "G12", "G13"):
            self.process(name, 20)
        began, before = time.monotonic(), len(self.living())
        self.process("G14", 20)
        wait_until(lambda: len(self.living()) == before + 20, 5, what="the living")
        self.assertLess(time.monotonic() - began, 4)
        for name in ("G11", "G12", "G13"):
            self.assertEqual({state for state, _, _ in self.ledger(name)}, {1}, name)

    def living(self):
        return [one for one in self.plain.requests if one.path == "/living"]

    def test_a_backlog_for_dead_receivers_is_no_wall(self):
        """Found in the table at start, the dead ones' messages first, more than memory holds of them."""
        self.process("G14")
        row = wait_until(lambda: self.centre.select("select * from outbox where kind like ? and state = 2",
                                                    f"%/{self.group('G14').dbid}"), what="a row that was sent")[0]
        self.centre.cli("stop", "outbound")
        path, = (self.centre.data / "outbound").glob("*.db")
        target = self.centre.options_of["G12"]["contact-processed-notification-uri"]
        new = []
        for number in range(11500):  # 11,000 nobody takes, then ours
            is_ours = number >= 11000
            guid = uuid.uuid4().hex.upper()
            new.append({**row, "id": guid, "body": row["body"].replace(row["id"].encode(), guid.encode()), "state": 1,
                        "attempts": 0, "due_utc_ms": number, "words": None, "sent_utc_ms": None,
                        "kind": row["kind"] if is_ours else f"contact-processed/{self.group('G12').dbid}",
                        "target": row["target"] if is_ours else target,
                        "lane": row["lane"] if is_ours else target.rsplit("/", 1)[0]})
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as base, base:
            base.executemany(f"insert into outbox ({', '.join(row)}) values ({', '.join('?' * len(row))})",
                             [tuple(one.values()) for one in new])
        before = len(self.living())
        self.centre.cli("start", "outbound")
        wait_until(lambda: len(self.living()) >= before + 500, 15, what="ours")
        self.centre.wait_for_http()
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as base, base:
            base.execute("delete from outbox where due_utc_ms < 11000")  # they would be sent to the end of the tests

    def test_a_message_is_signed(self):
        self.process("G8")
        request = wait_until(lambda: [one for one in self.signed.requests if one.path == "/signed"], what="the POST")[0]
        self.assertEqual(request.headers["webhook-id"], request.json["GSW_MESSAGE_GUID"])
        self.assertAlmostEqual(int(request.headers["webhook-timestamp"]), time.time(), delta=10)
        self.assertEqual(verify(SECRET, request), [0])
        self.assertEqual(verify(NEXT_SECRET, request), [])

    def test_while_a_secret_is_replaced_both_sign_and_a_resend_is_signed_anew(self):
        rest = [500, 500, 200]
        self.answers["/two"] = lambda: rest.pop(0)
        self.process("G9")
        posts = wait_until(lambda: (lambda found: found if len(found) == 3 else None)(
            [one for one in self.signed.requests if one.path == "/two"]), what="three POSTs")
        for request in posts:
            self.assertEqual((verify(NEXT_SECRET, request), verify(SECRET, request)), ([0], [1]))
        self.assertEqual(len({one.body for one in posts}), 1)
        self.assertEqual(len({one.headers["webhook-id"] for one in posts}), 1)
        stamps = [int(one.headers["webhook-timestamp"]) for one in posts]
        self.assertTrue(stamps[0] < stamps[1] < stamps[2], stamps)

    def test_a_secret_that_cannot_be_read_sends_nothing(self):
        self.process("G10")
        self.assertIn("http-webhook-secret", self.failed("G10"))
        self.assertEqual([one for one in self.signed.requests if one.path == "/unsigned"], [])
        log = self.centre.logs("outbound*")
        self.assertNotIn("hunter2", log)
        warnings = [line for line in log.splitlines() if "http-webhook-secret = " in line]
        self.assertGreaterEqual(len(warnings), 1, log)

    def test_12_6_unknown_tokens_are_warned_about_and_ignored(self):
        def warnings():
            return sum("SUNDAYS" in line for line in self.centre.logs("outbound*").splitlines())
        before, rest = warnings(), [503, 200]
        self.assertGreaterEqual(before, 1)
        self.answers["/tokens"] = lambda: rest.pop(0)
        self.process("G15")
        posts = wait_until(lambda: (lambda found: found if len(found) == 2 else None)(
            [one for one in self.signed.requests if one.path == "/tokens"]), what="the re-send")
        self.assertAlmostEqual(posts[1].at - posts[0].at, 1, delta=0.6)
        self.assertEqual(warnings(), before)  # when the options are read, not at every answer

    def test_13_3_headers_of_the_host_come_after_and_replace_those_of_the_application(self):
        """Changed while it runs; last, as the configuration stays."""
        def change(config):
            application(config, "outbound")["options"]["OCServer"]["http-custom-headers"] = "X-One: app | X-Two: app"
            config["hosts"][0].setdefault("annex", {})["OCServer"] = {"http-custom-headers": "x-two: host | X-Three: host"}
        self.centre.apply(change)

        def sent():
            self.process("G16")
            return next((one for one in reversed(self.signed.requests)
                         if one.path == "/headers" and one.headers["X-Three"]), None)
        request = wait_until(sent, every=0.2, what="the new headers")
        names = [name.lower() for name in request.headers.keys()]
        self.assertEqual([name for name in names if name.startswith("x-")], ["x-one", "x-two", "x-three"])
        self.assertEqual([request.headers[name] for name in ("X-One", "X-Two", "X-Three")], ["app", "host", "host"])


if __name__ == "__main__":
    unittest.main()
