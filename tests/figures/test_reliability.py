from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.figures import FigureOptions, gather
from rrgraph.figures.reliability import collect_reliability, draw_reliability, pooled_bins, wilson_interval
from rrgraph.metrics import calibration

guesses = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20)


@given(st.lists(guesses, min_size=1, max_size=3))
def test_seeds_taken_together_are_one_table(seeds):
    found = pooled_bins([calibration(*zip(*each, strict=True)) for each in seeds])
    expected = calibration(*zip(*[pair for each in seeds for pair in each], strict=True)).bins
    assert [entry.count for entry in found] == [entry.count for entry in expected]
    for name in ("low", "high", "confidence", "accuracy"):
        assert [getattr(e, name) for e in found] == pytest.approx([getattr(e, name) for e in expected])


@given(st.integers(1, 1000), st.floats(0, 1))
def test_wilson_intervals_hold_the_share(count, share):
    low, high = wilson_interval(share, count)
    assert 0 <= low <= share + 1e-9 and share - 1e-9 <= high <= 1


def test_wilson_interval_of_a_textbook_case():
    assert wilson_interval(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_the_diagram_shows_the_tables(experiment):
    data = collect_reliability(gather([experiment]), FigureOptions())
    assert [panel.split for panel in data] == ["dr", "dr", "random", "random"]
    assert [panel.protocol for panel in data] == ["paper", "open"] * 2
    figure = draw_reliability(data)
    diagrams = [axis for axis in figure.axes if axis.get_title(loc="left")]
    counts = [axis for axis in figure.axes if axis.get_visible() and axis not in diagrams]
    for panel, diagram, below in zip(data, diagrams, counts, strict=True):
        for (label, bins), drawn in zip(panel.bins.items(), diagram.containers, strict=True):
            assert drawn.get_label() == label
            assert drawn.lines[0].get_xdata() == pytest.approx([100 * entry.confidence for entry in bins])
            assert drawn.lines[0].get_ydata() == pytest.approx([100 * entry.accuracy for entry in bins])
        steps = [patch.get_data().values.sum() for patch in below.patches]
        assert steps == [sum(entry.count for entry in bins) for bins in panel.bins.values()]
        assert np.all(np.isfinite(diagram.get_ylim()))
        assert below.get_ylim()[1] > max(entry.count for bins in panel.bins.values() for entry in bins)


def test_many_systems_have_a_panel_each(experiment):
    panels = collect_reliability(gather([experiment]), FigureOptions())
    bins = panels[0].bins["popularity"]
    data = [replace(panel, bins=dict.fromkeys("abcde", bins)) for panel in panels[:2]]
    figure = draw_reliability(data)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title(loc="left") for axis in shown] == [f"{label}: dr" for label in "abcde"]
    for axis in shown:
        lines = [container.lines[0] for container in axis.containers]
        assert [container.get_label() for container in axis.containers] == ["protocol paper", "protocol open"]
        assert lines[0].get_ydata() == pytest.approx([100 * entry.accuracy for entry in bins])
        assert [patch.get_data().values.sum() for patch in axis.patches] == pytest.approx([100, 100])
