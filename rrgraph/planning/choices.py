"""Which candidates are meant: the library of reagents, precursors that a model knows, a list, made-up compounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from rrgraph.chem import Composition, reagent_classes, reagent_library
from rrgraph.data import load_table
from rrgraph.lab import Stock, read_materials
from rrgraph.planning.candidates import generated_candidates

__all__ = ["CANDIDATE_WORDS", "library_candidates", "resolve_candidates"]

CANDIDATE_WORDS: Final = ("all", "vocabulary", "train", "library", "textbook", "generated")
"""Words for lists of candidates; those of `generated` are made up for each target."""


def library_candidates() -> list[Composition]:
    """Return the reagents of the bundled library; hydrates are left to their dry salts.

    Halates and perchlorates are left out: they would replace halides, and nobody weighs in an explosive for a salt.

    >>> [each.formula for each in library_candidates()][:3]
    ['LiF', 'NaF', 'KF']
    """
    return [
        each.composition
        for each in reagent_library().values()
        if not (each.is_hydrate or _is_explosive(each.composition))
    ]


def resolve_candidates(
    choice: Stock,
    known: Sequence[Composition],
    seen: Sequence[Composition],
    *,
    every: Sequence[Composition] | None = None,
    targets: Iterable[Composition] = (),
    required: Iterable[Composition] = (),
) -> Sequence[Composition]:
    """Return the candidates meant by one of `CANDIDATE_WORDS`, several joined as in `train+textbook`, a file or a list.

    Args:
        choice: `all`, `vocabulary` (every precursor the model knows), `train` (those seen in training), `library` (the
            bundled reagents), `textbook` (the precursors of the bundled textbook reactions), `generated` (the plausible
            compounds of each target's elements), a file with a formula a line, formulas joined by commas, or a list of
            materials. Words, files and formulas may be joined by plus signs.
        known: the model's vocabulary.
        seen: the part of it that occurs in training.
        every: what `all` means; None for the vocabulary.
        targets: what compounds are generated for.
        required: what every set has to hold: a candidate beside generated ones, whatever the target.

    Raises:
        PlanningError: the choice is none of these.
    """
    parts = choice.split("+") if isinstance(choice, str) else []
    if (len(parts) > 1 and not set(parts).isdisjoint(CANDIDATE_WORDS)) or parts == ["generated"]:
        lists = [resolve_candidates(part, known, seen, every=every) for part in parts if part != "generated"]
        shared = chain(*lists, required)
        return generated_candidates(targets, shared) if "generated" in parts else list(dict.fromkeys(shared))
    if choice == "all":
        return known if every is None else every
    if choice == "vocabulary":
        return known
    if choice == "train":
        return seen
    if choice == "library":
        return library_candidates()
    if choice == "textbook":
        return list(load_table("textbook").precursors().values())
    return read_materials("candidates", choice, words=CANDIDATE_WORDS)


def _is_explosive(composition: Composition) -> bool:
    may_be = "O" in composition.elements and not composition.elements.isdisjoint(("Cl", "Br", "I"))
    return may_be and not reagent_classes(composition).isdisjoint(("halates", "perchlorates"))
