# SPDX-License-Identifier: Apache-2.0
"""Free ports for what a test starts, so that nobody else takes one between the look and the bind.

The ports below the range that the system gives to clients are cut into slices. A process takes a slice
by binding its first port, for as long as it lives; in a slice it goes round, so that a port that was
given out comes again last. Two runs at once, and the workers of one run, are in different slices."""
import os
import random
import socket
import threading

FIRST, SLICE, COUNT = 12000, 250, 80  # up to 32000


def bound(port):
    """A socket that holds the port, or None."""
    probe = socket.socket()
    try:
        probe.bind(("127.0.0.1", port))
        return probe
    except OSError:
        probe.close()
        return None


class Slice:
    def __init__(self):
        for number in random.sample(range(COUNT), COUNT):
            self.first = FIRST + number * SLICE
            self.held = bound(self.first)
            if self.held:
                break
        else:
            raise AssertionError(f"all {COUNT} slices of ports are taken")
        self.owner, self.next = os.getpid(), random.randrange(1, SLICE)

    def take(self):
        for _ in range(SLICE):
            port = self.first + self.next
            self.next = self.next % (SLICE - 1) + 1
            if probe := bound(port):
                probe.close()
                return port
        raise AssertionError(f"no port is free from {self.first} to {self.first + SLICE - 1}")


OURS, LOCK = None, threading.Lock()


def free_port():
    global OURS
    with LOCK:
        if OURS is None or OURS.owner != os.getpid():  # a fork is a process of its own
            OURS = Slice()
        return OURS.take()
