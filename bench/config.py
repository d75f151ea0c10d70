# SPDX-License-Identifier: Apache-2.0
"""config with many objects: files of 10,000 applied, beside SQLite writing the same rows bare; a change told to all of 200
subscribers; a start with 100,000, and what they take of memory, beside the bounds of framework 3.1 and 16."""
import contextlib
import json
import sqlite3
import statistics
import subprocess
import time

import peers
from harness import Installation, wait_until
from table import Bar

FILE, SKILLS, SUBSCRIBERS = 10_000, 50, 200
START_S, MEMORY_MIB, FAN_MS = 10.0, 512.0, 400.0  # 3.1; 16: 500 clients in a second
HOST = {"name": "bench", "ipAddress": "127.0.0.1"}
CENTRE = {"format": "cc-config", "version": 1, "hosts": [HOST], "applications": [
    {"name": "config", "template": "ConfigurationServer", "host": "bench", "ports": [{"id": "default", "number": 1}]}]}


def objects(part):
    """A file of 10,000: agents with skills and places, and the devices there."""
    numbers = range(part * FILE // 5, (part + 1) * FILE // 5)
    more = {} if part else {"skills": [{"name": f"skill{i}"} for i in range(SKILLS)],
                            "physicalSwitches": [{"name": "office", "type": "SIP Switch"}],
                            "switches": [{"name": "switch", "physicalSwitch": "office"}]}
    return {"format": "cc-config", "version": 1, **more,
            "dns": [{"switch": "switch", "number": str(700_000 + i), "type": "Extension"} for i in numbers],
            "places": [{"name": f"place{i}", "folder": f"Places/{i % 20}", "dns": [f"switch/{700_000 + i}/Extension"]}
                       for i in numbers],
            "persons": [{"employeeId": f"e{i}-{k}", "userName": f"user{i}-{k}", "firstName": "Ann", "lastName": f"Number {i}",
                         "isAgent": True, "folder": f"Agents/{i % 20}",
                         "agentInfo": {"place": f"place{i}", "skillLevels": {f"skill{(i + j) % SKILLS}": j for j in range(4)}},
                         "annex": {"multimedia": {"limit": "3", "channels": "chat,email"}}} for i in numbers for k in range(3)]}


def apply(centre, path):
    """Wall and config's CPU seconds of one `carillon config apply`."""
    watch = peers.CpuWatch({"config": centre.pid("config")})
    began = time.monotonic()
    centre.cli("config", "apply", str(path), timeout=120)
    took = time.monotonic() - began
    return took, watch.end()[0]["config"]


def bare(source, folder, number):
    """Seconds of SQLite for the rows of the last apply, in one commit as there."""
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as base:
        rev, = base.execute("select max(rev) from object").fetchone()
        rows = {table: base.execute(f"select * from {table} where rev = ?", (rev,)).fetchall() for table in ("object", "history")}
        schema = [one for one, in base.execute(
            "select sql from sqlite_master where tbl_name in ('object', 'history') and sql is not null")]
    with contextlib.closing(sqlite3.connect(folder / f"bare{number}.db", isolation_level=None)) as base:
        base.execute("pragma journal_mode=wal")
        base.execute("pragma synchronous=full")
        for one in schema:
            base.execute(one)
        began = time.monotonic()
        base.execute("begin")
        for table, found in rows.items():
            base.executemany(f"insert into {table} values ({','.join('?' * len(found[0]))})", found)
        base.execute("commit")
        return time.monotonic() - began


def told(given, centre, count):
    """What config_bench says of `count` changes."""
    done = subprocess.run([given.tools / "config_bench", "fan", f"127.0.0.1:{centre.port('config')}", "config",
                           centre.data / "secret/installation.key", str(SUBSCRIBERS), str(count)],
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def start(centre):
    """Seconds from a kill to the first answer, without the supervisor's own part."""
    old = centre.pid("config")
    centre.kill("config")
    wait_until(lambda: centre.pid("config") not in (None, old), 30, what="another config")
    began = time.monotonic()
    read = ("ask", "config", "config.Read", '{"type":"Skill","limit":1}', "--wait", "30")
    wait_until(lambda: centre.cli(*read, check=False).returncode == 0, 60, what="an answer")
    return time.monotonic() - began


def config(given, folder):
    files = given.pick(10, 2)
    paths = []
    for part in range(files):
        paths.append(folder / f"objects{part}.json")
        paths[-1].write_text(json.dumps(objects(part)), encoding="utf-8")
    rules = subprocess.run([given.tools / "config_bench", "rules", *paths], capture_output=True, text=True, check=True)
    rules = json.loads(rules.stdout)
    given.say(f"the rules alone: {rules['apply_cpu_s'] / files * 1000:.0f} ms CPU for 10,000 objects, {rules['change_cpu_us']:.0f} µs "
              f"for one change and {rules['delete_cpu_us'] / 1000:.1f} ms for one deletion among {rules['objects']:,}")
    with Installation(CENTRE, options={"restart-quick-time": "0"}) as centre:
        applies, bares = [], []
        few = told(given, centre, given.pick(1000, 200))
        for number, path in enumerate(paths):
            applies.append(apply(centre, path))
            bares.append(bare(next((centre.data / "config").glob("config.db")), folder, number))
        many = told(given, centre, given.pick(1000, 200))
        rss = peers.rss_mib({"config": centre.pid("config")})
        starts = [start(centre) for _ in range(given.kills)]
        start_rss = peers.rss_mib({"config": centre.pid("config")})
    total = files * FILE
    return [Bar("config-apply", "`carillon config apply` of a file of 10,000 objects", f"{files} files, each one revision with its "
                "history; the command's own start, plan and reply included", "s", ours=[took for took, _ in applies],
                peer="bare SQLite, the same rows in one commit", theirs=bares, aim=0.10, less_is_better=True,
                cpu_us={"config": statistics.median(cpu for _, cpu in applies) / FILE * 1e6},
                peer_us=statistics.median(bares) / FILE * 1e6, rss_mib=rss),
            Bar("config-fan", f"a change until the last of {SUBSCRIBERS} subscribers has it, p99",
                f"durable first; one after the other, with {total:,} objects; with none p99 {few['all_p99_ms']:.1f} ms, p50 of many "
                f"{many['all_p50_ms']:.1f} ms, the writer's own answer {many['answer_p50_ms']:.1f} ms", "ms",
                ours=[many["all_p99_ms"]], peer="limit", theirs=[FAN_MS], aim=1.0, less_is_better=True),
            Bar("config-start", f"config's start with {total:,} objects, until it answers", "after kill -9", "s", ours=starts,
                peer="limit", theirs=[START_S], aim=1.0, less_is_better=True),
            Bar("config-memory", f"{total:,} objects in memory", "resident after the start", "MiB", ours=[start_rss["config"]],
                peer="limit", theirs=[MEMORY_MIB], aim=1.0, less_is_better=True)]
