"""Centralities, communities and core numbers of the nodes of a graph."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from rrgraph.errors import ConfigError, check_choice

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["COMMUNITIES", "add_structure", "edge_weight", "find_communities"]

COMMUNITIES: Final = ("louvain", "leiden")
"""Methods of community detection; ``leiden`` needs igraph."""

_SOURCES: Final = 500
_EXACT: Final = 3000
"""Largest number of nodes for exact betweenness; in larger graphs it is estimated from `_SOURCES` sources."""

_BATCH_SIZE: Final = 64

_WEIGHTS: Final = {
    "cooccurrence": "count",
    "substitution": "similarity",
    "bipartite": "count",
    "precursor-projection": "shared",
    "target-projection": "jaccard",
}


def edge_weight(graph: nx.Graph) -> str | None:
    """Return the edge attribute that serves as weight in a graph of this package, None for other graphs."""
    return _WEIGHTS.get(graph.graph.get("kind", ""))


def add_structure(graph: nx.Graph, *, method: str = "louvain", seed: int = 0) -> None:
    """Write degree, strength, centralities, core number and community to the nodes of a graph.

    `degree_centrality`: neighbours divided by possible neighbours. `strength`: sum of the edge weights (`edge_weight`).
    `betweenness`: share of unweighted shortest paths through the node; in graphs of more than 3,000 nodes estimated
    from 500 sources (Brandes & Pich, Int. J. Bifurcat. Chaos 17, 2303 (2007)). `pagerank`: weighted, damping 0.85.
    `core`: largest k for which the node is in the k-core. `community`: number of its community, 0 the largest.

    Args:
        graph: changed in place.
        method: of community detection, one of `COMMUNITIES`.
        seed: of community detection and of the sample of sources.

    Raises:
        ConfigError: the method is unknown, or igraph is missing.
    """
    check_choice("communities", method, COMMUNITIES)
    if not graph:
        return
    import networkx as nx

    weight = edge_weight(graph)
    columns: dict[str, dict[Any, Any]] = {
        "degree": dict(graph.degree),
        "strength": {node: float(value) for node, value in graph.degree(weight=weight)},
        "degree_centrality": nx.degree_centrality(graph),
        "betweenness": _betweenness(graph, seed),
        "pagerank": nx.pagerank(graph, weight=weight),
        "core": nx.core_number(graph),
        "community": {
            node: number
            for number, members in enumerate(find_communities(graph, method=method, seed=seed))
            for node in members
        },
    }
    for name, values in columns.items():
        nx.set_node_attributes(graph, values, name)


def find_communities(graph: nx.Graph, *, method: str = "louvain", seed: int = 0) -> list[Collection[Any]]:
    """Return communities of nodes with high weighted modularity, the largest first.

    ``louvain`` is Blondel et al., J. Stat. Mech. P10008 (2008) in networkx; ``leiden``, whose communities are
    connected, is Traag et al., Sci. Rep. 9, 5233 (2019) in igraph.

    Raises:
        ConfigError: the method is unknown, or igraph is missing.
    """
    check_choice("communities", method, COMMUNITIES)
    weight = edge_weight(graph)
    if method == "louvain":
        import networkx as nx

        found = [set(each) for each in nx.community.louvain_communities(graph, weight=weight, seed=seed)]
    else:
        found = _leiden(graph, weight, seed)
    order = {node: index for index, node in enumerate(graph)}
    return sorted(found, key=lambda members: (-len(members), min(order[node] for node in members)))


def _betweenness(graph: nx.Graph, seed: int) -> dict[Any, float]:
    """Return normalised betweenness (Brandes, J. Math. Sociol. 25, 163 (2001)), computed for batches of sources.

    networkx treats one source after the other in Python, which takes minutes for the bipartite graph.
    """
    import networkx as nx

    nodes = list(graph)
    adjacency = nx.to_scipy_sparse_array(graph, nodelist=nodes, weight=None, dtype=np.float64, format="csr")
    adjacency = adjacency - diags_array(adjacency.diagonal())
    sources = np.arange(len(nodes))
    if len(nodes) > _EXACT:
        sources = np.random.default_rng(seed).choice(sources, _SOURCES, replace=False)
    total = np.zeros(len(nodes))
    for start in range(0, len(sources), _BATCH_SIZE):
        total += _dependencies(csr_array(adjacency), sources[start : start + _BATCH_SIZE]).sum(1)
    pairs = max((len(nodes) - 1) * (len(nodes) - 2), 1)
    return dict(zip(nodes, (total * len(nodes) / len(sources) / pairs).tolist(), strict=True))


def _dependencies(adjacency: csr_array, sources: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the dependency of each source on each node (sum of path fractions through it), (nodes, sources)."""
    front = np.zeros((adjacency.shape[0], len(sources)))
    front[sources, np.arange(len(sources))] = 1.0
    seen = front > 0
    paths = []  # for each distance, the number of shortest paths to the nodes at that distance
    while front.any():
        paths.append(front)
        front = adjacency @ front
        front[seen] = 0.0
        seen |= front > 0
    found = np.zeros_like(seen, dtype=np.float64)
    for near, far in zip(paths[-2::-1], paths[:0:-1], strict=True):
        share = np.divide(1 + found, far, out=np.zeros_like(far), where=far > 0)
        found += near * (adjacency @ share)
    found[sources, np.arange(len(sources))] = 0.0
    return found


def _leiden(graph: nx.Graph, weight: str | None, seed: int) -> list[set[Any]]:
    try:
        import igraph
    except ImportError:
        raise ConfigError("Leiden communities need igraph: pip install 'rrgraph[networks]', or use louvain.") from None
    nodes = list(graph)
    index = {node: number for number, node in enumerate(nodes)}
    edges = [(index[one], index[two]) for one, two in graph.edges]
    weights = [float(data.get(weight, 1.0)) for _, _, data in graph.edges(data=True)]
    igraph.set_random_number_generator(random.Random(seed))
    try:
        clusters = igraph.Graph(len(nodes), edges).community_leiden(
            objective_function="modularity", weights=weights, n_iterations=10
        )
    finally:
        igraph.set_random_number_generator(random)
    return [{nodes[number] for number in cluster} for cluster in clusters]
