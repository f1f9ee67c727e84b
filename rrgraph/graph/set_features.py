"""Frequency features of whole precursor sets: which precursors go together, and how many a target takes.

They are computed from counts of the known reactions (no reaction rows are kept), for any set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ELEMENTS, Composition, source_elements
from rrgraph.data import ReactionTable, SetBatch
from rrgraph.errors import DataError
from rrgraph.graph.elements import ANION_CLASSES, anion_class, source_presence
from rrgraph.graph.frequencies import check_counts
from rrgraph.graph.neighbours import KnownSystems
from rrgraph.graph.precursor_classes import NON_METALS, PRECURSOR_CLASSES, precursor_class
from rrgraph.util.arguments import call_with
from rrgraph.util.arrays import check_array

__all__ = ["SET_FREQUENCY_FEATURES", "SetFrequencyFeatures"]

SET_FREQUENCY_FEATURES: Final = (
    "size",
    "sources",
    "excess",
    "redundant",
    "removable",
    *(f"class_{name}" for name in PRECURSOR_CLASSES),
    "classes",
    "main_class",
    "pair_mean",
    "pair_least",
    "form_pair_mean",
    "form_pair_least",
    "usual_size",
    "unseen",
)
"""Names of the frequency features of a set, in column order; see `SetFrequencyFeatures.features`."""

_Whole: TypeAlias = "NDArray[np.int64] | int"

_MOST_SOURCES: Final = 8
_LEAST_EXCESS, _MOST_EXCESS = -4, 3
_SIZES: Final = (len(ANION_CLASSES), _MOST_SOURCES + 1, _MOST_EXCESS - _LEAST_EXCESS + 1)
_PAIR_SMOOTHING: Final = 0.5
_FORM_SMOOTHING: Final = 2.0
_SIZE_SMOOTHING: Final = 0.05


class SetFrequencyFeatures:
    """Counts of what the known reactions combine.

    Args:
        vocabulary: n precursors.
        systems: counts of the known reactions by element system.
        pairs: (pairs, 2) int32, precursors used together, the lower index first.
        together: (pairs,) float32, sum over element systems of the share of reactions that use both.
        forms: anions of the precursors in known reactions, see `_set_form`.
        form_uses: (forms,) float32, reactions with a precursor of the form.
        form_pairs: (forms, forms) float32, reactions with both, with two of the form on the diagonal.
        sizes: (anion classes, sources + 1, excess) float32, reactions by number of source elements of the target and
            of precursors beyond these.

    Raises:
        DataError: the counts are not those of these forms.
    """

    def __init__(
        self,
        vocabulary: Sequence[Composition],
        systems: KnownSystems,
        *,
        pairs: NDArray[np.int32],
        together: NDArray[np.float32],
        forms: Sequence[str],
        form_uses: NDArray[np.float32],
        form_pairs: NDArray[np.float32],
        sizes: NDArray[np.float32],
    ) -> None:
        if len(forms) != len(form_uses):
            raise DataError(f"Set counts of {len(form_uses)} forms do not fit {len(forms)} names of forms.")
        self.pairs, self.together = pairs, together
        self.forms, self.form_uses, self.form_pairs, self.sizes = tuple(forms), form_uses, form_pairs, sizes
        self._row = {precursor.key: row for row, precursor in enumerate(vocabulary)}
        self._form = {form: row for row, form in enumerate(self.forms)}
        self._uses, self._pair_lift = _pair_lift(vocabulary, systems, pairs, together)
        reactions = max(float(sizes.sum()), 1.0)
        expected = np.outer(form_uses, form_uses) / reactions
        form_lift = np.log((form_pairs + _FORM_SMOOTHING) / (expected + _FORM_SMOOTHING))
        self._form_lift = np.pad(form_lift, (0, 1)).astype(np.float32)
        smooth = sizes + _SIZE_SMOOTHING
        self._usual_size = np.log(smooth / smooth.sum(2, keepdims=True)).astype(np.float32)

    @classmethod
    def fit(
        cls, table: ReactionTable, vocabulary: Sequence[Composition], systems: KnownSystems
    ) -> SetFrequencyFeatures:
        """Count the distinct reactions of `table`; `systems` counts the same ones."""
        row = {precursor.key: number for number, precursor in enumerate(vocabulary)}
        form_of = [_set_form(precursor) for precursor in vocabulary]
        forms = {form: number for number, form in enumerate(dict.fromkeys(form_of))}
        reactions = table.distinct_reactions()
        in_system: dict[frozenset[str], int] = {}
        for target, _ in reactions:
            in_system[target.elements] = in_system.get(target.elements, 0) + 1
        together: dict[tuple[int, int], float] = {}
        form_uses = np.zeros(len(forms), dtype=np.float32)
        form_pairs = np.zeros((len(forms), len(forms)), dtype=np.float32)
        sizes = np.zeros(_SIZES, dtype=np.float32)
        for target, keys in reactions:
            members = sorted(row[key] for key in keys)
            for pair in combinations(members, 2):
                together[pair] = together.get(pair, 0.0) + 1 / in_system[target.elements]
            present = [forms[form_of[member]] for member in members]
            distinct = sorted(set(present))
            form_uses[distinct] += 1
            form_pairs[np.ix_(distinct, distinct)] += 1 - np.eye(len(distinct), dtype=np.float32)
            twice = [form for form in distinct if present.count(form) > 1]
            form_pairs[twice, twice] += 1
            sources = len(source_elements(target))
            sizes[_size_cell(ANION_CLASSES.index(anion_class(target.elements)), sources, len(members) - sources)] += 1
        return cls(
            vocabulary,
            systems,
            pairs=np.array(list(together), dtype=np.int32).reshape(-1, 2),
            together=np.array(list(together.values()), dtype=np.float32),
            forms=list(forms),
            form_uses=form_uses,
            form_pairs=form_pairs,
            sizes=sizes,
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the counts by the name of the argument, without the names of the forms."""
        return {name: getattr(self, name) for name in ("pairs", "together", "form_uses", "form_pairs", "sizes")}

    @classmethod
    def from_arrays(
        cls,
        vocabulary: Sequence[Composition],
        systems: KnownSystems,
        forms: Sequence[str],
        arrays: Mapping[str, NDArray[Any]],
    ) -> SetFrequencyFeatures:
        """Return what `to_arrays` described.

        Raises:
            DataError: the counts are not those of these forms.
            ValueError: an array is missing, unknown, or holds impossible values.
        """
        pairs, together = (arrays.get(name, np.empty(0)) for name in ("pairs", "together"))
        check_array("pairs", pairs, np.int32, (None, 2), low=0, below=len(vocabulary))
        check_counts("together", together, (len(pairs),))
        shapes = {"form_uses": (len(forms),), "form_pairs": (len(forms), len(forms)), "sizes": _SIZES}
        for name, shape in shapes.items():
            check_counts(name, arrays.get(name, np.empty(0)), shape)
        return call_with(cls, {"vocabulary": vocabulary, "systems": systems, "forms": forms, **arrays})

    def features(self, sets: SetBatch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the frequency features of sets and the part that each member plays in its set.

        `excess` is the size beyond the target's number of source elements, `redundant` how often a source element is
        supplied once more, `removable` the number of members without which all source elements are still supplied.
        `class_*` counts the members of each precursor class, `classes` the different ones, `main_class` is the share of
        the most frequent. `pair_*` are log ratios of how often two members are used together and how often they would
        be if chance decided among targets with the elements of both; `form_pair_*` the same for the anions of the
        members. `usual_size` is the log frequency of the excess among targets of the anion class with as many source
        elements, `unseen` the number of members never seen.

        Returns:
            (n, `len(SET_FREQUENCY_FEATURES)`) float32, and (n, m, 2) float32: the number of source elements of which
            each member is the sole supplier, and that it supplies at all.
        """
        present, members, candidates = sets.present, sets.padded_members, sets.candidates
        size = present.sum(1)
        need = source_presence(sets.targets)[sets.target_index]
        supplies = np.pad(source_presence(candidates), ((0, 1), (0, 0)))
        covered = np.zeros(need.shape, dtype=np.int8)
        for column in members.T:
            covered += supplies[column] & need
        roles = np.zeros((*members.shape, 2), dtype=np.float32)
        for place, column in enumerate(members.T):
            own = supplies[column] & need
            roles[:, place, 0] = (own & (covered == 1)).sum(1)
            roles[:, place, 1] = own.sum(1)
        sources = need.sum(1)
        classes = _class_counts(sets)
        family = np.array([ANION_CLASSES.index(anion_class(each.elements)) for each in sets.targets])[sets.target_index]
        unseen = np.array([self._uses[self._row[c.key]] == 0 if c.key in self._row else True for c in candidates])
        columns = [
            size,
            sources,
            size - sources,
            (covered - 1).clip(0).sum(1),
            ((roles[..., 0] == 0) & present).sum(1),
            *classes.T,
            (classes > 0).sum(1),
            classes.max(1) / size,
            *self._lifts(sets),
            self._usual_size[_size_cell(family, sources, size - sources)],
            (np.append(unseen, False)[members]).sum(1),
        ]
        return np.stack(columns, axis=1).astype(np.float32), roles

    def _lifts(self, sets: SetBatch) -> list[NDArray[np.float32]]:
        """Return mean and least log ratio of the pairs of each set, of precursors and of their forms; 0 for no pair."""
        present, members = sets.present, sets.padded_members
        row = np.array([*(self._row.get(each.key, -1) for each in sets.candidates), -1])[members]
        form = np.array([*(self._form.get(_set_form(each), -1) for each in sets.candidates), -1])[members]
        columns: list[NDArray[np.float32]] = []
        pairs = list(combinations(range(members.shape[1]), 2))
        number = np.zeros(len(sets), dtype=np.float32)
        for first, second in pairs:
            number += present[:, first] & present[:, second]
        for index, lift in ((row, self._pair_lift), (form, self._form_lift)):
            total = np.zeros(len(sets), dtype=np.float32)
            least = np.full(len(sets), np.inf, dtype=np.float32)
            for first, second in pairs:
                both = present[:, first] & present[:, second]
                values = lift[index[both, first], index[both, second]]
                total[both] += values
                least[both] = np.minimum(least[both], values)
            columns += [total / number.clip(1), np.where(number > 0, least, 0.0)]
        return columns


def _class_counts(sets: SetBatch) -> NDArray[np.float32]:
    """Return the number of members of each precursor class, (n, classes)."""
    of_candidates = np.array([PRECURSOR_CLASSES.index(precursor_class(each)) for each in sets.candidates], dtype=int)
    counts = np.zeros((len(sets), len(PRECURSOR_CLASSES)), dtype=np.float32)
    for column in sets.members.T:
        own = column >= 0
        counts[own, of_candidates[column[own]]] += 1
    return counts


def _set_form(precursor: Composition) -> str:
    """Return the anions of a precursor and whether it has no, one or more metals."""
    metals = min(2, len(precursor.elements - NON_METALS))
    return f"{metals} {'-'.join(sorted(precursor.elements & NON_METALS))}"


def _size_cell(family: _Whole, sources: _Whole, excess: _Whole) -> tuple[_Whole, _Whole, _Whole]:
    return (
        family,
        np.minimum(sources, _MOST_SOURCES),
        np.clip(excess, _LEAST_EXCESS, _MOST_EXCESS) - _LEAST_EXCESS,
    )


def _pair_lift(
    vocabulary: Sequence[Composition], systems: KnownSystems, pairs: NDArray[np.int32], together: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return uses (n,) and log ratios (n + 1, n + 1) of pairs; the last row is that of a precursor never seen."""
    number = len(vocabulary)
    with_element = np.zeros((number, len(ELEMENTS)), dtype=np.float32)
    np.add.at(with_element, systems.precursors, systems.shares[:, None] * systems.presence[systems.system_index])
    uses = np.bincount(systems.precursors, weights=systems.shares, minlength=number).astype(np.float32)
    supplies = source_presence(vocabulary).astype(np.float32)
    supplies /= supplies.sum(1, keepdims=True).clip(1)
    presence = systems.presence.astype(np.float32)
    # Reactions that use one precursor and could use the other, and targets that could use both.
    one = with_element @ supplies.T
    could = supplies @ (presence.T @ presence) @ supplies.T
    expected = one * one.T / could.clip(1)
    observed = np.zeros((number, number), dtype=np.float32)
    observed[pairs[:, 0], pairs[:, 1]] = together
    observed += observed.T
    lift = np.log((observed + _PAIR_SMOOTHING) / (expected + _PAIR_SMOOTHING))
    return uses, np.pad(lift, (0, 1)).astype(np.float32)
