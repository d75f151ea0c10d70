# SPDX-License-Identifier: Apache-2.0
"""Contact centres for the tests of outbound: the sample configuration with as many campaign groups
as wanted, and a client of the HTTP API.

    with Centre(groups=3) as centre:
        group = centre.groups[0]                       # dbid, name, campaign, list
        centre.add(group, "15550100", Other1="x")      # the acknowledgement, as a dict
        centre.load_and_start(group)
        record = centre.preview(group, "a1").json
"""
import contextlib
import copy
import dataclasses
import http.client
import json
import os
import pathlib
import socket

from harness import TOP, Installation, http_call, load_jsonc, wait_until

SAMPLE = TOP / "samples/demo/carillon.jsonc"
AGENTS = ["a1", "a2", "a3", "a4", "a5"]
PREVIEW, PROGRESSIVE, PREDICTIVE = 3, 2, 1
READY, RETRIEVED, UPDATED, STALE, CHAIN_UPDATED, CHAIN_READY = 1, 2, 3, 4, 7, 9


@dataclasses.dataclass
class Group:
    dbid: int
    name: str
    campaign: str
    list: str
    table: str
    agents: str


def new_group(number, campaign=None, agents="AG"):
    return Group(dbid=200 + number, name=f"G{number}", campaign=campaign or f"C{number}",
                 list=f"L{number}", table=f"list_{number}", agents=agents)


def campaign_config(groups, persons=None, options=None, application_options=None, http=True, web=False):
    """The sample configuration with `groups` in place of its own. `options`: group name -> options
    of its annex."""
    config = load_jsonc(SAMPLE)
    persons = persons or {"AG": [*AGENTS, "a6-disabled"], "OTHERS": ["b1"]}
    config["persons"] = [{"employeeId": one, "userName": one, "isAgent": True,
                          "state": "disabled" if one.endswith("-disabled") else "enabled"}
                         for group in persons.values() for one in group]
    config["agentGroups"] = [{"name": name, "agents": agents} for name, agents in persons.items()]
    table = config["tableAccesses"][0]
    lists = {group.list: group for group in groups}.values()
    config["tableAccesses"] = [{**table, "name": f"T-{one.list}", "dbTableName": one.table}
                               for one in lists]
    config["callingLists"] = [{"name": one.list, "tableAccess": f"T-{one.list}"} for one in lists]
    campaigns = {group.campaign: group for group in groups}.values()
    config["campaigns"] = [{"name": one.campaign, "callingLists": [{"list": one.list}]}
                           for one in campaigns]
    sample_group = config["campaignGroups"][0]
    config["campaignGroups"] = [
        {**sample_group, "name": one.name, "dbid": one.dbid, "campaign": one.campaign,
         "group": one.agents, "annex": {"OCServer": (options or {}).get(one.name, {})}}
        for one in groups]
    outbound = application(config, "outbound")
    outbound["options"]["OCServer"].pop("http-retry-applies-to", None)
    for section, values in (application_options or {}).items():
        outbound["options"].setdefault(section, {}).update(values)
    if not web:
        config["applications"] = [one for one in config["applications"] if one["name"] != "web"]
    if not http:
        outbound["ports"] = [port for port in outbound["ports"] if port["id"] != "http"]
    return config


def application(config, name):
    return next(one for one in config["applications"] if one["name"] == name)


def notifying(url, **more):
    """Options of a group that sends notifications."""
    return {"contact-processed-notification": "true", "contact-processed-notification-uri": url,
            **{name.replace("_", "-"): str(value) for name, value in more.items()}}


def children(pid):
    """The living children of a process."""
    found = []
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def is_open(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no VmRSS")


class Centre(Installation):
    """An installation with campaign groups."""

    def __init__(self, groups=1, options=None, persons=None, application_options=None, http=True,
                 reconnect_s=1, supervisor_options=None, environ=None, web=False, amend=None,
                 **more):
        self.groups = groups if isinstance(groups, list) else [new_group(i + 1)
                                                               for i in range(groups)]
        config = campaign_config(self.groups, persons, options, application_options, http, web)
        application(config, "outbound")["reconnectTimeout"] = reconnect_s
        if amend:
            amend(config)
        self.has_http = http
        super().__init__(config, options={"restart-quick-time": 0, **(supervisor_options or {})},
                         environ=environ, **more)

    def __enter__(self):
        super().__enter__()
        try:
            if self.has_http and self.wait:
                self.wait_for_http()
        except BaseException:
            self.show_logs()
            self.close()
            raise
        return self

    def is_http_open(self):
        return is_open(self.http_port)

    def wait_for_http(self, seconds=20):
        wait_until(lambda: is_open(self.http_port), seconds, what="the HTTP Proxy listens")

    @property
    def http_port(self):
        return self.port("outbound", "http")

    def proxy_pid(self):
        """The HTTP Proxy of outbound, or None."""
        outbound = self.pid("outbound")
        for pid in children(outbound) if outbound else []:
            with contextlib.suppress(OSError):
                if b"http-proxy" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return None

    # the HTTP API

    def call(self, method, path, body=None, headers=None, timeout=10):
        return http_call(self.http_port, method, path, body, headers, timeout)

    def post(self, path, req, **keys):
        return self.call("POST", f"{path}?req={req}", keys)

    def order(self, group, req, **keys):
        return self.post(f"/campaigngroups/{group.dbid}", req, **keys)

    def load_and_start(self, group):
        for req, keys in (("Load", {}), ("Start", {"GSW_DIAL_MODE": PREVIEW})):
            answer = self.order(group, req, **keys)
            assert answer.status == 200, (req, answer)

    def add(self, group, phone, **keys):
        answer = self.post(f"/lists/{group.list}", "AddRecord", **{**new_record(phone), **keys})
        assert answer.status == 200, answer
        return answer.json

    def add_chain(self, group, first, others, **keys):
        """A chain of several records; the group rests meanwhile, so that nobody gets its first record
        alone. The first one's acknowledgement."""
        self.order(group, "Unload")
        wait_until(lambda: self.status(group)["GSW_STATE"] == "null", what="unloaded")
        added = self.add(group, first, **keys)
        for phone in others:
            self.add(group, phone, GSW_CHAIN_ID=added["GSW_CHAIN_ID"])
        self.load_and_start(group)
        return added

    def preview(self, group, agent, **keys):
        return self.order(group, "PreviewRecordRequest", GSW_AGENT_ID=agent, **keys)

    def record(self, handle, req, **keys):
        return self.post(f"/records/{handle}", req, **keys)

    def status(self, group):
        return self.call("GET", f"/campaigngroups/{group.dbid}").json

    # the store

    def rows(self, group, where="1", *values):
        """Rows of the group's list as dicts, in the order of the chains."""
        return self.select(f"select * from {group.table} where {where} order by chain_id, chain_n",
                           *values)

    def select(self, sql, *values):
        with contextlib.closing(self.sqlite("outbound")) as base:
            cursor = base.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor]

    def apply(self, change, timeout=60):
        """Applies the configuration after `change(config)` had it, in the present installation."""
        config = copy.deepcopy(self.config)
        change(config)
        path = self.folder / "changed.jsonc"
        path.write_text(json.dumps(config))
        return self.cli("config", "apply", "--overwrite", str(path), timeout=timeout)


def new_record(phone, **keys):
    """What AddRecord needs, a window that is always open."""
    return {"GSW_PHONE": phone, "GSW_PHONE_TYPE": 4, "GSW_TZ_NAME": "UTC", "GSW_FROM": 0,
            "GSW_UNTIL": 86400, **keys}


class Lost(Exception):
    """The connection ended without an answer: whether the request was carried out is unknown."""


class Client:
    """One persistent connection; what is lost is said, never repeated."""

    def __init__(self, port, timeout=5):
        self.port, self.timeout, self.connection = port, timeout, None

    def call(self, method, path, body=None):
        """(status, object). Lost when there was no whole answer."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                             timeout=self.timeout)
            text = json.dumps(body) if body is not None else None
            self.connection.request(method, path, text,
                                    {"Content-Type": "application/json"} if text else {})
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.will_close:
                self.close()
            return answer.status, json.loads(content) if content else None
        except (OSError, http.client.HTTPException, ValueError) as problem:
            self.close()
            raise Lost(str(problem)) from problem

    def post(self, path, req, **keys):
        return self.call("POST", f"{path}?req={req}", keys)

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None
