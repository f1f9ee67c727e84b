"""Metrics of single-step suggestions on recorded reactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.evaluation import Subgroups
from rrgraph.metrics import RESAMPLES, PairedDifference, RowRanks, TopK, paired_accuracy, top_k_accuracy
from rrgraph.organic.planner import ReactantPlanner, Transformation
from rrgraph.organic.table import TemplateReactions
from rrgraph.util.progress import track

__all__ = [
    "DEPTHS",
    "FREQUENCY_BINS",
    "TemplateMetrics",
    "applied_templates",
    "compare_systems",
    "evaluate_reactions",
    "frequency_bin",
]

DEPTHS: Final = (1, 3, 5, 10, 20, 50)
"""Ranks at which accuracy is reported."""

_FEWEST: Final = {"0": 0, "1": 1, "2-5": 2, "6-10": 6, "11-50": 11, "51-200": 51, "> 200": 201}
"""Smallest number of training rows of the recorded template, by name of the bin."""

FREQUENCY_BINS: Final = tuple(_FEWEST)
"""Names of the bins of the number of training rows of the recorded template; both ends are included."""

_APPLICABLE_AT: Final = (1, 5, 10, 50)


@dataclass(frozen=True)
class TemplateMetrics:
    """The metrics of a system on recorded reactions.

    Attributes:
        reactants: share of rows whose recorded reactants are among the first k sets.
        templates: share of rows whose recorded template is among the first k templates.
        new: `reactants` on rows whose reaction is not in training.
        applicable: by k, share of the first k templates that give any reactants.
        sets: mean number of distinct sets of reactants per product.
        other_template: among rows found within the first 10, the share whose recorded reactants come from a template
            other than the recorded one.
        frequency: `reactants` by training rows of the recorded template.
        rows: rank of the recorded reactants of each row.
        template_rows: rank of the recorded template of each row.
        training_rows: (rows,) int64, training rows of the recorded template of each row.
        lead: by k, paired difference between the model and this system; empty for the model itself.
    """

    reactants: TopK
    templates: TopK
    new: TopK
    applicable: Mapping[int, float]
    sets: float
    other_template: float
    frequency: Subgroups
    rows: RowRanks = field(compare=False, repr=False)
    template_rows: RowRanks = field(compare=False, repr=False)
    training_rows: NDArray[np.int64] = field(compare=False, repr=False)
    lead: Mapping[int, PairedDifference] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, without the ranks of the rows."""
        return {
            "reactants": self.reactants.to_dict(),
            "templates": self.templates.to_dict(),
            "new": self.new.to_dict(),
            "applicable": {f"top{k}": share for k, share in self.applicable.items()},
            "sets": self.sets,
            "other_template": self.other_template,
            "frequency": self.frequency.to_dict(),
            "lead": {f"top{k}": difference.to_dict() for k, difference in self.lead.items()},
        }


def evaluate_reactions(
    planner: ReactantPlanner,
    reactions: TemplateReactions,
    *,
    train_templates: Mapping[str, int],
    train_reactions: frozenset[tuple[str, str]] = frozenset(),
    applied: Mapping[str, Sequence[Transformation]] | None = None,
    resamples: int = RESAMPLES,
) -> TemplateMetrics:
    """Evaluate a planner on recorded reactions; each row is compared with its own recorded reactants.

    Args:
        planner: to evaluate.
        reactions: the rows.
        train_templates: number of training rows of each template.
        train_reactions: (product, reactants) of training, which are not counted as new.
        applied: result of `applied_templates`, if already known.
        resamples: of the bootstrap over products.
    """
    outcomes: list[_Outcome] = []
    by_product = applied_templates(planner, reactions) if applied is None else applied
    rows = zip(reactions.products, reactions.reactants, reactions.templates, strict=True)
    for product, reactants, template in track(rows, "measuring", total=len(reactions)):
        outcomes.append(_outcome(planner, product, by_product[product], reactants, template))

    def accuracy(ranks: NDArray[np.float64], keep: NDArray[np.bool_] | None = None) -> TopK:
        chosen = np.arange(len(ranks)) if keep is None else np.flatnonzero(keep)
        products = [reactions.products[row] for row in chosen.tolist()]
        return top_k_accuracy(ranks[chosen], products, ks=DEPTHS, resamples=resamples)

    ranks = np.array([outcome.rank for outcome in outcomes])
    template_ranks = np.array([outcome.template_rank for outcome in outcomes])
    counts = np.array([train_templates.get(template, 0) for template in reactions.templates], dtype=np.int64)
    bins = list(map(frequency_bin, counts.tolist()))
    recorded = zip(reactions.products, reactions.reactants, strict=True)
    new = np.array([row not in train_reactions for row in recorded], dtype=bool)
    found = [outcome for outcome in outcomes if outcome.rank <= 10]
    return TemplateMetrics(
        reactants=accuracy(ranks),
        templates=accuracy(template_ranks),
        new=accuracy(ranks, new),
        applicable={k: fmean(_applicable(by_product[p], k) for p in reactions.products) for k in _APPLICABLE_AT},
        sets=fmean(outcome.sets for outcome in outcomes),
        other_template=fmean(outcome.other for outcome in found) if found else 0.0,
        frequency=Subgroups(
            by="training rows of the template",
            accuracy={
                name: accuracy(ranks, np.array([bin_ == name for bin_ in bins]))
                for name in FREQUENCY_BINS
                if name in bins
            },
        ),
        rows=RowRanks(targets=reactions.products, ranks=ranks, row_ranks=ranks),
        template_rows=RowRanks(targets=reactions.products, ranks=template_ranks, row_ranks=template_ranks),
        training_rows=counts,
    )


def applied_templates(planner: ReactantPlanner, reactions: TemplateReactions) -> dict[str, tuple[Transformation, ...]]:
    """Return the templates that a planner applies to each product of some rows, which do not depend on re-ranking."""
    products = list(dict.fromkeys(reactions.products))
    return dict(zip(products, planner.transformations(products), strict=True))


def compare_systems(
    systems: Mapping[str, TemplateMetrics], model: str, *, resamples: int = RESAMPLES
) -> dict[str, TemplateMetrics]:
    """Return the metrics of several systems on the same rows, with the paired differences between one and each other.

    Raises:
        ScoreError: two were evaluated on different rows.
    """
    return {
        name: metrics
        if name == model
        else replace(metrics, lead=paired_accuracy(systems[model].rows, metrics.rows, ks=DEPTHS, resamples=resamples))
        for name, metrics in systems.items()
    }


def frequency_bin(rows: int) -> str:
    """Return the name of the bin for a number of training rows."""
    return next(name for name in reversed(FREQUENCY_BINS) if rows >= _FEWEST[name])


@dataclass(frozen=True)
class _Outcome:
    """One row: ranks of reactants and template, number of sets, whether another template gave the reactants."""

    rank: float
    template_rank: float
    sets: int
    other: bool


def _outcome(
    planner: ReactantPlanner, product: str, applied: Sequence[Transformation], reactants: str, template: str
) -> _Outcome:
    ranked = planner.merge(product, applied)
    index = next((index for index, found in enumerate(ranked) if found.reactants == reactants), None)
    template_rank = next((float(found.rank) for found in applied if found.template == template), np.inf)
    return _Outcome(
        rank=np.inf if index is None else index + 1.0,
        template_rank=template_rank,
        sets=len(ranked),
        other=index is not None and ranked[index].templates[0].template != template,
    )


def _applicable(applied: Sequence[Transformation], k: int) -> float:
    tried = [transformation for transformation in applied if transformation.rank <= k]
    return fmean(bool(transformation.outcomes) for transformation in tried) if tried else 0.0
