# SPDX-License-Identifier: Apache-2.0
"""Notifications to ten endpoints of which three are dead: one refuses, one never accepts, one accepts and
stays silent. What waits is the same in both runs; counted is the rate to the seven that live."""
import contextlib
import socket
import sqlite3
import statistics
import threading
import time
import uuid

import campaign
import peers
from harness import free_port, wait_until
from table import Bar

LIVING, DEAD = 7, 3


@contextlib.contextmanager
def dead_endpoints():
    """host:port of each."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as swallower, socket.socket() as filler, \
            socket.create_server(("127.0.0.1", 0), backlog=1024) as silent:
        filler.connect(swallower.getsockname())  # its backlog is full: no further connection gets through
        taken = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    taken.append(silent.accept()[0])
        threading.Thread(target=accept, daemon=True).start()
        yield [f"127.0.0.1:{free_port()}", *(f"127.0.0.1:{one.getsockname()[1]}" for one in (swallower, silent))]
        silent.shutdown(socket.SHUT_RDWR)
        for one in taken:
            one.close()


class Endpoints(campaign.Centre):
    def __init__(self, url, each):
        self.each = each
        options = campaign.notifying(url, http_retry_applies_to="all", http_retry_max_attempts=100,
                                     http_response_timeout=5)
        super().__init__(groups=1, options={"G1": options}, reconnect_s=2)

    def one_row(self):
        """A message that was really sent, as the ledger has it."""
        group = self.groups[0]
        self.load_and_start(group)
        self.add(group, "15550100", Other1="wants price list")
        handle = self.preview(group, "a1").json["GSW_RECORD_HANDLE"]
        self.record(handle, "RecordProcessed", GSW_CALL_RESULT=33, Other1="asks to call May")
        return wait_until(lambda: self.select("select * from outbox where state = 2"), what="a row sent")[0]

    def fill(self, row, hosts):
        """`each` messages of every endpoint, in turns; those of the first were made first."""
        columns, began_ms = list(row), int(time.time() * 1000) - self.each - 1000

        def rows():
            for number in range(self.each):
                for host in hosts:
                    guid = uuid.uuid4().hex.upper()[:len(row["id"])]
                    new = {**row, "id": guid, "body": row["body"].replace(row["id"].encode(), guid.encode()),
                           "target": f"http://{host}/sink", "lane": f"http://{host}", "state": 1, "attempts": 0,
                           "created_utc_ms": began_ms + number, "due_utc_ms": began_ms + number, "words": None,
                           "sent_utc_ms": None}
                    yield tuple(new[name] for name in columns)
        with contextlib.closing(sqlite3.connect(next((self.data / "outbound").glob("*.db")))) as base, base:
            base.execute("DELETE FROM outbox")
            base.executemany(f"INSERT INTO outbox ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows())

    def drain(self, nginx, eyes=None):
        """The rate to the living, from their first tenth on, CPU of outbound for each of theirs in us, its memory; or what
        `eyes` saw."""
        began, wanted = nginx.requests(), LIVING * self.each
        self.cli("start", "outbound")
        wait_until(lambda: nginx.requests() - began >= wanted // 10, 30, what="notifications")
        def is_done():
            return nginx.requests() - began >= wanted
        pids = {"outbound": self.pid("outbound")}
        if eyes:
            seen = eyes.watch(pids, lambda: wait_until(is_done, 120, every=0.02, what="all notifications"))
            self.cli("stop", "--now", "outbound")
            return seen
        watch, first, at = peers.CpuWatch(pids), nginx.requests(), time.monotonic()
        wait_until(is_done, 120, every=0.02, what="all notifications")
        sent, wall = nginx.requests() - first, time.monotonic() - at
        cpu, _ = watch.end()
        rss = peers.rss_mib(pids)
        self.cli("stop", "--now", "outbound")
        return sent / wall, cpu["outbound"] / sent * 1e6, rss


def endpoints(given, folder):
    port, each = free_port(), given.pick(4000, 1000)
    living = [f"127.0.0.{number + 1}:{port}" for number in range(LIVING)]
    runs = {0: [], DEAD: []}
    with peers.Nginx(folder / "endpoints", port, addresses=[host.split(":")[0] for host in living]) as nginx, \
            dead_endpoints() as dead, Endpoints(f"http://{living[0]}/sink", each) as centre:
        row = centre.one_row()
        centre.cli("stop", "outbound")
        for _ in range(given.rounds):
            for count in runs:  # those who take turns share the machine's moods
                centre.fill(row, dead[:count] + living)
                runs[count].append(centre.drain(nginx))
        profile = ()
        if given.eyes.is_wanted:
            centre.fill(row, dead + living)
            profile = centre.drain(nginx, given.eyes)
    cpu_us = {count: statistics.median(cpu for _, cpu, _ in runs[count]) for count in runs}
    return [Bar("dead endpoints", f"notifications to {LIVING} receivers beside {DEAD} dead ones (refuses, never accepts, silent)",
                f"{len(row['body'])} B, 1 row each, {each:,} waiting for each receiver", ours=[run[0] for run in runs[DEAD]],
                peer="the same, all living", peer_us=cpu_us[0], theirs=[run[0] for run in runs[0]], aim=0.90,
                cpu_us={"outbound": cpu_us[DEAD]}, rss_mib=runs[DEAD][-1][2], profile=profile)]
