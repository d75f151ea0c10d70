# SPDX-License-Identifier: Apache-2.0
"""Ten thousand objects changed at random, while subscribers are stopped, killed and come back, and config, a proxy of it and
the PostgreSQL behind it are killed: each subscriber ends with exactly what config has, and nothing acknowledged is lost
(framework 3.4, 3.5, 11; issue 6). CROWD_SEED repeats a run."""
import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from databases import Postgres
from harness import TOP, Installation, beside, rounds, wait_until
from postgres_centre import PostgresInstallation

TYPES = ("Place", "Skill", "VoicePrompt")
HOST = "localhost"
FOLLOWERS = 6  # every second one at the proxy
SHORT_S = 4
WHAT_THERE_IS = f"SELECT type, dbid, rev FROM object WHERE type IN {TYPES} AND state <> 'deleted'"


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
        """What it has once it has ended: type and dbid to (revision, body)."""
        try:
            wait_until(self.out.exists, 60, what=f"follower {self.number} of {self.server} at the last revision")
        except AssertionError:
            for log in self.folder.glob("*"):
                print(f"# --- {log}\n# " + "\n# ".join(log.read_text(errors="replace").splitlines()[-40:]))
            raise
        found = {}
        for line in self.out.read_text().splitlines():
            kind, dbid, rev, body = line.split(" ", 3)
            if kind in TYPES:
                found[kind, int(dbid)] = int(rev), json.loads(body)
        return found

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()


class Database:
    """PostgreSQL, which is killed, stopped or frozen now and then, and comes back."""

    def __init__(self, server, chance):
        self.server, self.chance = server, chance
        self.when, self.cure = time.monotonic() + rounds(1, 15), None

    def strike(self):
        deed = self.chance.choice(["killed", "killed", "stopped at once", "frozen"])
        if deed == "frozen":
            self.server.freeze()
            self.cure = lambda: self.server.freeze(False)
        else:
            if deed == "killed":
                self.server.kill()
            else:
                self.server.stop(signal.SIGQUIT)
            self.cure = self.server.start
        return deed

    def turn(self):
        """What befell it now, if anything."""
        if time.monotonic() < self.when:
            return None
        if self.cure:
            self.heal()
            return None
        self.when = time.monotonic() + self.chance.choice([0.2, 1, rounds(1, 10)])
        return "PostgreSQL " + self.strike()

    def heal(self):
        if self.cure:
            self.cure()
        self.cure = None
        self.when = time.monotonic() + self.chance.uniform(rounds(1, 10), rounds(3, 40))


class Crowd:
    """The test, whatever config keeps its store in."""
    time_limit = rounds(180, 1200)
    database = None

    def disturb(self, chance, centre, followers, end):
        """Until the time is up: stops, kills and starts again, one thing after the other. Says how often what was."""
        stopped, deeds = {}, collections.Counter()
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
                deeds["follower stopped"] += 1
            elif deed > 0.6 and follower not in stopped:
                follower.end()
                follower.start()
                deeds["follower killed"] += 1
            for server, when in kills.items():
                if time.monotonic() > when and centre.pid(server):
                    centre.kill(server)
                    kills[server] = time.monotonic() + chance.uniform(15, 40)
                    deeds[f"{server} killed"] += 1
            befell = self.database.turn() if self.database else None
            if befell:
                deeds[befell] += 1
        for follower in stopped:
            follower.process.send_signal(signal.SIGCONT)
        if self.database:
            self.database.heal()
        return deeds

    def check(self, centre, followers):
        truth = self.truth(centre)
        fresh = Follower(centre, FOLLOWERS)
        self.addCleanup(fresh.end)
        whole = fresh.objects()
        self.assertEqual({key: rev for key, (rev, _) in whole.items()}, truth)
        self.assertGreater(len(truth), 100)
        for follower in followers:
            self.assertEqual(follower.objects(), whole, f"follower {follower.number} of {follower.server}")
        return len(truth)

    def change_and_disturb(self, chance, centre, followers, seed, seconds):
        """What the changer says of itself, word to number, and what befell the others."""
        errors = centre.folder / "change.err"
        with subprocess.Popen([crowd_program(), "change", centre.data, str(seed), str(seconds), rounds("3000", "10000")],
                              stdout=subprocess.PIPE, stderr=open(errors, "wb"), text=True) as changer:
            self.addCleanup(changer.kill)
            deeds = self.disturb(chance, centre, followers, time.monotonic() + seconds)
            words = changer.communicate(timeout=120)[0].split()
        self.assertEqual(words[:1], ["revision"], errors.read_text())
        return dict(zip(words[::2], map(int, words[1::2]))), deeds

    def crowd(self, centre, chance, seed):
        followers = []
        for number in range(FOLLOWERS):
            followers.append(Follower(centre, number))
            self.addCleanup(followers[-1].end)
        said, deeds = self.change_and_disturb(chance, centre, followers, seed, rounds(SHORT_S, 600))
        self.assertEqual(said["again"], 0, "an acknowledged change was lost: its revision is another's")
        (centre.folder / "end.new").write_text(str(said["revision"]))
        (centre.folder / "end.new").rename(centre.folder / "end")
        count = self.check(centre, followers)
        print(f"# crowd: {count} objects identical at {FOLLOWERS} followers; "
              + ", ".join(f"{word} {number}" for word, number in [*said.items(), *sorted(deeds.items())]),
              file=sys.stderr, flush=True)

    def test_every_subscriber_ends_with_exactly_what_config_has(self):
        seed = int(os.environ.get("CROWD_SEED", random.randrange(1, 2**31)))
        print(f"# CROWD_SEED={seed}", file=sys.stderr, flush=True)
        chance = random.Random(seed)
        with self.installation(chance) as centre:
            self.crowd(centre, chance, seed)


class OnSqlite(Crowd, unittest.TestCase):
    def installation(self, chance):
        return Installation(configuration())

    def truth(self, centre):
        with contextlib.closing(centre.sqlite("config")) as base:
            return {(kind, dbid): rev for kind, dbid, rev in base.execute(WHAT_THERE_IS)}


class OnPostgres(Crowd, unittest.TestCase):
    """PostgreSQL is killed as well."""

    def installation(self, chance):
        server = self.enterContext(Postgres())
        self.addCleanup(server.freeze, False)
        self.database = Database(server, chance)
        return PostgresInstallation(server, configuration())

    def truth(self, centre):
        return {(row["type"], row["dbid"]): row["rev"] for row in centre.select(WHAT_THERE_IS, schema="config")}


if __name__ == "__main__":
    unittest.main()
