"""Columns of reaction and precursor tables as features of the nodes and edges that messages run over."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from rrgraph.chem import Composition, anhydrous
from rrgraph.data import PrecursorTable, ReactionTable
from rrgraph.errors import DataError, DataWarning, check_choice
from rrgraph.graph.neighbours import KnownSystems
from rrgraph.util.arguments import call_with, value_of
from rrgraph.util.rows import named_column
from rrgraph.util.text import capital

__all__ = ["FEATURE_NODES", "Column", "GraphColumns"]

FEATURE_NODES: Final = ("system", "precursor")
"""Types of node that columns can describe."""

_KINDS: Final = ("system", "precursor", "edge", "candidate")
_MOST_LEVELS: Final = 32
_LEAST_DEVIATION: Final = 1e-9
_FORMULAS: Final = ("target", "precursors")


@dataclass(frozen=True)
class Column:
    """A column as features: one for a number, one for each level of a text, and one that says that there is no value.

    >>> Column.fit("temperature", [900, "1100", None], source="a table")
    Column(name='temperature', levels=None, mean=1000.0, deviation=100.0)
    >>> Column.fit("gas", ["air", "N2", "air"], source="a table").features
    ['gas=N2', 'gas=air', 'gas missing']

    Attributes:
        name: of the column.
        levels: the most frequent texts, in alphabetical order; None for numbers.
        mean: that is subtracted from numbers.
        deviation: by which they are divided.
    """

    name: str
    levels: list[str] | None = None
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def fit(cls, name: str, cells: Iterable[object], *, source: str) -> Column:
        """Return how a column is described: as numbers if each of its values is one, otherwise as text.

        Args:
            name: of the column.
            cells: its values; what is empty or not finite counts as missing.
            source: of the column, for messages.

        Raises:
            DataError: a value is a list or a mapping, or there is none.
        """
        texts = [text for cell in cells if (text := _text(cell, name, source)) is not None]
        if not texts:
            raise DataError(f"The column '{name}' of {source} has no value in the rows that are learned from.")
        numbers = [_number(text) is not None for text in texts]
        if all(numbers):
            return cls(name).refitted(texts)
        if sum(numbers) > len(texts) / 2:
            odd = texts[numbers.index(False)]
            warnings.warn(
                f"The column '{name}' of {source} is read as text, because {odd!a:.80} is not a number.",
                DataWarning,
                stacklevel=2,
            )
        frequent = sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))[:_MOST_LEVELS]
        return cls(name, sorted(level for level, _ in frequent))

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        values = [self.name] if self.levels is None else [f"{self.name}={level}" for level in self.levels]
        return [*values, f"{self.name} missing"]

    def refitted(self, cells: Iterable[object]) -> Column:
        """Return the same with the mean and the deviation of other cells; the levels of a text stay."""
        if self.levels is not None:
            return self
        found = (_number(_text(cell)) for cell in cells)
        values = np.array([value for value in found if value is not None], dtype=np.float64)
        # A power of two near the largest, so that squares do not overflow and nothing is rounded.
        scale = math.ldexp(1.0, math.frexp(np.abs(values).max(initial=0))[1] - 1)
        mean, deviation = ((values / scale).mean(), (values / scale).std()) if len(values) else (0.0, 0.0)
        deviation = deviation * scale if deviation > _LEAST_DEVIATION else scale
        return replace(self, mean=float(mean * scale), deviation=float(deviation))

    def describe(
        self, cells: Sequence[object], rows: NDArray[np.int64], groups: NDArray[np.int64], *, count: int
    ) -> NDArray[np.float32]:
        """Return the features (count, features) of groups of cells: mean or shares, and whether all are missing.

        Args:
            cells: values of the column.
            rows: (n,) cells that are in a group.
            groups: (n,) the group of each.
            count: number of groups.
        """
        texts = [_text(cell) for cell in cells]
        values = np.zeros((len(texts), len(self.features)))
        place = {level: number for number, level in enumerate(self.levels or ())}
        for row, text in enumerate(texts):
            number = _number(text)
            if self.levels is not None and text in place:
                values[row, place[text]] = 1
            elif self.levels is None and number is not None:
                values[row, 0] = number / self.deviation - self.mean / self.deviation
        values[:, -1] = [text is not None for text in texts]
        summed = csr_array((np.ones(len(rows)), (groups, rows)), shape=(count, len(texts))) @ values
        present = summed[:, -1:]
        return np.hstack([summed[:, :-1] / present.clip(1), present == 0]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class GraphColumns:
    """The columns that become features of known systems, precursors and edges, and of candidates.

    Those of the reaction table describe what is known by its reactions. Those of a precursor table describe precursors
    themselves, candidates among them.

    >>> import rrgraph as rr
    >>> table = rr.load_reactions("textbook")
    >>> columns = GraphColumns.fit(table, {"system": ["category"]})
    >>> columns.names["system"][0], columns.sizes
    ('category=NASICONs', {'system': 33})
    >>> graph = rr.graph.ContextGraph.fit(table, list(table.precursors().values()), columns=columns)
    >>> graph.hetero()["system"].x.shape[1]
    33

    Attributes:
        system: columns of the reactions of a system.
        precursor: columns of the reactions that use a precursor.
        edge: columns of the reactions of a system that use a precursor.
        candidate: columns of the precursor table.
        precursor_keys: canonical keys of the precursors of that table.
        values: (precursors, features) float32 of these.
    """

    system: tuple[Column, ...] = ()
    precursor: tuple[Column, ...] = ()
    edge: tuple[Column, ...] = ()
    candidate: tuple[Column, ...] = ()
    precursor_keys: tuple[str, ...] = ()
    values: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    @classmethod
    def fit(
        cls,
        table: ReactionTable,
        node_features: Mapping[str, Sequence[str]],
        edge_features: Sequence[str] = (),
        *,
        precursors: PrecursorTable | None = None,
    ) -> GraphColumns:
        """Return the features of columns: means, deviations and levels.

        Args:
            table: the training rows.
            node_features: names of columns for the node types `system` and `precursor`.
            edge_features: names of columns for edges between systems and precursors.
            precursors: table whose columns precede those of the reactions of the same name.

        Raises:
            DataError: there is no such column, it is empty or its values are lists, a precursor has several, or a
                precursor table has nothing to say.
            ConfigError: there is no such type of node.
        """
        for kind in node_features:
            check_choice("The type of node in data.node_features", kind, FEATURE_NODES)
        _, of_system = _asked(node_features.get("system", ()), table, "data.node_features.system")
        own, used = _asked(node_features.get("precursor", ()), table, "data.node_features.precursor", precursors)
        _, of_edge = _asked(edge_features, table, "data.edge_features")
        of_table = {
            name: Column.fit(name, table.frame[name].tolist(), source=table.source)
            for name in dict.fromkeys([*of_system, *used, *of_edge])
        }
        described: dict[str, Any] = {}
        if precursors is not None:
            if not own:
                raise DataError(
                    f"No column of {precursors.source} is named in data.node_features.precursor, expected some of "
                    f"{', '.join(map(str, precursors.frame.columns))}."
                )
            each = precursors.distinct(own)
            if not {*each.keys} & {*table.precursors()}:
                raise DataError(f"{capital(precursors.source)} describes no precursor of the training rows.")
            columns = tuple(Column.fit(name, each.frame[name].tolist(), source=each.source) for name in own)
            rows = np.arange(len(each.keys))
            values = _described(columns, each.frame, rows, rows, count=len(rows))
            described = {"candidate": columns, "precursor_keys": each.keys, "values": values}
        system, precursor, edge = (tuple(of_table[name] for name in names) for names in (of_system, used, of_edge))
        return cls(system, precursor, edge, **described)

    @property
    def names(self) -> dict[str, list[str]]:
        """The names of the features of nodes of each type, and of edges as `edge`; without those that have none."""
        columns = {
            "system": self.system,
            "precursor": (*self.precursor, *self.candidate),
            "candidate": self.candidate,
            "edge": self.edge,
        }
        return {kind: [name for each in of for name in each.features] for kind, of in columns.items() if of}

    @property
    def sizes(self) -> dict[str, int]:
        """The number of features of nodes of each type, and of edges as `edge`; without those that have none."""
        return {kind: len(names) for kind, names in self.names.items()}

    def refitted(self, table: ReactionTable) -> GraphColumns:
        """Return the same with means and deviations of other reactions; levels and the precursor table stay."""
        system, precursor, edge = (
            tuple(each.refitted(table.frame[each.name].tolist()) for each in columns)
            for columns in (self.system, self.precursor, self.edge)
        )
        return replace(self, system=system, precursor=precursor, edge=edge)

    def describe(
        self, table: ReactionTable, vocabulary: Sequence[Composition], systems: KnownSystems
    ) -> dict[str, Tensor]:
        """Return the features (n, features) of what is known, by `system`, `precursor` and `edge`, rounded to 16 bits.

        Args:
            table: the reactions.
            vocabulary: the precursors.
            systems: of the same table and vocabulary; their entries are the edges.
        """
        of_row, _ = pd.factorize(table.element_systems)
        index = {precursor.key: position for position, precursor in enumerate(vocabulary)}
        uses = [(row, index[key]) for row, keys in enumerate(table.set_keys) for key in sorted(keys)]
        rows, used = np.array(uses, dtype=np.int64).reshape(-1, 2).T
        # Entries are in order of the systems, and of the precursors within each.
        edges = systems.system_index * len(vocabulary) + systems.precursors
        entries = np.searchsorted(edges, of_row[rows] * len(vocabulary) + used)
        found = {
            "system": _described(self.system, table.frame, np.arange(len(table)), of_row, count=len(systems.presence)),
            "precursor": _described(self.precursor, table.frame, rows, used, count=len(vocabulary)),
            "edge": _described(self.edge, table.frame, rows, entries, count=len(edges)),
        }
        found["precursor"] = np.hstack([found["precursor"], self.of_candidates(vocabulary).numpy()])
        return {kind: torch.from_numpy(values).half().float() for kind, values in found.items() if values.shape[1]}

    def of_candidates(self, candidates: Sequence[Composition]) -> Tensor:
        """Return the features (n, features) of any precursors; one that the precursor table lacks has no values."""
        if not self.candidate:
            return torch.empty(len(candidates), 0)
        rows = [self._rows.get(anhydrous(each).key, -1) for each in candidates]
        missing = [[0] * (len(each.features) - 1) + [1] for each in self.candidate]
        values = np.vstack([self.values, np.concatenate(missing, dtype=np.float32)])[rows]
        return torch.from_numpy(values).half().float()

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.precursor_keys)}

    def to_stored(self) -> dict[str, Any]:
        """Return everything but the values of the precursor table, as JSON values."""
        columns = {kind: [asdict(each) for each in getattr(self, kind)] for kind in _KINDS}
        return {**columns, "described": list(self.precursor_keys)}

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> GraphColumns:
        """Return what `to_stored` described, without the values of the precursor table.

        Raises:
            ValueError: something is missing, unknown, or impossible.
        """
        system, precursor, edge, candidate = (
            tuple(call_with(Column, each) for each in value_of(stored, kind, list)) for kind in _KINDS
        )
        described = value_of(stored, "described", list)
        if not all(isinstance(key, str) for key in described) or len({*described}) < len(described):
            raise ValueError("'described' holds something else than precursors, or one of them twice")
        return cls(system, precursor, edge, candidate, tuple(described))

    def __str__(self) -> str:
        """Return which columns describe what, in one sentence."""
        parts = {
            "systems": self.system,
            "precursors": (*self.precursor, *self.candidate),
            "edges": self.edge,
        }
        named = [f"{', '.join(each.name for each in of)} (of {kind})" for kind, of in parts.items() if of]
        return f"Columns as features: {'; '.join(named)}."


def _asked(
    names: Sequence[str], table: ReactionTable, option: str, precursors: PrecursorTable | None = None
) -> tuple[list[str], list[str]]:
    """Return which columns are asked for, of the precursor table and of the reactions.

    Raises:
        DataError: neither has one of these.
    """
    if formulas := sorted({*names} & {*_FORMULAS}):
        raise DataError(f"{option} names the column '{formulas[0]}', whose formulas are the nodes of the graph.")
    own = [] if precursors is None else [str(name) for name in precursors.frame.columns]
    columns = [*own, *(name for name in table.frame.columns if name not in (*own, *_FORMULAS))]
    source = capital(table.source) if precursors is None else f"{capital(table.source)}, with {precursors.source},"
    found = dict.fromkeys(named_column(name, columns, source=source, option=option) for name in names)
    return [name for name in found if name in own], [name for name in found if name not in own]


def _described(
    columns: Sequence[Column],
    frame: pd.DataFrame,
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    count: int,
) -> NDArray[np.float32]:
    """Return the features (count, features) of groups of rows by all columns, see `Column.describe`."""
    parts = [each.describe(frame[each.name].tolist(), rows, groups, count=count) for each in columns]
    return np.hstack([np.empty((count, 0), dtype=np.float32), *parts])


def _text(cell: object, name: str = "", source: str = "") -> str | None:
    """Return a cell as text, None if there is nothing in it or a number that is not finite.

    Raises:
        DataError: it is a list or a mapping.
    """
    if isinstance(cell, list | tuple | dict | np.ndarray):
        raise DataError(f"The column '{name}' of {source} holds lists or mappings, expected numbers or text.")
    text = "" if pd.isna(cell) else str(cell).strip()  # type: ignore[call-overload]
    try:
        return text if text and math.isfinite(float(text)) else None
    except ValueError:
        return text


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
