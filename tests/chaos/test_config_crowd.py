# SPDX-License-Identifier: Apache-2.0
"""Ten thousand objects changed at random, while subscribers are stopped, killed and come back, and config and a proxy of it
are killed: each subscriber ends with exactly what config has (framework 3.4, 3.5; issue 6). CROWD_SEED repeats a run."""
import json
import os
import random
import signal
import subprocess
import time
import unittest

from harness import TOP, Installation, beside, rounds, wait_until

HOST = "localhost"
FOLLOWERS = 6  # every second one at the proxy


def configuration():
    """Followers are applications of another host, so that the supervisor leaves them alone."""
    def server(name, **more):
        return {"name": name, "template": "ConfigurationServer", "host": HOST,
                "ports": [{"id": "default", "number": 1}], **more}
    return {"format": "cc-config", "version": 1,
            "hosts": [{"name": HOST, "ipAddress": "127.0.0.1"}, {"name": "elsewhere", "ipAddress": "127.0.0.2"}],
            "applications": [server("config"), server("copy", connections=[{"server": "config"}])] + [
                {"name": f"follower{number}", "template": "CMServer", "host": "elsewhere",
                 "ports": [{"id": "default", "number": 1}]} for number in range(FOLLOWERS + 1)]}


def crowd_program():
    return beside("tests/chaos/config-crowd", (TOP / "tests/chaos").glob("config_crowd*.[ch]"))


class Follower:
    """A real application's subscription, mirror and cache, in a process of its own."""

    def __init__(self, centre, number):
        self.centre, self.number, self.process = centre, number, None
        self.folder = centre.folder / f"follower{number}"
        self.folder.mkdir()
        self.out, self.server = self.folder / "out", "copy" if number % 2 else "config"
        self.start()

    def start(self):
        birth = {"application": f"follower{self.number}", "type": "follower",
                 "secret": (self.centre.data / "secret/installation.key").read_text().strip(),
                 "run": str(self.folder), "data": str(self.folder), "logs": str(self.folder), "host": HOST,
                 "config": f"127.0.0.1:{self.centre.port(self.server)}", "config_application": self.server}
        read, write = os.pipe()
        os.write(write, json.dumps(birth).encode() + b"\n")
        os.close(write)

        def take_descriptor():
            os.dup2(read, 3)
            os.set_inheritable(3, True)
        program = crowd_program()
        self.process = subprocess.Popen(
            [program, "follow"], preexec_fn=take_descriptor, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=open(self.folder / "stdout", "ab"), stderr=subprocess.STDOUT,
            env=dict(os.environ, CROWD_END=str(self.centre.folder / "end"), CROWD_OUT=str(self.out)))
        os.close(read)

    def objects(self):
        """Its places once it has ended: dbid to (revision, body)."""
        try:
            wait_until(self.out.exists, 60, what=f"follower {self.number} of {self.server} at the last revision")
        except AssertionError:
            for log in self.folder.glob("*"):
                print(f"# --- {log}\n# " + "\n# ".join(log.read_text(errors="replace").splitlines()[-40:]))
            raise
        found = {}
        for line in self.out.read_text().splitlines():
            kind, dbid, rev, body = line.split(" ", 3)
            if kind == "Place":
                found[int(dbid)] = int(rev), json.loads(body)
        return found

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()


class Crowd(unittest.TestCase):
    time_limit = rounds(180, 1200)

    def disturb(self, chance, centre, followers, end):
        """Until the time is up: stops, kills and starts again, one thing after the other."""
        stopped = {}
        # Not so often that the supervisor takes it for a crash loop.
        kills = {"config": time.monotonic() + rounds(2, 20), "copy": time.monotonic() + rounds(3, 27)}
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.05, 0.4))
            for follower, until in list(stopped.items()):
                if time.monotonic() > until:
                    follower.process.send_signal(signal.SIGCONT)
                    del stopped[follower]
            deed, follower = chance.random(), chance.choice(followers)
            if deed < 0.5 and follower not in stopped:
                follower.process.send_signal(signal.SIGSTOP)
                stopped[follower] = time.monotonic() + chance.choice([0.5, 2, rounds(3, 45)])
            elif deed > 0.6 and follower not in stopped:
                follower.end()
                follower.start()
            for server, when in kills.items():
                if time.monotonic() > when and centre.pid(server):
                    centre.kill(server)
                    kills[server] = time.monotonic() + chance.uniform(15, 40)
        for follower in stopped:
            follower.process.send_signal(signal.SIGCONT)

    def check(self, centre, followers):
        truth = {}
        for dbid, rev in centre.sqlite("config").execute(
                "SELECT dbid, rev FROM object WHERE type = 'Place' AND state <> 'deleted'"):
            truth[dbid] = rev
        fresh = Follower(centre, FOLLOWERS)
        self.addCleanup(fresh.end)
        whole = fresh.objects()
        self.assertEqual({dbid: rev for dbid, (rev, _) in whole.items()}, truth)
        self.assertGreater(len(truth), 100)
        for follower in followers:
            self.assertEqual(follower.objects(), whole, f"follower {follower.number} of {follower.server}")

    def test_every_subscriber_ends_with_exactly_what_config_has(self):
        seed = int(os.environ.get("CROWD_SEED", random.randrange(1, 2**31)))
        print(f"# CROWD_SEED={seed}", flush=True)
        chance, seconds = random.Random(seed), rounds(5, 600)
        with Installation(configuration()) as centre:
            followers = []
            for number in range(FOLLOWERS):
                followers.append(Follower(centre, number))
                self.addCleanup(followers[-1].end)
            program = crowd_program()
            with subprocess.Popen([program, "change", centre.data, str(seed), str(seconds), rounds("3000", "10000")],
                                  stdout=subprocess.PIPE, stderr=open(centre.folder / "change.err", "wb"), text=True) as changer:
                self.addCleanup(changer.kill)
                self.disturb(chance, centre, followers, time.monotonic() + seconds)
                words = changer.communicate(timeout=120)[0].split()
            self.assertEqual(words[0], "revision", words)
            print("# " + " ".join(words), flush=True)
            (centre.folder / "end.new").write_text(words[1])
            (centre.folder / "end.new").rename(centre.folder / "end")
            self.check(centre, followers)
