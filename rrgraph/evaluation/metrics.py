"""What an evaluation of precursor sets reports: accuracy with intervals, strata, calibration, the lead over others.

The outcome of each row flows in; out come frozen results that turn into JSON, back again, or into a readable table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.evaluation.protocols import Protocol
from rrgraph.evaluation.subgroups import Subgroups
from rrgraph.metrics import RESAMPLES, Calibration, PairedDifference, RowRanks, TopK, paired_accuracy, top_k_accuracy

__all__ = ["Metrics", "summarise", "with_leads"]


@dataclass(frozen=True)
class Metrics:
    """What one system reaches on one table under one protocol.

    Attributes:
        protocol: the rules.
        overall: top-k under the protocol's truth.
        per_row: top-k against each row's own recorded set, beside `overall` when the truth is "any".
        unseen: `overall` on the rows whose recorded set has a precursor unseen in training; None when the
            training precursors are not known.
        reachable: share of rows whose recorded set is among the sets that compete; None when not known.
        calibration: of the probability of the top set; None when the system gives no probabilities.
        listed_calibration: of the probabilities of the first 10 sets of all rows, each right or not.
        strata: `overall` by kind of row, for each grouping that was asked for.
        model_lead: by k, how much more often the model beside which a baseline was measured is right than it is;
            empty for the model itself.
        rows: the outcome of each row.
    """

    protocol: Protocol
    overall: TopK
    per_row: TopK | None = None
    unseen: TopK | None = None
    reachable: float | None = None
    calibration: Calibration | None = None
    listed_calibration: Calibration | None = None
    strata: tuple[Subgroups, ...] = ()
    model_lead: Mapping[int, PairedDifference] = field(default_factory=dict)
    rows: RowRanks | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, without the outcome of each row (see `RowRanks.to_dict`)."""
        return {
            "protocol": self.protocol.to_dict(),
            "overall": self.overall.to_dict(),
            "per_row": self.per_row.to_dict() if self.per_row else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "reachable": self.reachable,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "listed_calibration": self.listed_calibration.to_dict() if self.listed_calibration else None,
            "strata": {strata.by: strata.to_dict() for strata in self.strata},
            "model_lead": {f"top{k}": difference.to_dict() for k, difference in self.model_lead.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """Return what `to_dict` described; parts that an older version did not report are empty."""
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
            reachable=values["reachable"],
            calibration=top_set,
            listed_calibration=listed,
            strata=tuple(Subgroups.from_dict(by, strata) for by, strata in values.get("strata", {}).items()),
            model_lead={
                int(name.removeprefix("top")): PairedDifference.from_dict(difference)
                for name, difference in values.get("model_lead", {}).items()
            },
        )

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of a table for people; shares are in %, intervals in brackets."""
        parts = [(f"{self.protocol.name}, {_TRUTH[self.protocol.truth]}", self.overall)]
        if self.per_row is not None:
            parts.append((f"{self.protocol.name}, own recorded set", self.per_row))
        if self.unseen is not None:
            parts.append((f"{self.protocol.name}, with an unseen precursor", self.unseen))
        columns = sorted({k for _, part in parts for k in part.top})
        header = ["accuracy in % [95 % interval]", *(f"top-{k}" for k in columns), "rows"]
        body = [
            [label, *(str(part.top[k]) if k in part.top else "-" for k in columns), str(part.rows)]
            for label, part in parts
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
    reachable: float | None = None,
    calibration: Calibration | None = None,
    listed_calibration: Calibration | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Turn the outcome of each row into `Metrics`; every interval uses the same seed."""

    def accuracy(ranks: NDArray[np.float64], keep: NDArray[np.bool_] | None = None) -> TopK:
        chosen = np.arange(len(ranks)) if keep is None else np.flatnonzero(keep)
        targets = [rows.targets[index] for index in chosen.tolist()]
        return top_k_accuracy(ranks[chosen], targets, resamples=resamples, seed=seed)

    return Metrics(
        protocol=protocol,
        overall=accuracy(rows.ranks),
        per_row=accuracy(rows.row_ranks) if protocol.truth == "any" else None,
        unseen=None if rows.unseen is None else accuracy(rows.ranks, rows.unseen),
        reachable=reachable,
        calibration=calibration,
        listed_calibration=listed_calibration,
        rows=rows,
    )


def with_leads(systems: Mapping[str, Metrics], model: str, *, resamples: int = RESAMPLES) -> dict[str, Metrics]:
    """Return the metrics of several systems, with the lead of one of them over each of the others.

    Args:
        systems: metrics by name, all with the outcome of each row, on the same rows.
        model: name of the system whose lead is measured.
        resamples: number of bootstrap resamples.

    Raises:
        ScoreError: there are no rows, or two systems were measured on different ones.
    """
    compared = dict(systems)
    first = systems[model].rows
    for name, metrics in systems.items():
        if name != model and first is not None and metrics.rows is not None:
            compared[name] = replace(metrics, model_lead=paired_accuracy(first, metrics.rows, resamples=resamples))
    return compared
