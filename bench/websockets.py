# SPDX-License-Identifier: Apache-2.0
"""The bare WebSocket layer (websocket_bench.c) beside npm's ws: messages echoed, memory of an idle connection. The bar is half of
uWebSockets, which cannot be installed by its name; measured on one machine it does 2.14 times what ws does, so half of it is 1.07
times ws."""
import contextlib
import json
import pathlib
import statistics
import subprocess
import time

import peers
from table import Bar

HERE = pathlib.Path(__file__).resolve().parent
VERSION = "8.18.3"
CONNECTIONS, BYTES = 64, 100
HALF_OF_UWEBSOCKETS = 1.1  # times ws


def install_ws(build):
    """The folder whose node_modules has ws; raises Unavailable."""
    folder = pathlib.Path(build) / "bench/npm"
    if not (folder / "node_modules/ws/package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-save", "--no-progress", "--no-audit",
                            "--fetch-retries=1", f"ws@{VERSION}"], capture_output=True, check=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as problem:
            raise peers.Unavailable("npm could not fetch ws") from problem
    return folder


@contextlib.contextmanager
def server(words):
    """(pid, port) of a server that prints its port."""
    with subprocess.Popen([*peers.on_core(0), *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def load(given, port, seconds):
    done = subprocess.run([*peers.on_core(1), given.tools / "websocket_load", str(port), str(CONNECTIONS), str(BYTES),
                           str(seconds)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def echo(given, words):
    with server(words) as (pid, port):
        watch = peers.CpuWatch({"server": pid})
        run = load(given, port, given.seconds)
        cpu, _ = watch.end()
        run["rate"], run["cpu_us"] = run["operations"] / run["wall_s"], cpu["server"] / run["operations"] * 1e6
        run["rss"] = peers.rss_mib({"server": pid})
    return run


def idle_bytes(given, words, count):
    with server(words) as (pid, port):
        time.sleep(0.5)
        before = peers.private_bytes(pid)
        with subprocess.Popen([given.tools / "websocket_load", str(port), str(count), str(BYTES), "0"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as clients:
            if not clients.stdout.readline():
                raise RuntimeError("websocket_load ended")
            time.sleep(2)
            return (peers.private_bytes(pid) - before) / count


def websockets(given, folder):
    ours, theirs = [given.tools / "websocket_bench"], ["node", HERE / "ws_echo.cjs", install_ws(given.build)]
    count = given.pick(10_000, 2_000)
    runs = {"ours": [], "ws": []}
    idle = {"ours": [], "ws": []}
    for _ in range(given.rounds):
        for side, words in (("ours", ours), ("ws", theirs)):
            runs[side].append(echo(given, words))
            idle[side].append(idle_bytes(given, words, count))
    with server(ours) as (pid, port):
        profile = given.eyes.watch({"server": pid}, lambda: load(given, port, min(3, given.seconds)))
    last, ws_us = runs["ours"][-1], statistics.median(run["cpu_us"] for run in runs["ws"])
    given.say(f"WebSocket: CPU/op of the load {last['load_cpu_s'] / last['operations'] * 1e6:.1f} us")
    return [Bar("WebSocket / ws", "a WebSocket message echoed",
                f"{BYTES} B in and out, no rows, no fsyncs, {CONNECTIONS} connections with one under way each, server and load on a "
                "core each", ours=[run["rate"] for run in runs["ours"]], peer=f"npm ws {VERSION}", peer_us=ws_us,
                theirs=[run["rate"] for run in runs["ws"]], aim=HALF_OF_UWEBSOCKETS,
                cpu_us={"server": statistics.median(run["cpu_us"] for run in runs["ours"])}, rss_mib=last["rss"], profile=profile),
            Bar("idle WebSocket / ws", "memory of an idle WebSocket connection", f"{count:,} connections", "B", ours=idle["ours"],
                peer=f"npm ws {VERSION}", theirs=idle["ws"], aim=1.0, less_is_better=True)]
