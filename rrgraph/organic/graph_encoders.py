"""Encoders of products by messages between their atoms (GINE, Hu et al., ICLR 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu

from rrgraph.errors import ConfigError
from rrgraph.nn import Inputs
from rrgraph.organic.chemistry.molecular_graphs import ATOM_CATEGORIES, BOND_CATEGORIES, molecular_graphs
from rrgraph.organic.config import TextEncoderConfig
from rrgraph.organic.encoders import TEXT_ENCODERS, FingerprintEncoder, TextEncoder

__all__ = ["GraphEncoder", "GraphFingerprintEncoder"]

_PARTS: Final = 4
"""Tensors of a molecular graph."""


@TEXT_ENCODERS.register("graph")
class GraphEncoder(TextEncoder):
    """Graph isomorphism layers over atoms and bonds, then attention over all atoms of a molecule; products only."""

    def __init__(self, side: str, config: TextEncoderConfig, state: Mapping[str, Any], *, width: int) -> None:
        super().__init__(side, config, state, width=width)
        if side != "product":
            raise ConfigError(
                f"The encoder '{config.encoder}' is for products only; use fingerprint, transformer or table for "
                "templates."
            )
        from torch_geometric.nn import AttentionalAggregation, GINEConv

        self.atoms = nn.ModuleList(nn.Embedding(count, config.hidden) for count in ATOM_CATEGORIES)
        self.bonds = nn.ModuleList(nn.Embedding(count, config.hidden) for count in BOND_CATEGORIES)
        self.layers = nn.ModuleList(
            GINEConv(
                nn.Sequential(
                    nn.Linear(config.hidden, 2 * config.hidden), nn.GELU(), nn.Linear(2 * config.hidden, config.hidden)
                )
            )
            for _ in range(config.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(config.hidden) for _ in range(config.layers))
        self.pool = AttentionalAggregation(nn.Linear(config.hidden, 1), nn.Linear(config.hidden, config.hidden))
        self.project = nn.Linear(config.hidden, width)

    def inputs(self, texts: Sequence[str]) -> Inputs:
        return molecular_graphs(texts)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.pooled(self.atom_states(*inputs), inputs[1])

    def atom_states(self, *inputs: Tensor) -> Tensor:
        """Return the states (atoms, hidden) of the atoms of n molecules, molecule after molecule."""
        atoms, atom_counts, bonds, bond_counts = inputs
        first = atom_counts.cumsum(0) - atom_counts
        categories = atoms[_present(atoms, atom_counts)].long()
        found = bonds[_present(bonds, bond_counts)].long()
        ends = found[:, :2] + first.repeat_interleave(bond_counts)[:, None]
        edges = torch.cat([ends.T, ends.T.flip(0)], dim=1)
        states: Tensor = _sum_of(self.atoms, categories)
        between = _sum_of(self.bonds, found[:, 2:]).repeat(2, 1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            change = dropout(gelu(layer(norm(states), edges, between)), self.config.dropout, self.training)
            states = states + change
        return states

    def pooled(self, states: Tensor, atom_counts: Tensor) -> Tensor:
        """Return the embeddings (n, width) of molecules with the states of their atoms and how many each has."""
        molecules = torch.arange(len(atom_counts), device=states.device)
        pooled = self.pool(states, molecules.repeat_interleave(atom_counts), dim_size=len(atom_counts))
        embeddings: Tensor = self.project(dropout(pooled, self.config.dropout, self.training))
        return embeddings

    def upper_parameters(self) -> Sequence[nn.Parameter]:
        upper = self.layers[len(self.layers) // 2 :]
        return [*upper.parameters(), *self.pool.parameters(), *self.project.parameters()]


@TEXT_ENCODERS.register("graph_fingerprint")
class GraphFingerprintEncoder(TextEncoder):
    """The sum of the vectors of a graph encoder and a fingerprint encoder; products only."""

    def __init__(self, side: str, config: TextEncoderConfig, state: Mapping[str, Any], *, width: int) -> None:
        super().__init__(side, config, state, width=width)
        self.graph = GraphEncoder(side, config, state, width=width)
        self.fingerprint = FingerprintEncoder(side, config, state, width=width)

    def inputs(self, texts: Sequence[str]) -> Inputs:
        return (*self.graph.inputs(texts), *self.fingerprint.inputs(texts))

    def forward(self, *inputs: Tensor) -> Tensor:
        embeddings: Tensor = self.graph(*inputs[:_PARTS]) + self.fingerprint(*inputs[_PARTS:])
        return embeddings

    def upper_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.graph.upper_parameters(), *self.fingerprint.upper_parameters()]


def _present(table: Tensor, counts: Tensor) -> Tensor:
    """Return which places of padded rows are taken, (n, length) bool."""
    return torch.arange(table.shape[1], device=table.device) < counts[:, None]


def _sum_of(embeddings: nn.ModuleList, categories: Tensor) -> Tensor:
    """Return the sum of the vectors of each row's categories, (rows, hidden)."""
    return torch.stack([each(categories[:, column]) for column, each in enumerate(embeddings)]).sum(0)
