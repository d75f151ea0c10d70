# SPDX-License-Identifier: Apache-2.0
"""kill -9 of outbound with a list of 100,000 behind it, to the first update of a record that is served; and that
every update acknowledged before is there. A served request is durable: its acknowledgement comes after the commit."""
import contextlib
import statistics
import time

import campaign
import peers
from centre import AGENT, Bench, in_parallel
from harness import http_call
from table import Bar

RECORDS, HELD = 100_000, 200


def update(centre, handle, words, timeout=1):
    body = {"GSW_AGENT_ID": AGENT, "GSW_CALL_RESULT": 33, "Other1": words}
    return http_call(centre.http_port, "POST", f"/records/{handle}?req=UpdateCallCompletionStats", body, timeout=timeout)


def is_served(centre, handle, turn):
    with contextlib.suppress(OSError, ValueError):
        return update(centre, handle, f"back {turn}").status == 200
    return False


def one_kill(centre, handles, turn):
    """Seconds from the kill to: another process, an open port, a served update."""
    words = f"kept {turn}"
    in_parallel([(centre.http_port, "POST", f"/records/{handle}?req=UpdateCallCompletionStats",
                  {"GSW_AGENT_ID": AGENT, "GSW_CALL_RESULT": 7, "Other1": words}) for handle in handles[1:]])
    killed, old_proxy = centre.pid("outbound"), centre.proxy_pid()
    began = time.monotonic()
    centre.kill("outbound")
    seen = {"started": None, "listening": None, "served": None}
    while seen["served"] is None:
        now = time.monotonic() - began
        if now > 30:
            raise RuntimeError("outbound does not come back")
        if seen["started"] is None and centre.pid("outbound") not in (killed, None):
            seen["started"] = now
        if seen["started"] is not None and seen["listening"] is None and centre.proxy_pid() not in (old_proxy, None) \
                and campaign.is_open(centre.http_port):
            seen["listening"] = time.monotonic() - began
        if seen["listening"] is not None and is_served(centre, handles[0], turn):
            seen["served"] = time.monotonic() - began
        time.sleep(0.002)
    kept = centre.select(f"select count(*) as n from {centre.group.table} where Other1 = ?", words)[0]["n"]
    if kept != len(handles) - 1:
        raise RuntimeError(f"{len(handles) - 1} updates were acknowledged before the kill, {kept} are there")
    return seen


def restart(given, folder):
    with Bench("http://127.0.0.1:9/unused") as centre:
        centre.import_plain(folder, given.pick(RECORDS, 10_000))
        centre.load_and_start(centre.group)
        handles = centre.give_records(HELD, adds=False)
        runs = []
        for turn in range(given.kills):
            runs.append(one_kill(centre, handles, turn))
            time.sleep(1)
        rss = peers.rss_mib(centre.pids())
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    profile = (f"the supervisor sees the death, and another outbound runs after {middle['started'] * 1000:.0f} ms, http_proxy's "
               f"port is open after {middle['listening'] * 1000:.0f} ms",
               f"the first update is served after {middle['served'] * 1000:.0f} ms (medians of {len(runs)} kills)")
    given.say(f"kill -9 of outbound: {'; '.join(profile)}")
    slowest = max(run["served"] for run in runs)
    return [Bar("switch-over", "death of outbound (kill -9) to the first durable update served",
                f"list of {given.pick(RECORDS, 10_000):,}, {HELD} records with an agent, {len(runs)} kills; the slowest "
                f"{slowest:.2f} s; all {HELD - 1} updates acknowledged before each kill are there",
                "s", ours=[run["served"] for run in runs], peer="limit", theirs=[1.0], aim=1.0, less_is_better=True,
                rss_mib=rss, profile=profile)]
