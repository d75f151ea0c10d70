# SPDX-License-Identifier: Apache-2.0
"""Disks that can be filled, made read-only and mended, without root: a tmpfs in a mount namespace of the
test's own. A class of tests in it runs itself again inside, each test in a process of its own.

    class FullDisk(OnSmallDisk):
        def test_it(self):
            disk = self.mount(centre.data, mib=16)     # before the centre starts
            disk.fill(); ...; disk.free()
            with disk.read_only(): ...
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import unittest

from harness import TOP, binary

INSIDE = "CARILLON_TEST_INSIDE"


class SmallDisk:
    def __init__(self, path, mib):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.ballast = self.path / "ballast"
        self.mount("-t", "tmpfs", "-o", f"size={mib}m,mode=700", "small")

    def mount(self, *words):
        subprocess.run(["mount", *words, str(self.path)], check=True)

    def fill(self):
        """To the last byte."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self):
        self.ballast.unlink(missing_ok=True)

    def remount(self, how):
        """`ro` works only while no file is open for writing."""
        self.mount("-o", f"remount,{how}")

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


class OnSmallDisk(unittest.TestCase):
    time_limit = 180

    def run(self, result=None):
        if os.environ.get(INSIDE):
            return super().run(result)
        result.startTest(self)
        try:
            self._run_inside(result)
        finally:
            result.stopTest(self)
        return result

    def _run_inside(self, result):
        unshare = ["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m"]
        tried = subprocess.run([*unshare, "mount", "-t", "tmpfs", "small", "/mnt"], capture_output=True, text=True)
        if tried.returncode:
            result.addSkip(self, f"no mount namespace here: {tried.stderr.strip()}")
            return
        done = subprocess.run([*unshare, sys.executable, TOP / "tests/e2e/harness.py", "--binary", binary(), self.id()],
                              capture_output=True, text=True, env=dict(os.environ, **{INSIDE: "1"}))
        if done.returncode:
            problem = AssertionError(done.stdout + done.stderr)
            result.addFailure(self, (AssertionError, problem, None))
        elif "# SKIP" in done.stdout:
            result.addSkip(self, done.stdout.partition("# SKIP")[2].strip())
        else:
            sys.stderr.write("".join(line + "\n" for line in done.stderr.splitlines() if line.startswith("# ")))
            result.addSuccess(self)

    def mount(self, path, mib=24):
        disk = SmallDisk(path, mib)
        self.addCleanup(disk.close)
        return disk
