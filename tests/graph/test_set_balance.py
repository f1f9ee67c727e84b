from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from rrgraph.chem import balance, parse_formula
from rrgraph.data import SetBatch
from rrgraph.graph import BALANCE, balance_sets

BALANCED = [
    ("BaTiO3", "BaCO3;TiO2"),
    ("LiCoO2", "LiOH;Co3O4"),
    ("Li7La3Zr2O12", "Li2CO3;La2O3;ZrO2"),
    ("Cr2AlB2", "CrB;Al"),
    ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4"),
    ("LiFePO4", "LiH2PO4;FeC2O4"),
    ("CuInSe2", "Cu;In;Se"),
    ("La0.7Sr0.3MnO3", "La2O3;SrCO3;MnO2"),
]


def describe(target, *sets):
    texts = list(dict.fromkeys(text for members in sets for text in members.split(";")))
    widest = max(len(members.split(";")) for members in sets)
    members = [[texts.index(text) for text in each.split(";")] for each in sets]
    padded = np.array([each + [-1] * (widest - len(each)) for each in members])
    amounts, numbers = balance_sets(
        SetBatch([parse_formula(target)], [parse_formula(text) for text in texts], np.zeros(len(sets), int), padded)
    )
    assert numbers.shape == (len(sets), len(BALANCE))
    return amounts, [dict(zip(BALANCE, row, strict=True)) for row in numbers.tolist()]


@pytest.mark.parametrize(("target", "members"), BALANCED)
def test_amounts_are_those_of_the_exact_equation(target, members):
    made, used = parse_formula(target), [parse_formula(text) for text in members.split(";")]
    equation = balance(made, used)
    atoms = float(sum(amount for _, amount in made.amounts))
    expected = {
        precursor.key: float(coefficient) * float(sum(amount for _, amount in precursor.amounts)) / atoms
        for precursor, coefficient in equation.precursors
    }
    (amounts,), (values,) = describe(target, members)
    assert amounts == pytest.approx([expected[precursor.key] for precursor in used], rel=2e-3, abs=1e-3)
    assert values["imbalance"] == pytest.approx(0, abs=2e-3)
    assert values["least_amount"] == pytest.approx(min(expected.values()), rel=2e-3)
    assert values["idle"] == 0
    for symbol in "CHNO":
        brought = sum(expected[precursor.key] * float(precursor.fractions.get(symbol, 0)) for precursor in used)
        released = brought - float(made.fractions.get(symbol, 0))
        assert values[f"released_{symbol}"] == pytest.approx(released, abs=3e-3)


def test_what_does_not_balance_by_hand():
    # Nobody brings the aluminium, the middle one of (2, 1, 2).
    (few,), (missing,) = describe("Cr2AlB2", "CrB")
    assert missing["imbalance"] == pytest.approx(1 / 3, abs=1e-4)
    assert few == pytest.approx([0.8], abs=1e-4)
    (_, (nothing,)) = describe("BaTiO3", "NaCl")
    assert nothing["imbalance"] == pytest.approx(1, abs=1e-4)
    assert nothing["idle"] == 1


def test_members_in_vain_or_to_be_taken_away():
    amounts, (vain, negative) = describe("BaTiO3", "BaCO3;TiO2;Al2O3", "BaTi2O5;TiO2")
    assert vain["idle"] == 1
    assert amounts[0][2] == pytest.approx(0, abs=1e-4)
    assert negative["idle"] == 1
    assert negative["least_amount"] == pytest.approx(-3 / 5, abs=1e-2)


def test_order_and_padding_do_not_matter():
    candidates = [parse_formula(text) for text in ("Li2CO3", "FeC2O4", "NH4H2PO4")]
    target = [parse_formula("LiFePO4")]
    orders = np.array([[*order, -1, -1] for order in permutations(range(3))])
    amounts, numbers = balance_sets(SetBatch(target, candidates, np.zeros(6, dtype=int), orders))
    plain, expected = balance_sets(SetBatch(target, candidates, np.zeros(1, dtype=int), np.arange(3)[None]))
    assert numbers == pytest.approx(np.tile(expected, (6, 1)), abs=1e-6)
    for order, found in zip(orders, amounts, strict=True):
        assert found[:3] == pytest.approx(plain[0][order[:3]], abs=1e-6)
        assert found[3:].tolist() == [0, 0]


def test_every_set_has_its_own_target():
    targets = [parse_formula(target) for target, _ in BALANCED]
    texts = [members.split(";") for _, members in BALANCED]
    candidates = [parse_formula(text) for members in texts for text in members]
    starts = np.cumsum([0, *map(len, texts)])
    members = np.array([[starts[n] + k if k < len(each) else -1 for k in range(3)] for n, each in enumerate(texts)])
    order = np.array([3, 0, 7, 5, 1, 2, 6, 4])
    _, numbers = balance_sets(SetBatch(targets, candidates, order, members[order]))
    assert numbers[:, 0] == pytest.approx(np.zeros(len(order)), abs=2e-3)
    _, wrong = balance_sets(SetBatch(targets, candidates, order[::-1], members[order]))
    assert (wrong[:, 0] > 0.1).all()


def test_no_sets():
    amounts, numbers = balance_sets(SetBatch([], [], np.zeros(0, dtype=int), np.zeros((0, 1), dtype=int)))
    assert (amounts.shape, numbers.shape) == ((0, 1), (0, len(BALANCE)))
