from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import ATMOSPHERES
from rrgraph.conditions import KINDS, HeatingStep, kind_of, read_operations, read_steps, steps_text
from rrgraph.errors import DataError


def operation(*temperatures, token="sintered", kind="HeatingOperation", times=(), gases=()):
    """Return an operation as raw recipes have it, with an entry for each temperature: a number or a range."""
    entries = [
        {"units": "C", "min_value": value[0], "max_value": value[1], "values": []}
        if isinstance(value, tuple)
        else {"units": "C", "min_value": None, "max_value": value, "values": [value]}
        for value in temperatures
    ]
    hours = [{"units": "h", "min_value": None, "max_value": time, "values": [time]} for time in times]
    conditions = {"heating_temperature": entries, "heating_time": hours, "heating_atmosphere": list(gases)}
    return {"type": kind, "token": token, "conditions": conditions}


def read(*operations):
    dropped: Counter[str] = Counter()
    return read_operations(operations, dropped), dropped


@pytest.mark.parametrize(
    ("temperatures", "expected"),
    [
        ((1200.0,), (1200.0,)),
        ((549.85,), (550.0,)),  # 823 K
        ((1199.85, 1200.0), (1200.0,)),  # one value in two units
        (((1100.0, 1300.0),), (1100.0, 1300.0)),
        ((1280.0, 3.0), (1280.0,)),  # 3 °C/min
        ((1300.0, 80.0), (1300.0,)),
        ((4720.0,), ()),
        ((25.0, 4720.0), ()),
    ],
)
def test_temperatures_are_mended_or_dropped(temperatures, expected):
    (step,), dropped = read(operation(*temperatures))
    assert step.temperatures_c == expected
    lost = {value for value in temperatures if isinstance(value, float)} - {549.85, 1199.85, *expected}
    assert sum(dropped.values()) == len(lost)


def test_a_range_stands_for_its_middle_only_if_narrow():
    assert HeatingStep(kind="firing", temperatures_c=(1100.0, 1300.0)).temperature_c == 1200.0
    assert HeatingStep(kind="firing", temperatures_c=(600.0, 1300.0)).temperature_c == 1300.0
    assert HeatingStep(kind="firing").temperature_c is None


def test_what_is_dried_is_not_fired():
    steps, _ = read(operation(120.0, token="heated"), operation(400.0, kind="DryingOperation"), operation(900.0))
    assert [step.kind for step in steps] == ["drying", "drying", "sintering"]


def test_times_and_atmospheres():
    (step,), dropped = read(operation(1000.0, times=(12.0, 900.0), gases=("hydrogen", "argon")))
    assert (step.time_h, step.atmosphere.value) == (12.0, "reducing")
    assert dropped == {"time above 500": 1}
    (step,), dropped = read(operation(1000.0, gases=("PbO",)))
    assert step.atmosphere is None and dropped == {"atmosphere without a class: PbO": 1}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("presintered", "calcination"),
        ("pre-heated", "calcination"),
        ("hot-pressed", "sintering"),
        ("post-annealed", "annealing"),
        ("oxygenated", "annealing"),
        ("treated", "firing"),
        ("melted", "melting"),
    ],
)
def test_kinds(word, kind):
    assert kind_of(word) == kind


VALUES = st.lists(st.integers(60, 2500), max_size=3, unique=True).map(lambda found: tuple(map(float, sorted(found))))


@given(
    st.lists(
        st.builds(
            HeatingStep,
            kind=st.sampled_from(KINDS),
            temperatures_c=VALUES,
            times_h=VALUES,
            atmosphere=st.sampled_from((None, *ATMOSPHERES)),
        ),
        max_size=4,
    )
)
def test_steps_are_read_as_they_are_written(steps):
    assert read_steps(steps_text(steps)) == steps


def test_steps_as_people_write_them():
    first, second = read_steps("calcined 900 °C 12h; 1200-1300 C 24 h flowing Ar")
    assert (first.kind, first.temperatures_c, first.times_h) == ("calcination", (900.0,), (12.0,))
    assert (second.kind, second.temperature_c, second.atmosphere.value) == ("firing", 1250.0, "inert")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sintered at 1250 C for 4 h in air", "sintering 1250 C 4 h air"),
        ("sintering, 1473.15 K, 4 hours, air", "sintering 1200 C 4 h air"),
        ("1200–1300 °C/2 days under argon", "firing 1200,1300 C 48 h inert"),
        ("1,200 C 30 min", "firing 1200 C 0.5 h"),
        ("4 hours air", "firing 4 h air"),
        ("pressureless 1300 C", "sintering 1300 C"),
        ("presintered 900 C", "calcination 900 C"),
    ],
)
def test_nothing_that_is_written_is_lost(text, expected):
    assert steps_text(read_steps(text)) == expected


def test_grinding_is_no_heating():
    text = "calcined 900 C 12 h; reground; ball-milled for 4 h; 1200 C"
    assert steps_text(read_steps(text)) == "calcination 900 C 12 h; firing 1200 C"


@pytest.mark.parametrize("text", ["sintering 1200 F", "900 C in a furnace", "12..3 C", "sintering 1200 C air 4 h"])
def test_other_texts_are_refused(text):
    with pytest.raises(DataError, match="cannot be read"):
        read_steps(text)
