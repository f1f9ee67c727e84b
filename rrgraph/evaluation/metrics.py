"""Results of an evaluation of precursor sets: accuracy with intervals, subgroups, calibration, paired differences.

They can be written as JSON, read back, and shown as a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.data import memory_note
from rrgraph.evaluation.protocols import Protocol
from rrgraph.evaluation.subgroups import Subgroups
from rrgraph.metrics import (
    RESAMPLES,
    Calibration,
    PairedDifference,
    RankedLists,
    RowRanks,
    TopK,
    measured_sets,
    paired_accuracy,
    top_k_accuracy,
)

__all__ = ["LearnedRows", "Metrics", "summarise", "with_paired_differences"]


@dataclass(frozen=True)
class LearnedRows:
    """Accuracy on rows that the system has learned from, apart from that on new ones.

    Attributes:
        learned: on rows whose target was learned, with whatever precursors.
        new: on rows with other targets.
        reactions: number of rows whose very reaction was learned.
    """

    learned: TopK
    new: TopK
    reactions: int

    def __str__(self) -> str:
        known = f", {self.reactions} of them with the very precursors"
        return memory_note(self.learned.rows, self.new.rows, known=known)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"learned": self.learned.to_dict(), "new": self.new.to_dict(), "reactions": self.reactions}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LearnedRows:
        """Return the object that `to_dict` was called on."""
        learned, new = (TopK.from_dict(values[name]) for name in ("learned", "new"))
        return cls(learned=learned, new=new, reactions=values["reactions"])


@dataclass(frozen=True)
class Metrics:
    """The results of one system on one table under one protocol.

    Attributes:
        protocol: the rules.
        overall: top-k accuracy under the protocol.
        per_row: top-k accuracy for each row's own recorded set, if the protocol has `truth="any"`.
        unseen: `overall` on the rows whose recorded set has a precursor unseen in training; None if the training
            precursors are not known.
        overlap: `overall` on rows whose target was learned and on new ones; None if that is not known.
        reachable: share of rows whose recorded set is among the competing sets; None if not known.
        calibration: of the probability of the top set; None if the system gives no probabilities.
        listed_calibration: of the probabilities of the first 10 sets of all rows.
        subgroups: `overall` on subgroups of the rows, one for each requested way to group them.
        paired_differences: for a baseline, by k, the accuracy of the model it is compared with minus its own; empty for
            the model itself.
        values: of all metrics of sets by name (`rrgraph.metrics.METRICS`), as fractions of 1 or in nats.
        rows: the rank in each row.
    """

    protocol: Protocol
    overall: TopK
    per_row: TopK | None = None
    unseen: TopK | None = None
    overlap: LearnedRows | None = None
    reachable: float | None = None
    calibration: Calibration | None = None
    listed_calibration: Calibration | None = None
    subgroups: tuple[Subgroups, ...] = ()
    paired_differences: Mapping[int, PairedDifference] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    rows: RowRanks | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, without the rank in each row (see `RowRanks.to_dict`)."""
        return {
            "protocol": self.protocol.to_dict(),
            "overall": self.overall.to_dict(),
            "per_row": self.per_row.to_dict() if self.per_row else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "overlap": self.overlap.to_dict() if self.overlap else None,
            "reachable": self.reachable,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "listed_calibration": self.listed_calibration.to_dict() if self.listed_calibration else None,
            "strata": {groups.by: groups.to_dict() for groups in self.subgroups},
            "values": dict(self.values),
            "model_lead": {f"top{k}": difference.to_dict() for k, difference in self.paired_differences.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """Return the object that `to_dict` was called on; results that an older version did not report are empty."""
        per_row, unseen = (TopK.from_dict(top) if (top := values[name]) else None for name in ("per_row", "unseen"))
        top_set, listed = (
            Calibration.from_dict(found) if (found := values.get(name)) else None
            for name in ("calibration", "listed_calibration")
        )
        return cls(
            protocol=Protocol(**values["protocol"]),
            overall=TopK.from_dict(values["overall"]),
            per_row=per_row,
            unseen=unseen,
            overlap=LearnedRows.from_dict(overlap) if (overlap := values.get("overlap")) else None,
            reachable=values["reachable"],
            calibration=top_set,
            listed_calibration=listed,
            values=values.get("values", {}),
            subgroups=tuple(Subgroups.from_dict(by, groups) for by, groups in values.get("strata", {}).items()),
            paired_differences={
                int(name.removeprefix("top")): PairedDifference.from_dict(difference)
                for name, difference in values.get("model_lead", {}).items()
            },
        )

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of a table for people; shares are in %, intervals in brackets."""
        accuracies = [(f"{self.protocol.name}, {_TRUTH[self.protocol.truth]}", self.overall)]
        if self.per_row is not None:
            accuracies.append((f"{self.protocol.name}, own recorded set", self.per_row))
        if self.unseen is not None:
            accuracies.append((f"{self.protocol.name}, with an unseen precursor", self.unseen))
        if self.overlap is not None and self.overlap.learned.rows:
            accuracies.append((f"{self.protocol.name}, target learned", self.overlap.learned))
            accuracies.append((f"{self.protocol.name}, new target", self.overlap.new))
        columns = sorted({k for _, accuracy in accuracies for k in accuracy.top})
        header = ["accuracy in % [95 % interval]", *(f"top-{k}" for k in columns), "rows"]
        body = [
            [label, *(str(accuracy.top[k]) if k in accuracy.top else "-" for k in columns), str(accuracy.rows)]
            for label, accuracy in accuracies
        ]
        return header, body

    def __str__(self) -> str:
        header, body = self.table()
        widths = [max(len(line[column]) for line in [header, *body]) for column in range(len(header))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in [header, *body]
        )


_TRUTH: Final = {"row": "own recorded set", "any": "any recorded set"}


def summarise(
    protocol: Protocol,
    rows: RowRanks,
    *,
    lists: RankedLists | None = None,
    reachable: float | None = None,
    calibration: Calibration | None = None,
    listed_calibration: Calibration | None = None,
    learned: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
    further: Sequence[str] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Return the `Metrics` of the ranks in each row, and of the ranked lists if given; intervals use the same seed.

    `learned` says of each row whether its target was learned, and whether its reaction was; `further` are names of
    metrics beside the usual ones.
    """

    def accuracy(ranks: NDArray[np.float64], keep: NDArray[np.bool_] | None = None) -> TopK:
        chosen = np.arange(len(ranks)) if keep is None else np.flatnonzero(keep)
        targets = [rows.targets[index] for index in chosen.tolist()]
        return top_k_accuracy(ranks[chosen], targets, resamples=resamples, seed=seed)

    return Metrics(
        protocol=protocol,
        overall=accuracy(rows.ranks),
        per_row=accuracy(rows.row_ranks) if protocol.truth == "any" else None,
        unseen=None if rows.unseen is None else accuracy(rows.ranks, rows.unseen),
        overlap=None
        if learned is None
        else LearnedRows(
            learned=accuracy(rows.ranks, learned[0]),
            new=accuracy(rows.ranks, ~learned[0]),
            reactions=int(learned[1].sum()),
        ),
        reachable=reachable,
        calibration=calibration,
        listed_calibration=listed_calibration,
        values=measured_sets(lists or RankedLists(rows.ranks), further),
        rows=rows,
    )


def with_paired_differences(
    systems: Mapping[str, Metrics], model: str, *, resamples: int = RESAMPLES
) -> dict[str, Metrics]:
    """Return the metrics of several systems, with the paired differences of one of them to each of the others.

    Args:
        systems: metrics by name, all with the rank in each row, on the same rows.
        model: name of the system that the others are compared with.
        resamples: number of bootstrap resamples.

    Raises:
        ScoreError: there are no rows, or two systems were measured on different rows.
    """
    compared = dict(systems)
    first = systems[model].rows
    for name, metrics in systems.items():
        if name != model and first is not None and metrics.rows is not None:
            differences = paired_accuracy(first, metrics.rows, resamples=resamples)
            compared[name] = replace(metrics, paired_differences=differences)
    return compared
