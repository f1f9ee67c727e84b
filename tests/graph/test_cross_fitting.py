"""Statistics of training links, which must not know the labels of their own target, system or paper."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import element_system, parse_formula, source_elements
from rrgraph.data import LinkBatch, ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph import (
    FOLDS,
    FREQUENCY_FEATURES,
    UNRELATED,
    ComputedFeatures,
    FrequencyFeatures,
    TrainingFeatures,
    TrainingFolds,
    build_graph,
    training_features,
)
from rrgraph.graph.cross_fitting import most_related, related_links

ROWS = [
    ("LiCoO2", "Li2CO3;Co3O4", "a"),
    ("LiCoO2", "LiOH;Co3O4", "b"),
    ("Li2CoO3", "Li2CO3;CoCO3", None),
    ("LiMn2O4", "Li2CO3;MnO2", "b"),
    ("LiMnO2", "LiOH;Mn2O3", "c"),
    ("BaTiO3", "BaCO3;TiO2", "d"),
    ("SrTiO3", "SrCO3;TiO2", "d"),
    ("CaTiO3", "CaCO3;TiO2", None),
    ("LaMnO3", "La2O3;MnO2", "c"),
    ("LaCoO3", "La2O3;Co3O4", None),
    ("La2Li2TiO6", "La2O3;LiOH;TiO2", "d"),
    ("BaCoO3", "BaO2;Co3O4", "e"),
]
#: A set for each target that differs from the recorded one.
OTHERWISE = {
    "LiCoO2": "LiOH;CoCO3",
    "Li2CoO3": "LiOH;Co3O4",
    "LiMn2O4": "LiOH;Mn2O3",
    "LiMnO2": "Li2CO3;MnCO3",
    "BaTiO3": "BaO2;TiO2",
    "SrTiO3": "SrO;TiO2",
    "CaTiO3": "CaO;TiO2",
    "LaMnO3": "La2O3;Mn2O3",
    "LaCoO3": "La2O3;CoCO3",
    "La2Li2TiO6": "La2O3;Li2CO3;TiO2",
    "BaCoO3": "BaCO3;CoCO3",
}
TARGETS = sorted(OTHERWISE)


@pytest.fixture(scope="module")
def make(make_table):
    """Return a function that builds the table, with another set in the rows for which `changed` holds."""

    def make(changed=lambda target, doi: False, rows=ROWS):
        recorded = [(t, OTHERWISE[t] if changed(t, doi) else members) for t, members, doi in rows]
        return make_table(recorded, doi=[doi for _, _, doi in rows])

    return make


def describe(table, *, folds=FOLDS):
    """Return the statistics of each training link, by target and precursor."""
    sets = [*(members for _, members, _ in ROWS), *OTHERWISE.values()]
    pool = [parse_formula(text) for members in sets for text in members.split(";")]
    graph = build_graph(table, extra_precursors=pool)
    statistics = TrainingFeatures.fit(graph, TrainingFolds.divide(table, graph, folds=folds))
    return {
        (target.formula, graph.precursors[precursor].key): statistics.features[position].numpy()
        for node, target in enumerate(graph.targets)
        for position, precursor in zip(
            range(int(statistics.offsets[node]), int(statistics.offsets[node + 1])),
            statistics.related(node).tolist(),
            strict=True,
        )
    }


def differ(first, second, target):
    """Whether any link of the target is described differently."""
    links = [link for link in first if link[0] == target]
    assert links
    assert set(links) == {link for link in second if link[0] == target}
    return any(not np.array_equal(first[link], second[link]) for link in links)


def system(formula):
    return element_system(parse_formula(formula))


def doi_of(formula):
    return {doi for target, _, doi in ROWS if target == formula and doi}


CHANGES = {
    "its own set": lambda own: lambda target, doi: target == own,
    "its system's sets": lambda own: lambda target, doi: system(target) == system(own),
    "its papers' sets": lambda own: lambda target, doi: doi in doi_of(own),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("folds", [3, FOLDS])
def test_what_is_recorded_for_a_target_does_not_change_its_statistics(make, change, folds):
    """The leak test: whatever set a row, its system or its papers record, the row is described alike."""
    before = describe(make(), folds=folds)
    told = {}
    for target in TARGETS:
        after = describe(make(CHANGES[change](target)), folds=folds)
        assert not differ(before, after, target), target
        told[target] = any(differ(before, after, other) for other in TARGETS if other != target)
    # The change is one that others notice, so that the comparison can fail.
    assert sum(told.values()) >= len(TARGETS) - 3


@pytest.mark.parametrize(
    ("change", "leak"),
    [
        ("its own set", lambda folds, number: np.ones(len(folds.rows), dtype=bool)),
        ("its system's sets", lambda folds, number: np.ones(len(folds.rows), dtype=bool)),
        ("its papers' sets", lambda folds, number: folds.rows != number),
    ],
    ids=["own rows counted", "own system counted", "own papers counted"],
)
def test_the_leak_test_sees_leaks(make, monkeypatch, change, leak):
    """With its own fold, or its own papers, counted as well, the same comparison fails."""

    def complements(self):
        for number in range(self.count):
            yield number, self.table.select(np.flatnonzero(leak(self, number)))

    monkeypatch.setattr(TrainingFolds, "complements", complements)
    before = describe(make())
    leaking = [target for target in TARGETS if differ(before, describe(make(CHANGES[change](target))), target)]
    # Only papers that report several systems can tell.
    concerned = [t for t in TARGETS if change != "its papers' sets" or doi_of(t) & {"b", "c", "d"}]
    assert leaking == concerned


@pytest.mark.parametrize("folds", [3, FOLDS])
def test_statistics_equal_those_of_the_complement(make, folds):
    table = make()
    graph = build_graph(table)
    divided = TrainingFolds.divide(table, graph, folds=folds)
    statistics = TrainingFeatures.fit(graph, divided)
    fold = {system(t): f for t, f in zip([t for t, _, _ in ROWS], divided.rows.tolist(), strict=True)}
    for node, target in enumerate(graph.targets):
        own = fold[element_system(target)]
        papers = {doi for t, _, doi in ROWS if fold[system(t)] == own and doi}
        rest = [row for row, (t, _, doi) in enumerate(ROWS) if fold[system(t)] != own and doi not in papers]
        assert 0 < len(rest) < len(ROWS)
        others = table.select(rest)
        counted = FrequencyFeatures.fit(others, list(others.precursors().values()))
        columns = statistics.related(node).numpy()
        expected = counted.features(LinkBatch([target], graph.precursors, np.zeros(len(columns), int), columns))
        found = statistics.features[statistics.offsets[node] : statistics.offsets[node + 1]]
        assert found.numpy() == pytest.approx(expected, abs=5e-3)  # kept in 16 bits


def test_systems_are_divided_whole(make):
    table = make()
    graph = build_graph(table)
    folds = TrainingFolds.divide(table, graph, folds=4, seed=1)
    assert folds.count == 4
    by_system = {}
    for name, fold in zip(table.element_systems.tolist(), folds.rows.tolist(), strict=True):
        assert by_system.setdefault(name, fold) == fold
    assert [by_system[element_system(target)] for target in graph.targets] == folds.targets.tolist()
    sizes = np.bincount(list(by_system.values()), minlength=4)
    assert sizes.max() - sizes.min() <= 1
    assert TrainingFolds.divide(table, graph, folds=100).count == len(by_system)
    again = TrainingFolds.divide(table, graph, folds=4, seed=2)
    assert again.targets.tolist() != folds.targets.tolist()


def test_a_table_of_one_paper_still_leaves_the_own_systems_out(make):
    rows = [(target, members, "same") for target, members, _ in ROWS]
    table = make(rows=rows)
    folds = TrainingFolds.divide(table, build_graph(table))
    for number, others in folds.complements():
        assert len(others) == (folds.rows != number).sum()
        assert not {*others.element_systems} & {*table.element_systems[folds.rows == number]}


def test_one_system_alone_cannot_be_divided(make_table):
    table = make_table([("LiCoO2", "Li2CO3;Co3O4"), ("Li2CoO3", "LiOH;CoCO3")])
    with pytest.raises(DataError, match="at least two element systems"):
        TrainingFolds.divide(table, build_graph(table))


def test_related_links_share_a_source_element(make, monkeypatch):
    graph = build_graph(make(), extra_precursors=[parse_formula("NaCl"), parse_formula("H2O")])
    expected = [
        (t, p)
        for t, target in enumerate(graph.targets)
        for p, precursor in enumerate(graph.precursors)
        if source_elements(target) & source_elements(precursor)
    ]
    assert list(zip(*(each.tolist() for each in related_links(graph)), strict=True)) == expected
    monkeypatch.setattr("rrgraph.graph.cross_fitting._BATCH_SIZE", 5)
    assert list(zip(*(each.tolist() for each in related_links(graph)), strict=True)) == expected


def test_lookup_finds_every_link(make, monkeypatch):
    table = make()
    # The last precursors are related to nothing, and would be mistaken for the first ones of the next target.
    graph = build_graph(table, extra_precursors=[parse_formula("NaCl"), parse_formula("KBr")])
    folds = TrainingFolds.divide(table, graph)
    statistics = TrainingFeatures.fit(graph, folds)
    nodes = torch.arange(len(graph.targets))
    everything = torch.arange(len(graph.precursors)).expand(len(nodes), -1)
    values = statistics.lookup(nodes, everything)
    assert values.shape == (len(nodes), len(graph.precursors), len(FREQUENCY_FEATURES))
    for node in nodes.tolist():
        related = statistics.related(node)
        part = slice(int(statistics.offsets[node]), int(statistics.offsets[node + 1]))
        assert torch.equal(values[node, related], statistics.features[part].float())
        unrelated = np.setdiff1d(everything[node].numpy(), related.numpy())
        assert {len(graph.precursors) - 1, len(graph.precursors) - 2} <= set(unrelated.tolist())
        assert np.array_equal(values[node, unrelated].numpy(), np.tile(UNRELATED, (len(unrelated), 1)))
    shuffled = torch.tensor([[3, 1], [0, 3]])
    assert torch.equal(statistics.lookup(torch.tensor([4, 0]), shuffled)[0], values[4, [3, 1]])
    monkeypatch.setattr("rrgraph.graph.cross_fitting._BATCH_SIZE", 1)
    again = TrainingFeatures.fit(graph, folds)
    assert again.features.float() == pytest.approx(statistics.features.float(), abs=1e-2)


@given(st.data())
@settings(max_examples=6, deadline=None)
def test_computed_features_equal_kept_ones_and_those_of_each_link_alone(data):
    chosen = data.draw(st.lists(st.sampled_from(ROWS), min_size=6, max_size=14), label="rows")
    rows = [*ROWS[:2], ROWS[5], *((t, OTHERWISE[t] if data.draw(st.booleans()) else m, doi) for t, m, doi in chosen)]
    table = ReactionTable(pd.DataFrame(rows, columns=["target", "precursors", "doi"]))
    graph = build_graph(table, extra_precursors=[parse_formula("NaCl"), parse_formula("LiCl")])
    folds = TrainingFolds.divide(table, graph, folds=data.draw(st.integers(2, 3), label="folds"))
    computed, kept = ComputedFeatures.fit(graph, folds), TrainingFeatures.fit(graph, folds)
    targets = data.draw(st.lists(st.integers(0, len(graph.targets) - 1), max_size=5), label="targets")
    width = data.draw(st.integers(1, 4), label="width")
    candidates = st.lists(st.integers(0, len(graph.precursors) - 1), min_size=width, max_size=width)
    precursors = torch.tensor([data.draw(candidates) for _ in targets], dtype=torch.int64).view(-1, width)
    found = computed.lookup(torch.tensor(targets, dtype=torch.int64), precursors)
    assert found.shape == (len(targets), width, len(FREQUENCY_FEATURES))
    assert torch.equal(found, kept.lookup(torch.tensor(targets, dtype=torch.int64), precursors))
    alone = {
        fold: FrequencyFeatures.fit(others, list(others.precursors().values())) for fold, others in folds.complements()
    }
    for target, row, values in zip(targets, precursors.tolist(), found.numpy(), strict=True):
        for precursor, value in zip(row, values, strict=True):
            link = LinkBatch.grid([graph.targets[target]], [graph.precursors[precursor]])
            assert value == pytest.approx(alone[folds.targets[target]].features(link)[0], abs=5e-3)


def test_features_of_large_graphs_are_computed(make, monkeypatch):
    graph = build_graph(make())
    folds = TrainingFolds.divide(make(), graph)
    number = len(related_links(graph)[0])
    assert number <= most_related(graph) <= 2 * number
    monkeypatch.setattr("rrgraph.graph.cross_fitting.MOST_VALUES", most_related(graph) * len(FREQUENCY_FEATURES))
    kept = training_features(graph, folds)
    assert torch.equal(kept.typical(), kept.features.float())
    monkeypatch.setattr("rrgraph.graph.cross_fitting.MOST_VALUES", most_related(graph) * len(FREQUENCY_FEATURES) - 1)
    computed = training_features(graph, folds)
    assert isinstance(computed, ComputedFeatures)
    # Related links alone, drawn evenly.
    assert computed.typical().mean(0).numpy() == pytest.approx(kept.typical().mean(0).numpy(), abs=0.2)


def test_memory_of_a_lookup_does_not_grow_with_the_precursors(make):
    """Of ten times as many precursors, the same number of links needs no more."""
    peaks = []
    for number in (100, 1000):
        pool = [parse_formula(f"Li{n}MnCoTiLaO9") for n in range(2, number + 2)]
        graph = build_graph(make(), extra_precursors=pool)
        computed = ComputedFeatures.fit(graph, TrainingFolds.divide(make(), graph, folds=2))
        targets = torch.arange(len(graph.targets)).repeat(20)
        precursors = torch.randint(len(graph.precursors), (len(targets), 8), generator=torch.Generator().manual_seed(0))
        tracemalloc.start()
        computed.lookup(targets, precursors)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
