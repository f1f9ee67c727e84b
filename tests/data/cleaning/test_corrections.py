from __future__ import annotations

import csv
from collections import Counter
from importlib import resources

import pytest

from rrgraph.chem import Composition, parse_formula
from rrgraph.data import CleaningOptions
from rrgraph.data.cleaning.corrections import corrections
from rrgraph.data.cleaning.rules import Dropped, clean_precursors

#: Usual charges; only formulas of one cation and simple anions are judged.
CHARGES = {
    1: "Li Na K Rb Cs Ag",
    2: "Mg Ca Sr Ba Zn Cd Ni",
    3: "Al Ga In Sc Y La Nd Sm Gd Dy Ho Er Yb Lu Bi",
    4: "Si Ti Zr Hf",
    5: "Nb Ta",
}
CATIONS = {cation: charge for charge, cations in CHARGES.items() for cation in cations.split()}

#: Neutral, but nobody has made them.
UNKNOWN = {"Al2(CO3)3", "Bi2(CO3)3"}


def balances(composition: Composition) -> bool | None:
    """Whether a binary oxide, a carbonate or a nitrate is neutral; None for anything else."""
    amounts = dict(composition.amounts)
    oxygen = amounts.pop("O", 0)
    carbon, nitrogen = amounts.pop("C", 0), amounts.pop("N", 0)
    if len(amounts) != 1 or not oxygen or not set(amounts) <= set(CATIONS):
        return None
    ((cation, number),) = amounts.items()
    return number * CATIONS[cation] + 4 * carbon + 5 * nitrogen == 2 * oxygen


def test_every_entry_is_sound():
    text = (resources.files("rrgraph.data.cleaning") / "corrections.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    known = corrections()
    assert len(known) == len(rows) >= 100  # no formula twice, in whatever spelling
    for key, correction in known.items():
        assert correction.reason
        if correction.meant is not None:
            assert correction.meant.key != key
            assert correction.meant.key not in known
            # What was lost may be charge, water or carbon and hydrogen, but never the element to be brought.
            assert correction.meant.elements & parse_formula(correction.formula).elements


def test_what_is_meant_is_neutral_and_what_is_corrected_is_not():
    judged = 0
    for correction in corrections().values():
        wrong = balances(parse_formula(correction.formula))
        right = balances(correction.meant) if correction.meant else None
        assert wrong is not True or correction.formula in UNKNOWN, correction
        assert right is not False, correction
        judged += right is True and wrong is False
    assert judged > 50


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("LiCO3", "Li2CO3"),
        ("NaCO3", "Na2CO3"),
        ("Ba2CO3", "BaCO3"),
        ("Nb2O3", "Nb2O5"),
        ("ZrO3", "ZrO2"),
        ("HBO3", "H3BO3"),
    ],
)
def test_known_misreadings(wrong, right):
    assert corrections()[parse_formula(wrong).key].meant == parse_formula(right)


REAL = """
    Li2CO3 SrO2 BaO2 Na2O2 KO2 Sb2O4 Pb3O4 Co3O4 Pr6O11 Tb4O7 TeO3 VO2 FeOOH NiOOH TiO Ti2O3 MoO2 NbO2 EuO FeO Cu2O
    MnO2 Mn2O3 CrO3 CrO2 Ce2O3 La2(CO3)3 ZrO(NO3)2 UO2(NO3)2 NH4VO3 (NH4)2HPO4 HBO2 H3BO3 Na2C2O4 Fe2(C2O4)3
    Mn(CH3COO)3
"""


@pytest.mark.parametrize("formula", REAL.split())
def test_real_compounds_are_left_alone(formula):
    assert parse_formula(formula).key not in corrections()


def test_the_table_is_applied_to_precursors():
    counts: Counter[str] = Counter()
    target, typed = parse_formula("LiNbO3"), [parse_formula("LiCO3"), parse_formula("Nb2O3")]
    cleaned = clean_precursors(target, typed, CleaningOptions(), counts)
    assert [p.formula for p in cleaned] == ["Li2CO3", "Nb2O5"]
    assert counts == {"impossible precursor formula corrected": 2}
    with pytest.raises(Dropped, match="impossible precursor"):
        clean_precursors(parse_formula("LiMn2O4"), map(parse_formula, ["LiOH", "Mn2O7"]), CleaningOptions(), counts)
    kept = clean_precursors(target, typed, CleaningOptions(correct_formulas=False), counts)
    assert [p.formula for p in kept] == ["LiCO3", "Nb2O3"]
