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

LIVING, DEAD, EACH = 7, 3, 4000
AIM = 0.90


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
    def __init__(self, url):
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
        """EACH messages of every endpoint, in turns; those of the first were made first."""
        columns, began_ms = list(row), int(time.time() * 1000) - EACH - 1000

        def rows():
            for number in range(EACH):
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

    def drain(self, nginx):
        """The rate to the living, from their first tenth on, and CPU of outbound for each of theirs in us."""
        began, wanted = nginx.requests(), LIVING * EACH
        self.cli("start", "outbound")
        wait_until(lambda: nginx.requests() - began >= wanted // 10, 30, what="notifications")
        watch, first, at = peers.CpuWatch({"outbound": self.pid("outbound")}), nginx.requests(), time.monotonic()
        wait_until(lambda: nginx.requests() - began >= wanted, 120, every=0.02, what="all notifications")
        sent, wall = nginx.requests() - first, time.monotonic() - at
        cpu, _ = watch.end()
        self.cli("stop", "--now", "outbound")
        return sent / wall, cpu["outbound"] / sent * 1e6


def endpoints(given, folder, say, verdict):
    port = free_port()
    living = [f"127.0.0.{number + 1}:{port}" for number in range(LIVING)]
    runs = {0: [], DEAD: []}
    with peers.Nginx(folder / "endpoints", port, addresses=[host.split(":")[0] for host in living]) as nginx, \
            dead_endpoints() as dead, Endpoints(f"http://{living[0]}/sink") as centre:
        row = centre.one_row()
        centre.cli("stop", "outbound")
        for _ in range(given.rounds):
            for count in runs:  # those who take turns share the machine's moods
                centre.fill(row, dead[:count] + living)
                runs[count].append(centre.drain(nginx))
    middle = {count: [statistics.median(figures) for figures in zip(*runs[count])] for count in runs}
    for count, words in ((0, "seven endpoints, all living"), (DEAD, "the same beside three dead ones")):
        rates = [rate for rate, _ in runs[count]]
        say(f"{words}: {min(rates):.0f} {middle[count][0]:.0f} {max(rates):.0f} notifications/s to the living; "
            f"{EACH} waiting for each endpoint; CPU/op {middle[count][1]:.1f} us")
    verdict("beside dead endpoints, of all living", middle[DEAD][0] / middle[0][0], AIM,
            [f"by CPU of outbound {middle[0][1] / middle[DEAD][1] * 100:.1f} %"])
