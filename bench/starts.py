# SPDX-License-Identifier: Apache-2.0
"""A solution of 30 applications, from the order to the last one RUNNING: each opens its store, reads its configuration and listens.
Beside it the least that any supervisor could do with the same binary: fork, exec and reap 30 of it at once."""
import os
import resource
import statistics
import subprocess
import time

import peers
from harness import Installation, wait_until
from table import Bar

APPLICATIONS = 30
HOST = {"name": "bench", "ipAddress": "127.0.0.1", "scs": "control"}


def application(name, kind, **more):
    return {"name": name, "template": kind, "host": "bench", "ports": [{"id": "default", "number": 1}],
            "connections": [{"server": "config"}], "options": {"log": {"all": name}}, **more}


def centre():
    names = [f"app{i:02}" for i in range(APPLICATIONS)]
    return {"format": "cc-config", "version": 1, "tenants": [{"name": "Environment"}], "hosts": [HOST],
            "templates": [{"name": kind, "type": kind} for kind in ("ConfigurationServer", "SCS", "CMServer")],
            "applications": [{**application("config", "ConfigurationServer"), "connections": []}, application("control", "SCS"),
                             *(application(name, "CMServer", startupType="manual") for name in names)],
            "solutions": [{"name": "All", "startupType": "manual",
                           "components": [{"app": name, "startupPriority": 1} for name in names]}]}


def order(centre_, what):
    """Seconds until the order has come out well."""
    began = time.monotonic()
    centre_.cli("ctl", "solution", what, "All", timeout=120)
    return time.monotonic() - began


def bare(binary):
    """Seconds and CPU seconds of 30 processes that do nothing, made at once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    for one in [subprocess.Popen([binary, "version"], stdout=subprocess.DEVNULL) for _ in range(APPLICATIONS)]:
        one.wait()
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_s(pid):
    """User and system time since its start."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def starts(given, folder):
    del folder
    ours, theirs, cpu, peer_cpu = [], [], [], []
    with Installation(centre(), wait=False) as installation:
        installation.wait_running(["config", "control"])
        names = [one for one in installation.names() if one.startswith("app")]
        wait_until(lambda: "All" in installation.cli("ctl", "status", check=False).stdout, 20, 0.1, "the solution")
        order(installation, "start")  # stores and logs are made: what follows is a start as on any day
        for _ in range(max(given.rounds, 2)):
            order(installation, "stop")
            ours.append(order(installation, "start"))
            cpu.append(statistics.fmean(cpu_s(installation.pid(name)) for name in names))
            took, peer_s = bare(given.binary)
            theirs.append(took)
            peer_cpu.append(peer_s / APPLICATIONS)
        rss = peers.rss_mib({"app00": installation.pid("app00")})
    return [Bar("start-30", f"a start of {APPLICATIONS} applications, from the order to the last RUNNING",
                "by `carillon ctl solution start`, its own start included; each opens its store, reads its configuration, listens", "s",
                ours=ours, peer="30 times `carillon version`, plain fork and exec, until the last has exited", theirs=theirs, aim=0.5,
                less_is_better=True, cpu_us={"an application": statistics.median(cpu) * 1e6},
                peer_us=statistics.median(peer_cpu) * 1e6, rss_mib=rss)]
