from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rrgraph.chem import Atmosphere, parse_formula
from rrgraph.conditions import (
    GROUPS,
    LABELS,
    LEVELS,
    ConditionsModelConfig,
    ValueNetworksConfig,
    allowed_atmospheres,
    condition_rows,
    describe,
    disagreement,
    fit_conditions,
    labelled_rows,
    load_conditions,
    load_conditions_model,
    measured_rows,
)
from rrgraph.conditions.baselines import nearest_recipe, recorded_median
from rrgraph.conditions.learning import _classes, _cross_fitted, _folds, _quantiles, _recency, row_features
from rrgraph.conditions.measures import measure
from rrgraph.data import PrecursorSet, ReactionTable, load_table, similarity
from rrgraph.errors import DataError
from rrgraph.models import load_conditions as bundled_model
from rrgraph.models import load_encoder
from rrgraph.planning import balanced_equation
from rrgraph.training import TreeFeatures, ValueTreesConfig

pytest.importorskip("lightgbm")

TREES = ValueTreesConfig(n_trees=20, max_leaves=7, learning_rate=0.3)
CONFIG = ConditionsModelConfig(
    groups=["fractions", "classes", "oxygen", "melting"],
    members=1,
    networks=ValueNetworksConfig(epochs=20, width=32, dropout=0.1, learning_rate=0.01, batch_size=64),
    **dict.fromkeys(("trees", "time_trees", "error_trees", "class_trees"), TREES),
)


@pytest.fixture(scope="module")
def rows():
    table = load_table("textbook").select(range(300))
    heavy = [sum("Ba" in member.elements for member in members) for members in table.precursor_sets]
    noise = np.random.default_rng(0).integers(-2, 3, len(table))
    steps = [
        f"calcination {800 + 100 * each + 10 * off:g} C 10 h; sintering {1100 + 100 * each + 10 * off:g} C 20 h "
        f"{'oxygen' if each else 'air'}"
        for each, off in zip(heavy, noise, strict=True)
    ]
    return condition_rows(table.with_columns(steps=steps))


@pytest.fixture(scope="module")
def model(rows):
    held = np.arange(len(rows)) % 3 == 0
    return fit_conditions(rows.select(~held), rows.select(held), CONFIG, seed=0, encoder=None, metadata={})


def test_rows_of_a_recipe(rows):
    first = [LABELS[label] for label in rows.label[:5]]
    assert first == ["highest", "calcination", "sintering", "last sintering", "last calcination"]
    assert set(rows.firings) == {2.0}
    assert rows.temperature[0] == rows.temperature[2] == rows.temperature[3]


def test_a_step_has_its_own_atmosphere_or_the_last_one_stated():
    table = load_table("textbook").select(range(2))
    steps = ["sintering 1300 C air; annealing 600 C O2; annealing 500 C", "calcination 900 C; sintering 1200 C Ar"]
    rows = condition_rows(table.with_columns(steps=steps))
    found = {
        (LABELS[label], temperature): gas
        for label, temperature, gas in zip(rows.label, rows.temperature, rows.atmosphere, strict=True)
    }
    assert found["highest", 1300.0] == found["sintering", 1300.0] == "air"
    assert found["annealing", 600.0] == found["annealing", 500.0] == found["last calcination", 500.0] == "oxygen"
    assert found["calcination", 900.0] is None and found["highest", 1200.0] == "inert"


def test_values_of_ones_own_that_are_no_firing_are_left_out_and_counted(tmp_path):
    path = tmp_path / "mine.csv"
    rows = ["99999,4,air,2", "5,4,,", "549.85,0,,1", "150,2,,", ",,air/N2,"]
    path.write_text(
        "\n".join(
            [
                "target,precursors,temperature_C,time_h,atmosphere,firings",
                *(f"BaTiO3,BaCO3;TiO2,{each}" for each in rows),
            ]
        )
    )
    table, dropped = load_conditions(path)
    assert table.frame["steps"].tolist() == [
        "firing 4 h air",
        "firing 4 h",
        "firing 550 C",
        "drying 150 C 2 h",
        "firing",
    ]
    assert sum(dropped.values()) == 4
    counted: Counter[str] = Counter()
    assert len(measured_rows(path, counted)) == len(condition_rows(table, dropped)) and counted == dropped
    assert counted["drying step"] == 1 and counted["time of a step without a temperature"] == 2
    path.write_text("target,precursors,temperature_C,firings\nBaTiO3,BaCO3;TiO2,900,2.5\n")
    with pytest.raises(DataError, match=r"[Ll]ine 2 of .*firings is '2.5', expected a whole number"):
        load_conditions(path)
    path.write_text("target,precursors,steps\nBaTiO3,BaCO3;TiO2,sintering 1200 F\n")
    with pytest.raises(DataError, match=r"Line 2 of .*The step 'sintering 1200 F' cannot be read"):
        load_conditions(path)
    path.write_text("target,precursors,temperature_C\nBaTiO3,BaCO3;TiO2,1200-1300\n")
    with pytest.raises(DataError, match=r"Line 2 of .*temperature_C is '1200-1300', expected a number"):
        measured_rows(path, counted)


def test_few_rows_know_the_atmosphere_that_most_of_them_state(rows):
    few = rows.select(np.arange(30))
    few.atmosphere[:] = ["inert"] * 12 + ["air"] * 9 + [None] * 9
    assert _classes(few, np.ones(30, dtype=np.bool_)) == (Atmosphere.INERT,)


def test_a_model_learns_keeps_and_is_read_back(model, rows, tmp_path):
    features = row_features(rows, groups=model.groups, encoder=None)
    found = model.predict(features, rows.label)
    known_atmosphere = model.predict(features, rows.label, rows.atmosphere.tolist())
    report = measure(found, rows, known_atmosphere=known_atmosphere)
    assert report["temperature"]["all"]["r2"] > 0.9
    assert report["temperature"]["highest, known atmosphere"]["rows"] == report["temperature"]["highest"]["rows"]
    assert not np.array_equal(known_atmosphere.temperature, found.temperature)
    np.testing.assert_array_equal(known_atmosphere.atmosphere, found.atmosphere)
    assert report["atmosphere"]["accuracy"] > 0.9
    for level in LEVELS:
        assert report["temperature"]["all"][f"coverage_{level:.0%}"] >= level - 0.1
    model.save(tmp_path)
    again = load_conditions_model(tmp_path, encoder=None).predict(features, rows.label)
    for name in ("temperature", "widths", "time", "time_widths", "atmosphere", "firings"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_a_table_without_times_is_learned_from_and_nothing_is_said_of_them(rows, tmp_path):
    bare = rows.select(np.arange(len(rows)))
    bare.time = np.full(len(bare), np.nan)
    held = np.arange(len(bare)) % 3 == 0
    fit_conditions(
        bare.select(~held), bare.select(held), CONFIG, seed=0, encoder=None, metadata={}, later=bare.select(held)
    ).save(tmp_path)
    model = load_conditions_model(tmp_path, encoder=None)
    (found,) = model.conditions([parse_formula("BaTiO3")], [PrecursorSet(map(parse_formula, ("BaCO3", "TiO2")))])
    assert found.times == {} and found.temperatures.keys() >= {"highest"}
    assert " h (" not in f"{found} {found.stages}" and found.to_dict()["times_h"] == {}
    prediction = model.predict(model.describe(rows.table.targets, rows.table.precursor_sets), rows.label)
    assert measure(prediction, rows)["time"] == {}
    for baseline in (recorded_median, nearest_recipe):
        assert measure(baseline(bare, rows), rows)["time"] == {}


def test_features_do_not_depend_on_what_is_described_together():
    encoder = load_encoder("encoder")
    table = load_table("textbook").select(range(40))
    reactions = list(zip(table.targets, table.precursor_sets, strict=True))
    together = describe(table.targets, table.precursor_sets, groups=GROUPS, encoder=encoder)
    alone = [describe([target], [members], groups=GROUPS, encoder=encoder)[0] for target, members in reactions[:8]]
    np.testing.assert_array_equal(together[:8], alone)
    turned = [PrecursorSet([*members][::-1]) for members in table.precursor_sets]
    np.testing.assert_array_equal(describe(table.targets, turned, groups=GROUPS, encoder=encoder), together)


def test_no_row_is_read_by_the_trees_that_judge_it(rows):
    chosen = rows.select(rows.label == 0)
    columns = row_features(chosen, groups=("fractions", "classes"), encoder=None)
    folds = _folds(chosen, 3, 0)
    systems = chosen.table.element_systems
    assert all(len(set(folds[systems == each])) == 1 for each in np.unique(systems))
    values = chosen.temperature.copy()
    binned = TreeFeatures(columns)
    before = _cross_fitted(binned, columns, values, chosen.weight, folds, TREES, 0)
    fold = folds == folds[0]
    values[fold] += 500.0
    after = _cross_fitted(binned, columns, values, chosen.weight, folds, TREES, 0)
    np.testing.assert_array_equal(after[fold], before[fold])
    assert not np.array_equal(after[~fold], before[~fold])


def test_intervals_hold_each_of_the_latest_years():
    years = np.repeat([2010.0, 2014.0, 2015.0], 100)
    scores = np.concatenate([np.full(100, 9.0), np.linspace(0, 1, 100), np.linspace(0, 2, 100)])
    labels = np.zeros(300, dtype=np.int64)
    latest = _quantiles(scores, labels, years)["highest"]
    assert latest == pytest.approx([1.0, 1.6, 1.8], abs=0.05)
    assert _quantiles(scores, labels, np.full(300, np.nan))["highest"][1] == 9.0
    few = _quantiles(scores[::10], labels[::10], years[::10])
    assert set(few) == {"other"} and few["other"][1] == 9.0


def test_older_rows_count_less():
    found = _recency(np.array([2000.0, 2010.0, np.nan]), 10.0)
    assert found == pytest.approx([np.exp(-1), 1.0, np.exp(-0.5)])
    assert _recency(np.array([np.nan, np.nan]), 10.0).tolist() == _recency(np.array([1990.0, 2000.0]), 0).tolist()


def test_baselines_equal_naive_loops(rows):
    train, asked = rows.select(np.arange(len(rows)) % 4 != 0), rows.select(np.arange(len(rows)) % 40 == 0)
    median, nearest = recorded_median(train, asked), nearest_recipe(train, asked)
    alike = np.round(similarity(asked.table.targets, train.table.targets), 5)
    for row, label in enumerate(asked.label):
        same = np.flatnonzero(train.label == label)
        assert median.temperature[row] == np.median(train.temperature[same])
        best = max((alike[row, each], len(train.table.set_keys[each] & asked.table.set_keys[row])) for each in same)
        close = [
            train.temperature[each]
            for each in same
            if (alike[row, each], len(train.table.set_keys[each] & asked.table.set_keys[row])) == best
        ]
        assert nearest.temperature[row] == np.median(close)


def test_atmospheres_that_are_not_understood_are_counted(tmp_path):
    path = tmp_path / "mine.csv"
    rows = "BaTiO3,BaO;TiO2,900,swamp gas\nSrTiO3,SrO;TiO2,900,O2\nNiO,Ni,900,\n"
    path.write_text(f"target,precursors,temperature_c,atmosphere\n{rows}")
    table, dropped = load_conditions(path)
    assert [text.endswith("oxygen") for text in table.frame["steps"]] == [False, True, False]
    assert dropped == {"atmosphere without a class: swamp gas": 1}


def test_columns_are_found_whatever_their_capitals_and_numbers_of_steps_are_firings(tmp_path):
    path = tmp_path / "curated.csv"
    path.write_text("target,precursors,temperature_C,Atmosphere,steps\nBaTiO3,BaO;TiO2,900,O2,2\nNiO,Ni,,,\n")
    rows = condition_rows(load_conditions(path)[0])
    assert [LABELS[label] for label in rows.label] == ["highest", "firing", "highest"]
    assert rows.temperature[0] == 900 and rows.atmosphere[0] == "oxygen"
    assert rows.firings[0] == 2 and np.isnan(rows.firings[2])


def test_tables_of_ones_own(tmp_path):
    frame = pd.DataFrame(
        {
            "target": ["BaTiO3", "MgB2"],
            "precursors": ["BaCO3;TiO2", "Mg;B"],
            "temperature_c": [1100, None],
            "time_h": [12, None],
            "atmosphere": ["air", "flowing Ar"],
        }
    )
    frame.to_csv(tmp_path / "mine.csv", index=False)
    rows = condition_rows(load_conditions(tmp_path / "mine.csv")[0])
    assert [LABELS[label] for label in rows.label] == ["highest", "firing", "highest"]
    assert rows.temperature[0] == 1100 and np.isnan(rows.temperature[2])
    assert rows.atmosphere.tolist() == ["air", "air", "inert"]
    for wrong in ("hot", "-5", "inf"):
        frame.astype({"time_h": object}).assign(time_h=["", wrong]).to_csv(tmp_path / "wrong.csv", index=False)
        with pytest.raises(DataError, match=rf"ine 3 .*time_h is '{wrong}', expected a number"):
            load_conditions(tmp_path / "wrong.csv")
    frame[["target", "precursors"]].to_csv(tmp_path / "bare.csv", index=False)
    with pytest.raises(DataError, match="states no conditions"):
        load_conditions(tmp_path / "bare.csv")


def test_tables_of_others(tmp_path):
    frame = pd.DataFrame(
        {
            "target": ["BaTiO3", "SrTiO3"],
            "precursors": ["BaCO3;TiO2", "SrCO3;TiO2"],
            "sintering_temperature_C": [1300.0, None],
            "sintering_time_h": [4.0, None],
            "calcination_temperature_C": [None, 900.0],
            "calcination_time_h": [None, None],
            "operations": ["['sintered', 'sintering']", "['calcined', 'sintered']"],
            "temperatures": ["[[1200.0], [1300.0]]", "[[900.0], [1000.0, 1100.0]]"],
        }
    )
    frame.to_csv(tmp_path / "syntmte.csv", index=False)
    rows = labelled_rows(tmp_path / "syntmte.csv")
    assert [LABELS[label] for label in rows.label] == ["last sintering", "last calcination"]
    assert rows.temperature.tolist() == [1300.0, 900.0]
    assert rows.alone.tolist() == [False, True]  # two operations are called sintering
    ReactionTable(frame[["target", "precursors"]]).write(tmp_path / "other.csv")
    with pytest.raises(DataError, match="neither"):
        labelled_rows(tmp_path / "other.csv")


OXIDISED = {"MgB2": True, "Li6PS5Cl": True, "Si3N4": True, "GaN": True, "LaNi5": True}
KEPT = {"BaTiO3": False, "CsPbBr3": False, "LiFePO4": False, "Y2O2S": False}


@pytest.mark.parametrize(("formula", "oxidised"), (OXIDISED | KEPT).items())
def test_what_air_oxidises_is_not_fired_in_air(formula, oxidised):
    gases = (Atmosphere.AIR, Atmosphere.OXYGEN, Atmosphere.INERT)
    assert allowed_atmospheres(parse_formula(formula), gases).tolist() == [not oxidised, not oxidised, True]


@pytest.mark.parametrize(
    ("target", "members", "atmosphere", "said"),
    [
        ("BaTiO3", "BaCO3;TiO2", "air", ""),
        ("Si3N4", "Si", "inert", "takes up N2, so that inert means nitrogen"),
        ("Si3N4", "Si", "vacuum", "the equation implies nitrogen"),
        ("SrVO3", "SrCO3;V2O5", "air", "the equation implies reducing"),
        ("V2O3", "V2O5;V", "inert", ""),
        ("CuSO4·5H2O", "CuSO4", "air", "a hydrate loses its water"),
    ],
)
def test_what_does_not_fit_the_equation_is_said(target, members, atmosphere, said):
    made = parse_formula(target)
    equation = balanced_equation(made, PrecursorSet(map(parse_formula, members.split(";"))))
    found = disagreement(made, equation, Atmosphere(atmosphere))
    assert said in found and bool(found) == bool(said)


def test_the_bundled_model_knows_its_chemistry():
    model = bundled_model()
    wanted = {"MgB2": "Mg;B", "Li6PS5Cl": "Li2S;P2S5;LiCl", "Si3N4": "Si", "BaTiO3": "BaCO3;TiO2"}
    sets = [PrecursorSet(map(parse_formula, each.split(";"))) for each in wanted.values()]
    found = dict(zip(wanted, model.conditions([parse_formula(each) for each in wanted], sets), strict=True))
    for name, each in found.items():
        fired = each.temperatures["highest"]
        assert 200 <= fired.low < fired.value < fired.high  # less would be drying
        assert all(stage.value <= fired.value for stage in each.temperatures.values())
        assert sum(each.atmospheres.values()) == pytest.approx(1.0)
        assert (Atmosphere.AIR in each.atmospheres) == (name == "BaTiO3")
    assert found["Li6PS5Cl"].temperatures["highest"].value < 700
    assert 950 < found["BaTiO3"].temperatures["highest"].value < 1400
    text = str(replace(found["BaTiO3"], papers=27))
    assert text.endswith("; 27 papers") and " °C (" in text and "air" in text
