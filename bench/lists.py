# SPDX-License-Identifier: Apache-2.0
"""A list of a million records: loaded, given out, and its filter changed; beside it bare SQLite, which finds and marks the same
rows of a copy of the same table."""
import contextlib
import pathlib
import sqlite3
import statistics
import time

import campaign
from harness import wait_until

ROWS = 1_000_000
PREVIEWS = 2_000
AGENT = campaign.AGENTS[0]
FIND = """select chain_id, chain_n from {table} where record_status = 1 and record_type = 2 and Other1 = ?
          order by chain_id, chain_n limit ?"""


class Lists(campaign.Centre):
    def __init__(self):
        super().__init__(groups=1)

    def fill(self, folder):
        group = self.groups[0]
        path = pathlib.Path(folder) / "million.csv"
        with path.open("w") as file:
            file.write("contact_info,contact_info_type,tz_name,daily_from,daily_till,c_client_id,Other1\n")
            for i in range(ROWS):
                file.write(f"1555{i:07},4,UTC,0,86400,C{i:07},{'red' if i % 10 else 'blue'}\n")
        self.cli("import", str(path), "--list", group.list, timeout=600)
        path.unlink()

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


def give_out(centre, group, count):
    """Previews one after the other over one connection; their seconds."""
    took = []
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


def lists(given, folder, say):
    with Lists() as centre:
        group = centre.groups[0]
        seconds, _ = timed(lambda: centre.fill(folder))
        say(f"list of {ROWS:,} records, imported in {seconds:.1f} s")
        centre.set_filter("red")
        load, _ = timed(lambda: centre.order(group, "Load"))
        centre.order(group, "Start", GSW_DIAL_MODE=campaign.PREVIEW)
        first, _ = timed(lambda: centre.preview(group, AGENT))
        say(f"    load, to its acknowledgement: {load:.3f} s; first preview {first * 1000:.1f} ms")
        took = give_out(centre, group, PREVIEWS)
        rate = len(took) / sum(took)
        edges = statistics.quantiles(took, n=100)
        say(f"    preview and finish, one agent at a time: {rate:.0f}/s, 2 HTTP requests and 2 commits each; "
            f"median {edges[49] * 1000:.2f} ms, p99 {edges[98] * 1000:.2f} ms")

        def is_blue():
            answer = centre.preview(group, AGENT)
            return answer.status == 200 and answer.json["Other1"] == "blue"
        seconds, _ = timed(lambda: (centre.set_filter("blue"), wait_until(is_blue, 60, what="a record of the new filter")))
        waiting = centre.select(f"select count(*) as n from {group.table} where record_status = 2 and Other1 = 'red'")[0]["n"]
        say(f"    filter changed, to the first record by the new one: {seconds:.3f} s (of it config apply); "
            f"{waiting} records of the old one are with the agent, the buffer went back")
        copy = pathlib.Path(folder) / "bare.db"
        with contextlib.closing(centre.sqlite("outbound")) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    bare = bare_sqlite(copy, group.table, PREVIEWS)
    say(f"    bare SQLite finds and marks {bare:.0f} rows/s by hundreds, in one process: what the store would allow")
    copy.unlink()
