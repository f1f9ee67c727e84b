"""How plans look: tables for people, rows and columns for CSV and Parquet.

Flows in: plan records, one by one. Flows out: lines on the terminal, rows for a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from math import log
from typing import TYPE_CHECKING, Any, Final

from rrgraph.cli.common.show import fits, percent, show_table
from rrgraph.cli.common.writers import Layout, Writer
from rrgraph.cli.plan.evidence_output import evidence_json, show_evidence

if TYPE_CHECKING:
    from rrgraph.cli.plan.output import Alternative, PlanRecord, SetRecord
    from rrgraph.planning import ReactionEnergy

__all__ = ["TableWriter", "plan_layout"]

_PROBABILITY: Final = "probability"
_PRODUCT: Final = "link product"


class TableWriter(Writer["PlanRecord"]):
    """One table a target, for people; on a narrow terminal equations stand below their precursors."""

    def write(self, record: PlanRecord) -> None:
        if record.sets:
            self._write_sets(record)
        show_evidence(record.evidence or (), target=record.target, table=record.evidence_table)

    def _write_sets(self, record: PlanRecord) -> None:
        header, rows = _table(record)
        if not fits(header, rows):
            header, rows = [*header[:2], "precursors"], [_stacked(row) for row in rows]
        show_table(header, rows, title=f"\n{record.target}", numbers=("rank", _PROBABILITY, _PRODUCT))
        print(_meaning(record))
        if any(s.unseen or (s.alternative and s.alternative.unseen) for s in record.sets):
            print("* never seen in training")
        unbalanced = sum(s.equation is None for s in record.sets)
        if record.detail.equations and unbalanced:
            verb = "does" if unbalanced == 1 else "do"
            print(f"{unbalanced} of {len(record.sets)} {verb} not balance; --balanced leaves such sets out")
        if any(s.energy for s in record.sets):
            print("reaction energy: per atom of the equation and per mole of target; negative releases energy")
        if record.message:
            print(record.message)


def _table(plan: PlanRecord) -> tuple[list[str], list[list[str]]]:
    sets, detail = plan.sets, plan.detail
    weighed = any(record.grams is not None for record in sets)
    measure, write = (_PRODUCT, "{:.3g}".format) if plan.none_of_these is None else (_PROBABILITY, percent)
    header = ["rank", measure, "precursors", f"alternative ({measure})"]
    if detail.equations:
        header.append("balanced equation")
    if detail.energies:
        header.append("reaction energy" + (f" at {detail.temperature:g} K" if detail.temperature is not None else ""))
    if weighed:
        header.append("grams")
    # Other scores than the product of probabilities order the sets differently, so they are shown.
    scored = any(abs(record.score - log(max(record.probability, 1e-300))) > 1e-6 for record in sets)
    rows = []
    for record in sets:
        names = " + ".join(f"{name}*" if name in record.unseen else name for name in record.precursors)
        probability = write(record.probability) + (f" ({record.score:.3g})" if scored else "")
        swap = _swap(record.alternative, write)
        cells = [str(record.rank), probability, names, swap]
        if detail.equations:
            cells.append(record.equation or "does not balance")
        if detail.energies:
            cells.append("-" if record.energy is None else _energy(record.energy))
        if weighed:
            masses = (record.grams or {}).items()
            cells.append(", ".join(f"{mass:.4g} g {name}" for name, mass in masses) or "-")
        rows.append(cells)
    if scored:
        header[1] = f"{measure} (score)"
    return header, rows


def _meaning(plan: PlanRecord) -> str:
    """Return what the sets leave for others, and what their numbers mean."""
    if plan.none_of_these is None:
        return f"{_PRODUCT}: of link probabilities, to compare sets"
    these = f"none of these {len(plan.sets)}" if len(plan.sets) > 1 else "not this set"
    what = "it, given its size" if plan.detail.told else "the set"
    return f"{these}: {percent(plan.none_of_these)}\n{_PROBABILITY}: that the literature records {what}"


def _swap(alternative: Alternative | None, write: Callable[[float], str]) -> str:
    """``LiOH for Li2CO3 (21 %)``."""
    if alternative is None:
        return "-"
    star = "*" if alternative.unseen else ""
    return f"{alternative.by}{star} for {alternative.replaces} ({write(alternative.probability)})"


def _energy(energy: ReactionEnergy) -> str:
    """``-0.056 ± 0.021 eV/atom (-32 ± 12 kJ/mol)``."""
    per_atom = _with_uncertainty(energy.ev_per_atom, energy.ev_per_atom_uncertainty, digits=3)
    per_mole = _with_uncertainty(energy.kj_per_mol, energy.kj_per_mol_uncertainty, digits=0)
    return f"{per_atom} eV/atom ({per_mole} kJ/mol)"


def _with_uncertainty(value: float, deviation: float, *, digits: int) -> str:
    text = f"{value:z.{digits}f}"
    return f"{text} ± {deviation:.{digits}f}" if deviation else text


def _stacked(row: Sequence[str]) -> list[str]:
    """Join the text cells of a row below each other."""
    return [*row[:2], "\n  ".join(cell for cell in row[2:] if cell != "-")]


_COLUMNS: dict[str, type] = {
    "row": int,
    "target": str,
    "rank": int,
    "precursors": str,
    "score": float,
    "probability": float,
    "none_of_these": float,
    "unseen": str,
    "alternative": str,
    "alternative_replaces": str,
    "alternative_by": str,
    "alternative_probability": float,
    "equation": str,
    "grams": str,
}
_PREFIX = "reaction_energy_"
_ENERGIES: dict[str, type] = {
    _PREFIX + "ev_per_atom": float,
    _PREFIX + "ev_per_atom_uncertainty": float,
    _PREFIX + "kj_per_mol": float,
    _PREFIX + "kj_per_mol_uncertainty": float,
    "temperature_k": float,
}


def plan_layout(*, energies: bool = False, evidence: bool = False) -> Layout[PlanRecord]:
    """Return the columns of plans, with those of the reaction energy or of known reactions only where asked for.

    A set is a row; a target without sets keeps one row with its message. Known reactions are JSON in the first row
    of the target.
    """
    more = {**(_ENERGIES if energies else {}), **({"evidence": str} if evidence else {})}
    return Layout({**_COLUMNS, **more, "message": str}, _rows)


def _rows(number: int, record: PlanRecord) -> Iterator[dict[str, Any]]:
    every: dict[str, Any] = {
        "row": number,
        "target": record.target,
        "none_of_these": record.none_of_these,
        "message": record.message,
    }
    first = dict(every)
    if record.evidence is not None:
        first["evidence"] = json.dumps(evidence_json(record.evidence), ensure_ascii=False)
    if not record.sets:
        yield first
    for s in record.sets:
        yield (
            (first if s.rank == 1 else every)
            | _energy_cells(s)
            | _alternative_cells(s)
            | {
                "rank": s.rank,
                "precursors": ";".join(s.precursors),
                "score": s.score,
                "probability": s.probability,
                "unseen": ";".join(s.unseen),
                "equation": s.equation,
                "grams": None if s.grams is None else ";".join(f"{mass:.5g}" for mass in s.grams.values()),
            }
        )


def _energy_cells(s: SetRecord) -> dict[str, Any]:
    if s.energy is None:
        return {}
    energy = {_PREFIX + name: value for name, value in (s.energy_numbers or {}).items()}
    return energy | {"temperature_k": s.energy.temperature}


def _alternative_cells(s: SetRecord) -> dict[str, Any]:
    if s.alternative is None:
        return {}
    return {
        "alternative": ";".join(s.alternative.precursors),
        "alternative_replaces": s.alternative.replaces,
        "alternative_by": s.alternative.by,
        "alternative_probability": s.alternative.probability,
    }
