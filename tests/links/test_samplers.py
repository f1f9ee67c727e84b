import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.errors import ConfigError, DataError
from rrgraph.graph import EDGE, build_graph
from rrgraph.links import SAMPLERS, NegativeSampler, TrainingConfig, make_sampler


@pytest.fixture(scope="module")
def graph(small_table):
    return build_graph(small_table)


def build(name, graph):
    sampler = SAMPLERS[name](graph, inverse_temperature=5.0)
    if sampler.needs_embeddings:
        torch.manual_seed(0)
        sampler.start_epoch(torch.randn(len(graph.precursors), 8))
    return sampler


def known(graph):
    return set(map(tuple, graph.data[EDGE].edge_index.t().tolist()))


@pytest.mark.parametrize("name", list(SAMPLERS))
class TestContract:
    @settings(max_examples=25, deadline=None)
    @given(data=st.data())
    def test_exactly_the_asked_number_and_never_a_known_positive(self, name, graph, data):
        targets = data.draw(st.lists(st.integers(0, len(graph.targets) - 1), min_size=1, max_size=20))
        count = data.draw(st.integers(1, 25))
        seed = data.draw(st.integers(0, 1000))
        drawn = build(name, graph).sample(torch.tensor(targets), count, torch.Generator().manual_seed(seed))
        assert drawn.shape == (len(targets), count)
        assert drawn.dtype == torch.int64
        assert ((drawn >= 0) & (drawn < len(graph.precursors))).all()
        positives = known(graph)
        assert not any((t, p) in positives for t, row in zip(targets, drawn.tolist(), strict=True) for p in row)

    def test_distinct_when_enough_are_eligible(self, name, graph):
        sampler = build(name, graph)
        targets = torch.arange(len(graph.targets))
        eligible = (sampler.weights(targets) * ~sampler.positives(targets) > 0).sum(1)
        count = max(int(eligible.min()), 1)
        for row in sampler.sample(targets, count, torch.Generator().manual_seed(0)).tolist():
            assert len(set(row)) == count

    def test_seeded(self, name, graph):
        draws = [
            build(name, graph).sample(torch.arange(10), 4, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
        ]
        assert torch.equal(draws[0], draws[1])
        assert not torch.equal(draws[0], draws[2])

    def test_positives_are_the_edges_of_the_graph(self, name, graph):
        positives = build(name, graph).positives(torch.arange(len(graph.targets)))
        assert set(map(tuple, positives.nonzero().tolist())) == known(graph)

    def test_refuses_no_negatives_and_full_targets(self, name, graph, make_table):
        with pytest.raises(ConfigError, match="negatives_per_positive=0"):
            build(name, graph).sample(torch.tensor([0]), 0, torch.Generator())
        full = build_graph(make_table([("LiCoO2", "Li2CO3;Co3O4")]))
        with pytest.raises(DataError, match="no negative links"):
            build(name, full).sample(torch.tensor([0]), 1, torch.Generator())


@pytest.fixture(scope="module")
def many(make_table):
    """A graph of 400 precursors of three metals; a tenth of them holds two."""
    metals = ("Li", "Co", "Ti")
    numbers = [number for number in range(1, 30) if "0" not in str(number)][:20]
    pairs = [(one, other) for one in numbers for other in numbers]
    precursors = [
        f"{metals[n % 3]}{one}{'' if n % 10 else metals[(n + 1) % 3]}F{other}" for n, (one, other) in enumerate(pairs)
    ]
    table = make_table([("LiCoF3", "LiF;CoF2"), ("TiF4", "TiF3"), ("CaF2", "Ca"), ("LiTiF5", "LiF4;Ti")])
    return build_graph(table, extra_precursors=[parse_formula(each) for each in precursors])


@pytest.mark.parametrize("name", ["uniform", "popularity", "element_matched", "mixed", "hard"])
def test_proposals_are_drawn_like_the_weights_say(name, many, monkeypatch):
    """What proposals give agrees with drawing by the weights of all precursors, for each number of a few."""
    monkeypatch.setattr("rrgraph.links.samplers._HARD_POOL", 200)
    sampler, generator = build(name, many), torch.Generator().manual_seed(0)
    targets = torch.zeros(3000, dtype=torch.int64)
    proposed = sampler.propose(targets[:2], 5, generator)
    assert proposed is not None and proposed.shape == (2, 5)
    monkeypatch.setattr("rrgraph.links.samplers._HARD_LINKS", 10)  # which share a pool
    drawn = sampler.sample(targets, 3, generator)
    expected = sampler._sample_all(targets, 3, generator)
    share, given = (
        torch.bincount(each.flatten(), minlength=sampler.precursors) / each.numel() for each in (drawn, expected)
    )
    weights = sampler.weights(targets[:1])[0]
    two_metals = torch.tensor([len(each.elements) == 3 for each in many.precursors])
    for group in (torch.arange(sampler.precursors) % 2 == 0, weights > weights.mean(), two_metals):
        assert share[group].sum() == pytest.approx(float(given[group].sum()), abs=0.02)
    assert (drawn.sort(1).values.diff(dim=1) > 0).all()


def frequencies(sampler, target, draws=4000):
    drawn = sampler.sample(torch.full((draws,), target), 1, torch.Generator().manual_seed(0)).flatten()
    return torch.bincount(drawn, minlength=sampler.precursors) / draws


def test_uniform_draws_every_unknown_precursor_alike(graph):
    target = graph.target_index["BaO3Ti"]
    share = frequencies(build("uniform", graph), target)
    unknown = [p for p in range(len(graph.precursors)) if (target, p) not in known(graph)]
    assert share[unknown].min() > 0.6 / len(unknown)
    assert share[unknown].max() < 1.5 / len(unknown)


def test_popularity_draws_in_proportion_to_degree(graph):
    share = frequencies(build("popularity", graph), graph.target_index["Mg2Si"])
    titania, copper = graph.precursor_index["O2Ti"], graph.precursor_index["Cu"]
    assert share[titania] / share[copper] == pytest.approx(3**0.75, rel=0.35)


def test_element_matched_draws_what_could_supply_an_element(graph):
    # LiMn2O4 was made from Li2CO3 and MnO2; of the rest only LiOH shares an element that the air does not bring.
    share = frequencies(build("element_matched", graph), graph.target_index["LiMn2O4"])
    assert [graph.precursors[node].formula for node in share.nonzero().flatten().tolist()] == ["LiOH"]


def test_element_matched_falls_back_to_any_unknown_precursor(graph):
    # Mg and Si of Mg2Si are in no other precursor.
    share = frequencies(build("element_matched", graph), graph.target_index["Mg2Si"])
    assert (share > 0).sum() == len(graph.precursors) - 2


def test_hard_prefers_precursors_similar_to_the_recorded_set(graph):
    target = graph.target_index["BaO3Ti"]
    sampler = SAMPLERS["hard"](graph, inverse_temperature=8.0)
    assert frequencies(sampler, target).max() < 0.2  # before the first epoch all alike
    torch.manual_seed(0)
    embeddings = torch.randn(len(graph.precursors), 16)
    twin = graph.precursor_index["CO3Sr"]
    recorded = [p for t, p in known(graph) if t == target]
    embeddings[twin] = embeddings[recorded].mean(0)
    sampler.start_epoch(embeddings)
    assert frequencies(sampler, target).argmax() == twin


def test_hard_does_not_overflow(graph):
    target = graph.target_index["BaO3Ti"]
    sampler = SAMPLERS["hard"](graph, inverse_temperature=500.0)
    torch.manual_seed(0)
    embeddings = torch.randn(len(graph.precursors), 16)
    twin = graph.precursor_index["CO3Sr"]
    embeddings[twin] = embeddings[[p for t, p in known(graph) if t == target]].mean(0)
    sampler.start_epoch(embeddings)
    assert torch.isfinite(sampler.weights(torch.tensor([target]))).all()
    assert frequencies(sampler, target)[twin] > 0.99


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_mixed_sampler_gives_matching_precursors_their_share(graph, share):
    sampler = SAMPLERS["mixed"](graph, matched_share=share)
    matched = SAMPLERS["element_matched"](graph).weights(torch.arange(len(graph.targets)))
    weights = sampler.weights(torch.arange(len(graph.targets)))
    assert torch.allclose(weights.sum(1), torch.ones(len(graph.targets)))
    count = matched.sum(1)
    expected = share + (1 - share) * count / len(graph.precursors)
    assert torch.allclose((weights * matched).sum(1), expected)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(graph, share):
    with pytest.raises(ConfigError, match="matched_share is"):
        SAMPLERS["mixed"](graph, matched_share=share)


class _Earlier(NegativeSampler):
    """A sampler of a package that knows the earlier name of the inverse temperature."""

    def __init__(self, graph, *, hardness: float = 5.0, power: float = 1.0) -> None:
        self.power = power
        super().__init__(graph, hardness=hardness)

    def weights(self, targets):
        return torch.full((len(targets), self.precursors), self.hardness)


def test_samplers_of_other_packages_may_use_the_earlier_name(graph, monkeypatch):
    monkeypatch.setitem(SAMPLERS._entries, "earlier", _Earlier)
    assert list(SAMPLERS.options("earlier")) == ["power"]
    config = TrainingConfig(sampler="earlier", sampler_options={"power": 2.0}, inverse_temperature=3.0)
    with pytest.warns(FutureWarning, match="'hardness' is now 'inverse_temperature'"):
        sampler = make_sampler(config, graph)
    assert (sampler.power, sampler.inverse_temperature, float(sampler.weights(torch.tensor([0]))[0, 0])) == (2, 3, 3)


def test_the_inverse_temperature_reaches_the_sampler(graph, recwarn):
    assert make_sampler(TrainingConfig(sampler="hard", inverse_temperature=9.0), graph).inverse_temperature == 9
    assert not recwarn.list
