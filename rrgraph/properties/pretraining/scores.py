"""How well computed properties and classes of materials are predicted, beside published numbers.

Compares predictions, uncertainties and class scores with the true values of the same rows, with bootstrap intervals.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.errors import ScoreError
from rrgraph.metrics import RESAMPLES, Interval, TopK, mean_intervals, top_k_accuracy
from rrgraph.util.markdown import markdown_text

__all__ = [
    "CRABNET_MAE",
    "PropertyComparison",
    "PropertyScore",
    "UncertaintyScore",
    "class_accuracy",
    "class_ranks",
    "compare_properties",
    "comparison_table",
    "score_property",
]

CRABNET_MAE: Final[Mapping[str, float]] = MappingProxyType(
    {
        "magnetisation": 2.106,
        "e_above_hull": 0.0886,
        "band_gap_oqmd": 0.0492,
        "bulk_modulus": 11.21,
        "shear_modulus": 12.79,
        "band_gap_aflow": 0.302,
        "energy_aflow": 0.0929,
        "debye_temperature": 33.46,
    }
)
"""Mean absolute error of CrabNet on its test rows by task, in the unit of the task (Wang et al. 2021, npj
Computational Materials 7, 77; from the predictions published in github.com/anthony-wang/CrabNet)."""

CLASS_TOP_K: Final = (1, 5)


@dataclass(frozen=True)
class UncertaintyScore:
    """How well standard deviations agree with errors; normally distributed errors give the numbers in brackets.

    Attributes:
        within_one: share of rows whose error is at most one standard deviation (0.683).
        within_two: share of rows whose error is at most two (0.954).
        normalised_error: mean of |error| / standard deviation (0.798); larger when too sure of itself.
        log_loss: mean negative log-likelihood of the true value under a normal distribution, in nats.
    """

    within_one: Interval
    within_two: Interval
    normalised_error: Interval
    log_loss: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class PropertyScore:
    """Error of one property on held-out rows.

    Attributes:
        task: name of the property.
        unit: of the value and the error.
        rows: number of rows.
        mae: mean absolute error and its 95 % interval over rows.
        uncertainty: of the standard deviations; None when none were given.
    """

    task: str
    unit: str
    rows: int
    mae: Interval
    uncertainty: UncertaintyScore | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.task}: {_figures(self.mae)} {self.unit}".rstrip() + f" ({self.rows:,} rows)"


@dataclass(frozen=True)
class PropertyComparison:
    """One property beside a published number.

    Attributes:
        score: ours.
        published: mean absolute error of the other system on the same rows; None when there is none.
    """

    score: PropertyScore
    published: float | None

    @property
    def ratio(self) -> float | None:
        """Our error over theirs, below 1 when ours is better; None when nothing is published."""
        return None if self.published is None else self.score.mae.value / self.published

    @property
    def better(self) -> bool | None:
        """Whether our error is smaller; None when nothing is published."""
        return None if self.published is None else self.score.mae.value < self.published

    @property
    def clear(self) -> bool | None:
        """Whether the published number is outside our interval; None when nothing is published."""
        return None if self.published is None else not self.score.mae.low <= self.published <= self.score.mae.high

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **self.score.to_dict(),
            "published": self.published,
            "ratio": self.ratio,
            "better": self.better,
            "clear": self.clear,
        }


def score_property(
    predicted: ArrayLike,
    observed: ArrayLike,
    *,
    task: str,
    unit: str = "",
    uncertainty: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PropertyScore:
    """Measure predictions of one property; the intervals come from a bootstrap over rows.

    Args:
        predicted: (n,) predicted values.
        observed: (n,) true values, all known.
        task: name of the property.
        unit: of both.
        uncertainty: (n,) one standard deviation of each prediction, in the same unit.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ScoreError: there are no rows, a value is not finite, a standard deviation is not above 0, or lengths differ.
    """
    guess, truth = _values(predicted, "predicted", task), _values(observed, "observed", task)
    if guess.shape != truth.shape:
        raise ScoreError(f"Got {len(guess)} predictions for {len(truth)} values of '{task}'.")
    error = np.abs(guess - truth)
    columns = [error]
    if uncertainty is not None:
        sigma = _values(uncertainty, "uncertain", task)
        if sigma.shape != truth.shape:
            raise ScoreError(f"Got {len(sigma)} uncertainties for {len(truth)} values of '{task}'.")
        if not (sigma > 0).all():
            raise ScoreError(f"An uncertainty of '{task}' is {sigma.min()}, expected a value above 0.")
        normal = error / sigma
        columns += [normal <= 1, normal <= 2, normal, np.log(sigma) + 0.5 * (normal**2 + np.log(2 * np.pi))]
    table = np.column_stack(columns)
    mae, *rest = mean_intervals(table, range(len(table)), resamples=resamples, seed=seed)
    return PropertyScore(
        task=task, unit=unit, rows=len(truth), mae=mae, uncertainty=UncertaintyScore(*rest) if rest else None
    )


def class_ranks(scores: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the rank of the true class in each row, (n,) from 1.

    Ties count against the true class, so a constant score is not right by chance of order. A true class that is
    ruled out (score of -infinity) is a miss: its rank is infinite.

    Args:
        scores: (n, classes), larger is more probable; -infinity rules a class out.
        labels: (n,) integers from 0 to classes - 1.

    Raises:
        ScoreError: a score is NaN or +infinity, a label is out of range, or shapes do not fit.
    """
    values, label = np.asarray(scores), np.asarray(labels)
    if values.ndim != 2 or label.shape != values.shape[:1]:
        raise ScoreError(f"Got class scores of shape {values.shape} for labels of shape {label.shape}.")
    if np.isnan(values).any() or np.isposinf(values).any():
        raise ScoreError("A class score is NaN or infinite.")
    classes = values.shape[1]
    bad = np.flatnonzero(~((label >= 0) & (label < classes) & (label == np.floor(label))))
    if len(bad):
        raise ScoreError(f"Class label {label[bad[0]]} is not one of 0 to {classes - 1}.")
    true = np.take_along_axis(values, label.astype(np.int64)[:, None], axis=1)
    ranks = (values >= true).sum(1).astype(np.float64)
    return np.where(np.isneginf(true[:, 0]), np.inf, ranks)


def class_accuracy(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    groups: Sequence[Hashable] | None = None,
    ks: Sequence[int] = CLASS_TOP_K,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> TopK:
    """Return the share of rows whose true class is among the k best, with bootstrap intervals.

    Args:
        scores: (n, classes), as `class_ranks` takes them.
        labels: (n,) true classes.
        groups: (n,) what is resampled, such as the composition of each masked slot; every row by itself when None.
        ks: the k to report.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ScoreError: as `class_ranks`, or groups are of another length.
    """
    ranks = class_ranks(scores, labels)
    whole = range(len(ranks)) if groups is None else groups
    return top_k_accuracy(ranks, whole, ks=ks, resamples=resamples, seed=seed)


def compare_properties(
    scores: Iterable[PropertyScore], *, published: Mapping[str, float] = CRABNET_MAE
) -> tuple[PropertyComparison, ...]:
    """Put each score beside the published error of its task, in the same order."""
    return tuple(PropertyComparison(score=score, published=published.get(score.task)) for score in scores)


def comparison_table(comparisons: Iterable[PropertyComparison], *, system: str = "CrabNet") -> str:
    """Return a Markdown table of mean absolute errors, one row a property."""
    lines = [
        f"| task | unit | rows | ours [95 % interval] | {system} | ratio | better? |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for entry in comparisons:
        score = entry.score
        published, ratio, verdict = "-", "-", "-"
        if entry.published is not None:
            published, ratio = f"{entry.published:.4g}", f"{entry.ratio:.3f}"
            verdict = ("yes" if entry.better else "no") + ("" if entry.clear else ", within the interval")
        lines.append(
            f"| {markdown_text(score.task)} | {markdown_text(score.unit) or '-'} | {score.rows:,} "
            f"| {_figures(score.mae)} | {published} | {ratio} | {verdict} |"
        )
    return "\n".join(lines) + "\n"


def _figures(interval: Interval) -> str:
    return f"{interval.value:.4g} [{interval.low:.4g}, {interval.high:.4g}]"


def _values(values: ArrayLike, role: str, task: str) -> NDArray[np.float64]:
    """Return one finite value a row, in double precision."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise ScoreError(f"Got {role} values of shape {array.shape} for '{task}', expected one value a row.")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ScoreError(f"The {role} value of '{task}' in row {bad[0] + 1} is {array[bad[0]]}.")
    return array
