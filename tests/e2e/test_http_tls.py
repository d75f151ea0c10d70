# SPDX-License-Identifier: Apache-2.0
"""The HTTP API over TLS: outbound 14.1, framework 10.2, 10.3, 10.7; acceptance 21: 6, 10."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

from campaign import Centre, application, is_open
from harness import free_port, http_call, wait_until


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificate(folder, name, ca=None, names="DNS:localhost,IP:127.0.0.1"):
    signer = ["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key"] if ca else []
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", *signer)


class SecureCentre(Centre):
    """With a TLS port beside the plain one. `members` go into the port."""

    def __init__(self, members=None, annex=None, **more):
        super().__init__(**more)
        make_certificate(self.folder, "ca")
        make_certificate(self.folder, "server", "ca")
        self.https_port = free_port()
        self.ports["outbound", "https"] = self.https_port
        port = {"id": "https", "number": self.https_port, "connectionProtocol": "https"}
        port.update({"certificate": self.path("server.pem"), "certificateKey": self.path("server.key")}
                    if members is None else members)
        application(self.config, "outbound")["ports"].append(port)
        if annex:
            self.config["hosts"][0].setdefault("annex", {})["security"] = {
                name: self.path(value) for name, value in annex.items()}
        self._write_files()

    def wait_for_http(self, seconds=20):
        super().wait_for_http(seconds)
        wait_until(lambda: is_open(self.https_port), 5, what="the TLS port is open")

    def path(self, name):
        return str(self.folder / name)

    def context(self, **client):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if client:
            context.load_cert_chain(**client)
        return context

    def secure_call(self, method, path, body=None, context=None, host="127.0.0.1", timeout=5):
        connection = http.client.HTTPSConnection(host, self.https_port, timeout=timeout,
                                                 context=context or self.context())
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())
        finally:
            connection.close()

    def certificate(self):
        """The name that the port's present certificate has."""
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", self.https_port), timeout=5) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as stream:
            return dict(pair[0] for pair in stream.getpeercert()["subject"])["commonName"]

    @property
    def status_path(self):
        return f"/campaigngroups/{self.groups[0].dbid}"


@unittest.skipUnless(shutil.which("openssl"), "no openssl command")
class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = SecureCentre()
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    def assertServing(self):
        status, headers, body = self.centre.secure_call("GET", self.centre.status_path)
        self.assertEqual((status, body["GSW_USER_EVENT"]), (200, "CampaignStatus"))
        return headers

    def test_scenario_10_the_api_by_https_and_by_plain_http(self):
        headers = self.assertServing()
        self.assertEqual(headers["X-Frame-Options"], "SAMEORIGIN")
        with self.assertRaises((http.client.HTTPException, OSError)):
            http_call(self.centre.https_port, "GET", self.centre.status_path, timeout=5)
        self.assertServing()
        self.assertEqual(self.centre.call("GET", self.centre.status_path).status, 200)  # the plain port

    def test_curl_asks_by_https(self):
        done = subprocess.run(["curl", "-sS", "--max-time", "5", "--cacert", self.centre.path("ca.pem"),
                               f"https://localhost:{self.centre.https_port}{self.centre.status_path}"],
                              capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(done.stdout)["GSW_USER_EVENT"], "CampaignStatus")

    def test_a_client_that_knows_the_authority_checks_the_name(self):
        context = ssl.create_default_context(cafile=self.centre.path("ca.pem"))
        with socket.create_connection(("127.0.0.1", self.centre.https_port), timeout=5) as plain, \
                self.assertRaises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname="bank.example")
        self.assertServing()

    def test_versions_older_than_1_2_are_refused(self):
        for version in ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1:
            context = self.centre.context()
            context.set_ciphers("ALL:@SECLEVEL=0")
            with self.subTest(version), self.assertRaises((ssl.SSLError, OSError)):
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = version
                self.centre.secure_call("GET", self.centre.status_path, context=context)
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            context = self.centre.context()
            context.minimum_version = context.maximum_version = version
            self.assertEqual(self.centre.secure_call("GET", self.centre.status_path, context=context)[0], 200)

    def test_large_bodies_and_pipelined_requests_pass(self):
        group = self.centre.groups[0]
        body = {"GSW_PHONE": "15550100", "GSW_PHONE_TYPE": 4, "GSW_TZ_NAME": "UTC", "GSW_FROM": 0,
                "GSW_UNTIL": 86400, **{f"unknown{i}": "x" * 4000 for i in range(200)}}
        status, _, answer = self.centre.secure_call("POST", f"/lists/{group.list}?req=AddRecord", body)
        self.assertEqual((status, answer["GSW_USER_EVENT"]), (200, "AddRecordAcknowledge"))
        one = f"GET {self.centre.status_path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        last = one.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")
        with socket.create_connection(("127.0.0.1", self.centre.https_port), timeout=5) as plain, \
                self.centre.context().wrap_socket(plain, server_hostname="localhost") as stream:
            stream.sendall(one * 20 + last)
            received = b""
            with contextlib.suppress(ssl.SSLEOFError):
                while chunk := stream.recv(65536):
                    received += chunk
        self.assertEqual(received.count(b"HTTP/1.1 200 OK"), 21)

    def test_scenario_6_hostile_bytes_and_scans_do_no_harm(self):
        port, child = self.centre.https_port, self.centre.proxy_pid()
        hello = bytes.fromhex("16030102000100")
        kept = []
        for i in range(600):
            stream = socket.create_connection(("127.0.0.1", port), timeout=5)
            try:
                if i % 5 == 0:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                elif i % 5 == 1:
                    stream.sendall(os.urandom(300))
                elif i % 5 == 2:
                    stream.sendall(hello + os.urandom(600))
                elif i % 5 == 3:
                    stream.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                else:
                    stream.sendall(hello)  # never goes on
            except OSError:
                pass
            (kept.append if i % 5 == 4 else socket.socket.close)(stream)
            if i == 300:
                self.assertServing()
        self.assertServing()
        for stream in kept:
            stream.close()
        # Cut in the middle of a conversation, in plain text behind the handshake.
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            stream = self.centre.context().wrap_socket(plain, server_hostname="localhost",
                                                       do_handshake_on_connect=True)
            stream.sendall(b"GET ")
            raw = socket.socket(fileno=os.dup(stream.fileno()))
            raw.sendall(b"\x17\x03\x03\x00\x10" + os.urandom(16))  # a record that does not decrypt
            raw.close()
            with self.assertRaises((ssl.SSLError, OSError)):
                if stream.recv(10) == b"":
                    raise ConnectionResetError
        self.assertServing()
        self.assertEqual(self.centre.proxy_pid(), child)

    def test_preview_record_says_where_its_record_is(self):
        group = self.centre.groups[0]
        self.centre.load_and_start(group)
        self.centre.add(group, "15550111")
        record = wait_until(lambda: (one := self.centre.preview(group, "a1")).status == 200 and one.json, 5)
        self.assertEqual(record["GSW_RECORD_URI"],
                         f"https://127.0.0.1:{self.centre.https_port}/records/{record['GSW_RECORD_HANDLE']}")
        path = record["GSW_RECORD_URI"].split(str(self.centre.https_port))[1]
        status, headers, body = self.centre.secure_call("GET", path)
        self.assertEqual((status, body["GSW_USER_EVENT"]), (200, "RecordStatus"))
        self.assertEqual(headers["ETag"], record["GSW_CALL_ATTEMPT_GUID"])


@unittest.skipUnless(shutil.which("openssl"), "no openssl command")
class Certificates(unittest.TestCase):
    def test_a_new_certificate_counts_for_new_connections_and_a_broken_one_does_not(self):
        with SecureCentre() as centre:
            child = centre.proxy_pid()
            kept = http.client.HTTPSConnection("127.0.0.1", centre.https_port, timeout=5, context=centre.context())

            def ask_on_kept():
                kept.request("GET", centre.status_path)
                answer = kept.getresponse()
                answer.read()
                return answer.status
            self.assertEqual(centre.certificate(), "server")
            self.assertEqual(ask_on_kept(), 200)
            for number in range(2):
                name = f"renewed-{number}"
                make_certificate(centre.folder, name, "ca")
                # As tools do it: a new file in the old one's place, the certificate before its key.
                for ending in "pem", "key":
                    os.replace(centre.path(f"{name}.{ending}"), centre.path(f"server.{ending}"))
                wait_until(lambda name=name: centre.certificate() == name, 5, every=0.1, what=name)
            with open(centre.path("server.pem"), "w", encoding="ascii") as file:
                file.write("-----BEGIN CERTIFICATE-----\nbroken\n")
            time.sleep(1.1)
            for _ in range(3):
                self.assertEqual(centre.certificate(), "renewed-1")
            log = wait_until(lambda: "81167" in (one := centre.logs("outbound_HTTPPRX*")) and one, 5)
            broken = [line for line in log.splitlines() if "81167" in line and "must hold certificates" in line]
            self.assertEqual(len(broken), 1, broken)
            self.assertIn("certificate", broken[0])
            self.assertEqual(ask_on_kept(), 200)
            kept.close()
            self.assertEqual(centre.proxy_pid(), child)

    def test_a_certificate_that_cannot_be_used_is_named_and_heals(self):
        with SecureCentre({"certificate": "/nowhere/server.pem", "certificateKey": "/nowhere/server.key"},
                          http=False) as centre:
            wait_until(lambda: "81101" in centre.logs("outbound.*"), 10, what="81101")
            self.assertIn("certificate: cannot read /nowhere/server.pem", centre.logs("outbound.*"))

            def mend(config):
                port = next(one for one in application(config, "outbound")["ports"] if one["id"] == "https")
                port.update(certificate=centre.path("server.pem"), certificateKey=centre.path("server.key"))
            centre.apply(mend)
            wait_until(lambda: is_open(centre.https_port), 5, what="it listens")
            self.assertEqual(centre.secure_call("GET", centre.status_path)[0], 200)

    def test_the_hosts_certificate_serves_where_the_port_has_none(self):
        with SecureCentre({}, annex={"certificate": "server.pem", "certificate-key": "server.key"}) as centre:
            self.assertEqual(centre.certificate(), "server")
            self.assertIn("server.pem (host)", centre.logs("outbound_HTTPPRX*"))
            make_certificate(centre.folder, "other", "ca")

            def own(config):  # a port's own values, live
                port = next(one for one in application(config, "outbound")["ports"] if one["id"] == "https")
                port.update(certificate=centre.path("other.pem"), certificateKey=centre.path("other.key"))
            child = centre.proxy_pid()
            centre.apply(own)
            wait_until(lambda: centre.certificate() == "other", 5, every=0.1, what="the port's certificate")
            self.assertEqual(centre.proxy_pid(), child)

            def remove(config):  # one port of two
                ports = application(config, "outbound")["ports"]
                ports[:] = [port for port in ports if port["id"] != "https"]
            centre.apply(remove)
            wait_until(lambda: not is_open(centre.https_port), 5, what="the TLS port is closed")
            self.assertEqual(centre.call("GET", centre.status_path).status, 200)
            self.assertEqual(centre.proxy_pid(), child)

    def test_F23_with_tls_mutual_a_client_needs_a_certificate_of_the_right_authority(self):
        secured = {"connectionProtocol": "http", "listeningMode": "secured"}
        with SecureCentre(secured, annex={"certificate": "server.pem", "certificate-key": "server.key",
                                          "trusted-ca": "ca.pem"}) as centre:
            def mutual(config):
                port = next(one for one in application(config, "outbound")["ports"] if one["id"] == "https")
                port["transportParams"] = "tls-mutual=1"
            centre.apply(mutual)
            make_certificate(centre.folder, "crm", "ca")
            make_certificate(centre.folder, "stranger")

            def is_refused(**client):
                try:
                    return centre.secure_call("GET", centre.status_path, context=centre.context(**client)) is None
                except (OSError, http.client.HTTPException):
                    return True
            wait_until(is_refused, 5, what="tls-mutual counts")
            self.assertTrue(is_refused(certfile=centre.path("stranger.pem"), keyfile=centre.path("stranger.key")))
            answer = centre.secure_call("GET", centre.status_path, context=centre.context(
                certfile=centre.path("crm.pem"), keyfile=centre.path("crm.key")))
            self.assertEqual(answer[0], 200)

    def test_a_listener_on_all_addresses_needs_tls_mutual(self):
        with SecureCentre(http=False, members={"transportParams": "address=0.0.0.0"}) as centre:
            wait_until(lambda: "81168" in centre.logs("outbound.*"), 10, what="81168")
            self.assertFalse(is_open(centre.https_port))
            self.assertIn("needs TLS and tls-mutual", centre.logs("outbound.*"))

    def test_auto_detect_serves_both(self):
        with SecureCentre({"connectionProtocol": "http", "listeningMode": "auto-detect"},
                          annex={"certificate": "server.pem", "certificate-key": "server.key"}) as centre:
            self.assertEqual(centre.secure_call("GET", centre.status_path)[0], 200)
            self.assertEqual(http_call(centre.https_port, "GET", centre.status_path).status, 200)

    def test_scenario_3_a_killed_child_comes_back_with_tls(self):
        with SecureCentre() as centre:
            os.kill(centre.proxy_pid(), signal.SIGKILL)
            wait_until(lambda: not is_open(centre.https_port), 2, what="the port is closed")
            wait_until(lambda: is_open(centre.https_port), 5, what="it listens again")
            self.assertEqual(centre.secure_call("GET", centre.status_path)[0], 200)


if __name__ == "__main__":
    unittest.main()
