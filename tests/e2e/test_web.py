# SPDX-License-Identifier: Apache-2.0
"""web: log-in, sessions, and desktops over WebSocket, by real clients (src/servers/web/README.md)."""
import contextlib
import copy
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import stat
import statistics
import time
import unittest

from campaign import Centre, application
from harness import free_port, http_call, wait_until
from test_http_tls import make_certificate
from websocket_client import BINARY, Closed, Desktop, Refusal, Refused, WebSocket

PASSWORD = "correct-horse-1"


class WebCentre(Centre):
    """A centre with web, whose agents a1... have passwords when they are needed."""

    def __init__(self, groups=1, web_options=None, **more):
        super().__init__(groups, web=True, **more)
        web = application(self.config, "web")
        web["options"]["web"] = {"logins-per-address": "10000", "logins-per-account": "10000",
                                 **(web_options or {})}
        self._write_files()
        self.tokens = {}

    @property
    def web_port(self):
        return self.port("web")

    def set_password(self, user, password=PASSWORD, *words):
        return self.cli("password", user, *words, stdin=password + "\n")

    def post(self, path, req=None, **keys):
        if req is not None:
            return super().post(path, req, **keys)
        return http_call(self.web_port, "POST", path, keys)

    def login(self, user, password=PASSWORD, **more):
        return self.post("/api/login", user=user, password=password, **more)

    def token(self, user):
        """Of a session; the password is set the first time."""
        if user not in self.tokens:
            self.set_password(user)
            answer = self.login(user)
            assert answer.status == 200, answer
            self.tokens[user] = answer.json["token"]
        return self.tokens[user]

    def desktop(self, user, **more):
        return Desktop(self.web_port, self.token(user), **more)

    def session(self, token):
        return http_call(self.web_port, "GET", "/api/session", headers=bearer(token))

    def first_password(self):
        return (self.data / "secret/first-password").read_text().strip()

    def add_records(self, count, group=None):
        for number in range(count):
            self.add(group or self.groups[0], f"1555{number:04}")

    def wait_peer(self, desktop, seconds=20):
        """Until outbound answers this desktop again."""
        def answers():
            try:
                desktop.ask("DesktopSnapshot")
                return True
            except Refusal as refusal:
                assert refusal.error["retryable"] or refusal.name == "UnknownMessage", refusal
                return refusal.name != "Unavailable"
        wait_until(answers, seconds, every=0.1, what="outbound answers")


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def code(answer):
    return answer.json["error"]["code"]


class LogIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.centre = cls.stack.enter_context(WebCentre())
        cls.centre.set_password("a1")
        cls.centre.set_password("a2")

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def test_the_first_password_lies_in_a_private_file_and_must_be_changed(self):
        path = self.centre.data / "secret/first-password"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        password = self.centre.first_password()
        self.assertIn(str(path), self.centre.output.read_text())
        self.assertNotIn(password, self.centre.output.read_text() + self.centre.logs())
        answer = self.centre.login("default", password)
        self.assertEqual((answer.status, answer.json["mustChangePassword"]), (200, True))
        self.assertEqual(answer.json["person"]["access"], "administrator")
        headers = bearer(answer.json["token"])
        with self.assertRaises(Refused) as refused:
            WebSocket(self.centre.web_port, "/desktop", headers)
        self.assertEqual(refused.exception.json["error"]["code"], "MustChangePassword")

        def change(wanted):
            return http_call(self.centre.web_port, "POST", "/api/password",
                             {"password": password, "newPassword": wanted}, headers)
        self.assertEqual(code(change("short")), "BadPassword")
        self.assertEqual(code(change(password)), "BadPassword")
        self.assertEqual(change("Much-longer-1").status, 204)
        self.assertFalse(path.exists())
        self.assertEqual(self.centre.session(answer.json["token"]).json["mustChangePassword"], False)
        self.assertEqual(self.centre.login("default", password).status, 401)
        self.assertEqual(self.centre.login("default", "Much-longer-1").status, 200)

    def test_who_is_logged_in(self):
        # Framework 3.3: through an application logs in who may execute it; "default" is for tools.
        self.assertEqual(self.centre.login("a1", application="desk").status, 403)
        self.assertEqual(self.centre.login("a1", application="web").status, 403)
        answer = self.centre.login("a1", application="default")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["person"], {
            "employeeId": "a1", "userName": "a1", "firstName": "", "lastName": "",
            "access": "agent", "isAgent": True})
        self.assertGreater(answer.json["expires"], (time.time() + 7.9 * 3600) * 1000)
        session = self.centre.session(answer.json["token"])
        self.assertEqual(list(session.json["applications"]), ["outbound"])
        self.assertEqual(session.headers["Cache-Control"], "no-store")

    def test_every_refusal_is_the_same_and_takes_the_same_time(self):
        def attempt(user, password):
            began = time.monotonic()
            answer = self.centre.login(user, password)
            return time.monotonic() - began, answer.status, answer.body
        attempts = {"unknown": ("nobody-of-this-name", "x" * 15), "wrong": ("a2", "x" * 15),
                    "disabled": ("a6-disabled", "x" * 15), "none": ("a5", "x" * 15)}
        seen = {name: [attempt(*words) for _ in range(4)] for name, words in attempts.items()}
        self.assertEqual({(status, body) for one in seen.values() for _, status, body in one},
                         {(401, seen["wrong"][0][2])})
        times = {name: statistics.median(took for took, _, _ in one) for name, one in seen.items()}
        self.assertLess(max(times.values()), 3 * min(times.values()) + 0.05, times)
        self.assertGreater(min(times.values()), 0.005, times)  # all are hashed

    def test_bad_bodies_are_refused_by_field(self):
        def post(body, headers=None):
            return http_call(self.centre.web_port, "POST", "/api/login", body,
                             headers or {"Content-Type": "application/json"})
        for body, field in ((b'{"user":"a1"}', "password"), (b'{"user":7,"password":"x"}', "user"),
                            (b'{"user":"a1","password":""}', "password"),
                            (b'{"user":"a1","password":"x","cookie":"yes"}', "cookie"),
                            (b"[]", ""), (b"{", ""), (b'{"user":"a","user":"b"}', ""),
                            (b"\xff", "")):
            answer = post(body)
            self.assertEqual((answer.status, code(answer), answer.json["error"]["field"]),
                             (400, "BadRequest", field), body)
        self.assertEqual(post(b"{}", {"Content-Type": "text/plain"}).status, 415)
        long = post(json.dumps({"user": "a1", "password": "x" * 257}).encode())
        self.assertEqual(code(long), "BadRequest")
        self.assertEqual(post(b" " * (16 * 1024 + 1)).status, 413)

    def test_routes_methods_and_headers(self):
        centre = self.centre
        self.assertEqual(http_call(centre.web_port, "GET", "/api/nothing").status, 404)
        self.assertEqual(http_call(centre.web_port, "GET", "/api/login").status, 405)
        self.assertEqual(http_call(centre.web_port, "POST", "/health", {}).status, 405)
        self.assertNotIn(b"root:", http_call(centre.web_port, "GET", "/../etc/passwd").body)
        answer = http_call(centre.web_port, "GET", "/health")
        self.assertEqual((answer.status, answer.json), (200, {"status": "running"}))
        for path in ("/health", "/api/nothing", "/"):
            headers = http_call(centre.web_port, "GET", path).headers
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["X-Frame-Options"], "DENY")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(code(http_call(centre.web_port, "GET", "/api/session")), "NoSession")
        for header in ("Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer " + "0" * 64):
            answer = http_call(centre.web_port, "GET", "/api/session",
                               headers={"Authorization": header})
            self.assertEqual(answer.status, 401, header)

    def test_the_files_of_the_console(self):
        port = self.centre.web_port
        page = http_call(port, "GET", "/")
        if page.status == 404 or b"This build has no console" in page.body:
            self.skipTest("this binary has no console")
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertNotIn("immutable", page.headers["Cache-Control"])
        self.assertNotRegex(page.body.decode(), r"<script(?![^>]*\bsrc=)")  # the policy forbids it
        again = http_call(port, "GET", "/", headers={"If-None-Match": page.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(http_call(port, "GET", "/campaigns/101").body, page.body)
        self.assertEqual(http_call(port, "GET", "/nothing.js").status, 404)
        script = re.search(r'src="(/[^"]+\.js)"', page.body.decode())[1]
        plain = http_call(port, "GET", script)
        packed = http_call(port, "GET", script, headers={"Accept-Encoding": "br, gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertIn("immutable", plain.headers["Cache-Control"])
        self.assertEqual(http_call(port, "HEAD", script).headers["Content-Length"], str(len(plain.body)))

    def test_a_log_out_ends_the_session_and_its_websockets(self):
        token = self.centre.login("a1").json["token"]
        other = self.centre.login("a1").json["token"]
        with Desktop(self.centre.web_port, token) as desktop, \
                Desktop(self.centre.web_port, other) as stays:
            answer = http_call(self.centre.web_port, "POST", "/api/logout", headers=bearer(token))
            self.assertEqual(answer.status, 204)
            with self.assertRaises(Closed) as closed:
                desktop.receive()
            self.assertEqual(closed.exception.code, 4001)
            self.assertEqual(self.centre.session(token).status, 401)
            self.assertEqual(self.centre.session(other).status, 200)
            stays.socket.send_json({"ack": 0})
            with self.assertRaises(Refused) as refused:
                desktop.connect(resume=True)
            self.assertEqual(refused.exception.status, 401)

    def test_a_browser_has_a_cookie_and_must_say_where_it_comes_from(self):
        answer = self.centre.login("a1", cookie=True)
        self.assertNotIn("token", answer.json)
        cookie = answer.headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        cookie = cookie.split(";")[0]
        port = self.centre.web_port
        ours = f"http://127.0.0.1:{port}"
        self.assertEqual(http_call(port, "GET", "/api/session", headers={"Cookie": cookie}).status, 200)
        with Desktop(port, cookie=f"x=1; {cookie}; y=2", origin=ours) as desktop:
            self.assertEqual(desktop.welcome["person"]["employeeId"], "a1")
        for origin in (None, "null", "http://evil.example", f"https://127.0.0.1:{port}", ours + "0",
                       f"http://evil.example/{ours}"):
            with self.assertRaises(Refused) as refused:
                Desktop(port, cookie=cookie, origin=origin)
            self.assertEqual(refused.exception.json["error"]["code"], "BadOrigin", origin)
        other_site = {"Cookie": cookie, "Origin": "http://evil.example"}
        self.assertEqual(http_call(port, "POST", "/api/logout", headers=other_site).status, 403)
        self.assertEqual(http_call(port, "POST", "/api/logout",
                                   headers={"Cookie": cookie, "Origin": ours}).status, 204)
        self.assertEqual(http_call(port, "GET", "/api/session", headers={"Cookie": cookie}).status, 401)

    def test_the_password_command_checks_the_rules_and_ends_sessions(self):
        token = self.centre.login("a1").json["token"]
        with Desktop(self.centre.web_port, token) as desktop:
            done = self.centre.cli("password", "a1", stdin="short\n", check=False)
            self.assertEqual((done.returncode, "12 characters" in done.stderr), (1, True), done)
            self.assertEqual(self.centre.session(token).status, 200)
            generated = self.centre.cli("password", "a1", "--generate").stdout.strip()
            with self.assertRaises(Closed) as closed:
                desktop.receive()
            self.assertEqual(closed.exception.code, 4001)
        self.assertEqual(self.centre.session(token).status, 401)
        self.assertEqual(self.centre.login("a1").status, 401)
        self.assertEqual(self.centre.login("a1", generated).status, 200)
        self.centre.set_password("a1", PASSWORD, "--must-change")
        self.assertTrue(self.centre.login("a1").json["mustChangePassword"])
        self.centre.set_password("a1")
        self.assertEqual(self.centre.cli("password", "nobody", "--generate", check=False).returncode, 1)

    def test_the_first_password_of_an_own_change_ends_all_other_sessions(self):
        self.centre.set_password("a3")
        one, other = (self.centre.login("a3").json["token"] for _ in range(2))
        answer = http_call(self.centre.web_port, "POST", "/api/password",
                           {"password": "wrong-wrong-wrong", "newPassword": "another-one-2"}, bearer(one))
        self.assertEqual(code(answer), "BadCredentials")
        answer = http_call(self.centre.web_port, "POST", "/api/password",
                           {"password": PASSWORD, "newPassword": "another-one-2"}, bearer(one))
        self.assertEqual(answer.status, 204)
        wait_until(lambda: self.centre.session(other).status == 401, what="the other session ends")
        self.assertEqual(self.centre.session(one).status, 200)


class Accounts(unittest.TestCase):
    def test_failures_lock_the_account_across_a_restart_and_are_audited(self):
        with WebCentre() as centre:
            centre.apply(lambda config: config["tenants"][0].update(
                annex={"security-authentication-rules": {"account-lockout-threshold": "3"}}))
            centre.set_password("a1")
            centre.set_password("a2")
            for _ in range(3):
                self.assertEqual(centre.login("a1", "wrong-wrong-wrong").status, 401)
            self.assertEqual(centre.login("a1").status, 401)  # right, and locked
            self.assertEqual(centre.login("a2").status, 200)
            centre.kill("config")
            wait_until(lambda: centre.login("a2").status == 200, 20, what="config is back")
            self.assertEqual(centre.login("a1").status, 401)
            centre.set_password("a1")
            self.assertEqual(centre.login("a1").status, 200)
            with contextlib.closing(centre.sqlite("config")) as base:
                kinds = [kind for kind, in base.execute(
                    "select kind from account_event where user_name = 'a1' order by id")]
                reasons = {reason for reason, in base.execute("select reason from account_event")}
                hashes = [one for one, in base.execute("select hash from account")]
            self.assertEqual(kinds, ["password", "refused", "refused", "locked", "refused", "refused",
                                     "password", "login"])
            self.assertLessEqual({"wrong", "locked"}, reasons)
            self.assertTrue(all(one.startswith("$argon2id$") for one in hashes))
            self.assertIn("Account a1 is locked until 20", centre.logs("config*"))
            exported = centre.cli("config", "export").stdout
            self.assertNotIn("argon2", exported)
            self.assertIn('"default"', exported)

    def test_rate_limits_by_address_and_by_account(self):
        with WebCentre(web_options={"logins-per-address": "8", "logins-per-account": "3"}) as centre:
            answers = [centre.login("somebody", "x" * 12) for _ in range(4)]
            self.assertEqual([one.status for one in answers], [401, 401, 401, 429])
            self.assertEqual(code(answers[3]), "TooManyRequests")
            self.assertGreater(int(answers[3].headers["Retry-After"]), 0)
            answers = [centre.login(f"user-{number}", "x" * 12).status for number in range(6)]
            self.assertEqual(answers, [401, 401, 401, 401, 429, 429])

    def test_a_person_who_is_disabled_or_deleted_loses_everything_at_once(self):
        with WebCentre(web_options={"session-idle": "1"}) as centre:
            with centre.desktop("a1") as one, centre.desktop("a2") as other:
                def change(config):
                    persons = {person["employeeId"]: person for person in config["persons"]}
                    persons["a1"]["state"] = "disabled"
                centre.apply(change)
                with self.assertRaises(Closed) as closed:
                    one.receive()
                self.assertEqual(closed.exception.code, 4001)
                self.assertEqual(centre.session(centre.tokens["a1"]).status, 401)
                self.assertEqual(centre.login("a1").status, 401)
                self.assertEqual(centre.session(centre.tokens["a2"]).status, 200)

                def promote(config):
                    config["accessGroups"] = [
                        {"name": "Leads", "persons": ["a2"]},
                        {"name": "Administrators", "type": "Administrators", "groups": ["Leads"]}]
                with self.assertRaises(Refusal) as refusal:
                    other.ask("CampaignGroupList")
                self.assertEqual(refusal.exception.name, "Forbidden")
                centre.apply(promote)
                session = wait_until(lambda: (answer := centre.session(centre.tokens["a2"])).json["person"]
                                     ["access"] == "administrator" and answer, what="an administrator")
                self.assertEqual(session.status, 200)
                self.assertEqual(other.ask("Read", to="config", type="Tenant")["objects"][0]["key"],
                                 "Environment")

    def test_sessions_survive_kill_9_of_web_and_of_config(self):
        with WebCentre() as centre:
            token = centre.token("a1")
            centre.kill("web")
            wait_until(lambda: is_running(centre), 20, what="web is back")
            self.assertEqual(centre.session(token).status, 200)
            centre.kill("config")
            self.assertEqual(centre.session(token).status, 200)
            # A password that changes while web is away counts all the same.
            os.kill(wait_until(lambda: centre.pid("web")), signal.SIGSTOP)
            try:
                wait_until(lambda: centre.state("config") == "RUNNING", 20, what="config is back")
                web_pid = centre.pid("web")
                centre.set_password("a1", "another-one-2")
            finally:
                os.kill(web_pid, signal.SIGKILL)
            wait_until(lambda: is_running(centre), 20, what="web is back")
            wait_until(lambda: centre.session(token).status == 401, 10, what="the session has ended")


    def test_a_session_that_was_not_used_for_too_long_has_ended(self):
        with WebCentre() as centre:
            old, fresh = centre.token("a1"), centre.token("a2")
            self.assertEqual(centre.session(old).status, 200)
            centre.cli("stop", "web")
            wait_until(lambda: centre.pid("web") is None, 20, what="web has stopped")
            with contextlib.closing(sqlite3.connect(centre.data / "web/web.db")) as base:
                self.assertNotIn(old.encode(), b"".join(one for one, in base.execute(
                    "select token_hash from session")))
                base.execute("update session set used_utc_ms = used_utc_ms - 28800001 "
                             "where person_dbid = (select min(person_dbid) from session)")
                base.commit()
            centre.cli("start", "web")
            wait_until(lambda: is_running(centre), 20, what="web is back")
            self.assertEqual([centre.session(one).status for one in (old, fresh)], [401, 200])
            self.assertEqual(metric(centre, "web_sessions"), 1)


def is_running(centre):
    try:
        return http_call(centre.web_port, "GET", "/health", timeout=2).status == 200
    except OSError:
        return False


@unittest.skipUnless(shutil.which("openssl"), "no openssl command")
class Secure(unittest.TestCase):
    def test_a_secured_port_and_what_it_tells_browsers(self):
        centre = WebCentre()
        make_certificate(centre.folder, "ca")
        make_certificate(centre.folder, "server", "ca")
        web = application(centre.config, "web")
        number = centre.ports["web", "https"] = free_port()
        web["ports"] += [
            {"id": "https", "number": number, "connectionProtocol": "https",
             "certificate": str(centre.folder / "server.pem"), "certificateKey": str(centre.folder / "server.key")},
            # Plain, and for others to reach: refused, and the rest is served.
            {"id": "open", "number": free_port(), "connectionProtocol": "http",
             "transportParams": "address=0.0.0.0"}]
        centre._write_files()
        with centre:
            self.assertIn("needs TLS", centre.logs("web*"))
            centre.set_password("a1")
            context = ssl.create_default_context(cafile=str(centre.folder / "ca.pem"))
            connection = http.client.HTTPSConnection("127.0.0.1", number, context=context, timeout=10)
            with contextlib.closing(connection):
                connection.request("POST", "/api/login", json.dumps(
                    {"user": "a1", "password": PASSWORD, "cookie": True}), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                self.assertEqual(answer.status, 200, answer.read())
            cookie = answer.headers["Set-Cookie"]
            self.assertIn("; Secure", cookie)
            self.assertIn("max-age", answer.headers["Strict-Transport-Security"])
            cookie = cookie.split(";")[0]
            origin = f"https://127.0.0.1:{number}"
            with Desktop(number, cookie=cookie, origin=origin, tls=context) as desktop:
                self.assertEqual(desktop.welcome["person"]["employeeId"], "a1")
                centre.wait_peer(desktop)
            with self.assertRaises(Refused):
                Desktop(number, cookie=cookie, origin=origin.replace("https", "http"), tls=context)


class Desktops(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.centre = cls.stack.enter_context(WebCentre())
        cls.group = cls.centre.groups[0]
        cls.centre.load_and_start(cls.group)
        cls.centre.add_records(20)
        with cls.centre.desktop("a1") as desktop:
            cls.centre.wait_peer(desktop)

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def preview(self, desktop):
        return desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)

    def test_a_record_from_preview_to_processed(self):
        with self.centre.desktop("a1") as desktop:
            record = self.preview(desktop)
            self.assertEqual(record["GSW_AGENT_ID"], "a1")
            handle = record["GSW_RECORD_HANDLE"]
            updated = desktop.ask("UpdateCallCompletionStats", GSW_RECORD_HANDLE=handle,
                                  Other1="wants <b>price</b> list", GSW_REFERENCE_ID=7)
            self.assertEqual(updated["GSW_REFERENCE_ID"], 7)
            done = desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=handle, GSW_CALL_RESULT=33)
            self.assertEqual(done["GSW_RECORD_HANDLE"], handle)
            row = self.centre.rows(self.group, "chain_id = ?", record["GSW_CHAIN_ID"])[0]
            self.assertEqual((row["record_status"], row["call_result"], row["Other1"]),
                             (3, 33, "wants <b>price</b> list"))
            with self.assertRaises(Refusal) as refusal:
                desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=999999)
            self.assertEqual(refusal.exception.error["protocol"], "outbound")

    def test_an_agent_speaks_for_herself_and_an_administrator_for_anybody(self):
        centre = self.centre
        with centre.desktop("a2") as desktop:
            for fields in ({"GSW_AGENT_ID": "a3"}, {"GSW_AGENT_ID": 7}):
                with self.assertRaises(Refusal) as refusal:
                    desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid, **fields)
                self.assertEqual((refusal.exception.code, refusal.exception.error["field"]),
                                 (403, "GSW_AGENT_ID"))
            with self.assertRaises(Refusal) as refusal:
                desktop.ask("CampaignStop")
            self.assertEqual(refusal.exception.name, "Forbidden")
            with self.assertRaises(Refusal) as refusal:
                desktop.ask("ChangeSet", to="config", ops=[{"op": "delete", "type": "Campaign", "key": "C1"}])
            self.assertEqual(refusal.exception.name, "CFGNoPermission")
            for to, message in (("outbound", "DesktopPresence"), ("config", "Authenticate"),
                                ("config", "SetPassword"), ("config", "Subscribe"), ("supervisor", "Stop"),
                                ("outbound", "Nothing"), ("nobody", "Read")):
                with self.assertRaises(Refusal) as refusal:
                    desktop.ask(message, to=to)
                self.assertEqual(refusal.exception.name, "UnknownMessage", message)
        with centre.desktop("default") as desktop:
            record = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid,
                                 GSW_AGENT_ID="a4")
            self.assertEqual(record["GSW_AGENT_ID"], "a4")
            exported = desktop.ask("Export", to="config", types=["Campaign"])["text"]
            self.assertIn('"C1"', exported)
            changed = desktop.ask("ChangeSet", to="config", comment="by the console", ops=[
                {"op": "update", "type": "Campaign", "key": "C1",
                 "value": json.dumps({"description": "x"})}])
            self.assertGreater(changed["rev"], 1)
            with contextlib.closing(centre.sqlite("config")) as base:
                person, = base.execute("select person from history where rev = ?",
                                       (changed["rev"],)).fetchone()
            self.assertEqual(person, "default")
            centre.apply(lambda config: (config.update(secrets={"hook": {"$env": "HOME"}}),
                                         config["campaigns"][0].update(
                                             annex={"default": {"x": {"$secret": "hook"}}})))
            body = desktop.ask("Read", to="config", type="Campaign", key="C1")["objects"][0]["body"]
            self.assertIn('{"$secret":"hook"}', body)
            self.assertNotIn(os.environ["HOME"] + '"', body)
            with self.assertRaises(Refusal) as refusal:
                desktop.ask("ChangeSet", to="config", ops=[{"op": "delete", "type": "Campaign", "key": "no"}])
            self.assertEqual(refusal.exception.error["protocol"], "config")
            self.assertTrue(refusal.exception.error["details"])
            desktop.ask("RecordReject", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"], GSW_AGENT_ID="a4")

    def test_wrong_fields_are_named_and_the_connection_goes_on(self):
        with self.centre.desktop("a1") as desktop:
            for message, fields, field in (
                    ("RecordProcessed", {}, "GSW_RECORD_HANDLE"),
                    ("RecordProcessed", {"GSW_RECORD_HANDLE": "x"}, "GSW_RECORD_HANDLE"),
                    ("RecordProcessed", {"GSW_RECORD_HANDLE": 1, "GSW_TREATMENT": "No"}, "GSW_TREATMENT")):
                with self.assertRaises(Refusal) as refusal:
                    desktop.ask(message, **fields)
                self.assertEqual((refusal.exception.name, refusal.exception.error["field"]),
                                 ("BadField", field))
            with self.assertRaises(Refusal) as refusal:
                desktop.ask("PreviewRecordRequest", GSW_APPLICATION_ID=4711)
            self.assertEqual(refusal.exception.name, "UnknownApplication")
            dbid = desktop.welcome["applications"]["outbound"]
            record = desktop.ask("PreviewRecordRequest", GSW_APPLICATION_ID=dbid,
                                 GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)
            desktop.ask("RecordReject", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"])

    def test_hostile_frames_are_refused_one_by_one_and_then_the_sender(self):
        port, token = self.centre.web_port, self.centre.token("a3")
        bad = ["", "x", "[]", "7", "null", '{"ref":1}', '{"ack":"x"}', '{"ack":-1}',
               '{"to":"outbound","message":"RecordProcessed","ref":0,"fields":{}}',
               '{"to":"outbound","message":"RecordProcessed","ref":1.5,"fields":{}}',
               '{"to":"outbound","message":"RecordProcessed","ref":9007199254740992,"fields":{}}',
               '{"to":"outbound","message":"RecordProcessed","ref":3,"fields":[]}',
               '{"to":7,"message":"RecordProcessed","ref":4}', '{"to":"outbound","message":"","ref":5}',
               '{"a":1,"a":2}', "[" * 1000, '{"to":' * 100, '"\\ud800"']
        with Desktop(port, token) as desktop:
            for frame in bad:
                desktop.socket.send(frame)
                answer = desktop.receive()
                self.assertEqual(answer["error"]["name"], "BadFrame", frame)
            # The good one between them is answered as ever.
            with self.assertRaises(Refusal):
                desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=999999)
            with self.assertRaises(Closed) as closed:
                for _ in range(30):
                    desktop.socket.send("x")
                    desktop.receive()
            self.assertEqual(closed.exception.code, 1008)
        for send, code_ in ((lambda s: s.send_frame(BINARY, b"x"), 1003),
                            (lambda s: s.send(b"\xff\xfe"), 1007),
                            (lambda s: s.send_frame(1, b"{}", masked=False), 1002),
                            (lambda s: s.send_frame(1, b"{}", first_byte=0xc1), 1002),
                            (lambda s: s.send(b'"' + b"x" * 1100000 + b'"'), 1009)):
            with Desktop(port, token) as desktop:
                with self.assertRaises((Closed, OSError)) as closed:
                    send(desktop.socket)
                    desktop.receive()
                if isinstance(closed.exception, Closed):
                    self.assertEqual(closed.exception.code, code_)
        many = json.dumps({"to": "outbound", "message": "RecordProcessed", "ref": 1,
                           "fields": {f"k{number}": 1 for number in range(2000)}})
        with Desktop(port, token) as desktop:
            desktop.socket.send(many)
            self.assertEqual(desktop.receive()["error"]["name"], "BadFrame")

    def test_two_desktops_of_one_agent(self):
        with self.centre.desktop("a5") as one, self.centre.desktop("a5") as other:
            self.assertNotEqual(one.session, other.session)
            record = self.preview(one)
            same = other.ask("RecordStatusRequest", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"])
            self.assertEqual(same["GSW_CHAIN_ID"], record["GSW_CHAIN_ID"])
            other.ask("RecordReject", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"])

    def test_a_cut_socket_resumes_and_nothing_is_missing(self):
        with self.centre.desktop("a1") as desktop:
            session, handles = desktop.session, []
            for _ in range(3):
                ref = desktop.send("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)
                time.sleep(0.1)
                desktop.cut()  # with the answer on its way
                self.assertTrue(desktop.connect(resume=True)["resumed"])
                self.assertEqual(desktop.session, session)
                handles.append(desktop.reply(ref)["fields"]["GSW_RECORD_HANDLE"])
            self.assertEqual(len(set(handles)), 3)
            # A request that is repeated with its ref has its effect once.
            ref = desktop.send("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)
            desktop.send("PreviewRecordRequest", ref=ref, GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)
            handles.append(desktop.reply(ref)["fields"]["GSW_RECORD_HANDLE"])
            desktop.socket.send_json({"ack": desktop.seq})
            desktop.cut()
            self.assertTrue(desktop.connect(resume=True)["resumed"])
            for handle in handles:
                desktop.ask("RecordReject", GSW_RECORD_HANDLE=handle)
            # Another one cannot take it; nor is an old number good.
            with self.centre.desktop("a2") as thief:
                stolen = desktop.session
                thief.session, thief.seq = stolen, desktop.seq
                welcome = thief.connect(resume=True)
                self.assertFalse(welcome["resumed"])
                self.assertNotEqual(welcome["session"], stolen)
            desktop.seq = 1
            self.assertFalse(desktop.connect(resume=True)["resumed"])
            self.assertEqual(desktop.session, session)
            self.assertEqual(desktop.event("Snapshot").get("Records", []), [])

    def test_a_second_socket_takes_the_desktop_over(self):
        with self.centre.desktop("a1") as desktop:
            former = desktop.socket
            desktop.socket = None
            self.assertTrue(desktop.connect(resume=True)["resumed"])
            with self.assertRaises(Closed) as closed:
                former.receive()
            self.assertEqual(closed.exception.code, 4002)
            former.cut()
            desktop.ask("DesktopSnapshot")

    def test_requests_in_flight_and_a_second_are_limited(self):
        with self.centre.desktop("a4") as desktop:
            refs = [desktop.send("DesktopSnapshot") for _ in range(300)]
            answers = {frame["ref"]: frame for frame in (desktop.receive() for _ in refs)}
            self.assertEqual(set(answers), set(refs))
            refused = [frame["error"] for frame in answers.values() if "error" in frame]
            self.assertTrue(refused)
            self.assertEqual({one["name"] for one in refused}, {"TooManyRequests"})
            self.assertTrue(all(one["retryable"] and one["retry_after_ms"] > 0 for one in refused))


    def test_events_go_to_whom_they_concern(self):
        centre, group = self.centre, self.group
        with centre.desktop("a1") as one, centre.desktop("a1") as second, centre.desktop("b1") as other, \
                centre.desktop("default") as administrator:
            centre.order(group, "Stop")
            stopped = one.event("CampaignStopped")
            self.assertEqual(stopped["GSW_CAMPAIGN_GROUP_DBID"], group.dbid)
            self.assertEqual(stopped["GSW_APPLICATION_ID"], one.welcome["applications"]["outbound"])
            for desktop in (second, administrator):
                self.assertEqual(desktop.event("CampaignStopped"), stopped)
                self.assertEqual(desktop.seq, one.seq)  # one frame for all
            centre.order(group, "Start", GSW_DIAL_MODE=3)
            one.event("CampaignStarted")
            record = self.preview(second)
            withdrawn = administrator.ask("RequestRecordCancel", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"])
            self.assertEqual(withdrawn["GSW_RECORDS"], 1)
            for desktop in (one, second):
                self.assertEqual(desktop.event("RecordCancelNotification")["GSW_RECORD_HANDLE"],
                                 record["GSW_RECORD_HANDLE"])
            other.ask("DesktopSnapshot")
            administrator.ask("CampaignGroupList")
            self.assertEqual(other.frames, [])  # of another group
            self.assertEqual([frame["message"] for frame in administrator.frames], ["CampaignStarted"])


class Storms(unittest.TestCase):
    def test_requests_survive_kill_9_of_web_and_of_outbound_once_each(self):
        with WebCentre() as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            centre.add_records(30)
            with centre.desktop("a1") as desktop:
                centre.wait_peer(desktop)
                for victim in ("web", "outbound", "web", "outbound"):
                    ref = desktop.send("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=group.dbid)
                    centre.kill(victim)
                    record = self.repeat(centre, desktop, ref, "PreviewRecordRequest",
                                         GSW_CAMPAIGN_GROUP_DBID=group.dbid)
                    self.assertEqual(self.in_hand(centre), 1, victim)
                    ref = desktop.send("RecordProcessed", GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"],
                                       GSW_CALL_RESULT=33)
                    centre.kill(victim)
                    self.repeat(centre, desktop, ref, "RecordProcessed",
                                GSW_RECORD_HANDLE=record["GSW_RECORD_HANDLE"], GSW_CALL_RESULT=33)
                    self.assertEqual(self.in_hand(centre), 0, victim)
            self.assertEqual(len(centre.rows(group, "record_status = 3")), 4)

    @staticmethod
    def in_hand(centre):
        return centre.select("select count(*) as n from round where state = 1")[0]["n"]

    @staticmethod
    def repeat(centre, desktop, ref, message, **fields):
        """As a client does: resume where need be, wait where told, and ask again with the ref."""
        end = time.monotonic() + 30
        while True:
            try:
                return desktop.reply(ref, 5)["fields"]
            except Refusal as refusal:
                if not refusal.error["retryable"]:
                    raise
                time.sleep(min(refusal.error.get("retry_after_ms", 100), 300) / 1000)
            except (Closed, OSError):
                wait_until(lambda: reconnect(desktop), 20, every=0.1, what="web is back")
            if time.monotonic() > end:
                raise AssertionError("it was never answered")
            with contextlib.suppress(Closed, OSError):
                desktop.send(message, ref=ref, **fields)

    def test_a_desktop_that_was_away_gets_a_snapshot_after_a_restart_of_web_and_of_outbound(self):
        with WebCentre() as centre:
            group = centre.groups[0]
            centre.load_and_start(group)
            centre.add_records(3)
            with centre.desktop("a1") as desktop:
                centre.wait_peer(desktop)
                record = desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=group.dbid)
                session, seq = desktop.session, desktop.seq
                for victim in ("web", "outbound"):
                    centre.kill(victim)
                    if victim == "web":
                        wait_until(lambda: reconnect(desktop), 20, every=0.1, what="web is back")
                        self.assertFalse(desktop.welcome["resumed"])
                        self.assertEqual(desktop.session, session)
                        self.assertGreater(desktop.welcome["seq"], seq)
                    snapshot = desktop.event("Snapshot", 30)
                    self.assertEqual([one["GSW_RECORD_HANDLE"] for one in snapshot["Records"]],
                                     [record["GSW_RECORD_HANDLE"]])

    def test_while_outbound_is_away_requests_are_refused_and_may_be_repeated(self):
        with WebCentre() as centre:
            with centre.desktop("a1") as desktop:
                centre.wait_peer(desktop)
                centre.cli("stop", "outbound")
                wait_until(lambda: centre.pid("outbound") is None, 20, what="outbound has stopped")
                with self.assertRaises(Refusal) as refusal:
                    desktop.ask("DesktopSnapshot")
                error = refusal.exception.error
                self.assertEqual((error["protocol"], error["name"], error["retryable"]),
                                 ("web", "Unavailable", True))
                self.assertGreater(error["retry_after_ms"], 0)
                centre.cli("start", "outbound")
                centre.wait_peer(desktop)

    def test_a_stop_of_web_says_so_and_the_desktop_comes_back(self):
        with WebCentre() as centre:
            with centre.desktop("a1") as desktop:
                session = desktop.session
                centre.cli("stop", "web")
                with self.assertRaises(Closed) as closed:
                    desktop.receive()
                self.assertEqual(closed.exception.code, 1001)
                centre.cli("start", "web")
                wait_until(lambda: reconnect(desktop), 20, every=0.1, what="web is back")
                self.assertEqual((desktop.session, desktop.welcome["resumed"]), (session, False))
                self.assertIn("Records", desktop.event("Snapshot", 20))

    def test_one_of_several_outbound_applications_is_chosen_by_its_dbid(self):
        with WebCentre(http=False) as centre:
            def add_another(config):
                another = copy.deepcopy(application(config, "outbound"))
                another.update(name="outbound2", ports=[{"id": "default", "number": free_port()}])
                config["applications"].append(another)
                application(config, "web")["connections"].append({"server": "outbound2"})
            with centre.desktop("a1") as desktop:
                centre.wait_peer(desktop)
                centre.apply(add_another)
                centre.wait_running(["outbound2"])
                desktop.connect()
                applications = desktop.welcome["applications"]
                self.assertEqual(set(applications), {"outbound", "outbound2"})
                with self.assertRaises(Refusal) as refusal:
                    desktop.ask("DesktopSnapshot")
                self.assertEqual(refusal.exception.name, "UnknownApplication")

                def answers(dbid):
                    with contextlib.suppress(Refusal):
                        return desktop.ask("DesktopSnapshot", GSW_APPLICATION_ID=dbid)
                    return None
                for dbid in applications.values():
                    snapshot = wait_until(lambda dbid=dbid: answers(dbid), 10, 0.1, "an answer")
                    self.assertEqual(snapshot["GSW_AGENT_ID"], "a1")

    def test_a_storm_of_connections_is_admitted_bit_by_bit(self):
        options = {"desktops-per-second": "20", "desktops-per-person": "1000", "resume-time": "1"}
        with WebCentre(web_options=options) as centre:
            token, refused = centre.token("a1"), []
            with contextlib.ExitStack() as stack:
                for _ in range(60):
                    try:
                        stack.enter_context(Desktop(centre.web_port, token))
                    except Refused as one:
                        refused.append(one)
                self.assertTrue(refused)
                self.assertEqual({(one.status, one.json["error"]["code"]) for one in refused},
                                 {(503, "Unavailable")})
                self.assertTrue(all(int(one.headers["retry-after"]) >= 1 for one in refused))
                self.assertGreaterEqual(metric(centre, "web_desktops_connected"), 40)
            # Those that do not come back in time are forgotten.
            wait_until(lambda: metric(centre, "web_desktops") == 0, 15, what="desktops are forgotten")

    def test_one_person_has_so_many_desktops_and_the_longest_away_makes_room(self):
        with WebCentre(web_options={"desktops-per-person": "3"}) as centre:
            token = centre.token("a1")
            with Desktop(centre.web_port, token) as one, Desktop(centre.web_port, token), \
                    Desktop(centre.web_port, token):
                with self.assertRaises(Refused) as refused:
                    Desktop(centre.web_port, token)
                self.assertEqual(refused.exception.status, 429)
                one.cut()

                def comes():
                    with contextlib.suppress(Refused):
                        Desktop(centre.web_port, token).cut()
                        return True
                    return False
                wait_until(comes, 10, every=0.1, what="room for another")


def metric(centre, name):
    return sum(number for labelled, number in centre.metrics().items()
               if labelled.split("{")[0] == f"carillon_{name}")


def reconnect(desktop):
    try:
        desktop.connect(resume=True)
        return True
    except (Refused, Closed, OSError):
        return False
