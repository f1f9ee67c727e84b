from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import ATOMIC_NUMBERS, parse_formula, source_elements
from rrgraph.data import LinkBatch
from rrgraph.errors import DataError
from rrgraph.graph import COUNTED, FREQUENCY_FEATURES, NEAREST, OVERLAP, UNRELATED, FrequencyFeatures
from rrgraph.graph.elements import Materials
from rrgraph.graph.neighbours import Neighbours

TARGETS = [parse_formula(text) for text in ("LiNiO2", "Li3Fe2(PO4)3", "CuGaSe2", "NdMnO3", "Al2O3", "H2O")]
NEW = [parse_formula(text) for text in ("LiNO3", "CrB", "Nd2O3", "Fe3(PO4)2")]


@pytest.fixture(scope="module")
def fitted(small_table):
    return FrequencyFeatures.fit(small_table, list(small_table.precursors().values()))


def grid(statistics, targets, candidates):
    return statistics.features(LinkBatch.grid(targets, candidates)).reshape(len(targets), len(candidates), -1)


def test_overlap_by_hand(fitted):
    targets = [parse_formula(text) for text in ("LiFePO4", "BaTiO3")]
    candidates = [parse_formula(text) for text in ("FePO4", "Li2CO3", "NaCl", "NH4H2PO4", "BaTi2O5", "KFePO4F")]
    values = grid(fitted, targets, candidates)[..., [FREQUENCY_FEATURES.index(name) for name in OVERLAP]]
    shared, share, foreign = np.moveaxis(values, -1, 0)
    assert shared.tolist() == [[2, 1, 0, 1, 0, 2], [0, 0, 0, 0, 2, 0]]
    assert share[0] == pytest.approx([2 / 3, 1 / 3, 0, 1 / 3, 0, 2 / 3])
    assert share[1].tolist() == [0, 0, 0, 0, 1, 0]
    # Foreign elements count beside something shared only; `UNRELATED` says the rest.
    assert foreign.tolist() == [[0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0]]


def test_what_shares_no_source_element_is_unrelated(fitted):
    candidates = [*fitted.vocabulary, *NEW]
    values = grid(fitted, TARGETS, candidates)
    for row, target in enumerate(TARGETS):
        for column, candidate in enumerate(candidates):
            unrelated = not source_elements(target) & source_elements(candidate)
            assert np.array_equal(values[row, column], UNRELATED) == unrelated
    assert np.isfinite(values).all()


def test_remembered_links_are_those_that_were_computed(small_table):
    fitted = FrequencyFeatures.fit(small_table, list(small_table.precursors().values()))
    candidates = [*NEW, *fitted.vocabulary]
    values = grid(fitted, TARGETS, candidates)
    assert np.array_equal(grid(fitted, TARGETS[::-1], candidates[::-1]), values[::-1, ::-1])
    assert np.array_equal(grid(fitted, TARGETS[2:], candidates), values[2:])


def test_links_are_described_alone_as_in_the_grid(fitted):
    candidates = [*fitted.vocabulary, *NEW]
    values = grid(fitted, TARGETS, candidates)
    rows = np.array([3, 0, 0, 2, 1, 0, 3])
    columns = np.array([len(candidates) - 2, 2, 0, 3, 1, 2, 5])
    assert fitted.features(LinkBatch(TARGETS, candidates, rows, columns)) == pytest.approx(
        values[rows, columns], abs=1e-5
    )
    none = np.array([], dtype=np.int64)
    assert fitted.features(LinkBatch(TARGETS, candidates, none, none)).shape == (0, len(FREQUENCY_FEATURES))
    again = FrequencyFeatures(fitted.counts, fitted.systems)
    assert grid(again, TARGETS, candidates[::-1])[:, ::-1] == pytest.approx(values, abs=1e-5)


def test_counted_columns_are_averaged_over_what_is_supplied(fitted):
    target = parse_formula("LiFePO4")
    candidates = [parse_formula(text) for text in ("FeC2O4", "LiNO3", "FePO4")]
    (values,) = grid(fitted, [target], candidates)
    for candidate, found in zip(candidates, values, strict=True):
        first, used = fitted.counts.supplied(candidate)
        assert found[COUNTED.index("used")] == np.float32(used)
        elements = np.array([ATOMIC_NUMBERS[symbol] - 1 for symbol in sorted(source_elements(candidate))])
        if first < 0:
            assert found[:3] == pytest.approx(np.full(3, np.log(1e-4)))
        else:
            rows = np.zeros(len(elements), dtype=int)
            own = fitted.counts.features(Materials.of([target]), rows, elements, first + np.arange(len(elements)))
            assert found[:3] == pytest.approx(own.mean(0))


def test_nearest_columns_are_averaged_over_what_is_brought(make_table):
    rows = [("LiFePO4", "LiH2PO4;FeC2O4"), ("LiMnPO4", "Li2CO3;MnO;NH4H2PO4"), ("FePO4", "Fe2O3;NH4H2PO4")]
    table = make_table(rows)
    fitted = FrequencyFeatures.fit(table, list(table.precursors().values()))
    precursor, phosphate, vanadate = (parse_formula(text) for text in ("LiH2PO4", "LiCoPO4", "Li3VO4"))
    neighbours = Neighbours(fitted.systems, fitted.vocabulary)
    supplies = neighbours.supplies(precursor)
    both = neighbours.features(Materials.of([phosphate]), np.zeros(2, dtype=int), supplies)
    assert not np.isclose(both[0], both[1]).any()
    (values,), (other,) = grid(fitted, [phosphate, vanadate], [precursor])
    assert values[-len(NEAREST) :] == pytest.approx(both.mean(0), abs=1e-5)
    # The vanadate has no phosphorus, for which it would be used too.
    lithium = neighbours.features(Materials.of([vanadate]), np.zeros(1, dtype=int), supplies[:1])
    assert other[-len(NEAREST) :] == pytest.approx(lithium[0], abs=1e-5)


def test_an_unseen_candidate_is_known_by_its_form_alone(fitted):
    target = parse_formula("LiNiO2")
    seen, unseen, odd = grid(fitted, [target], [parse_formula(t) for t in ("Li2CO3", "LiHCO3", "LiN3")])[0]
    values = dict(zip(FREQUENCY_FEATURES, np.stack([seen, unseen, odd]).T, strict=True))
    assert values["used"][0] > 0
    assert values["used"][1:].tolist() == [0, 0]
    for name in ("element", "anion_class", "element_pair"):
        assert values[name][1:] == pytest.approx(np.log(1e-4), abs=1e-5), name
        assert values[name][0] > np.log(0.1), name
    for name in ("near_system", "near_embedding"):
        assert values[name][1:] == pytest.approx(np.log(1e-3), abs=1e-5), name
    carbonate = grid(fitted, [target], [parse_formula("Li4CO4")])[0, 0]
    assert (
        carbonate[FREQUENCY_FEATURES.index("form_system")]
        == seen[FREQUENCY_FEATURES.index("form_system")]
        > np.log(0.5)
    )
    assert values["form_system"][2] == pytest.approx(np.log(1e-3), abs=1e-5)


def test_a_pool_candidate_is_like_one_that_is_not_known(small_table):
    known = list(small_table.precursors().values())
    with_pool = FrequencyFeatures.fit(small_table, [*known, *NEW])
    without = FrequencyFeatures.fit(small_table, known)
    assert np.array_equal(grid(with_pool, TARGETS, NEW), grid(without, TARGETS, NEW))


def test_statistics_survive_their_arrays_exactly(fitted):
    arrays = fitted.to_arrays()
    again = FrequencyFeatures.from_arrays(fitted.vocabulary, arrays)
    candidates = [*fitted.vocabulary, *NEW]
    assert np.array_equal(grid(again, TARGETS, candidates), grid(fitted, TARGETS, candidates))
    assert {name: a.dtype for name, a in again.to_arrays().items()} == {name: a.dtype for name, a in arrays.items()}


def test_arrays_that_do_not_fit_are_refused(fitted):
    arrays = fitted.to_arrays()
    with pytest.raises(DataError, match="do not fit a vocabulary of"):
        FrequencyFeatures.from_arrays(fitted.vocabulary[:-1], arrays)
    with pytest.raises(ValueError, match="offsets"):
        FrequencyFeatures.from_arrays(fitted.vocabulary, {n: a for n, a in arrays.items() if n != "systems.pointer"})
