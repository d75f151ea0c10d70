#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A crowd of clients that want nothing, in a process of its own (a process has so many descriptors only):

    crowd.py PORT,PORT... IDLE SLOW      says "ready" once they are there, goes on until its input ends

IDLE connections say nothing at all; SLOW ones begin a request or a frame and send a byte of it now and
then, for ever. Whoever is shut out comes again. Ends with one line: how often that was."""
import collections
import contextlib
import errno
import random
import resource
import select
import socket
import sys
import time

BEGINNINGS = [b"POST /lists/L1?req=AddRecord HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET / HTTP/1.1\r\nHost:", b"\0\x10\0\0\x94",
              b"\x16\x03\x01\x02\0\x01\0\x01\xfc"]

AWAY_S = 1  # who was shut out


class Crowd:
    def __init__(self, ports):
        self.ports, self.streams, self.shut_out, self.next_port = ports, {}, 0, 0
        self.epoll, self.coming = select.epoll(), collections.deque()

    def come(self, is_slow):
        stream = socket.socket()
        stream.setblocking(False)
        port = self.ports[self.next_port % len(self.ports)]
        self.next_port += 1
        if stream.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
            stream.close()
            return
        self.streams[stream.fileno()] = (stream, is_slow)
        self.epoll.register(stream, select.EPOLLRDHUP)
        if is_slow:
            self.say(stream, random.choice(BEGINNINGS))

    def say(self, stream, words):
        with contextlib.suppress(OSError):
            stream.send(words)

    def look(self, seconds):
        """Who was shut out comes again, not at once."""
        for number, _ in self.epoll.poll(seconds):
            stream, is_slow = self.streams.pop(number, (None, False))
            if stream:
                self.epoll.unregister(number)
                stream.close()
                self.shut_out += 1
                self.coming.append((time.monotonic() + AWAY_S, is_slow))
        while self.coming and self.coming[0][0] < time.monotonic():
            self.come(self.coming.popleft()[1])

    def trickle(self):
        for stream, is_slow in random.sample(list(self.streams.values()), len(self.streams) // 10):
            if is_slow:
                self.say(stream, b"z")


def main():
    ports, idle, slow = [int(port) for port in sys.argv[1].split(",")], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    crowd = Crowd(ports)
    for i in range(max(idle, slow)):
        if i < idle:
            crowd.come(False)
        if i < slow:
            crowd.come(True)
        if i % 100 == 0:
            crowd.look(0)
    print(f"ready {len(crowd.streams)}", flush=True)
    trickled = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        crowd.look(0.05)
        if time.monotonic() - trickled > 1:
            trickled = time.monotonic()
            crowd.trickle()
    print(f"shut out {crowd.shut_out}", flush=True)


if __name__ == "__main__":
    main()
