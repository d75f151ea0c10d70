# SPDX-License-Identifier: Apache-2.0
"""Installations whose stores are in PostgreSQL: config's by host.jsonc, the others by an access point
among their connections (framework 11).

    with Postgres() as server, PostgresCentre(server, groups=2) as centre:
        ...
"""
import copy
import itertools
import json
import os

from campaign import Centre
from databases import PASSWORD, USER
from harness import Installation

NUMBERS = itertools.count(1)
KEEPERS = ("SCS", "MessageServer", "CMServer", "WebAPIServer")  # templates of those with a store, beside config


class InPostgres:
    """Before a kind of Installation: all its stores are in a new database of `server`."""

    def __init__(self, server, *words, dbms="postgresql", environ=None, port=None, **more):
        self.server, self.dbms = server, dbms
        self.base = f"centre_{next(NUMBERS)}"
        self.store_port = port or server.port
        server.run("postgres", f"create database {self.base} encoding 'UTF8' template template0")
        super().__init__(*words, environ={"STORE_PASSWORD": PASSWORD, **(environ or {})}, **more)

    def _with_free_ports(self, config):
        return super()._with_free_ports(self._with_store(config))

    def _with_store(self, config):
        config = copy.deepcopy(config or {})
        users = [one for one in config.get("applications", [])
                 if one["template"] in KEEPERS and one["host"] == config["hosts"][0]["name"]]
        if not users:
            return config or None
        for one in users:
            one.setdefault("connections", []).append({"server": "store"})
        config["applications"].append({
            "name": "store", "template": "Database", "options": {"settings": {
                "dbms-type": self.dbms, "host": self.server.host, "port": str(self.store_port),
                "database": self.base, "user": USER, "password": {"$secret": "store"}}}})
        config.setdefault("secrets", {})["store"] = {"$env": "STORE_PASSWORD"}
        return config

    def _write_files(self):
        super()._write_files()
        host = json.loads(self.host_file.read_text())
        host["config"]["database"] = (f"host={self.server.host} port={self.store_port} dbname={self.base} "
                                      f"user={USER}")
        self.host_file.write_text(json.dumps(host, indent=2))
        secret = self.data / "secret"
        secret.mkdir(parents=True, mode=0o700, exist_ok=True)
        with open(os.open(secret / "config-database", os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(PASSWORD + "\n")

    def select(self, sql, *values, schema="outbound"):
        """Rows as dicts of what JSON makes of them."""
        for value in values:
            text = str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
            sql = sql.replace("?", text, 1)
        out = self.server.run(
            self.base, f"set search_path = {schema}; select coalesce(json_agg(found), '[]') from "
                       f"({sql}) as found").stdout
        return json.loads(out)


class PostgresInstallation(InPostgres, Installation):
    pass


class PostgresCentre(InPostgres, Centre):
    def rows(self, group, where="1 = 1", *values):
        return super().rows(group, where, *values)
