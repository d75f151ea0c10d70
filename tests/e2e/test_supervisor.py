# SPDX-License-Identifier: Apache-2.0
"""The supervisor: framework 5, 6.1, 6.2, 6.4, F11; design 5 ("The supervisor may die")."""
import os
import signal
import sys
import time
import unittest

from harness import Installation, alone, http_call, process_lives, wait_until
from rest import RestCentre, rest_config

HOST = "localhost"


def application(name, kind, ports=(), **more):
    return {"name": name, "template": kind, "host": HOST, "tenants": ["Environment"],
            "ports": [{"id": one, "number": 1, **({"connectionProtocol": "http"} if one == "http" else {})}
                      for one in ports],
            "options": {}, **more}


def small_config():
    """config and outbound, nothing else."""
    return {"format": "cc-config", "version": 1,
            "tenants": [{"name": "Environment"}],
            "hosts": [{"name": HOST, "ipAddress": "127.0.0.1"}],
            "templates": [{"name": kind, "type": kind} for kind in ("ConfigurationServer", "CMServer")],
            "applications": [
                application("config", "ConfigurationServer", ["default"]),
                application("outbound", "CMServer", ["default", "http"],
                            connections=[{"server": "config"}])]}


class Boot(unittest.TestCase):
    @alone
    def test_the_sample_is_running_in_under_two_seconds(self):
        with Installation(small_config()) as centre:
            centre.stop()
            began = time.monotonic()
            centre.start()
            centre.wait_running()
            took = time.monotonic() - began
            self.assertLess(took, 2.0)

    def test_the_first_run_makes_a_secret_that_only_its_owner_may_read(self):
        with Installation() as centre:
            secret = centre.data / "secret/installation.key"
            self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
            self.assertEqual((centre.data / "secret").stat().st_mode & 0o777, 0o700)

    def test_a_second_supervisor_is_refused(self):
        with Installation() as centre:
            done = centre.cli("run", "--host-file", str(centre.host_file), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("another supervisor", done.stderr)
            self.assertEqual(centre.state("config"), "RUNNING")

    def test_a_mistake_in_host_jsonc_is_named(self):
        with Installation() as centre:
            centre.host_file.write_text('{ "hots": "x" }')
            done = centre.cli("run", "--host-file", str(centre.host_file), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("hots", done.stderr)


class Life(unittest.TestCase):
    alone = True

    @classmethod
    def setUpClass(cls):
        cls.centre = Installation(small_config(), options={"restart-quick-time": 0})
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    def setUp(self):
        if self.centre.supervisor.poll() is not None:
            self.centre.start()
        self.centre.wait_running()

    def test_a_killed_child_is_noticed_and_restarted_at_once(self):
        for name in ("outbound", "config"):
            former = self.centre.kill(name)
            began = time.monotonic()
            wait_until(lambda: self.centre.pid(name) not in (None, former), 5)
            self.assertLess(time.monotonic() - began, 0.5, name)
            self.centre.wait_running()

    def test_a_killed_supervisor_is_replaced_and_adopts(self):
        before = {name: self.centre.pid(name) for name in ("config", "outbound")}
        self.centre.kill("supervisor")
        time.sleep(0.5)
        self.assertEqual({name: self.centre.pid(name) for name in before}, before)
        self.centre.start()
        self.centre.wait_running()
        self.assertEqual({name: self.centre.pid(name) for name in before}, before)
        self.assertEqual(self.centre.metrics()["carillon_supervisor_adopted_total"], 2)

    def test_an_adopted_process_that_is_killed_is_restarted_at_once(self):
        self.centre.kill("supervisor")
        self.centre.start()
        self.centre.wait_running()
        former = self.centre.kill("outbound")
        began = time.monotonic()
        wait_until(lambda: self.centre.pid("outbound") not in (None, former), 5)
        self.assertLess(time.monotonic() - began, 0.5)
        self.centre.wait_running()

    def test_both_killed_come_back_once(self):
        former = self.centre.pid("outbound")
        self.centre.kill("supervisor")
        self.centre.kill("outbound")
        self.centre.start()
        self.centre.wait_running()
        self.assertNotEqual(self.centre.pid("outbound"), former)

    def test_a_command_stops_it_and_it_stays_stopped_until_started(self):
        self.centre.cli("stop", "outbound")
        self.assertEqual(self.centre.state("outbound"), "STOPPED")
        self.assertIsNone(self.centre.pid("outbound"))
        time.sleep(0.3)
        self.assertEqual(self.centre.state("outbound"), "STOPPED")
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 503)
        self.centre.cli("start", "outbound")
        self.assertEqual(self.centre.state("outbound"), "RUNNING")
        self.assertEqual(http_call(self.centre.metrics_port, "GET", "/health").status, 200)

    def test_the_metrics_page_has_the_figures_of_all(self):
        samples = self.centre.metrics()
        self.assertEqual(samples["carillon_supervisor_applications"], 2)
        self.assertEqual(samples['carillon_application_up{application="outbound"}'], 1)
        self.assertTrue([name for name in samples if "application=\"outbound\"" in name
                         and not name.startswith("carillon_application_up")], "outbound's own")

    def test_orders_for_an_unknown_application_are_refused_in_words(self):
        done = self.centre.cli("start", "nobody", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody", done.stderr)

    def test_status_is_printed_for_people_and_programs(self):
        self.assertIn("outbound", self.centre.cli("status").stdout)
        self.assertIn('"RUNNING"', self.centre.cli("status", "--json").stdout)

    def test_f11_ctrl_c_stops_all_gracefully_and_leaves_nothing_behind(self):
        pids = [self.centre.pid(name) for name in ("config", "outbound")]
        self.assertEqual(self.centre.stop(signal.SIGINT), 0)
        self.assertEqual([pid for pid in pids if process_lives(pid)], [])
        out = self.centre.output.read_text()
        self.assertLess(out.rindex("outbound: stopped"), out.rindex("config: stopped"))


class WithoutConfig(unittest.TestCase):
    def test_a_host_starts_its_applications_while_config_has_lost_its_data(self):
        with Installation(small_config(), options={"config-wait": 1}) as centre:
            centre.stop()
            os.rename(centre.data / "config", centre.data / "config.away")
            (centre.data / "config").touch()  # no folder: what a lost disk or database comes to
            centre.spawn()
            centre.wait_running(["outbound"])
            self.assertNotEqual("RUNNING", centre.state("config"))
            self.assertIn("04510 started from cached configuration", centre.logs("supervisor*"))
            self.assertEqual(0o600, (centre.data / "run" / "supervisor.kept").stat().st_mode & 0o777)


class ThirdParty(unittest.TestCase):
    def test_a_program_of_the_site_is_started_watched_and_stopped_like_an_application(self):
        config = rest_config(solutions=[{"name": "S", "startupType": "manual", "components": [{"app": "site", "startupPriority": 1}]}])
        config["applications"].append(
            {"name": "site", "type": "ThirdPartyServer", "host": HOST, "tenants": ["Environment"], "startupType": "manual",
             "ports": [{"id": "default", "number": 1}], "shutdownTimeout": 5, "options": {"third-party": {"probe": "http"}}})
        centre = RestCentre(users=["boss"], config=config, wait=False)
        folder = centre.folder / "site"
        folder.mkdir()
        centre.config["applications"][-1]["start"] = {
            "dir": str(folder), "command": sys.executable,
            "arguments": f"-m http.server --bind 127.0.0.1 {centre.port('site')}"}
        centre._write_files()
        with centre:
            boss = centre.client()
            self.assertEqual("STOPPED", centre.state("site"))
            started = boss.call("POST", "/api/ctl/v1/solutions/S/start")
            self.assertEqual(200, started.status, started)
            centre.wait_running(["site"])
            self.assertEqual(200, http_call(centre.port("site"), "GET", "/").status)
            wait_until(lambda: ("site", "ThirdPartyServer", "RUNNING") in [
                (one["name"], one.get("type"), one["state"])
                for one in boss.get("/api/ctl/v1/applications").json["applications"]], what="RUNNING at control")
            former = centre.kill("site")
            wait_until(lambda: centre.pid("site") not in (None, former), what="another process")
            centre.wait_running(["site"])
            pid = centre.pid("site")
            centre.cli("ctl", "stop", "site")
            wait_until(lambda: centre.state("site") == "STOPPED", what="STOPPED")
            self.assertFalse(process_lives(pid))
            self.assertIn("GET / HTTP/1.1", (centre.data / "logs" / "site.out").read_text())


class CrashLoop(unittest.TestCase):
    def test_too_many_quick_deaths_end_in_stopped_with_the_alarm(self):
        options = {"crash-loop-limit": 2, "restart-delay-first": 0, "restart-delay-max": 0}
        with Installation(small_config(), options=options) as centre:
            def runs(former):
                """The pid of the next one. Who is not born yet is not started, which is no death; the state may be the former's."""
                pid = centre.pid("outbound")
                return pid not in (None, former) and centre.state("outbound") == "RUNNING" and centre.pid("outbound") == pid and pid
            pid = None
            for _ in range(3):
                pid = wait_until(lambda former=pid: runs(former), 10, what="it runs again")
                os.kill(pid, signal.SIGKILL)
            loops = "carillon_supervisor_crash_loops_total"  # STOPPED it is for a moment after each death, too
            wait_until(lambda: centre.metrics()[loops], 10, what="a crash loop")
            time.sleep(0.3)
            self.assertEqual(centre.state("outbound"), "STOPPED")
            self.assertEqual(centre.state("config"), "RUNNING")
            self.assertEqual(centre.metrics()[loops], 1)
            self.assertIn("Crash loop", centre.logs("supervisor*"))
            centre.cli("start", "outbound")  # a person may try again


class Hung(unittest.TestCase):
    def test_f12_an_application_without_heartbeats_is_killed_and_restarted_or_reported_alone(self):
        config = small_config()
        config["applications"][1]["options"]["sml"] = {"heartbeat-period": "10"}
        config["applications"].append(application("other", "CMServer", ["default"], connections=[{"server": "config"}]))
        config["applications"][2]["options"]["sml"] = {"heartbeat-period": "10", "hangup-restart": "false"}
        with Installation(config, options={"hangup-abort-timeout": 1}) as centre:
            began = time.monotonic()
            former = centre.kill("outbound", signal.SIGSTOP)
            tolerated = centre.kill("other", signal.SIGSTOP)
            wait_until(lambda: centre.pid("outbound") not in (None, former), 20)
            self.assertTrue(6 < time.monotonic() - began < 12.5)  # 10 s after the last one
            centre.wait_running(["outbound"])
            self.assertIn("outbound: does not respond: no heartbeat for 10 s", centre.logs("supervisor*"))
            wait_until(lambda: "other: does not respond: no heartbeat for 10 s" in centre.logs("supervisor*"), 3)
            self.assertEqual((centre.pid("other"), centre.state("other")), (tolerated, "UNKNOWN"))
            centre.kill("other", signal.SIGCONT)
            centre.wait_running(["other"])
            self.assertEqual(centre.pid("other"), tolerated)


class Grace(unittest.TestCase):
    def test_applications_stop_when_no_supervisor_comes_back(self):
        config = small_config()
        config["applications"][1]["options"]["common"] = {"supervisor-grace": "1"}
        with Installation(config) as centre:
            pid = centre.pid("outbound")
            centre.kill("supervisor")
            time.sleep(0.3)
            self.assertTrue(process_lives(pid))
            wait_until(lambda: not process_lives(pid), 6)
