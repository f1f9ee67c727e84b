from __future__ import annotations

import pytest

from rrgraph.chem import ATMOSPHERES, as_atmosphere, read_atmosphere
from rrgraph.errors import OptionError

TEXTS = {
    "air": "air|dry air|ambient|static air|N2/O2|O2/Ar|O2, air|O2;air",
    "oxygen": "O2|oxygen|flowing oxygen|air,O2|vacuum, O2",
    "inert": "Ar|N2|nitrogen|He|argon|inert gas|protective gas|cover gas|air,N2|vacuum,Ar|Ar, CdO vapor",
    "reducing": "H2|5% H2/Ar|N2/H2|hydrogen;argon|nitrogen;hydrogen|CO/CO2|CO2/H2|carbon monoxide|forming gas|air,H2",
    "ammonia": "NH3|ammonia|NH3/N2|flowing NH3",
    "vacuum": "vacuum|sealed|sealed quartz tube|evacuated ampoule|quartz ampule|air,vacuum|Ar;vacuum",
}


@pytest.mark.parametrize(("wanted", "texts"), TEXTS.items())
def test_texts_of_papers_have_their_class(wanted, texts):
    assert {text: read_atmosphere(text) for text in texts.split("|")} == dict.fromkeys(texts.split("|"), wanted)


def test_what_names_no_atmosphere_is_not_known():
    for text in (
        "",
        "atmosphere",
        "CdO vapor",
        "CO2",
        "H2O",
        "H2O2",
        "C2H2",
        "carbon dioxide",
        "PbO",
        "none",
        "nan",
        "12",
        "air/N2",
        "argon/air",
    ):
        assert read_atmosphere(text) is None, text
    assert as_atmosphere(None) is as_atmosphere("  ") is as_atmosphere("Unknown") is None


def test_classes_mean_themselves_and_slips_get_a_near_match():
    assert [as_atmosphere(each.value) for each in ATMOSPHERES] == [*ATMOSPHERES]
    with pytest.raises(OptionError, match=r"atmosphere is 'inrt', expected one of air, .*vacuum. Did you mean 'inert'"):
        as_atmosphere("inrt")
    with pytest.raises(OptionError, match=r"atmosphere is '5', expected one of"):
        as_atmosphere(5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5% O2 in Ar", "air"),
        ("O2 + Ar", "air"),
        ("5% H2, 95% Ar", "reducing"),
        ("95% Ar, 5% H2", "reducing"),
        ("O2,Ar", "inert"),
        ("quartz ampoule", "vacuum"),
    ],
)
def test_gases_of_a_mixture_are_told_from_steps(text, expected):
    assert read_atmosphere(text).value == expected
