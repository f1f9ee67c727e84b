from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rrgraph.data import CATALOGUE, data_path
from rrgraph.errors import DataError
from rrgraph.properties import PROPERTY_SOURCES, built_in_sources, user_sources
from rrgraph.properties.tables.files import table_columns


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    pd.DataFrame({"formula": ["MgO"], "gap": [4.5], "energy": [-3.0], "who": ["me"], "part": ["train"]}).to_csv(path)
    return path


def test_built_in_sources_are_catalogued_and_named_by_their_task():
    for name, source in PROPERTY_SOURCES.items():
        assert CATALOGUE[source.table].path.startswith("properties/")
        assert name.removesuffix("_extra") == source.task.name
    units = {source.task.name: source.task.unit for source in PROPERTY_SOURCES.values()}
    assert units["formation_energy"] == "eV/atom"
    assert units["debye_temperature"] == "K"
    assert len(units) >= 20


def test_a_task_brings_all_its_sources():
    assert [source.table for source in built_in_sources(["space_group"])] == [
        "materials_project",
        "formula_spacegroup_extra",
    ]
    assert built_in_sources() == tuple(PROPERTY_SOURCES.values())
    with pytest.raises(DataError, match="Did you mean 'band_gap_oqmd'"):
        built_in_sources(["bandgap_oqmd"])


def test_every_column_of_numbers_by_default(table):
    sources = user_sources(table)
    assert [source.column for source in sources] == ["Unnamed: 0", "gap", "energy"]
    assert {source.task.kind for source in sources} == {"regression"}
    assert {source.table for source in sources} == {str(table)}


def test_options_of_a_column_reach_task_and_source(table):
    options = {"name": "band_gap", "unit": "eV", "family": "gap", "transform": "asinh", "low": 0, "high": 20}
    gap, energy = user_sources(table, {"gap": options, "energy": {"kind": "classification", "classes": 3}}, part="part")
    assert (gap.column, gap.task.name, gap.task.unit, gap.task.family) == ("gap", "band_gap", "eV", "gap")
    assert (gap.task.transform, gap.low, gap.high, gap.part) == ("asinh", 0, 20, "part")
    assert (energy.task.name, energy.task.classes, energy.choose) == ("energy", 3, "first")


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (["gaps"], {}, "no column 'gaps', found .*gap, energy, who, part. Did you mean 'gap'"),
        (None, {"formula": "formulas"}, "no column 'formulas'.*Did you mean 'formula'"),
        (["gap"], {"part": "parts"}, "no column 'parts'.*Did you mean 'part'"),
        ({"gap": {"units": "eV"}}, {}, "Column 'gap' has the unknown option 'units'.*Did you mean 'unit'"),
    ],
)
def test_unknown_names_are_refused(table, columns, options, message):
    with pytest.raises(DataError, match=message):
        user_sources(table, columns, **options)


def test_a_table_without_numbers_is_refused(tmp_path: Path):
    (tmp_path / "t.csv").write_text("formula,who\nMgO,me\n")
    with pytest.raises(DataError, match="no numeric column besides 'formula', found formula, who"):
        user_sources(tmp_path / "t.csv")


@pytest.mark.data
def test_built_in_sources_fit_their_tables(data_folder):
    for source in PROPERTY_SOURCES.values():
        wanted = {source.formula, source.column, source.part, source.order, *(source.where or [""])[:1]} - {""}
        assert wanted <= set(table_columns(source.table))
        assert data_path(source.table).is_relative_to(data_folder)


def test_the_old_kind_of_a_column_is_accepted_with_a_warning(table):
    with pytest.warns(FutureWarning, match="'class' is now 'classification'"):
        (source,) = user_sources(table, {"energy": {"kind": "class", "classes": 3}})
    assert source.task.kind == "classification"
