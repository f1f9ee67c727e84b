from __future__ import annotations

import numpy as np
import pytest

from rrgraph.evaluation import PROTOCOLS
from rrgraph.figures import Wishes
from rrgraph.figures.probabilities import (
    Diversity,
    collect_diversity,
    collect_probabilities,
    draw_diversity,
    draw_probabilities,
    drawn_rows,
)
from rrgraph.planning import planner_for


def test_rows_are_the_first_of_each_target(small_table):
    rows = drawn_rows(small_table, None)
    keys = small_table.target_keys.tolist()
    assert rows == [row for row, key in enumerate(keys) if keys.index(key) == row]
    some = drawn_rows(small_table, 5)
    assert some == drawn_rows(small_table, 5) == sorted(set(some)) and len(some) == 5 and set(some) <= set(rows)


@pytest.mark.parametrize("name", ["paper", "open"])
def test_distinct_sets_are_those_of_the_plans(tiny, name):
    (found,) = collect_diversity([tiny], Wishes(protocol=name, targets=6))
    run, protocol = tiny.first, PROTOCOLS[name]
    table = run.table("test")
    rows = drawn_rows(table, 6)
    planner = planner_for(
        run.predictor,
        run.pool("test"),
        protocol.constraints(),
        mode=run.mode(name),
        max_candidates=protocol.max_candidates,
    )
    sizes = [len(table.precursor_sets[row]) if name == "paper" else None for row in rows]
    plans = planner.plan([table.targets[row] for row in rows], top_k=100, sizes=sizes)
    for k in (50, 100):
        listed = [str(sorted(each.precursors.keys)) for plan in plans for each in plan.sets[:k]]
        assert found.proposed[k] == len(listed)
        assert found.distinct[k] == len(set(listed))
    assert f"{len(rows)} targets" in found.where


def test_bars_are_the_numbers():
    data = [
        Diversity("a", "nms, protocol open, 9 targets", {50: 400, 100: 800}, {50: 300, 100: 700}),
        Diversity("b", "nms, protocol open, 9 targets", {50: 450, 100: 900}, {50: 200, 100: 350}),
    ]
    (axis,) = draw_diversity(data).axes
    assert [[bar.get_width() for bar in bars] for bars in axis.containers] == [[300, 200], [700, 350]]
    assert "350 of 900" in [text.get_text() for text in axis.texts]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["a", "b"]


def test_the_highest_probabilities_of_each_target(tiny):
    (found,) = collect_probabilities([tiny], Wishes(targets=5))
    run = tiny.first
    table, pool = run.table("test"), run.pool("test")
    rows = drawn_rows(table, 5)
    for row, values in zip(rows, found.values, strict=True):
        expected = sorted(1 / (1 + np.exp(-run.predictor.logits([table.targets[row]], pool)[0])))[::-1][:60]
        assert values == pytest.approx(expected, rel=1e-4)
    (axis,) = draw_probabilities([found]).axes
    assert sum(bar.get_height() for bar in axis.patches) == pytest.approx(100)
    assert axis.get_xlim() == (0, 100)
