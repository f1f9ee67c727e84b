"""The data of a network page, and what network figures share: selection of the strongest edges, colours, titles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.layout import force_layout, separate_boxes
from rrgraph.util.figure_style import GREY, PALETTE, Look, look

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.lines import Line2D

__all__ = [
    "ATTRIBUTES",
    "attraction",
    "class_handles",
    "class_look",
    "class_of",
    "community_names",
    "formula",
    "page_data",
    "strongest",
]

ATTRIBUTES: Final[dict[str, tuple[str, str]]] = {
    "element": ("for", "The element that both supply."),
    "count": ("reactions with both", "Number of reactions that use both."),
    "pmi": (
        "PMI (nats)",
        "Pointwise mutual information: the natural logarithm of how much more often the two are used together than if "
        "they were independent. 0: independent; negative: they avoid each other.",
    ),
    "npmi": (
        "normalised PMI",
        "PMI divided by its largest possible value. 1: always together; 0: independent; negative: they avoid each "
        "other.",
    ),
    "jaccard": ("Jaccard index", "Share of the reactions with either of the two that use both."),
    "z": (
        "z against the null model",
        "Standard deviations by which the number of reactions with both exceeds that in random networks in which "
        "every precursor and every reaction keeps its number of links.",
    ),
    "expected": ("expected by chance", "Mean number of reactions with both in those random networks."),
    "p_value": ("p-value", "Probability of a deviation at least this large in the random networks."),
    "q_value": ("q-value", "The p-value, adjusted for the number of pairs (Benjamini-Hochberg)."),
    "context": ("possible reactions", "Reactions whose targets contain the elements that both precursors supply."),
    "context_count": ("possible reactions with both", "Number of these reactions that use both."),
    "context_expected": (
        "expected with both",
        "How many of these reactions would use both if the two were chosen independently.",
    ),
    "context_pmi": (
        "PMI given the target (nats)",
        "The natural logarithm of count over expectation among the reactions whose targets contain the elements that "
        "both supply, so that the effect of the target is removed. Negative: they avoid each other.",
    ),
    "context_p_value": ("p-value given the target", "Probability of a deviation at least this large from expectation."),
    "context_q_value": ("q-value given the target", "That p-value, adjusted for the number of pairs."),
    "shared_elements": ("both supply", "Elements that both supply."),
    "odds": ("odds", "How many times the preferred one is chosen for each time the other one is."),
    "preferred": ("chosen more often", "Which of the two is chosen more often."),
    "trend": ("trend of the odds", "Change of ln(odds) in ten years."),
    "shared": ("shared targets", "Number of targets that both are used for."),
    "similarity": ("similarity of targets", "Similarity of the targets that the two are used for, 0 to 1."),
    "together": ("used together", "Number of reactions that use both, although one would suffice."),
    "reactions": ("reactions", "Number of reactions."),
    "degree_centrality": ("degree centrality", "Share of the other nodes it is linked to."),
    "betweenness": ("betweenness", "Share of the shortest paths between other nodes that pass through it."),
    "pagerank": ("PageRank", "Share of time that a random walk along the edges spends at the node."),
    "degree": ("links", "Number of other nodes it is linked to."),
    "strength": ("strength", "Sum of the weights of its links."),
    "core": ("k-core", "Largest k for which it belongs to a subgraph in which every node has at least k links."),
    "first_year": ("first year", "Year of the first reaction that uses it."),
    "last_year": ("last year", "Year of the last reaction that uses it."),
}
"""Title and meaning of the attributes of nodes and edges; others are shown under their own names."""

_WEIGHTS: Final = ("count", "similarity", "reactions", "odds", "shared", "pmi", "npmi", "context_pmi", "jaccard", "z")
"""Weights in the order in which they are offered; the first one present determines which edges are the strongest."""

_GROUPING: Final = ("kind", "community", "formula", "side", "bipartite")
"""Attributes of nodes that are shown as names and colours, not as numbers."""

_SUPPORT: Final = ("count", "reactions", "shared")
_CLASS_LOOKS: Final = {
    "oxide": Look(PALETTE[0], "o", "-"),
    "carbonate": Look(PALETTE[1], "s", "-"),
    "nitrate": Look(PALETTE[2], "D", "-"),
    "hydroxide": Look(PALETTE[3], "^", "-"),
    "oxyanion": Look(PALETTE[4], "v", "-"),
    "halide": Look(PALETTE[5], "P", "-"),
    "element": Look("#4D4D4D", "X", "-"),
    "ammonium": Look(PALETTE[7], "*", "-"),
    "organic": Look("#C9B36B", "s", "-"),
    "chalcogenide": Look("#882255", "D", "-"),
    "other": Look("#B5B5B5", "o", "-"),
}
_COMMUNITIES: Final = 10
_NAMED: Final = 200
_SMALLER: Final = "smaller communities"
_ON_DARK: Final = {
    "#000000": "#EDEDED",
    "#4D4D4D": "#EDEDED",
    "#0072B2": "#3D9BE0",
    "#7F6000": "#B58C1C",
    "#56B4E9": "#8AD0FA",
    "#882255": "#B8478A",
    "#B5B5B5": "#8A8A8A",
}


def page_data(graph: nx.Graph, *, title: str, nodes: int, edges: int) -> dict[str, Any]:
    """Return the data of the page for JSON: columns of nodes and edges, groups with looks, weights with titles.

    Args:
        graph: nodes are formulas; attributes as in `rrgraph.networks`, each of them optional.
        title: of the page.
        nodes: largest number of nodes to keep, those in the most reactions.
        edges: largest number of edges to keep between them, the strongest.
    """
    shown = strongest(graph, nodes=nodes, edges=edges)
    index = {node: number for number, node in enumerate(shown)}
    links = np.array([(index[a], index[b]) for a, b in shown.edges], dtype=np.int64).reshape(-1, 2)
    pull = np.array([attraction(values) for *_, values in shown.edges(data=True)], dtype=np.float64)
    points = _spread(force_layout(len(shown), links, pull), [used or 0 for _, used in shown.nodes(data="reactions")])
    columns, numbers = _columns([values for _, values in shown.nodes(data=True)], without=_GROUPING)
    values, weights = _columns([values for *_, values in shown.edges(data=True)])
    weights = sorted(weights, key=lambda name: (*_WEIGHTS, name).index(name))
    return {
        "title": title,
        "kind": str(graph.graph.get("kind", "")),
        "table": str(graph.graph.get("table", "")),
        "reactions": graph.graph.get("reactions"),
        "all": {"nodes": graph.number_of_nodes(), "edges": graph.number_of_edges()},
        "nodes": {
            "formula": [formula(shown, node) for node in shown],
            "x": points[:, 0].tolist(),
            "y": points[:, 1].tolist(),
        },
        "details": columns,
        "numbers": [_titled(name) for name in numbers],
        "edges": {"a": links[:, 0].tolist(), "b": links[:, 1].tolist()},
        "values": values,
        "weights": [_titled(name) for name in weights],
        "words": [_titled(name) for name in values if name not in weights],
        "support": next((name for name in _SUPPORT if name in weights), None),
        "groups": _groups(shown),
    }


def formula(graph: nx.Graph, node: Any) -> str:
    """Return the name of a node: its attribute `formula`, or its key."""
    return str(graph.nodes[node].get("formula", node))


def class_of(graph: nx.Graph, node: Any) -> str:
    """Return the precursor class of a node (its attribute `kind`), ``other`` if it has none."""
    return str(graph.nodes[node].get("kind", "other"))


def strongest(graph: nx.Graph, *, nodes: int, edges: int) -> nx.Graph:
    """Return the subgraph of the most used nodes and the strongest edges between them, without loops.

    Nodes are sorted by reactions and then degree, edges by the first of their weights; ties keep their order.
    """
    degree = dict(graph.degree)
    used = graph.nodes(data="reactions", default=0)
    kept = sorted(graph, key=lambda node: (-(used[node] or 0), -degree[node]))[:nodes]
    edges_between = graph.subgraph(kept).edges(data=True)
    weight = next((name for name in _WEIGHTS if any(name in values for *_, values in edges_between)), "")
    links = [link for link in edges_between if link[0] != link[1]]
    links.sort(key=lambda link: -(_number(link[2].get(weight)) or 0.0))
    found = type(graph)(**graph.graph)
    found.add_nodes_from((node, graph.nodes[node]) for node in kept)
    found.add_edges_from(links[:edges])
    return found


def attraction(values: Mapping[str, Any]) -> float:
    """Return the attraction of an edge in the layout of a map, 0 for precursors that avoid each other."""
    if (npmi := _number(values.get("npmi"))) is not None:
        return max(npmi, 0.0) * math.log1p(_number(values.get("count")) or 1.0)
    similarity = _number(values.get("similarity"))
    return max(1.0 if similarity is None else similarity, 0.0)


def class_look(name: str) -> Look:
    """Return how precursors of a class are drawn, the same in every figure."""
    return _CLASS_LOOKS.get(name, _CLASS_LOOKS["other"])


def class_handles(names: Iterable[str]) -> list[Line2D]:
    """Return legend entries of precursor classes."""
    from matplotlib.lines import Line2D

    looks = ((name, class_look(name)) for name in names)
    return [Line2D([], [], linestyle="none", marker=each.marker, color=each.color, label=name) for name, each in looks]


def community_names(graph: nx.Graph) -> dict[int, str]:
    """Return a name for each community, the largest first: its most used members."""
    of_node = {node: number for node, number in graph.nodes(data="community") if number is not None}
    members: dict[int, list[Any]] = {}
    for node in sorted(of_node, key=lambda node: -(graph.nodes[node].get("reactions") or 0)):
        members.setdefault(of_node[node], []).append(node)
    sizes = Counter(of_node.values())
    return {
        number: ", ".join(formula(graph, node) for node in members[number][:3]) for number, _ in sizes.most_common()
    }


def _spread(points: NDArray[np.float64], used: Sequence[float]) -> NDArray[np.float64]:
    """Return (n, 2) positions in [-1, 1] with room for the names of the most used nodes."""
    if not len(points):
        return points
    named = np.argsort(-np.asarray(used, dtype=np.float64), kind="stable")[:_NAMED]
    width = 0.015 + 0.14 * np.sqrt(np.asarray(used, dtype=np.float64)[named] / max(1, *used))
    apart = points.copy()
    apart[named] = separate_boxes(points[named], np.column_stack([width, 0.8 * width]))
    apart -= (apart.max(0) + apart.min(0)) / 2
    return (apart / max(float(np.abs(apart).max()), 1e-12)).round(4)


def _groups(graph: nx.Graph) -> list[dict[str, Any]]:
    """Return the ways to colour nodes: title, names with looks, and the index of each node's name, None if none."""
    found = []
    for attribute, title in (("kind", "class"), ("side", "side")):
        of = [value or None for _, value in graph.nodes(data=attribute)]
        if any(of):
            names = sorted(set(filter(None, of)), key=lambda name: (*_CLASS_LOOKS, name).index(name))
            found.append(_group(attribute, title, names, _looks(names), of))
    titles = community_names(graph)
    if titles:
        shown = list(titles)[:_COMMUNITIES] if len(titles) > _COMMUNITIES + 1 else list(titles)
        of_node = [
            None if number is None else titles[number] if number in shown else _SMALLER
            for _, number in graph.nodes(data="community")
        ]
        names = [titles[number] for number in shown] + ([_SMALLER] if len(shown) < len(titles) else [])
        drawn = [look(index) if name != _SMALLER else Look(GREY, "o", "-") for index, name in enumerate(names)]
        found.append(_group("community", "community", names, drawn, of_node))
    return found


def _looks(names: Sequence[str]) -> list[Look]:
    """Return the looks of precursor classes; other names, such as anion classes, get the looks that remain."""
    unused = [each for name, each in _CLASS_LOOKS.items() if name not in names]
    more = iter([*unused, *(look(len(PALETTE) + index) for index in range(len(names)))])
    return [_CLASS_LOOKS[name] if name in _CLASS_LOOKS else next(more) for name in names]


def _group(
    name: str, title: str, names: Sequence[str], drawn: Sequence[Look], of_node: Sequence[str | None]
) -> dict[str, Any]:
    index = {each: number for number, each in enumerate(names)}
    looks = [
        {"light": each.color, "dark": _ON_DARK.get(each.color, each.color), "shape": each.marker} for each in drawn
    ]
    return {
        "name": name,
        "title": title,
        "names": list(names),
        "looks": looks,
        "of": [None if each is None else index[each] for each in of_node],
    }


def _columns(
    rows: Sequence[Mapping[str, Any]], *, without: Sequence[str] = ()
) -> tuple[dict[str, list[Any]], list[str]]:
    """Return every attribute as a column with None where it is missing, and the names of the numeric ones."""
    names = [*dict.fromkeys([*ATTRIBUTES, *(name for values in rows for name in values if name not in without)])]
    columns = {name: [_plain(values.get(name)) for values in rows] for name in names}
    columns = {name: column for name, column in columns.items() if any(value is not None for value in column)}
    numbers = [name for name, column in columns.items() if not any(isinstance(value, str) for value in column)]
    return columns, numbers


def _titled(name: str) -> dict[str, str]:
    title, meaning = ATTRIBUTES.get(name, (name.replace("_", " "), ""))
    return {"name": name, "title": title, "help": meaning}


def _plain(value: Any) -> Any:
    """Return a value for JSON: text and whole numbers as they are, others with four digits, None for the rest."""
    if value is None or isinstance(value, str):
        return value
    number = _number(value)
    if number is None:
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else float(f"{number:.4g}")


def _number(value: Any) -> float | None:
    """Return a finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
