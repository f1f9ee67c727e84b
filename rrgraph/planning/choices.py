"""Which candidates are meant: all precursors that a model knows, those seen in training, a list, made-up compounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from rrgraph.chem import Composition
from rrgraph.planning.candidates import generated_candidates
from rrgraph.planning.lists import Stock, read_materials

__all__ = ["resolve_candidates"]

GENERATED: Final = "generated"
"""Word for the compounds that are made up for each target."""


def resolve_candidates(
    choice: Stock,
    known: Sequence[Composition],
    seen: Sequence[Composition],
    *,
    targets: Iterable[Composition] = (),
    required: Iterable[Composition] = (),
) -> Sequence[Composition]:
    """Return the candidates meant by `all`, `train`, `generated`, a file or a list.

    Args:
        choice: `all` (every precursor the model knows), `train` (those seen in training), a file with a formula
            a line, formulas joined by commas, a list of materials, `generated` (the plausible compounds of each
            target's elements), or `generated` joined to others by a plus sign, such as `all+generated`.
        known: the model's vocabulary.
        seen: the part of it that occurs in training.
        targets: what compounds are generated for.
        required: what every set has to hold: a candidate beside generated ones, whatever the target.

    Raises:
        PlanningError: the choice is none of these.
    """
    if isinstance(choice, str) and GENERATED in choice.split("+"):
        lists = [resolve_candidates(part, known, seen) for part in choice.split("+") if part != GENERATED]
        return generated_candidates(targets, chain(*lists, required))
    if choice == "all":
        return known
    if choice == "train":
        return seen
    return read_materials("candidates", choice, words=("train", "all", GENERATED))
