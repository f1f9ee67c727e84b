"""Agreement between publications that report the same target, an upper limit for the accuracy of any ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from rrgraph.data.table import ReactionTable

__all__ = ["PublicationAgreement", "publication_agreement"]

_Sets = Sequence[frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class PublicationAgreement:
    """Agreement between publications on the precursor set of one target, as means over targets.

    A publication that records several sets for the target counts as one of them, drawn with equal probability.

    Attributes:
        targets: number of targets reported by two or more publications; the means are over these.
        pairs: probability that two different publications record the same set.
        majority: probability that a publication records the most frequent set of the other publications (of several
            most frequent ones, one drawn with equal probability); the top-1 accuracy of a prediction based on all other
            reports of the target.
    """

    targets: int
    pairs: float
    majority: float


def publication_agreement(table: ReactionTable) -> PublicationAgreement | None:
    """Return the agreement between the publications of a table, None if no target has two of them."""
    reports: dict[str, dict[str, set[frozenset[str]]]] = {}
    for target, precursors, publication in zip(
        table.target_keys.tolist(), table.set_keys, table.frame["doi"], strict=True
    ):
        if not pd.isna(publication):
            reports.setdefault(target, {}).setdefault(publication, set()).add(precursors)
    several = [[sorted(sets, key=sorted) for sets in of.values()] for of in reports.values() if len(of) > 1]
    if not several:
        return None
    counts = [_counts(publications) for publications in several]
    return PublicationAgreement(
        targets=len(several),
        pairs=fmean(_pairs(*each) for each in zip(several, counts, strict=True)),
        majority=fmean(_majority(*each) for each in zip(several, counts, strict=True)),
    )


def _counts(publications: Sequence[_Sets]) -> dict[frozenset[str], float]:
    """Return the number of publications that record each set."""
    counts: dict[frozenset[str], float] = {}
    for sets in publications:
        for precursors in sets:
            counts[precursors] = counts.get(precursors, 0.0) + 1 / len(sets)
    return counts


def _pairs(publications: Sequence[_Sets], counts: Mapping[frozenset[str], float]) -> float:
    own = sum(len(sets) / len(sets) ** 2 for sets in publications)
    both = sum(count**2 for count in counts.values()) - own
    return both / (len(publications) * (len(publications) - 1))


def _majority(publications: Sequence[_Sets], counts: Mapping[frozenset[str], float]) -> float:
    found = []
    for sets in publications:
        others = {key: count - (key in sets) / len(sets) for key, count in counts.items()}
        most = max(others.values())
        best = [key for key, count in others.items() if count > most - 1e-9]
        found.append(sum(key in sets for key in best) / len(best) / len(sets))
    return fmean(found)
