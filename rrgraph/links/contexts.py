"""Contexts: message passing over the graph, between encoder and decoder.

A context receives from known element systems and precursors (`rrgraph.graph.ContextGraph`), whose states do not depend
on what is asked. The decoder scores what it makes of targets and candidates.
"""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from rrgraph.errors import ConfigError
from rrgraph.graph import KNOWN_EDGES, REACTION_EDGES, RECEIVED_EDGES, EdgeType, Messages
from rrgraph.nn import ModelConfig
from rrgraph.util.registry import Registry

__all__ = [
    "CONTEXTS",
    "NO_CONTEXT",
    "Context",
    "check_edge_features",
    "has_edge_features",
    "make_context",
    "send_messages",
]

NO_CONTEXT: Final = "none"
"""The context that leaves embeddings as they are."""

States = Mapping[str, Tensor]
"""States (nodes, width) by node type."""

PerEdge = Mapping[EdgeType, Tensor]
"""`edge_index` (2, edges), source and receiver; `edge_weight` (edges,), which add up to 1 for each receiver; or
`edge_attr` (edges, features) of `rrgraph.graph.REACTION_EDGES`, the features of columns."""


class Context(nn.Module, ABC):
    """Turn embeddings of targets and candidates into states with what their neighbours in the graph send.

    The arguments are those of PyG's `HeteroConv`, so that a context of PyG layers is short. Further keyword arguments
    of a context are options, which `model.context_options` sets.

    Features of nodes are in `x` already. A context whose `forward` has a further argument `edge_attr=None` takes
    features of edges (`data.edge_features`): of `rrgraph.graph.REACTION_EDGES`, (edges, features) each. So may `known`;
    and the constructor gets their number if it has a keyword `edge_features`, 0 for none.

    >>> import torch, rrgraph as rr
    >>> from torch_geometric.nn import HeteroConv, SAGEConv
    >>> class MaxContext(rr.links.Context):
    ...     def __init__(self, config, *, aggr="max"):
    ...         super().__init__(config)
    ...         size = (config.width, config.width)
    ...         self.conv = HeteroConv({e: SAGEConv(size, config.width, aggr=aggr) for e in rr.graph.RECEIVED_EDGES})
    ...     def forward(self, x, edge_index, edge_weight):
    ...         received = self.conv(x, edge_index)
    ...         return {side: x[side] + received[side].relu() for side in ("target", "candidate")}
    >>> context = MaxContext(rr.nn.ModelConfig(width=8))
    >>> x = {kind: torch.randn(3, 8) for kind in ("system", "precursor", "target", "candidate")}
    >>> edges = {kind: torch.tensor([[0, 1], [2, 2]]) for kind in rr.graph.RECEIVED_EDGES}
    >>> states = context(x, edges, {kind: torch.full((2,), 0.5) for kind in edges})
    >>> states["target"].shape
    torch.Size([3, 8])

    Args:
        config: of the model: width, heads, decoder_dropout.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.width = config.width

    def known(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        """Return the states of what is known, of any width; as it is by default.

        They do not depend on what is asked, so that they are computed once.

        Args:
            x: embeddings (nodes, width) of `system` and `precursor`.
            edge_index: (2, edges) of each of `rrgraph.graph.KNOWN_EDGES`.
            edge_weight: (edges,) of each.
        """
        return x

    @abstractmethod
    def forward(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        """Return the states (nodes, width) of `target` and `candidate`.

        The state of a node depends on its own embedding and what it receives alone; either type may have no nodes.

        Args:
            x: embeddings (nodes, width) of `target` and `candidate`, and of `system` and `precursor` what `known`
                returned.
            edge_index: (2, edges) of each of `rrgraph.graph.RECEIVED_EDGES`.
            edge_weight: (edges,) of each.
        """


CONTEXTS: Registry[type[Context]] = Registry(
    "context", group="rrgraph.contexts", bases=(Context,), given=("config", "edge_features")
)
"""Contexts by the name that `model.context` of a configuration takes."""


def check_edge_features(name: str) -> None:
    """Refuse a context that takes no features of edges.

    Raises:
        ConfigError: naming those that do.
    """
    if not has_edge_features(CONTEXTS[name].forward):
        taking = []
        for other in CONTEXTS:
            with suppress(ConfigError):  # of a package that cannot be used, which is not asked for
                taking += [other] if has_edge_features(CONTEXTS[other].forward) else []
        raise ConfigError(
            f"data.edge_features needs a context that takes features of edges, and model.context={name} does not: "
            f"expected {' or '.join(taking)}."
        )


@cache
def has_edge_features(function: Callable[..., object]) -> bool:
    """Whether a method of a context has an argument for features of edges."""
    return "edge_attr" in inspect.signature(function).parameters


def send_messages(context: Context, x: States, messages: Messages, *, known: bool = False) -> States:
    """Return what a context makes of messages, those among what is known or those to targets and candidates.

    Features of edges are left out where it takes none.
    """
    kind = type(context).known if known else type(context).forward
    method: Callable[..., States] = context.known if known else context
    index, weight, attributes = messages
    if attributes and has_edge_features(kind):
        return method(x, index, weight, edge_attr=attributes)
    return method(x, index, weight)


def make_context(config: ModelConfig, *, edge_features: int = 0) -> Context:
    """Return the context of a configuration.

    Args:
        config: of the model.
        edge_features: number of features of each edge between systems and precursors.

    Raises:
        ConfigError: there are some, and the context takes none.
    """
    if edge_features:
        check_edge_features(config.context)
    context, given = CONTEXTS[config.context], {}
    if "edge_features" in inspect.signature(context).parameters:
        given["edge_features"] = edge_features
    with warnings.catch_warnings():
        # Of PyG, which expects that every type of node receives.
        warnings.filterwarnings("ignore", "There exist node types")
        return context(config, **given, **config.context_options)


@CONTEXTS.register(NO_CONTEXT)
class NoContext(Context):
    """Embeddings as they are: no message is passed."""

    def forward(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        return x


class _Layered(Context):
    """Layers whose output is added to their input: the last one to targets and candidates, those before to the known.

    Args:
        config: of the model.
        layers: number of layers; more than one tends to overfit.
    """

    def __init__(self, config: ModelConfig, *, layers: int = 1) -> None:
        super().__init__(config)
        if layers < 1:
            raise ConfigError(f"model.context_options.layers={layers} must be at least 1.")
        self.config = config
        self.inner = nn.ModuleList(self.layer(KNOWN_EDGES) for _ in range(layers - 1))
        self.outer = self.layer(RECEIVED_EDGES)
        self.dropout = nn.Dropout(config.decoder_dropout)

    @abstractmethod
    def layer(self, edges: Sequence[EdgeType]) -> nn.Module:
        """Return a layer that is called like a context and returns what each type of receiver receives."""

    def known(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        for layer in self.inner:
            x = self._add(x, layer(x, edge_index, edge_weight))
        return x

    def forward(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        return self._add(x, self.outer(x, edge_index, edge_weight))

    def _add(self, x: States, received: States) -> States:
        return {kind: x[kind] + self.dropout(gelu(update)) for kind, update in received.items()}


def _mean(x: States, edge: EdgeType, edge_index: PerEdge, edge_weight: PerEdge, *, count: int) -> Tensor:
    """Return the weighted mean (count, width) of what each node receives by one type of edge, 0 for none."""
    source, receiver = edge_index[edge]
    sent = x[edge[0]]
    mean = sent.new_zeros(count, sent.shape[1])
    return mean.index_add(0, receiver, sent[source] * edge_weight[edge][:, None])


class _Means(nn.Module):
    """A matrix for the receiver itself and one for the weighted mean of each type of edge.

    Args:
        edges: types of edges.
        width: of the receivers.
        inputs: width of what they receive, the same by default.
    """

    def __init__(self, edges: Sequence[EdgeType], width: int, *, inputs: int | None = None) -> None:
        super().__init__()
        self.edges = tuple(edges)
        self.own = nn.ModuleDict({kind: nn.Linear(width, width) for kind in dict.fromkeys(e[2] for e in edges)})
        self.others = nn.ModuleDict({_name(edge): nn.Linear(inputs or width, width, bias=False) for edge in edges})

    def forward(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        received = {kind: own(x[kind]) for kind, own in self.own.items()}
        for edge in self.edges:
            mean = _mean(x, edge, edge_index, edge_weight, count=len(x[edge[2]]))
            received[edge[2]] = received[edge[2]] + self.others[_name(edge)](mean)
        return received


def _name(edge: EdgeType) -> str:
    return "__".join(edge)


@CONTEXTS.register("sage")
class SageContext(_Layered):
    """Weighted means, each type of edge with a matrix of its own (GraphSAGE, Hamilton et al. 2017)."""

    def layer(self, edges: Sequence[EdgeType]) -> nn.Module:
        return _Means(edges, self.width)


@CONTEXTS.register("hops")
class HopsContext(_Layered):
    """Means of neighbours and of their neighbours, which learn nothing, under one layer (SIGN, Frasca et al. 2020).

    Args:
        config: of the model.
        hops: how far a receiver sees; 1 is `sage` with one layer.
    """

    def __init__(self, config: ModelConfig, *, hops: int = 2) -> None:
        if hops < 1:
            raise ConfigError(f"model.context_options.hops={hops} must be at least 1.")
        self.hops = hops
        super().__init__(config)

    def layer(self, edges: Sequence[EdgeType]) -> nn.Module:
        return _Means(edges, self.width, inputs=self.hops * self.width)

    def known(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        hops = [x]
        for _ in range(self.hops - 1):
            last, following = hops[-1], {}
            for kind, states in x.items():
                edges = [edge for edge in KNOWN_EDGES if edge[2] == kind]
                means = (_mean(last, edge, edge_index, edge_weight, count=len(states)) for edge in edges)
                following[kind] = sum(means, states.new_zeros(())) / len(edges)
            hops.append(following)
        return {kind: torch.cat([each[kind] for each in hops], dim=1) for kind in x}


@CONTEXTS.register("gatv2")
class Gatv2Context(_Layered):
    """Attention to neighbours that depends on both ends and on the edge (GATv2, Brody et al. 2022).

    Of an edge, its weight and what columns say of it.

    Args:
        config: of the model.
        edge_features: number of features of each edge between systems and precursors.
        heads: of the attention.
        layers: number of layers; more than one tends to overfit.
    """

    def __init__(self, config: ModelConfig, *, edge_features: int = 0, heads: int = 4, layers: int = 1) -> None:
        self.heads, self.edge_features = _checked_heads(heads, config), edge_features
        super().__init__(config, layers=layers)

    def layer(self, edges: Sequence[EdgeType]) -> nn.Module:
        return _Attention(edges, self.width, self.heads, edge_features=self.edge_features)

    def known(self, x: States, edge_index: PerEdge, edge_weight: PerEdge, edge_attr: PerEdge | None = None) -> States:
        return super().known(x, edge_index, _with_weights(edge_attr, edge_weight))

    def forward(self, x: States, edge_index: PerEdge, edge_weight: PerEdge, edge_attr: PerEdge | None = None) -> States:
        return super().forward(x, edge_index, _with_weights(edge_attr, edge_weight))


def _with_weights(edge_attr: PerEdge | None, edge_weight: PerEdge) -> PerEdge:
    """Return the logarithms of weights beside the features of edges, (edges, 1 + features)."""
    logs = {edge: weight.clamp_min(1e-6).log()[:, None] for edge, weight in edge_weight.items()}
    return logs | {edge: torch.cat([logs[edge], values], dim=1) for edge, values in (edge_attr or {}).items()}


class _Attention(nn.Module):
    def __init__(self, edges: Sequence[EdgeType], width: int, heads: int, *, edge_features: int) -> None:
        # It takes a second, and models without it do without PyG.
        from torch_geometric.nn import GATv2Conv, HeteroConv

        super().__init__()
        self.own = nn.ModuleDict({kind: nn.Linear(width, width) for kind in dict.fromkeys(e[2] for e in edges)})
        sizes = {edge: 1 + edge_features * (edge in REACTION_EDGES) for edge in edges}
        self.conv = HeteroConv(
            {
                edge: GATv2Conv((width, width), width // heads, heads, edge_dim=size, add_self_loops=False)
                for edge, size in sizes.items()
            }
        )

    def forward(self, x: States, edge_index: PerEdge, edge_attr: PerEdge) -> States:
        received = self.conv(x, edge_index, edge_attr_dict=edge_attr)
        return {kind: own(x[kind]) + received[kind] for kind, own in self.own.items()}


@CONTEXTS.register("hgt")
class HgtContext(_Layered):
    """A heterogeneous graph transformer, whose attention knows the types of nodes and edges (HGT, Hu et al. 2020).

    Args:
        config: of the model.
        heads: of the attention.
        layers: number of layers; more than one tends to overfit.
    """

    def __init__(self, config: ModelConfig, *, heads: int = 4, layers: int = 1) -> None:
        self.heads = _checked_heads(heads, config)
        super().__init__(config, layers=layers)

    def layer(self, edges: Sequence[EdgeType]) -> nn.Module:
        return _Transformer(edges, self.width, self.heads)


class _Transformer(nn.Module):
    def __init__(self, edges: Sequence[EdgeType], width: int, heads: int) -> None:
        from torch_geometric.nn import HGTConv

        super().__init__()
        kinds = list(dict.fromkeys(kind for edge in edges for kind in (edge[0], edge[2])))
        self.conv = HGTConv(width, width, (kinds, list(edges)), heads)

    def forward(self, x: States, edge_index: PerEdge, edge_weight: PerEdge) -> States:
        received: States = self.conv(x, edge_index)
        return received


def _checked_heads(heads: int, config: ModelConfig) -> int:
    if heads < 1 or config.width % heads:
        raise ConfigError(f"model.context_options.heads={heads} must divide model.width={config.width}.")
    return heads
