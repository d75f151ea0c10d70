# SPDX-License-Identifier: Apache-2.0
"""Thousands of connections that want nothing, on every port at once, and a port scanner: honest clients are
served meanwhile in bounded time, memory is bounded, nobody dies, and each port counts whom it refused."""
import contextlib
import http.client
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import time
import unittest

from campaign import new_record, resident_kib
from desktops import InOneCentre
from harness import http_call, rounds, wait_until

HERE = pathlib.Path(__file__).resolve().parent
IDLE, SLOW = rounds((600, 600), (10_000, 10_000))
SECONDS = rounds(3, 60)
ANSWER_S = rounds(2, 5)          # of any honest request
CROWD_MAX = 5000                 # of a process of clients
CONNECTION_KIB = 8               # a connection's share of memory, most of it its buffers
PROCESS_KIB = 32 * 1024          # beside it


class Strangers(InOneCentre):
    time_limit = 300

    def setUp(self):
        self.pids = self.centre.all_pids()
        self.before = {name: resident_kib(pid) for name, pid in self.pids.items()}

    def ports(self):
        centre = self.centre
        return [centre.http_port, centre.web_port, centre.port("config"), centre.port("outbound"), centre.metrics_port]

    def grown(self):
        return {name: resident_kib(pid) - self.before[name] for name, pid in self.pids.items()}

    def serve(self):
        """One request at each port; the longest time."""
        def answers(port, *words):
            """Where a crowd is refused, so may be an honest client, with 503 or in silence: it asks again."""
            with contextlib.suppress(OSError, http.client.HTTPException):
                return http_call(port, *words).status == 200

        def add():
            Strangers.number += 1
            wait_until(lambda: answers(self.centre.http_port, "POST", f"/lists/{self.group.list}?req=AddRecord",
                                       new_record(f"1555{self.number:06}")), 20, every=0.2, what="AddRecord")

        def ask(port, path):
            wait_until(lambda: answers(port, "GET", path), 20, every=0.2, what=path)
        deeds = [add, lambda: ask(self.centre.http_port, f"/campaigngroups/{self.group.dbid}"),
                 lambda: ask(self.centre.web_port, "/health"), lambda: ask(self.centre.metrics_port, "/health"),
                 lambda: self.centre.cli("config", "export", timeout=20)]
        longest = 0
        for deed in deeds:
            began = time.monotonic()
            deed()
            longest = max(longest, time.monotonic() - began)
        return longest

    def test_idle_and_slow_connections_on_every_port(self):
        count = -(-(IDLE + SLOW) // CROWD_MAX)
        crowds = [subprocess.Popen([sys.executable, HERE / "crowd.py", ",".join(map(str, self.ports())),
                                    str(IDLE // count), str(SLOW // count)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        try:
            for crowd in crowds:
                self.assertIn("ready", crowd.stdout.readline())
            began, longest = time.monotonic(), 0
            while time.monotonic() - began < SECONDS:
                longest = max(longest, self.serve())
            grown = self.grown()
        finally:
            said = [crowd.communicate("end\n", timeout=30)[0].strip() for crowd in crowds]
        print(f"# crowd: {IDLE} idle, {SLOW} slow, {'; '.join(said)}; longest answer {longest * 1000:.0f} ms; "
              f"KiB grown: {grown}", file=sys.stderr)
        self.assertLess(longest, ANSWER_S)
        share = (IDLE + SLOW) // len(self.ports()) * CONNECTION_KIB
        self.assertLess(max(grown.values()), PROCESS_KIB + share, grown)
        self.assertEqual(self.centre.all_pids(), self.pids)
        self.serve()
        self.centre.log_in("a1")

    # a port scanner

    def probes(self):
        """What scanners send to find out what a port is."""
        yield b""
        yield b"\r\n\r\n"
        yield b"GET / HTTP/1.0\r\n\r\n"
        yield b"OPTIONS / HTTP/1.0\r\n\r\n"
        yield b"OPTIONS / RTSP/1.0\r\n\r\n"
        yield b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\nFrom: <sip:nm@nm>;tag=root\r\nTo: <sip:nm2@nm2>\r\n" \
              b"Call-ID: 50000\r\nCSeq: 42 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        yield b"HELP\r\n"
        yield b"EHLO x\r\n"
        yield b"\x16\x03\x00\x00\x53\x01\x00\x00\x4f\x03\x00" + bytes(74)                       # TLS
        yield b"\x00\x00\x00\xa4\xff\x53\x4d\x42\x72\x00\x00\x00\x00\x08\x01\x40" + bytes(152)  # SMB
        yield b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00"                                   # RDP
        yield b"\x80\x00\x00\x28\x72\xfe\x1d\x13\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa0" + bytes(24)  # RPC
        yield b"\x00\x1e\x00\x06\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07version\x04bind\x00\x00\x10\x00\x03"  # DNS
        yield b"\x00\x00\x00\x4f\x00\x03\x00\x00user\x00root\x00" + bytes(60)                   # PostgreSQL
        yield b"0\x0c\x02\x01\x01`\x07\x02\x01\x02\x04\x00\x80\x00"                             # LDAP
        yield b"SSH-2.0-OpenSSH_9.2\r\n"
        yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        yield b"\x4a\x52\x4d\x49\x00\x02\x4b"                                                   # Java RMI
        yield b"stats\r\n"
        yield b"*1\r\n$4\r\nPING\r\n"
        for size in (1, 7, 64, 1500, 9000):
            yield random.randbytes(size)

    def test_a_port_scanner(self):
        before = self.centre.metrics()
        for port in self.ports():
            for probe in self.probes():
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as stream:
                    stream.sendall(probe)
                    stream.settimeout(0.02)
                    stream.recv(4096)
        self.assertEqual(self.centre.all_pids(), self.pids)
        wait_until(lambda: self.serve() < ANSWER_S, 20, every=0.5)
        after = self.centre.metrics()

        def more(name, application):
            return sum(after[one] - before.get(one, 0) for one in after
                       if one.startswith(f"carillon_{name}") and f'application="{application}"' in one)
        for application in ("config", "outbound"):
            self.assertGreaterEqual(more("links_refused_total", application), 10, application)
        self.assertGreaterEqual(more("web_http_bad_requests_total", "web"), 10)

    @unittest.skipUnless(rounds(False, True), "in make soak")
    def test_nmap(self):
        if not shutil.which("nmap"):
            self.skipTest("no nmap here")
        done = subprocess.run(["nmap", "-sT", "-sV", "--version-all", "-Pn", "-p", ",".join(map(str, self.ports())),
                               "127.0.0.1"], capture_output=True, text=True, timeout=280)
        print("".join(f"# {line}\n" for line in done.stdout.splitlines() if "/tcp" in line), file=sys.stderr)
        self.assertEqual(self.centre.all_pids(), self.pids)
        wait_until(lambda: self.serve() < ANSWER_S, 20, every=0.5)


if __name__ == "__main__":
    unittest.main()
