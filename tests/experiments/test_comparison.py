from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rrgraph.experiments import (
    Cell,
    Column,
    Difference,
    Panel,
    compare,
    csv_table,
    latex_table,
    legend,
    markdown_table,
    plain_rows,
)
from rrgraph.metrics import RowRanks, seeded_difference

ROWS = 40
TARGETS = [f"T{row // 2}" for row in range(ROWS)]


def outcome(right, *, unseen=()):
    """Rows of which the first `right` are ranked first and the others missed."""
    ranks = np.where(np.arange(ROWS) < right, 1.0, np.inf)
    return RowRanks(TARGETS, ranks, ranks, np.isin(np.arange(ROWS), unseen))


def compared(rights, **options):
    """Compare systems on split nms under protocol open by the numbers of right rows of their seeds."""
    found = {
        (system, "nms", seed): {"open": outcome(right, unseen=(0, 1, 2, 3))}
        for system, seeds in rights.items()
        for seed, right in enumerate(seeds)
        if right is not None
    }
    return compare(found, systems=list(rights), splits=["nms"], protocols=["open"], **options)


def test_means_and_sample_deviations_are_over_seeds():
    panel = compared({"a": [10, 20, 24], "b": [8, 8, 8]})[0]
    column = panel.columns[0]
    shares = np.array([10, 20, 24]) / ROWS
    assert column.cells["a"] == Cell(pytest.approx(shares.mean()), pytest.approx(shares.std(ddof=1)), 3)
    assert column.cells["b"].deviation == pytest.approx(0, abs=1e-12)
    assert (column.protocol, column.metric, panel.rows, panel.group) == ("open", "top_1", (ROWS,), "all")
    assert compared({"a": [10]})[0].columns[0].cells["a"] == Cell(0.25, None, 1)


def first_rows(*numbers):
    return [np.arange(ROWS) < number for number in numbers]


def test_the_lead_counts_the_noise_of_seeds():
    column = compared({"a": [20, 22], "b": [16, 22], "c": [0, 0]})[0].columns[0]
    assert column.places == {"a": 1, "b": 2}
    found = seeded_difference(first_rows(20, 22), first_rows(16, 22), [TARGETS] * 2)
    # The same in all four columns, so that the correction multiplies by four.
    assert column.lead == Difference(found.difference.value, pytest.approx(min(1, 4 * found.p_value)))


def test_only_seeds_that_both_have_are_compared():
    column = compared({"a": [20, 22], "b": [16, None]})[0].columns[0]
    found = seeded_difference(first_rows(20), first_rows(16), [TARGETS])
    assert column.lead.p_value == pytest.approx(min(1, 4 * found.p_value))
    assert column.cells["b"].seeds == 1


def test_a_clear_lead_is_marked_and_a_doubtful_one_is_not():
    assert compared({"a": [30], "b": [10]})[0].columns[0].leads("a")
    doubtful = compared({"a": [11], "b": [10]})[0].columns[0]
    assert doubtful.lead is not None
    assert not doubtful.leads("a")
    assert not doubtful.leads("b")


def test_equal_systems_share_their_place():
    column = compared({"a": [30], "b": [30], "c": [4], "d": [1]})[0].columns[0]
    assert column.places == {"a": 1, "b": 1, "c": 2}
    assert not column.leads("a") and not column.leads("b")


def test_nobody_is_best_where_all_are_level():
    assert compared({"a": [10], "b": [10]})[0].columns[0].places == {}
    assert compared({"a": [10]})[0].columns[0].places == {}


def test_nothing_is_told_without_a_seed_in_common():
    column = compared({"a": [30, None], "b": [None, 10]}, compare_with="b")[0].columns[0]
    assert column.differences == {}
    assert column.lead is None


def test_those_above_a_system_are_found():
    column = compared({"a": [30], "b": [11], "base": [10], "c": [0]}, compare_with="base")[0].columns[0]
    assert column.above == {"a"}


def test_rows_with_an_unseen_precursor_have_a_panel_without_tests_of_a_handful_of_targets():
    everything, unseen = compared({"a": [30], "b": [0]})
    assert (everything.group, unseen.group, unseen.rows) == ("all", "unseen", (4,))
    column = unseen.columns[0]
    assert (column.cells["a"].mean, column.cells["b"].mean) == (1.0, 0.0)
    assert column.lead.p_value is None
    assert not column.leads("a")


@pytest.mark.parametrize(("new", "groups"), [((), ["all"]), (range(10), ["all", "new_system"]), (range(ROWS), ["all"])])
def test_rows_of_new_systems_have_a_panel_where_others_are_known(new, groups):
    rows = replace(outcome(5), new_system=np.isin(np.arange(ROWS), new))
    panels = compare({("a", "dr", 0): {"open": rows}}, systems=["a"], splits=["dr"], protocols=["open"])
    assert [panel.group for panel in panels] == groups
    if len(panels) > 1:
        assert (panels[1].columns[0].cells["a"].mean, panels[1].rows) == (0.5, (10,))
        assert panels[1].title == "Split dr, 10 rows of an element system unseen in training"
        assert "dr,new_system,a,open,1,50.000" in csv_table(panels)


def test_a_split_without_finished_runs_has_no_panel():
    assert compare({}, systems=["a"], splits=["nms"], protocols=["open"]) == []


def test_other_metrics_are_columns_with_their_direction():
    values = {("a", "nms", 0): {"open": {"ece": 0.1}}, ("b", "nms", 0): {"open": {"ece": 0.3}}}
    panels = compared({"a": [30], "b": [10]}, metrics=["mrr", "ece"], values=values, compare_with="b")
    first, second = panels[0].columns
    assert [column.title for column in panels[0].columns] == ["open, mrr ↑", "open, ece ↓"]
    assert (first.cells["a"].mean, first.places, first.leads("a"), first.above) == (0.75, {"a": 1, "b": 2}, True, {"a"})
    assert (second.places, second.differences["a"].value) == ({"a": 1, "b": 2}, pytest.approx(-0.2))
    # Runs keep no value of each row, and none of the rows with an unseen precursor.
    assert (second.lead.p_value, second.above) == (None, frozenset())
    assert [column.metric for column in panels[1].columns] == ["mrr"]
    assert "Not tested, for runs do not keep their values of each row: ece." in legend(panels)
    assert "ece" not in legend(panels[1:])


def test_smaller_is_better_where_the_metric_says_so():
    values = {(name, "nms", 0): {"open": {"log_loss": loss}} for name, loss in (("a", 1.25), ("b", 0.5), ("c", 2))}
    (column,) = compared({"a": [1], "b": [1], "c": [1]}, metrics=["log_loss"], values=values)[0].columns
    assert column.places == {"b": 1, "a": 2}
    assert [str(cell) for cell in column.cells.values()] == ["1.250", "0.500", "2.000"]
    assert str(replace(column.cells["a"], deviation=0.0625)) == "1.250 ± 0.062"


def test_candidates_stand_below_each_other_and_are_compared_apart():
    found = {
        (system, "nms", 0): {"open": outcome(pool), "open,candidates=library": outcome(library)}
        for system, pool, library in (("a", 36, 6), ("b", 4, 10))
    }
    names = ["pool", "library"]
    (panel, *_) = compare(found, systems=["a", "b"], splits=["nms"], protocols=["open"], candidates=names)
    assert [column.candidates for column in panel.columns] == ["pool"] * 4 + ["library"] * 4
    header, rows = next(plain_rows(panel))
    assert header[:3] == ["system", "candidates", "open, top-1 ↑"]
    assert [row[:3] for row in rows] == [
        ["a", "pool", "90.0*"],
        ["b", "pool", "10.0"],
        ["a", "library", "15.0"],
        ["b", "library", "25.0"],
    ]
    assert [column.places for column in panel.columns[::4]] == [{"a": 1, "b": 2}, {"b": 1, "a": 2}]
    assert "| a | library | <u>15.0</u> |" in markdown_table([panel], heading="two")
    assert "\\begin{tabular}{llrrrr}" in latex_table([panel], heading="two")
    assert csv_table([panel]).splitlines()[-1].endswith(",top_10,library")
    assert "which flatters" in legend([panel])


@pytest.fixture
def panel():
    cells = {"ours_2": Cell(0.5, 0.01234, 3), "base": Cell(0.4, 0.0, 3), "other": Cell(0.3456, 0.02, 2)}
    against_base = {"ours_2": Difference(0.1, 0.0012), "other": Difference(-0.0544, None)}
    columns = (
        Column("open", "top_1", cells, {"ours_2": 1, "base": 2}, Difference(0.1, 0.001), against_base),
        Column(
            "open", "top_3", {name: Cell(0.7, None, 1) for name in cells}, dict.fromkeys(cells, 1), Difference(0.0, 0.9)
        ),
    )
    return Panel("nms", "all", (1234,), ("ours_2", "base", "other", "missing"), columns)


def test_markdown_against_a_table_written_by_hand(panel):
    text = markdown_table([panel], heading="trial: two columns", compare_with="base")
    lines = text.splitlines()
    assert lines[0] == "# trial: two columns"
    assert "†: significantly better than base" in lines[-1]
    assert lines[2:-2] == [
        "## Split nms, 1,234 rows",
        "",
        "| system | open, top-1 ↑ | open, top-3 ↑ |",
        "|---|---|---|",
        "| ours_2 | **50.0 ± 1.2**\\*† | **70.0** |",
        "| base | <u>40.0 ± 0.0</u> | **70.0** |",
        "| other (2 of 3 seeds) | 34.6 ± 2.0 | **70.0** |",
        "| missing | - | - |",
    ]


def test_latex_against_a_table_written_by_hand(panel):
    lines = latex_table([panel], heading="trial").splitlines()
    start = lines.index("\\midrule")
    assert lines[start - 4 : start] == [
        "\\caption{Split nms, 1,234 rows.}",
        "\\begin{tabular}{lrr}",
        "\\toprule",
        "system & open, top-1 $\\uparrow$ & open, top-3 $\\uparrow$ \\\\",
    ]
    assert lines[start + 1 : start + 5] == [
        "ours\\_2 & \\textbf{50.0 $\\pm$ 1.2}$^{*\\dagger}$ & \\textbf{70.0} \\\\",
        "base & \\underline{40.0 $\\pm$ 0.0} & \\textbf{70.0} \\\\",
        "other (2 of 3 seeds) & 34.6 $\\pm$ 2.0 & \\textbf{70.0} \\\\",
        "missing & -- & -- \\\\",
    ]


def test_csv_against_a_table_written_by_hand(panel):
    assert csv_table([panel]).splitlines()[:4] == [
        "split,rows,system,protocol,k,mean,deviation,seeds,place,lead_p_value,above,difference,difference_p_value,"
        "metric,candidates",
        "nms,all,ours_2,open,1,50.000,1.234,3,1,0.0010,True,10.000,0.0012,top_1,pool",
        "nms,all,base,open,1,40.000,0.000,3,2,,False,,,top_1,pool",
        "nms,all,other,open,1,34.560,2.000,2,,,False,-5.440,,top_1,pool",
    ]
