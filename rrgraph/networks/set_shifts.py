"""How a re-ranker changes the scores of precursor sets, and how much of the change statistics of pairs explain.

For candidate sets of some targets, the score by links is compared with the score by the re-ranker; the difference is
correlated with co-occurrence statistics of the pairs in each set, which are also tried as a re-ranker of their own.
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
from rrgraph.planning import Planner

if TYPE_CHECKING:
    from rrgraph.models import Model
    from rrgraph.networks.cooccurrence import PairStatistics

__all__ = ["SHIFT_FEATURES", "SetShifts", "ShiftExplanation", "explain_shifts", "set_shifts"]

SHIFT_FEATURES: Final = ("size", "repeats", "pmi", "context_pmi")
"""Features of a set that may explain the difference: number of members; number of pairs of members that supply the same
source element of the target; sums over its pairs of the smoothed PMI and of the smoothed PMI within the context."""

_KS: Final = (1, 3, 10)
_STEPS: Final = np.linspace(0.0, 2.0, 41)


@dataclass(frozen=True, eq=False)
class SetShifts:
    """Candidate sets of several targets.

    Attributes:
        targets: canonical key of each target.
        target_index: (n,) index of each set's target.
        link_scores: (n,) log of the product of its link probabilities.
        reranker_scores: (n,) log probability by the re-ranker.
        features: (n, `SHIFT_FEATURES`).
        recorded: (n,) whether the set is recorded for the target.
    """

    targets: tuple[str, ...]
    target_index: NDArray[np.int64]
    link_scores: NDArray[np.float64]
    reranker_scores: NDArray[np.float64]
    features: NDArray[np.float64]
    recorded: NDArray[np.bool_]

    def centred(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values (n, ...) minus their mean over the sets of the same target."""
        number = np.bincount(self.target_index, minlength=len(self.targets))
        flat = values.reshape(len(values), -1)
        sums = np.stack([np.bincount(self.target_index, column, len(self.targets)) for column in flat.T], axis=1)
        return (flat - (sums / np.maximum(number, 1)[:, None])[self.target_index]).reshape(values.shape)

    @property
    def shift(self) -> NDArray[np.float64]:
        """Change of the log probability of each set by the re-ranker, (n,), minus its mean over the target."""
        return self.centred(self.reranker_scores - self.link_scores)

    def hits(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return whether a recorded set is among the first k by the scores, (targets, ks); links break ties."""
        order = np.lexsort((-self.link_scores, -scores, self.target_index))
        target, recorded = self.target_index[order], self.recorded[order]
        rank = np.arange(len(order)) - np.searchsorted(target, np.arange(len(self.targets)))[target]
        best = np.full(len(self.targets), np.inf)
        np.minimum.at(best, target[recorded], rank[recorded])
        return (best[:, None] < np.array(_KS)).astype(np.float64)


@dataclass(frozen=True)
class ShiftExplanation:
    """How much of the re-ranker's changes pair statistics explain, on targets that were not used for fitting.

    Attributes:
        targets: number of targets.
        correlation: by feature, mean over targets of Spearman's rank correlation between feature and shift; targets
            whose sets all have the same value are left out.
        explained: by the features used, the share of the within-target variance of the shifts that is explained by a
            linear model fitted to other targets.
        accuracy: by what sets are ranked by and by k, the share of targets with a recorded set among the first k.
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
    """Return the candidate sets of the targets of a table with their scores before and after re-ranking.

    Args:
        predictor: model with a re-ranker.
        candidates: precursors that may be used.
        table: targets and their recorded sets, which the model should not have seen.
        pairs: statistics of the reactions it was trained on.
        protocol: which sets compete; if the size is known, a target with sets of several sizes counts once per size.

    Raises:
        ModelError: the model has no re-ranker.
    """
    reranker = predictor.reranker
    if reranker is None:
        raise ModelError("The model has no re-ranker whose changes could be explained.")
    known_size = protocol.set_size == "known"
    recorded_sets: dict[tuple[str, int | None], set[frozenset[str]]] = {}
    targets: dict[tuple[str, int | None], Composition] = {}
    for target, keys in table.distinct_reactions():
        query = (target.key, len(keys) if known_size else None)
        targets.setdefault(query, target)
        recorded_sets.setdefault(query, set()).add(keys)
    constraints, sizes = protocol.constraints(), [size for _, size in targets]
    plans = [
        Planner(predictor, candidates, constraints, reranker=used, max_candidates=protocol.max_candidates).plan(
            list(targets.values()), top_k=reranker.candidates, sizes=sizes
        )
        for used in (None, reranker)
    ]
    describe = _Describer(pairs)
    rows: list[tuple[int, float, float, bool]] = []
    features: list[list[float]] = []
    for index, (query, by_links, by_reranker) in enumerate(zip(targets, *plans, strict=True)):
        reranked = {each.precursors.keys: each.score for each in by_reranker}
        for each in by_links:
            keys = each.precursors.keys
            rows.append((index, each.score, reranked[keys], keys in recorded_sets[query]))
            features.append(describe(targets[query], list(each.precursors)))
    target_index, link_scores, reranker_scores, recorded = (np.array(column) for column in zip(*rows, strict=True))
    return SetShifts(
        targets=tuple(key for key, _ in targets),
        target_index=target_index.astype(np.int64),
        link_scores=link_scores,
        reranker_scores=reranker_scores,
        features=np.array(features),
        recorded=recorded,
    )


def explain_shifts(fitted: SetShifts, measured: SetShifts) -> ShiftExplanation:
    """Return how much of the shifts in `measured` pair statistics explain; everything fitted is fitted to `fitted`."""
    chosen = {
        "size": [0],
        "size, repeats": [0, 1],
        "size, repeats, pmi": [0, 1, 2],
        "size, repeats, context_pmi": [0, 1, 3],
        "all four": [0, 1, 2, 3],
    }
    shift = measured.shift
    explained, scores = {}, {"links": measured.link_scores}
    for name, columns in chosen.items():
        weights = _weights(fitted, columns)
        predicted = measured.centred(measured.features)[:, columns] @ weights
        explained[name] = float(1 - ((shift - predicted) ** 2).sum() / (shift**2).sum())
    for name in ("pmi", "context_pmi"):
        column = SHIFT_FEATURES.index(name)
        step = _best_step(fitted, fitted.features[:, column])
        scores[f"links + {step:g} {name}"] = measured.link_scores + step * measured.features[:, column]
    predicted = measured.centred(measured.features) @ _weights(fitted, [0, 1, 2, 3])
    scores["links + all four"] = measured.link_scores + predicted
    scores["re-ranker"] = measured.reranker_scores
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
    """Return the weight of a feature beside link scores that ranks most recorded sets first, the smaller of ties."""
    return float(max(_STEPS, key=lambda step: tuple(shifts.hits(shifts.link_scores + step * feature).mean(0))))


def _correlations(
    shifts: SetShifts, values: NDArray[np.float64], shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    found, groups = [], []
    for index, key in enumerate(shifts.targets):
        rows = shifts.target_index == index
        if rows.sum() > 2 and np.ptp(values[rows]) > 0 and np.ptp(shift[rows]) > 0:
            found.append(float(spearmanr(values[rows], shift[rows]).statistic))
            groups.append(key)
    return np.array(found), groups


class _Describer:
    """Computes the `SHIFT_FEATURES` of a set from the statistics of pairs.

    PMI is smoothed, ln((count + 1) / (expected + 1)), so that pairs of rare precursors have values near 0, and pairs
    neither seen nor expected have exactly 0.
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
