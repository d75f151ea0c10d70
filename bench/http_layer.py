# SPDX-License-Identifier: Apache-2.0
"""The bare HTTP layer (http_bench.c) beside one nginx worker: servers take turns on one core, wrk runs on another."""
import statistics
import subprocess

import peers
from harness import free_port
from table import Bar

CONNECTIONS = 32
ANSWER = ('{"GSW_USER_EVENT":"RecordProcessedAcknowledge","GSW_RECORD_HANDLE":100000,"GSW_CAMPAIGN_NAME":"Spring",'
          '"GSW_CALLING_LIST":"SpringList"}')
ASKED = ('{"GSW_AGENT_ID":"5001","GSW_CAMPAIGN_NAME":"Spring","GSW_CALL_RESULT":33,"GSW_DISPOSITION_CODE":"SALE",'
         '"Other1":"wants price list"}')


def one_round(given, name, pid, url, requests=None):
    watch = peers.CpuWatch({name: pid})
    run = peers.wrk(url, CONNECTIONS, given.seconds, requests, core=1)
    cpu, _ = watch.end()
    if run["bad_status"] or run["broken"]:
        raise RuntimeError(f"{name}: {run}")
    return run["operations"] / run["wall_s"], cpu[name] / run["operations"] * 1e6


def http_layer(given, folder):
    port, requests = free_port(), folder / "post.txt"
    requests.write_text(f"POST\t/json\t{ASKED}\n")
    with subprocess.Popen([*peers.on_core(0), given.tools / "http_bench", "0"], stdout=subprocess.PIPE, text=True) as bench, \
            peers.Nginx(folder / "http", port, ANSWER.encode(), core=0) as nginx:
        try:
            own_port, payload = map(int, bench.stdout.readline().split())
            if payload != len(ANSWER):
                raise RuntimeError(f"nginx answers {len(ANSWER)} bytes, http_bench {payload}")
            own = f"http://127.0.0.1:{own_port}"
            sides = {"nginx": ("nginx", nginx.pid, f"http://127.0.0.1:{port}/constant"),
                     "constant": ("ours", bench.pid, f"{own}/constant"), "written": ("ours", bench.pid, f"{own}/json"),
                     "read and written": ("ours", bench.pid, f"{own}/json", requests)}
            runs = {side: [] for side in sides}
            for _ in range(given.rounds):
                for side, words in sides.items():
                    runs[side].append(one_round(given, *words))
            rss = peers.rss_mib({"server": bench.pid})
            profile = given.eyes.watch({"server": bench.pid}, lambda: one_round(given, *sides["written"]))
        finally:
            bench.kill()
    rates = {side: [rate for rate, _ in figures] for side, figures in runs.items()}
    cpu = {side: statistics.median(cpu for _, cpu in figures) for side, figures in runs.items()}
    for side, figures in rates.items():
        given.say(f"  {side}: {statistics.median(figures):.0f} requests/s, {cpu[side]:.1f} us of CPU")
    what = f"{payload} B out, no rows, no fsyncs, {CONNECTIONS} connections, server and load on a core each"
    return [Bar("HTTP answer / nginx", "a read over the bare HTTP layer, its JSON written anew", what, ours=rates["written"],
                peer="nginx, one worker, a constant of the same size", theirs=rates["nginx"], aim=0.45, peer_us=cpu["nginx"],
                cpu_us={"server": cpu["written"]}, rss_mib=rss,
                profile=profile)]
