# SPDX-License-Identifier: Apache-2.0
"""The outbox as a durable queue (queue_bench.c) beside PostgreSQL (SKIP LOCKED, through pgbench) and beanstalkd with an fsync for
each write. All three keep their files in one folder; ours has no network between it and its user, theirs a Unix socket and loopback."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import databases
import peers
from harness import free_port, wait_until
from table import Bar

BYTES, FLYING = 200, 64
PUT = f"insert into queue (body) values (repeat('x', {BYTES}));\n"
TAKE = "delete from queue where id = (select id from queue order by id for update skip locked limit 1);\n"


def ours(given, folder):
    done = subprocess.run([given.tools / "queue_bench", folder / "queue.db", str(BYTES), str(FLYING), str(given.seconds)],
                          capture_output=True, text=True, check=False)
    for path in folder.glob("queue.db*"):
        path.unlink()
    if done.returncode:
        raise RuntimeError(done.stderr)
    run = json.loads(done.stdout)
    if not all(one["operations"] for one in run.values()):
        raise peers.Unavailable("the store did not end one commit: the disk is busy")
    return run


# --- PostgreSQL ---

class Postgres:
    """A server with its defaults, so it syncs each group of commits; initdb and postgres refuse to be root."""

    def __init__(self, folder):
        self.bin = databases.binaries()
        if self.bin is None or not (self.bin / "pgbench").exists():
            raise peers.Unavailable("PostgreSQL is not installed")
        self.folder, self.port = folder / "pg", free_port()
        self.folder.mkdir()
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        for name, text in (("put", PUT), ("take", TAKE)):
            (folder / f"{name}.sql").write_text(text)

    def become(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def run(self, program, *words):
        done = subprocess.run([self.bin / program, *words], preexec_fn=self.become, cwd="/", capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise peers.Unavailable(f"{program}: {done.stderr.strip()[-200:]}")
        return done.stdout

    def sql(self, sql):
        return self.run("psql", "-h", self.folder, "-p", str(self.port), "-d", "postgres", "-X", "-q", "-A", "-t", "-c", sql)

    def __enter__(self):
        self.run("initdb", "-D", self.folder / "data", "-A", "trust", "--no-sync", "--locale=C")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([self.bin / "postgres", "-D", self.folder / "data", "-h", "", "-k", self.folder,
                                             "-p", str(self.port)], preexec_fn=self.become, stdout=log, stderr=log, cwd="/")

        def answers():
            with contextlib.suppress(peers.Unavailable):
                return self.sql("select 1")
            return False
        try:
            wait_until(answers, 20, 0.1, "PostgreSQL answers")
            self.sql("create table queue (id bigserial primary key, body text not null)")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)

    def rate(self, name, seconds):
        out = self.run("pgbench", "-n", "-M", "prepared", "-c", str(FLYING), "-j", "1", "-T", str(max(2, seconds)), "-f",
                       self.folder.parent / f"{name}.sql", "-h", self.folder, "-p", str(self.port), "postgres")
        found = re.search(r"tps = ([\d.]+)", out)
        if found is None:
            raise peers.Unavailable("PostgreSQL did not end one transaction: the disk is busy")
        return float(found[1])

    def measure(self, seconds):
        self.sql("truncate queue")
        return {"put": self.rate("put", seconds), "take": self.rate("take", seconds)}


# --- beanstalkd ---

class Beanstalkd:
    """A new server for each round, as emptying a queue takes its time."""

    def __init__(self, folder):
        self.folder, self.port = folder / "beanstalkd", free_port()
        program = shutil.which("beanstalkd") or shutil.which("beanstalkd", path="/usr/sbin:/usr/bin")
        if program is None:
            raise peers.Unavailable("beanstalkd is not installed")
        self.words = [program, "-l", "127.0.0.1", "-p", str(self.port), "-b", self.folder, "-f0"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def start(self):
        self.folder.mkdir()
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL)

        def connect():
            with contextlib.suppress(OSError):
                self.socket = socket.create_connection(("127.0.0.1", self.port))
                return True
            return False
        wait_until(connect, 10, what="beanstalkd listens")
        self.answers = self.socket.makefile("rb")

    def stop(self):
        self.answers.close()
        self.socket.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def put(self):
        self.socket.sendall((b"put 1000 0 60 %d\r\n" % BYTES + b"x" * BYTES + b"\r\n") * FLYING)
        for _ in range(FLYING):
            if not self.answers.readline().startswith(b"INSERTED"):
                raise RuntimeError("beanstalkd refuses a job")
        return FLYING

    def take(self):
        """Reserves as many as there are, up to FLYING, and deletes them."""
        self.socket.sendall(b"reserve-with-timeout 0\r\n" * FLYING)
        jobs = []
        for _ in range(FLYING):
            words = self.answers.readline().split()
            if words[0] == b"RESERVED":
                jobs.append(words[1])
                self.answers.read(BYTES + 2)
        self.socket.sendall(b"".join(b"delete %s\r\n" % job for job in jobs))
        for _ in jobs:
            if self.answers.readline() != b"DELETED\r\n":
                raise RuntimeError("beanstalkd does not delete")
        return len(jobs)

    @staticmethod
    def rate(deed, seconds):
        """Until time is up, or nothing is left."""
        began, done, turn = time.monotonic(), 0, 1
        while turn and time.monotonic() - began < seconds:
            turn = deed()
            done += turn
        return done / (time.monotonic() - began)

    def measure(self, seconds):
        self.start()
        try:
            return {"put": self.rate(self.put, seconds), "take": self.rate(self.take, seconds)}
        finally:
            self.stop()


def queues(given, _):
    """In /var/tmp, where the user postgres may enter, and which no tmpfs is."""
    with tempfile.TemporaryDirectory(prefix="carillon-queue-", dir="/var/tmp") as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        servers, trouble = {}, {}
        for key, words, kind in (("PostgreSQL", f"PostgreSQL, SKIP LOCKED, {FLYING} clients", Postgres),
                                 ("beanstalkd", f"beanstalkd -b -f0, {FLYING} under way", Beanstalkd)):
            try:
                servers[key] = words, stack.enter_context(kind(folder))
            except peers.Unavailable as problem:
                trouble[key] = str(problem)
        runs, theirs = [], {key: [] for key in servers}
        for _ in range(given.rounds):
            runs.append(ours(given, folder))
            for key, (_, server) in list(servers.items()):
                try:
                    theirs[key].append(server.measure(given.seconds))
                except peers.Unavailable as problem:
                    trouble[key] = str(problem)
                    del servers[key]
        profile = given.eyes.run("queue_bench", [given.tools / "queue_bench", folder / "queue.db", BYTES, FLYING, 2])
    bars = []
    for deed, words in (("put", "an effect put into the outbox, durable"), ("take", "an effect taken from it and marked, durable")):
        def per_operation(name, deed=deed):
            return runs[-1][deed][name] / runs[-1][deed]["operations"]
        what = f"{BYTES} B, 1 row, {per_operation('syncs'):.4f} fsyncs, {FLYING} under way, in one process"
        for key, reason in trouble.items():
            bars.append(Bar(f"queue {deed} / {key}", words, what, peer=key, trouble=reason))
        for key, (peer, _) in servers.items():
            bars.append(Bar(f"queue {deed} / {key}", words, what, ours=[run[deed]["operations"] / run[deed]["wall_s"] for run in runs],
                            peer=peer, theirs=[run[deed] for run in theirs[key]], aim=1.0,
                            cpu_us={"store": per_operation("cpu_s") * 1e6}, profile=profile))
    return bars
