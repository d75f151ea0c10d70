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

import peers  # noqa: E402
from campaign import PREVIEW  # noqa: E402
from desktops import DesktopCentre  # noqa: E402
from harness import wait_until  # noqa: E402
from table import Bar  # noqa: E402

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
            base.executemany("insert into account (person_dbid, hash, stamp, must_change, former, failures, locked_until_utc_ms, "
                             "used_utc_ms) values (?, ?, ?, 0, '', '', 0, ?)",
                             [(dbids[name], HASH, STAMP, now_ms) for name in self.people])
        web, = (self.data / "web").glob("*.db")
        with contextlib.closing(sqlite3.connect(web)) as base, base:
            base.executemany("insert into session values (?, ?, ?, '127.0.0.1', 0, 0, ?, ?)",
                             [(hashlib.sha256(token).digest(), dbids[name], STAMP, now_ms, now_ms)
                              for name, token in zip(self.people, tokens)])
        self.token_file = self.folder / "tokens"
        self.token_file.write_text("".join(f"{token.hex()}\n" for token in tokens))

    def resident_bytes(self):
        return peers.private_bytes(self.pid("web"))

    def metrics_of_web(self, name):
        return sum(value for label, value in self.metrics().items()
                   if label.startswith(f"carillon_{name}") and 'application="web"' in label)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid('web')}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, count=COUNT, returning=RETURNING, events=EVENTS, web_options=None, eyes=None):
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

            def cut_off():
                fleet.ask(f"drop {returning}")
                wait_until(lambda: centre.metrics_of_web("web_desktops_connected") == count - returning, 20,
                           what="web sees them gone")
            cut_off()
            cpu = centre.cpu_s()
            figures["reopen"] = fleet.ask("reopen")
            figures["reopen_cpu_us"] = (centre.cpu_s() - cpu) / returning * 1e6
            time.sleep(1)
            figures["bytes_each_after"] = (centre.resident_bytes() - before) / count
            pids = {"web": centre.pid("web")}
            figures["rss"] = peers.rss_mib(pids)
            figures["profile"] = eyes.watch(pids, lambda: (cut_off(), fleet.ask("reopen"))) if eyes else ()
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


def report(figures, given):
    count, opened, again = figures["count"], figures["open"], figures["reopen"]
    given.say(f"{count} desktops: all greeted after {opened['last_ms'] / 1000:.1f} s, {opened['refused']} told to come again "
              f"later; CPU/op {figures['open_cpu_us']:.0f} us; idle {figures['bytes_each']:.0f} B each in web, of which "
              f"{figures['bytes_session']:.0f} for person and session; {figures['bytes_each_after']:.0f} B at the end")
    p99 = sorted(one["p99_ms"] for one in figures["events"])
    last = sorted(one["last_ms"] for one in figures["events"])
    given.say(f"  one event to all, from the order to the desktop: p99 {p99[0]:.0f} {p99[len(p99) // 2]:.0f} {p99[-1]:.0f} ms, "
              f"the last {last[-1]:.0f} ms (min median max of {len(p99)}); CPU/op {figures['event_cpu_us']:.1f} us")
    given.say(f"  {figures['returning']} cut off and back at once: all served after {again['last_ms'] / 1000:.1f} s "
              f"(half {again['half_ms'] / 1000:.1f} s), {again['resumed']} resumed whole, {again['refused']} refusals with "
              f"Retry-After; CPU/op {figures['reopen_cpu_us']:.0f} us")
    restart = figures["restart"]
    given.say(f"  web killed with -9, all {count} back: greeted after {restart['last_ms'] / 1000:.1f} s, each with its Snapshot "
              f"after {figures['restart_snapshots_s']:.1f} s, {restart['refused']} refusals; then "
              f"{figures['bytes_each_restarted']:.0f} B each")


def bare_layer(given, folder, count, returning):
    """Desktops a second that the WebSocket layer alone greets again."""
    tokens = folder / "tokens"
    tokens.write_text("00\n")
    with subprocess.Popen([given.tools / "websocket_bench"], stdout=subprocess.PIPE, text=True) as bench:
        try:
            fleet = Fleet(given.tools / "desktop_bench", int(bench.stdout.readline()), tokens)
            try:
                fleet.ask(f"open {count}")
                fleet.ask(f"drop {returning}")
                time.sleep(2)  # it looks through a list for each
                return returning / fleet.ask("reopen")["last_ms"] * 1000
            finally:
                fleet.close()
        finally:
            bench.kill()


def desktops(given, folder):
    """As shipped, then without the limit that spreads a storm."""
    count, returning = given.pick((COUNT, RETURNING), (2000, 1500))
    program = given.tools / "desktop_bench"
    shipped = measure(program, count, returning, eyes=given.eyes)
    report(shipped, given)
    given.say("  the same where web admits everybody at once (desktops-per-second = 100000)")
    bare = [bare_layer(given, folder, count, returning)]
    free = measure(program, count, returning, web_options={"desktops-per-second": "100000"}, eyes=given.eyes)
    report(free, given)
    bare.append(bare_layer(given, folder, count, returning))
    cut = f"{returning:,} desktops cut off at once and back, resumed whole"
    moved = f"a session and a log-in each, {count:,} connections, {'{}'} refusals with Retry-After"
    cpu = {"web": shipped["reopen_cpu_us"]}
    return [Bar("idle desktop", "an idle desktop in web: connection, session, person", f"{count:,} connections", "B",
                ours=[shipped["bytes_each"], shipped["bytes_each_after"], free["bytes_each_after"]], peer="limit",
                theirs=[BYTES_AIM], less_is_better=True, rss_mib=shipped["rss"], profile=free["profile"]),
            Bar("restart storm", cut + ", as shipped", moved.format(shipped["reopen"]["refused"]), "desktops/s",
                ours=[returning / shipped["reopen"]["last_ms"] * 1000], peer="what desktops-per-second admits", theirs=[1000],
                aim=0.80, cpu_us=cpu, rss_mib=shipped["rss"], profile=shipped["profile"]),
            Bar("restart storm / bare layer", cut + ", without the limit", moved.format(free["reopen"]["refused"]), "desktops/s",
                ours=[returning / free["reopen"]["last_ms"] * 1000], peer="the same with the WebSocket layer alone",
                theirs=bare, aim=0.50, cpu_us={"web": free["reopen_cpu_us"]}, rss_mib=free["rss"], profile=free["profile"])]
