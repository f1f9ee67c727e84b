"""Where nodes of a network stand on paper and screen: links and sizes flow in, places flow out.

The same network gives the same places: every start is drawn from one seed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["force_layout", "separate_boxes"]

Floats = NDArray[np.float64]

_SEED: Final = 6
_ROUNDS: Final = 200
_GRAVITY: Final = 0.4


def force_layout(number: int, links: NDArray[np.int64], weights: Floats, *, rounds: int = _ROUNDS) -> Floats:
    """Return (number, 2) places in [-1, 1] where linked nodes are near and clusters stand apart.

    Linked nodes attract each other with the logarithm of their distance, all nodes repel each other by its inverse and
    in proportion to their degrees (LinLog, Noack 2007; ForceAtlas2, Jacomy et al. 2014), and a weak pull to the middle
    keeps what is not linked in sight. A round costs a few products of (number, number) matrices; networkx's own
    layouts loop over nodes.

    Args:
        number: of nodes.
        links: (m, 2) places of the nodes of each link.
        weights: (m,) how strongly linked nodes attract each other, not negative.
        rounds: of moving all nodes.
    """
    if number < 2:
        return np.zeros((number, 2))
    scaled = weights / max(float(weights.mean()), 1e-12) if len(weights) else weights
    pull = np.zeros((number, number))
    np.add.at(pull, (links[:, 0], links[:, 1]), scaled)
    np.add.at(pull, (links[:, 1], links[:, 0]), scaled)
    np.fill_diagonal(pull, 0)
    mass = 1 + pull.sum(1)
    mass *= number / mass.sum()
    pull *= number / max(float(pull.sum()), 1e-12)
    angle = np.random.default_rng(_SEED).random((number, 2)) * [2 * np.pi, 1]
    place = np.sqrt(angle[:, 1:]) * np.column_stack([np.cos(angle[:, 0]), np.sin(angle[:, 0])])
    for step in np.geomspace(0.2, 0.002, rounds):
        square = (place**2).sum(1)
        apart = np.maximum(square[:, None] + square - 2 * place @ place.T, 1e-6)
        # One matrix holds both forces along each difference: repulsion m m'/(n d^2), attraction w ln(1 + d)/d.
        distance = np.sqrt(apart)
        along = mass[:, None] * mass / (number * apart) - pull * np.log1p(distance) / distance
        np.fill_diagonal(along, 0)
        force = along.sum(1)[:, None] * place - along @ place - _GRAVITY * mass[:, None] * place
        force /= mass[:, None]
        length = np.linalg.norm(force, axis=1, keepdims=True)
        place += force * np.minimum(1, step / np.maximum(length, 1e-12))
    place -= (place.max(0) + place.min(0)) / 2
    return place / max(float(np.abs(place).max()), 1e-12)


def separate_boxes(centres: Floats, sizes: Floats, *, rounds: int = 200) -> Floats:
    """Return (n, 2) centres at which no two boxes overlap, moved as little as pushing them apart takes.

    Boxes that overlap push each other along the axis on which they overlap less; where that does not end, all centres
    are spread a little first.

    Args:
        centres: (n, 2) of the boxes.
        sizes: (n, 2) width and height of each, in the same unit.
        rounds: of pushing before all centres are spread.
    """
    place = centres.astype(np.float64).copy()
    reach = (sizes[:, None] + sizes) / 2
    upper = np.triu(np.ones((len(place), len(place)), dtype=bool), 1)
    left = rounds
    while True:
        difference = place[:, None] - place
        overlap = reach - np.abs(difference)
        first, second = np.nonzero((overlap > 1e-9).all(2) & upper)
        if not len(first):
            return place
        if not (left := left - 1):
            place, left = place * 1.03, rounds
        axis = overlap[first, second].argmin(1)
        side = np.where(difference[first, second, axis] < 0, -1.0, 1.0)
        move = side * (overlap[first, second, axis] / 2 + 1e-6) * 0.6
        np.add.at(place, (first, axis), move)
        np.add.at(place, (second, axis), -move)
