#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Half an hour of steady work, to see what does not stay flat: memory, descriptors, threads, latency.

    tests/chaos/soak.py --binary build/carillon [--minutes 30] [--csv FILE]

Agents call through the HTTP API and at desktops that come and go, lists are imported, the receiver of
notifications has moods, the configuration changes, groups are unloaded and loaded. In the first quarter,
the warm-up, each application is killed once; from then on nothing is. What is counted in steady_bounds.py
comes from /proc of every process each 10 s and from a client in a process of its own, whose time is the
latency. Ends with a table and 1 where a bound is passed; the samples stay in the CSV file."""
import argparse
import contextlib
import csv
import http.client
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from campaign import Client, Lost, new_group, new_record, notifying
from desktops import DesktopCentre, StubbornDesktop, log_in
from harness import Receiver, http_call, wait_until
from steady_bounds import FIELDS, judge
from websocket_client import Refusal, Refused

CALLERS, DESKTOPS = ["a1", "a2", "a3"], ["d1", "d2", "d3"]
PROCESSES = ["supervisor", "config", "outbound", "http_proxy", "web"]
BACKLOG = 5000       # records of a list before anybody works
PAUSE_S = 0.25       # of an agent, between two records
SAMPLE_S = 10
PROBE_S = 0.05       # between two requests of the probe
DESKTOP_LIFE_S = 45
WARM_UP = 0.25       # of the time; the kills lie in it
NOT_NOW = (409, 429, 503, 504)  # a group is unloaded, a server killed


# --- the probe: a process of its own, so that nobody's work is in its times ---------------------------

def start_echo():
    """A server that does nothing, in a process of its own; a connection to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    if os.fork() == 0:
        peer = listener.accept()[0]
        while data := peer.recv(64):
            peer.sendall(data)
        os._exit(0)
    stream = socket.create_connection(listener.getsockname())
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def probe(port, group):
    """Prints one line per request: its milliseconds, and those of the machine itself just after it: a byte
    there and back, 4 KiB synced to the disk for a request that changes something."""
    client, number, echo = Client(port, timeout=10), 0, start_echo()
    file = tempfile.TemporaryFile()
    while True:
        number += 1
        began = time.monotonic()
        with contextlib.suppress(Lost):
            if number % 2:
                client.call("GET", f"/campaigngroups/{group}")
            else:
                client.post("/lists/L3", "AddRecord", **new_record(f"1777{number:07}"))
            ended = time.monotonic()
            echo.sendall(b"x")
            echo.recv(1)
            if number % 2 == 0:
                os.pwrite(file.fileno(), bytes(4096), 0)
                os.fdatasync(file.fileno())
            print(f"{(ended - began) * 1000:.3f} {(time.monotonic() - ended) * 1000:.3f}", flush=True)
        time.sleep(PROBE_S)


# --- who works ----------------------------------------------------------------------------------------

class Worker(threading.Thread):
    """Does `step()` until told to stop; what it should not do is kept in `problems`."""

    def __init__(self, soak, name, pause_s):
        super().__init__(daemon=True, name=name)
        self.soak, self.centre, self.pause_s = soak, soak.centre, pause_s
        self.random = random.Random(name)

    def run(self):
        while not self.soak.stopping.wait(self.pause_s * self.random.uniform(0.5, 1.5)):
            try:
                if self.soak.resting.is_set():
                    self.end()
                    continue
                self.step()
            except (Lost, OSError, TimeoutError, http.client.HTTPException):
                time.sleep(0.1)  # somebody was killed
            except Exception as problem:  # pylint: disable=broad-except
                self.soak.problems.append(f"{self.name}: {problem!r}")
                time.sleep(1)
        with contextlib.suppress(OSError):
            self.end()

    def end(self):
        pass


class Caller(Worker):
    """Adds a record, takes one, changes it, ends it: by the HTTP API."""

    def __init__(self, soak, name, group):
        super().__init__(soak, name, PAUSE_S)
        self.group, self.client, self.number = group, Client(self.centre.http_port, timeout=15), 0

    def ask(self, path, req, **keys):
        status, answer = self.client.post(path, req, **keys)
        if status in NOT_NOW:
            raise Lost(status)
        return status, answer

    def step(self):
        self.number += 1
        phone = f"15{self.name[-1]}{self.number:08}"
        status, _ = self.ask(f"/lists/{self.group.list}", "AddRecord", **new_record(phone, Other1=self.name))
        if status == 200:
            self.soak.added.append((self.group, phone))
        status, record = self.ask(f"/campaigngroups/{self.group.dbid}", "PreviewRecordRequest",
                                  GSW_AGENT_ID=self.name)
        if status != 200:
            return
        handle = record["GSW_RECORD_HANDLE"]
        self.ask(f"/records/{handle}", "UpdateCallCompletionStats", GSW_AGENT_ID=self.name, Other1=f"{self.number}")
        status, _ = self.ask(f"/records/{handle}", "RecordProcessed", GSW_AGENT_ID=self.name, GSW_CALL_RESULT=33)
        self.soak.processed += status == 200

    def end(self):
        self.client.close()


class DesktopWorker(Worker):
    """The same at a desktop; after a while it logs out, and in again."""

    def __init__(self, soak, name, group):
        super().__init__(soak, name, PAUSE_S)
        self.group, self.desktop, self.token, self.until, self.number = group, None, None, 0, 0

    def step(self):
        if self.desktop is None or time.monotonic() > self.until:
            self.end()
            self.token = log_in(self.centre.web_port, self.name)
            self.desktop = StubbornDesktop(self.centre.web_port, self.token)
            self.until = time.monotonic() + DESKTOP_LIFE_S * self.random.uniform(0.7, 1.3)
        self.number += 1
        phone = f"16{self.name[-1]}{self.number:08}"
        try:
            self.desktop.ask("AddRecord", GSW_CALLING_LIST=self.group.list,
                             GSW_CAMPAIGN_GROUP_DBID=self.group.dbid, **new_record(phone))
            self.soak.added.append((self.group, phone))
            record = self.desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)
            self.desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"], GSW_CALL_RESULT=33)
            self.soak.processed += 1
        except Refusal as refusal:
            words = f"{refusal.name}: {refusal.error.get('text', '')}"
            self.soak.refused[words] = self.soak.refused.get(words, 0) + 1
        except Refused as refused:  # its session ended with web
            if refused.status != 401:
                raise
            self.desktop = None

    def end(self):
        if self.desktop:
            self.desktop.cut()
            http_call(self.centre.web_port, "POST", "/api/logout", headers={"Authorization": f"Bearer {self.token}"})
            self.desktop = None


class Administrator(Worker):
    def __init__(self, soak):
        super().__init__(soak, "administrator", 20)
        self.number = 0

    def step(self):
        self.number += 1

        def describe(config):
            config["campaigns"][0]["description"] = f"change {self.number}"
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.centre.apply(describe, timeout=30)
            self.soak.changes += 1


def import_numbers(centre, list_name, numbers):
    file = centre.folder / "import.csv"
    file.write_text("contact_info,tz_name,daily_from,daily_till\n" +
                    "".join(f"{number},UTC,0,86400\n" for number in numbers))
    return centre.cli("import", "--list", list_name, file, check=False)


class Importer(Worker):
    def __init__(self, soak):
        super().__init__(soak, "importer", 60)
        self.number = 0

    def step(self):
        self.number += 1
        done = import_numbers(self.centre, "L3", (f"18{self.number:04}{i:06}" for i in range(500)))
        self.soak.imported += 500 * (done.returncode == 0)


class Manager(Worker):
    """Ends a group's session and begins another: what a session keeps is let go."""

    def __init__(self, soak, groups):
        super().__init__(soak, "manager", 75)
        self.groups, self.turn = groups, 0

    def step(self):
        group = self.groups[self.turn % len(self.groups)]
        self.turn += 1
        self.centre.order(group, "Unload")
        self.soak.stopping.wait(5)
        self.finish_forgotten(group)
        wait_until(lambda: self.centre.status(group)["GSW_STATE"] == "null", 60, every=0.2, what="unloaded")
        self.centre.load_and_start(group)


    def finish_forgotten(self, group):
        """Whose preview was lost when somebody was killed has a record that she knows nothing of: the group
        waits for it."""
        for one in self.centre.select("select handle_base, agent_id from round where state = 1 and group_dbid = ?",
                                      group.dbid):
            self.centre.record(one["handle_base"], "RecordProcessed", GSW_AGENT_ID=one["agent_id"], GSW_CALL_RESULT=33)


# --- what is looked at --------------------------------------------------------------------------------

def look_at(pid):
    """Memory of its own, RSS in KiB, descriptors, threads, CPU seconds."""
    folder = pathlib.Path(f"/proc/{pid}")
    rollup = dict(line.split(":", 1) for line in (folder / "smaps_rollup").read_text().splitlines()[1:])
    stat = (folder / "stat").read_text().rpartition(")")[2].split()
    return {"anon_kib": int(rollup["Anonymous"].split()[0]), "rss_kib": int(rollup["Rss"].split()[0]),
            "descriptors": len(list((folder / "fd").iterdir())), "threads": int(stat[17]),
            "cpu_s": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")}


class Soak:
    def __init__(self, minutes, csv_path):
        self.seconds, self.csv_path = minutes * 60, csv_path
        self.stopping, self.resting, self.whims = threading.Event(), threading.Event(), random.Random(1)
        self.problems, self.added, self.refused, self.samples = [], [], {}, []
        self.processed = self.imported = self.changes = 0
        self.latencies, self.lock = [], threading.Lock()

    def mood(self, request):
        dice = self.whims.random()
        return 503 if dice < 0.02 else None if dice < 0.04 else 200

    def pids(self):
        centre = self.centre
        found = {name: centre.pid(name) for name in ("config", "outbound", "web")}
        return {"supervisor": centre.supervisor.pid, "http_proxy": centre.proxy_pid(), **found}

    def hear_probe(self, pipe):
        for line in pipe:
            with self.lock:
                self.latencies.append([float(word) for word in line.split()])

    def sample(self, at_s):
        with self.lock:
            pairs, self.latencies = self.latencies, []
        ours, machine = (sorted(pair[i] for pair in pairs) for i in (0, 1))

        def percentile(times, share):
            return times[min(int(len(times) * share), len(times) - 1)] if times else ""
        common = {"at_s": round(at_s), "p50_ms": percentile(ours, 0.5), "p99_ms": percentile(ours, 0.99),
                  "machine_p99_ms": percentile(machine, 0.99)}
        metrics = {}
        with contextlib.suppress(OSError, http.client.HTTPException):
            metrics = self.centre.metrics()

        def kib(name, application):
            value = metrics.get(f'carillon_{name}{{application="{application}"}}')
            return "" if value is None else value / 1024
        for name, pid in self.pids().items():
            with contextlib.suppress(OSError, TypeError, KeyError):
                wal = self.centre.data / name / f"{name}.db-wal"
                self.samples.append({"process": name, "pid": pid, **common, **look_at(pid),
                                     "heap_kib": kib("process_heap_bytes", name),
                                     "cache_kib": kib("store_cache_bytes", name),
                                     "wal_kib": wal.stat().st_size // 1024 if wal.exists() else 0})
        with open(self.csv_path, "w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(self.samples)

    def at_rest(self):
        """Descriptors of each process once all clients are gone."""
        def count():
            return {name: look_at(pid)["descriptors"] for name, pid in self.pids().items()}
        former = count()
        for _ in range(20):
            time.sleep(5)
            now = count()
            if now == former:
                return now
            former = now
        return former

    def rest(self):
        self.resting.set()
        try:
            return self.at_rest()
        finally:
            self.resting.clear()

    def work(self, groups, began):
        workers = [Caller(self, name, groups[i % 2]) for i, name in enumerate(CALLERS)]
        workers += [DesktopWorker(self, name, groups[i % 2]) for i, name in enumerate(DESKTOPS)]
        workers += [Administrator(self), Importer(self), Manager(self, groups[:2])]
        client = subprocess.Popen([sys.executable, __file__, "--probe", str(self.centre.http_port), str(groups[2].dbid)],
                                  stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.hear_probe, args=(client.stdout,), daemon=True).start()
        for one in workers:
            one.start()
        victims = ["http_proxy", "web", "config", "outbound"]
        kills = [(self.seconds * WARM_UP * (i + 1) / (len(victims) + 2), name) for i, name in enumerate(victims)]
        before = None
        while (at_s := time.monotonic() - began) < self.seconds:
            time.sleep(min(SAMPLE_S, self.seconds / 60))
            if kills and at_s > kills[0][0]:
                pid = self.pids()[kills.pop(0)[1]]
                if pid:
                    os.kill(pid, 9)
            if before is None and at_s > self.seconds * WARM_UP:
                before = self.rest()
            self.sample(time.monotonic() - began)
        self.stopping.set()
        for one in workers:
            one.join(60)
        after = self.at_rest()
        client.kill()
        client.wait()
        return before, after

    def check_promises(self, receiver):
        """Nothing acknowledged is missing, and every notification has come."""
        phones = {}
        for group, phone in self.added:
            if group.name not in phones:
                phones[group.name] = {row["contact_info"] for row in self.centre.rows(group)}
            if phone not in phones[group.name]:
                self.problems.append(f"lost: {phone} of {group.name}")
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.centre.select("select 1 from outbox where state = 1 limit 1"), 60, every=0.5)
        waiting = self.centre.select("select state, count(*) n from outbox where state <> 2 group by state")
        if waiting:
            self.problems.append(f"notifications that did not leave: {waiting}")
        sent = self.centre.select("select count(*) n from round where state = 2 and message_guid is not null")[0]["n"]
        came = {request.json["GSW_MESSAGE_GUID"] for request in receiver.requests}
        if len(came) < sent:
            self.problems.append(f"{sent - len(came)} notifications never came")

    def run(self):
        groups = [new_group(1), new_group(2), new_group(3)]
        with Receiver(self.mood) as receiver:
            url = notifying(receiver.url + "/crm", http_retry_applies_to="all", http_retry_max_attempts=50,
                            http_response_timeout=2)
            self.centre = DesktopCentre(
                groups, persons={"AG": CALLERS + DESKTOPS + ["a4", "a5"]}, users=DESKTOPS,
                options={"G1": url, "G2": url}, supervisor_options={"restart-quick-time": 0, "restart-delay-first": 0},
                web_options={"requests-per-second": 1000})
            with self.centre:
                # More than a buffer holds: else it grows by what is added while its group is unloaded.
                for group in groups[:2]:
                    import_numbers(self.centre, group.list, (f"19{group.dbid:04}{i:06}" for i in range(BACKLOG)))
                for group in groups:
                    self.centre.load_and_start(group)
                before, after = self.work(groups, time.monotonic())
                self.check_promises(receiver)
        print(f"soak: {self.processed} records processed, {len(self.added)} added, {self.imported} imported, "
              f"{self.changes} changes of the configuration, {len(receiver.requests)} notifications; "
              f"refused: {self.refused or 'nothing'}")
        is_flat = judge(self.samples, PROCESSES, self.seconds * WARM_UP, before, after)
        for one in self.problems[:20]:
            print(f"soak: {one}")
        return is_flat and not self.problems


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--binary", default="build/carillon")
    words.add_argument("--minutes", type=float, default=float(os.environ.get("CARILLON_SOAK_MINUTES", 30)))
    words.add_argument("--csv", help="default soak.csv beside the binary")
    words.add_argument("--probe", nargs=2, type=int, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.probe:
        probe(*given.probe)
    os.environ["CARILLON_BINARY"] = os.path.abspath(given.binary)
    path = given.csv or pathlib.Path(given.binary).resolve().parent / "soak.csv"
    is_well = Soak(given.minutes, path).run()
    print(f"soak: {'flat' if is_well else 'NOT FLAT'}; the samples are in {path}")
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
