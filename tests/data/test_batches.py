from __future__ import annotations

import numpy as np

from rrgraph.chem import parse_formula
from rrgraph.data import LinkBatch, SetBatch

TARGETS = [parse_formula(text) for text in ("LiCoO2", "BaTiO3", "La2O3")]
CANDIDATES = [parse_formula(text) for text in ("Li2CO3", "Co3O4", "BaCO3", "TiO2", "La(OH)3")]


def pairs(links):
    return list(zip(links.target_index.tolist(), links.candidate_index.tolist(), strict=True))


def test_a_grid_has_every_link_target_by_target():
    grid = LinkBatch.grid(TARGETS, CANDIDATES)
    assert pairs(grid) == [(target, candidate) for target in range(3) for candidate in range(5)]
    assert (len(grid), grid.grid_shape) == (15, (3, 5))
    values = np.arange(15).reshape(3, 5)
    assert grid.take(values).tolist() == list(range(15))
    for targets, candidates in (([], CANDIDATES), (TARGETS, []), ([], [])):
        assert len(LinkBatch.grid(targets, candidates)) == 0


def test_links_are_selected_by_mask_index_or_slice():
    grid = LinkBatch.grid(TARGETS, CANDIDATES)
    assert pairs(grid.select(np.array([14, 0, 6]))) == [(2, 4), (0, 0), (1, 1)]
    assert pairs(grid.select(grid.candidate_index == 3)) == [(0, 3), (1, 3), (2, 3)]
    assert pairs(grid.select(slice(4, 6))) == [(0, 4), (1, 0)]
    assert grid.select(slice(4, 6)).take(np.arange(15).reshape(3, 5)).tolist() == [4, 5]


def test_links_are_found_among_sorted_ones():
    links = LinkBatch(TARGETS, CANDIDATES, np.array([0, 0, 2, 2, 2]), np.array([1, 4, 0, 1, 3]))
    assert links.find(np.array([2, 0, 2]), np.array([3, 4, 0])).tolist() == [4, 1, 2]
    nothing = np.array([], dtype=np.int64)
    assert LinkBatch(TARGETS, CANDIDATES, nothing, nothing).find(nothing, nothing).tolist() == []


def test_sets_of_lists_are_padded():
    sets = SetBatch.of_lists(TARGETS, CANDIDATES, [[(0, 1)], [], [(4,), (2, 3, 4)]])
    assert sets.target_index.tolist() == [0, 2, 2]
    assert sets.members.tolist() == [[0, 1, -1], [4, -1, -1], [2, 3, 4]]
    assert sets.padded_members.tolist() == [[0, 1, 5], [4, 5, 5], [2, 3, 4]]
    assert sets.present.sum() == len(sets) * 2
    assert SetBatch.of_lists([], [], []).members.shape == (0, 1)
