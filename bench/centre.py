# SPDX-License-Identifier: Apache-2.0
"""The centre that bench/ measures: one campaign group whose records notify a sink."""
import concurrent.futures
import contextlib
import sqlite3
import threading

import campaign

AGENT = campaign.AGENTS[0]
TEXTS = ["wants price list", "asks to call May"]  # of one length: two states of a record


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
    def __init__(self, sink):
        super().__init__(groups=1, options={"G1": campaign.notifying(sink)}, reconnect_s=2)

    @property
    def group(self):
        return self.groups[0]

    def give_records(self, count, adds=True):
        """Adds records, unless there are enough, and lets the agent take as many; their handles."""
        port, path = self.http_port, f"/lists/{self.group.list}?req=AddRecord"
        if adds:
            in_parallel([(port, "POST", path, campaign.new_record(f"1555{i:07}")) for i in range(count)])
        path = f"/campaigngroups/{self.group.dbid}?req=PreviewRecordRequest"
        taken = in_parallel([(port, "POST", path, {"GSW_AGENT_ID": AGENT})] * count)
        return [record["GSW_RECORD_HANDLE"] for record in taken]

    def import_plain(self, folder, count, colours=("red",)):
        """`count` records, callable at any hour; Other1 takes the colours in turn."""
        path = folder / "plain.csv"
        with path.open("w", encoding="ascii") as file:
            file.write("contact_info,contact_info_type,tz_name,daily_from,daily_till,c_client_id,Other1\n")
            for i in range(count):
                file.write(f"1555{i:07},4,UTC,0,86400,C{i:07},{colours[i % len(colours)]}\n")
        self.cli("import", str(path), "--list", self.group.list, timeout=600)
        path.unlink()

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
