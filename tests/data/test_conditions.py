from __future__ import annotations

from typing import Any

from rrgraph.data.conditions import heating_conditions


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
