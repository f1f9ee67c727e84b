from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.baselines import Popularity, PopularityUnseen
from rrgraph.chem import VOLATILE, parse_formula, source_elements
from rrgraph.data import ReactionTable, Split, load_table, split_table
from rrgraph.evaluation import PROTOCOLS, evaluate_planner
from rrgraph.planning import read_candidates

PRECURSORS = ["Li2CO3", "LiOH", "Li2S", "Co3O4", "CoO", "CoS", "TiO2", "Ti", "LiTiO2", "S", "C", "H2O", "LiCl"]
TARGETS = ["LiCoO2", "Li2TiO3", "CoTiO3", "LiCoS2", "TiS2", "CoC", "Li2CO3"]

rows = st.lists(
    st.tuples(st.sampled_from(TARGETS), st.lists(st.sampled_from(PRECURSORS), min_size=1, max_size=3, unique=True)),
    min_size=1,
    max_size=12,
)


def probability(logits):
    return 1 / (1 + np.exp(-logits))


def naive(reactions, target, candidate, alpha, beta, by_oxygen):
    """Count by reading the class documentation aloud; None when the candidate cannot be used."""
    target, candidate = parse_formula(target), parse_formula(candidate)
    reactions = {(parse_formula(t), frozenset(map(parse_formula, members))) for t, members in reactions}
    shared = source_elements(candidate) & target.elements
    if candidate.elements - VOLATILE - target.elements or not shared:
        return None
    best = 0.0
    for element in shared:
        containing = [(t, members) for t, members in reactions if element in t.elements]
        supplying = [t for t, members in containing if candidate in members]
        value = (len(supplying) + alpha) / (len(containing) + 1)
        if by_oxygen:
            alike = [t for t, _ in containing if ("O" in t.elements) == ("O" in target.elements)]
            count = sum(("O" in t.elements) == ("O" in target.elements) for t in supplying)
            value = (count + beta * value) / (len(alike) + beta)
        best = max(best, value)
    return best


@given(rows, st.sampled_from([0.05, 0.5]), st.sampled_from([1.0, 3.0]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_probabilities_equal_naive_counts(make_table, reactions, alpha, beta, by_oxygen):
    table = make_table([(target, ";".join(members)) for target, members in reactions])
    baseline = Popularity(alpha=alpha, beta=beta, by_oxygen=by_oxygen).fit(table)
    logits = baseline.logits([parse_formula(t) for t in TARGETS], [parse_formula(p) for p in PRECURSORS])
    for row, target in enumerate(TARGETS):
        for column, candidate in enumerate(PRECURSORS):
            expected = naive(reactions, target, candidate, alpha, beta, by_oxygen)
            if expected is None:
                assert logits[row, column] == -30.0
            else:
                assert probability(logits[row, column]) == pytest.approx(expected)


def test_repeated_rows_count_once(make_table):
    once = make_table([("BaTiO3", "BaCO3;TiO2"), ("BaSnO3", "BaO;SnO2")])
    often = make_table([("BaTiO3", "BaCO3;TiO2")] * 9 + [("Ba2Ti2O6", "TiO2;BaCO3"), ("BaSnO3", "BaO;SnO2")])
    ask = [parse_formula("BaZrO3")], [parse_formula("BaCO3"), parse_formula("BaO")]
    np.testing.assert_array_equal(Popularity().fit(once).logits(*ask), Popularity().fit(often).logits(*ask))


def test_nitrides_learn_from_nitrides(make_table):
    table = make_table([("LiCoO2", "Li2CO3;Co3O4"), ("LiMnO2", "Li2CO3;MnO2"), ("Li3AlN2", "Li3N;AlN")])
    candidates = [parse_formula("Li2CO3"), parse_formula("Li3N")]
    oxide, nitride = Popularity().fit(table).logits([parse_formula("LiNiO2"), parse_formula("LiSrN")], candidates)
    assert oxide[0] > oxide[1]
    assert nitride[1] > nitride[0]
    plain = Popularity(by_oxygen=False).fit(table).logits([parse_formula("LiSrN")], candidates)[0]
    assert plain[0] > plain[1]


@given(rows)
@settings(max_examples=40, deadline=None)
def test_what_was_never_seen_ranks_below_everything_seen_for_the_element(make_table, reactions):
    table = make_table([(target, ";".join(members)) for target, members in reactions])
    baseline = Popularity().fit(table)
    for target in map(parse_formula, TARGETS):
        for element in target.elements:
            single = [c for c in map(parse_formula, PRECURSORS) if source_elements(c) == {element}]
            logits = baseline.logits([target], single)[0]
            seen = [
                any(c in members and element in t.elements for t, members in zip(*split(table), strict=True))
                for c in single
            ]
            above = [value for value, known in zip(logits, seen, strict=True) if known and value > -30]
            below = [value for value, known in zip(logits, seen, strict=True) if not known]
            if above and below:
                assert min(above) > max(below)


def split(table):
    return table.targets, table.precursor_sets


def test_volatile_elements_are_never_foreign(make_table):
    baseline = Popularity().fit(make_table([("NaCl", "NaHCO3;NH4Cl")]))
    logits = baseline.logits([parse_formula("NaCl")], [parse_formula(f) for f in ("NaHCO3", "NH4Cl", "KCl", "H2O")])[0]
    assert (logits[:2] > 0).all()
    assert (logits[2:] == -30).all()


@pytest.mark.data
@pytest.mark.parametrize(("by_oxygen", "floor"), [(True, (0.54, 0.70, 0.75, 0.81)), (False, (0.48, 0.63, 0.70, 0.76))])
def test_it_is_the_known_floor_on_novel_material_systems(data_folder, by_oxygen, floor):
    folder = data_folder / "reactions"
    holdout = load_table("nms_validation")
    train = split_table(ReactionTable.read(folder / "text_mined_reactions.csv.gz"), "nms", holdout=holdout).train
    pool = read_candidates(folder / "precursor_pool.txt")
    baseline = Popularity(by_oxygen=by_oxygen).fit(train)
    metrics = evaluate_planner(baseline, pool, holdout, PROTOCOLS["paper"], resamples=10)
    assert all(metrics.overall.top[k].value >= value for k, value in zip((1, 3, 5, 10), floor, strict=True))


@pytest.fixture
def unseen_split(make_table):
    """Training without lithium hydroxide and cobalt monoxide; two of the four feasible validation links use them."""
    train = make_table([("LiCoO2", "Li2CO3;Co3O4"), ("Li2TiO3", "Li2CO3;TiO2"), ("CoTiO3", "Co3O4;TiO2")])
    validation = make_table([("LiCo2O4", "LiOH;Co3O4"), ("Co2TiO4", "CoO;TiO2"), ("LiCoTiO4", "Li2CO3;Co3O4;TiO2")])
    return Split(train, validation, validation.select([]), split_table(train, "all").report)


def test_the_constant_is_the_logit_of_the_recorded_share(unseen_split):
    """Feasible links to unseen precursors: LiOH and CoO for LiCo2O4, CoO for Co2TiO4, both for LiCoTiO4."""
    baseline = PopularityUnseen().fit(unseen_split.train, unseen_split)
    targets = [parse_formula(t) for t in ("LiCo2O4", "TiO2")]
    candidates = [parse_formula(p) for p in ("LiOH", "CoO", "CoCO3", "Li2CO3", "BaO")]
    plain = Popularity().fit(unseen_split.train).logits(targets, candidates)
    logits = baseline.logits(targets, candidates)
    assert logits[0, :3] == pytest.approx(np.log(2.5 / 3.5))
    assert logits[0, 3] == plain[0, 3]
    assert (logits[1] == plain[1]).all() and logits[0, 4] == -30


def test_the_constant_can_be_given_and_needs_unseen_validation_precursors(unseen_split):
    target, lithia = [parse_formula("LiCo2O4")], [parse_formula("LiOH")]
    given = PopularityUnseen(unseen_logit=-2.0).fit(unseen_split.train, unseen_split)
    assert given.logits(target, lithia) == -2.0
    alone = PopularityUnseen().fit(unseen_split.train)
    assert alone.logits(target, lithia) == Popularity().fit(unseen_split.train).logits(target, lithia)
    nothing = replace(unseen_split, validation=unseen_split.train)
    assert PopularityUnseen().fit(unseen_split.train, nothing).logits(target, lithia) == alone.logits(target, lithia)
