from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, parse_formula, source_elements
from rrgraph.errors import DataError
from rrgraph.graph import ANION_CLASSES, COUNTED, LinkCounts, anion_class
from rrgraph.graph.elements import Materials


@pytest.fixture(scope="module")
def fitted(small_table):
    return LinkCounts.fit(small_table, list(small_table.precursors().values()))


def supplies(counts, target):
    """Return precursor, element and slot of all that the precursors supply of what a target contains."""
    return [
        (precursor, ATOMIC_NUMBERS[symbol] - 1, first + place)
        for precursor in counts.vocabulary
        for first, _ in [counts.supplied(precursor)]
        for place, symbol in enumerate(sorted(source_elements(precursor)))
        if symbol in target.elements
    ]


def column(counts, formula, name):
    """Return a feature of the links of a target, averaged over what each precursor supplies."""
    target = parse_formula(formula)
    precursors, elements, slots = zip(*supplies(counts, target), strict=True)
    rows = np.zeros(len(slots), dtype=int)
    values = counts.features(Materials.of([target]), rows, np.array(elements), np.array(slots))
    found = {}
    for precursor, value in zip(precursors, values[:, COUNTED.index(name)].tolist(), strict=True):
        found.setdefault(precursor.key, []).append(value)
    return {key: np.mean(own) for key, own in found.items()}


def test_element_is_the_log_frequency_among_reactions_that_contain_it(fitted):
    # Five distinct oxide reactions contain Li (LiCoO2 twice, LiMn2O4, LiFePO4 = 4); three of these use Li2CO3.
    values = column(fitted, "LiNiO2", "element")
    assert values["CLi2O3"] == pytest.approx(np.log(3 / 4), abs=1e-5)
    assert values["HLiO"] == pytest.approx(np.log(1 / 4), abs=1e-5)


def test_elements_with_and_without_oxygen_are_counted_apart(fitted):
    assert column(fitted, "CuGaSe2", "element")["Cu"] == pytest.approx(0.0, abs=1e-5)
    oxide = column(fitted, "SrCu2O3", "element")
    assert oxide["CuO"] == pytest.approx(0.0, abs=1e-5)
    assert oxide["Cu"] < np.log(1e-3)


def test_pairs_tell_apart_what_elements_alone_cannot(make_table):
    table = make_table(
        [("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4")] * 1
        + [("Li3Fe2(PO4)3", "Li2CO3;FeC2O4;NH4H2PO4"), ("BaFe12O19", "BaCO3;Fe2O3"), ("SrFe12O19", "SrCO3;Fe2O3")]
        + [("CaFe2O4", "CaCO3;Fe2O3")]
    )
    counts = LinkCounts.fit(table, list(table.precursors().values()))
    values = column(counts, "NaFePO4", "element_pair")
    assert values["C1FeO4" if "C1FeO4" in values else "C2FeO4"] > values["Fe2O3"]
    assert column(counts, "NaFePO4", "element")["Fe2O3"] > column(counts, "NaFePO4", "element")["C2FeO4"]


def test_used_counts_distinct_reactions(fitted):
    assert fitted.supplied(parse_formula("TiO2"))[1] == pytest.approx(np.log1p(3), abs=1e-5)
    assert fitted.supplied(parse_formula("CrB")) == (-1, 0.0)


def test_counts_survive_their_arrays(fitted):
    again = LinkCounts.from_arrays(fitted.vocabulary, fitted.to_arrays())
    for name in COUNTED[:3]:
        assert column(again, "LiFePO4", name) == column(fitted, "LiFePO4", name)


def test_features_equal_a_loop_over_the_reactions(small_table):
    counts = LinkCounts.fit(small_table, list(small_table.precursors().values()))
    reactions = small_table.distinct_reactions()
    targets = [parse_formula(text) for text in ("LiFePO4", "CuGaSe2", "SrCu2O3", "Al2O3", "Cu")]
    for row, target in enumerate(targets):
        for precursor, element, slot in supplies(counts, target):
            found = counts.features(Materials.of(targets), *(np.array([each]) for each in (row, element, slot)))
            expected = by_loops(reactions, target, precursor.key, ELEMENTS[element])
            assert found[0] == pytest.approx(expected, abs=1e-5), (target, precursor)


def by_loops(reactions, target, key, symbol):
    """Return the features of a supply by their documentation."""
    having = [(t.elements, key in keys) for t, keys in reactions if symbol in t.elements]
    alike = [(e, used) for e, used in having if ("O" in e) == ("O" in target.elements)]
    same = [used for e, used in having if anion_class(e) == anion_class(target.elements)]
    prior = max(sum(used for _, used in alike) / max(len(alike), 1), 1e-4)
    by_class = (sum(same) + 2 * prior) / (len(same) + 2)
    both = [[used for e, used in alike if other in e] for other in target.elements - {symbol}]
    if not both:
        both = [[used for _, used in alike]]
    pairs = [np.log((sum(used) + 2 * by_class) / (len(used) + 2)) for used in both]
    return [np.log(prior), np.log(by_class), np.mean(pairs)]


def test_counts_of_another_vocabulary_are_refused(fitted):
    with pytest.raises(DataError, match="do not fit a vocabulary of"):
        LinkCounts(fitted.vocabulary[:-1], **fitted.to_arrays())


def test_anion_classes():
    families = {
        "BaTiO3": "oxide",
        "LiFePO4": "oxyanion",
        "LaOF": "oxyanion",
        "CsPbBr3": "halide",
        "CuInSe2": "chalcogenide",
        "TiN": "nitride",
        "GaAs": "pnictide",
        "Cr2AlB2": "carbide",
        "MgAgSb": "pnictide",
        "NiAl": "intermetallic",
    }
    assert {formula: anion_class(parse_formula(formula).elements) for formula in families} == families
    assert set(families.values()) == set(ANION_CLASSES)
