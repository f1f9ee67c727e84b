"""Anion templates: the rest of each training precursor besides its one source element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from rrgraph.chem import HALOGENS, NOBLE_GASES, VOLATILE, Composition, composition_from_amounts
from rrgraph.data import ReactionTable

__all__ = ["AnionTemplates", "anion_template", "elementwise_sources"]

_NON_SOURCE: Final = VOLATILE | HALOGENS | NOBLE_GASES
"""Elements that have no precursor of their own: C, H, N, O and the halogens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnionTemplates:
    """Templates of training reactions.

    Attributes:
        templates: names in alphabetical order, see `anion_template`.
        formulas: the stoichiometry table: the most frequent precursor of each pair of an element and an index in
            `templates`; of equally frequent ones the first by key.
        examples: target of each distinct reaction that can be learned from, and the index of the template of each
            of its source elements.
    """

    templates: tuple[str, ...]
    formulas: Mapping[tuple[str, int], Composition]
    examples: Sequence[tuple[Composition, Mapping[str, int]]]

    @classmethod
    def of(cls, table: ReactionTable) -> Self:
        """Count over the distinct reactions of a table.

        Only reactions are used in which each precursor supplies exactly one source element, one of the target, and
        each source element of the target has exactly one precursor.
        """
        precursors = table.precursors()
        splits = {key: anion_template(precursor) for key, precursor in precursors.items()}
        learned: list[tuple[Composition, dict[str, str]]] = []
        counts: Counter[tuple[str, str, str]] = Counter()
        for target, keys in table.distinct_reactions():
            chosen = dict(pair for key in keys if (pair := splits[key]) is not None)
            if len(chosen) == len(keys) and chosen.keys() == elementwise_sources(target):
                learned.append((target, chosen))
                counts.update((*pair, key) for key in keys if (pair := splits[key]) is not None)
        templates = tuple(sorted({template for _, template, _ in counts}))
        index = {template: number for number, template in enumerate(templates)}
        formulas: dict[tuple[str, int], Composition] = {}
        for (symbol, template, key), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            formulas.setdefault((symbol, index[template]), precursors[key])
        examples = [
            (target, {symbol: index[template] for symbol, template in chosen.items()}) for target, chosen in learned
        ]
        return cls(templates=templates, formulas=formulas, examples=examples)


def elementwise_sources(composition: Composition) -> frozenset[str]:
    """Return the elements that each have a precursor of their own: metals, metalloids, P, S and Se."""
    return composition.elements - _NON_SOURCE


def anion_template(precursor: Composition) -> tuple[str, str] | None:
    """Return the source element of a precursor and the reduced formula of the rest, such as ``("Li", "CO3")``.

    The rest is empty if the precursor is an element. For a precursor with no source element, or several, it is None.
    """
    sources = elementwise_sources(precursor)
    if len(sources) != 1:
        return None
    (symbol,) = sources
    rest = {other: amount for other, amount in precursor.amounts if other != symbol}
    return symbol, composition_from_amounts(rest).key if rest else ""
