from __future__ import annotations

from typing import Any

import pytest

from rrgraph.data.heating import CONDITIONS, condition_frame, heating_conditions, with_conditions


def operation(
    temperatures: list[float] = [],  # noqa: B006
    times: list[float] = [],  # noqa: B006
    atmosphere: list[str] = [],  # noqa: B006
    kind: str = "HeatingOperation",
) -> dict[str, Any]:
    return {
        "type": kind,
        "conditions": {
            "heating_temperature": [{"max_value": t, "values": [], "units": "C"} for t in temperatures],
            "heating_time": [{"max_value": None, "values": [t], "units": "h"} for t in times],
            "heating_atmosphere": atmosphere,
        },
    }


def test_the_hottest_firing_counts():
    steps = [
        operation([600.0], [4.0], ["air"]),
        operation([950.0, 1000.0], [6.0, 12.0], ["oxygen"]),
        operation([700.0], [48.0]),
    ]
    assert heating_conditions(steps) == (1000.0, 12.0, "air;oxygen")


def test_converted_kelvin_are_whole_degrees():
    assert heating_conditions([operation([549.85, 176.85])]) == (550.0, None, None)
    assert heating_conditions([operation([549.5])]) == (549.5, None, None)


def test_drying_and_mixing_do_not_count():
    steps = [operation([1200.0], [3.0], ["air"], kind="DryingOperation"), {"type": "Mixing", "conditions": None}]
    assert heating_conditions(steps) == (None, None, None)


def test_values_beyond_any_furnace_are_ignored():
    assert heating_conditions([operation([4720.0]), operation([-20.0]), operation([800.0])]) == (800.0, None, None)


def test_other_units_are_ignored():
    odd = operation([800.0], [60.0])
    odd["conditions"]["heating_time"][0]["units"] = "min"
    assert heating_conditions([odd]) == (800.0, None, None)


def test_atmospheres_are_named_once_in_order():
    steps = [operation(atmosphere=["argon", "hydrogen"]), operation(atmosphere=["air", "argon"])]
    assert heating_conditions(steps) == (None, None, "argon;hydrogen;air")


@pytest.fixture
def recorded(make_table):
    """Conditions of three invented papers; the first fired a series."""
    rows = [("BaTiO3", "BaCO3;TiO2"), ("Ba0.5Sr0.5TiO3", "BaCO3;SrCO3;TiO2"), ("NiO", "Ni"), ("CoO", "Co")]
    columns = {"temperature_c": [1200.0, 1300.0, None, None], "time_h": [None, 5.0, 2.0, None]}
    recipes = make_table(rows, doi=["10.1000/a", "10.1000/a", "10.1000/b", "10.1000/c"], atmosphere=[None] * 4)
    return condition_frame(recipes.with_columns(**columns))


def taken(table):
    return table.frame[[*CONDITIONS]].astype(object).where(table.frame[[*CONDITIONS]].notna(), None).values.tolist()


def test_conditions_are_joined_by_paper_and_target_or_set(recorded, make_table):
    table = make_table(
        [
            ("Ba2Ti2O6", "BaO;TiO2"),  # the target
            ("Ba0.2Sr0.8TiO3", "TiO2;SrCO3;BaCO3"),  # the set
            ("BaTiO3", "BaCO3;SrCO3;TiO2"),  # both: the target counts
            ("BaTiO3", "BaCO3;TiO2"),  # another paper
            ("SrTiO3", "SrCO3;TiO2"),  # neither
            ("NiO", "NiCO3"),
            ("CoO", "Co"),  # a recipe that says nothing
            ("BaTiO3", "BaCO3;TiO2"),  # no paper
        ],
        doi=[f"10.1000/{paper}" for paper in "aaadabc"] + [None],
    )
    nothing = [None, None, None]
    hot = [1200.0, None, None]
    series = [1300.0, 5.0, None]
    assert taken(with_conditions(table, recorded)) == [
        hot,
        series,
        hot,
        nothing,
        nothing,
        [None, 2.0, None],
        nothing,
        nothing,
    ]


def test_conditions_of_the_table_itself_stay(recorded, make_table):
    rows = [("BaTiO3", "BaCO3;TiO2")] * 2
    table = make_table(rows, doi=["10.1000/a"] * 2, temperature_c=[None, None], atmosphere=["argon", None])
    assert taken(with_conditions(table, recorded))[0] == [None, None, "argon"]
    assert taken(with_conditions(table, recorded))[1] == [1200.0, None, None]
    full = make_table(rows, doi=["10.1000/a"] * 2, temperature_c=[900, 901])
    assert with_conditions(full, recorded) is full
    without = make_table(rows)
    assert with_conditions(without, recorded) is without


def test_of_several_recipes_the_hottest_counts(make_table):
    rows = [("BaTiO3", "BaCO3;TiO2"), ("BaTiO3", "BaO;TiO2"), ("BaTiO3", "Ba(NO3)2;TiO2")]
    recipes = make_table(rows, doi=["10.1000/a"] * 3, temperature_c=[900.0, 1100.0, None], time_h=[1, 2, 3])
    frame = condition_frame(recipes.with_columns(atmosphere=[None] * 3))
    table = make_table([("BaTiO3", "BaTi2O5;BaO")], doi=["10.1000/a"])
    assert taken(with_conditions(table, frame)) == [[1100.0, 2, None]]
