from __future__ import annotations

import logging
from collections import Counter
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from rrgraph.networks.plots import NETWORK_FIGURES, draw_network_figures
from rrgraph.networks.plots.centrality import collect_centrality, draw_centrality
from rrgraph.networks.plots.choices import collect_choices, draw_choices
from rrgraph.networks.plots.heat_map import collect_heat, draw_heat
from rrgraph.networks.plots.map import collect_map, draw_map
from rrgraph.networks.plots.years import collect_years, draw_years


def test_every_figure_is_written_twice_and_the_same_every_time(hand_made, tmp_path):
    graphs = [hand_made.cooccurrence(), hand_made.substitution()]
    first = draw_network_figures(graphs, hand_made.shares(), tmp_path / "all")
    assert [path.name for path in first] == [
        f"{name}.{suffix}" for name in NETWORK_FIGURES for suffix in ("svg", "png")
    ]
    assert first[0].read_text().count("<path") > 10
    again = draw_network_figures(graphs[1:], [], tmp_path / "one")
    assert [path.stem for path in again] == ["precursor_choices"] * 2
    assert [path.read_bytes() for path in again] == [(tmp_path / "all" / path.name).read_bytes() for path in again]


@pytest.mark.parametrize("graph", [nx.Graph(), nx.Graph(kind="cooccurrence"), nx.path_graph(3)])
def test_what_cannot_be_drawn_is_told(graph, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert draw_network_figures([graph], [], tmp_path) == []
    assert len(caplog.records) == len(NETWORK_FIGURES)
    assert "'pmi_heat_map' is left out: it needs a co-occurrence graph with reactions" in caplog.text


def test_a_graph_of_edges_alone_gives_what_it_can(tmp_path, caplog):
    graph = nx.Graph([("Li2CO3", "Co3O4"), ("Li2CO3", "MnO2")], kind="cooccurrence")
    with caplog.at_level(logging.INFO):
        paths = draw_network_figures([graph], [], tmp_path)
    assert {path.stem for path in paths} == {"network_centrality"}


def test_the_map_holds_frequent_pairs_that_are_not_due_to_chance(hand_made):
    graph = hand_made.cooccurrence()
    data = collect_map(graph)
    pairs = {frozenset(data.formulas[index] for index in link) for link in data.links}
    expected = {frozenset(link) for link in graph.edges if graph.edges[link]["pmi"] > 0}
    assert pairs == expected and frozenset(("Li2CO3", "TiO2")) not in pairs
    assert dict(zip(data.formulas, data.reactions, strict=True))["BaCO3"] == 13
    assert [data.counts[index] for index in range(len(pairs))] == sorted(data.counts, reverse=True)


def test_no_name_on_the_map_covers_another_one():
    graph = nx.Graph(kind="cooccurrence", title="many")
    names = [f"{a}{b}O{n}" for a in ("Li", "Na", "Ba") for b in ("Ti", "Mn") for n in (2, 3, 4, 12)]
    for a, b in combinations(names, 2):
        graph.add_edge(a, b, count=1 + len(a))
    nx.set_node_attributes(graph, 10, "reactions")
    figure = draw_map(collect_map(graph))
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts[: len(names)]]
    assert len(boxes) == len(names)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    assert all(figure.bbox.contains(*corner) for box in boxes for corner in (box.min, box.max))


def test_the_heat_map_shows_naive_counts(hand_made):
    data = collect_heat(hand_made.cooccurrence())
    uses = Counter(name for each in hand_made.reactions for name in each)
    assert sorted(data.formulas) == sorted(hand_made.classes)
    for (i, a), (j, b) in combinations(enumerate(data.formulas), 2):
        together = sum({a, b} <= each for each in hand_made.reactions)
        assert data.count[i, j] == data.count[j, i] == together
        assert data.expected[i, j] == pytest.approx(uses[a] * uses[b] / len(hand_made.reactions))
        if together:
            assert data.pmi[i, j] == pytest.approx(np.log(together / data.expected[i, j]))
        else:
            assert np.isnan(data.pmi[i, j])
    assert np.diag(data.count).tolist() == [uses[name] for name in data.formulas]


def test_alike_precursors_are_neighbours_in_the_heat_map(hand_made):
    formulas = list(collect_heat(hand_made.cooccurrence()).formulas)
    positions = [formulas.index(name) for name in ("Li2CO3", "LiOH", "Co3O4", "MnO2")]
    assert max(positions) - min(positions) < 6


def test_the_heat_map_marks_what_never_meets(hand_made):
    data = collect_heat(hand_made.cooccurrence())
    figure = draw_heat(data)
    axis = figure.axes[0]
    drawn = np.ma.filled(axis.images[0].get_array(), np.nan)
    below = np.tril_indices(len(data.formulas), -1)
    assert np.array_equal(drawn[below], data.pmi[below], equal_nan=True)
    assert np.isnan(drawn[np.triu_indices(len(data.formulas))]).all()
    crosses = {tuple(text.get_position()) for text in axis.texts if text.get_text() == "×"}
    expected = {
        (column, row)
        for row, column in zip(*below, strict=True)
        if data.count[row, column] == 0 and data.expected[row, column] >= 5
    }
    assert crosses == expected and crosses
    numbers = {tuple(text.get_position()): text.get_text() for text in axis.texts if text.get_text() != "×"}
    assert numbers[0, 0] == str(data.count[0, 0])


def test_years_with_few_reactions_are_left_out(hand_made):
    data = collect_years(hand_made.shares())
    assert data.years.tolist() == [2000, 2001] and data.left_out == 3
    assert data.classes == ("oxide", "carbonate", "nitrate")
    assert data.share.tolist() == [[0.5, 0.6], [0.4, 0.4], [0.1, 0.0]]
    assert data.reactions.tolist() == [40, 60]
    assert collect_years(hand_made.shares()[:1]) is None


def test_stacked_shares_reach_the_top(hand_made):
    stacked, lines, below, _ = draw_years(collect_years(hand_made.shares())).axes
    bars = [bar for bar in stacked.patches if bar.get_height()]
    assert max(bar.get_y() + bar.get_height() for bar in bars) == pytest.approx(100)
    assert sorted(bar.get_height() for bar in bars) == pytest.approx([10, 40, 40, 50, 60])
    assert [line.get_ydata().tolist() for line in lines.get_lines()] == [[10, 0]]
    assert [bar.get_height() for bar in below.patches] == [40, 60]
    assert "%" in stacked.get_ylabel() and "year" in below.get_xlabel()


def test_choices_are_told_against_the_usual_source(hand_made):
    lithium, barium = collect_choices(hand_made.substitution())
    assert (lithium.element, lithium.usual, lithium.usual_class) == ("Li", "Li2CO3", "carbonate")
    assert [(choice.formula, choice.odds) for choice in lithium.choices] == [("LiOH", 0.25), ("LiNO3", 0.1)]
    # Without a preferred one the odds are those of the precursor in more reactions.
    assert (lithium.reactions, barium.reactions) == (20, 13)
    assert (barium.usual, barium.choices[0].formula) == ("BaCO3", "BaO")
    assert barium.choices[0].odds == pytest.approx(1 / 6.5)


def test_choices_are_drawn_for_a_hundred_of_the_usual_one(hand_made):
    data = collect_choices(hand_made.substitution())
    first, second, *_ = draw_choices(data).axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["Li₂CO₃", "LiOH", "LiNO₃"]
    marks = [line.get_xdata()[0] for line in first.get_lines() if line.get_linestyle() == "None"]
    assert marks == pytest.approx([100, 25, 10])
    assert "100" in second.get_xlabel()


def test_the_degree_distribution_is_that_of_a_naive_count(hand_made):
    graph = hand_made.cooccurrence()
    data = collect_centrality(graph)
    degrees = [degree for _, degree in graph.degree]
    assert data.degree.tolist() == sorted(set(degrees))
    for degree, share in zip(data.degree, data.share, strict=True):
        assert share == sum(each >= degree for each in degrees) / len(degrees)
    figure = draw_centrality(data)
    first, bars, paths = figure.axes
    assert first.get_lines()[0].get_ydata().tolist() == pytest.approx((100 * data.share).tolist())
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(100 * max(nx.degree_centrality(graph).values()))
    assert "betweenness" in paths.get_xlabel()
