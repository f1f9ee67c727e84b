from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from rrgraph.data import CATALOGUE, data_path, load_table
from rrgraph.data.catalogue import entry
from rrgraph.errors import DataError


def test_the_embedded_table_needs_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("RRGRAPH_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path)
    table = load_table("textbook")
    assert len(table) >= 500
    assert "category" in table.frame


def test_a_path_is_read(tmp_path: Path, small_table):
    small_table.write(tmp_path / "own.csv")
    assert list(load_table(tmp_path / "own.csv")) == list(load_table(str(tmp_path / "own.csv"))) == list(small_table)


def test_a_catalogued_table_is_found_in_the_folder_of_the_environment(
    tmp_path: Path, small_table, monkeypatch: pytest.MonkeyPatch
):
    small_table.write(tmp_path / CATALOGUE["text_mined"].path)
    monkeypatch.setenv("RRGRAPH_DATA", str(tmp_path))
    assert list(load_table("text_mined")) == list(small_table)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("textbok", "Did you mean 'textbook'"),
        ("precursor_pool", "not a reaction table"),
        ("nowhere/table.csv", "There is no file"),
        ("text_mined", "not on this computer"),
    ],
)
def test_problems_are_named(name, message, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("RRGRAPH_DATA", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path / "cache")
    with pytest.raises(DataError, match=message):
        load_table(name)


def test_every_entry_says_what_it_is():
    for name, item in CATALOGUE.items():
        assert item.name == name
        assert item.description.endswith(".")
        assert item.origin
        assert item.licence
        assert not Path(item.path).is_absolute()
        assert len(item.sha256) in (0, 64)
        assert not item.sha256 or item.size


def test_hyphens_may_stand_for_underscores():
    assert entry("uspto-50k") is CATALOGUE["uspto_50k"]


def test_parts_of_the_curated_table_share_no_element_system(tmp_path: Path, make_table, monkeypatch):
    metals = ["Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Ba", "Sr", "Ca"]
    rows = [(f"{a}{b}O3", f"{a}O;{b}O2") for a in metals for b in ("Ti", "V", "Mo")] * 2
    make_table(rows).write(tmp_path / CATALOGUE["curated"].path)
    monkeypatch.setenv("RRGRAPH_DATA", str(tmp_path))
    names = ("curated_training", "curated_validation", "curated_test")
    parts = [load_table(name) for name in names]
    assert sum(map(len, parts)) == len(load_table("curated")) == len(rows)
    systems = [set(part.element_systems) for part in parts]
    assert all(systems)
    assert not any(first & second for first, second in combinations(systems, 2))
    # What a system is for does not depend on the other rows.
    make_table(rows[:5]).write(tmp_path / CATALOGUE["curated"].path)
    for name, before in zip(names, systems, strict=True):
        assert set(load_table(name).element_systems) <= before


@pytest.mark.data
def test_fifths_of_the_curated_table_stay_as_they_are(data_folder):
    found = {name: len(load_table(name)) for name in CATALOGUE if name.startswith("curated")}
    assert found == {"curated": 1155, "curated_training": 738, "curated_validation": 218, "curated_test": 199}


@pytest.mark.data
def test_the_catalogue_matches_the_files(data_folder):
    from rrgraph.util.files import sha256_file

    for name, item in CATALOGUE.items():
        if item.parts and not (data_folder / item.path).is_file():  # prepared on each computer
            continue
        path = data_path(name)
        assert path == data_folder / item.path
        if item.sha256 and path.stat().st_size == item.size:  # a copy may lack rows
            assert sha256_file(path) == item.sha256


@pytest.mark.data
def test_every_formula_of_the_catalogued_tables_can_be_read(data_folder):
    table = load_table("nms_validation")
    assert len(table.targets) == len(table.precursor_sets) == 753
    assert "Ce4(SiS4O6)3" in table.frame["target"].tolist()
