# SPDX-License-Identifier: Apache-2.0
"""The state-chart engine beside others (tests/peers): random charts on ours, on npm's SCION and on Qt's, each compared with a slow
model of the Recommendation; what peers do otherwise is explained by name in docs/scxml-differences.md."""
import pathlib
import sys
import unittest

from harness import TOP, binary, rounds

sys.path.append(str(TOP / "tests/peers"))

import compare  # noqa: E402
from departures import CARILLON, Departing, QT, SCION  # noqa: E402
from model import Restless, agree, run  # noqa: E402

SEEDS = rounds(range(240), range(20000))


class StateChartPeers(unittest.TestCase):
    time_limit = rounds(180, 1800)

    def judge(self, name):
        found, absent = compare.judges(binary(), pathlib.Path(binary()).resolve().parent, [name])
        if absent:
            self.skipTest(absent[name])
        for seed in SEEDS:
            found[0].look_at(seed)
        self.assertFalse(found[0].findings, found[0].report())
        self.assertGreater(found[0].compared, len(SEEDS) // 4)

    def test_ours_does_what_the_recommendation_says(self):
        self.judge("Carillon")

    def test_scion_departs_from_it_only_as_we_know(self):
        self.judge("SCION")

    def test_qt_departs_from_it_only_as_we_know(self):
        self.judge("Qt")

    def test_the_charts_would_show_each_departure(self):
        missing = {*CARILLON, *SCION, *QT}
        for seed in range(4000):
            chart, inputs = compare.chart_of(seed)
            for name in list(missing):
                try:
                    departing = run(chart, inputs, {name}, Departing)
                    if departing.is_cut or not agree(run(chart, inputs), departing):
                        missing.discard(name)
                except Restless:
                    pass
            if not missing:
                return
        self.fail(f"no chart shows {missing}")
