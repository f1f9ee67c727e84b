"""Plans as they go to the bench: what a sheet, a page or a text says of one target, from the JSON of its plan.

Workbook, page and Markdown are made from what `SynthesisPlan.to_dict` returns, so that programs that have only the JSON
can make them as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rrgraph.chem import parse_formula
from rrgraph.data import KnownReaction
from rrgraph.lab.notes import Hazard
from rrgraph.util.text import percent

__all__ = ["LITERATURE_HEADER", "PORTION_HEADER", "PlanSheet", "SheetNote", "SheetSet", "plan_sheet"]

PORTION_HEADER = (
    *("material", "name", "formula units", "molar mass (g/mol)", "excess (%)", "purity (%)"),
    *("to weigh (g)", "in stock (g)", "weighed (g)", "lot"),
)
"""Columns of a weigh-out; the last two are filled in by hand."""

LITERATURE_HEADER = ("target", "precursors", "conditions", "papers", "year", "doi")
"""Columns of literature precedents."""


@dataclass(frozen=True, kw_only=True)
class SheetNote:
    """A handling note: its hazard, what it is about, and why."""

    hazard: str
    materials: str
    text: str


@dataclass(frozen=True, kw_only=True)
class SheetSet:
    """A precursor set as text.

    Attributes:
        rank: from 1.
        precursors: joined by plus signs, those never seen in training with a star.
        probability: in percent, or a dash.
        equation: empty where the set cannot be balanced.
        atmosphere: that the equation implies.
        energy: reaction energy, empty where it is not known.
        weighed: `WeighOut.to_dict`, None where there is none.
        notes: on members, mixing and heating, the gravest first.
        fired: conditions that are predicted for it, empty where there are none.
        stages: the same of calcination and sintering, empty where it is fired once.
        reported: conditions in literature precedents of this very set.
        recipes: the nearest recorded recipes behind `fired`, but those among the precedents of the plan.
    """

    rank: int
    precursors: str
    probability: str
    equation: str
    atmosphere: str
    energy: str
    weighed: Mapping[str, Any] | None
    notes: tuple[SheetNote, ...]
    fired: str
    stages: str
    reported: tuple[str, ...]
    recipes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlanSheet:
    """A plan as text.

    Attributes:
        target: formula.
        sets: best first.
        other: probability of another set, empty where it is not known.
        message: why there are fewer sets than asked for, or none.
        literature: rows of precedents, with the columns of `LITERATURE_HEADER`.
        disclaimer: what stands beside handling notes.
    """

    target: str
    sets: tuple[SheetSet, ...]
    other: str
    message: str
    literature: tuple[tuple[str, ...], ...]
    disclaimer: str


def plan_sheet(line: Mapping[str, Any]) -> PlanSheet:
    """Return what to show of a plan.

    Args:
        line: `SynthesisPlan.to_dict` with equations; grams, notes and precedents are shown where it has them.
    """
    handling = line.get("handling", {})
    precedents = _reactions(line.get("evidence", ()))
    other = line["none_of_these"]
    return PlanSheet(
        target=line["target"],
        sets=tuple(_sheet_set(line, place, handling, precedents) for place in range(len(line["sets"]))),
        other="" if other is None else percent(other),
        message=line.get("message", ""),
        literature=tuple(map(_precedent, precedents)),
        disclaimer=handling.get("disclaimer", ""),
    )


def _sheet_set(
    line: Mapping[str, Any], place: int, handling: Mapping[str, Any], precedents: Sequence[KnownReaction]
) -> SheetSet:
    members, unseen = line["sets"][place], line["unseen"][place]
    probability = line["probabilities"][place]
    energy = line.get("reaction_energies", {place: None})[place]
    keys = _keys(members)
    fired = line.get("conditions", {place: None})[place] or {}
    own = [each for each in precedents if each.conditions and _keys(each.precursors) == keys]
    recipes = [each for each in _reactions(fired.get("recipes", ())) if each not in precedents]
    return SheetSet(
        rank=place + 1,
        precursors=" + ".join(f"{name}*" if name in unseen else name for name in members),
        probability="-" if probability is None else percent(probability),
        equation=line["equations"][place] or "",
        atmosphere=line["atmospheres"][place] or "",
        energy="" if energy is None else f"{energy['ev_per_atom']:.3f} eV/atom ({energy['kj_per_mol']:.0f} kJ/mol)",
        weighed=line["weigh_out"][place] if "weigh_out" in line else None,
        notes=_notes(line, place, handling),
        fired="; ".join(filter(None, (fired.get("text"), fired.get("note")))),
        stages=fired.get("stages", ""),
        reported=tuple(_reported(each) for each in own),
        recipes=tuple(f"{' + '.join(each.precursors)} → {each.target}: {_conditions(each)}" for each in recipes),
    )


def _reactions(entries: Sequence[Mapping[str, Any]]) -> list[KnownReaction]:
    return [KnownReaction(**{**entry, "precursors": tuple(entry["precursors"])}) for entry in entries]


def _reported(reaction: KnownReaction) -> str:
    """Return ``for Li7.1La3Zr1.9Cr0.1O12: 1125 °C, 12 h (doi ...)``; of the composition itself without the target."""
    target = "" if reaction.same_composition else f"for {reaction.target}: "
    return f"{target}{_conditions(reaction)}"


def _conditions(reaction: KnownReaction) -> str:
    return reaction.conditions + (f" (doi {reaction.doi})" if reaction.doi else "")


def _keys(formulas: Sequence[str]) -> frozenset[str]:
    return frozenset(parse_formula(formula).key for formula in formulas)


def _notes(line: Mapping[str, Any], place: int, handling: Mapping[str, Any]) -> tuple[SheetNote, ...]:
    """Return the notes of a set; those that say the same of several materials are one."""
    if not handling:
        return ()
    weighed = line.get("weigh_out", [None] * (place + 1))[place]
    names = [each["formula"] for each in weighed["portions"]] if weighed else line["sets"][place]
    of_set = handling["sets"][place]
    named: dict[tuple[str, str], list[str]] = {}
    for name in dict.fromkeys(names):
        for note in handling["materials"].get(name, ()):
            named.setdefault((note["hazard"], note["text"]), []).append(name)
    own = [SheetNote(hazard=hazard, materials=", ".join(each), text=text) for (hazard, text), each in named.items()]
    first = [_set_note(note) for note in of_set if note["above_c"] is None and note["hazard"] in _FIRST]
    last = [_set_note(note) for note in of_set if not (note["above_c"] is None and note["hazard"] in _FIRST)]
    return (*first, *own, *last)


_FIRST = (Hazard.INCOMPATIBLE, Hazard.MIXING)


def _set_note(note: Mapping[str, Any]) -> SheetNote:
    above = "" if note["above_c"] is None else f"from about {note['above_c']} °C, "
    return SheetNote(hazard=note["hazard"], materials=", ".join(note["materials"]), text=f"{above}{note['text']}")


def _precedent(reaction: KnownReaction) -> tuple[str, ...]:
    year = "" if reaction.year is None else str(reaction.year)
    precursors = " + ".join(reaction.precursors)
    return reaction.target, precursors, reaction.conditions, str(reaction.reports), year, reaction.doi or ""
