# SPDX-License-Identifier: Apache-2.0
"""The acceptance scenarios of framework 17 that write to a store, once more in a real PostgreSQL: F1 to F7, F9, F11, F13,
F19, F29. F8 and F10 are in tests/unit/config, which runs on both, too; the others write nothing."""
import re
import unittest

import test_alarms
import test_config
import test_config_history
import test_control
import test_graceful
import test_rest
from databases import Postgres
from postgres_centre import InPostgres

SERVER = None
SCENARIO = re.compile(r"test_(\d+_)?[Ff]\d+_")


def setUpModule():
    global SERVER
    SERVER = Postgres().__enter__()


def tearDownModule():
    if SERVER:
        SERVER.close()


def in_postgres(case, names=SCENARIO):
    """The tests of `case` that are acceptance scenarios; what they install has its stores in the server."""
    class Installed(InPostgres, case.install):
        def close(self):
            files = [*self.data.glob("*/*.db")]
            super().close()
            assert not files, f"not in PostgreSQL: {files}"

    def install(*words, **more):
        return Installed(SERVER, *words, **more)
    others = {name: None for name in dir(case) if name.startswith("test") and not names.match(name)}
    return type(case.__name__, (case,), {"install": staticmethod(install), **others})


Rest = in_postgres(test_rest.Rest)
Cluster = in_postgres(test_config.Cluster)
History = in_postgres(test_config_history.History)
Control = in_postgres(test_control.Control, re.compile(r"test_\d+_f13_"))
Alarms = in_postgres(test_alarms.Alarms)
Graceful = in_postgres(test_graceful.Graceful, re.compile("test_f11_an_agent_"))

if __name__ == "__main__":
    unittest.main()
