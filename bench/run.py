#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: what Carillon does per second, as ratios to named peers measured in the same run.

    bench/run.py --binary build/carillon [--seconds N] [--rounds N] [updates http notifications endpoints restart dnc ...]

Peers take turns with us, since requests per second drift with the machine's load; figures are min,
median and max of the rounds, ratios are those of the medians. Whoever sends the load shares the cores.
Each line says what an operation moves (payload, rows, fsyncs) and costs (CPU of our processes); a
missed aim comes with the busiest threads, and with perf installed, the hottest functions.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
sys.path[:0] = [str(TOP / "tests/e2e"), str(HERE)]

import campaign  # noqa: E402
import desktop_load  # noqa: E402
import endpoints  # noqa: E402
import imports  # noqa: E402
import lists  # noqa: E402
import peers  # noqa: E402
from harness import free_port, http_call, wait_until  # noqa: E402

CORES = os.cpu_count()
AGENT = campaign.AGENTS[0]
TEXTS = ["wants price list", "asks to call May"]  # of one length: two states of a record

SECURITY_HEADERS = [("X-Frame-Options", "SAMEORIGIN"), ("X-XSS-Protection", "1; mode=block"),
                    ("X-Content-Type-Options", "nosniff"),
                    ("Content-Security-Policy", "script-src 'self'; object-src 'self'"),
                    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")]


def say(line=""):
    print(line, flush=True)


def middle(values):
    return statistics.median(values)


def spread(values, form="{:.0f}"):
    return " ".join(form.format(value) for value in (min(values), middle(values), max(values)))


def verdict(words, ratio, aim, reasons=()):
    """One line per aim, and why it was missed."""
    is_met = ratio >= aim
    say(f"    {words}: {ratio * 100:.1f} %, aim {aim * 100:.0f} %: {'met' if is_met else 'MISSED'}")
    for reason in () if is_met else reasons:
        say(f"      {reason}")
    return is_met


# --- the centre that is measured ---------------------------------------------------------------------

def in_parallel(calls, workers=32):
    """Each worker has a connection of its own; returns the answers in order."""
    local = threading.local()

    def one(call):
        if not hasattr(local, "client"):
            local.client = campaign.Client(call[0], timeout=30)
        status, answer = local.client.call(*call[1:])
        if status != 200:
            raise RuntimeError(f"{call[1:]}: {status} {answer}")
        return answer
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, calls))


class Bench(campaign.Centre):
    """A centre with one campaign group, whose records notify `sink`."""

    def __init__(self, sink):
        super().__init__(groups=1, options={"G1": campaign.notifying(sink)}, reconnect_s=2)

    @property
    def group(self):
        return self.groups[0]

    def give_records(self, count):
        """Adds records and lets the agent take them; returns their handles."""
        port, path = self.http_port, f"/lists/{self.group.list}?req=AddRecord"
        in_parallel([(port, "POST", path, campaign.new_record(f"1555{i:07}")) for i in range(count)])
        path = f"/campaigngroups/{self.group.dbid}?req=PreviewRecordRequest"
        taken = in_parallel([(port, "POST", path, {"GSW_AGENT_ID": AGENT})] * count)
        return [record["GSW_RECORD_HANDLE"] for record in taken]

    def pids(self):
        return {"outbound": self.pid("outbound"), "http_proxy": self.proxy_pid()}

    def figure(self, name):
        return sum(value for label, value in self.metrics().items()
                   if label.startswith(f"carillon_{name}") and 'application="outbound"' in label)

    def database(self):
        return next((self.data / "outbound").glob("*.db"))

    def copy_database(self, target):
        with contextlib.closing(self.sqlite("outbound")) as source, \
                contextlib.closing(sqlite3.connect(target)) as copy:
            source.backup(copy)


# --- (a) durable updates -------------------------------------------------------------------------------

def update_body(turn):
    return json.dumps({"GSW_AGENT_ID": AGENT, "GSW_CALL_RESULT": (33, 7)[turn], "Other1": TEXTS[turn]})


def write_updates(handles, path):
    """Two rounds over all records: each update changes what the one before it wrote."""
    with open(path, "w", encoding="ascii") as file:
        for turn in (0, 1):
            for handle in handles:
                file.write(f"POST\t/records/{handle}?req=UpdateCallCompletionStats\t{update_body(turn)}\n")


class Updates:
    RECORDS = 2000

    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.ours, self.store, self.nginx = [], [], []
        self.threads = []

    def measure_ours(self, centre, requests, counts_syncs):
        syncs = peers.SyncWatch(centre.pid("outbound")) if counts_syncs else None
        names = ("records_updated_total", "store_changes_total", "store_groups_total")
        before = {name: centre.figure(name) for name in names}
        watch = peers.CpuWatch(centre.pids())
        run = peers.wrk(f"http://127.0.0.1:{centre.http_port}/", self.given.connections, self.given.seconds,
                        requests)
        run["cpu"], self.threads = watch.end()
        time.sleep(0.2)  # what was still under way when wrk hung up
        after = {name: centre.figure(name) for name in names}
        run["syncs"] = syncs.end() if syncs else None
        run["changes"], run["groups"] = (after[name] - before[name] for name in names[1:])
        updated = after["records_updated_total"] - before["records_updated_total"]
        # Every answer stands for a change that is on disk, and nothing was answered from memory.
        if run["bad_status"] or run["broken"] or not run["operations"] <= updated <= run["changes"]:
            raise RuntimeError(f"not every update was carried out: {run}, updated {updated}")
        return run

    def measure_store(self, centre):
        copy = self.folder / "copy.db"
        centre.copy_database(copy)
        done = subprocess.run([self.given.tools / "update_bench", copy, centre.group.table,
                               str(self.given.seconds), str(2 * self.given.connections)],
                              capture_output=True, text=True, check=False)
        for ending in ("", "-wal", "-shm"):
            pathlib.Path(f"{copy}{ending}").unlink(missing_ok=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    def run(self):
        with Bench("http://127.0.0.1:9/unused") as centre:
            centre.load_and_start(centre.group)
            handles = centre.give_records(self.RECORDS)
            requests = self.folder / "updates.txt"
            write_updates(handles, requests)
            sample = centre.record(handles[0], "UpdateCallCompletionStats", GSW_AGENT_ID=AGENT)
            nginx = peers.Nginx(self.folder / "nginx", free_port(), sample.body, SECURITY_HEADERS)
            with nginx:
                for turn in range(self.given.rounds):
                    self.ours.append(self.measure_ours(centre, requests, counts_syncs=turn == 0))
                    self.store.append(self.measure_store(centre))
                    watch = peers.CpuWatch({"nginx": nginx.pid})
                    run = peers.wrk(f"http://127.0.0.1:{nginx.port}/constant", self.given.connections,
                                    self.given.seconds)
                    run["cpu"], _ = watch.end()
                    self.nginx.append(run)
            hot = self.profile(centre, requests)
        self.report(len(update_body(0)), len(sample.body), hot)

    def profile(self, centre, requests):
        """One more round under perf, which costs speed: its figures are not counted."""
        seconds = min(3, self.given.seconds)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            load = pool.submit(peers.wrk, f"http://127.0.0.1:{centre.http_port}/", self.given.connections,
                               seconds + 1, requests)
            time.sleep(0.5)
            hot = peers.profile(centre.pids(), seconds - 0.5, self.folder)
            load.result()
        return hot

    def report(self, asked, answered, hot):
        def rates(runs):
            return [run["operations"] / run["wall_s"] for run in runs]

        def cpu_us(run):
            return {name: spent / run["operations"] * 1e6 for name, spent in run["cpu"].items()}
        first, store, nginx = self.ours[0], self.store[0], self.nginx[0]
        cpu = cpu_us(self.ours[-1])
        syncs = first["syncs"] if first["syncs"] is not None else first["groups"]
        counted = "" if first["syncs"] is not None else " (commits; perf would count syncs)"
        busy = sum(sum(run["cpu"].values()) / run["wall_s"] for run in self.ours) / len(self.ours)
        rows = store["rows"] / store["operations"]
        say(f"durable updates over HTTP: {spread(rates(self.ours))} /s; payload {asked} B in, {answered} B out; "
            f"rows/op {rows:.2f}; fsyncs/op {syncs / first['operations']:.4f}{counted}; "
            f"cores {busy:.2f} of {CORES}; CPU/op {sum(cpu.values()):.1f} us "
            f"({', '.join(f'{name} {spent:.1f}' for name, spent in cpu.items())}); "
            f"latency p50 {first['p50_ms']:.1f} p99 {first['p99_ms']:.1f} ms, {self.given.connections} connections")
        say(f"  the store alone, same rows: {spread(rates(self.store))} /s; rows/op {rows:.2f}; "
            f"fsyncs/op {store['syncs'] / store['operations']:.4f}; "
            f"cores {store['cpu_s'] / store['wall_s']:.2f} of {CORES}; "
            f"CPU/op {store['cpu_s'] / store['operations'] * 1e6:.1f} us")
        say(f"  nginx, 1 worker, a constant: {spread(rates(self.nginx))} /s; payload {answered} B out; rows/op 0; "
            f"fsyncs/op 0; cores {nginx['cpu']['nginx'] / nginx['wall_s']:.2f} of {CORES}; "
            f"CPU/op {cpu_us(nginx)['nginx']:.1f} us")
        load = middle([run["load_cpu_s"] / run["operations"] * 1e6 for run in self.ours])
        ours = middle([sum(cpu_us(run).values()) for run in self.ours])
        alone = store["cpu_s"] / store["operations"] * 1e6
        reasons = [f"{ours:.1f} us of ours, of which {alone:.1f} are the store's, and {load:.1f} us of wrk: "
                   f"{CORES} cores can do {CORES / (ours + load) * 1e6:.0f} /s at most",
                   f"busiest: {', '.join(f'{name} {share * 100:.0f} % of a core' for share, name in self.threads[:4])}"]
        reasons += [f"hot in {name}: {', '.join(lines[:7])}" for name, lines in hot.items()]
        ours = middle(rates(self.ours))
        met = verdict("of the store's own grouped rate", ours / middle(rates(self.store)), 0.60, reasons)
        verdict("of nginx", ours / middle(rates(self.nginx)), 0.10, reasons if met else ["as above"])


# --- (b) the bare HTTP layer -----------------------------------------------------------------------------

def http_layer(given, folder):
    done = subprocess.run(["sh", HERE / "http.sh", given.tools / "http_bench", str(given.seconds), str(given.rounds)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"bench/http.sh: {done.stdout}{done.stderr}")
    lines = done.stdout.splitlines()
    ratio = None
    for line in lines:
        say(line if line is lines[0] else f"  {line}; rows/op 0; fsyncs/op 0")
        if "JSON written" in line:
            ratio = float(re.search(r"([\d.]+) % of nginx", line)[1]) / 100
    verdict("JSON over the bare HTTP layer, of nginx", ratio, 0.45)


# --- (c) notifications -----------------------------------------------------------------------------------

class Notifications:
    COUNT, PER_MS = 40000, 20  # so many were made in each millisecond

    def __init__(self, given, folder):
        self.given, self.folder = given, folder

    def fill_outbox(self, centre, row):
        """What waits in the ledger after a receiver was away, made from a row that was really sent."""
        columns = list(row)
        began_ms = int(time.time() * 1000) - self.COUNT // self.PER_MS

        def rows():
            for number in range(self.COUNT):
                guid = uuid.uuid4().hex.upper()[:len(row["id"])]
                at_ms = began_ms + number // self.PER_MS
                new = {**row, "id": guid, "body": row["body"].replace(row["id"].encode(), guid.encode()), "state": 1,
                       "attempts": 0, "created_utc_ms": at_ms, "due_utc_ms": at_ms, "words": None,
                       "sent_utc_ms": None}
                yield tuple(new[name] for name in columns)
        with contextlib.closing(sqlite3.connect(centre.database())) as base, base:
            base.execute("DELETE FROM outbox")
            base.executemany(f"INSERT INTO outbox ({', '.join(columns)}) "
                             f"VALUES ({', '.join('?' * len(columns))})", rows())

    def drain(self, centre, nginx):
        """From the first tenth on, as starting is another bench."""
        began = nginx.requests()
        centre.cli("start", "outbound")
        wait_until(lambda: nginx.requests() - began >= self.COUNT // 10, 30, what="notifications")
        watch, first, at = peers.CpuWatch({"outbound": centre.pid("outbound")}), nginx.requests(), time.monotonic()
        groups = centre.figure("store_groups_total")
        wait_until(lambda: nginx.requests() - began >= self.COUNT, 60, every=0.05, what="all notifications")
        wall, last = time.monotonic() - at, nginx.requests()
        cpu, threads = watch.end()
        groups = centre.figure("store_groups_total") - groups
        wait_until(lambda: centre.figure("notifications_waiting") == 0, 10, what="the ledger says sent")
        sent = last - first
        return {"rate": sent / wall, "cpu_us": cpu["outbound"] / sent * 1e6, "cores": cpu["outbound"] / wall,
                "groups": groups / sent, "threads": threads}

    def run(self):
        with peers.Nginx(self.folder / "sink", free_port()) as nginx, \
                Bench(f"http://127.0.0.1:{nginx.port}/sink") as centre:
            centre.load_and_start(centre.group)
            handle = centre.give_records(1)[0]
            centre.record(handle, "RecordProcessed", GSW_AGENT_ID=AGENT, GSW_CALL_RESULT=33, Other1=TEXTS[0])
            row = wait_until(lambda: centre.select("select * from outbox where state = 2"), what="a row sent")[0]
            runs = []
            for _ in range(self.given.rounds):
                centre.cli("stop", "outbound")
                self.fill_outbox(centre, row)
                runs.append(self.drain(centre, nginx))
        self.report(runs, len(row["body"]))

    def report(self, runs, payload):
        done = subprocess.run([self.given.tools / "notify_bench", str(self.given.seconds), str(self.given.rounds)],
                              capture_output=True, text=True, check=True)
        curl = [float(word) for word in re.search(r"alone +(\d+) +(\d+) +(\d+)", done.stdout).groups()]
        client = [float(word) for word in re.search(r"our client +(\d+) +(\d+) +(\d+)", done.stdout).groups()]
        rates = [run["rate"] for run in runs]
        last = runs[-1]
        say(f"notifications from the ledger: {spread(rates)} /s; payload {payload} B; rows/op 1 (marked sent); "
            f"commits/op {last['groups']:.4f}; cores {last['cores']:.2f} of {CORES}; CPU/op {last['cpu_us']:.1f} us; "
            f"20 connections, {self.COUNT} waiting")
        for line in done.stdout.splitlines():
            say(f"  {line}")
        verdict("our HTTP client, of curl's multi interface alone", client[1] / curl[1], 0.80)
        busiest = ", ".join(f"{name} {share * 100:.0f} % of a core" for share, name in last["threads"][:4])
        curl_us = float(re.search(r"alone.*?([\d.]+) us CPU", done.stdout)[1])
        verdict("the whole way from the ledger, of curl's multi interface alone", middle(rates) / curl[1], 0.80,
                [f"busiest: {busiest}",
                 f"curl alone takes {curl_us:.1f} us of its thread; the whole way also reads each row, decides on the "
                 f"answer and marks it sent on disk: {last['cpu_us']:.1f} us, "
                 f"{last['threads'][0][0] / last['rate'] * 1e6:.1f} of them on the loop"])


# --- (d) kill -9 to the first served request ---------------------------------------------------------------

def restart(given, folder):
    """A served request is an update of a record that the agent had before, acknowledged after."""
    took = []
    with Bench("http://127.0.0.1:9/unused") as centre:
        centre.load_and_start(centre.group)
        handles = centre.give_records(200)
        path = f"/records/{handles[0]}?req=UpdateCallCompletionStats"
        for turn in range(given.kills):
            body = update_body(turn % 2)

            def is_served():
                with contextlib.suppress(OSError, ValueError):
                    return http_call(centre.http_port, "POST", path, body, {"Content-Type": "application/json"},
                                     timeout=1).status == 200
                return False
            began = time.monotonic()
            centre.kill("outbound")
            wait_until(is_served, 30, every=0.002, what="a served request")
            took.append(time.monotonic() - began)
            time.sleep(1)
    say(f"kill -9 of outbound to the first durable update served: {spread(took, '{:.3f}')} s of {given.kills} kills; "
        f"payload {len(body)} B; rows/op 2; 200 records with an agent")
    is_met = middle(took) < 1
    say(f"    aim under 1 s: {'met' if is_met else 'MISSED'}" + ("" if max(took) < 1 else
                                                              f", the slowest took {max(took):.3f} s"))


# --- begin here ----------------------------------------------------------------------------------------------

PARTS = {"updates": lambda given, folder: Updates(given, folder).run(), "http": http_layer,
         "notifications": lambda given, folder: Notifications(given, folder).run(),
         "endpoints": lambda given, folder: endpoints.endpoints(given, folder, say, verdict), "restart": restart,
         "lists": lambda given, folder: lists.lists(given, folder, say), "dnc": lambda given, folder: do_not_call(given),
         "imports": lambda given, folder: imports.imports(given, folder, say, verdict, middle, spread),
         "desktops": lambda given, folder: desktop_load.desktops(given, say, verdict)}
# Longer ones, by name only.
MORE = {"import-memory": lambda given, folder: imports.memory(folder, say)}


# --- the Do-Not-Call list ------------------------------------------------------------------------------

DNC_ENTRIES = 10_000_000
DNC_BYTES_AIM, DNC_LOOKUP_NS_AIM = 400_000_000, 1000


def do_not_call(given):
    """In memory: size, time to fill, look-ups (spec outbound 20)."""
    runs = []
    for _ in range(given.rounds):
        done = subprocess.run([given.tools / "dnc_bench", str(DNC_ENTRIES), "3000000"],
                              capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    one = runs[0]
    say(f"Do-Not-Call list of {one['entries']} entries in memory")
    say(f"    {one['bytes'] / one['entries']:.1f} bytes an entry, {one['resident'] / 1e6:.0f} MB resident; "
        f"filled in {spread([run['fill_s'] for run in runs], '{:.1f}')} s")
    for key, words in (("listed_ns", "of listed numbers"), ("other_ns", "of others")):
        times = [run[key] for run in runs]
        say(f"    look-ups {words}: {spread([1e9 / time for time in times])} /s, "
            f"{spread(times)} ns each")
    worst = max(middle([run[key] for run in runs]) for key in ("listed_ns", "other_ns"))
    verdict("memory, bound over used", DNC_BYTES_AIM / one["resident"], 1)
    verdict("look-up, bound over used", DNC_LOOKUP_NS_AIM / worst, 1)


def build_tools(build):
    """The small programs that are measured beside the binary; `make build` leaves them out."""
    done = subprocess.run(["ninja", "-C", build, "--quiet",
                           *(f"bench/{name}" for name in ("update_bench", "http_bench", "notify_bench", "desktop_bench",
                                                      "dnc_bench"))],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return build / "bench"


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--binary", default=TOP / "build/carillon", type=pathlib.Path)
    words.add_argument("--seconds", default=4, type=int, help="of one measurement")
    words.add_argument("--rounds", default=3, type=int)
    words.add_argument("--connections", default=256, type=int)
    words.add_argument("--kills", default=7, type=int)
    words.add_argument("parts", nargs="*", help=f"of {' '.join(PARTS)}; none: all of these; "
                       f"also {' '.join(MORE)}")
    given = words.parse_args()
    for part in given.parts:
        if part not in PARTS and part not in MORE:
            words.error(f"no part {part}")
    given.binary = given.binary.resolve()
    os.environ["CARILLON_BINARY"] = str(given.binary)
    given.tools = build_tools(given.binary.parent)
    # The stores lie on the build's disk, not in a tmpfs where fsync costs nothing; but the path of a
    # Unix socket ends at 107 bytes.
    home = given.binary.parent if len(os.fsencode(given.binary.parent)) < 40 else None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=home) as folder:
        tempfile.tempdir = folder
        load = os.getloadavg()[0]
        say(f"{CORES} cores, load {load:.1f} before; {given.rounds} rounds of {given.seconds} s; "
            "min median max of the rounds")
        for part in given.parts or PARTS:
            say()
            {**PARTS, **MORE}[part](given, pathlib.Path(folder))


if __name__ == "__main__":
    main()
