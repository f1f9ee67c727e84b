from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.baselines import NearestTarget, Popularity, SynthesisSimilarity
from rrgraph.chem import VOLATILE, parse_formula, source_elements
from rrgraph.data import overlap_vectors, similarity
from rrgraph.planning import SetConstraints

TARGETS = ["LiCoO2", "Li2TiO3", "CoTiO3", "LiCoTiO4", "LiCoF3", "CoN", "TiO2", "LiF"]
PRECURSORS = ["Li2CO3", "LiOH", "LiF", "Co3O4", "CoO", "CoF2", "TiO2", "LiTiO2", "TiN", "ZnO", "H2O", "NH3"]
POOL = [parse_formula(f) for f in PRECURSORS]

rows = st.lists(
    st.tuples(st.sampled_from(TARGETS), st.lists(st.sampled_from(PRECURSORS), min_size=1, max_size=3, unique=True)),
    min_size=1,
    max_size=15,
)
constraints = st.sampled_from(
    [SetConstraints(), SetConstraints(foreign=True, cover="strict"), SetConstraints(sizes=(2, 3))]
)


def naive(reactions, target, pool, rules, size, preferences, near, first=()):
    """Walk by reading the documentation aloud. `preferences` gives the wish for a precursor to complete a set."""
    seen = {precursor for _, members in reactions for precursor in members}
    own = target.elements | VOLATILE
    needed = target.elements if rules.cover == "strict" else source_elements(target)
    relevant = needed | (target.elements - {"O", "H"})

    def usable(precursor):
        if precursor.key not in seen or precursor == target or not precursor.elements <= own:
            return False
        return rules.foreign or bool(precursor.elements & relevant)

    options = {p.key: p for p in pool if usable(p)}
    counted = Counter((t.key, members) for t, members in reactions)
    order = sorted(counted, key=lambda each: (-near[each[0]], each[0], -counted[each], sorted(each[1])))
    found = list(first)
    for _, members in order:
        kept = {key for key in members if key in options}
        missing = needed - frozenset().union(*(options[key].elements for key in kept))
        if missing == needed:
            continue
        wish = preferences(kept)
        while missing:
            helpful = sorted(key for key in options if options[key].elements & missing)
            if not helpful:
                break
            best = max(helpful, key=lambda key: wish[key])
            kept.add(best)
            missing -= options[best].elements
        if not missing and len(kept) in (rules.sizes if size is None else (size,)):
            found.append(frozenset(kept))
    return list(dict.fromkeys(found))


@given(rows, st.sampled_from(TARGETS), constraints, st.sampled_from([None, 2, 3]), st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_the_walk_equals_a_naive_one(make_table, reactions, asked, rules, size, dropped):
    table = make_table([(target, ";".join(members)) for target, members in reactions])
    target, pool = parse_formula(asked), POOL[dropped:]
    baseline = NearestTarget().fit(table)
    (proposals,) = baseline.propose([target], pool, sizes=[size], constraints=rules, number=100)
    precursors = table.precursors()
    popular = Popularity().fit(table).logits([target], list(precursors.values()))[0]
    wish = dict(zip(precursors, popular, strict=True))
    near = {t.key: float(similarity([target], [t])[0, 0]) for t in table.targets}
    pairs = list(zip(table.targets, table.set_keys, strict=True))
    expected = naive(pairs, target, pool, rules, size, lambda kept: wish, near)
    assert [precursors.keys for precursors, _ in proposals] == expected
    assert [score for _, score in proposals] == [-float(rank) for rank in range(len(expected))]


@given(rows, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_a_short_list_is_the_head_of_a_long_one(make_table, reactions, number):
    baseline = NearestTarget().fit(make_table([(target, ";".join(members)) for target, members in reactions]))
    ask = {"sizes": [None] * 3, "constraints": SetConstraints()}
    targets = [parse_formula(f) for f in TARGETS[:3]]
    long = baseline.propose(targets, POOL, number=100, **ask)
    assert baseline.propose(targets, POOL, number=number, **ask) == [each[:number] for each in long]


def test_the_order_of_the_rows_does_not_matter(small_table):
    pool = list(small_table.precursors().values())
    backwards = small_table.select(np.arange(len(small_table))[::-1])
    ask = {"sizes": [None] * 14, "constraints": SetConstraints(), "number": 50}
    one, other = (NearestTarget().fit(t).propose(small_table.targets, pool, **ask) for t in (small_table, backwards))
    assert one == other


def test_of_one_reference_the_most_frequent_set_comes_first(make_table):
    rows = [("LiCoO2", "Co3O4;Li2CO3"), ("LiCoO2", "Co3O4;LiOH"), ("LiCoO2", "CoO;LiOH")]
    for often in range(3):
        baseline = NearestTarget().fit(make_table([*rows, *[rows[often]] * 2]))
        (plan,) = baseline.plan([parse_formula("LiCoO2")], POOL)
        assert plan.sets[0].precursors.keys == {parse_formula(f).key for f in rows[often][1].split(";")}


def test_a_reference_that_brings_nothing_is_passed_over(make_table):
    """Its set would be made of popular precursors alone, whatever it is similar to."""
    table = make_table([("ZnO", "ZnO"), ("TiO2", "TiN"), ("CoO", "Co3O4"), ("ZnTiO3", "ZnO;TiO2"), ("TiN", "TiO2;NH3")])
    ask = {"sizes": [None], "constraints": SetConstraints(foreign=True), "number": 100}
    (found,) = NearestTarget().fit(table).propose([parse_formula("Zn3N2")], POOL, **ask)
    assert [members.keys for members, _ in found] == [{parse_formula("ZnO").key}]
    (found,) = NearestTarget().fit(make_table([("TiN", "TiO2;NH3")])).propose([parse_formula("CoN")], POOL, **ask)
    assert found == []


def test_overlap_vectors_have_length_one_and_give_the_similarity():
    materials = [parse_formula(f) for f in TARGETS]
    vectors = overlap_vectors(materials)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(vectors @ vectors.T, similarity(materials, materials), atol=1e-5)


def test_nearest_target_adapts_the_nearest_recorded_set(make_table):
    table = make_table(
        [("LiCoO2", "Li2CO3;Co3O4"), ("LiNiO2", "LiOH;NiO"), ("BaTiO3", "BaCO3;TiO2"), ("BaNiO2", "BaO;Ni2O3")] * 2
        + [("SrNiO2", "SrO;NiO")]
    )
    pool = list(table.precursors().values())
    (plan,) = NearestTarget().fit(table).plan([parse_formula("Li3NiO3")], pool)
    assert plan.sets[0].precursors.keys == {parse_formula(f).key for f in ("LiOH", "NiO")}
    # Nearest to LiTiO2 without a set of its own: LiCoO2 (or LiNiO2), whose metal gives way to the popular TiO2.
    (plan,) = NearestTarget().fit(table).plan([parse_formula("LiTiO2")], pool)
    assert parse_formula("TiO2").key in plan.sets[0].precursors.keys


@pytest.fixture(scope="module")
def learned(small_table):
    return SynthesisSimilarity(width=8, epochs=5).fit(small_table)


@pytest.mark.parametrize("formula", ["BaMnO3", "LaCoO3", "Li2MnTiO4", "SrCuO2"])
@pytest.mark.parametrize("common_first", [True, False])
def test_synthesis_similarity_equals_a_naive_walk(learned, small_table, formula, common_first):
    target, rules = parse_formula(formula), SetConstraints()
    precursors = small_table.precursors()
    encoder = learned._encoder
    reference = encoder.embed(small_table.targets) @ encoder.embed([target])[0]
    near = {t.key: round(float(value), 6) for t, value in zip(small_table.targets, reference, strict=True)}

    def preferences(kept):
        logs = encoder.logits([target], [[precursors[key] for key in kept]])[0].tolist()
        return dict(zip((p.key for p in encoder.vocabulary), logs, strict=True))

    popular = Popularity().fit(small_table).logits([target], list(precursors.values()))[0]
    wish = dict(zip(precursors, popular, strict=True))
    common = frozenset(
        max((k for k, p in precursors.items() if symbol in p.elements), key=lambda k: wish[k])
        for symbol in source_elements(target)
    )
    pairs = list(zip(small_table.targets, small_table.set_keys, strict=True))
    first = [common] if common_first else []
    expected = naive(pairs, target, list(precursors.values()), rules, None, preferences, near, first)
    learned.common_first = common_first
    (found,) = learned.propose([target], list(precursors.values()), sizes=[None], constraints=rules, number=100)
    assert [members.keys for members, _ in found] == expected
