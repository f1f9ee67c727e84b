from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from rrgraph.chem import ELEMENTS, VOLATILE, oxygen_values, parse_formula
from rrgraph.data import SetBatch
from rrgraph.graph import OXYGEN_BALANCE, balance_oxygen, balance_sets

SOLID = [number for number, symbol in enumerate(ELEMENTS) if symbol not in VOLATILE]
WEIGHT = 1e-3

# Net oxygen of each equation with CO2, CO of oxalates, H2O, NH3, N2 or NO2, in atoms for a formula unit of the target.
EQUATIONS = [
    ("VO2", "V2O3;V2O5", 0),
    ("MoO2", "MoO3;Mo", 0),
    ("NbO2", "Nb;Nb2O5", 0),
    ("LiV2O4", "Li2CO3;V2O3;V2O5", 0),
    ("BaTiO3", "BaCO3;TiO2", 0),
    ("LiFeO2", "Li2CO3;Fe2O3", 0),
    ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4", 0),
    ("LiFePO4", "LiH2PO4;FeC2O4·2H2O", 0),
    ("LiFePO4", "Li2CO3;Fe2O3;(NH4)2HPO4", 1 / 2),  # iron has to be reduced
    ("LiFePO4", "Li2CO3;Fe2O3;NH4H2PO4;C", 0),  # as carbon does
    ("LiCoO2", "Li2CO3;Co3O4", -1 / 6),
    ("LiFeO2", "Li2CO3;Fe", -3 / 2),
    ("BaTiO3", "BaO2;TiO2", 1),
    ("BaTiO3", "Ba(NO3)2;TiO2", 1),  # 2 NO2 + 1/2 O2
    ("LiMn2O4", "LiNO3;Mn2O3", 0),  # with NO2
    ("KMnO4", "KNO3;MnO", 0),  # with N2
    ("YVO4", "Y2O3;NH4VO3", 0),
    ("La2CuO4", "La(NO3)3·6H2O;Cu(NO3)2·3H2O", 4),
    ("TiC", "Ti;C", 0),
    ("TiC", "TiO2;C", 0),
    ("Ti3AlC2", "Ti;Al;C", 0),
    ("Ti3AlC2", "Ti;Al", 4),  # no carbon: reported as oxygen that is too much
    ("CaAlSiN3", "Ca3N2;AlN;Si3N4", 0),
    ("Mg2FeH6", "MgH2;Fe", 0),
    ("LaOCl", "La2O3;NH4Cl", 0),
    ("CuInSe2", "Cu;In;Se", 0),
    ("YBa2Cu3O7", "Y2O3;BaCO3;CuO", -1 / 2),
]


def batch(target, *sets):
    texts = list(dict.fromkeys(text for members in sets for text in members.split(";")))
    lists = [[[texts.index(text) for text in members.split(";")] for members in sets]]
    return SetBatch.of_lists([parse_formula(target)], [parse_formula(text) for text in texts], lists)


def describe(target, *sets):
    _, features = balance_oxygen(batch(target, *sets))
    assert features.shape == (len(sets), len(OXYGEN_BALANCE))
    return [dict(zip(OXYGEN_BALANCE, row, strict=True)) for row in features.tolist()]


@pytest.mark.parametrize(("target", "members", "oxygen"), EQUATIONS)
def test_equations_by_hand(target, members, oxygen):
    (values,) = describe(target, members)
    net = oxygen / float(sum(amount for _, amount in parse_formula(target).amounts))
    assert values["net_oxygen"] == pytest.approx(net, abs=2e-3)
    assert values["oxygen_gap"] == pytest.approx(min(abs(net), 1), abs=2e-3)
    assert values["redox_imbalance"] == pytest.approx(0, abs=5e-3)
    assert (values["redox_idle"], values["feasible"]) == (0, 1)
    said = values["closed"], values["gives_oxygen"], values["takes_oxygen"]
    assert said == (net == 0, net > 0, net < 0)


def test_carbonates_leave_as_carbon_dioxide():
    """What is a plain equation has the amounts of the mass balance, which says how much carbon leaves."""
    sets = batch("BaTiO3", "BaCO3;TiO2")
    amounts, features = balance_oxygen(sets)
    plain, balance = balance_sets(sets)
    assert amounts == pytest.approx(plain, abs=1e-3)
    assert balance[0, 3] == pytest.approx(1 / 5, abs=1e-3)
    assert features[0, OXYGEN_BALANCE.index("closed")] == 1


@pytest.mark.parametrize(
    ("target", "members", "moles"),
    [
        ("VO2", "V2O3;V2O5", [1 / 4, 1 / 4]),
        ("MoO2", "MoO3;Mo", [2 / 3, 1 / 3]),
        ("NbO2", "Nb;Nb2O5", [1 / 5, 2 / 5]),
        ("LiV2O4", "Li2CO3;V2O3;V2O5", [1 / 2, 3 / 4, 1 / 4]),
        ("LiFePO4", "Li2CO3;Fe2O3;NH4H2PO4;C", [1 / 2, 1 / 2, 1, 1 / 4]),
    ],
)
def test_oxygen_decides_what_the_elements_leave_open(target, members, moles):
    sets = batch(target, members)
    made, used = (
        np.array([float(sum(amount for _, amount in each.amounts)) for each in side])
        for side in (sets.targets, sets.candidates)
    )
    amounts, _ = balance_oxygen(sets)
    assert amounts[0] / used * made[0] == pytest.approx(moles, rel=2e-3)


def test_sets_that_are_not_feasible():
    (closing, idle, wrong, foreign) = describe("BaTiO3", "BaTi2O5;BaCO3", "BaCO3;TiO2;Al2O3", "BaTi2O5;TiO2", "NaCl")
    assert (closing["feasible"], closing["redox_idle"]) == (1, 0)
    assert (idle["redox_imbalance"], idle["redox_idle"], idle["feasible"]) == (pytest.approx(0, abs=1e-3), 1, 0)
    # The mass balance would take TiO2 away.
    assert (wrong["redox_idle"], wrong["redox_least_amount"], wrong["feasible"]) == (1, 0, 0)
    assert wrong["redox_imbalance"] == pytest.approx(1 / np.sqrt(10), abs=1e-3)
    assert (foreign["redox_imbalance"], foreign["oxygen_gap"]) == (pytest.approx(1, abs=1e-3), 1)
    for values in (idle, wrong, foreign):
        assert (values["closed"], values["gives_oxygen"], values["takes_oxygen"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("members", "pairs", "metal_oxide", "spread"),
    [
        ("V2O3;V2O5", 1, 0, 1),
        ("Mo;MoO3", 1, 1, 3),
        ("V;V2O3;V2O5", 3, 2, 5 / 2),
        ("Li2CO3;LiOH", 1, 0, 0),
        ("Li2CO3;Co3O4", 0, 0, 0),
        ("LiVO3;V2O3", 0, 0, 0),
        ("Fe;FeS;S", 0, 0, 0),
        ("C;CO2", 0, 0, 0),
        ("Co(NO3)2;Co", 1, 1, 2),
        ("Co(CH3COO)2;Co", 1, 1, 4),
    ],
)
def test_pairs_of_one_element(members, pairs, metal_oxide, spread):
    (values,) = describe("BaTiO3", members)
    assert (values["element_pairs"], values["metal_oxide_pairs"]) == (pairs, metal_oxide)
    assert values["oxygen_spread"] == pytest.approx(spread)


TARGETS = [
    parse_formula(text)
    for text in ("LiV2O4", "MoO2", "La0.7Sr0.3MnO3", "LiFePO4", "TiC", "Ti3AlC2", "BaTiO3", "CaAlSiN3", "C3N4", "V2O3")
]
FORMULAS = """
    Li2CO3 LiOH LiNO3 V V2O3 VO2 V2O5 NH4VO3 Mo MoO3 La2O3 La(NO3)3 SrCO3 Sr(NO3)2 MnO2 Mn2O3 Mn MnCO3 Fe Fe2O3 FeC2O4
    NH4H2PO4 FePO4 P Ti TiO2 TiC C Al Al2O3 BaCO3 BaO2 BaTi2O5 Ca3N2 AlN Si3N4 SiO2 CaH2 CO(NH2)2 LiC2H3O2 LiVO3
"""
CANDIDATES = [parse_formula(text) for text in FORMULAS.split()]


@st.composite
def batches(draw):
    number = draw(st.integers(0, 6))
    members = [
        draw(st.lists(st.integers(0, len(CANDIDATES) - 1), min_size=1, max_size=6, unique=True)) for _ in range(number)
    ]
    padded = np.full((number, max(map(len, members), default=1)), -1)
    for row, each in zip(padded, members, strict=True):
        row[: len(each)] = each
    targets = draw(st.lists(st.integers(0, len(TARGETS) - 1), min_size=number, max_size=number))
    return SetBatch(TARGETS, CANDIDATES, np.array(targets, dtype=np.int64), padded.astype(np.int64))


def naive(target, members):
    """Return features of a set, by least squares with one row for each element and oxygen."""
    made, *given = (np.array([each.fractions.get(symbol, 0) for symbol in ELEMENTS]) for each in (target, *members))
    rows, wanted = np.array(given)[:, SOLID].T, made[SOLID]
    found = []
    for way in (0, 1):
        oxygen = np.array([oxygen_values(each)[way] for each in members])
        matrix = np.vstack([rows, WEIGHT * oxygen])
        right = np.append(wanted, WEIGHT * oxygen_values(target)[way])
        kept, amounts = list(range(len(members))), np.zeros(len(members))
        while kept:
            amounts = np.zeros(len(members))
            amounts[kept] = np.linalg.lstsq(matrix[:, kept], right, rcond=1e-7)[0]
            if amounts.min() >= -1e-9:
                break
            kept.remove(int(amounts.argmin()))
        else:
            amounts[:] = 0
        error = np.square(matrix @ amounts - right).sum()
        best = nnls(matrix, right)[1] ** 2
        assert error >= best - 1e-9
        if len(kept) == len(members):
            assert error == pytest.approx(best, abs=1e-9)
        found.append((error, amounts, amounts @ oxygen - oxygen_values(target)[way]))
    _, amounts, net = min(found, key=lambda each: each[0])
    size = np.linalg.norm(wanted)
    imbalance = np.linalg.norm(rows @ amounts - wanted) / max(size, 1e-3)
    own = [{number for number in SOLID if fractions[number]} for fractions in given]
    pairs = [
        (one, other)
        for one, other in combinations(range(len(members)), 2)
        if own[one] == own[other] and len(own[one]) == 1
    ]
    metal_oxide = [
        pair
        for pair in pairs
        if sorted((len(members[each].elements) > 1) + ("O" in members[each].elements) for each in pair) == [0, 2]
    ]
    spread = [
        abs(np.subtract(*(oxygen_values(members[each])[1] / max(given[each][SOLID]) for each in pair)))
        for pair in pairs
    ]
    return {
        "redox_imbalance": min(imbalance, 1),
        "net_oxygen": net,
        "element_pairs": len(pairs),
        "metal_oxide_pairs": len(metal_oxide),
        "oxygen_spread": min(max(spread, default=0), 4),
    }


@given(batches())
@settings(max_examples=40)
def test_features_equal_least_squares_one_by_one(sets):
    amounts, features = balance_oxygen(sets)
    assert (amounts >= 0).all()
    assert not amounts[sets.members < 0].any()
    for row, values in enumerate(features.tolist()):
        found = dict(zip(OXYGEN_BALANCE, values, strict=True))
        members = [CANDIDATES[each] for each in sets.members[row] if each >= 0]
        own, expected = amounts[row, : len(members)], naive(TARGETS[sets.target_index[row]], members)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=2e-3), name
        assert found["redox_least_amount"] == own.min()
        assert found["redox_idle"] == (own < 1e-4).sum()
        assert found["feasible"] == (found["redox_imbalance"] < 0.02 and found["redox_idle"] == 0)
        gap = abs(found["net_oxygen"])
        assert found["oxygen_gap"] == (min(gap, 1) if found["feasible"] else 1)
        assert found["closed"] == (found["feasible"] and gap < 0.01)
        assert found["gives_oxygen"] + found["takes_oxygen"] + found["closed"] == found["feasible"]
        assert not found["gives_oxygen"] or found["net_oxygen"] > 0
        assert not found["takes_oxygen"] or found["net_oxygen"] < 0


@given(batches(), st.integers(0, 4))
@settings(max_examples=20)
def test_a_set_has_the_same_digits_in_any_batch(sets, wider):
    amounts, features = balance_oxygen(sets)
    padded = np.pad(sets.members, ((0, 0), (0, wider)), constant_values=-1)
    whole = balance_oxygen(SetBatch(sets.targets, sets.candidates[::-1], sets.target_index, _mirrored(padded)))
    assert np.array_equal(whole[1], features)
    assert np.array_equal(whole[0][:, : amounts.shape[1]], amounts)
    for row in range(len(sets)):
        used = sets.members[row][sets.members[row] >= 0]
        alone = SetBatch(
            [TARGETS[sets.target_index[row]]],
            [CANDIDATES[each] for each in used],
            np.zeros(1, dtype=np.int64),
            np.arange(len(used))[None],
        )
        assert np.array_equal(balance_oxygen(alone)[1][0], features[row])


def _mirrored(members):
    """Return the members by their index among the candidates in reverse order."""
    return np.where(members >= 0, len(CANDIDATES) - 1 - members, -1)


def test_no_sets():
    amounts, features = balance_oxygen(SetBatch([], [], np.zeros(0, dtype=int), np.zeros((0, 1), dtype=int)))
    assert (amounts.shape, features.shape) == ((0, 1), (0, len(OXYGEN_BALANCE)))
