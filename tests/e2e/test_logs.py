# SPDX-License-Identifier: Apache-2.0
"""What outbound writes down (spec outbound 2.7, 19): the request log, the audit trail, the record
history, and what log filters hide of all of it (scenario 45)."""
import json
import unittest

from campaign import Centre, application, new_group, new_record, notifying
from harness import Receiver, wait_until

PHONE = "15550111"
HIDDEN = "****0111"


class Logs(unittest.TestCase):
    """One installation with every log switched on, and with GSW_PHONE half hidden."""

    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        groups = [new_group(i + 1) for i in range(4)]
        cls.centre = Centre(
            groups, {one.name: notifying(cls.receiver.url) for one in groups},
            application_options={
                "OCServer": {"log_call_stats": "true"},
                "log": {"verbose": "all", "all": "outbound"},
                "log-filter-data": {"GSW_PHONE": "hide-first,4", "Other1": "hide",
                                    "GSW_CUSTOMER_ID": "unhide-last,2", "Other2": "skip"}})
        config = cls.centre.config
        options = application(config, "outbound")["options"]
        options["log_call_stats"] = {"all": str(cls.centre.folder / "audit")}
        options["OCServer"]["dial_log_destination"] = str(cls.centre.folder / "history")
        options["OCServer"]["dial_log_buffer"] = "4"
        config["tableAccesses"].append({"name": "gsw_request_log", "type": "LogTable",
                                        "dbTableName": "my_requests"})
        cls.centre.config_file.write_text(json.dumps(config))
        history = cls.centre.folder / "history"
        history.mkdir()
        (history / f"{groups[0].list}.log").symlink_to("/dev/full")
        cls.centre.__enter__()
        cls.addClassCleanup(cls.centre.close)

    def worked(self, group, phone=PHONE, **keys):
        """One record added, given out, changed and processed."""
        self.centre.load_and_start(group)
        self.centre.add(group, phone, **keys)
        record = self.centre.preview(group, "a1").json
        handle = record["GSW_RECORD_HANDLE"]
        self.assertEqual(record["GSW_PHONE"], phone)
        for req, more in (("UpdateCallCompletionStats", {"Other1": "secret words"}),
                          ("RecordProcessed", {"GSW_CALL_RESULT": 33,
                                               "GSW_DISPOSITION_CODE": 'SALE, "big"'})):
            answer = self.centre.record(handle, req, GSW_PHONE=phone, **more)
            self.assertEqual(answer.status, 200, answer)
        return record

    def test_45_both_logs_hide_and_the_web_server_sees(self):
        group = self.centre.groups[0]
        self.worked(group, Other1="first secret", Other2="skipped words", GSW_CUSTOMER_ID="C-777")
        for keys in ({"GSW_PHONE": "9" * 160}, {"GSW_PHONE": [PHONE]}, {"GSW_FROM": "x"},
                     {"GSW_DATE_TIME": "soon"}):
            refused = self.centre.post(f"/lists/{group.list}", "AddRecord",
                                       **{**new_record(PHONE), **keys})
            self.assertEqual(refused.status, 400, refused)
        for path in (f"/phones/{PHONE}/more", f"/phones/%2B{PHONE}", "/customer_ids/C-777"):
            self.centre.post(path, "NoSuchRequest")
        answer = self.centre.post(f"/phones/{PHONE}", "RequestRecordCancel")
        self.assertEqual((answer.status, answer.json["GSW_PHONE"]), (200, PHONE))
        wait_until(lambda: self.receiver.requests, 10, what="a notification")
        body = next(one.json for one in self.receiver.requests
                    if one.json["GSW_CAMPAIGN_GROUP_NAME"] == group.name)
        self.assertEqual((body["GSW_PHONE"], body["Other1"]), (PHONE, "secret words"))
        logs = {"outbound": self.centre.logs("outbound.*.log"),
                "proxy": self.centre.logs("*_HTTPPRX*")}
        for name, log in logs.items():
            self.assertIn(HIDDEN, log, name)
            for word in (PHONE, "first secret", "secret words", "skipped words", "C-777"):
                self.assertNotIn(word, log, name)
        for path in (self.centre.data / "logs").iterdir():
            if path.is_file():
                self.assertNotIn(PHONE, path.read_text(errors="replace"), path)

    def test_a_full_disk_is_said_once_and_stops_nobody(self):
        group = self.centre.groups[0]
        for number in range(3):
            self.worked(group, f"1555055{number}")
        wait_until(lambda: "No space left on device" in self.centre.logs("outbound.*.log"), 10,
                   what="the full disk is said")
        self.worked(group, "15550559")
        said = [line for line in self.centre.logs("outbound.*.log").splitlines() if " 81193 " in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn(f"{group.list}.log cannot be written", said[0])

    def test_the_audit_trail_has_a_line_for_each_attempt(self):
        group = self.centre.groups[1]
        record = self.worked(group, "15550222")
        folder = self.centre.folder / "audit"
        names = [path.name for path in folder.iterdir()]
        for name in names:
            self.assertRegex(name, r"^CallStats\.\d{6}_\d{6}_\d{3}\.log$")
        lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()
                 if record["GSW_CALL_ATTEMPT_GUID"] in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,20\d\d-")
        self.assertIn(f",{group.campaign},{group.name},", lines[0])
        self.assertIn(',****0222,4,3,33,1,"SALE, ""big""",2,3,0,a1', lines[0])
        self.assertNotIn("15550222", lines[0])

    def test_the_record_history_is_a_flat_file_for_each_list(self):
        group = self.centre.groups[2]
        self.worked(group, "15550333")
        path = self.centre.folder / "history" / f"{group.list}.log"
        wait_until(lambda: path.is_file() and path.read_text().count("\n") >= 2, 10,
                   what="two lines of history")
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        self.assertEqual([row[1] for row in rows], ["given out", "processed"])
        self.assertEqual([row[9] for row in rows], ["****0333"] * 2)
        self.assertEqual([row[11:13] for row in rows], [["2", "28"], ["3", "33"]])
        self.assertEqual({len(row) for row in rows}, {16})

    def test_each_request_has_one_row_in_the_request_log(self):
        group = self.centre.groups[3]
        record = self.worked(group, "15550444")
        handle = record["GSW_RECORD_HANDLE"]
        late = self.centre.record(handle, "RecordProcessed", GSW_CALL_RESULT=6)
        self.assertEqual(late.status, 409)
        self.centre.preview(group, "a1")  # nothing is left
        blocked = self.centre.post("/phones/15550444", "DoNotCall")
        self.assertEqual(blocked.status, 200)

        def rows():
            return self.centre.select(
                "select request_type, agent_id, list_id, record_handle, contact_info, call_result, "
                "result_code from my_requests where group_id = ? or record_handle = ? or "
                "contact_info = '15550444' order by time_stamp, rowid", group.dbid, handle)

        wait_until(lambda: len(rows()) >= 7, 10, what="seven rows of the request log")
        found = sorted((row["request_type"], row["result_code"]) for row in rows())
        self.assertEqual(found, [(1, 0), (1, 3), (3, 0), (9, 0), (10, 0), (10, 6), (15, 0)])
        done = next(row for row in rows() if (row["request_type"], row["result_code"]) == (10, 0))
        self.assertEqual((done["agent_id"], done["record_handle"], done["contact_info"],
                          done["call_result"]), ("a1", handle, "15550444", 33))


if __name__ == "__main__":
    unittest.main()
