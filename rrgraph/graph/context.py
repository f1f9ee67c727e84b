"""What message passing runs over: known element systems and precursors, and edges by which new nodes receive.

Targets and candidates that are asked about only receive. What is known never depends on them, so that no query changes
the answer to another, and a link that is to be predicted is in no message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition, element_system, fraction_matrix
from rrgraph.data import ReactionTable
from rrgraph.graph.columns import GraphColumns
from rrgraph.graph.elements import element_presence, exact_product, mean_vectors, source_presence, unit_rows
from rrgraph.graph.hetero import EdgeType
from rrgraph.graph.messages import KNOWN_EDGES, RECEIVED_EDGES, Edges, Messages, select_edges
from rrgraph.graph.neighbours import KnownSystems
from rrgraph.util.arrays import check_array

if TYPE_CHECKING:  # PyG takes a second to import and planning does not need it
    from torch_geometric.data import HeteroData

__all__ = ["ContextGraph"]

_NEAREST_SYSTEMS: Final = 16
_NEAREST_PRECURSORS: Final = 8
_SCALE: Final = 0.2
_BATCH_SIZE: Final = 512
_SYSTEMS: Final = "systems."
_FEATURES: Final = "features."


@dataclass(frozen=True, eq=False)
class ContextGraph:
    """Known element systems and precursors, and how they were used.

    Attributes:
        vocabulary: the precursors; one that no reaction uses sends nothing.
        systems: the known element systems and the shares of their reactions that use each precursor.
        pairs: (2, pairs) int32, precursors that were used together, the first below the second.
        counts: (pairs,) int32, in how many distinct reactions.
        compositions: elements (systems, k) int64 and fractions (systems, k) float32 of each system, the mean of its
            targets; None in a stored graph, which has `x`.
        x: inputs (n, width) of messages for the node types `system` and `precursor`; None before they are computed.
        columns: that describe nodes and edges, if any.
        features: (n, features) of these for `system` and `precursor`, and for `edge` of each entry of `systems`.
    """

    vocabulary: tuple[Composition, ...]
    systems: KnownSystems
    pairs: NDArray[np.int32]
    counts: NDArray[np.int32]
    compositions: tuple[Tensor, Tensor] | None = None
    x: Mapping[str, Tensor] | None = None
    columns: GraphColumns | None = None
    features: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        table: ReactionTable,
        vocabulary: Sequence[Composition],
        *,
        systems: KnownSystems | None = None,
        columns: GraphColumns | None = None,
    ) -> ContextGraph:
        """Return the graph of the distinct reactions of `table`.

        Args:
            table: the reactions.
            vocabulary: all its precursors, and perhaps others.
            systems: of the same table and vocabulary, if they were counted before.
            columns: that describe nodes and edges; means and deviations become those of `table`.
        """
        index = {precursor.key: position for position, precursor in enumerate(vocabulary)}
        together: Counter[tuple[int, int]] = Counter()
        targets: dict[str, dict[str, Composition]] = {}
        for target, keys in table.distinct_reactions():
            targets.setdefault(element_system(target), {})[target.key] = target
            together.update(combinations(sorted(index[key] for key in keys), 2))
        pairs = sorted(together)
        systems = KnownSystems.fit(table, index) if systems is None else systems
        columns = None if columns is None else columns.refitted(table)
        return cls(
            vocabulary=tuple(vocabulary),
            systems=systems,
            pairs=np.array(pairs, dtype=np.int32).reshape(-1, 2).T.copy(),
            counts=np.array([together[pair] for pair in pairs], dtype=np.int32),
            compositions=_padded([np.mean([*map(_fractions, each.values())], axis=0) for each in targets.values()]),
            columns=columns,
            features={} if columns is None else columns.describe(table, vocabulary, systems),
        )

    def __str__(self) -> str:
        """Return what sends messages, in one sentence."""
        systems, precursors = len(self.systems.vectors), len(self._used_index)
        return (
            f"Messages come from {systems} element systems and {precursors} precursors; those to training targets from "
            f"other element systems and papers only.{'' if self.columns is None else f' {self.columns}'}"
        )

    def with_inputs(self, system: Tensor, precursor: Tensor) -> ContextGraph:
        """Return the graph with the inputs of its messages, rounded as they are stored."""
        x = {"system": system.half().float().cpu(), "precursor": precursor.half().float().cpu()}
        return replace(self, x=x, compositions=None)

    def to_arrays(self, *, systems: bool) -> dict[str, NDArray[Any]]:
        """Return the arrays by their names in checkpoints, inputs in 16 bits; `systems` says whether with these."""
        assert self.x is not None
        arrays: dict[str, NDArray[Any]] = {"pairs": self.pairs, "counts": self.counts}
        arrays |= {f"x.{kind}": values.half().numpy() for kind, values in self.x.items()}
        arrays |= {f"{_FEATURES}{kind}": values.half().numpy() for kind, values in self.features.items()}
        if self.columns is not None and self.columns.candidate:
            arrays[f"{_FEATURES}candidate"] = self.columns.values.astype(np.float16)
        return arrays | ({_SYSTEMS + name: a for name, a in self.systems.to_arrays().items()} if systems else {})

    @classmethod
    def from_arrays(
        cls,
        vocabulary: Sequence[Composition],
        arrays: Mapping[str, NDArray[Any]],
        *,
        width: int,
        systems: KnownSystems | None = None,
        columns: GraphColumns | None = None,
    ) -> ContextGraph:
        """Return what `to_arrays` described.

        Args:
            vocabulary: the precursors.
            arrays: by their names in checkpoints.
            width: of the inputs.
            systems: the known systems, if they are not among the arrays.
            columns: that describe nodes and edges, if any; the values of a precursor table come from the arrays.

        Raises:
            ValueError: an array is missing, unknown, or holds impossible values.
        """
        counted = {name.removeprefix(_SYSTEMS): a for name, a in arrays.items() if name.startswith(_SYSTEMS)}
        sizes = {} if columns is None else columns.sizes
        expected = {"pairs", "counts", "x.system", "x.precursor", *(f"{_FEATURES}{kind}" for kind in sizes)}
        if wrong := expected ^ {name for name in arrays if not name.startswith(_SYSTEMS)}:
            raise ValueError(f"'{min(wrong)}' of the context is missing or unknown")
        if (systems is None) != bool(counted):
            raise ValueError("the known systems of the context must be stored once")
        known = KnownSystems.from_arrays(counted, precursors=len(vocabulary)) if systems is None else systems
        pairs, counts = arrays["pairs"], arrays["counts"]
        check_array("pairs", pairs, np.int32, (2, None), low=0, below=len(vocabulary))
        check_array("counts", counts, np.int32, (pairs.shape[1],), low=1)
        if not bool((pairs[0] < pairs[1]).all()):
            raise ValueError("'pairs' joins a precursor to itself, or in the wrong order")
        lengths = {"system": len(known.vectors), "precursor": len(vocabulary), "edge": len(known.shares)}
        lengths["candidate"] = 0 if columns is None else len(columns.precursor_keys)
        x = {kind: _stored(arrays, f"x.{kind}", lengths[kind], width) for kind in ("system", "precursor")}
        features = {kind: _stored(arrays, f"{_FEATURES}{kind}", lengths[kind], size) for kind, size in sizes.items()}
        if columns is not None and "candidate" in features:
            columns = replace(columns, values=features.pop("candidate").numpy())
        return cls(tuple(vocabulary), known, pairs, counts, x=x, columns=columns, features=features)

    @cached_property
    def known_edges(self) -> dict[EdgeType, Edges]:
        """The edges among what is known, by `KNOWN_EDGES`."""
        systems, precursors, shares = self.systems.system_index, self.systems.precursors, self.systems.shares
        both, times = np.concatenate([self.pairs, self.pairs[::-1]], axis=1), np.tile(self.counts, 2)
        made_from, makes, used_with = KNOWN_EDGES
        n, described = len(self.vocabulary), self.features.get("edge")
        return {
            made_from: Edges.of(precursors, systems, shares, count=n, attributes=described),
            makes: Edges.of(systems, precursors, shares, count=len(self.systems.vectors), attributes=described),
            used_with: Edges.of(both[1], both[0], times, count=n),
        }

    def known_messages(self, device: torch.device | None = None) -> Messages:
        """Return the edges of each of `KNOWN_EDGES`, for all that is known."""
        sizes = {"system": len(self.systems.vectors), "precursor": len(self.vocabulary)}
        everything = {kind: torch.arange(size, device=device) for kind, size in sizes.items()}
        return select_edges(self.known_edges, everything, KNOWN_EDGES)

    def to_targets(self, targets: Sequence[Composition]) -> dict[EdgeType, Edges]:
        """Return the edges by which targets receive: from the nearest systems, and what these were made from.

        Of the precursors of a near system, those count that supply a source element of the target.
        """
        similar, makes = RECEIVED_EDGES[:2]
        presence = element_presence([target.elements for target in targets])
        rows, systems, weights = _nearest(presence * self._rarity, self._systems, most=_NEAREST_SYSTEMS)
        known = self.known_edges["precursor", "makes", "system"]
        edges, found = known.places(torch.from_numpy(systems))
        precursors, shares, position = known.sources[edges].numpy(), known.weights[edges], found.numpy()
        needed = (source_presence(targets)[rows[position]] & self._supplies[precursors]).any(1)
        pairs = (rows[position] * len(self.vocabulary) + precursors)[needed]
        distinct, place = np.unique(pairs, return_inverse=True)
        products = (weights[position] * shares.numpy())[needed]
        summed = np.bincount(place, weights=products)
        described = None
        if known.attributes is not None:  # the mean over the near systems
            own = known.attributes[edges].numpy()[needed] * products[:, None]
            mean = [np.bincount(place, weights=column, minlength=len(distinct)) / summed for column in own.T]
            described = torch.from_numpy(np.stack(mean, axis=1).astype(np.float32))
        made = Edges.of(*np.divmod(distinct, len(self.vocabulary)), summed, count=len(targets), attributes=described)
        return {similar: Edges.of(rows, systems, weights, count=len(targets)), makes: made}

    def to_candidates(self, candidates: Sequence[Composition]) -> dict[EdgeType, Edges]:
        """Return the edges by which candidates receive.

        A known precursor receives from the systems that use it and what it was used with, and every one from the known
        precursors that are most like it, itself not among them.
        """
        made_from, used_with, similar = RECEIVED_EDGES[2:]
        own = np.array([self._index.get(candidate.key, -1) for candidate in candidates], dtype=np.int64)
        given = {}
        for kind, known in ((made_from, KNOWN_EDGES[0]), (used_with, KNOWN_EDGES[2])):
            edges = self.known_edges[known]
            places, found = edges.places(torch.from_numpy(own))
            described = None if edges.attributes is None else edges.attributes[places]
            sources, shares = edges.sources[places].numpy(), edges.weights[places].numpy()
            given[kind] = Edges.of(found.numpy(), sources, shares, count=len(candidates), attributes=described)
        rows, nearest, weights = _nearest(_described(candidates), self._used, most=_NEAREST_PRECURSORS + 1)
        precursors = self._used_index[nearest]
        other = precursors != own[rows]
        given[similar] = Edges.of(rows[other], precursors[other], weights[other], count=len(candidates))
        return given

    def hetero(self) -> HeteroData:
        """Return what is known as a `HeteroData`, with `edge_index` and `edge_weight` of each type of edge.

        Nodes have `x`: their embeddings in the graph of a trained model, otherwise what columns say of them, if any do.
        The latter is always there as `features` too, with its `feature_names`, and as `edge_attr` of edges.

        >>> import rrgraph as rr
        >>> table = rr.load_reactions("textbook")
        >>> graph = rr.graph.ContextGraph.fit(table, list(table.precursors().values()))
        >>> graph.hetero().edge_types[0]
        ('system', 'made_from', 'precursor')
        """
        from torch_geometric.data import HeteroData

        data = HeteroData()
        sizes = {"system": len(self.systems.vectors), "precursor": len(self.vocabulary)}
        for kind, size in sizes.items():
            data[kind].num_nodes = size
            if kind in self.features:
                data[kind].x = data[kind].features = self.features[kind]
            if self.x is not None:
                data[kind].x = self.x[kind]
        messages = self.known_messages()
        for edge in KNOWN_EDGES:
            for name, values in messages._asdict().items():
                if edge in values:
                    data[edge][name] = values[edge]
        for kind, names in ({} if self.columns is None else self.columns.names).items():
            for store in [data[kind]] if kind in sizes else [data[edge] for edge in messages.edge_attr]:
                store.feature_names = names
        return data

    @cached_property
    def _used_index(self) -> NDArray[np.int64]:
        """The precursors that some reaction uses."""
        return np.unique(self.systems.precursors).astype(np.int64)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {self.vocabulary[index].key: index for index in self._used_index.tolist()}

    @cached_property
    def _supplies(self) -> NDArray[np.bool_]:
        return source_presence(self.vocabulary)

    @cached_property
    def _rarity(self) -> NDArray[np.float32]:
        presence = self.systems.presence
        rarity: NDArray[np.float32] = np.log(len(presence) / (1 + presence.sum(0))).clip(0.1).astype(np.float32)
        return rarity

    @cached_property
    def _systems(self) -> NDArray[np.float32]:
        return unit_rows(self.systems.presence * self._rarity)

    @cached_property
    def _used(self) -> NDArray[np.float32]:
        return unit_rows(_described([self.vocabulary[index] for index in self._used_index]))


def _stored(arrays: Mapping[str, NDArray[Any]], name: str, length: int, width: int) -> Tensor:
    values = arrays[name].astype(np.float32)
    check_array(name, values, np.float32, (length, width))
    return torch.from_numpy(values)


@lru_cache(maxsize=2**16)
def _fractions(target: Composition) -> NDArray[np.float32]:
    """Return the atomic fractions (elements,) of a target, which is in the graphs of nearly all folds."""
    fractions: NDArray[np.float32] = fraction_matrix([target])[0]
    return fractions


def _described(precursors: Sequence[Composition]) -> NDArray[np.float32]:
    """Return vectors whose product is large for precursors of the same source elements and of similar composition."""
    vectors = [source_presence(precursors).astype(np.float32), mean_vectors(precursors)]
    return np.concatenate([unit_rows(each) for each in vectors], axis=1)


def _nearest(
    queries: NDArray[np.float32], known: NDArray[np.float32], *, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return the pairs (query, row of `known`) of the largest cosines, and weights that fall with the distance.

    Rows of `known` have length 1.
    """
    found = []
    for start in range(0, len(queries), _BATCH_SIZE):
        cosines = exact_product(unit_rows(queries[start : start + _BATCH_SIZE]), known.T)
        most = min(most, cosines.shape[1])
        nearest = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        near = np.take_along_axis(cosines, nearest, axis=1)
        rows = np.repeat(np.arange(start, start + len(cosines)), most)
        found.append((rows, nearest.ravel(), np.exp((near.ravel() - 1) / _SCALE)))
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    rows, nearest, weights = (np.concatenate(each) for each in zip(*found, strict=True))
    return rows, nearest, weights


def _padded(fractions: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Return elements and fractions (n, k) of rows of fractions over all elements, as `featurise` does."""
    width = max(int((row > 0).sum()) for row in fractions)
    elements = np.zeros((len(fractions), width), dtype=np.int64)
    padded = np.zeros((len(fractions), width), dtype=np.float32)
    for number, row in enumerate(fractions):
        (present,) = row.nonzero()
        elements[number, : len(present)], padded[number, : len(present)] = present + 1, row[present]
    return torch.from_numpy(elements), torch.from_numpy(padded)
