from __future__ import annotations

from itertools import product
from math import exp, fsum

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.baselines import ElemwiseRetro
from rrgraph.baselines.elemwise.network import NO_TEMPLATE, TemplateNetwork
from rrgraph.chem import parse_formula
from rrgraph.graph import featurise
from rrgraph.planning import SetConstraints

FREE = SetConstraints(foreign=True)


@pytest.fixture(scope="module")
def table(make_table):
    return make_table(
        [
            ("LiCoO2", "Li2CO3;Co3O4"),
            ("LiCoO2", "LiOH;CoO"),
            ("LiMn2O4", "LiNO3;MnO2"),
            ("LaMnO3", "La2O3;MnCO3"),
            ("LaCoO3", "La(NO3)3;CoC2O4"),
            ("LiF", "LiF"),
            ("SrLiF3", "LiF;SrF2"),
            ("SrTiO3", "SrCO3;TiO2"),
            ("BaTiO3", "BaO;TiO2"),
            ("BaMnO3", "BaCl2;Mn2O3"),
            ("Ba2TiO4", "BaTiO3;BaO"),
        ]
    )


@pytest.fixture(scope="module")
def baseline(table):
    return ElemwiseRetro(width=8, epochs=3).fit(table)


@pytest.fixture(scope="module")
def pool(table):
    return list(table.precursors().values())


def naive(baseline, target, pool, constraints):
    """Every choice of one option each, the forbidden ones left out, by their summed log probability."""
    names = {candidate.key for candidate in pool}
    found = {}
    for choice in product(*baseline.options([target])[0].values()):
        keys = frozenset(precursor.key for precursor, _ in choice)
        brought = frozenset().union(*(precursor.elements for precursor, _ in choice))
        foreign = brought - target.elements - {"C", "H", "O", "N"}
        needed = target.elements if constraints.cover == "strict" else target.elements - {"C", "H", "O", "N"}
        if choice and keys <= names and needed <= brought and (constraints.foreign or not foreign):
            found[keys] = sum(log for _, log in choice)
    return found


@given(
    st.sets(st.sampled_from(["Li", "Co", "Mn", "La", "Sr", "Ba", "Ti"]), min_size=1, max_size=4),
    st.sampled_from(["O2", "F", "OF", ""]),
    st.sampled_from([FREE, SetConstraints(), SetConstraints(cover="strict")]),
    st.integers(0, 5),
    st.integers(1, 300),
)
@settings(max_examples=60, deadline=None)
def test_sets_come_in_the_order_of_the_product(baseline, pool, symbols, rest, constraints, dropped, number):
    target = parse_formula("".join(sorted(symbols)) + rest)
    usable = pool[dropped:]
    (proposals,) = baseline.propose([target], usable, sizes=[None], constraints=constraints, number=number)
    expected = naive(baseline, target, usable, constraints) if target.key not in {p.key for p in usable} else None
    scores = [score for _, score in proposals]
    assert scores == sorted(scores, reverse=True)
    if expected is not None:
        assert len(proposals) == min(number, len(expected))
        assert scores == pytest.approx(sorted(expected.values(), reverse=True)[:number], abs=1e-6)
        for precursors, score in proposals:
            assert score == pytest.approx(expected[precursors.keys], abs=1e-6)


def test_probabilities_of_all_sets_sum_to_one(baseline, pool):
    for formula in ("LiCoO2", "LaMnO3", "LiCoMnO4"):
        (plan,) = baseline.plan([parse_formula(formula)], pool, constraints=FREE, top_k=500)
        assert fsum(ranked.probability for ranked in plan) == pytest.approx(1, abs=1e-6)
        assert all(ranked.probability == pytest.approx(exp(ranked.score)) for ranked in plan)


def test_the_number_of_precursors_is_that_of_the_source_elements(baseline, pool):
    target = parse_formula("LiCoO2")
    assert {len(ranked.precursors) for ranked in baseline.plan([target], pool, constraints=FREE)[0]} == {2}
    assert not baseline.plan([target], pool, constraints=FREE, sizes=[3])[0].sets
    assert not baseline.plan([parse_formula("H2O")], pool, constraints=FREE)[0].sets


def test_an_element_without_training_reactions_has_no_set(baseline, pool):
    candidates = [*pool, parse_formula("ZnO")]
    assert not baseline.plan([parse_formula("LiZnO2")], candidates, constraints=FREE)[0].sets


def test_it_learns_what_is_learnable(make_table):
    """Templates that depend on the partner of an element can be told only by a network that sees the target."""
    rows = [("LiCoO2", "Li2CO3;Co3O4"), ("LiMnO2", "LiOH;MnO2"), ("Li2CoO2", "Li2CO3;Co3O4"), ("Li2MnO3", "LiOH;MnO2")]
    baseline = ElemwiseRetro(width=16, epochs=80, learning_rate=5e-3).fit(make_table(rows))
    pool = [parse_formula(f) for f in ("Li2CO3", "LiOH", "Co3O4", "MnO2")]
    for target, precursors in rows:
        (plan,) = baseline.plan([parse_formula(target)], pool)
        assert plan.sets[0].precursors.keys == {parse_formula(f).key for f in precursors.split(";")}
        assert plan.sets[0].probability > 0.8


def test_a_table_without_usable_rows_plans_nothing(make_table):
    baseline = ElemwiseRetro(width=8, epochs=1).fit(make_table([("Ba2TiO4", "BaTiO3;BaO")]))
    assert not baseline.plan([parse_formula("BaTiO3")], [parse_formula("BaO"), parse_formula("TiO2")])[0].sets


def test_padding_and_order_of_elements_change_nothing():
    possible = torch.ones(105, 4, dtype=torch.bool)
    network = TemplateNetwork(possible, width=8, layers=2, dropout=0.5).eval()
    elements, fractions = featurise([parse_formula("LiCoO2"), parse_formula("YBa2Cu3O7NF")])
    together = network(elements, fractions)
    torch.testing.assert_close(network(elements[:1, :3], fractions[:1, :3]), together[:1, :3])
    flipped = network(elements[1:].flip(1), fractions[1:].flip(1)).flip(1)
    torch.testing.assert_close(flipped, together[1:])


def test_attention_equals_a_loop_over_pairs():
    torch.manual_seed(0)
    network = TemplateNetwork(torch.ones(105, 2, dtype=torch.bool), width=4, layers=1, dropout=0.0)
    layer = network.rounds[0]
    states, fractions = torch.randn(1, 3, 4), torch.tensor([[0.5, 0.3, 0.2]])
    found = layer(states, fractions)[0]
    for own in range(3):
        gates, values = [], []
        for other in range(3):
            hidden = torch.nn.functional.gelu(layer.sent(states[0, other]) + layer.received(states[0, own]))
            gates.append(fractions[0, other] ** layer.power * layer.gate(hidden[:4]).exp()[0])
            values.append(layer.value(hidden[4:]))
        weights = torch.stack(gates) / sum(gates)
        torch.testing.assert_close(found[own], (weights[:, None] * torch.stack(values)).sum(0))


def test_labels_belong_to_source_elements_alone(table):
    from rrgraph.baselines.elemwise.elemwise_retro import _labels
    from rrgraph.baselines.elemwise.templates import AnionTemplates

    templates = AnionTemplates.of(table)
    for (target, chosen), row in zip(templates.examples, _labels(templates).tolist(), strict=True):
        named = {symbol: place for (symbol, _), place in zip(target.amounts, row, strict=False) if place != NO_TEMPLATE}
        assert named == chosen
