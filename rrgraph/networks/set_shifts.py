"""What the second stage of a model changes, and how much of it correlations of precursor pairs explain.

Candidate sets of some targets flow in with what their links say and what the set scorer says; correlations of the
difference with statistics of the pairs in each set flow out, and what is gained by ranking with these statistics alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from rrgraph.chem import Composition, source_elements
from rrgraph.data import ReactionTable
from rrgraph.errors import ModelError
from rrgraph.evaluation import Protocol
from rrgraph.metrics import Interval, mean_intervals
from rrgraph.planning import LISTWISE, Planner

if TYPE_CHECKING:
    from rrgraph.models import Model
    from rrgraph.networks.cooccurrence import PairStatistics

__all__ = ["SHIFT_FEATURES", "SetShifts", "ShiftExplanation", "explain_shifts", "set_shifts"]

SHIFT_FEATURES: Final = ("size", "repeats", "pmi", "context_pmi")
"""Numbers of a set that may explain the difference: its members; pairs of members that bring the same source element of
the target; sums over its pairs of the smoothed PMI and of the smoothed PMI within the pair's context."""

_KS: Final = (1, 3, 10)
_STEPS: Final = np.linspace(0.0, 2.0, 41)


@dataclass(frozen=True, eq=False)
class SetShifts:
    """Candidate sets of several targets.

    Attributes:
        targets: canonical key of each target.
        owner: (n,) place of each set's target.
        links: (n,) log of the product of its link probabilities.
        judged: (n,) log probability by the second stage.
        features: (n, `SHIFT_FEATURES`).
        right: (n,) whether the set is recorded for the target.
    """

    targets: tuple[str, ...]
    owner: NDArray[np.int64]
    links: NDArray[np.float64]
    judged: NDArray[np.float64]
    features: NDArray[np.float64]
    right: NDArray[np.bool_]

    def centred(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values (n, ...) less their mean over the sets of the same target."""
        number = np.bincount(self.owner, minlength=len(self.targets))
        flat = values.reshape(len(values), -1)
        means = np.stack([np.bincount(self.owner, column, len(self.targets)) for column in flat.T], axis=1)
        return (flat - (means / np.maximum(number, 1)[:, None])[self.owner]).reshape(values.shape)

    @property
    def shift(self) -> NDArray[np.float64]:
        """What the second stage adds to the log probability of each set, (n,), less its mean over the target."""
        return self.centred(self.judged - self.links)

    def hits(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return whether a right set is among the first k by the scores, (targets, ks); ties keep the links' order."""
        order = np.lexsort((-self.links, -scores, self.owner))
        start = np.searchsorted(self.owner[order], np.arange(len(self.targets)))
        rank = np.arange(len(order)) - start[self.owner[order]]
        best = np.full(len(self.targets), np.inf)
        np.minimum.at(best, self.owner[order][self.right[order]], rank[self.right[order]])
        return (best[:, None] < np.array(_KS)).astype(np.float64)


@dataclass(frozen=True)
class ShiftExplanation:
    """How much of the second stage the pairs explain, on targets that nothing here was fitted to.

    Attributes:
        targets: number of them.
        correlation: by feature, mean over targets of the rank correlation (Spearman) between feature and shift; targets
            whose sets all have the same value have none and are left out.
        explained: by the features used, the share of the variance of the shifts, within targets, that a linear model
            explains which was fitted to other targets.
        accuracy: by what sets are ranked by, and by k: share of targets with a recorded set among the first k.
    """

    targets: int
    correlation: Mapping[str, Interval]
    explained: Mapping[str, float]
    accuracy: Mapping[str, Mapping[int, Interval]]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "targets": self.targets,
            "correlation": {name: value.to_dict() for name, value in self.correlation.items()},
            "explained": dict(self.explained),
            "accuracy": {
                name: {str(k): value.to_dict() for k, value in values.items()} for name, values in self.accuracy.items()
            },
        }


def set_shifts(
    predictor: Model,
    candidates: Sequence[Composition],
    table: ReactionTable,
    pairs: PairStatistics,
    protocol: Protocol,
) -> SetShifts:
    """Return the sets that the second stage reads for the targets of a table, with both judgements.

    Args:
        predictor: with a second stage.
        candidates: precursors that may be used.
        table: targets and their recorded sets, which the model should not have seen.
        pairs: of the reactions it was trained on.
        protocol: which sets compete; where it tells sizes, a target with sets of several sizes counts once a size.

    Raises:
        ModelError: the model has no second stage.
    """
    if not predictor.ranks_sets:
        raise ModelError("The model has no set scorer whose shifts could be explained.")
    told = protocol.set_size == "told"
    truth: dict[tuple[str, int | None], set[frozenset[str]]] = {}
    targets: dict[tuple[str, int | None], Composition] = {}
    for target, keys in table.distinct_reactions():
        wanted = (target.key, len(keys) if told else None)
        targets.setdefault(wanted, target)
        truth.setdefault(wanted, set()).add(keys)
    constraints, sizes = protocol.constraints(), [size for _, size in targets]
    plans = [
        Planner(predictor, candidates, constraints, mode=mode, max_candidates=protocol.max_candidates).plan(
            list(targets.values()), top_k=predictor.set_candidates, sizes=sizes
        )
        for mode in ("product", LISTWISE)
    ]
    describe = _Describer(pairs)
    rows: list[tuple[int, float, float, bool]] = []
    features: list[list[float]] = []
    for owner, (wanted, by_links, by_sets) in enumerate(zip(targets, *plans, strict=True)):
        judged = {each.precursors.keys: each.score for each in by_sets}
        for each in by_links:
            keys = each.precursors.keys
            rows.append((owner, each.score, judged[keys], keys in truth[wanted]))
            features.append(describe(targets[wanted], list(each.precursors)))
    place, links, log_sets, right = (np.array(column) for column in zip(*rows, strict=True))
    return SetShifts(
        tuple(key for key, _ in targets), place.astype(np.int64), links, log_sets, np.array(features), right
    )


def explain_shifts(fitted: SetShifts, measured: SetShifts) -> ShiftExplanation:
    """Return how much of the shifts on `measured` the pairs explain; what has to be fitted is fitted on `fitted`."""
    chosen = {
        "size": [0],
        "size, repeats": [0, 1],
        "size, repeats, pmi": [0, 1, 2],
        "size, repeats, context_pmi": [0, 1, 3],
        "all four": [0, 1, 2, 3],
    }
    shift = measured.shift
    explained, scores = {}, {"links": measured.links}
    for name, columns in chosen.items():
        weights = _weights(fitted, columns)
        predicted = measured.centred(measured.features)[:, columns] @ weights
        explained[name] = float(1 - ((shift - predicted) ** 2).sum() / (shift**2).sum())
    for name in ("pmi", "context_pmi"):
        column = SHIFT_FEATURES.index(name)
        step = _best_step(fitted, fitted.features[:, column])
        scores[f"links + {step:g} {name}"] = measured.links + step * measured.features[:, column]
    predicted = measured.centred(measured.features) @ _weights(fitted, [0, 1, 2, 3])
    scores["links + all four"] = measured.links + predicted
    scores["second stage"] = measured.judged
    accuracy = {
        name: dict(zip(_KS, mean_intervals(measured.hits(values), measured.targets), strict=True))
        for name, values in scores.items()
    }
    correlation = {}
    for column, name in enumerate(SHIFT_FEATURES):
        found, groups = _correlations(measured, measured.features[:, column], shift)
        if len(found):
            correlation[name] = mean_intervals(found[:, None], groups)[0]
    return ShiftExplanation(len(measured.targets), correlation, explained, accuracy)


def _weights(shifts: SetShifts, columns: Sequence[int]) -> NDArray[np.float64]:
    features = shifts.centred(shifts.features)[:, columns]
    return np.asarray(np.linalg.lstsq(features, shifts.shift, rcond=None)[0], dtype=np.float64)


def _best_step(shifts: SetShifts, feature: NDArray[np.float64]) -> float:
    """Return the weight of a feature beside the links that puts most recorded sets first, the smallest of equals."""
    return float(max(_STEPS, key=lambda step: tuple(shifts.hits(shifts.links + step * feature).mean(0))))


def _correlations(
    shifts: SetShifts, values: NDArray[np.float64], shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    found, groups = [], []
    for owner, key in enumerate(shifts.targets):
        rows = shifts.owner == owner
        if rows.sum() > 2 and np.ptp(values[rows]) > 0 and np.ptp(shift[rows]) > 0:
            found.append(float(spearmanr(values[rows], shift[rows]).statistic))
            groups.append(key)
    return np.array(found), groups


class _Describer:
    """Gives the numbers `SHIFT_FEATURES` of a set from the statistics of pairs.

    Correlations are smoothed, ln((count + 1) / (expected + 1)), so that a pair of rare precursors says little, and
    pairs that were neither met nor expected say nothing.
    """

    def __init__(self, pairs: PairStatistics) -> None:
        keys = [precursor.key for precursor in pairs.records.precursors]
        uses = pairs.records.uses.astype(np.float64)
        independent = uses[pairs.first] * uses[pairs.second] / len(pairs.records)
        values = np.stack(
            [
                np.log((pairs.count + 1) / (independent + 1)),
                np.log((pairs.context_count + 1) / (pairs.context_expected + 1)),
            ],
            axis=1,
        )
        self.of_pair = {
            frozenset((keys[one], keys[two])): value
            for one, two, value in zip(pairs.first.tolist(), pairs.second.tolist(), values.tolist(), strict=True)
        }

    def __call__(self, target: Composition, members: Sequence[Composition]) -> list[float]:
        needed = source_elements(target)
        repeats, sums = 0, [0.0, 0.0]
        for one, two in combinations(members, 2):
            repeats += bool(source_elements(one) & source_elements(two) & needed)
            values = self.of_pair.get(frozenset((one.key, two.key)), (0.0, 0.0))
            sums = [total + value for total, value in zip(sums, values, strict=True)]
        return [float(len(members)), float(repeats), *sums]
