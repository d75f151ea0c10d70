#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/check-dependencies: what it makes of `apt-cache policy`."""
import importlib.machinery
import importlib.util
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402

PATH = pathlib.Path(__file__).resolve().parents[3] / "tools/check-dependencies"
LOADER = importlib.machinery.SourceFileLoader("check_dependencies", str(PATH))
check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_dependencies", LOADER))
LOADER.exec_module(check)

POLICY = """libold:
  Installed: 15.18-0+deb12u1
  Candidate: 15.20-0+deb12u1
  Version table:
     15.20-0+deb12u1 500
        500 http://example.net/debian-security bookworm-security/main amd64 Packages
 *** 15.18-0+deb12u1 500
        500 http://example.net/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
libnew:
  Installed: 7.88.1-10+deb12u15
  Candidate: 7.88.1-10+deb12u15
  Version table:
 *** 7.88.1-10+deb12u15 500
        500 http://example.net/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
     7.88.1-10+deb12u5 500
        500 http://example.net/debian-security bookworm-security/main amd64 Packages
libplain:
  Installed: 1.47.0-2
  Candidate: 1.47.0-2+b2
  Version table:
     1.47.0-2+b2 500
        500 http://example.net/debian bookworm/main amd64 Packages
 *** 1.47.0-2 100
        100 /var/lib/dpkg/status
libabsent:
  Installed: (none)
  Candidate: 1
  Version table:
     1 500
        500 http://example.net/debian bookworm/main amd64 Packages
"""


def checks():
    found = check.policies(POLICY)
    yield "a newer version in the security suite is found", check.newer_version(*found["libold"]) == ("15.20-0+deb12u1", True)
    yield "an older one there is none", check.newer_version(*found["libnew"]) is None
    yield "a newer one elsewhere is told apart", check.newer_version(*found["libplain"]) == ("1.47.0-2+b2", False)
    yield "what is not installed is known as such", found["libabsent"][0] is None


if __name__ == "__main__":
    sys.exit(tap.run(checks()))
