"""What message passing runs over: known element systems and precursors, and edges by which new nodes receive.

Targets and candidates that are asked about only receive. What is known never depends on them, so that no query changes
the answer to another, and a link that is to be predicted is in no message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import combinations, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from rrgraph.chem import Composition, element_system, fraction_matrix
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph.build import ReactionGraph
from rrgraph.graph.columns import GraphColumns
from rrgraph.graph.cross_fitting import TrainingFolds
from rrgraph.graph.elements import element_presence, exact_product, mean_vectors, source_presence, unit_rows
from rrgraph.graph.hetero import EdgeType
from rrgraph.graph.neighbours import KnownSystems
from rrgraph.util.arrays import check_array

if TYPE_CHECKING:  # PyG takes a second to import and planning does not need it
    from torch_geometric.data import HeteroData

__all__ = [
    "KNOWN_EDGES",
    "REACTION_EDGES",
    "RECEIVED_EDGES",
    "ContextGraph",
    "Edges",
    "Messages",
    "TrainingContexts",
    "select_edges",
    "used_sources",
]

KNOWN_EDGES: Final[tuple[EdgeType, ...]] = (
    ("system", "made_from", "precursor"),
    ("precursor", "makes", "system"),
    ("precursor", "used_with", "precursor"),
)
"""Types of the edges among what is known; messages run from the first to the last."""

RECEIVED_EDGES: Final[tuple[EdgeType, ...]] = (
    ("system", "similar", "target"),
    ("precursor", "makes", "target"),
    ("system", "made_from", "candidate"),
    ("precursor", "used_with", "candidate"),
    ("precursor", "similar", "candidate"),
)
"""Types of the edges by which targets and candidates receive from what is known."""

REACTION_EDGES: Final = (KNOWN_EDGES[0], KNOWN_EDGES[1], RECEIVED_EDGES[1], RECEIVED_EDGES[2])
"""Types of the edges that stand for reactions, whose columns may describe them."""

_NEAREST_SYSTEMS: Final = 16
_NEAREST_PRECURSORS: Final = 8
_SCALE: Final = 0.2
_BATCH_SIZE: Final = 512
_SYSTEMS: Final = "systems."
_FEATURES: Final = "features."


class Messages(NamedTuple):
    """Edges by type, as PyG's `HeteroConv` takes them.

    Attributes:
        edge_index: (2, edges) source and receiver.
        edge_weight: (edges,), which add up to 1 for each receiver.
        edge_attr: (edges, features) of `REACTION_EDGES`; empty where no column describes them.
    """

    edge_index: dict[EdgeType, Tensor]
    edge_weight: dict[EdgeType, Tensor]
    edge_attr: dict[EdgeType, Tensor]


@dataclass(frozen=True, eq=False)
class Edges:
    """Weighted edges of one type, by the node that receives.

    Attributes:
        sources: (edges,) int64 node that each comes from.
        weights: (edges,) float32; those of a receiver add up to 1.
        offsets: (receivers + 1,) int64, where the edges of each receiver begin.
        attributes: (edges, features) float32, None where no column describes them.
    """

    sources: Tensor
    weights: Tensor
    offsets: Tensor
    attributes: Tensor | None = None

    @classmethod
    def of(
        cls,
        receivers: NDArray[Any],
        sources: NDArray[Any],
        weights: NDArray[Any],
        *,
        count: int,
        attributes: Tensor | None = None,
    ) -> Edges:
        """Return edges (n,) of weights in any unit, and perhaps features (n, features), to `count` receivers."""
        order = np.argsort(receivers, kind="stable")
        receivers, sources, weights = receivers[order], sources[order], weights[order].astype(np.float64)
        total = np.bincount(receivers, weights=weights, minlength=count)
        offsets = np.searchsorted(receivers, np.arange(count + 1))
        shares = (weights / total[receivers]).astype(np.float32)
        ends = torch.from_numpy(sources.astype(np.int64)), torch.from_numpy(shares), torch.from_numpy(offsets)
        return cls(*ends, None if attributes is None else attributes[torch.from_numpy(order)])

    @classmethod
    def concat(cls, parts: Sequence[Edges]) -> Edges:
        """Return edges to the receivers of each part, one part behind the other."""
        degrees = torch.cat([part.offsets.diff() for part in parts])
        offsets = torch.cat([degrees.new_zeros(1), degrees.cumsum(0)])
        described = [part.attributes for part in parts if part.attributes is not None]
        return cls(
            torch.cat([part.sources for part in parts]),
            torch.cat([part.weights for part in parts]),
            offsets,
            torch.cat(described) if described else None,
        )

    def degrees(self, receivers: Tensor) -> Tensor:
        """Return the number of edges of some receivers (n,), -1 for one without any."""
        return torch.where(receivers >= 0, self.offsets[receivers + 1] - self.offsets[receivers], 0)

    def select(self, receivers: Tensor, *, count: int | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the edges of some receivers (n,), -1 for one without any.

        Args:
            receivers: (n,).
            count: number of these edges, if it is known, so that nothing waits for a device.

        Returns:
            index: (2, edges), source, and position among `receivers`.
            weights: (edges,).
            attributes: (edges, features), if they have any.
        """
        edges, rows = self.places(receivers, count=count)
        attributes = None if self.attributes is None else self.attributes[edges]
        return torch.stack([self.sources[edges], rows]), self.weights[edges], attributes

    def places(self, receivers: Tensor, *, count: int | None = None) -> tuple[Tensor, Tensor]:
        """Return the edges (edges,) of some receivers, and the position of each among these; see `select`."""
        degree = self.degrees(receivers)
        rows = torch.repeat_interleave(degree, output_size=count)
        within = torch.arange(len(rows), device=rows.device) - (degree.cumsum(0) - degree)[rows]
        return self.offsets[receivers][rows] + within, rows

    def to(self, device: torch.device) -> Edges:
        """Return the same on a device."""
        described = None if self.attributes is None else self.attributes.to(device)
        return Edges(self.sources.to(device), self.weights.to(device), self.offsets.to(device), described)


def select_edges(
    edges: Mapping[EdgeType, Edges],
    receivers: Mapping[str, Tensor],
    types: Sequence[EdgeType] = RECEIVED_EDGES,
    *,
    counts: Sequence[int] | None = None,
) -> Messages:
    """Return the edges of each type by which some nodes receive.

    Args:
        edges: of some or all types.
        receivers: (n,) rows of `edges` that receive, by node type; a type that is not named receives nothing.
        types: of the edges that are returned, empty where there are none.
        counts: number of these edges of each type, if it is known, so that nothing waits for a device.
    """
    device = next(iter(receivers.values())).device
    described = next((each.attributes for each in edges.values() if each.attributes is not None), None)
    found = Messages({}, {}, {})
    for kind, count in zip(types, counts or repeat(None), strict=False):
        found.edge_index[kind] = torch.empty(2, 0, dtype=torch.int64, device=device)
        found.edge_weight[kind] = torch.empty(0, device=device)
        if described is not None and kind in REACTION_EDGES:
            found.edge_attr[kind] = torch.empty(0, described.shape[1], device=device)
        if kind in edges and kind[2] in receivers:
            index, weights, attributes = edges[kind].to(device).select(receivers[kind[2]], count=count)
            found.edge_index[kind], found.edge_weight[kind] = index, weights
            if attributes is not None:
                found.edge_attr[kind] = attributes
    return found


def used_sources(index: Mapping[EdgeType, Tensor]) -> tuple[dict[str, Tensor], dict[EdgeType, Tensor]]:
    """Return the nodes (n,) of each type that send, and `edge_index` with the places of sources among these."""
    nodes, places = {}, dict(index)
    for kind in ("system", "precursor"):
        own = [edge for edge in index if edge[0] == kind]
        nodes[kind], found = torch.unique(torch.cat([index[edge][0] for edge in own]), return_inverse=True)
        for edge, sources in zip(own, found.split([index[edge].shape[1] for edge in own]), strict=True):
            places[edge] = torch.stack([sources, index[edge][1]])
    return nodes, places


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
        columns: Mapping[str, Any] | None = None,
    ) -> ContextGraph:
        """Return what `to_arrays` described.

        Args:
            vocabulary: the precursors.
            arrays: by their names in checkpoints.
            width: of the inputs.
            systems: the known systems, if they are not among the arrays.
            columns: what `GraphColumns.to_stored` returned, if columns describe nodes or edges.

        Raises:
            ValueError: an array is missing, unknown, or holds impossible values.
        """
        counted = {name.removeprefix(_SYSTEMS): a for name, a in arrays.items() if name.startswith(_SYSTEMS)}
        described = None if columns is None else GraphColumns.from_stored(columns)
        sizes = {} if described is None else described.sizes
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
        lengths["candidate"] = 0 if described is None else len(described.precursor_keys)
        x = {kind: _stored(arrays, f"x.{kind}", lengths[kind], width) for kind in ("system", "precursor")}
        features = {kind: _stored(arrays, f"{_FEATURES}{kind}", lengths[kind], size) for kind, size in sizes.items()}
        if described is not None and "candidate" in features:
            described = replace(described, values=features.pop("candidate").numpy())
        return cls(tuple(vocabulary), known, pairs, counts, x=x, columns=described, features=features)

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


@dataclass(frozen=True, eq=False)
class TrainingContexts:
    """The context of each fold of the training targets: the graph of its complement, from which it receives.

    No fold shares an element system or a paper with its graph. So a message to a training target says nothing of its
    label, and its precursors that occur nowhere else are as unknown as new ones.

    Attributes:
        graphs: of the complement of each fold, over all precursors of the training graph.
        edges: by which the targets of each fold receive, one fold behind the other, and all precursors once a fold.
        compositions: elements (n, k) and fractions (n, k) of the distinct systems of all graphs, most of which are in
            nearly all of them.
        systems: rows of `compositions` of the systems of each graph.
        folds: (targets,) int64 fold of each target, on the processor.
        rows: (targets,) int64 row of each target in `edges`.
    """

    graphs: tuple[ContextGraph, ...]
    edges: Mapping[EdgeType, Edges]
    compositions: tuple[Tensor, Tensor]
    systems: tuple[Tensor, ...]
    folds: Tensor
    rows: Tensor

    @classmethod
    def fit(
        cls, graph: ReactionGraph, folds: TrainingFolds, *, columns: GraphColumns | None = None
    ) -> TrainingContexts:
        """Build the graph of each fold's complement, and describe it by columns of the complement.

        Raises:
            DataError: a fold shares its papers with all other rows.
        """
        graphs, edges = [], []
        order = np.argsort(folds.targets, kind="stable")
        for fold, table in _separate(folds):
            context = ContextGraph.fit(table, graph.precursors, columns=columns)
            graphs.append(context)
            targets = [graph.targets[member] for member in order if folds.targets[member] == fold]
            edges.append(context.to_targets(targets) | context.to_candidates(graph.precursors))
        joined = {kind: Edges.concat([of_fold[kind] for of_fold in edges]) for kind in RECEIVED_EDGES}
        known = (torch.from_numpy(folds.targets), torch.from_numpy(np.argsort(order)))
        return cls(tuple(graphs), joined, *_distinct_systems(graphs), *known)

    def to(self, device: torch.device) -> TrainingContexts:
        """Return the same with what messages to targets and precursors need on a device."""
        return replace(
            self,
            edges={kind: each.to(device) for kind, each in self.edges.items()},
            systems=tuple(rows.to(device) for rows in self.systems),
            rows=self.rows.to(device),
        )

    def receivers(self, fold: int | Tensor, targets: Tensor, precursors: Tensor) -> dict[str, Tensor]:
        """Return the rows of `edges` of targets and of precursors (n,), by node type.

        Args:
            fold: of all precursors, or (n,) of each.
            targets: (m,) nodes.
            precursors: (n,) nodes.
        """
        return {"target": self.rows[targets], "candidate": fold * len(self.graphs[0].vocabulary) + precursors}

    def received(
        self, fold: int, targets: Tensor, precursors: Tensor, *, counts: Sequence[int] | None = None
    ) -> Messages:
        """Return the edges to targets of a fold and to precursors of the graph.

        Args:
            fold: of all the targets.
            targets: (n,) nodes.
            precursors: (m,) nodes.
            counts: see `select_edges`.
        """
        return select_edges(self.edges, self.receivers(fold, targets, precursors), counts=counts)


def _distinct_systems(graphs: Sequence[ContextGraph]) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, ...]]:
    """Return the distinct compositions of systems, and which of them those of each graph are."""
    sides = [graph.compositions for graph in graphs if graph.compositions is not None]
    width = max(elements.shape[1] for elements, _ in sides)
    rows = [torch.cat([pad(each.double(), (0, width - each.shape[1])) for each in side], dim=1) for side in sides]
    distinct, index = torch.unique(torch.cat(rows), dim=0, return_inverse=True)
    compositions = distinct[:, :width].long(), distinct[:, width:].float()
    return compositions, tuple(index.split([len(each) for each in rows]))


def _separate(folds: TrainingFolds) -> Iterator[tuple[int, ReactionTable]]:
    """Yield the complement of each fold, and make sure that they share neither element systems nor papers."""
    systems = np.array([str(system) for system in folds.table.element_systems])
    papers = folds.table.frame["doi"].dropna()
    for fold, table in folds.complements():
        own = folds.rows == fold
        if set(systems[own]) & set(map(str, table.element_systems)):
            raise DataError(f"Fold {fold} of the training rows shares an element system with its complement.")
        if set(papers[own[papers.index]]) & set(table.frame["doi"].dropna()):
            raise DataError(
                "Message passing needs training rows from several papers: all rows of some fold's complement are from "
                "papers that report the fold."
            )
        yield fold, table
