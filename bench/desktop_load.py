# SPDX-License-Identifier: Apache-2.0
"""Desktops by the thousand (bench/run.py desktops): each with a person and a session of its own, driven by
desktop_bench. What an idle one costs in `web`, how long all of them take to come, to hear one event, and to
come back after they were cut off at once."""
import contextlib
import hashlib
import json
import os
import pathlib
import secrets
import socket
import sqlite3
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/e2e"))

from campaign import PREVIEW  # noqa: E402
from desktops import DesktopCentre  # noqa: E402
from harness import wait_until  # noqa: E402

COUNT, RETURNING, EVENTS = 15000, 10000, 6
BYTES_AIM = 8 * 1024
STAMP = 1_700_000_000_000
# A hash that no password fits: nobody logs in here, the sessions are there already.
HASH = "$argon2id$v=19$m=19456,t=2,p=1$kLapGYLAYQrp5+8RSLY0eQ$12Avh41lZ90C4XFB6MIbJgPXBdOV2tkcZa2P0NaviyA"


class Fleet:
    """desktop_bench, a command at a time."""

    def __init__(self, program, port, tokens):
        self.commands, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen([program, f"127.0.0.1:{port}", tokens], stdin=theirs,
                                            stdout=subprocess.PIPE, text=True)

    def tell(self, line):
        self.commands.sendall(f"{line}\n".encode())

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"desktop_bench ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, line):
        self.tell(line)
        return self.answer()

    def close(self):
        self.commands.close()
        self.process.wait(10)


class ManyDesktops(DesktopCentre):
    """A centre whose persons all have a session."""

    def __init__(self, count, web_options=None):
        self.people = [f"p{number}" for number in range(count)]
        super().__init__(groups=1, persons={"AG": self.people}, users=(), web_options=web_options)

    def __enter__(self):
        super().__enter__()
        try:
            self.restart_with(lambda: None)
            self.empty_bytes = self.resident_bytes()
            self.restart_with(self.give_sessions)
        except BaseException:
            self.show_logs()
            self.close()
            raise
        return self

    def restart_with(self, deed):
        self.stop()
        deed()
        self.start()
        self.wait_running(seconds=60)
        self.wait_for_web()
        self.wait_for_http()

    def give_sessions(self):
        """Straight into the stores, while nobody runs; the tokens into a file."""
        now_ms = int(time.time() * 1000)
        with contextlib.closing(self.sqlite("config")) as base:
            dbids = dict(base.execute("select key, dbid from object where type = 'Person'"))
        tokens = [secrets.token_bytes(32) for _ in self.people]
        config, = (self.data / "config").glob("*.db")
        with contextlib.closing(sqlite3.connect(config)) as base, base:
            base.executemany("insert into account values (?, ?, ?, 0, '', '', 0, ?)",
                             [(dbids[name], HASH, STAMP, now_ms) for name in self.people])
        web, = (self.data / "web").glob("*.db")
        with contextlib.closing(sqlite3.connect(web)) as base, base:
            base.executemany("insert into session values (?, ?, ?, '127.0.0.1', 0, 0, ?, ?)",
                             [(hashlib.sha256(token).digest(), dbids[name], STAMP, now_ms, now_ms)
                              for name, token in zip(self.people, tokens)])
        self.token_file = self.folder / "tokens"
        self.token_file.write_text("".join(f"{token.hex()}\n" for token in tokens))

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid('web')}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no Private_Dirty")

    def metrics_of_web(self, name):
        return sum(value for label, value in self.metrics().items()
                   if label.startswith(f"carillon_{name}") and 'application="web"' in label)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid('web')}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, count=COUNT, returning=RETURNING, events=EVENTS, web_options=None):
    """The figures, as a dict."""
    figures = {"count": count, "returning": returning}
    with ManyDesktops(count, web_options) as centre:
        group = centre.groups[0]
        centre.order(group, "Load")
        fleet = Fleet(program, centre.web_port, centre.token_file)
        try:
            before, cpu = centre.empty_bytes, centre.cpu_s()
            figures["bytes_session"] = (centre.resident_bytes() - before) / count
            figures["open"] = fleet.ask(f"open {count}")
            figures["open_cpu_us"] = (centre.cpu_s() - cpu) / count * 1e6
            time.sleep(2)  # what web tells outbound of who came
            figures["bytes_each"] = (centre.resident_bytes() - before) / count
            figures["events"], cpu = [], centre.cpu_s()
            for turn in range(events):
                req, keys, heard = (("Start", {"GSW_DIAL_MODE": PREVIEW}, "CampaignStarted"),
                                    ("Stop", {}, "CampaignStopped"))[turn % 2]
                fleet.tell(f'expect {count} "{heard}"')
                assert centre.order(group, req, **keys).status == 200
                figures["events"].append(fleet.answer())
                time.sleep(0.3)
            figures["event_cpu_us"] = (centre.cpu_s() - cpu) / count / events * 1e6
            figures["dropped"] = fleet.ask(f"drop {returning}")
            wait_until(lambda: centre.metrics_of_web("web_desktops_connected") == count - returning, 20,
                       what="web sees them gone")
            cpu = centre.cpu_s()
            figures["reopen"] = fleet.ask("reopen")
            figures["reopen_cpu_us"] = (centre.cpu_s() - cpu) / returning * 1e6
            time.sleep(1)
            figures["bytes_each_after"] = (centre.resident_bytes() - before) / count
            centre.kill("web")  # -9
            wait_until(lambda: fleet.ask("count")["open"] == 0, 20, what="all desktops are cut off")
            figures["restart"] = fleet.ask("reopen")
            began = time.monotonic()
            wait_until(lambda: centre.metrics_of_web("web_snapshots_total") >= count, 60, every=0.1,
                       what="a Snapshot for each")
            figures["restart_snapshots_s"] = time.monotonic() - began + figures["restart"]["last_ms"] / 1000
            figures["bytes_each_restarted"] = (centre.resident_bytes() - before) / count
            wait_until(lambda: fleet.ask("count")["open"] == count, 20, what="all are open")
        finally:
            fleet.close()
    return figures


def report(figures, say, verdict):
    count, opened, again = figures["count"], figures["open"], figures["reopen"]
    say(f"{count} desktops: all greeted after {opened['last_ms'] / 1000:.1f} s, {opened['refused']} told to come again "
        f"later; CPU/op {figures['open_cpu_us']:.0f} us; idle {figures['bytes_each']:.0f} B each in web, of which "
        f"{figures['bytes_session']:.0f} for person and session; {figures['bytes_each_after']:.0f} B at the end")
    p99 = sorted(one["p99_ms"] for one in figures["events"])
    last = sorted(one["last_ms"] for one in figures["events"])
    say(f"  one event to all, from the order to the desktop: p99 {p99[0]:.0f} {p99[len(p99) // 2]:.0f} {p99[-1]:.0f} ms, "
        f"the last {last[-1]:.0f} ms (min median max of {len(p99)}); CPU/op {figures['event_cpu_us']:.1f} us")
    say(f"  {figures['returning']} cut off and back at once: all served after {again['last_ms'] / 1000:.1f} s "
        f"(half {again['half_ms'] / 1000:.1f} s), {again['resumed']} resumed whole, {again['refused']} refusals with "
        f"Retry-After; CPU/op {figures['reopen_cpu_us']:.0f} us")
    restart = figures["restart"]
    say(f"  web killed with -9, all {count} back: greeted after {restart['last_ms'] / 1000:.1f} s, each with its Snapshot "
        f"after {figures['restart_snapshots_s']:.1f} s, {restart['refused']} refusals; then "
        f"{figures['bytes_each_restarted']:.0f} B each")
    verdict("aim of 8 KiB for an idle desktop, of what it takes", BYTES_AIM / figures["bytes_each_after"], 1)


def desktops(given, say, verdict):
    """As shipped, then without the limit that spreads a storm."""
    report(measure(given.tools / "desktop_bench"), say, verdict)
    say("  the same where web admits everybody at once (desktops-per-second = 100000)")
    report(measure(given.tools / "desktop_bench", web_options={"desktops-per-second": "100000"}), say, verdict)
