"""What `rrgraph plan` says of each target: ranked sets flow in, records flow out to the terminal or a file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

from rrgraph.chem import BalancedEquation, batch_masses
from rrgraph.cli.common.targets import TargetRow
from rrgraph.cli.common.writers import Writer, open_output
from rrgraph.cli.plan.evidence_output import evidence_json
from rrgraph.cli.plan.writers import TableWriter, plan_layout
from rrgraph.data import KnownReaction
from rrgraph.models import Model
from rrgraph.planning import Plan, RankedSet, ReactionEnergy, Swap, balanced_equation

__all__ = ["Alternative", "Detail", "PlanRecord", "SetRecord", "describe_plan", "open_plans"]


@dataclass(frozen=True)
class Detail:
    """What is worked out for each set.

    Attributes:
        equations: its balanced equation.
        grams: g of each precursor for so many g of target.
        energies: its reaction energy.
        temperature: K, at which energies hold; None for reaction enthalpies at 298.15 K.
        told: whether the number of precursors is given, so that probabilities hold for sets of that size.
    """

    equations: bool = True
    grams: float | None = None
    energies: bool = False
    temperature: float | None = None
    told: bool = False

    @property
    def balances(self) -> bool:
        """Whether anything needs the balanced equation."""
        return self.equations or self.grams is not None or self.energies


@dataclass(frozen=True)
class Alternative:
    """The best set that differs from a listed one in one exchanged precursor.

    Attributes:
        replaces: the precursor of the listed set that is taken out.
        by: the one that takes its place.
        precursors: the set that results.
        probability: of that set, as of the listed ones.
        unseen: whether no training reaction uses the new precursor.
    """

    replaces: str
    by: str
    precursors: list[str]
    probability: float
    unseen: bool


@dataclass(frozen=True)
class SetRecord:
    """One ranked set, ready to be shown.

    Attributes:
        rank: from 1.
        precursors: formulas.
        score: what the sets are ranked by.
        probability: that the literature records the set, or the product of the link probabilities; see `RankedSet`.
        unseen: the precursors that no training reaction uses.
        alternative: what to do without one of the precursors, None when nothing was found.
        balanced: balanced equation, None when nothing needs it or the set does not balance.
        grams: g of each precursor, None when not asked for.
        energy: reaction energy, None when not asked for or the set does not balance.
    """

    rank: int
    precursors: list[str]
    score: float
    probability: float
    unseen: list[str]
    alternative: Alternative | None = None
    balanced: BalancedEquation | None = None
    grams: dict[str, float] | None = None
    energy: ReactionEnergy | None = None

    @property
    def equation(self) -> str | None:
        """The balanced equation as text."""
        return None if self.balanced is None else str(self.balanced)

    @property
    def energy_numbers(self) -> dict[str, float] | None:
        """The reaction energy by name and unit, to six digits."""
        if self.energy is None:
            return None
        return {name: float(f"{value:.6g}") for name, value in asdict(self.energy).items() if name != "temperature"}


@dataclass(frozen=True)
class PlanRecord:
    """The answer to one row: its sets, why there are fewer than asked for or none, and what was worked out.

    The probability that none of the sets is recorded is None when their probabilities are products of link
    probabilities. Known reactions are None when none are looked up, and then have no table.
    """

    target: str
    sets: list[SetRecord]
    message: str | None = None
    detail: Detail = Detail()
    none_of_these: float | None = None
    evidence: list[KnownReaction] | None = None
    evidence_table: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the line of the predictions format, with what it does not hold added."""
        line: dict[str, Any] = {
            "target": self.target,
            "sets": [record.precursors for record in self.sets],
            "scores": [record.score for record in self.sets],
            "probabilities": [record.probability for record in self.sets],
            "none_of_these": self.none_of_these,
            "unseen": [record.unseen for record in self.sets],
            "alternatives": [None if s.alternative is None else asdict(s.alternative) for s in self.sets],
        }
        if self.detail.balances:
            line["equations"] = [record.equation for record in self.sets]
        if self.detail.grams is not None:
            line["grams"] = [record.grams for record in self.sets]
        if self.detail.energies:
            line["reaction_energies"] = [record.energy_numbers for record in self.sets]
            line["temperature_k"] = self.detail.temperature
        if self.evidence is not None:
            line["evidence"] = evidence_json(self.evidence)
            line["evidence_table"] = self.evidence_table
        if self.message is not None:
            line["message"] = self.message
        return line


def describe_plan(
    row: TargetRow, answer: tuple[Plan, Sequence[Swap | None]] | None, predictor: Model, detail: Detail
) -> PlanRecord:
    """Turn the answer to a row, as `plan_with_swaps` gives it (None when the row is bad), into a record.

    Energies are added by `ReactionEnergies`, known reactions by `Evidence`.
    """
    if answer is None:
        return PlanRecord(target=row.text, sets=[], message=row.error, detail=detail)
    plan, swaps = answer
    sets = [
        _describe_set(rank, ranked, swap, plan, predictor, detail)
        for rank, (ranked, swap) in enumerate(zip(plan.sets, swaps, strict=True), start=1)
    ]
    return PlanRecord(target=row.text, sets=sets, message=plan.reason, detail=detail, none_of_these=plan.no_match)


def _describe_set(
    rank: int, ranked: RankedSet, swap: Swap | None, plan: Plan, predictor: Model, detail: Detail
) -> SetRecord:
    balanced, weights = None, None
    if detail.balances:
        balanced = balanced_equation(plan.target, ranked.precursors)
        if balanced is not None and detail.grams is not None:
            weights = {p.formula: float(f"{g:.6g}") for p, g in batch_masses(balanced, detail.grams).items()}
    return SetRecord(
        rank=rank,
        precursors=[precursor.formula for precursor in ranked.precursors],
        score=ranked.score,
        probability=ranked.probability,
        unseen=[precursor.formula for precursor in ranked.precursors if not predictor.count(precursor)],
        alternative=None if swap is None else _describe_swap(swap, predictor),
        balanced=balanced,
        grams=weights,
    )


def _describe_swap(swap: Swap, predictor: Model) -> Alternative:
    return Alternative(
        replaces=swap.replaced.formula,
        by=swap.by.formula,
        precursors=[precursor.formula for precursor in swap.alternative.precursors],
        probability=swap.alternative.probability,
        unseen=not predictor.count(swap.by),
    )


def open_plans(
    path: str | None, *, as_json: bool, energies: bool = False, evidence: bool = False
) -> AbstractContextManager[Writer[PlanRecord]]:
    """Return a context with the writer for `--output`, `--json`, both or the terminal; see `open_output`."""
    return open_output(path, plan_layout(energies=energies, evidence=evidence), as_json=as_json, table=TableWriter())
