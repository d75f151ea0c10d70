# SPDX-License-Identifier: Apache-2.0
"""The HTTP Proxy of outbound: outbound 14.1, 14.3; acceptance 21: 1 to 4, 6, 7."""
import os
import pathlib
import re
import signal
import socket
import time
import unittest

from campaign import Centre, application, children, is_open
from harness import http_call, process_lives, wait_until

SECURITY_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "script-src 'self'; object-src 'self'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


def raw(port, data, seconds=5, half_close=False):
    """Sends bytes on a connection of its own; what came back until the peer closed, or `seconds`."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as stream:
        stream.sendall(data)
        if half_close:
            stream.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while chunk := stream.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def remove_http_port(config):
    outbound = application(config, "outbound")
    outbound["ports"] = [port for port in outbound["ports"] if port["id"] != "http"]


class LifeCycle(unittest.TestCase):
    def test_1_with_an_http_port_the_child_listens_and_has_a_log_of_its_own(self):
        with Centre() as centre:
            outbound = centre.pid("outbound")
            child = centre.proxy_pid()
            self.assertIsNotNone(child)
            self.assertEqual(children(outbound), [child])
            self.assertTrue(is_open(centre.http_port))
            logs = [path.name for path in (centre.data / "logs").iterdir()]
            beside = [name for name in logs if name.startswith("outbound_HTTPPRX")]
            self.assertTrue(beside, logs)
            self.assertIn("Listening", centre.logs("outbound_HTTPPRX*"))
            self.assertIn("81100", centre.logs("outbound.*"))
            self.assertEqual(centre.call("GET", f"/campaigngroups/{centre.groups[0].dbid}").status, 200)

    def test_1_without_an_http_port_there_is_no_child(self):
        with Centre(http=False) as centre:
            time.sleep(0.5)
            self.assertEqual(children(centre.pid("outbound")), [])
            logs = [path.name for path in (centre.data / "logs").iterdir()]
            self.assertEqual([name for name in logs if "_HTTPPRX" in name], [])

    def test_2_a_port_that_is_taken_is_tried_again_after_the_reconnect_timeout(self):
        seconds = 2
        centre = Centre(reconnect_s=seconds)
        with socket.socket() as other:
            other.bind(("127.0.0.1", centre.http_port))
            other.listen()
            centre.has_http = False  # do not wait for it
            with centre:
                def failures():
                    return centre.logs("outbound.*").count("81101")
                wait_until(lambda: failures() >= 1, 5, what="81101")
                first = time.monotonic()
                self.assertIsNone(centre.proxy_pid())
                wait_until(lambda: failures() >= 2, seconds + 2, what="81101 again")
                self.assertAlmostEqual(time.monotonic() - first, seconds, delta=1)
                self.assertEqual(centre.state("outbound"), "RUNNING")
                other.close()
                freed = time.monotonic()
                wait_until(lambda: is_open(centre.http_port), seconds + 1, what="it listens")
                self.assertLessEqual(time.monotonic() - freed, seconds + 1)
                self.assertEqual(
                    centre.call("GET", f"/campaigngroups/{centre.groups[0].dbid}").status, 200)

    def test_3_a_killed_child_comes_back_after_the_reconnect_timeout(self):
        seconds = 2
        with Centre(reconnect_s=seconds) as centre:
            former = centre.proxy_pid()
            os.kill(former, signal.SIGKILL)
            died = time.monotonic()
            wait_until(lambda: not is_open(centre.http_port), 1, what="the port is closed")
            while time.monotonic() - died < seconds - 0.1:
                self.assertFalse(is_open(centre.http_port), time.monotonic() - died)
                time.sleep(0.05)
            wait_until(lambda: is_open(centre.http_port), 2, what="it listens again")
            self.assertLessEqual(time.monotonic() - died, seconds + 1.5)
            self.assertNotIn(centre.proxy_pid(), (None, former))
            self.assertEqual(centre.call("GET", f"/campaigngroups/{centre.groups[0].dbid}").status, 200)
            log = centre.logs("outbound.*")
            self.assertIn("81102", log)

    def test_4_the_child_leaves_when_the_port_is_removed(self):
        with Centre() as centre:
            child = centre.proxy_pid()
            centre.apply(remove_http_port)
            wait_until(lambda: not process_lives(child), 2, what="the child is gone")
            self.assertFalse(is_open(centre.http_port))
            time.sleep(1.7)  # longer than its Reconnect Timeout
            self.assertEqual(children(centre.pid("outbound")), [])
            self.assertFalse(is_open(centre.http_port))
            centre.apply(lambda config: None)  # and back
            centre.wait_for_http(3)

    def test_4_the_child_leaves_when_outbound_is_killed(self):
        with Centre() as centre:
            child = centre.proxy_pid()
            centre.kill("outbound")
            wait_until(lambda: not process_lives(child), 2, what="the child is gone")
            wait_until(lambda: centre.proxy_pid() not in (None, child), 10, what="the child of the next outbound")

    def test_a_stopped_outbound_takes_its_child_along(self):
        with Centre() as centre:
            child = centre.proxy_pid()
            centre.cli("stop", "outbound")
            self.assertFalse(process_lives(child))
            self.assertFalse(is_open(centre.http_port))

    def test_a_new_port_number_waits_for_the_next_child(self):
        with Centre() as centre:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                other = probe.getsockname()[1]

            def move(config):
                application(config, "outbound")["ports"][1]["number"] = other
            child = centre.proxy_pid()
            centre.apply(move)
            time.sleep(0.5)
            self.assertTrue(is_open(centre.http_port))
            self.assertFalse(is_open(other))
            os.kill(child, signal.SIGKILL)
            wait_until(lambda: is_open(other), 5, what="the next child has the new port")
            self.assertFalse(is_open(centre.http_port))


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = Centre()
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)
        cls.status_path = f"/campaigngroups/{cls.centre.groups[0].dbid}"

    def assertServing(self, seconds=5):
        answer = self.centre.call("GET", self.status_path, timeout=seconds)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["GSW_USER_EVENT"], "CampaignStatus")

    def test_6_port_scans_and_garbage_do_no_harm(self):
        port, child = self.centre.http_port, self.centre.proxy_pid()
        random_bytes = pathlib.Path("/dev/urandom").open("rb", buffering=0)
        kept = []
        for i in range(2000):
            stream = socket.socket()
            stream.settimeout(5)
            stream.connect(("127.0.0.1", port))
            if i % 4 == 0:  # as a scanner does: reset at once
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                stream.close()
            elif i % 4 == 1:
                stream.sendall(random_bytes.read(200))
                stream.close()
            elif i % 4 == 2:
                stream.sendall(b"GET /campaigngroups/1 HTTP/1.1\r\nHost: x\r\n")  # never goes on
                kept.append(stream)
            else:
                kept.append(stream)  # silent
            if i == 1000:
                self.assertServing()
        random_bytes.close()
        self.assertServing()
        for stream in kept:
            stream.close()
        self.assertServing()
        self.assertEqual(self.centre.proxy_pid(), child)

    def test_7_every_response_has_the_custom_headers(self):
        for method, path, body in (("GET", self.status_path, None), ("GET", "/nothing", None),
                                   ("PUT", "/records/1", b"{}"), ("POST", "/lists/L1?req=AddRecord", b"{bad"),
                                   ("GET", "/records/77777", None)):
            answer = self.centre.call(method, path, body)
            self.assertEqual({name: answer.headers[name] for name in SECURITY_HEADERS},
                             SECURITY_HEADERS, (method, path))

    def test_7_what_the_http_server_refuses_by_itself_looks_like_every_other_error(self):
        # After the garbage of test_6 the crowd of refused ones is closed without words for 5 s.
        received = wait_until(lambda: raw(self.centre.http_port, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n").decode(),
                              8, every=0.2, what="words")
        self.assertTrue(received.startswith("HTTP/1.1 400 "), received)
        for name, value in SECURITY_HEADERS.items():
            self.assertIn(f"{name}: {value}\r\n", received)
        self.assertIn('"GSW_USER_EVENT":"Error"', received)

    def test_7_new_custom_headers_reach_the_running_child(self):
        child = self.centre.proxy_pid()

        def change(config):
            application(config, "outbound")["options"]["OCServer"]["http-custom-headers"] = \
                "X-Frame-Options: DENY | X-Powered-By: bells | broken line | Host: evil"
        self.centre.apply(change)
        answer = wait_until(lambda: (one := self.centre.call("GET", self.status_path)).headers["X-Frame-Options"]
                            == "DENY" and one, 3, what="the new value")
        self.assertIsNone(answer.headers["X-Powered-By"])  # in responses the five alone
        self.assertIsNone(answer.headers["Content-Security-Policy"])
        self.assertEqual(self.centre.proxy_pid(), child)
        self.centre.apply(lambda config: None)

    def test_keep_alive_and_pipelined_requests_are_answered_in_order(self):
        one = f"GET {self.status_path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        other = b"GET /records/77777 HTTP/1.1\r\nHost: x\r\n\r\n"
        last = f"GET {self.status_path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        received = raw(self.centre.http_port, one + other + last)
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", received), [b"200", b"404", b"200"])

    def test_chunked_bodies_and_expect_continue(self):
        body = b'{"GSW_PHONE":"15550170","GSW_PHONE_TYPE":4,"GSW_TZ_NAME":"GMT","GSW_FROM":0,"GSW_UNTIL":86339}'
        head = b"POST /lists/L1?req=AddRecord HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" \
               b"Connection: close\r\n"
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(
            b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:40], body[40:])) + b"0\r\n\r\n"
        self.assertIn(b"AddRecordAcknowledge", raw(self.centre.http_port, chunked))
        with socket.create_connection(("127.0.0.1", self.centre.http_port), timeout=5) as stream:
            stream.sendall(head + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
            self.assertTrue(stream.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n"))
            stream.sendall(body)
            self.assertIn(b"AddRecordAcknowledge", stream.recv(65536))

    def wait_for_calm(self):
        """A crowd of refused clients is closed without words for a while (io/http/server.c)."""
        wait_until(lambda: raw(self.centre.http_port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400"), 10,
                   every=0.2, what="refusals are answered again")

    def test_length_size_and_type_of_bodies(self):
        self.wait_for_calm()
        port, head = self.centre.http_port, b"POST /lists/L1?req=AddRecord HTTP/1.1\r\nHost: x\r\n"

        def status(data):
            return raw(port, data).split(b" ", 2)[1]
        self.assertEqual(status(head + b"Content-Type: application/json\r\nConnection: close\r\n\r\n"), b"411")
        self.assertEqual(status(head + b"Content-Type: text/plain\r\nContent-Length: 2\r\n"
                                b"Connection: close\r\n\r\n{}"), b"415")
        self.assertEqual(status(head + b"Content-Type: application/json\r\nContent-Length: 1048577\r\n\r\n"), b"413")
        self.assertEqual(status(head + b"Content-Length: 99999999999999999999\r\n\r\n"), b"400")
        self.assertServing()

    def test_405_names_what_is_allowed(self):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = self.centre.call(method, "/records/712", b"{}", {"Content-Type": "application/json"})
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, POST"), method)

    def test_504_while_outbound_does_not_answer(self):
        """In http-response-timeout; the child lives on."""
        def change(config):
            application(config, "outbound")["options"]["OCServer"]["http-response-timeout"] = "1"
        self.centre.apply(change)
        outbound = self.centre.pid("outbound")
        self.assertServing()
        time.sleep(0.3)
        os.kill(outbound, signal.SIGSTOP)
        try:
            began = time.monotonic()
            self.assertEqual(http_call(self.centre.http_port, "GET", self.status_path, timeout=5).status, 504)
            self.assertAlmostEqual(time.monotonic() - began, 1, delta=0.6)
        finally:
            os.kill(outbound, signal.SIGCONT)
        self.assertServing()
        self.centre.apply(lambda config: None)


if __name__ == "__main__":
    unittest.main()
