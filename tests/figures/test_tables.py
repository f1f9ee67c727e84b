from __future__ import annotations

import csv
import shutil
from statistics import mean, stdev

import pytest

from rrgraph.errors import ConfigError
from rrgraph.figures import gather
from rrgraph.figures.tables import experiment_tables, run_tables

LONG = "split,rows,system,protocol,k,mean,deviation,seeds,place,lead_p_value,above\n"


def test_cells_are_means_and_deviations_over_seeds(experiment):
    tables = {table.title: table for table in experiment_tables(experiment)}
    assert next(iter(tables)) == "Split dr" and "Split random" in tables
    with (experiment / "results.csv").open() as handle:
        rows = [row for row in csv.DictReader(handle) if row["split"] == "random"]
    table = tables["Split random"]
    assert list(table.rows) == ["popularity", "invented", "ours"]
    assert table.groups == [("paper", 4), ("open", 4)]
    for column, (protocol, k) in enumerate(table.columns):
        shares: dict[str, list[float]] = {}
        for row in rows:
            shares.setdefault(row["system"], []).append(100 * float(row[f"{protocol}_top{k}"]))
        order = sorted({mean(values) for values in shares.values()}, reverse=True)
        for system, values in shares.items():
            cell = table.rows[system][column]
            deviation = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
            assert cell.text == f"{mean(values):.1f}{deviation}"
            assert cell.rank == (order.index(mean(values)) + 1 if mean(values) in order[:2] else 0)


def test_unseen_rows_are_a_table_of_their_own(experiment):
    titles = [table.title for table in experiment_tables(experiment)]
    assert "Split dr, rows with a precursor unseen in training" in titles


def test_the_table_of_the_experiment_brings_significance(experiment, tmp_path):
    shutil.copy(experiment / "results.csv", tmp_path)
    lines = [
        "dr,all,a,open,1,61.25,0.5,3,1,0.01,True",
        "dr,all,b,open,1,60,,1,2,,False",
        "dr,all,a,open,10,80,1,3,2,,False",
        "dr,all,b,open,10,81,,1,1,0.2,False",
        "dr,unseen,a,open,1,9,2,3,,,False",
        "dr,new_system,a,open,1,50,2,3,,,False",
    ]
    (tmp_path / "table.csv").write_text(LONG + "\n".join(lines) + "\n")
    first, second, third = experiment_tables(tmp_path)
    assert first.columns == (("open", 1), ("open", 10))
    assert [(cell.text, cell.rank, cell.marks) for cell in first.rows["a"]] == [
        ("61.2 ± 0.5", 1, "*†"),
        ("80.0 ± 1.0", 2, ""),
    ]
    assert [(cell.text, cell.rank, cell.marks) for cell in first.rows["b"]] == [("60.0", 2, ""), ("81.0", 1, "")]
    assert first.best() == [("open", 1, "a", "61.2 ± 0.5"), ("open", 10, "b", "81.0")]
    assert second.title.endswith("precursor unseen in training") and list(second.rows) == ["a"]
    assert third.title == "Split dr, rows of an element system unseen in training"


def test_equal_systems_are_best_together_and_nobody_is_where_all_are_level(tmp_path):
    rows = ["a,dr,0,0.5,0.2,0", "b,dr,0,0.5,0.2,0", "c,dr,0,0.4,0.2,0", "d,dr,0,0.1,0.3,0"]
    (tmp_path / "results.csv").write_text("system,split,seed,open_top1,open_top3,open_unseen_top1\n" + "\n".join(rows))
    everything, unseen = experiment_tables(tmp_path)
    assert everything.best() == [("open", 1, "a and b", "50.0"), ("open", 3, "d", "30.0")]
    assert (unseen.group, unseen.best()) == ("unseen", [])
    assert [cell.rank for cells in unseen.rows.values() for cell in cells] == [0] * 4
    level = [f"{system},dr,0,{share}" for system, share in zip("abcde", (1, 1, 1, 1, 0), strict=True)]
    (tmp_path / "results.csv").write_text("system,split,seed,open_top1\n" + "\n".join(level))
    assert experiment_tables(tmp_path)[0].best() == [("open", 1, "4 systems", "100.0")]


def test_numbers_that_are_none_are_refused(experiment, tmp_path):
    (tmp_path / "results.csv").write_text("system,split,seed,open_top1\na,dr,0,high\n")
    with pytest.raises(ConfigError, match=r"Line 2 of '.*results\.csv' is damaged: it has 'high' as open_top1"):
        experiment_tables(tmp_path)
    (tmp_path / "table.csv").write_text(LONG + "dr,all,a,open,one,61,,1,1,,False\n")
    with pytest.raises(ConfigError, match=r"Line 2 of '.*table\.csv' is damaged"):
        experiment_tables(tmp_path)


def test_a_run_has_intervals_in_a_table_a_protocol(run_folder):
    series = gather([run_folder])
    tables = run_tables(series, "test")
    assert [table.groups for table in tables] == [[("paper", 4)], [("open", 4)]]
    measured = series[0].metrics("test", "open")[0].overall.top
    assert [cell.text for cell in tables[1].rows["tiny"]] == [str(measured[k]) for k in (1, 3, 5, 10)]
    for column in zip(*tables[1].rows.values(), strict=True):
        values = [float(cell.text.split()[0]) for cell in column]
        best = [value for value, cell in zip(values, column, strict=True) if cell.rank == 1]
        assert best == [max(values)] * len(best) or len(set(values)) == 1
        assert bool(best) == (len(set(values)) > 1)
