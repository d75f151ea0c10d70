# SPDX-License-Identifier: Apache-2.0
"""Databases of a customer's, for tests: a real PostgreSQL in a temporary folder, and SQLite files, both
reached by ODBC.

    with Postgres() as server:
        base = server.create("crm")                  # a Database
        base.sql("select 1")                         # [['1']]
        server.kill(); server.start()                # as a power failure does
    base.access_point                                # the options of its Application object
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from campaign import is_open
from harness import free_port, process_lives, wait_until

USER, PASSWORD = "carillon", "open {sesame; }"


def binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"),
                   key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Unavailable(unittest.SkipTest):
    """PostgreSQL or its driver cannot be started here; the reason is in the words."""


def need_driver(name):
    listed = subprocess.run(["odbcinst", "-q", "-d"], capture_output=True, text=True, check=False) \
        if shutil.which("odbcinst") else None
    if listed is None or f"[{name}]" not in listed.stdout:
        raise Unavailable(f"the ODBC driver {name} is not installed")


class Postgres:
    """A server of its own on a free port; initdb and postgres refuse to be root."""

    host = "127.0.0.1"

    def __init__(self):
        need_driver("PostgreSQL Unicode")
        self.bin = binaries()
        if self.bin is None:
            raise Unavailable("PostgreSQL is not installed")
        self.user = None
        if os.getuid() == 0:
            try:
                self.user = pwd.getpwnam("postgres")
            except KeyError as problem:
                raise Unavailable("there is no user postgres") from problem
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-pg-"))
        self.port = free_port()
        self.process = None

    def __enter__(self):
        try:
            self.init()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def become(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def init(self):
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        word_file = self.folder / "word"
        word_file.write_text(PASSWORD)
        os.chmod(word_file, 0o644)
        done = subprocess.run(
            [str(self.bin / "initdb"), "-D", str(self.folder / "data"), "-U", USER, "-A",
             "scram-sha-256", f"--pwfile={word_file}", "-E", "UTF8", "--locale=C", "--no-sync"],
            preexec_fn=self.become, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise Unavailable(f"initdb: {done.stderr.strip()[-300:]}")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.folder / "data"), "-h", "127.0.0.1", "-p",
                 str(self.port), "-k", str(self.folder), "-c", "shared_buffers=16MB", "-c",
                 "max_connections=20", "-c", "autovacuum=off",
                 "-c", "fsync=off"],  # what is killed loses nothing that it handed to the system
                preexec_fn=self.become, stdout=log, stderr=log, cwd="/")
        try:
            wait_until(self.answers, 20, 0.05, "PostgreSQL answers")
        except AssertionError as problem:
            tail = (self.folder / "log").read_text(errors="replace")[-300:]
            raise Unavailable(f"PostgreSQL does not start: {tail}") from problem

    def answers(self):
        if self.process.poll() is not None or not is_open(self.port):
            return False
        return self.run("postgres", "select 1", check=False).returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast shutdown. SIGQUIT: at once, without a checkpoint."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def kill(self):
        """As a crash: the children of a postmaster that was killed go as well."""
        children = [int(pid) for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
                    for pid in (task / "children").read_text().split()]
        for pid in [self.process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)
        wait_until(lambda: not any(process_lives(pid) for pid in children), 10, 0.02,
                   "PostgreSQL's children are gone")
        self.process = None

    def freeze(self, frozen=True):
        """It takes connections and answers nothing; False: it goes on."""
        if self.process is None:
            return
        children = [int(pid) for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
                    for pid in (task / "children").read_text().split()]
        for pid in [self.process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def close(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, database, sql, check=True, host=None):
        return subprocess.run(
            [str(self.bin / "psql"), "-h", host or self.host, "-p", str(self.port), "-U", USER, "-d", database, "-X",
             "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql],
            env={"PGPASSWORD": PASSWORD, "PATH": os.environ["PATH"], "PGCLIENTENCODING": "UTF8",
                 "PGTARGETSESSIONATTRS": "read-write"},
            capture_output=True, text=True, check=check, timeout=30)

    @contextlib.contextmanager
    def locked(self, database, table):
        """Somebody's transaction holds the table; yields the process that has it open."""
        with subprocess.Popen(
                [str(self.bin / "psql"), "-h", self.host, "-p", str(self.port), "-U", USER, "-d", database, "-X",
                 "-q", "-A", "-t"],
                env={"PGPASSWORD": PASSWORD, "PATH": os.environ["PATH"]}, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True) as session:
            try:
                session.stdin.write(f"begin; lock table {table}; select 'locked';\n")
                session.stdin.flush()
                assert session.stdout.readline() == "locked\n"
                yield session
            finally:
                session.kill()

    def create(self, name, encoding="UTF8"):
        self.run("postgres", f"create database {name} encoding '{encoding}' template template0")
        return PostgresDatabase(self, name)


class PostgresDatabase:
    kind = "PostgreSQL"

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.access_point = {
            "dbprotocol": "odbc", "user": USER, "password": {"$secret": "crm"},
            "odbc-string": f"Driver={{PostgreSQL Unicode}};Servername=127.0.0.1;Port={server.port};"
                           f"Database={name}"}

    def sql(self, sql):
        """Rows as lists of texts; a NULL is an empty text."""
        out = self.server.run(self.name, sql).stdout
        return [line.split("\t") for line in out.splitlines()]

    def close(self):
        pass


class SqliteDatabase:
    kind = "SQLite"

    def __init__(self):
        need_driver("SQLite3")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-crm-"))
        self.path = self.folder / "crm.db"
        self.access_point = {"dbms-type": "sqlite", "database": str(self.path)}

    def sql(self, sql):
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as base, base:
            return [["" if cell is None else str(cell) for cell in row] for row in base.execute(sql)]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def behind(database):
    """What amends a centre's configuration: its calling lists are in `database`."""
    def amend(config):
        config["applications"].append({"name": "crm", "template": "Database", "reconnectTimeout": 1,
                                       "options": {"settings": database.access_point}})
        config["secrets"] = {"crm": {"$env": "CRM_PASSWORD"}}
        for access in config["tableAccesses"]:
            access["dbAccess"] = "crm"
    return amend


def rows(database, table, where="1 = 1"):
    """Rows of a list as dicts of texts, in the order of the chains."""
    names = ["record_id", "contact_info", "record_type", "record_status", "call_result", "attempt",
             "chain_id", "chain_n", "agent_id", "app_id", "campaign_id", "group_id", "other1"]
    found = database.sql(f"select {', '.join(names)} from {table} where {where} "
                         "order by chain_id, chain_n")
    return [dict(zip(names, row)) for row in found]


def settled(database, table, where, count, seconds=10):
    """Waits until `count` rows are so; returns them."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(subprocess.CalledProcessError, sqlite3.Error):
            found = rows(database, table, where)
            if len(found) == count:
                return found
        if time.monotonic() > end:
            raise AssertionError(f"no {count} rows with {where}: {rows(database, table)[:20]}")
        time.sleep(0.05)
