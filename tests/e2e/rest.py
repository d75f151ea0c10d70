# SPDX-License-Identifier: Apache-2.0
"""A small installation with the administration REST: config, control and web, and clients of it.

    with RestCentre() as centre:
        boss = centre.client("boss")
        boss.get("/api/cfg/v1/hosts")                  # harness.Answer
        boss.call("PATCH", "/api/cfg/v1/hosts/localhost", {"lcaPort": 5000}, {"If-Match": "3"})
        for name, id, data in boss.events("/api/cfg/v1/events"): ...
"""
import contextlib
import http.client
import json
import time

from desktops import PASSWORD, log_in
from harness import Installation, http_call, wait_until

BOSS = "boss"
AGENT = "a1"
HOST = "localhost"


def rest_config(**more):
    def application(name, template, connections=(), protocol="", options=None):
        port = {"id": "default", "number": 1}
        if protocol:
            port["connectionProtocol"] = protocol
        return {"name": name, "template": template, "host": HOST, "tenants": ["Environment"], "ports": [port],
                "connections": [{"server": one} for one in connections], "reconnectTimeout": 1,
                "options": {"log": {"verbose": "standard", "all": name}, **(options or {})}}
    config = {"format": "cc-config", "version": 1,
              "hosts": [{"name": HOST, "ipAddress": "127.0.0.1", "scs": "control"}],
              "applications": [application("config", "ConfigurationServer"),
                               application("control", "SCS", ["config"]),
                               application("web", "WebAPIServer", ["config", "control"], "http",
                                           {"web": {"logins-per-address": "1000", "logins-per-account": "1000",
                                                    "requests-per-second": "1000"}})],
              "persons": [{"employeeId": BOSS, "userName": BOSS}, {"employeeId": AGENT, "userName": AGENT, "isAgent": True}],
              "accessGroups": [{"name": "Bosses", "type": "SuperAdministrators", "persons": [BOSS]}]}
    config.update(more)
    return config


class Client:
    def __init__(self, port, token):
        self.port, self.token = port, token

    def call(self, method, path, body=None, headers=None, timeout=40):
        return http_call(self.port, method, path, body, {"Authorization": f"Bearer {self.token}", **(headers or {})}, timeout)

    def get(self, path, **headers):
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    @contextlib.contextmanager
    def stream(self, path, headers=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})})
            answer = connection.getresponse()
            yield Events(answer)
        finally:
            connection.close()


class Events:
    """Iterates (event, id, data) of a stream; comments are counted."""

    def __init__(self, answer):
        self.status, self.headers, self.answer, self.comments = answer.status, answer.headers, answer, 0

    def __iter__(self):
        return self

    def __next__(self):
        event, last, data = None, None, []
        while True:
            line = self.answer.readline()
            if not line:
                raise StopIteration
            line = line.rstrip(b"\n").decode()
            if not line:
                if data:
                    return event, last, json.loads("\n".join(data))
                continue
            name, _, value = line.partition(": ")
            if name == "":
                self.comments += 1
            elif name == "event":
                event = value
            elif name == "id":
                last = value
            elif name == "data":
                data.append(value)

    def next_of(self, *events):
        return next(one for one in self if one[0] in events)


class RestCentre(Installation):
    def __init__(self, users=(BOSS, AGENT), config=None, **more):
        super().__init__(config or rest_config(), **more)
        self.users, self.has_control = users, False

    def __enter__(self):
        super().__enter__()
        for user in self.users:
            self.cli("password", user, stdin=PASSWORD + "\n")
        wait_until(self.is_healthy, 20, what="web serves")
        return self

    def is_healthy(self):
        with contextlib.suppress(OSError):
            return http_call(self.port("web"), "GET", "/health", timeout=2).status == 200

    def client(self, user=BOSS):
        """Logged in. Web runs before its links stand: the first one waits for that with control."""
        client = Client(self.port("web"), log_in(self.port("web"), user))
        end = time.monotonic() + (0 if self.has_control else 5)
        while time.monotonic() < end and client.get("/api/ctl/v1/applications").status == 503:
            time.sleep(0.05)
        self.has_control = True
        return client
