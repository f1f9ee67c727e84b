"""What `rrgraph plan` says of each target: ranked sets flow in, records flow out to the terminal or a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rrgraph.chem import BalancedEquation, BalanceError, balance, batch_masses
from rrgraph.cli.plan_input import TargetRow
from rrgraph.cli.plan_writers import CsvWriter, JsonWriter, ParquetWriter, PlanWriter, TableWriter, Tee
from rrgraph.errors import DataError, near_match
from rrgraph.files import atomic_path
from rrgraph.model import LinkPredictor
from rrgraph.planning import Plan, RankedSet, ReactionEnergy

__all__ = ["Detail", "PlanRecord", "SetRecord", "check_output", "describe_plan", "open_output"]

_SUFFIXES = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True)
class Detail:
    """What is worked out for each set.

    Attributes:
        equations: its balanced equation.
        grams: g of each precursor for so many g of target.
        energies: its reaction energy.
        temperature: K, at which energies hold; None for reaction enthalpies at 298.15 K.
    """

    equations: bool = True
    grams: float | None = None
    energies: bool = False
    temperature: float | None = None

    @property
    def balances(self) -> bool:
        """Whether anything needs the balanced equation."""
        return self.equations or self.grams is not None or self.energies


@dataclass(frozen=True)
class SetRecord:
    """One ranked set, ready to be shown.

    Attributes:
        rank: from 1.
        precursors: formulas.
        score: what the sets are ranked by.
        probability: product of the link probabilities (Retro-Rank-In eq. 5).
        unseen: the precursors that no training reaction uses.
        balanced: balanced equation, None when nothing needs it or the set does not balance.
        grams: g of each precursor, None when not asked for.
        energy: reaction energy, None when not asked for or the set does not balance.
    """

    rank: int
    precursors: list[str]
    score: float
    probability: float
    unseen: list[str]
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
    """The answer to one row: its sets, why there are fewer than asked for or none, and what was worked out."""

    target: str
    sets: list[SetRecord]
    message: str | None = None
    detail: Detail = Detail()

    def to_json(self) -> dict[str, Any]:
        """Return the line of the predictions format, with what it does not hold added."""
        line: dict[str, Any] = {
            "target": self.target,
            "sets": [record.precursors for record in self.sets],
            "scores": [record.score for record in self.sets],
            "probabilities": [record.probability for record in self.sets],
            "unseen": [record.unseen for record in self.sets],
        }
        if self.detail.balances:
            line["equations"] = [record.equation for record in self.sets]
        if self.detail.grams is not None:
            line["grams"] = [record.grams for record in self.sets]
        if self.detail.energies:
            line["reaction_energies"] = [record.energy_numbers for record in self.sets]
            line["temperature_k"] = self.detail.temperature
        if self.message is not None:
            line["message"] = self.message
        return line


def describe_plan(row: TargetRow, plan: Plan | None, predictor: LinkPredictor, detail: Detail) -> PlanRecord:
    """Turn the plan of a row (None when the row is bad) into a record; energies are added by `ReactionEnergies`."""
    if plan is None:
        return PlanRecord(target=row.text, sets=[], message=row.error, detail=detail)
    sets = [_describe_set(rank, ranked, plan, predictor, detail) for rank, ranked in enumerate(plan.sets, start=1)]
    return PlanRecord(target=row.text, sets=sets, message=plan.reason, detail=detail)


def _describe_set(rank: int, ranked: RankedSet, plan: Plan, predictor: LinkPredictor, detail: Detail) -> SetRecord:
    balanced, weights = None, None
    if detail.balances:
        try:
            balanced = balance(plan.target, list(ranked.precursors))
            if detail.grams is not None:
                weights = {p.formula: float(f"{g:.6g}") for p, g in batch_masses(balanced, detail.grams).items()}
        except BalanceError:
            pass
    return SetRecord(
        rank=rank,
        precursors=[precursor.formula for precursor in ranked.precursors],
        score=ranked.score,
        probability=ranked.probability,
        unseen=[precursor.formula for precursor in ranked.precursors if not predictor.count(precursor)],
        balanced=balanced,
        grams=weights,
    )


def check_output(path: str | None) -> None:
    """Refuse the name of an output file early.

    Raises:
        DataError: it does not end with .jsonl, .csv or .parquet.
    """
    if path is not None and Path(path).suffix not in _SUFFIXES:
        raise DataError(
            f"--output is '{path}', expected a name that ends with .jsonl, .csv or .parquet."
            f"{near_match(Path(path).suffix, _SUFFIXES)}"
        )


@contextmanager
def open_output(path: str | None, *, as_json: bool, energies: bool = False) -> Iterator[PlanWriter]:
    """Yield a writer for `--output`, `--json`, both or the terminal; a file appears when everything is written.

    Files with columns have those of the reaction energy only with `energies`.

    Raises:
        DataError: the file name does not end with .jsonl, .csv or .parquet, or the file cannot be written.
    """
    check_output(path)
    printer: PlanWriter = JsonWriter(None) if as_json else TableWriter()
    if path is None:
        yield printer
        return
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(path))
        suffix = Path(path).suffix
        writer: PlanWriter
        if suffix == ".parquet":
            writer = parquet = ParquetWriter(temporary, energies=energies)
            stack.callback(parquet.close)
        else:
            stream = stack.enter_context(temporary.open("w", encoding="utf-8", newline=""))
            writer = JsonWriter(stream) if suffix == ".jsonl" else CsvWriter(stream, energies=energies)
        yield Tee([writer, printer]) if as_json else writer
