from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.networks.plots.layout import force_layout, separate_boxes


def cliques(size: int) -> np.ndarray:
    """Links of two groups of which all members are linked, and one link between them."""
    one = list(combinations(range(size), 2))
    return np.array([*one, *((a + size, b + size) for a, b in one), (0, size)])


def test_groups_stand_apart_and_positions_are_the_same_every_time():
    links = cliques(6)
    positions = force_layout(12, links, np.ones(len(links)))
    assert np.array_equal(positions, force_layout(12, links, np.ones(len(links))))
    assert np.abs(positions).max() == 1
    distance = np.linalg.norm(positions[:, None] - positions, axis=2)
    within = max(distance[:6, :6].max(), distance[6:, 6:].max())
    between = np.linalg.norm(positions[:6].mean(0) - positions[6:].mean(0))
    assert between > within / 2
    assert distance[0, 1:6].mean() < distance[0, 7:].mean()


def test_stronger_links_are_shorter():
    links = np.array([(0, 1), (1, 2), (2, 0)])
    positions = force_layout(3, links, np.array([20.0, 1.0, 1.0]))
    length = np.linalg.norm(positions[links[:, 0]] - positions[links[:, 1]], axis=1)
    assert length[0] < min(length[1:])


def test_networks_without_links_or_nodes_have_positions():
    nothing = np.empty((0, 2), dtype=np.int64)
    assert force_layout(0, nothing, np.empty(0)).shape == (0, 2)
    assert force_layout(1, nothing, np.empty(0)).tolist() == [[0, 0]]
    assert np.isfinite(force_layout(5, nothing, np.empty(0))).all()
    assert np.isfinite(force_layout(2, np.array([(0, 1)]), np.zeros(1))).all()


box = st.tuples(*[st.floats(-2, 2)] * 2, *[st.floats(0.05, 1)] * 2)


@settings(deadline=None, max_examples=30)
@given(st.lists(box, min_size=1, max_size=12))
def test_no_two_boxes_overlap(boxes):
    given_boxes = np.array(boxes)
    centres, sizes = separate_boxes(given_boxes[:, :2], given_boxes[:, 2:]), given_boxes[:, 2:]
    for a, b in combinations(range(len(boxes)), 2):
        gap = np.abs(centres[a] - centres[b]) - (sizes[a] + sizes[b]) / 2
        assert gap.max() >= -1e-8


def test_boxes_that_do_not_overlap_stay():
    centres = np.array([[0.0, 0.0], [2.0, 0.0]])
    assert np.array_equal(separate_boxes(centres, np.ones((2, 2))), centres)
