# SPDX-License-Identifier: Apache-2.0
"""What persons who are logged in try that they have no right to, and what those who are not cost us."""
import contextlib
import json
import sqlite3
import threading
import time
import unittest

from campaign import application, notifying
from desktops import DesktopCentre, RawSocket, log_in
from harness import Receiver, http_call, wait_until
from websocket_client import Closed, Desktop, Refusal, Refused

BOSS = "boss"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def amend(config):
    """An administrator, and tenant B with a person whose employee id tenant Environment has, too."""
    config["tenants"] = [{"name": "B"}]
    config["persons"] += [{"employeeId": BOSS, "userName": BOSS},
                          {"employeeId": "a1", "userName": "b-a1", "isAgent": True, "tenant": "B"},
                          {"employeeId": "b-boss", "userName": "b-boss", "tenant": "B"}]
    config["accessGroups"] = [{"name": "Bosses", "type": "Administrators", "persons": [BOSS]},
                              {"name": "Bosses", "type": "Administrators", "persons": ["b-boss"], "tenant": "B"}]
    application(config, "web")["tenants"] = ["Environment", "B"]
    application(config, "outbound")["tenants"] = ["Environment"]


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.receiver = cls.stack.enter_context(Receiver())
        cls.centre = cls.stack.enter_context(DesktopCentre(
            users=("a1", "a2", BOSS, "b-a1", "b-boss"), amend=amend, options={"G1": notifying(cls.receiver.url)},
            web_options={"logins-per-address": "1000", "logins-per-account": "1000", "desktops-per-second": "100"}))
        cls.group = cls.centre.groups[0]
        cls.centre.load_and_start(cls.group)

    def desktop(self, user):
        return Desktop(self.centre.web_port, self.centre.log_in(user))

    def preview(self, desktop, phone):
        self.centre.add(self.group, phone)
        return desktop.ask("PreviewRecordRequest", GSW_CAMPAIGN_GROUP_DBID=self.group.dbid)

    @staticmethod
    def is_there(desktop):
        with contextlib.suppress(Refusal):
            return desktop.ask("CampaignGroupList")

    def test_the_chain_of_another_agent_is_not_shown(self):
        with self.desktop("a1") as owner, self.desktop("a2") as stranger, self.desktop(BOSS) as boss:
            handle = self.preview(owner, "15550180")["GSW_RECORD_HANDLE"]
            with self.assertRaises(Refusal) as refusal:
                stranger.ask("ChainedRecordRequest", GSW_RECORD_HANDLE=handle)
            self.assertEqual((refusal.exception.code, refusal.exception.error["field"]), (5, "GSW_AGENT_ID"))
            for desktop in (owner, boss):
                self.assertEqual(desktop.ask("ChainedRecordRequest", GSW_RECORD_HANDLE=handle)["Records"], [])
            owner.ask("RecordReject", GSW_RECORD_HANDLE=handle)

    def test_the_past_record_of_another_agent_is_not_blocked(self):
        with self.desktop("a1") as owner, self.desktop("a2") as stranger:
            handle = self.preview(owner, "15550182")["GSW_RECORD_HANDLE"]
            owner.ask("RecordProcessed", GSW_RECORD_HANDLE=handle, GSW_CALL_RESULT=33)
            with self.assertRaises(Refusal) as refusal:
                stranger.ask("DoNotCall", GSW_RECORD_HANDLE=handle)
            self.assertEqual((refusal.exception.code, refusal.exception.error["field"]), (5, "GSW_AGENT_ID"))
            self.assertEqual(owner.ask("DoNotCall", GSW_RECORD_HANDLE=handle)["GSW_RECORD_HANDLE"], handle)

    def test_a_person_of_a_tenant_that_outbound_does_not_serve_is_nobody_there(self):
        for user in ("b-a1", "b-boss"):
            with self.desktop(user) as desktop:
                self.assertEqual(desktop.welcome["applications"], {})
                for fields in ({}, {"GSW_APPLICATION_ID": 2}):
                    with self.assertRaises(Refusal) as refusal:
                        desktop.ask("CampaignStatus", **fields)
                    self.assertEqual(refusal.exception.name, "UnknownApplication")
        with self.desktop("b-a1") as stranger, self.desktop("b-boss") as strange_boss, self.desktop(BOSS) as boss:
            self.centre.order(self.group, "Stop")
            boss.event("CampaignStopped")
            self.centre.order(self.group, "Start", GSW_DIAL_MODE=3)
            boss.event("CampaignStarted")
            for desktop in (stranger, strange_boss):
                with self.assertRaises(TimeoutError):
                    desktop.receive(0.3)

    def test_a_replay_that_is_repeated_replays_once(self):
        with self.desktop("a1") as desktop:
            handle = self.preview(desktop, "15550181")["GSW_RECORD_HANDLE"]
            desktop.ask("RecordProcessed", GSW_RECORD_HANDLE=handle, GSW_CALL_RESULT=33)
        self.receiver.wait_for(1)
        guid = self.receiver.requests[0].json["GSW_MESSAGE_GUID"]
        with self.desktop(BOSS) as boss:
            wait_until(lambda: boss.ask("NotificationGet", guid=guid)["row"]["state"] == "sent", what="it is sent")
            first = boss.ask("NotificationReplay", guid=guid, ref=1000)
            self.receiver.wait_for(2)
            wait_until(lambda: boss.ask("NotificationGet", guid=guid)["row"]["state"] == "sent", what="it is sent again")
            self.centre.kill("web")  # which has forgotten the answer then
            self.centre.wait_for_web()
            boss.connect(resume=True)
            wait_until(lambda: self.is_there(boss), what="web reaches outbound")
            self.assertEqual(boss.ask("NotificationReplay", guid=guid, ref=1000), first)
            time.sleep(0.3)
            self.assertEqual(len(self.receiver.requests), 2)

    def test_who_sends_too_much_is_sent_away_and_may_come_back(self):
        token = self.centre.log_in("a2")
        raw = RawSocket(self.centre.web_port, "/desktop", bearer(token))
        welcome = json.loads(raw.receive())["fields"]
        frame = json.dumps({"ack": 0, "more": "x" * 1000000}).encode()
        with self.assertRaises(Closed) as closed:
            for _ in range(10):
                raw.send_raw(0x81, frame)
            raw.receive()
        self.assertEqual(closed.exception.code, 1013)
        raw.cut()
        again = RawSocket(self.centre.web_port, f"/desktop?session={welcome['session']}&seq={welcome['seq']}", bearer(token))
        self.assertTrue(json.loads(again.receive())["fields"]["resumed"])
        again.cut()

    def test_who_connects_all_the_time_keeps_nobody_else_out(self):
        token, other = self.centre.log_in("a1"), self.centre.log_in("a2")
        statuses = set()
        for _ in range(60):
            try:
                RawSocket(self.centre.web_port, "/desktop", bearer(token)).cut()
            except Refused as refused:
                statuses.add(refused.status)
        self.assertEqual(statuses, {429})
        RawSocket(self.centre.web_port, "/desktop", bearer(other)).cut()


class Memory(unittest.TestCase):
    def test_what_is_kept_for_all_has_a_bound(self):
        with DesktopCentre(users=(BOSS,), amend=amend, web_options={"resume-bytes-of-all": "1"}) as centre:
            token, frames = centre.log_in(BOSS), 0
            with contextlib.ExitStack() as stack:
                desktops = [stack.enter_context(Desktop(centre.web_port, token)) for _ in range(8)]
                sessions = [(desktop.session, desktop.seq) for desktop in desktops]
                for desktop in desktops:  # none of them says what it has handled
                    kept = 0
                    while kept < 200 * 1024:
                        kept += len(json.dumps(desktop.ask("Export", to="config")))
                        frames += 1
                        time.sleep(0.02)
                resumed = []
                for desktop, (session, seq) in zip(desktops, sessions):
                    desktop.cut()
                    raw = RawSocket(centre.web_port, f"/desktop?session={session}&seq={seq}", bearer(token))
                    resumed.append(json.loads(raw.receive())["fields"]["resumed"])
                    raw.cut()
            self.assertTrue(resumed[0], (resumed, frames))
            self.assertFalse(resumed[-1], (resumed, frames))


class BeforeLogIn(unittest.TestCase):
    def test_a_log_out_that_is_not_on_disk_is_not_acknowledged(self):
        with DesktopCentre(users=("a1",)) as centre:
            token = centre.log_in("a1")
            base = sqlite3.connect(centre.data / "web/web.db", isolation_level=None)
            base.execute("begin immediate")  # the disk takes its time
            heard = []

            def log_out():
                with contextlib.suppress(OSError):
                    heard.append(http_call(centre.web_port, "POST", "/api/logout", headers=bearer(token)).status)
            thread = threading.Thread(target=log_out)
            thread.start()
            time.sleep(0.3)
            self.assertNotIn(204, heard)
            base.execute("rollback")
            base.close()
            thread.join()
            self.assertEqual(heard, [204])
            centre.kill("web")
            centre.wait_for_web()
            self.assertEqual(http_call(centre.web_port, "GET", "/api/session", headers=bearer(token)).status, 401)
            self.assertTrue(log_in(centre.web_port, "a1"))


if __name__ == "__main__":
    unittest.main()
