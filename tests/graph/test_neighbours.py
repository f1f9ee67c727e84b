"""The statistics of the nearest systems against loops over every known system."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ATOMIC_NUMBERS, element_system, parse_formula, source_elements
from rrgraph.data import ReactionTable
from rrgraph.graph import NEAREST, KnownSystems
from rrgraph.graph.elements import Materials, element_similarity, mean_vectors, reduced_vectors
from rrgraph.graph.neighbours import Neighbours, _supplied, compared_rows
from rrgraph.graph.precursor_classes import supply_form

TARGETS = [
    parse_formula(text)
    for text in ("LiCoO2", "Li2CoO3", "LiMn2O4", "BaTiO3", "SrTiO3", "Ba2TiO4", "LaMnO3", "CuInSe2", "LiFePO4", "CoO")
]
PRECURSORS = [
    parse_formula(text)
    for text in (
        *(
            "Li2CO3",
            "LiOH",
            "Li2O",
            "Co3O4",
            "CoO",
            "CoCO3",
            "MnO2",
            "MnCO3",
            "BaCO3",
            "BaTiO3",
            "TiO2",
            "SrCO3",
            "La2O3",
        ),
        *("Cu", "In", "Se", "FeC2O4", "NH4H2PO4", "LiH2PO4"),
    )
]
ASKED = [parse_formula(text) for text in ("NaCoO2", "Li2TiO3", "LaFeO3", "CuGaSe2", "LiMnPO4", "Y2O3")]
NEVER_USED = [parse_formula(text) for text in ("Na2CO3", "Fe2O3", "Ga", "LiNO3")]


@st.composite
def tables(draw):
    """Random recipes; that they make no chemical sense does not matter to counts."""
    rows = st.tuples(st.sampled_from(TARGETS), st.sets(st.sampled_from(PRECURSORS), min_size=1, max_size=4))
    drawn = draw(st.lists(rows, min_size=2, max_size=12))
    # One row that surely makes sense, so that there is something to count; it takes cobalt twice in the same form.
    return recipes([(TARGETS[0], [PRECURSORS[0], *PRECURSORS[3:5]]), *((t, sorted(m, key=str)) for t, m in drawn)])


def recipes(rows):
    lines = [(target.formula, ";".join(each.formula for each in precursors)) for target, precursors in rows]
    return ReactionTable(pd.DataFrame(lines, columns=["target", "precursors"]))


def known_systems(table):
    index = {key: position for position, key in enumerate(table.precursors())}
    return KnownSystems.fit(table, index), list(table.precursors().values())


@given(tables())
@settings(max_examples=40, deadline=None)
def test_systems_count_the_share_of_their_reactions(table):
    systems, vocabulary = known_systems(table)
    reactions = {(target.key, keys): target for target, keys in table.distinct_reactions()}
    names = list(dict.fromkeys(element_system(target) for target in reactions.values()))
    assert len(systems.presence) == len(names)
    for number, name in enumerate(names):
        own = [(target, keys) for (_, keys), target in reactions.items() if element_system(target) == name]
        part = slice(systems.offsets[number], systems.offsets[number + 1])
        counted = zip(systems.precursors[part], systems.shares[part], strict=True)
        shares = {vocabulary[precursor].key: share for precursor, share in counted}
        used = {key for _, keys in own for key in keys}
        assert shares == pytest.approx({key: np.mean([key in keys for _, keys in own]) for key in used}, rel=1e-3)
        assert systems.presence[number].sum() == len(own[0][0].elements)
        targets = {target.key: target for target, _ in own}
        assert systems.vectors[number] == pytest.approx(mean_vectors(list(targets.values())).mean(0), abs=1e-3)


@given(tables())
def test_entries_have_one_order_whatever_that_of_sets(table):
    systems, _ = known_systems(table)
    for start, end in zip(systems.offsets, systems.offsets[1:], strict=False):
        assert systems.precursors[start:end].tolist() == sorted(set(systems.precursors[start:end].tolist()))


def test_systems_survive_their_arrays_exactly(small_table):
    systems, _ = known_systems(small_table)
    again = KnownSystems.from_arrays(systems.to_arrays(), precursors=int(systems.precursors.max()) + 1)
    for name, values in vars(systems).items():
        assert np.array_equal(getattr(again, name), values), name
        assert getattr(again, name).dtype == values.dtype, name


class Oracle:
    """`Neighbours` by its documentation: one link, one element, one known system at a time."""

    def __init__(self, systems, vocabulary):
        self.presence = systems.presence
        self.rarity = [max(np.log(len(self.presence) / (1 + n)), 0.1) for n in self.presence.sum(0)]
        self.vectors = [self.embed(p, v) for p, v in zip(self.presence, systems.vectors, strict=True)]
        self.used = []
        for number in range(len(self.presence)):
            part = slice(systems.offsets[number], systems.offsets[number + 1])
            self.used.append(
                [
                    (vocabulary[p], s)
                    for p, s in zip(systems.precursors[part].tolist(), systems.shares[part].tolist(), strict=True)
                ]
            )

    def embed(self, present, vector):
        return np.concatenate([vector, np.mean([reduced_vectors()[e] for e in np.flatnonzero(present)], axis=0)])

    def precursor_share(self, system, element, precursor):
        """Share of the system's reactions that use the precursor for the element."""
        if not self.presence[system, element] or element not in elements_of(precursor):
            return 0.0
        return sum(share for used, share in self.used[system] if used.key == precursor.key)

    def form_share(self, system, element, form):
        """Share that takes the element in this form, at most 1."""
        symbol = {n - 1: s for s, n in ATOMIC_NUMBERS.items()}[element]
        if not self.presence[system, element]:
            return 0.0
        same = [s for u, s in self.used[system] if element in elements_of(u) and supply_form(u, symbol) == form]
        return min(1.0, sum(same))

    def values(self, target, precursor, symbol):
        element, form = ATOMIC_NUMBERS[symbol] - 1, supply_form(precursor, symbol)
        present = np.zeros(self.presence.shape[1], dtype=bool)
        present[[ATOMIC_NUMBERS[s] - 1 for s in target.elements]] = True
        count = range(len(self.presence))
        near = [cosine(present * self.rarity, self.presence[s] * self.rarity) for s in count]
        middle = np.mean(self.vectors, axis=0)
        own = self.embed(present, mean_vectors([target])[0]) - middle
        close = [cosine(own, self.vectors[s] - middle) for s in count]
        near, close = np.exp((np.array(near) - 1) / 0.2), np.exp((np.array(close) - 1) / 0.05)
        having = self.presence[:, element]
        by_precursor = np.array([self.precursor_share(s, element, precursor) for s in count])
        by_form = np.array([self.form_share(s, element, form) for s in count])
        alike = element_similarity()[element]
        others = [e for e in range(len(alike)) if self.presence[:, e].any()]
        by_alike = sum(alike[e] * np.array([self.form_share(s, e, form) for s in count]) for e in others)
        having_alike = sum(alike[e] * self.presence[:, e] for e in others)
        return [
            frequency(near, by_precursor, having, near[having].max(initial=0.0)),
            frequency(close, by_precursor, having, close[having].max(initial=0.0)),
            frequency(near, by_form, having, near[having].max(initial=0.0)),
            frequency(near, by_alike, having_alike, near.max()),
            frequency(close, by_alike, having_alike, close.max()),
        ]


def frequency(weights, shares, having, unit):
    """Log of the weighted frequency, smoothed towards the plain one by 0.3 systems as near as the nearest."""
    total = (weights * having).sum() + 0.3 * unit
    if not total:
        return np.log(1e-3)
    usual = shares.sum() / np.sum(having)
    return np.log(((weights * shares).sum() + 0.3 * unit * usual) / total + 1e-3)


def elements_of(precursor):
    return {ATOMIC_NUMBERS[symbol] - 1 for symbol in source_elements(precursor)}


def cosine(first, second):
    return first @ second / max(np.linalg.norm(first), 1e-9) / max(np.linalg.norm(second), 1e-9)


@given(tables())
@settings(max_examples=25, deadline=None)
def test_all_five_statistics_equal_a_loop_over_the_systems(table):
    systems, vocabulary = known_systems(table)
    neighbours, oracle = Neighbours(systems, vocabulary), Oracle(systems, vocabulary)
    asked = [*ASKED, TARGETS[0]]
    links, rows, supplies = [], [], []
    for row, target in enumerate(asked):
        for precursor in (*PRECURSORS, *NEVER_USED):
            symbols = sorted(source_elements(precursor))
            for symbol, supply in zip(symbols, neighbours.supplies(precursor), strict=True):
                if symbol in source_elements(target):
                    links.append((target, precursor, symbol))
                    rows.append(row)
                    supplies.append(supply)
    found = neighbours.features(Materials.of(asked), np.array(rows), np.array(supplies))
    expected = np.array([oracle.values(*link) for link in links])
    assert found.shape == (len(links), len(NEAREST))
    assert np.abs(found - expected).max(0) == pytest.approx(np.zeros(len(NEAREST)), abs=2e-3)


def test_nearer_systems_weigh_more(make_table):
    rows = [("LiCoO2", "Li2CO3;Co3O4"), ("LiFePO4", "LiOH;FePO4"), ("KNbO3", "K2CO3;Nb2O5")]
    systems, vocabulary = known_systems(make_table(rows))
    neighbours = Neighbours(systems, vocabulary)
    asked = [parse_formula("LiNiO2"), parse_formula("LiMnPO4")]
    carbonate, hydroxide = (neighbours.supplies(parse_formula(text)) for text in ("Li2CO3", "LiOH"))
    rows, supplies = np.array([0, 0, 1, 1]), np.concatenate([carbonate, hydroxide] * 2)
    values = dict(zip(NEAREST, neighbours.features(Materials.of(asked), rows, supplies).T, strict=True))
    for name in ("near_system", "near_embedding", "form_system"):
        oxide_carbonate, oxide_hydroxide, phosphate_carbonate, phosphate_hydroxide = values[name]
        assert oxide_carbonate > oxide_hydroxide, name
        assert phosphate_hydroxide > phosphate_carbonate, name


def test_a_form_never_seen_and_an_element_never_seen(small_table):
    neighbours = Neighbours(*known_systems(small_table))
    symbols = ["Li", "Nd", "Nd"]
    precursors = [parse_formula(text) for text in ("Li2CO3", "Nd2O3", "NdH3")]
    supplies = np.concatenate([neighbours.supplies(precursor) for precursor in precursors])
    assert supplies[:, 0].tolist() == [ATOMIC_NUMBERS[symbol] - 1 for symbol in symbols]
    assert (supplies[:, 2] >= 0).tolist() == [True, False, False]
    assert (supplies[:, 1] >= 0).tolist() == [True, True, False]
    target = parse_formula("NdMnO3")
    values = dict(zip(NEAREST, neighbours.features(Materials.of([target]), np.zeros(3, int), supplies).T, strict=True))
    # Nobody used neodymium, but lanthanum came as its oxide.
    assert values["near_system"][1] == pytest.approx(np.log(1e-3), abs=1e-5)
    assert values["analogue_system"][1] > np.log(0.5)
    assert values["analogue_system"][2] == pytest.approx(np.log(1e-3), abs=1e-5)


@pytest.mark.parametrize("number", [7, 8, 9, 40])
def test_of_very_many_systems_some_stand_for_all(monkeypatch, number):
    """A table of the compared systems alone gives what a complete one gives."""
    monkeypatch.setattr("rrgraph.graph.neighbours._MOST_SYSTEMS", 8)
    monkeypatch.setattr("rrgraph.graph.neighbours._COMPARED", 4)
    metals = ["Li", "Na", "K", "Mg", "Ca", "Sr", "Ba", "La", "Y"]
    pairs = [(one, other) for one in metals for other in metals if one < other][:number]
    made = [(f"{a}{b}{n}O2", f"{a}O;{b}2O{1 + n % 2}") for n in (1, 2) for a, b in pairs]
    table = ReactionTable(pd.DataFrame(made, columns=["target", "precursors"]))
    index = {key: position for position, key in enumerate(table.precursors())}
    complete, compared = (KnownSystems.fit(each, index) for each in (table, compared_rows(table)))
    assert len(complete.presence) == min(number, len(pairs))
    assert len(compared.presence) == (number if number <= 8 else -(-len(pairs) // -(-len(pairs) // 4)))
    vocabulary = list(table.precursors().values())
    described = [
        neighbours.features(
            Materials.of(ASKED), np.repeat(np.arange(len(ASKED)), len(supplies)), np.tile(supplies, (len(ASKED), 1))
        )
        for neighbours in (Neighbours(complete, vocabulary), Neighbours(compared, vocabulary))
        for supplies in [np.concatenate([neighbours.supplies(each) for each in vocabulary])]
    ]
    assert np.array_equal(*described)


def test_each_precursor_is_described_once(monkeypatch):
    systems, vocabulary = known_systems(recipes([(target, PRECURSORS[:5]) for target in TARGETS]))
    described = []
    monkeypatch.setattr(
        "rrgraph.graph.neighbours.source_elements", lambda one: described.append(one) or source_elements(one)
    )
    _supplied.cache_clear()
    Neighbours(systems, vocabulary)
    assert sorted(described, key=str) == sorted(vocabulary, key=str)
