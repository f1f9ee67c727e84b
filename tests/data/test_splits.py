from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.data import SPLITS, ReactionTable, Split, split_table
from rrgraph.errors import ConfigError, DataError

TARGETS = ["LiCoO2", "Li2Co2O4", "LiCo2O4", "BaTiO3", "Ba2TiO4", "SrTiO3", "LaMnO3", "La2MnO4", "CuInSe2", "Mg2Si"]
SETS = ["Li2CO3;Co3O4", "Co3O4;Li2CO3", "LiOH;Co3O4", "BaCO3;TiO2", "SrCO3;TiO2", "La2O3;MnO2", "Cu;In;Se", "Mg;Si"]

row = st.fixed_dictionaries(
    {
        "target": st.sampled_from(TARGETS),
        "precursors": st.sampled_from(SETS),
        "year": st.sampled_from([2000, 2010, 2014, 2015, 2020, None]),
        "doi": st.sampled_from(["a", "b", "c", None]),
        "group": st.sampled_from(["g1", "g2", "g3", "g4", None]),
        "split": st.sampled_from(["train", "Val", "TEST", None]),
        "number": st.just(0),
    }
)
tables = st.lists(row, min_size=1, max_size=25)
seeds = st.integers(0, 5)


def make(rows: list[dict], *, grouped: bool = True) -> ReactionTable:
    frame = pd.DataFrame(rows).assign(number=range(len(rows)))
    return ReactionTable(frame if grouped else frame.drop(columns="group"))


def try_split(table: ReactionTable, name: str, **options) -> Split | None:
    """None where the table has nothing that the split goes by."""
    try:
        return split_table(table, name, **options)
    except DataError as error:
        assert "needs" in str(error)
        return None


def parts(split: Split) -> tuple[ReactionTable, ReactionTable, ReactionTable]:
    return split.train, split.validation, split.test


def reactions(table: ReactionTable) -> list[tuple[str, frozenset[str]]]:
    return list(zip(table.target_keys, table.set_keys, strict=True))


@given(tables, st.sampled_from(sorted(SPLITS)), seeds, st.booleans(), st.none() | tables)
def test_every_row_is_in_one_part_or_counted_as_left_out(rows, name, seed, grouped, held):
    table = make(rows, grouped=grouped)
    split = try_split(table, name, seed=seed, holdout=make(held) if held else None)
    if split is None:
        return
    numbers = [number for part in parts(split) for number in part.frame["number"]]
    assert len(set(numbers)) == len(numbers)
    assert len(numbers) + sum(split.report.removed.values()) == len(table)
    assert list(split.report.rows.values()) == [len(part) for part in (*parts(split), *([held] if held else []))]
    again = split_table(make(rows, grouped=grouped), name, seed=seed, holdout=make(held) if held else None)
    assert [p.frame["number"].tolist() for p in parts(again)] == [p.frame["number"].tolist() for p in parts(split)]


@given(tables, st.sampled_from(["cra", "dr", "nms", "random"]), seeds)
def test_a_group_never_straddles(rows, name, seed):
    split = try_split(make(rows), name, seed=seed)
    if split is None:
        return
    groups = [set(part.frame["group"].dropna()) for part in parts(split)]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


@given(tables, seeds)
def test_cra_divides_by_year_and_keeps_duplicates(rows, seed):
    table = make(rows, grouped=False)
    split = try_split(table, "cra", seed=seed)
    if split is None:
        return
    years = table.years
    assert sorted([*split.train.frame["number"], *split.validation.frame["number"]]) == [
        i for i, year in enumerate(years) if year <= 2014
    ]
    assert split.test.frame["number"].tolist() == [i for i, year in enumerate(years) if year > 2014]
    early = len(split.train) + len(split.validation)
    assert len(split.validation) == round(0.2 * early)


@given(tables, seeds, st.booleans())
def test_dr_has_each_reaction_once_at_its_first_year(rows, seed, grouped):
    table = make(rows, grouped=grouped)
    split = try_split(table, "dr", seed=seed)
    if split is None:
        return
    everything = [reaction for part in parts(split) for reaction in reactions(part)]
    assert len(set(everything)) == len(everything)
    dated = [row for row, year in enumerate(table.years) if year == year]
    whole = reactions(table)
    if not grouped:
        for part in parts(split):
            for reaction, year, count in zip(reactions(part), part.years, part.frame["count"], strict=True):
                same = [row for row in dated if whole[row] == reaction]
                assert year == min(table.years[row] for row in same)
                assert count == len(same)
                assert (year > 2014) == (part is split.test)
        assert set(everything) == {whole[row] for row in dated}


@given(tables, seeds, st.booleans())
def test_nms_shares_no_element_system_between_parts(rows, seed, grouped):
    table = make(rows, grouped=grouped)
    split = try_split(table, "nms", seed=seed)
    if split is None:
        return
    train, validation, test = (set(part.element_systems) for part in parts(split))
    assert not train & validation
    assert not train & test
    assert not validation & test
    distinct = split_table(table, "dr", seed=seed)
    assert split.test.frame["number"].tolist() == distinct.test.frame["number"].tolist()
    kept = {*split.train.frame["number"], *split.validation.frame["number"]}
    early = [*zip(distinct.train.frame["number"], distinct.train.element_systems, strict=True)]
    early += zip(distinct.validation.frame["number"], distinct.validation.element_systems, strict=True)
    assert kept == {number for number, system in early if system not in test}


@given(tables, tables, st.sampled_from(sorted(SPLITS)), seeds)
def test_nothing_in_training_or_validation_resembles_the_holdout(rows, held, name, seed):
    holdout = make(held)
    split = try_split(make(rows), name, seed=seed, holdout=holdout)
    if split is None:
        return
    for part in (split.train, split.validation):
        assert not set(part.target_keys) & set(holdout.target_keys)
        if name == "nms":
            assert not set(part.element_systems) & set(holdout.element_systems)
    bare = split_table(make(rows), name, seed=seed)
    assert split.test.frame["number"].tolist() == bare.test.frame["number"].tolist()


@given(tables, seeds, st.sampled_from([0.0, 0.2, 0.5]))
def test_random_holds_back_two_equal_parts(rows, seed, fraction):
    split = split_table(make(rows, grouped=False), "random", seed=seed, validation_fraction=fraction)
    assert len(split.test) == len(split.validation) == round(fraction / 2 * len(rows))


@given(tables)
def test_column_follows_the_column(rows):
    split = try_split(make(rows), "column")
    if split is None:
        return
    for part, words in zip(parts(split), ({"train"}, {"Val"}, {"TEST"}), strict=True):
        assert set(part.frame["split"]) <= words
    assert split.report.removed["no value in column split"] == sum(row["split"] is None for row in rows)


def test_all_trains_on_everything(small_table):
    split = split_table(small_table, "all")
    assert (len(split.train), len(split.validation), len(split.test)) == (len(small_table), 0, 0)


def test_different_seeds_give_different_parts(small_table):
    chosen = {tuple(split_table(small_table, "random", seed=seed).test.targets) for seed in range(10)}
    assert len(chosen) > 1


def test_problems_are_named(small_table, make_table):
    with pytest.raises(ConfigError, match="Did you mean 'nms'"):
        split_table(small_table, "nmss")
    with pytest.raises(ConfigError, match="validation_fraction is 1"):
        split_table(small_table, "random", validation_fraction=1)
    with pytest.raises(ConfigError, match="seed is -1"):
        split_table(small_table, "random", seed=-1)
    with pytest.raises(DataError, match="needs years"):
        split_table(small_table, "cra")
    with pytest.raises(DataError, match="needs a column 'split'"):
        split_table(small_table, "column")
    odd = make_table([("BaTiO3", "BaCO3;TiO2")], split=["trian"])
    with pytest.raises(DataError, match=r"is 'trian', expected .* Did you mean 'train'"):
        split_table(odd, "column")


def test_the_year_can_be_moved(make_table):
    table = make_table([("BaTiO3", "BaCO3;TiO2"), ("SrTiO3", "SrCO3;TiO2")], year=[2000, 2005])
    split = split_table(table, "cra", year=2003, validation_fraction=0)
    assert [r.year for r in split.train] == [2000]
    assert [r.year for r in split.test] == [2005]


def test_counts_of_earlier_deduplication_are_added(make_table):
    table = make_table([("BaTiO3", "BaCO3;TiO2")] * 2, year=[2000, 2001], count=[3, 4])
    assert split_table(table, "dr").train.frame["count"].tolist() == [7]


@pytest.mark.slow
@pytest.mark.data
def test_the_text_mined_table_is_divided_as_measured(data_folder, monkeypatch):
    from rrgraph.data import load_table

    table, validation = load_table("text_mined"), load_table("nms_validation")
    assert (len(table), len(validation)) == (46_743, 753)
    archive = split_table(table, "cra")
    assert (len(archive.train) + len(archive.validation), len(archive.test)) == (29_176, 17_567)
    systems = split_table(table, "nms", holdout=validation)
    assert not set(systems.train.element_systems) & set(validation.element_systems)
    assert 7_000 < len(systems.train) < 9_000
