"""Positions of the nodes of a network on paper and screen.

The same network gives the same positions: the random start has a fixed seed.
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
    """Return (number, 2) positions in [-1, 1] in which linked nodes are near each other and clusters are apart.

    Linked nodes attract each other with the logarithm of their distance, all nodes repel each other with its inverse
    and in proportion to their degrees (LinLog, Noack 2007; ForceAtlas2, Jacomy et al. 2014), and a weak pull to the
    centre keeps unlinked nodes in view. A round costs a few products of (number, number) matrices; networkx's own
    layouts loop over nodes.

    Args:
        number: of nodes.
        links: (m, 2) indices of the nodes of each link.
        weights: (m,) attraction of each link, not negative.
        rounds: number of moves of all nodes.
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
    position: NDArray[np.float64] = np.sqrt(angle[:, 1:]) * np.column_stack([np.cos(angle[:, 0]), np.sin(angle[:, 0])])
    for step in np.geomspace(0.2, 0.002, rounds):
        square = (position**2).sum(1)
        apart = np.maximum(square[:, None] + square - 2 * position @ position.T, 1e-6)
        # One matrix holds both forces along each difference: repulsion m m'/(n d^2), attraction w ln(1 + d)/d.
        distance = np.sqrt(apart)
        along = mass[:, None] * mass / (number * apart) - pull * np.log1p(distance) / distance
        np.fill_diagonal(along, 0)
        force = along.sum(1)[:, None] * position - along @ position - _GRAVITY * mass[:, None] * position
        force /= mass[:, None]
        length = np.linalg.norm(force, axis=1, keepdims=True)
        position += force * np.minimum(1, step / np.maximum(length, 1e-12))
    position -= (position.max(0) + position.min(0)) / 2
    return position / max(float(np.abs(position).max()), 1e-12)


def separate_boxes(centres: Floats, sizes: Floats, *, rounds: int = 200) -> Floats:
    """Return (n, 2) centres moved just enough that no two boxes overlap.

    Overlapping boxes are pushed apart along the axis of smaller overlap; if that does not converge, all centres are
    spread slightly and pushed again.

    Args:
        centres: (n, 2) of the boxes.
        sizes: (n, 2) width and height of each, in the same unit.
        rounds: of pushing before all centres are spread.
    """
    position = centres.astype(np.float64).copy()
    reach = (sizes[:, None] + sizes) / 2
    upper = np.triu(np.ones((len(position), len(position)), dtype=bool), 1)
    rounds_left = rounds
    while True:
        difference = position[:, None] - position
        overlap = reach - np.abs(difference)
        first, second = np.nonzero((overlap > 1e-9).all(2) & upper)
        if not len(first):
            return position
        if not (rounds_left := rounds_left - 1):
            position, rounds_left = position * 1.03, rounds
        axis = overlap[first, second].argmin(1)
        side = np.where(difference[first, second, axis] < 0, -1.0, 1.0)
        move = side * (overlap[first, second, axis] / 2 + 1e-6) * 0.6
        np.add.at(position, (first, axis), move)
        np.add.at(position, (second, axis), -move)
