# SPDX-License-Identifier: Apache-2.0
"""A list of a million records: loaded, given out, and its filter changed; beside it a list of 5,000 in the same centre, as giving
out must not slow down with size; and bare SQLite, which finds and marks the same rows of a copy of the table."""
import contextlib
import sqlite3
import statistics
import time

import campaign
import peers
from centre import AGENT, Bench
from harness import wait_until
from table import Bar

SMALL = 5_000
COLOURS = ["blue"] + 9 * ["red"]
FIND = """select chain_id, chain_n from {table} where record_status = 1 and record_type = 2 and Other1 = ?
          order by chain_id, chain_n limit ?"""


class Lists(Bench):
    def set_filter(self, colour):
        def change(config):
            config["filters"] = [{"name": "Colour", "format": "Default_Outbound_70",
                                  "annex": {"default": {"criteria": f"Other1 = '{colour}'", "order_by": "chain_id ASC"}}}]
            config["callingLists"][0]["filter"] = "Colour"
        self.apply(change)


def timed(deed):
    began = time.monotonic()
    answer = deed()
    return time.monotonic() - began, answer


def give_out(centre, count):
    """Previews one after the other over one connection; their seconds."""
    took, group = [], centre.group
    client = campaign.Client(centre.http_port, timeout=30)
    for _ in range(count):
        began = time.monotonic()
        status, record = client.post(f"/campaigngroups/{group.dbid}", "PreviewRecordRequest", GSW_AGENT_ID=AGENT)
        assert status == 200, (status, record)
        status, answer = client.post(f"/records/{record['GSW_RECORD_HANDLE']}", "RecordProcessed", GSW_CALL_RESULT=33)
        assert status == 200, answer
        took.append(time.monotonic() - began)
    client.close()
    return took


def bare_sqlite(path, table, count):
    """Finds rows a hundred at a time, and marks each retrieved and updated in commits of a hundred."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute("pragma journal_mode=wal")
        base.execute("pragma synchronous=full")
        began = time.monotonic()
        for _ in range(count // 100):
            rows = base.execute(FIND.format(table=table), ("red", 100)).fetchall()
            for status in (2, 3):
                base.execute("begin")
                base.executemany(f"update {table} set record_status = {status} where chain_id = ? and chain_n = ?", rows)
                base.execute("commit")
        return count / (time.monotonic() - began)


def small_list(folder, records, count):
    with Lists("http://127.0.0.1:9/unused") as centre:
        centre.import_plain(folder, records, COLOURS)
        centre.set_filter("red")
        centre.load_and_start(centre.group)
        return give_out(centre, count)


def lists(given, folder):
    """The small list is given out before and after the large one, since the machine drifts."""
    records, count = given.pick(1_000_000, 100_000), given.pick(1_500, 500)
    small = [small_list(folder, SMALL, count)]
    with Lists("http://127.0.0.1:9/unused") as centre:
        seconds, _ = timed(lambda: centre.import_plain(folder, records, COLOURS))
        centre.set_filter("red")
        load, _ = timed(lambda: centre.order(centre.group, "Load"))
        centre.order(centre.group, "Start", GSW_DIAL_MODE=campaign.PREVIEW)
        first, _ = timed(lambda: centre.preview(centre.group, AGENT))
        watch = peers.CpuWatch(centre.pids())
        large = [give_out(centre, count) for _ in range(2)]
        cpu, _ = watch.end()
        rss = peers.rss_mib(centre.pids())
        profile = given.eyes.watch(centre.pids(), lambda: give_out(centre, count))

        def is_blue():
            answer = centre.preview(centre.group, AGENT)
            return answer.status == 200 and answer.json["Other1"] == "blue"
        changed, _ = timed(lambda: (centre.set_filter("blue"), wait_until(is_blue, 60, what="a record of the new filter")))
        copy = folder / "bare.db"
        centre.copy_database(copy)
    small.append(small_list(folder, SMALL, count))
    bare = bare_sqlite(copy, centre.group.table, count)
    copy.unlink()
    edges = statistics.quantiles(large[0] + large[1], n=100)
    given.say(f"list of {records:,} records, imported in {seconds:.1f} s; load to its acknowledgement {load:.3f} s; first preview "
              f"{first * 1000:.1f} ms; preview and finish: median {edges[49] * 1000:.2f} ms, p99 {edges[98] * 1000:.2f} ms")
    given.say(f"  filter changed, to the first record by the new one: {changed:.3f} s (of it config apply); bare SQLite finds and "
              f"marks {bare:.0f} rows/s by hundreds, in one process")
    return [Bar("list of a million", f"preview and finish of a record, one agent at a time, list of {records:,}",
                f"2 HTTP requests, 2 commits, {count:,} records a round, filter and order",
                ours=[count / sum(took) for took in large], peer=f"the same with a list of {SMALL:,}, before and after",
                theirs=[count / sum(took) for took in small], aim=0.90,
                cpu_us={name: spent / count / len(large) * 1e6 for name, spent in cpu.items()}, rss_mib=rss, profile=profile)]
