# SPDX-License-Identifier: Apache-2.0
"""Durable updates of records over HTTP, beside the store alone with the same rows, and nginx answering a constant."""
import contextlib
import json
import os
import pathlib
import subprocess
import time

import peers
from centre import AGENT, TEXTS, Bench
from harness import free_port
from table import Bar

RECORDS = 2000
SECURITY_HEADERS = [("X-Frame-Options", "SAMEORIGIN"), ("X-XSS-Protection", "1; mode=block"),
                    ("X-Content-Type-Options", "nosniff"),
                    ("Content-Security-Policy", "script-src 'self'; object-src 'self'"),
                    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")]


def update_body(turn):
    return json.dumps({"GSW_AGENT_ID": AGENT, "GSW_CALL_RESULT": (33, 7)[turn], "Other1": TEXTS[turn]})


def write_updates(handles, path):
    """Two rounds over all records: each update changes what the one before it wrote."""
    with open(path, "w", encoding="ascii") as file:
        for turn in (0, 1):
            for handle in handles:
                file.write(f"POST\t/records/{handle}?req=UpdateCallCompletionStats\t{update_body(turn)}\n")


class Updates:
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

    def measure_nginx(self, nginx):
        watch = peers.CpuWatch({"nginx": nginx.pid})
        run = peers.wrk(f"http://127.0.0.1:{nginx.port}/constant", self.given.connections, self.given.seconds)
        run["cpu"], _ = watch.end()
        return run

    def run(self):
        with contextlib.ExitStack() as stack:
            centre = stack.enter_context(Bench("http://127.0.0.1:9/unused"))
            centre.load_and_start(centre.group)
            handles = centre.give_records(RECORDS)
            requests = self.folder / "updates.txt"
            write_updates(handles, requests)
            sample = centre.record(handles[0], "UpdateCallCompletionStats", GSW_AGENT_ID=AGENT)
            nginx = stack.enter_context(peers.Nginx(self.folder / "nginx", free_port(), sample.body, SECURITY_HEADERS))
            for turn in range(self.given.rounds):
                self.ours.append(self.measure_ours(centre, requests, counts_syncs=turn == 0))
                self.store.append(self.measure_store(centre))
                self.nginx.append(self.measure_nginx(nginx))
            rss = peers.rss_mib(centre.pids())
            profile = self.given.eyes.watch(centre.pids(), lambda: peers.wrk(
                f"http://127.0.0.1:{centre.http_port}/", self.given.connections, min(3, self.given.seconds), requests))
        return self.report(len(update_body(0)), len(sample.body), rss, profile)

    def report(self, asked, answered, rss, profile):
        def rates(runs):
            return [run["operations"] / run["wall_s"] for run in runs]

        def cpu_us(run):
            return {name: spent / run["operations"] * 1e6 for name, spent in run["cpu"].items()}
        given, first, store, nginx = self.given, self.ours[0], self.store[0], self.nginx[0]
        cpu = cpu_us(self.ours[-1])
        syncs = first["syncs"] if first["syncs"] is not None else first["groups"]
        counted = "fsyncs" if first["syncs"] is not None else "commits (without perf no syncs)"
        rows = store["rows"] / store["operations"]
        alone = store["cpu_s"] / store["operations"] * 1e6
        load = first["load_cpu_s"] / first["operations"] * 1e6
        cores, busy = os.cpu_count(), sum(first["cpu"].values()) / first["wall_s"]
        given.say(f"updates over HTTP: cores {busy:.2f} of {cores}; latency p50 {first['p50_ms']:.1f} p99 "
                  f"{first['p99_ms']:.1f} ms; CPU/op {sum(cpu.values()):.1f} us, wrk {load:.1f} us: {cores} cores can do "
                  f"{cores / (sum(cpu.values()) + load) * 1e6:.0f} /s at most")
        given.say(f"  busiest: {', '.join(f'{name} {share * 100:.0f} % of a core' for share, name in self.threads[:4])}")
        given.say(f"  the store alone: fsyncs/op {store['syncs'] / store['operations']:.4f}; cores "
                  f"{store['cpu_s'] / store['wall_s']:.2f} of {cores}; CPU/op {alone:.1f} us; nginx: CPU/op "
                  f"{cpu_us(nginx)['nginx']:.1f} us")
        what = (f"{asked} B in, {answered} B out, {rows:.1f} rows, {syncs / first['operations']:.4f} {counted}, "
                f"{given.connections} connections")
        shared = {"name": "durable update of a record", "what": what, "ours": rates(self.ours), "cpu_us": cpu, "rss_mib": rss,
                  "profile": profile}
        return [Bar("update / store", peer=f"the store alone, same rows, {2 * given.connections} under way",
                    theirs=rates(self.store), aim=0.60, peer_us=alone, **shared),
                Bar("update / nginx", peer="nginx, one worker, a constant", theirs=rates(self.nginx), aim=0.10,
                    peer_us=cpu_us(nginx)["nginx"], **shared)]


def updates(given, folder):
    return Updates(given, folder).run()
