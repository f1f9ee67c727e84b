"""Link-prediction heuristics, which score possible links of a graph from its structure alone.

They are those of Liben-Nowell & Kleinberg (J. Am. Soc. Inf. Sci. 58, 1019 (2007)). They use no chemistry and so are
the baseline for any method that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, diags_array, eye_array
from scipy.sparse.linalg import splu

__all__ = ["DAMPING", "NEIGHBOUR_WEIGHTS", "bipartite_scores", "pair_scores"]

DAMPING: Final = 0.85
"""Probability that the random walk of personalised PageRank continues instead of returning to its source."""

_BATCH_SIZE: Final = 512

_Weight = Callable[[NDArray[np.float64]], NDArray[np.float64]]

NEIGHBOUR_WEIGHTS: Final[dict[str, _Weight]] = {
    "common_neighbours": np.ones_like,
    "adamic_adar": lambda degree: np.where(degree > 1, 1 / np.log(np.maximum(degree, 2)), 0.0),
    "resource_allocation": lambda degree: 1 / np.maximum(degree, 1),
}
"""Weight of a path between two nodes, by the degree of each node on it: common neighbours; Adamic & Adar, Soc.
Networks 25, 211 (2003); Zhou et al., Eur. Phys. J. B 71, 623 (2009)."""


def pair_scores(adjacency: csr_array) -> dict[str, NDArray[np.float64]]:
    """Return every heuristic for all pairs of nodes of a graph, (n, n) each.

    Besides `NEIGHBOUR_WEIGHTS` these are ``jaccard`` (common neighbours divided by all neighbours),
    ``preferential_attachment`` (product of the degrees) and ``personalised_pagerank`` (sum of both directions).

    Args:
        adjacency: (n, n) symmetric, 0 or 1, diagonal 0.
    """
    adjacency = csr_array(adjacency, dtype=np.float64)
    degree = _degrees(adjacency)
    scores = {
        name: (adjacency @ diags_array(weigh(degree)) @ adjacency).toarray()
        for name, weigh in NEIGHBOUR_WEIGHTS.items()
    }
    union = degree[:, None] + degree - scores["common_neighbours"]
    scores["jaccard"] = scores["common_neighbours"] / np.maximum(union, 1)
    scores["preferential_attachment"] = np.outer(degree, degree)
    rank = _personalised_pagerank(adjacency, np.arange(adjacency.shape[0]))
    scores["personalised_pagerank"] = rank + rank.T
    return scores


def bipartite_scores(linked: csr_array, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Return every heuristic for the links of some targets to all precursors, (rows, m) each.

    In a bipartite graph the ends of a possible link have no common neighbours, so paths of three steps replace those
    of two (Huang, Li & Chen, JCDL 2005): from the target over a shared precursor to another target and on to a
    precursor of that target. Both intermediate nodes contribute their weights.

    Args:
        linked: (targets, m) 0 or 1.
        rows: indices of the targets.
    """
    linked = csr_array(linked, dtype=np.float64)
    of_target, of_precursor = _degrees(linked), np.asarray(linked.sum(axis=0)).ravel()
    targets = linked.shape[0]
    chosen = csr_array(linked[rows])
    itself = (np.arange(len(rows)), rows)
    scores = {}
    for name, weigh in NEIGHBOUR_WEIGHTS.items():
        paths = csr_array(chosen @ diags_array(weigh(of_precursor)) @ linked.T)
        back = csr_array((np.asarray(paths[itself]).ravel(), itself), shape=paths.shape)
        scores[name] = ((paths - back) @ diags_array(weigh(of_target)) @ linked).toarray()
    scores["preferential_attachment"] = np.outer(of_target[rows], of_precursor)
    whole = csr_array(block_array([[None, linked], [linked.T, None]]))
    scores["personalised_pagerank"] = _personalised_pagerank(whole, rows, slice(targets, None))
    return scores


def _personalised_pagerank(
    adjacency: csr_array, sources: NDArray[np.int64], kept: slice = slice(None)
) -> NDArray[np.float64]:
    """Return the stationary probabilities of a random walk that returns to its source, (sources, kept nodes).

    They solve p = (1 - d) e + d P^T p, with the transition matrix P and the damping d.
    """
    size = adjacency.shape[0]
    transition = diags_array(1 / np.maximum(_degrees(adjacency), 1)) @ adjacency
    system = splu((eye_array(size) - DAMPING * transition.T).tocsc())
    found = []
    for start in range(0, len(sources), _BATCH_SIZE):
        batch = sources[start : start + _BATCH_SIZE]
        restart = np.zeros((size, len(batch)))
        restart[batch, np.arange(len(batch))] = 1 - DAMPING
        found.append(system.solve(restart)[kept].T)
    return np.concatenate(found) if found else np.zeros((0, size))[:, kept]


def _degrees(matrix: csr_array) -> NDArray[np.float64]:
    """Return the number of links of each row."""
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
