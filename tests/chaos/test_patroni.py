# SPDX-License-Identifier: Apache-2.0
"""Patroni with a synchronous standby loses its leader while agents and administrators work (design 5): what
was acknowledged is there, nobody is called twice, and nobody had to restart anything."""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import rounds, wait_until
from patroni import Patroni
from postgres_centre import PostgresCentre
from steady_work import Working, end


def longest_gap(workers):
    times = sorted(when for one in workers for when in one.times)
    return max(after - before for before, after in zip(times, times[1:]))


@unittest.skipUnless(rounds(False, True), "in make soak")
class PatroniLosesItsLeader(Working, unittest.TestCase):
    time_limit = 400

    def setUp(self):
        self.cluster = self.enterContext(Patroni())
        self.centre = self.enterContext(PostgresCentre(self.cluster))

    def lose_leader(self, lose, come_back):
        """Another leads and the work goes on, also when the old one came back."""
        centre, cluster = self.centre, self.cluster
        group = centre.groups[0]
        centre.load_and_start(group)
        pids = [centre.pid(name) for name in ("outbound", "config")]
        workers = self.begin_work(centre, group)
        administrator = self.begin_administration(centre)
        crew = [*workers, administrator]

        leader, began = cluster.leader(), time.monotonic()
        lose(leader)
        cluster.wait_for_leader(other_than=leader)
        led_s = time.monotonic() - began
        self.expect_more(crew, 60)
        come_back(leader)
        cluster.wait_whole()
        self.expect_more(crew, 60)
        end(crew)
        print(f"# Patroni: another leads after {led_s:.1f} s; records: {sum(len(one.done) for one in workers)} "
              f"done, nothing acknowledged for {longest_gap(workers):.1f} s, "
              f"{sum(one.refused for one in workers)} refused; configuration: {len(administrator.done)} changes, "
              f"none for {longest_gap([administrator]):.1f} s, {len(administrator.refused)} refused",
              file=sys.stderr, flush=True)
        self.check(centre, group, workers)
        self.check_revisions(centre, administrator)
        self.assertEqual([centre.pid(name) for name in ("outbound", "config")], pids)  # they lived through it

    def test_a_leader_that_is_killed_with_its_patroni(self):
        self.lose_leader(lambda leader: leader.kill(), lambda leader: leader.start())

    def test_a_leader_that_hangs_and_comes_back(self):
        self.lose_leader(lambda leader: leader.freeze(), lambda leader: leader.freeze(False))

    def test_a_leader_that_lives_on_without_its_patroni(self):
        """It takes connections and waits for ever for a standby that leads by now. Its Patroni comes back only when
        nobody waits there any more: one that joins a living leader forgets the synchronous standby before it takes
        the leader down (3.0.2, not strict), and whoever waits is told that all went well."""
        self.lose_leader(lambda leader: leader.kill_patroni(), lambda leader: leader.start())


if __name__ == "__main__":
    unittest.main()
