from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import parse_formula
from rrgraph.errors import DataError
from rrgraph.graph import ANION_CLASSES, COUNTED, LinkCounts, anion_class


@pytest.fixture(scope="module")
def fitted(small_table):
    return LinkCounts.fit(small_table, list(small_table.precursors().values()))


def column(counts, formula, name):
    features = counts.features(parse_formula(formula).elements)
    keys = [precursor.key for precursor in counts.vocabulary]
    return dict(zip(keys, features[:, COUNTED.index(name)], strict=False))


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
    values = column(fitted, "KCl", "used")
    assert values["O2Ti"] == pytest.approx(np.log1p(3), abs=1e-5)


def test_unknown_candidates_share_the_last_row(fitted):
    candidates = [parse_formula("CrB"), fitted.vocabulary[2]]
    assert fitted.vocabulary_rows(candidates).tolist() == [len(fitted.vocabulary), 2]
    features = fitted.features(parse_formula("LiCoO2").elements)
    assert features.shape == (len(fitted.vocabulary) + 1, len(COUNTED))
    assert features[-1, -1] == 0.0
    assert np.isfinite(features).all()


def test_counts_survive_their_arrays(fitted):
    again = LinkCounts(fitted.vocabulary, **fitted.to_arrays())
    elements = parse_formula("LiFePO4").elements
    assert np.array_equal(again.features(elements), fitted.features(elements))


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
