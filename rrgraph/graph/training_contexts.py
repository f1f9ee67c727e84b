"""What training targets receive from: the graph of the complement of each fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph.build import ReactionGraph
from rrgraph.graph.columns import GraphColumns
from rrgraph.graph.context import ContextGraph
from rrgraph.graph.cross_fitting import TrainingFolds
from rrgraph.graph.hetero import EdgeType
from rrgraph.graph.messages import RECEIVED_EDGES, Edges, Messages, select_edges

__all__ = ["TrainingContexts"]


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
