from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from rrgraph.chem import parse_formula, source_elements
from rrgraph.data import SetBatch
from rrgraph.graph import PRECURSOR_CLASSES, SET_FREQUENCY_FEATURES, KnownSystems, SetFrequencyFeatures, precursor_class

#: Three element systems, the last with two reactions; all oxides.
ROWS = [
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("LiMn2O4", "Li2CO3;MnO2"),
    ("Li2CoMnO4", "Li2CO3;Co3O4;MnO2"),
    ("LiCoMnO4", "LiOH;CoO;MnO2"),
]


def fit(table, *pool):
    vocabulary = [*table.precursors().values(), *map(parse_formula, pool)]
    systems = KnownSystems.fit(table, {precursor.key: row for row, precursor in enumerate(vocabulary)})
    return SetFrequencyFeatures.fit(table, vocabulary, systems), systems, vocabulary


@pytest.fixture(scope="module")
def fitted(make_table):
    return fit(make_table(ROWS), "NiO")[0]


def describe(statistics, target, *sets):
    """Return each set's statistics by name, and the part of each of its members."""
    candidates = list(dict.fromkeys(text for members in sets for text in members.split(";")))
    members = [[candidates.index(text) for text in text_set.split(";")] for text_set in sets]
    widest = max(map(len, members))
    padded = np.array([each + [-1] * (widest - len(each)) for each in members])
    features, parts = statistics.features(
        SetBatch(
            [parse_formula(target)], [parse_formula(text) for text in candidates], np.zeros(len(sets), int), padded
        )
    )
    assert features.shape == (len(sets), len(SET_FREQUENCY_FEATURES))
    assert parts.shape == (*padded.shape, 2)
    return [dict(zip(SET_FREQUENCY_FEATURES, row, strict=True)) for row in features.tolist()], parts.tolist()


def test_sizes_and_what_members_bring_by_hand(fitted):
    exact, double, single = "Li2CO3;FeC2O4;NH4H2PO4", "LiH2PO4;Fe2O3;Li3PO4", "LiFePO4"
    (a, b, c), parts = describe(fitted, "Li3Fe2(PO4)3", exact, double, single)
    names = ("size", "sources", "excess", "redundant", "removable")
    assert [a[name] for name in names] == [3, 3, 0, 0, 0]
    # Lithium and phosphorus come twice, and either source of them could be left out.
    assert [b[name] for name in names] == [3, 3, 0, 2, 2]
    assert [c[name] for name in names] == [1, 3, -2, 0, 0]
    assert parts[0] == [[1, 1], [1, 1], [1, 1]]
    assert parts[1] == [[0, 2], [1, 1], [0, 2]]
    assert parts[2] == [[3, 3], [0, 0], [0, 0]]


def test_a_member_that_brings_nothing_needed(fitted):
    (values,), parts = describe(fitted, "LiCoO2", "Li2CO3;CoO;Na2CO3")
    assert [values[name] for name in ("excess", "redundant", "removable")] == [1, 0, 1]
    assert parts[0] == [[1, 1], [1, 1], [0, 0]]


def test_precursor_classes_by_hand(fitted):
    (values, other), _ = describe(fitted, "Li3Fe2(PO4)3", "Li2CO3;FeC2O4;NH4H2PO4;Fe2O3;FeO", "Li;Fe")
    classes = {name: values[f"class_{name}"] for name in PRECURSOR_CLASSES}
    assert classes == {**dict.fromkeys(PRECURSOR_CLASSES, 0), "carbonate": 2, "ammonium": 1, "oxide": 2}
    assert values["classes"] == 3
    assert values["main_class"] == pytest.approx(2 / 5)
    assert (other["class_element"], other["classes"], other["main_class"]) == (2, 1, 1)


def lift(together, expected, smoothing):
    return np.log((together + smoothing) / (expected + smoothing))


def test_pair_lift_by_hand(fitted):
    sets = ["Li2CO3;Co3O4", "Li2CO3;CoO", "Co3O4;MnO2", "Li2CO3;MnO2", "Li2CO3;Co3O4;MnO2"]
    found, _ = describe(fitted, "Li2CoMnO4", *sets)
    # Two systems hold lithium and cobalt. The carbonate is used in 1 + 1/2 of them, and so is Co3O4: by chance
    # together in 3/2 * 3/2 / 2; together they are in 1 + 1/2.
    carbonate_oxide = lift(1.5, 1.5 * 1.5 / 2, 0.5)
    assert found[0]["pair_mean"] == found[0]["pair_least"] == pytest.approx(carbonate_oxide, abs=1e-5)
    assert found[1]["pair_mean"] == pytest.approx(lift(0, 1.5 * 0.5 / 2, 0.5), abs=1e-5)
    assert found[2]["pair_mean"] == pytest.approx(lift(0.5, 0.5 * 1.0 / 1, 0.5), abs=1e-5)
    assert found[3]["pair_mean"] == pytest.approx(lift(1.5, 1.5 * 2.0 / 2, 0.5), abs=1e-5)
    three = [found[0]["pair_mean"], found[2]["pair_mean"], found[3]["pair_mean"]]
    assert found[4]["pair_mean"] == pytest.approx(np.mean(three), abs=1e-5)
    assert found[4]["pair_least"] == pytest.approx(min(three), abs=1e-5)


def test_pair_lift_of_a_source_of_two_elements_by_hand(make_table):
    rows = [("LiFePO4", "LiH2PO4;Fe2O3"), ("FePO4", "NH4H2PO4;Fe2O3"), ("LiFeO2", "Li2CO3;Fe2O3")]
    statistics, _, _ = fit(make_table(rows))
    (values,), _ = describe(statistics, "LiFePO4", "LiH2PO4;Fe2O3")
    # Fe2O3 is used in three systems, which hold the lithium and phosphorus of LiH2PO4 by 1, 1/2 and 1/2.
    assert values["pair_mean"] == pytest.approx(lift(1, 1 * 2 / 2, 0.5), abs=1e-5)
    (other,), _ = describe(statistics, "LiFePO4", "LiH2PO4;NH4H2PO4")
    # Phosphorus in two systems, of which the one without lithium counts half.
    assert other["pair_mean"] == pytest.approx(lift(0, 1 * 0.5 / 1.5, 0.5), abs=1e-5)


def test_form_pair_lift_by_hand(fitted):
    # Of four reactions three have a carbonate, one a hydroxide and all an oxide, two of them two oxides.
    (values, both), _ = describe(fitted, "Li2CoMnO4", "LiOH;Co3O4;MnO2", "LiOH;Li2CO3;NiO")
    twice = lift(2, 4 * 4 / 4, 2.0)
    assert values["form_pair_mean"] == pytest.approx((lift(1, 1, 2.0) * 2 + twice) / 3, abs=1e-5)
    assert values["form_pair_least"] == pytest.approx(twice, abs=1e-5)
    # NiO was never used, but it is an oxide.
    three = [lift(0, 3 * 1 / 4, 2.0), lift(1, 1, 2.0), lift(3, 3 * 4 / 4, 2.0)]
    assert both["form_pair_mean"] == pytest.approx(np.mean(three), abs=1e-5)
    assert both["form_pair_least"] == pytest.approx(min(three), abs=1e-5)


def test_one_member_and_members_never_seen_have_no_pairs(fitted):
    names = ("pair_mean", "pair_least", "form_pair_mean", "form_pair_least")
    (alone, new), _ = describe(fitted, "Li2CoMnO4", "Li2CO3", "LiI;CoSe2;MnF2")
    assert [alone[name] for name in names] == [0] * 4
    assert [new[name] for name in names] == [0] * 4


def test_usual_size_by_hand(fitted):
    # Of two oxides with two source elements both were made from two precursors; eight excesses are told apart.
    found, _ = describe(fitted, "NaNiO2", "NaNiO2", "Na2O;NiO", "Na2O;NiO;Ni")
    for values, count in zip(found, (0, 2, 0), strict=True):
        assert values["usual_size"] == pytest.approx(np.log((count + 0.05) / (2 + 8 * 0.05)), abs=1e-5)
    (halide,), _ = describe(fitted, "NaNiF3", "NaF;NiF2")
    assert halide["usual_size"] == pytest.approx(np.log(1 / 8), abs=1e-5)


def test_sizes_beyond_the_table_count_with_its_rim(make_table):
    many = "Li2O;Na2O;K2O;MgO;CaO;SrO;BaO;La2O3;CeO2;TiO2"
    statistics, _, _ = fit(make_table([("LiNaKMgCaSrBaLaCeTiO12", many)]))
    (own, more), _ = describe(statistics, "LiNaKMgCaSrBaLaCeZrO12", many.replace("Ti", "Zr"), f"{many};ZrO2;Li;Na;K;Mg")
    assert own["usual_size"] == pytest.approx(np.log(1.05 / 1.4), abs=1e-5)
    assert more["excess"] == 5
    assert more["usual_size"] == pytest.approx(np.log(0.05 / 1.4), abs=1e-5)
    (few,), _ = describe(statistics, "LiNaKMgCaSrBaLaCeZrO12", "Li")
    assert few["excess"] == -9
    assert np.isfinite(few["usual_size"])


def test_unseen_members_are_counted(fitted):
    found, _ = describe(fitted, "LiNiO2", "Li2CO3;Co3O4", "Li2CO3;NiO", "LiF;NiO;Co3O4")
    assert [values["unseen"] for values in found] == [0, 1, 2]


def test_members_may_come_in_any_order_and_with_any_padding(fitted):
    candidates = [parse_formula(text) for text in ("Li2CO3", "Co3O4", "MnO2", "NiO", "LiI")]
    target = [parse_formula("Li2CoMnO4")]
    for chosen in (pair for size in (1, 2, 3) for pair in combinations(range(5), size)):
        orders = np.array([[*order, *[-1] * (4 - len(order))] for order in permutations(chosen)])
        features, parts = fitted.features(SetBatch(target, candidates, np.zeros(len(orders), dtype=int), orders))
        narrow, _ = fitted.features(SetBatch(target, candidates, np.zeros(1, dtype=int), np.array([chosen])))
        assert features == pytest.approx(np.tile(narrow, (len(orders), 1)), abs=1e-5)
        for order, part in zip(orders, parts, strict=True):
            place = np.argsort(order[: len(chosen)])
            assert part[place].tolist() == parts[0][: len(chosen)][np.argsort(chosen)].tolist()
            assert not part[len(chosen) :].any()


def test_every_set_has_its_own_target(small_table):
    statistics, _, vocabulary = fit(small_table)
    rng = np.random.default_rng(0)
    targets = small_table.targets
    rows = rng.integers(0, len(targets), 60)
    members = np.array(
        [
            [*rng.choice(len(vocabulary), size, replace=False), *[-1] * (4 - size)]
            for size in rng.integers(1, 5, len(rows))
        ]
    )
    features, parts = statistics.features(SetBatch(targets, vocabulary, rows, members))
    for row, chosen, values, part in zip(rows, members, features, parts, strict=True):
        need = source_elements(targets[row])
        own = [source_elements(vocabulary[each]) & need for each in chosen if each >= 0]
        number = {symbol: sum(symbol in brought for brought in own) for symbol in need}
        alone = [sum(number[symbol] == 1 for symbol in brought) for brought in own]
        assert part[: len(own)].tolist() == [[a, len(b)] for a, b in zip(alone, own, strict=True)]
        named = dict(zip(SET_FREQUENCY_FEATURES, values.tolist(), strict=True))
        assert named["redundant"] == sum(max(count - 1, 0) for count in number.values())
        assert named["removable"] == alone.count(0)
        classes = [precursor_class(vocabulary[each]) for each in chosen if each >= 0]
        assert {name: named[f"class_{name}"] for name in PRECURSOR_CLASSES} == {
            name: classes.count(name) for name in PRECURSOR_CLASSES
        }


def test_statistics_survive_their_arrays(small_table):
    statistics, systems, vocabulary = fit(small_table, "NiO")
    again = SetFrequencyFeatures.from_arrays(vocabulary, systems, statistics.forms, statistics.to_arrays())
    members = np.array(list(permutations(range(len(vocabulary)), 2)))
    rows = np.arange(len(members)) % len(small_table)
    sets = SetBatch(small_table.targets, vocabulary, rows, members)
    for first, second in zip(statistics.features(sets), again.features(sets), strict=True):
        assert np.array_equal(first, second)
        assert np.isfinite(first).all()
