"""Forecasts of edges: heuristics see the reactions up to a year and are tested on later ones.

Two types of edge are predicted: pairs of precursors first used together after that year, and new links between targets
and precursors that were both known before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import Composition
from rrgraph.graph import source_presence
from rrgraph.metrics import Interval
from rrgraph.networks.heuristics import bipartite_scores, pair_scores
from rrgraph.networks.projections import target_links
from rrgraph.networks.records import ReactionRecords
from rrgraph.networks.snapshots import select_years

__all__ = ["FORECASTS", "RANDOM", "EdgeForecast", "ForecastScore", "forecast_edges", "forecast_scores"]

FORECASTS: Final[dict[str, str]] = {
    "pairs": "pairs of precursors first used together",
    "links": "new links of known targets",
    "feasible_links": "new links of known targets to precursors of their elements",
}
"""What is predicted, in words."""

RANDOM: Final = "random"
"""Name of the baseline with random scores."""

HITS: Final = (100, 1000)
RESAMPLES: Final = 1000


@dataclass(frozen=True)
class ForecastScore:
    """How well one heuristic ranks pairs that appeared later above pairs that did not, with 95 % intervals.

    Ties count half. The intervals come from a bootstrap over the pairs that appeared.

    Attributes:
        auroc: probability that a pair that appeared is ranked above one that did not.
        average_precision: mean, over pairs that appeared, of the precision at the rank of the pair.
        hits: by k, the share of pairs that appeared with fewer than k others ranked above them, as in the Open Graph
            Benchmark.
    """

    auroc: Interval
    average_precision: Interval
    hits: Mapping[int, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "auroc": self.auroc.to_dict(),
            "average_precision": self.average_precision.to_dict(),
            "hits": {str(k): share.to_dict() for k, share in self.hits.items()},
        }


@dataclass(frozen=True)
class EdgeForecast:
    """The heuristics on one task.

    Attributes:
        task: one of `FORECASTS`.
        year: last year of the known reactions.
        appeared: number of candidate pairs that appeared later.
        candidates: number of pairs of known nodes that had not appeared by then.
        outside: number of pairs that appeared but were no candidates (a node was unknown), so no heuristic ranks them.
        scores: by name of the heuristic, best average precision first; empty if no candidate appeared.
    """

    task: str
    year: int
    appeared: int
    candidates: int
    outside: int
    scores: Mapping[str, ForecastScore]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        values = {name: getattr(self, name) for name in ("task", "year", "appeared", "candidates", "outside")}
        return {**values, "scores": {name: score.to_dict() for name, score in self.scores.items()}}


def forecast_edges(records: ReactionRecords, year: int, *, seed: int = 0) -> list[EdgeForecast]:
    """Predict the edges of all `FORECASTS` that appear after `year` from the reactions up to `year`.

    Args:
        records: reactions; those without a year are left out.
        year: last year of the known reactions.
        seed: of random scores and of the bootstrap.

    Raises:
        ConfigError: there are no reactions up to the year, or none after it.
    """
    before, after = select_years(records, None, year), select_years(records, year + 1, None)
    return [_pairs(before, after, year, seed), *_links(before, after, year, seed)]


def forecast_scores(
    scores: Mapping[str, NDArray[np.float64]], appeared: NDArray[np.bool_], *, seed: int = 0
) -> dict[str, ForecastScore]:
    """Return how well each heuristic ranks pairs, best average precision first.

    Args:
        scores: by name of the heuristic, (pairs,); random scores are added as a baseline.
        appeared: (pairs,) whether the pair appeared.
        seed: of the random scores and of the bootstrap.
    """
    if not appeared.any() or appeared.all():
        return {}
    generator = np.random.default_rng(seed)
    count = int(appeared.sum())
    weights = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    drawn = {**scores, RANDOM: generator.random(len(appeared))}
    found = {name: _score(values, appeared, weights) for name, values in drawn.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1].average_precision.value))


def _pairs(before: ReactionRecords, after: ReactionRecords, year: int, seed: int) -> EdgeForecast:
    known, met = _met(before), _met(after)
    columns_of = {precursor.key: column for column, precursor in enumerate(before.precursors)}
    column_of = [columns_of.get(precursor.key, -1) for precursor in after.precursors]
    later = np.zeros(known.shape, dtype=bool)
    outside = 0
    for one, two in zip(*(ends.tolist() for ends in np.nonzero(np.triu(met, 1))), strict=True):
        a, b = column_of[one], column_of[two]
        if a < 0 or b < 0:
            outside += 1
        else:
            later[min(a, b), max(a, b)] = True
    rows, columns = np.nonzero(np.triu(~known, 1))
    scores = {name: values[rows, columns] for name, values in pair_scores(csr_array(known.astype(np.float64))).items()}
    appeared = later[rows, columns]
    measured = forecast_scores(scores, appeared, seed=seed)
    return EdgeForecast("pairs", year, int(appeared.sum()), len(rows), outside, measured)


def _links(before: ReactionRecords, after: ReactionRecords, year: int, seed: int) -> list[EdgeForecast]:
    known, later = target_links(before), target_links(after)
    rows_of = {target.key: row for row, target in enumerate(known.targets)}
    columns_of = {precursor.key: column for column, precursor in enumerate(before.precursors)}
    column_of = np.array([columns_of.get(precursor.key, -1) for precursor in after.precursors])
    linked = known.linked
    kept, appeared, outside = [], [], 0
    for index, target in enumerate(later.targets):
        columns = column_of[later.counts.indices[later.counts.indptr[index] : later.counts.indptr[index + 1]]]
        row = rows_of.get(target.key)
        if row is None:
            outside += len(columns)
            continue
        outside += int((columns < 0).sum())
        old = linked.indices[linked.indptr[row] : linked.indptr[row + 1]]
        new = np.setdiff1d(columns[columns >= 0], old)
        if len(new):
            kept.append(row)
            appeared.append(new)
    rows = np.array(kept, dtype=np.int64)
    labels = np.zeros((len(rows), linked.shape[1]), dtype=bool)
    for index, new in enumerate(appeared):
        labels[index, new] = True
    free = linked[rows].toarray() == 0
    from_target = _sources(known.targets, rows, before)
    grids = bipartite_scores(linked, rows) if len(rows) else {}
    found = []
    for task, allowed in (("links", free), ("feasible_links", free & from_target)):
        scores = {name: values[allowed] for name, values in grids.items()}
        excluded = outside + int((labels & ~allowed).sum())
        measured = forecast_scores(scores, labels[allowed], seed=seed)
        found.append(EdgeForecast(task, year, int(labels[allowed].sum()), int(allowed.sum()), excluded, measured))
    return found


def _met(records: ReactionRecords) -> NDArray[np.bool_]:
    """Return which precursors were used together, (m, m) with a diagonal of False."""
    met: NDArray[np.bool_] = (records.by_precursor @ records.incidence).toarray() > 0
    np.fill_diagonal(met, False)
    return met


def _sources(targets: Sequence[Composition], rows: NDArray[np.int64], records: ReactionRecords) -> NDArray[np.bool_]:
    """Return which precursors share a source element with each of some targets, (rows, m)."""
    own = source_presence([targets[row] for row in rows.tolist()]).astype(np.float32)
    return own @ records.precursor_sources.T.astype(np.float32) > 0


def _score(values: NDArray[np.float64], appeared: NDArray[np.bool_], weights: NDArray[np.int64]) -> ForecastScore:
    """Compute all three metrics from the number of pairs that did not appear ranked above each pair that did."""
    others = np.sort(values[~appeared])
    own = values[appeared]
    right, left = np.searchsorted(others, own, "right"), np.searchsorted(others, own, "left")
    above = len(others) - (left + right) / 2
    order = np.argsort(above, kind="stable")
    above, drawn = above[order], np.vstack([np.ones_like(weights[:1]), weights])[:, order]
    total = drawn.sum(1)
    hit = np.cumsum(drawn, axis=1)
    precision = (drawn * np.where(drawn > 0, hit / np.maximum(hit + above, 1), 0.0)).sum(1) / total
    return ForecastScore(
        _interval(1 - (drawn @ above) / total / len(others)),
        _interval(precision),
        {k: _interval((drawn @ (above < k)) / total) for k in HITS},
    )


def _interval(values: NDArray[np.float64]) -> Interval:
    """Return the first value with the interval of the others."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Interval(float(values[0]), float(low), float(high))
