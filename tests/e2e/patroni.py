# SPDX-License-Identifier: Apache-2.0
"""Two PostgreSQL servers under Patroni, one of them a synchronous standby, with an etcd of their own: all
on loopback, the nodes on 127.0.0.1 and 127.0.0.2 with the same port.

    with Patroni() as cluster:
        leader = cluster.leader()                    # a Node
        leader.kill()                                # its postgres and its patroni, as a machine that dies
        cluster.wait_for_leader(other_than=leader)
        leader.start(); cluster.wait_whole()
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

from databases import PASSWORD, USER, Postgres, Unavailable
from harness import free_port, process_lives, wait_until

TTL_S = 20  # the shortest that Patroni takes


def children_of(pid):
    with contextlib.suppress(OSError):
        return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]
    return []


class Node:
    def __init__(self, cluster, name, address):
        self.cluster, self.name, self.address = cluster, name, address
        self.folder = cluster.folder / name
        self.process = None

    def write(self):
        cluster = self.cluster
        self.folder.mkdir()
        if cluster.user:
            os.chown(self.folder, cluster.user.pw_uid, cluster.user.pw_gid)
        nobody_else = "127.0.0.0/8 scram-sha-256"
        accounts = {"superuser": {"username": USER, "password": PASSWORD},
                    "replication": {"username": "replicator", "password": PASSWORD}}
        settings = {  # YAML understands JSON
            "scope": "carillon", "name": self.name,
            "restapi": {"listen": f"{self.address}:{cluster.rest_port}",
                        "connect_address": f"{self.address}:{cluster.rest_port}"},
            # By etcd's third API Patroni 3.0.2 may never come to name its synchronous standby.
            "etcd": {"host": f"127.0.0.1:{cluster.etcd_port}"},
            "bootstrap": {
                "dcs": {"ttl": TTL_S, "loop_wait": 1, "retry_timeout": 3, "synchronous_mode": True,
                        "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": {
                            "shared_buffers": "16MB", "max_connections": 40, "autovacuum": "off",
                            "fsync": "off"}}},  # what is killed loses nothing that it handed to the system
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "no-sync", "data-checksums"]},
            "postgresql": {
                "listen": f"{self.address}:{cluster.port}",
                "connect_address": f"{self.address}:{cluster.port}",
                "bin_dir": str(cluster.bin), "data_dir": str(self.folder / "data"),
                "pgpass": str(self.folder / "pgpass"), "authentication": accounts,
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": ["local all all trust", f"host replication replicator {nobody_else}",
                           f"host all all {nobody_else}"]}}
        (self.folder / "patroni.yml").write_text(json.dumps(settings, indent=2))
        os.chmod(self.folder / "patroni.yml", 0o644)

    def start(self):
        self.process = self.cluster.spawn(self.name, [shutil.which("patroni"),
                                                      str(self.folder / "patroni.yml")])

    def postmaster(self):
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])
        return None

    def pids(self):
        """Of its PostgreSQL: the postmaster first."""
        postmaster = self.postmaster()
        return [postmaster, *children_of(postmaster)] if postmaster and process_lives(postmaster) else []

    def send(self, number, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_patroni(self):
        self.process.kill()
        self.process.wait(20)
        self.process = None

    def kill(self):
        """As a machine that loses its power."""
        if self.process:
            self.kill_patroni()
        pids = self.pids()
        self.send(signal.SIGKILL, pids)
        wait_until(lambda: not any(process_lives(pid) for pid in pids), 20, 0.02, f"{self.name} is dead")

    def freeze(self, frozen=True):
        """As a machine that hangs: patroni, too."""
        self.send(signal.SIGSTOP if frozen else signal.SIGCONT, [self.process.pid, *self.pids()])


class Patroni(Postgres):
    """`host` and `port` are what an access point has; run() finds the leader."""

    host = "127.0.0.1,127.0.0.2"

    def __init__(self):
        for program in ("patroni", "etcd"):
            if shutil.which(program) is None:
                raise Unavailable(f"{program} is not installed")
        super().__init__()
        self.rest_port, self.etcd_port, self.etcd_peer_port = free_port(), free_port(), free_port()
        self.nodes = [Node(self, f"node{i}", address) for i, address in enumerate(self.host.split(","), 1)]

    def init(self):
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        for node in self.nodes:
            node.write()

    def spawn(self, name, words):
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen(words, preexec_fn=self.become, stdout=log, stderr=log, cwd="/",
                                    env=environ)

    def start(self):
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self.etcd_peer_port))
        self.process = self.spawn("etcd", [
            "etcd", "--name", "etcd", "--data-dir", str(self.folder / "etcd"),
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", f"etcd={peer}",
            "--heartbeat-interval", "500", "--election-timeout", "5000", "--enable-v2"])
        for node in self.nodes:
            node.start()
        try:
            self.wait_whole()
        except AssertionError as problem:
            raise Unavailable(f"Patroni does not start: {problem}") from problem

    def tails(self):
        return " | ".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.log"))

    def roles(self):
        """{name: leader, sync_standby or replica} of those that run, as the first node that answers says."""
        for node in self.nodes:
            with contextlib.suppress(OSError, ValueError):
                with urllib.request.urlopen(f"http://{node.address}:{self.rest_port}/cluster",
                                            timeout=2) as answer:
                    return {one["name"]: one["role"] for one in json.load(answer)["members"]
                            if one["state"] in ("running", "streaming")}
        return {}

    def is_leader(self, node):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://{node.address}:{self.rest_port}/primary", timeout=2):
                return True
        return False

    def leader(self):
        return next((node for node in self.nodes if self.is_leader(node)), None)

    def takes_writes(self, node):
        """Patroni calls a node leader that has the lock, and promotes it after that."""
        return self.run("postgres", "select pg_is_in_recovery()", check=False,
                        host=node.address).stdout == "f\n"

    def wait_for_leader(self, other_than, seconds=90):
        (other,) = [node for node in self.nodes if node is not other_than]
        wait_until(lambda: self.is_leader(other) and self.takes_writes(other), seconds, 0.1,
                   f"{other.name} leads")
        return other

    def wait_whole(self, seconds=120):
        try:
            wait_until(lambda: sorted(self.roles().values()) == ["leader", "sync_standby"], seconds, 0.2,
                       "a leader and its synchronous standby")
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.roles()}: {self.tails()}") from problem

    def close(self):
        for node in self.nodes:
            if node.process:
                node.freeze(False)
            node.kill()
        if self.process:
            self.process.kill()
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
