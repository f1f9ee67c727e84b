"""The interface of a comparison system: learn from a reaction table, then score links like a trained model.

A reaction table flows in through `fit`; the fitted baseline is a `rrgraph.planning.LinkScorer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.registry import Registry

__all__ = ["BASELINES", "Baseline"]


class Baseline(ABC):
    """A comparison system with no options that must be given; results depend on the training table alone."""

    @abstractmethod
    def fit(self, table: ReactionTable) -> Self:
        """Learn from training reactions, forgetting any earlier ones, and return the baseline itself.

        Raises:
            DataError: the table has no rows.
        """

    @abstractmethod
    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the log-odds of each link, (targets, candidates), finite; neither side needs to be known.

        Raises:
            ModelError: the baseline has not been fitted.
        """


BASELINES: Final[Registry[type[Baseline]]] = Registry("baseline")
"""Every comparison system by the name that configurations and reports use."""
