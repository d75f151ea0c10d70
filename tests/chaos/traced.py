# SPDX-License-Identifier: Apache-2.0
"""System calls of a living process that are late or fail, by Debian's strace:

    with injected(pid, "fdatasync,fsync", "error=EIO"): ...
"""
import contextlib
import shutil
import subprocess
import tempfile
import unittest

from harness import wait_until


@contextlib.contextmanager
def injected(pid, calls, how):
    if not shutil.which("strace"):
        raise unittest.SkipTest("no strace here")
    with tempfile.NamedTemporaryFile("r+") as said:
        tracer = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o", "/dev/null", "-e", f"trace={calls}",
                                   "-e", f"inject={calls}:{how}"], stderr=said, stdin=subprocess.DEVNULL)
        try:
            def is_on():
                said.seek(0)
                words = said.read()
                if tracer.poll() is not None:
                    raise unittest.SkipTest(f"strace may not attach here: {words.strip()}")
                return "attached" in words
            wait_until(is_on, 10, what="strace attached")
            yield
        finally:
            tracer.terminate()
            tracer.wait()
