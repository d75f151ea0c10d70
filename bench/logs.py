# SPDX-License-Identifier: Apache-2.0
"""Log lines (log_bench.c) beside spdlog's asynchronous logger into a rotating file (log_spdlog.cc): the same bytes in either
file, ours through levels, outputs and, for messages, the log filters, which spdlog has not."""
import json
import pathlib
import statistics
import subprocess

import peers
from table import Bar

HERE = pathlib.Path(__file__).resolve().parent


def build_peer(build):
    program = pathlib.Path(build) / "peers" / "log_spdlog"
    source = HERE / "log_spdlog.cc"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    try:
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "spdlog"], capture_output=True, text=True, check=True)
        subprocess.run(["g++", "-O2", "-std=c++17", source, "-o", program, *flags.stdout.split(), "-lpthread"],
                       capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise peers.Unavailable("spdlog (libspdlog-dev) is not here, or does not compile") from problem
    return program


def output(words, folder):
    done = subprocess.run([str(one) for one in words], capture_output=True, text=True, check=False)
    for path in folder.glob("bench*"):
        path.unlink()
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def bar(given, folder, kind, name, what, count, peer, aim=1.0):
    mine, theirs = [], []
    for _ in range(given.rounds):
        mine.append(output([given.tools / "log_bench", folder, kind, count], folder))
        if mine[-1]["lost"] or mine[-1]["syncs"]:
            raise RuntimeError(f"{mine[-1]['lost']} lines were lost, {mine[-1]['syncs']} syncs")
        theirs.append(output([peer, folder / "bench.log", kind, count], folder))
    per_line = [statistics.median(1e6 * one["cpu_s"] / one["lines"] for one in side) for side in (mine, theirs)]
    return Bar(f"log {kind} / spdlog", name, what, ours=[one["lines"] / one["seconds"] for one in mine],
               peer="spdlog, asynchronous, rotating file, without filters",
               theirs=[one["lines"] / one["seconds"] for one in theirs], aim=aim, cpu_us={"all threads": per_line[0]}, peer_us=per_line[1],
               rss_mib={"all": mine[-1]["resident"] / 2**20},
               profile=given.eyes.run("log_bench", [given.tools / "log_bench", folder, kind, count]))


def logs(given, folder):
    peer = build_peer(given.build)
    count = given.pick(1_000_000, 200_000)
    return [bar(given, folder, "lines", "a log line by a worker thread", "110 B, five arguments, no fsync", count, peer),
            bar(given, folder, "dumps", "a message of twelve pairs in the log, filters on",
                "250 B, four filters, a password, two conventions, where the peer writes what was hidden before; no fsync", count // 4,
                peer, aim=0.5)]
