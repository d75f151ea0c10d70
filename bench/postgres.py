# SPDX-License-Identifier: Apache-2.0
"""Our store on PostgreSQL (postgres_bench.c) beside a bare libpq pipeline that sends the same rows and the same commits to the
same server, which syncs each of them."""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import peers
from queues import Postgres
from table import Bar

AIM = 0.8


def one_run(given, server, mode):
    """Its figures, and the server's syncs of the log per row."""
    base = f"bench_{mode}"
    server.sql(f"drop database if exists {base}")
    server.sql(f"create database {base}")
    before = int(server.sql("select wal_sync from pg_stat_wal"))
    conninfo = f"host={server.folder} port={server.port} dbname={base}" + (
        f" user={server.user.pw_name}" if server.user else "")
    done = subprocess.run([given.tools / "postgres_bench", mode, conninfo, str(given.seconds)], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    run = json.loads(done.stdout)
    if not run["rows"]:
        raise peers.Unavailable("not one commit came to its end: the disk is busy")
    run["syncs"] = (int(server.sql("select wal_sync from pg_stat_wal")) - before) / run["rows"]
    return run


def postgres(given, _):
    """In /var/tmp, as queues are measured."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory(prefix="carillon-postgres-", dir="/var/tmp") as name:
        os.chmod(name, 0o755)
        with Postgres(pathlib.Path(name)) as server:
            for _ in range(given.rounds):
                ours.append(one_run(given, server, "store"))
                bare.append(one_run(given, server, "bare"))
    rate = lambda runs: [run["rows"] / run["seconds"] for run in runs]
    cpu = lambda runs: statistics.median(1e6 * run["cpu_s"] / run["rows"] for run in runs)
    syncs = statistics.median(run["syncs"] for run in ours)
    return [Bar("postgres / libpq", "rows into the store on PostgreSQL", f"200 B a row, groups of 200, {syncs:.4f} fsyncs a row",
                ours=rate(ours), peer="bare libpq pipeline, the same rows and commits", theirs=rate(bare), aim=AIM,
                cpu_us={"store": cpu(ours)}, peer_us=cpu(bare))]
