"""The interface of comparison systems: `fit` to a reaction table, then `plan` like a trained model.

A system that scores links one by one is a `LinkBaseline` and uses the exact search of all models; one that proposes
whole sets is a `SetBaseline`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import ReactionTable, Split
from rrgraph.errors import DataError, ModelError
from rrgraph.planning import LinkScorer, Plan, Proposal, SetConstraints, planner_for
from rrgraph.util.registry import Registry

__all__ = ["BASELINES", "Baseline", "LinkBaseline", "SetBaseline", "SetRequest", "make_baseline"]


class Baseline(ABC):
    """A comparison system.

    Every option is a keyword argument with a default, so that a configuration can set it; results depend on the options
    and the training rows alone. A system with random choices has an option `seed`.
    """

    name: ClassVar[str] = "baseline"
    """Name in messages."""

    def __init__(self) -> None:
        self._is_fitted = False

    def fit(self, table: ReactionTable, split: Split | None = None) -> Self:
        """Fit to training reactions, discarding any earlier fit, and return the baseline itself.

        Args:
            table: rows to learn from.
            split: the split they come from; its validation subset may be used to choose the epoch or an option, its
                test subset is never used.

        Raises:
            DataError: the table has no rows.
        """
        if not len(table):
            raise DataError(f"Cannot fit the baseline '{self.name}' to a reaction table without rows.")
        self._learn(table, split)
        self._is_fitted = True
        return self

    @abstractmethod
    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        """Fit to a table that has rows; arguments are those of `fit`."""

    def plan(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        *,
        constraints: SetConstraints | None = None,
        top_k: int = 10,
        sizes: Sequence[int | None] | None = None,
    ) -> list[Plan]:
        """Return the `top_k` best sets of each target.

        Args:
            targets: materials to make.
            candidates: precursors that may be used.
            constraints: which sets are valid.
            top_k: number of sets for each target, at least 1.
            sizes: known set size of each target, None where the sizes of the constraints compete.

        Raises:
            ModelError: the baseline has not been fitted.
            PlanningError: candidates, constraints, sizes or `top_k` do not fit.
        """
        assert isinstance(self, LinkBaseline | SetBaseline)
        return planner_for(self, candidates, constraints).plan(targets, top_k=top_k, sizes=sizes)

    def _check_fitted(self) -> None:
        if not self._is_fitted:
            raise ModelError(f"The baseline '{self.name}' has not been fitted to a reaction table.")


class LinkBaseline(Baseline, LinkScorer):
    """A comparison system that scores links."""

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the logit of each link, (targets, candidates), finite; targets and candidates may be unseen ones.

        Raises:
            ModelError: the baseline has not been fitted.
        """
        self._check_fitted()
        return self._logits(targets, candidates)

    @abstractmethod
    def _logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the logits (targets, candidates) of a fitted baseline."""


@dataclass(frozen=True)
class SetRequest:
    """The input of a proposer of sets.

    Attributes:
        targets: materials to make.
        candidates: precursors that may be used.
        sizes: allowed set sizes of each target, a single one if it is known.
        constraints: which sets are valid.
        number: largest number of sets for each target.
    """

    targets: Sequence[Composition]
    candidates: Sequence[Composition]
    sizes: Sequence[tuple[int, ...]]
    constraints: SetConstraints
    number: int


class SetBaseline(Baseline):
    """A comparison system that proposes whole sets, a `rrgraph.planning.SetProposer`."""

    probabilistic: bool = False
    """Whether the scores of its proposals are log probabilities of sets."""

    def propose(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        *,
        sizes: Sequence[int | None],
        constraints: SetConstraints,
        number: int,
    ) -> list[list[Proposal]]:
        """Return for each target up to `number` distinct sets, best first; see `SetProposer`.

        Raises:
            ModelError: the baseline has not been fitted.
        """
        self._check_fitted()
        allowed = constraints.allowed_sizes(len(targets), sizes)
        return self._propose(SetRequest(targets, candidates, allowed, constraints, number))

    @abstractmethod
    def _propose(self, request: SetRequest) -> list[list[Proposal]]:
        """Return the proposals of a fitted baseline."""


BASELINES: Final[Registry[type[LinkBaseline] | type[SetBaseline]]] = Registry(
    "baseline", group="rrgraph.baselines", bases=(LinkBaseline, SetBaseline)
)
"""Every comparison system by its name in configurations and reports."""


def make_baseline(
    name: str, options: Mapping[str, Any] = MappingProxyType({}), **shared: object
) -> LinkBaseline | SetBaseline:
    """Return a baseline that is not fitted yet.

    >>> make_baseline("popularity", device="cpu").name
    'popularity'

    Args:
        name: in `BASELINES`.
        options: of the baseline.
        shared: options such as `seed` and `device`, which only those baselines take that have them.
    """
    known = BASELINES.options(name)
    return BASELINES[name](**{key: value for key, value in shared.items() if key in known} | dict(options))
