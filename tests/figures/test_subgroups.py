from __future__ import annotations

import pytest

from rrgraph.figures import FigureOptions, gather
from rrgraph.figures.subgroups import collect_subgroups, draw_subgroups


def test_kinds_are_the_strata_averaged_over_seeds(experiment):
    series = gather([experiment])
    panel = collect_subgroups(series, FigureOptions(), by="anion_class")[0]
    assert (panel.split, panel.protocol, panel.by) == ("dr", "open", "anion class")
    strata = [
        next(each for each in metrics.subgroups if each.by == "anion_class").accuracy
        for metrics in series[2].metrics("test", "open")
    ]
    assert set(panel.rows) == {name for name, top in strata[0].items() if top.rows >= 5}
    for name, accuracy in panel.accuracy["invented"].items():
        for k, interval in accuracy.items():
            assert interval.value == pytest.approx(sum(each[name].top[k].value for each in strata) / 2)


def test_a_single_kind_is_no_figure(run_folder):
    # The years of the textbook reactions are not known.
    assert collect_subgroups(gather([run_folder]), FigureOptions(), by="year") == []


@pytest.mark.parametrize("by", ["anion_class", "source_elements", "year"])
def test_marks_stand_at_the_accuracies(experiment, by):
    data = collect_subgroups(gather([experiment])[:3], FigureOptions(), by=by)
    figure = draw_subgroups(data)
    panels = [(panel, k) for panel in data for k in (1, 10)]
    for (panel, k), axis in zip(panels, figure.axes, strict=True):
        for (label, kinds), drawn in zip(panel.accuracy.items(), axis.containers, strict=True):
            assert drawn.get_label() == label
            assert drawn.lines[0].get_ydata() == pytest.approx([100 * found[k].value for found in kinds.values()])
        ticks = [tick.get_text().split("\n") for tick in axis.get_xticklabels()]
        assert [tick[-1] for tick in ticks] == [f"{count:,}" for count in panel.rows.values()]
        assert axis.get_ylim() == (-3, 103)
        assert axis.get_title(loc="left") == f"top-{k}: {panel.split}, protocol open"
