from __future__ import annotations

from math import log

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

from rrgraph.networks import bipartite_scores, pair_scores


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_networkx(seed):
    graph = nx.gnm_random_graph(20, 45, seed=seed)
    found = pair_scores(nx.to_scipy_sparse_array(graph, dtype=float))
    pairs = list(nx.non_edges(graph))
    for name, of_networkx in (
        ("jaccard", nx.jaccard_coefficient),
        ("resource_allocation", nx.resource_allocation_index),
        ("preferential_attachment", nx.preferential_attachment),
        ("adamic_adar", nx.adamic_adar_index),
    ):
        for one, two, expected in of_networkx(graph, pairs):
            assert found[name][one, two] == pytest.approx(expected), name
    for one, two in pairs:
        assert found["common_neighbours"][one, two] == len(list(nx.common_neighbors(graph, one, two)))
        ranks = [nx.pagerank(graph, personalization={start: 1}, tol=1e-12, max_iter=500) for start in (one, two)]
        if graph.degree(one) and graph.degree(two):
            both = ranks[0][two] + ranks[1][one]
            assert found["personalised_pagerank"][one, two] == pytest.approx(both, abs=1e-6)


def test_bipartite_scores_are_those_of_loops():
    generator = np.random.default_rng(2)
    linked = (generator.random((8, 6)) < 0.4).astype(float)
    linked[:, 0] = 1
    rows = np.array([1, 5, 6])
    found = bipartite_scores(csr_array(linked), rows)
    per_target, per_precursor = linked.sum(1), linked.sum(0)
    for index, row in enumerate(rows):
        for column in range(6):
            paths = [
                (t, p)
                for t in range(8)
                if t != row and linked[t, column]
                for p in range(6)
                if linked[row, p] and linked[t, p]
            ]
            assert found["common_neighbours"][index, column] == pytest.approx(len(paths))
            allocated = sum(1 / per_target[t] / per_precursor[p] for t, p in paths)
            assert found["resource_allocation"][index, column] == pytest.approx(allocated)
            weighed = sum(
                1 / log(per_target[t]) / log(per_precursor[p])
                for t, p in paths
                if min(per_target[t], per_precursor[p]) > 1
            )
            assert found["adamic_adar"][index, column] == pytest.approx(weighed)
            assert found["preferential_attachment"][index, column] == per_target[row] * per_precursor[column]
    graph = nx.Graph([(t, 8 + p) for t, p in np.argwhere(linked)])
    rank = nx.pagerank(graph, personalization={5: 1}, tol=1e-12, max_iter=500)
    assert found["personalised_pagerank"][1] == pytest.approx([rank.get(8 + p, 0) for p in range(6)], abs=1e-6)
