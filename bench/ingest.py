# SPDX-License-Identifier: Apache-2.0
"""Log records that control keeps (ingest_bench.c), each durable, found by six indexes, its attributes in rows of their own;
beside the limit that the framework sets (16)."""
import json
import statistics
import subprocess

from harness import free_port
from table import Bar

LIMIT = 20_000  # records a second
ATTRIBUTES = 5


def one_run(given, folder, count):
    place = folder / "ingest"
    place.mkdir()
    done = subprocess.run([given.tools / "ingest_bench", place, str(free_port()), str(count), str(ATTRIBUTES)],
                          capture_output=True, text=True, check=False)
    subprocess.run(["rm", "-rf", place], check=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def ingest(given, folder):
    count = given.pick(200_000, 50_000)
    runs = [one_run(given, folder, count) for _ in range(given.rounds)]
    return [Bar("log ingest / limit", "a log record kept by control",
                f"120 B and {ATTRIBUTES} attributes, {1 + ATTRIBUTES} rows, 500 records a request, durable",
                ours=[run["records"] / run["seconds"] for run in runs], peer="framework 16: 20,000 records/s",
                theirs=[LIMIT], peer_us=1e6 / LIMIT,
                cpu_us={"control": statistics.median(1e6 * run["cpu_s"] / run["records"] for run in runs)},
                rss_mib={"control, at most": max(run["rss_max"] for run in runs) / 2**20})]
