# SPDX-License-Identifier: Apache-2.0
"""What bench/run.py measures with: wrk as the load, nginx as the peer, /proc and perf as the eyes."""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import time
import urllib.request

from campaign import resident_kib

HERE = pathlib.Path(__file__).resolve().parent
RECORD = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997"]  # by the clock: virtual machines have no counters
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Unavailable(Exception):
    """A peer cannot be measured here; why, in words."""


def thread_times(pid):
    """Processor time so far, user and system, by thread id."""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            stat = (task / "stat").read_text()
            fields = stat[stat.rindex(")") + 2:].split()
            times[int(task.name)] = (int(fields[11]) + int(fields[12])) * TICK_S
    return times


class CpuWatch:
    """CPU that processes use between begin and end. `pids`: by name."""

    def __init__(self, pids):
        self.pids = pids
        self.began = time.monotonic()
        self.before = {name: thread_times(pid) for name, pid in pids.items()}

    def end(self):
        """Seconds by process; and the share of a core of each busy thread, busiest first."""
        wall = time.monotonic() - self.began
        seconds, threads = {}, []
        for name, pid in self.pids.items():
            used = {thread: after - self.before[name].get(thread, 0)
                    for thread, after in thread_times(pid).items()}
            seconds[name] = sum(used.values())
            threads += [(spent / wall, f"{name}'s " + ("loop" if thread == pid else "other thread"))
                        for thread, spent in used.items() if spent / wall > 0.05]
        return seconds, sorted(threads, reverse=True)


class SyncWatch:
    """Counts fsync() and fdatasync() of a process with perf; `count` is None where perf cannot."""

    EVENTS = "syscalls:sys_enter_fdatasync,syscalls:sys_enter_fsync"

    def __init__(self, pid):
        self.count = None
        self.perf = None
        if shutil.which("perf"):
            self.perf = subprocess.Popen(["perf", "stat", "-x", ",", "-e", self.EVENTS, "-p", str(pid)],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(0.3)  # until it has attached

    def end(self):
        if self.perf is None:
            return None
        self.perf.send_signal(signal.SIGINT)
        counts = [line.split(",")[0] for line in self.perf.communicate()[1].splitlines() if "sys_enter" in line]
        if counts and all(count.isdigit() for count in counts):
            self.count = sum(map(int, counts))
        return self.count


def on_core(number):
    """The words before a program's that keep it on a core, where there are several; None: on any."""
    return ["taskset", "-c", str(number)] if number is not None and os.cpu_count() > 1 else []


def wrk(url, connections, seconds, requests=None, threads=1, core=None):
    """One run; a dict as load.lua prints it, and wrk's own CPU. `requests`: load.lua's file."""
    words = [*on_core(core), "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    if requests is not None:
        words += ["-s", HERE / "load.lua", url, "--", requests]
    else:  # wrk's own fast path: the peer must not wait for Lua
        words += [url]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = done.stderr.splitlines()
    if done.returncode or requests is not None and not (lines and lines[-1].startswith("{")):
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
    run = read_plain(done.stdout) if requests is None else json.loads(lines[-1])
    run["load_cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return run


def read_plain(text):
    count, wall = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {"operations": int(count), "wall_s": float(wall), "bad_status": int(bad[1]) if bad else 0,
            "broken": sum(map(int, broken.groups())) if broken else 0}


class Nginx:
    """One worker, answering a constant at /constant, and 200 without a body at /sink, counted at
    /count."""

    def __init__(self, folder, port, constant=b"{}", headers=(), addresses=("127.0.0.1",), core=None):
        self.folder, self.port = pathlib.Path(folder), port
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "constant").write_bytes(constant)
        quoted = constant.decode().replace("\\", "\\\\").replace("'", "\\'")
        lines = "".join(f"add_header {name} \"{value}\";\n" for name, value in headers)
        temp = "".join(f"{what}_temp_path {self.folder}/{what};\n"
                       for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        listens = "".join(f"listen {address}:{port} backlog=4096; " for address in addresses)
        config = self.folder / "nginx.conf"
        config.write_text(f"""
daemon off; master_process off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k;
    {temp}
    default_type "application/json; charset=utf-8";
    server {{
        {listens}
        location /constant {{ {lines} return 200 '{quoted}'; }}
        location /sink {{ return 200; }}
        location /count {{ stub_status; }}
    }}
}}
""")
        self.process = subprocess.Popen([*on_core(core), "nginx", "-c", config], stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.requests()
                return self
            time.sleep(0.02)
        self.__exit__()
        raise RuntimeError("nginx does not start: " + (self.folder / "error.log").read_text())

    def __exit__(self, *words):
        self.process.terminate()
        self.process.wait()

    def requests(self):
        """Requests it has taken so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=5) as answer:
            return int(answer.read().decode().splitlines()[2].split()[2])


def rss_mib(pids):
    """What each process has in memory now. `pids`: by name."""
    return {name: resident_kib(pid) / 1024 for name, pid in pids.items()}


def private_bytes(pid):
    """Memory that is a process's alone."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Private_Dirty")


class Eyes:
    """Where processor time goes, as perf sees it."""

    def __init__(self, is_wanted, folder):
        self.is_wanted, self.folder = is_wanted and shutil.which("perf") is not None, pathlib.Path(folder)

    def watch(self, pids, deed):
        """Two lines about what the processes did while `deed` ran; none, and no deed, if not wanted."""
        if not self.is_wanted:
            return ()
        paths = {name: self.folder / f"perf.{name}" for name in pids}
        running = [subprocess.Popen([*RECORD, "-o", paths[name], "-p", str(pid)], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for name, pid in pids.items()]
        time.sleep(0.3)  # until it has attached
        try:
            deed()
        finally:
            for process in running:
                process.send_signal(signal.SIGINT)
                process.wait()
        return self.read(paths)

    def run(self, name, words, of_children=True):
        """The same of a program that is started for it; its threads and processes too, or its first thread alone."""
        if not self.is_wanted:
            return ()
        path = self.folder / f"perf.{name}"
        only = [] if of_children else ["--no-inherit"]
        subprocess.run([*RECORD, *only, "-o", path, "--", *map(str, words)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        return self.read({name: path})

    @staticmethod
    def read(paths):
        """By library, the kernel among them; then by function, the kernel left out, as its own are not ours to change."""
        found = {name: read_profile(path) for name, path in paths.items()}
        found = {name: shares for name, shares in found.items() if shares}
        if not found:
            return ()
        by_library = []
        for name, shares in found.items():
            libraries = {}
            for share, library, _ in shares:
                libraries[library] = libraries.get(library, 0) + share
            best = sorted(libraries.items(), key=lambda one: -one[1])[:5]
            by_library.append(f"{name}: " + ", ".join(f"{library} {share:.0f} %" for library, share in best))
        by_function = []
        for name, shares in found.items():
            own = [one for one in shares if one[1] != "kernel"][:6]
            by_function.append(f"{name}: " + ", ".join(f"{function} {share:.1f} %" for share, _, function in own))
        return "; ".join(by_library), "; ".join(by_function)


def read_profile(path):
    """(share, library, function), the largest first."""
    report = subprocess.run(["perf", "report", "-i", path, "--stdio", "--no-children", "--sort", "dso,symbol", "-g",
                             "none"], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^ *([\d.]+)% +(\S+) +\[.\] (\S+)", report, re.MULTILINE)
    return [(float(share), "kernel" if library.startswith("[kernel") else library.split(".so")[0], function)
            for share, library, function in found]


def sync_times_us(folder, count=200):
    """What one durable write of 4 KiB takes on the disk below `folder`."""
    path, times = pathlib.Path(folder) / "sync", []
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(count):
            os.pwrite(file, b"x" * 4096, 0)
            began = time.monotonic()
            os.fdatasync(file)
            times.append((time.monotonic() - began) * 1e6)
    finally:
        os.close(file)
        path.unlink()
    return sorted(times)


def git(top, *words):
    return subprocess.run(["git", "-C", top, *words], capture_output=True, text=True, check=False).stdout.strip()


def machine(top, folder):
    """What the page says of where and when: date, commit, words."""
    names = re.findall(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = int(re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    times = sync_times_us(folder)
    commit = git(top, "rev-parse", "--short", "HEAD") or "unknown"
    changed = " and changes after it" if git(top, "status", "--porcelain", "--", "src", "schema", "bench") else ""
    return {"date": time.strftime("%Y-%m-%d"), "commit": commit + changed,
            "words": f"{os.cpu_count()} cores ({names[0] if names else 'unknown'}), {memory:.0f} GiB, Linux "
                     f"{os.uname().release}; fdatasync of 4 KiB on its disk: {times[0]:.0f} / {times[len(times) // 2]:.0f} / "
                     f"{times[-1]:.0f} µs (min / median / max of {len(times)})."}
