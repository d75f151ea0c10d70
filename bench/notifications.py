# SPDX-License-Identifier: Apache-2.0
"""Notifications from the ledger to a receiver that was away, and our HTTP client alone, both beside libcurl's multi
interface alone (notify_bench.c)."""
import contextlib
import os
import re
import sqlite3
import statistics
import subprocess
import time
import uuid

import peers
from centre import AGENT, TEXTS, Bench
from harness import free_port, wait_until
from table import Bar

PER_MS = 20  # so many were made in each millisecond


def fill_outbox(centre, row, count):
    """What waits in the ledger after a receiver was away, made from a row that was really sent."""
    columns = list(row)
    began_ms = int(time.time() * 1000) - count // PER_MS

    def rows():
        for number in range(count):
            guid = uuid.uuid4().hex.upper()[:len(row["id"])]
            at_ms = began_ms + number // PER_MS
            new = {**row, "id": guid, "body": row["body"].replace(row["id"].encode(), guid.encode()), "state": 1,
                   "attempts": 0, "created_utc_ms": at_ms, "due_utc_ms": at_ms, "words": None,
                   "sent_utc_ms": None}
            yield tuple(new[name] for name in columns)
    with contextlib.closing(sqlite3.connect(centre.database())) as base, base:
        base.execute("DELETE FROM outbox")
        base.executemany(f"INSERT INTO outbox ({', '.join(columns)}) "
                         f"VALUES ({', '.join('?' * len(columns))})", rows())


def drain(centre, nginx, count):
    """From the first tenth on, as starting is another bench."""
    began = nginx.requests()
    centre.cli("start", "outbound")
    wait_until(lambda: nginx.requests() - began >= count // 10, 30, what="notifications")
    watch, first, at = peers.CpuWatch({"outbound": centre.pid("outbound")}), nginx.requests(), time.monotonic()
    groups = centre.figure("store_groups_total")
    wait_until(lambda: nginx.requests() - began >= count, 60, every=0.05, what="all notifications")
    wall, last = time.monotonic() - at, nginx.requests()
    cpu, threads = watch.end()
    groups = centre.figure("store_groups_total") - groups
    wait_until(lambda: centre.figure("notifications_waiting") == 0, 10, what="the ledger says sent")
    sent = last - first
    return {"rate": sent / wall, "cpu_us": cpu["outbound"] / sent * 1e6, "cores": cpu["outbound"] / wall,
            "groups": groups / sent, "threads": threads}


def profile(given, centre, nginx, row, count):
    """The first tenth waits for perf to attach; the rest is seen."""
    if not given.eyes.is_wanted:
        return ()
    centre.cli("stop", "outbound")
    fill_outbox(centre, row, 2 * count)
    began = nginx.requests()
    centre.cli("start", "outbound")
    wait_until(lambda: nginx.requests() - began >= count // 10, 30, what="notifications")
    return given.eyes.watch({"outbound": centre.pid("outbound")}, lambda: wait_until(
        lambda: nginx.requests() - began >= 2 * count, 60, every=0.05, what="all notifications"))


def notifications(given, folder):
    count = given.pick(40000, 10000)
    with peers.Nginx(folder / "sink", free_port()) as nginx, \
            Bench(f"http://127.0.0.1:{nginx.port}/sink") as centre:
        centre.load_and_start(centre.group)
        handle = centre.give_records(1)[0]
        centre.record(handle, "RecordProcessed", GSW_AGENT_ID=AGENT, GSW_CALL_RESULT=33, Other1=TEXTS[0])
        row = wait_until(lambda: centre.select("select * from outbox where state = 2"), what="a row sent")[0]
        runs = []
        for _ in range(given.rounds):
            centre.cli("stop", "outbound")
            fill_outbox(centre, row, count)
            runs.append(drain(centre, nginx, count))
        rss = peers.rss_mib({"outbound": centre.pid("outbound")})
        lines = profile(given, centre, nginx, row, count)
    return report(given, runs, count, len(row["body"]), rss, lines)


def report(given, runs, count, payload, rss, lines):
    done = subprocess.run([given.tools / "notify_bench", str(given.seconds), str(given.rounds)],
                          capture_output=True, text=True, check=True)

    def side(words):
        *rates, cpu_us = re.search(words + r" +(\d+) +(\d+) +(\d+) .*?([\d.]+) us CPU", done.stdout).groups()
        return [float(rate) for rate in rates][:given.rounds], float(cpu_us)
    (curl, curl_us), (client, client_us) = side("alone"), side("our client")
    cpu_us = statistics.median(run["cpu_us"] for run in runs)
    last = runs[-1]
    busiest = ", ".join(f"{name} {share * 100:.0f} % of a core" for share, name in last["threads"][:4])
    given.say(f"notifications: cores {last['cores']:.2f} of {os.cpu_count()}; CPU/op {cpu_us:.1f} us; busiest: {busiest}")
    for line in done.stdout.splitlines():
        given.say(f"  {line}")
    peer = {"peer": "libcurl's multi interface alone", "theirs": curl, "peer_us": curl_us, "aim": 0.80}
    return [Bar("notification client / curl", "a POST by our HTTP client",
                "1,200 B, no rows, no fsyncs, 20 connections, sender and receiver on a core each",
                ours=client, **peer, cpu_us={"client": client_us},
                profile=given.eyes.run("notify_bench", [given.tools / "notify_bench", 2, 1, 20, "ours"], of_children=False)),
            Bar("notification / curl", "a notification, from the ledger to its mark as sent",
                f"{payload} B, 1 row read and marked, {last['groups']:.4f} commits, 20 connections, {count:,} waiting",
                ours=[run["rate"] for run in runs], **peer, cpu_us={"outbound": cpu_us}, rss_mib=rss,
                profile=lines)]
