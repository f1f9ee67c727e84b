from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rrgraph.data import TEST, TRAIN, VALIDATION
from rrgraph.errors import DataError
from rrgraph.properties import (
    PROPERTY_SOURCES,
    PropertySource,
    PropertyTask,
    built_in_sources,
    read_properties,
    user_sources,
)
from rrgraph.properties.tables import reader as property_reader
from rrgraph.properties.tables.files import stream_frames

OXIDES = [f"{metal}{count}O" for metal in ("Li", "Na", "Mg", "Ca", "Zn", "Fe", "Co", "Ni") for count in range(1, 80)]
ENERGY = PropertyTask(name="energy", unit="eV/atom", family="energy")
HULL = PropertyTask(name="hull", unit="eV/atom", family="energy")
GAP = PropertyTask(name="gap", unit="eV")
Make = Callable[..., PropertySource]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that writes a table and returns the source of its column `value`."""

    def source(rows: list[tuple], task: PropertyTask, columns: str = "formula value part", **options) -> PropertySource:
        path = tmp_path / f"{task.name}{len(list(tmp_path.iterdir()))}.csv"
        pd.DataFrame(rows, columns=columns.split()).to_csv(path, index=False)
        part = "part" if "part" in columns else ""
        return PropertySource(table=str(path), column="value", task=task, part=part, **options)

    return source


def known(table, task: str) -> dict[str, tuple[float, int]]:
    """Labels and subsets of one task by formula."""
    column = table.column(task)
    return {
        table.formula(row): (float(table.labels[row, column]), int(table.subsets[row, column]))
        for row in np.flatnonzero(table.subsets[:, column])
    }


def test_sources_meet_by_composition(make: Make):
    energies = make([("Fe2O3", -1.5, "train"), ("MgO", -3.0, "val"), ("Fe4O6", -2.5, "train")], ENERGY)
    gaps = make([("O3Fe2", 2.0, "test"), ("ZnS", 3.5, "train")], GAP)
    table = read_properties([energies, gaps])
    assert [table.formula(row) for row in range(len(table))] == ["Fe2O3", "MgO", "ZnS"]
    assert known(table, "energy") == {"Fe2O3": (-2.0, TRAIN), "MgO": (-3.0, VALIDATION)}
    assert known(table, "gap") == {"Fe2O3": (2.0, TEST), "ZnS": (3.5, TRAIN)}
    np.testing.assert_array_equal(np.isnan(table.labels), table.subsets == 0)
    np.testing.assert_array_equal(table.elements, [[26, 8], [12, 8], [16, 30]])
    np.testing.assert_allclose(table.fractions.sum(1), 1)
    assert table.report.labels["gap"] == {"train": 1, "validation": 0, "test": 1}
    assert table.report.sources[0].merged == 1
    assert sum(table.report.rows.values()) == 5


def test_a_test_row_outweighs_the_same_composition_elsewhere(make: Make):
    rows = [
        ("MgO", 1.0, "train"),
        ("Mg2O2", 5.0, "test"),
        ("MgO", 2.0, "val"),
        ("ZnO", 1.0, "train"),
        ("ZnO", 3.0, "val"),
    ]
    assert known(read_properties([make(rows, GAP)]), "gap") == {"MgO": (5.0, TEST), "ZnO": (3.0, VALIDATION)}


def test_the_earlier_source_of_a_task_wins_unless_the_later_one_tests(make: Make):
    first = make([("MgO", 1.0, "train"), ("ZnO", 1.0, "train"), ("CaO", 1.0, "test")], GAP)
    second = make([("MgO", 2.0, "train"), ("ZnO", 2.0, "test"), ("CaO", 2.0, "test"), ("FeO", 2.0, "val")], GAP)
    assert known(read_properties([first, second]), "gap") == {
        "MgO": (1.0, TRAIN),
        "ZnO": (2.0, TEST),
        "CaO": (1.0, TEST),
        "FeO": (2.0, VALIDATION),
    }


def test_hashed_parts_are_shared_by_sources_and_by_spellings(make: Make):
    doubled = [f"{text[:2]}{2 * int(text[2:-1])}O2" for text in OXIDES]
    energies = make([(text, 1.0) for text in OXIDES], ENERGY, "formula value")
    gaps = make([(text, 1.0) for text in reversed(doubled)], GAP, "formula value")
    table = read_properties([energies, gaps], validation_fraction=0.2, test_fraction=0.3)
    assert len(table) == len(OXIDES)
    np.testing.assert_array_equal(table.subsets[:, 0], table.subsets[:, 1])
    shares = [np.mean(table.subsets[:, 0] == part) for part in (TRAIN, VALIDATION, TEST)]
    np.testing.assert_allclose(shares, [0.5, 0.2, 0.3], atol=0.07)
    tested = {table.formula(row) for row in table.rows("gap", TEST)}
    alone = read_properties([gaps], validation_fraction=0.2, test_fraction=0.3)
    again = {f"{text[:2]}{int(text[2:-2]) // 2}O" for text in map(alone.formula, alone.rows("gap", TEST))}
    assert tested == again


def test_hashed_parts_never_change(make: Make):
    table = read_properties([make([(text, 1.0) for text in OXIDES[:40]], GAP, "formula value")])
    assert [table.formula(row) for row in table.rows("gap", TEST)] == ["Li3O", "Li10O", "Li21O"]


def test_withholding_takes_the_family_out_of_training(make: Make):
    energies = make([("MgO", 1.0, "test"), ("ZnO", 1.0, "train"), ("CaO", 1.0, "val")], ENERGY)
    hulls = make([("MgO", 0.1, "train"), ("ZnO", 0.1, "test"), ("CaO", 0.1, "train"), ("FeO", 0.1, "val")], HULL)
    gaps = make([("MgO", 7.0, "train")], GAP)
    table = read_properties([energies, hulls, gaps], withhold=["energy"])
    assert known(table, "hull") == {
        "ZnO": (pytest.approx(0.1), TEST),
        "CaO": (pytest.approx(0.1), TRAIN),
        "FeO": (pytest.approx(0.1), VALIDATION),
    }
    assert set(known(table, "energy")) == {"MgO", "ZnO", "CaO"}
    assert set(known(table, "gap")) == {"MgO"}
    assert table.report.withheld == {"energy": 0, "hull": 1}
    both = read_properties([energies, hulls, gaps], withhold=["energy", "hull"])
    assert set(known(both, "energy")) == {"MgO", "CaO"}
    np.testing.assert_array_equal(np.isnan(both.labels), both.subsets == 0)
    with pytest.raises(DataError, match=r"Cannot withhold .* 'gapp'.*Did you mean 'gap'"):
        read_properties([gaps], withhold=["gapp"])


def test_implausible_values_stay_in_test_only(make: Make):
    rows = [("MgO", 34.0, "train"), ("ZnO", 34.0, "val"), ("CaO", 34.0, "test"), ("FeO", 5.0, "train")]
    table = read_properties([make(rows, ENERGY, low=-5, high=5)])
    assert known(table, "energy") == {"CaO": (34.0, TEST), "FeO": (5.0, TRAIN)}
    assert table.report.sources[0].implausible == 2


def test_validation_rows_train_where_a_table_has_no_others(make: Make):
    rows = [("MgO", 1.0, "val"), ("ZnO", 2.0, "test")]
    table = read_properties([make(rows, GAP, validation_trains=True)])
    assert known(table, "gap") == {"MgO": (1.0, TRAIN), "ZnO": (2.0, TEST)}


def test_cells_that_are_no_numbers_are_counted(make: Make):
    rows = [("MgO", "4.5", "train"), ("ZnO", "high", "train"), ("CaO", "inf", "train"), ("FeO", None, "train")]
    table = read_properties([make(rows, GAP)])
    assert known(table, "gap") == {"MgO": (4.5, TRAIN)}
    assert table.report.sources[0].unreadable == 2
    assert len(table) == 4


def test_the_ground_state_and_a_filter_choose_rows(make: Make):
    rows = [
        ("TiO2", 136, 0.03, "new"),
        ("TiO2", 141, 0.01, "new"),
        ("Ti2O4", 61, None, "new"),
        ("TiO2", 58, 0.0, "old"),
        ("MgO", 225, None, "new"),
    ]
    options = {"choose": "ground_state", "order": "hull", "where": ("vintage", "new")}
    classes = PropertyTask(name="space_group", kind="classification", classes=230)
    systems = PropertyTask(name="system", kind="classification", classes=7)
    columns = "formula value hull vintage"
    table = read_properties(
        [
            make(rows, classes, columns, convert="from_one", **options),
            make(rows, systems, columns, convert="crystal_system", **options),
        ],
        validation_fraction=0,
        test_fraction=0,
    )
    assert known(table, "space_group") == {"TiO2": (140, TRAIN), "MgO": (224, TRAIN)}
    assert known(table, "system") == {"TiO2": (3, TRAIN), "MgO": (6, TRAIN)}


@pytest.mark.parametrize(
    ("number", "system"),
    [
        *[(1, 0), (2, 0), (3, 1), (15, 1), (16, 2), (74, 2), (75, 3), (142, 3), (143, 4), (167, 4)],
        *[(168, 5), (194, 5), (195, 6), (230, 6), (0, None), (231, None), (2.5, None)],
    ],
)
def test_crystal_systems(make: Make, number, system):
    task = PropertyTask(name="system", kind="classification", classes=7)
    table = read_properties([make([("MgO", number, "train")], task, choose="first", convert="crystal_system")])
    assert known(table, "system") == ({} if system is None else {"MgO": (system, TRAIN)})


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.xz", "parquet"])
def test_pieces_do_not_show_in_the_result(tmp_path: Path, suffix, monkeypatch: pytest.MonkeyPatch):
    generator = np.random.default_rng(0)
    drawn = generator.choice(OXIDES[:30], size=200)
    frame = pd.DataFrame({"formula": drawn, "gap": generator.normal(size=200), "sites": generator.integers(1, 9, 200)})
    frame.loc[generator.random(200) < 0.3, "gap"] = np.nan
    path = tmp_path / f"t.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    whole = read_properties(user_sources(path))
    monkeypatch.setattr(property_reader, "stream_frames", partial(stream_frames, batch_size=7))
    pieces = read_properties(user_sources(path))
    for name in ("elements", "fractions", "labels", "subsets"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    assert whole.formulas.to_pylist() == pieces.formulas.to_pylist()
    assert whole.report == pieces.report
    medians = frame.groupby("formula")["gap"].median()
    for formula, (value, _) in known(whole, "gap").items():
        assert value == pytest.approx(medians[formula])


def test_bad_formulas_are_counted_but_not_fatal(make: Make):
    rows = [("MgO", 4.5, "train"), ("Xx2", 1.0, "train"), (None, 1.0, "train"), ("Xx2", 1.0, "train")]
    report = read_properties([make(rows, GAP)]).report
    assert (report.refused, report.blank, report.compositions) == (2, 1, 1)
    assert "'Xx2' is not a valid formula" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["labels"]["gap"]["train"] == 1


def test_a_table_of_bad_formulas_is_fatal(make: Make):
    good = make([("MgO", 1.0, "train")], ENERGY)
    with pytest.raises(DataError, match=r"Column 'formula' of .* has no valid formula: 'Xx2' is not"):
        read_properties([good, make([("Xx2", 1.0, "train")], GAP)])


@pytest.mark.parametrize("word", ["tain", None])
def test_unknown_parts_are_refused(make: Make, word):
    with pytest.raises(DataError, match=r"Column 'part' of .* has (the subset 'tain'.*'train'|empty cells)"):
        read_properties([make([("MgO", 1.0, "train"), ("ZnO", 1.0, word)], GAP)])


def test_what_cannot_be_read_is_refused(make: Make):
    source = make([("MgO", 1.0, "train")], GAP)
    other = make([("MgO", 1.0, "train")], PropertyTask(name="gap", unit="meV"))
    with pytest.raises(DataError, match="no source"):
        read_properties([])
    with pytest.raises(DataError, match="Two sources describe property 'gap' differently"):
        read_properties([source, other])
    with pytest.raises(DataError, match=r"expected shares that leave training rows"):
        read_properties([source], validation_fraction=0.5, test_fraction=0.5)


def test_a_selection_keeps_rows_together(make: Make):
    table = read_properties([make([(text, place, "train") for place, text in enumerate(OXIDES[:9])], GAP)])
    for rows in (np.array([7, 2]), np.isin(np.arange(9), [2, 7])):
        chosen = table.select(rows)
        assert known(chosen, "gap") == {OXIDES[2]: (2, TRAIN), OXIDES[7]: (7, TRAIN)}
        assert len(chosen) == 2
        assert chosen.fractions[0, 0] == table.fractions[np.flatnonzero(rows)[0] if rows.dtype == bool else 7, 0]
    with pytest.raises(DataError, match="Did you mean 'gap'"):
        table.column("gaps")


@pytest.mark.data
def test_no_row_of_a_benchmark_is_lost(data_folder):
    table = read_properties(built_in_sources(["bulk_modulus", "shear_modulus"]), withhold=["bulk_modulus"])
    for name in ("bulk_modulus", "shear_modulus"):
        raw = pd.read_csv(data_folder / f"properties/{PROPERTY_SOURCES[name].table}.csv.gz", keep_default_na=False)
        expected = np.sort(raw.loc[raw["part"] == "test", "value"])
        column = table.column(name)
        np.testing.assert_allclose(np.sort(table.labels[table.rows(name, TEST), column]), expected, rtol=1e-6)
    tested = table.rows("bulk_modulus", TEST)
    assert np.isin(table.subsets[tested, table.column("shear_modulus")], [0, TEST]).all()
    assert table.report.refused == 0
