from __future__ import annotations

import numpy as np
import pytest

from rrgraph.evaluation import read_protocol
from rrgraph.figures import FIGURES, FigureOptions
from rrgraph.figures.probabilities import (
    Diversity,
    LinkProbabilities,
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


@pytest.mark.parametrize("name", ["paper", "open", "paper,max_candidates=4"])
@pytest.mark.parametrize("system", ["model", "links", "sets"])
def test_distinct_sets_are_those_of_the_plans(tiny, baselines, system, name):
    series = {"model": tiny, "links": baselines[0], "sets": baselines[1]}[system]
    (found,) = collect_diversity([series], FigureOptions(protocol=name, targets=6))
    run, protocol = series.first, read_protocol(name)
    table = run.table("test")
    rows = drawn_rows(table, 6)
    planner = planner_for(
        run.model,
        run.pool("test"),
        protocol.constraints(),
        mode=run.mode(name),
        max_candidates=protocol.max_candidates,
    )
    sizes = [len(table.precursor_sets[row]) if protocol.set_size == "known" else None for row in rows]
    plans = planner.plan([table.targets[row] for row in rows], top_k=100, sizes=sizes)
    for k in (50, 100):
        listed = [str(sorted(each.precursors.keys)) for plan in plans for each in plan.sets[:k]]
        assert found.proposed[k] == len(listed)
        assert found.distinct[k] == len(set(listed)) > 0
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


@pytest.mark.parametrize("system", ["model", "links"])
def test_the_highest_probabilities_of_each_target(tiny, baselines, system):
    series = tiny if system == "model" else baselines[0]
    (found,) = collect_probabilities([series], FigureOptions(targets=5))
    run = series.first
    table, pool = run.table("test"), run.pool("test")
    rows = drawn_rows(table, 5)
    for row, values in zip(rows, found.values, strict=True):
        expected = sorted(1 / (1 + np.exp(-run.model.logits([table.targets[row]], pool)[0])))[::-1][:60]
        assert values == pytest.approx(expected, rel=1e-4)
    (axis,) = draw_probabilities([found]).axes
    assert sum(bar.get_height() for bar in axis.patches) == pytest.approx(100)
    assert axis.get_xlim() == (0, 100)


def test_systems_that_propose_sets_have_no_link_probabilities(tiny, baselines):
    found = collect_probabilities([*baselines, tiny], FigureOptions(targets=5))
    assert [each.label for each in found] == ["composition_multilabel", "tiny"]
    assert "propose whole sets" in FIGURES["link_probabilities"].caption


def test_each_split_has_a_column_and_each_system_a_row():
    values = np.full((4, 60), 0.3)
    data = [LinkProbabilities(label, split, values) for split in ("dr", "nms") for label in ("a", "b", "c")]
    figure = draw_probabilities(data[:-1])
    titles = [axis.get_title(loc="left") for axis in figure.axes if axis.get_visible()]
    shown = [f"{label}: {split}, 4 targets" for label in "abc" for split in ("dr", "nms")]
    assert titles == shown[:-1]
