# SPDX-License-Identifier: Apache-2.0
"""A contact centre whose stores are all in PostgreSQL: config by host.jsonc, the others by an access
point among their connections (framework 11).

    with Postgres() as server, PostgresCentre(server, groups=2) as centre:
        ...
"""
import itertools
import json
import os

from campaign import Centre, application
from databases import PASSWORD, USER
from harness import Installation

NUMBERS = itertools.count(1)


class InPostgres:
    """Beside an Installation: its config keeps its store in a new database of `server`."""

    def take_database(self, server, port=None):
        self.server = server
        self.base = f"centre_{next(NUMBERS)}"
        self.store_port = port or server.port
        server.run("postgres", f"create database {self.base} encoding 'UTF8' template template0")

    def _write_files(self):
        super()._write_files()
        host = json.loads(self.host_file.read_text())
        host["config"]["database"] = (f"host={self.server.host} port={self.store_port} dbname={self.base} "
                                      f"user={USER}")
        self.host_file.write_text(json.dumps(host, indent=2))
        secret = self.data / "secret"
        secret.mkdir(parents=True, mode=0o700)
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
    """Config alone has it: nothing else of the configuration is changed."""

    def __init__(self, server, config):
        self.take_database(server)
        super().__init__(config)


class PostgresCentre(InPostgres, Centre):
    def __init__(self, server, amend=None, apps=("outbound", "web"), environ=None, port=None, **more):
        self.take_database(server, port)

        def with_store(config):
            config["applications"].append({
                "name": "store", "template": "Database", "options": {"settings": {
                    "dbms-type": "postgresql", "host": server.host, "port": str(self.store_port),
                    "database": self.base, "user": USER, "password": {"$secret": "store"}}}})
            config.setdefault("secrets", {})["store"] = {"$env": "STORE_PASSWORD"}
            for name in apps:
                if any(one["name"] == name for one in config["applications"]):
                    application(config, name).setdefault("connections", []).append({"server": "store"})
            if amend:
                amend(config)
        super().__init__(amend=with_store, environ={"STORE_PASSWORD": PASSWORD, **(environ or {})}, **more)

    def rows(self, group, where="1 = 1", *values):
        return super().rows(group, where, *values)
