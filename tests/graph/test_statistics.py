import numpy as np
import pytest

from rrgraph.chem import element_system, parse_formula
from rrgraph.graph import ANION_CLASSES, COUNTED, LinkStatistics, anion_class, overlap, presence


@pytest.fixture(scope="module")
def fitted(small_table):
    return LinkStatistics.fit(small_table, list(small_table.precursors().values()))


def column(statistics, formula, name, **options):
    features = statistics.features(parse_formula(formula).elements, **options)
    keys = [precursor.key for precursor in statistics.vocabulary]
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
    statistics = LinkStatistics.fit(table, list(table.precursors().values()))
    values = column(statistics, "NaFePO4", "element_pair")
    assert values["C1FeO4" if "C1FeO4" in values else "C2FeO4"] > values["Fe2O3"]
    assert column(statistics, "NaFePO4", "element")["Fe2O3"] > column(statistics, "NaFePO4", "element")["C2FeO4"]


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


@pytest.mark.parametrize("formula", ["LiCoO2", "BaTiO3", "CuInSe2", "LiFePO4"])
def test_leaving_a_system_out_equals_never_having_seen_it(small_table, fitted, formula):
    """The leak test: with its own system left out, a training row's statistics cannot know its label."""
    target = parse_formula(formula)
    system = element_system(target)
    others = small_table.select(np.array([element_system(t) != system for t in small_table.targets]))
    vocabulary = list(small_table.precursors().values())
    expected = LinkStatistics.fit(others, vocabulary).features(target.elements)
    left_out = fitted.features(target.elements, leave_out=fitted.system_counts(small_table)[system])
    assert left_out == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(left_out, fitted.features(target.elements), atol=1e-3)


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


def test_overlap_by_hand():
    targets = presence([parse_formula("LiFePO4"), parse_formula("H2O")])
    precursors = presence([parse_formula(f) for f in ("FePO4", "Li2CO3", "NaCl", "NH4H2PO4")])
    shared, share, foreign = np.moveaxis(overlap(targets, precursors), -1, 0)
    assert shared.tolist() == [[2, 1, 0, 1], [0, 0, 0, 0]]
    assert share[0] == pytest.approx([2 / 3, 1 / 3, 0, 1 / 3])
    assert foreign.tolist() == [[0, 0, 2, 0], [2, 1, 2, 1]]
