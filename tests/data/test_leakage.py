from __future__ import annotations

import json

import pytest

from rrgraph.data import Overlap, split_table


@pytest.fixture
def report(make_table):
    table = make_table(
        [
            ("BaTiO3", "BaCO3;TiO2"),
            ("Ba2TiO4", "BaCO3;TiO2"),
            ("SrTiO3", "SrCO3;TiO2"),
            ("Ba2Ti2O6", "TiO2;BaCO3"),  # the first reaction again
            ("BaTiO3", "BaO;TiO2"),  # a known target by a new precursor
            ("Ba4Ti4O9", "BaCO3;TiO2"),  # a known system
            ("MgTiO3", "MgO;TiO2"),
        ],
        split=["train", "train", "validation", "test", "test", "test", "test"],
        doi=["a", "b", "c", "a", "d", None, None],
        group=["a#1", "b#1", "c#1", "a#2", "d#1", None, None],
    )
    return split_table(table, "column").report


def test_shared_things_are_counted(report):
    assert report.overlaps["train/test"] == {
        "targets": Overlap(shared=1, rows=2),
        "element_systems": Overlap(shared=1, rows=3),
        "reactions": Overlap(shared=1, rows=1),
        "recipes": Overlap(shared=0, rows=0),
        "publications": Overlap(shared=1, rows=1),
    }
    assert all(overlap.shared == 0 for overlap in report.overlaps["train/validation"].values())


def test_rows_with_unseen_precursors_are_counted(report):
    assert report.unseen == {"validation": 1, "test": 2}


def test_the_report_reads_well_and_is_json(report):
    text = str(report)
    assert text.startswith("split column: 2 train rows, 1 validation rows, 4 test rows")
    assert "train and test share 1 targets (in 2 test rows)" in text
    assert "test rows with a precursor unseen in training: 2 (50.0%)" in text
    assert json.loads(json.dumps(report.to_dict()))["overlaps"]["train/test"]["targets"] == {"shared": 1, "rows": 2}


def test_the_holdout_is_compared_too(make_table):
    table = make_table([("BaTiO3", "BaCO3;TiO2"), ("Ba2TiO4", "BaCO3;TiO2")])
    report = split_table(table, "all", holdout=make_table([("BaTiO3", "BaCO3;TiO2"), ("TiN", "Ti")])).report
    assert report.overlaps == {
        "train/holdout": {
            "targets": Overlap(shared=0, rows=0),
            "element_systems": Overlap(shared=1, rows=1),
            "reactions": Overlap(shared=0, rows=0),
        }
    }
    assert report.unseen == {"holdout": 1}


def test_what_the_table_does_not_have_is_not_reported(small_table):
    report = split_table(small_table, "random").report
    assert set(report.overlaps["train/test"]) == {"targets", "element_systems", "reactions"}
    assert split_table(small_table, "all").report.overlaps == {}


def test_removed_rows_are_listed_by_reason(make_table):
    rows = [("BaTiO3", "BaCO3;TiO2"), ("BaTiO3", "TiO2;BaCO3"), ("SrTiO3", "SrCO3;TiO2"), ("CaTiO3", "CaCO3;TiO2")]
    table = make_table(rows, year=[2000, 2001, 2020, None])
    report = split_table(table, "dr", holdout=make_table([("BaTiO3", "BaO;TiO2")])).report
    assert report.rows["holdout"] == report.unseen["holdout"] == 1
    assert report.removed == {"no year": 1, "duplicate of an earlier row": 1, "target of a holdout row": 1}
    assert "left out, no year: 1 rows" in str(report)
