from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.figures import FigureOptions, gather
from rrgraph.figures.top_k import Curve, CurvePanel, collect_top_k, draw_top_k, mean_interval, pooled_accuracy
from rrgraph.metrics import Interval, RowRanks

ranks = st.lists(st.one_of(st.integers(1, 12).map(float), st.just(float("inf"))), min_size=1, max_size=8)


@given(st.lists(ranks, min_size=1, max_size=3))
def test_pooled_accuracy_is_the_share_of_all_rows(outcomes):
    known = [RowRanks([str(row) for row in range(len(each))], np.array(each), np.array(each)) for each in outcomes]
    found = pooled_accuracy(known)
    together = [rank for each in outcomes for rank in each]
    for k, interval in found.items():
        assert interval.value == pytest.approx(sum(rank <= k for rank in together) / len(together))
        assert 0 <= interval.low <= interval.high <= 1
    assert list(found) == list(range(1, 11))


def test_mean_interval():
    found = mean_interval([Interval(0.4, 0.2, 0.6), Interval(0.6, 0.5, 0.7)])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.35, 0.65))


def test_curves_of_a_run(run_folder):
    data = collect_top_k(gather([run_folder]), FigureOptions())
    assert [(panel.split, panel.protocol) for panel in data] == [("random", "paper"), ("random", "open")]
    recorded = json.loads((run_folder / "metrics.json").read_text())["test"]
    for panel in data:
        model, popularity = panel.curves
        assert (model.label, popularity.label) == ("tiny", "popularity")
        assert list(model.accuracy) == list(range(1, 11))
        assert list(popularity.accuracy) == [1, 3, 5, 10]
        for curve, system in ((model, "model"), (popularity, "popularity")):
            for k in (1, 3, 5, 10):
                expected = recorded[panel.protocol][system]["overall"][f"top{k}"]
                assert curve.accuracy[k].value == pytest.approx(expected["value"])
        assert panel.rows == recorded[panel.protocol]["model"]["overall"]["rows"]


def test_curves_of_an_experiment_are_means_over_seeds(experiment):
    data = collect_top_k(gather([experiment]), FigureOptions())
    panel = next(panel for panel in data if (panel.split, panel.protocol) == ("dr", "open"))
    assert [curve.label for curve in panel.curves] == ["popularity", "invented"]
    both = [
        json.loads((experiment / "runs" / f"invented-dr-{seed}" / "ranks.json").read_text())["test"]["open"]["rank"]
        for seed in (0, 1)
    ]
    for k, interval in panel.curves[1].accuracy.items():
        assert interval.value == pytest.approx(np.mean([[r is not None and r <= k for r in each] for each in both]))


def test_without_ranks_and_model_the_reported_k_are_shown(experiment, tmp_path):
    shutil.copytree(experiment, tmp_path / "copy")
    for path in tmp_path.glob("copy/runs/invented-dr-*/ranks.json"):
        path.unlink()
    data = collect_top_k(gather([tmp_path / "copy"]), FigureOptions())
    assert list(data[0].curves[1].accuracy) == [1, 3, 5, 10]
    assert list(data[0].curves[0].accuracy) == list(range(1, 11))


def test_the_drawn_lines_are_the_curves(experiment):
    data = collect_top_k(gather([experiment]), FigureOptions())
    figure = draw_top_k(data)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == len(data) == 4
    for panel, axis in zip(data, shown, strict=True):
        assert axis.get_title(loc="left").startswith(f"{panel.split}, protocol {panel.protocol}")
        for curve, line in zip(panel.curves, axis.get_lines(), strict=True):
            assert line.get_label() == curve.label
            assert line.get_xdata().tolist() == list(curve.accuracy)
            assert line.get_ydata() == pytest.approx([100 * each.value for each in curve.accuracy.values()])
        low, high = axis.get_ylim()
        assert 0 <= low < high == 100
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["popularity", "invented", "ours"]


def test_nothing_measured_gives_no_panel(experiment):
    assert collect_top_k(gather([experiment])[:2], FigureOptions(subset="validation")) == []


def test_bands_are_left_out_where_they_would_cover_each_other():
    accuracy = {k: Interval(0.5, 0.4, 0.6) for k in range(1, 11)}
    for number, bands in ((5, 5), (6, 0)):
        curves = tuple(Curve(f"system {place}", accuracy) for place in range(number))
        (axis,) = draw_top_k([CurvePanel("nms", "open", 9, curves)]).axes
        assert (len(axis.get_lines()), len(axis.collections)) == (number, bands)


def test_many_protocols_take_several_rows_with_labels_at_the_edges():
    curve = Curve("a", {k: Interval(0.5, 0.4, 0.6) for k in range(1, 11)})
    names = [f"paper,max_candidates={number}" for number in range(4)]
    figure = draw_top_k([CurvePanel("nms", name, 9, (curve,)) for name in names])
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title(loc="left") for axis in shown] == [f"nms, protocol {name}\n(9 rows)" for name in names]
    assert [bool(axis.get_xlabel()) for axis in shown] == [False, True, True, True]
    assert [bool(axis.get_ylabel()) for axis in shown] == [True, False, False, True]
