# SPDX-License-Identifier: Apache-2.0
"""`carillon import` beside a bare `sqlite3 .import` of the same file: 26 columns, numbers normalised and
zones found by them, duplicates and the Do-Not-Call list looked at; rows durable, slice by slice."""
import contextlib
import os
import pathlib
import random
import sqlite3
import statistics
import subprocess
import time

import campaign
import peers
from table import Bar

BIG_ROWS = (1_000_000, 5_000_000)
NO_CALLS, DUPLICATE_EVERY = 20, 1000
OWN = [f"u{i}" for i in range(1, 19)]
HEADER = ["contact_info", "contact_info_type", "daily_from", "daily_till", "c_client_id", "first_name", "Other1",
          "Other2", *OWN]
# Area codes of one zone each, and the zone.
AREAS = [("212", "EST"), ("415", "PST"), ("303", "MST"), ("312", "CST"), ("617", "EST"), ("206", "PST")]
OPTIONS = ["--numbers", "normalise", "--region", "US", "--duplicates", "report", "--do-not-call", "no-call"]


def number_of(i):
    area = AREAS[i % len(AREAS)][0]
    local = 2_000_000 + i // len(AREAS)
    return f"({area}) {local // 10000:03}-{local % 10000:04}"


def write_file(path, rows):
    """The same file each time; every thousandth number stands there twice."""
    chance = random.Random(1)
    tails = [",".join(str(chance.randrange(1_000_000)) if k % 3 == 0 else f"value {chance.randrange(100_000)}"
                      for k in range(len(OWN))) for _ in range(997)]
    names = ["Ada", "Aylin", "Björn", "Chloé", "Dieter", "Elif", "Fiona", "Grace"]
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(HEADER) + "\n")
        for i in range(rows):
            number = number_of(i - 1 if i % DUPLICATE_EVERY == DUPLICATE_EVERY - 1 else i)
            file.write(f"{number},4,09:00,21:00,C{i:08},{names[i % 8]},note {i * 7919 % 1000003},,{tails[i % 997]}\n")


class ImportCentre(campaign.Centre):
    """Lists with 18 columns more than the sample's, one for each round."""

    def __init__(self, lists):
        super().__init__(groups=[campaign.new_group(i + 1) for i in range(lists)], http=True)
        self.config["fields"] += [{"name": name, "dataType": "varchar", "fieldType": "Custom", "length": 64}
                                  for name in OWN]
        self.config["formats"][0]["fields"] += OWN
        self._write_files()

    def __enter__(self):
        """Numbers on the Do-Not-Call list stand in its table from the start: a request would also make the lists
        searchable by number, which costs each row inserted later an entry in another index."""
        super().__enter__()
        self.cli("stop", "outbound")
        with contextlib.closing(sqlite3.connect(next((self.data / "outbound").glob("*.db")))) as base, base:
            base.executemany("insert into gsw_donotcall_list (phone, tenant_dbid, campaign_dbid) values (?, 1, 0)",
                             [["".join(c for c in number_of(i * 100) if c.isdigit()).rjust(11, "1")]
                              for i in range(NO_CALLS)])
        self.cli("start", "outbound")
        self.wait_running()
        return self


def sqlite3_import(path, folder):
    """Rows a second and CPU seconds of the bare import into a new file."""
    base = pathlib.Path(folder) / "bare.db"
    base.unlink(missing_ok=True)
    before, began = os.times(), time.monotonic()
    subprocess.run(["sqlite3", base, ".mode csv", f".import {path} t"], check=True, capture_output=True)
    took, after = time.monotonic() - began, os.times()
    base.unlink()
    return took, after.children_user - before.children_user + after.children_system - before.children_system


def peak_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def our_import(centre, group, path, counts_syncs=False, options=OPTIONS):
    pid = centre.pid("outbound")
    syncs = peers.SyncWatch(pid) if counts_syncs else None
    watch = peers.CpuWatch({"outbound": pid})
    before, began, peak = os.times(), time.monotonic(), 0
    tool = subprocess.Popen([os.environ["CARILLON_BINARY"], "import", "--data", centre.data, "--list", group.list,
                             *options, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while tool.poll() is None:
        with contextlib.suppress(OSError):
            peak = max(peak, peak_kib(tool.pid))
        time.sleep(0.02)
    took, words = time.monotonic() - began, tool.stdout.read()
    tool.stdout.close()
    after = os.times()
    if tool.returncode != 0:
        raise RuntimeError(words)
    cpu, threads = watch.end()
    return {"wall": took, "tool_cpu": after.children_user - before.children_user + after.children_system
            - before.children_system, "outbound_cpu": cpu["outbound"], "threads": threads, "words": words,
            "syncs": syncs.end() if syncs else None, "tool_kib": peak, "outbound_kib": peak_kib(pid)}


def check(centre, group, rows):
    """What the file says is in the list, with zones, duplicates and No Call."""
    got = centre.select(f"select count(*) as rows, count(distinct chain_id) as chains, sum(record_type = 7) as no_call, "
                        f"min(contact_info) as first, count(distinct tz_dbid) as zones from {group.table}")[0]
    wanted = {"rows": rows, "chains": rows, "no_call": min(NO_CALLS, rows // 100), "first": "+12062000000", "zones": 4}
    if got != wanted:
        raise RuntimeError(f"the list has {got}, not {wanted}")


def imports(given, folder):
    rows = given.pick(300_000, 60_000)
    path = folder / "list.csv"
    write_file(path, rows)
    bare, ours, profile = [], [], ()
    with ImportCentre(given.rounds + 1) as centre:
        for turn in range(given.rounds):
            bare.append(sqlite3_import(path, folder))
            group = centre.groups[turn]
            ours.append(our_import(centre, group, path, counts_syncs=turn == 0))
            check(centre, group, rows)
        profile = given.eyes.watch({"outbound": centre.pid("outbound")},
                                   lambda: our_import(centre, centre.groups[-1], path))
    last = ours[-1]
    bare_us = statistics.median(cpu for _, cpu in bare) / rows * 1e6
    syncs = ours[0]["syncs"]
    busiest = ", ".join(f"{name} {share * 100:.0f} % of a core" for share, name in last["threads"][:4])
    given.say(f"import: busiest: {busiest}; sqlite3 on one core {bare_us:.1f} us of CPU a row")
    return [Bar("import / sqlite3", "a row imported: number, zone, duplicates, Do-Not-Call checked, durable",
                f"26 columns, {path.stat().st_size / rows:.0f} B, {rows:,} rows, "
                f"{syncs if syncs is not None else 'not counted'} fsyncs", "rows/s", ours=[rows / run["wall"] for run in ours],
                peer="bare sqlite3 .import, one transaction, nothing checked", peer_us=bare_us,
                theirs=[rows / took for took, _ in bare], aim=0.60, after=1.0,
                cpu_us={"tool": last["tool_cpu"] / rows * 1e6, "outbound": last["outbound_cpu"] / rows * 1e6},
                rss_mib={"tool": last["tool_kib"] / 1024, "outbound": last["outbound_kib"] / 1024}, profile=profile)]


def memory(given, folder):
    """Resident memory of the tool and of outbound, at their highest: one file after another."""
    for options, words in ((["--duplicates", "keep"], "duplicates kept"), (OPTIONS, "all checks")):
        for rows in BIG_ROWS:
            path = folder / "big.csv"
            write_file(path, rows)
            with ImportCentre(1) as centre:
                run = our_import(centre, centre.groups[0], path, options=[*options, "--region", "US"])
            given.say(f"import of {rows} rows, {words}: {rows / run['wall']:.0f} rows/s; highest memory tool "
                      f"{run['tool_kib'] / 1024:.0f} MiB, outbound {run['outbound_kib'] / 1024:.0f} MiB")
    return []
