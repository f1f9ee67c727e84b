"""The link model: a composition encoder, contexts and link decoders as one module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from rrgraph.errors import ConfigError
from rrgraph.graph import FREQUENCY_FEATURES, ContextGraph, Messages, featurise, used_sources
from rrgraph.links.contexts import NO_CONTEXT, Context, make_context, send_messages
from rrgraph.links.decoders import DECODERS, LinkDecoder
from rrgraph.nn import ENCODERS, ModelConfig, device_of, encode_by_length, half_precision

__all__ = ["LinkModel", "is_unseen"]

_USED, _SHARED = (FREQUENCY_FEATURES.index(name) for name in ("used", "shared"))


class LinkModel(nn.Module):
    """One composition encoder for both sides, and link decoders, each with its context, whose logits are averaged.

    Args:
        config: every choice, recorded with the weights.
        features: number of features of columns for the node types `system`, `precursor` and `candidate`, and for
            `edge`; see `rrgraph.graph.GraphColumns.sizes`.

    Raises:
        ConfigError: fewer than one decoder; encoder, decoder or context are unknown; or the context takes no features
            of edges.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, config: ModelConfig, *, features: Mapping[str, int] | None = None) -> None:
        super().__init__()
        if config.n_decoders < 1:
            raise ConfigError(f"model.n_decoders={config.n_decoders} must be at least 1.")
        self.config = config
        self.encoder = ENCODERS[config.encoder](config, **config.encoder_options)
        statistics = len(FREQUENCY_FEATURES) if config.statistics else 0
        decoder = DECODERS[config.decoder]
        self.decoders = nn.ModuleList(
            decoder(config, statistics=statistics, **config.decoder_options) for _ in range(config.n_decoders)
        )
        # One for each decoder: through a shared context, a decoder would learn from targets that it must not see.
        sizes = dict(features or {})
        edges = sizes.pop("edge", 0)
        self.contexts = nn.ModuleList(make_context(config, edge_features=edges) for _ in range(config.n_decoders))
        self.inputs = nn.ModuleList(
            _feature_inputs(sizes, config.width) for _ in range(config.n_decoders if sizes else 0)
        )
        self.register_buffer("shift", torch.zeros(statistics))
        self.register_buffer("scale", torch.ones(statistics))

    @property
    def uses_context(self) -> bool:
        """Whether messages are passed between encoder and decoder."""
        return self.config.context != NO_CONTEXT

    def standardise(self, statistics: Tensor) -> None:
        """Scale link features to mean 0 and standard deviation 1 over these links (n, statistics) from now on."""
        self.shift.copy_(statistics.mean(0))
        self.scale.copy_(statistics.std(0, correction=0).clamp_min(1e-3))

    def encode(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the embeddings (n, width) of compositions (n, k)."""
        embeddings: Tensor = self.encoder(elements, fractions)
        return embeddings

    @torch.no_grad()
    def with_inputs(self, graph: ContextGraph) -> ContextGraph:
        """Return a context graph with the inputs of its messages, if it has none yet."""
        if graph.x is not None:
            return graph
        assert graph.compositions is not None
        sides = graph.compositions, featurise(graph.vocabulary)
        return graph.with_inputs(*(encode_by_length(self.encoder, *side, device=device_of(self)) for side in sides))

    def known_states(
        self, messages: Messages, x: Mapping[str, Tensor], features: Mapping[str, Tensor] | None = None
    ) -> list[Mapping[str, Tensor]]:
        """Return the states of what is known by node type, for each context.

        Args:
            messages: of each of `rrgraph.graph.KNOWN_EDGES`.
            x: embeddings (nodes, width) by node type.
            features: (nodes, features) of columns by node type, for a model that takes them.
        """
        with half_precision(device_of(self), "full"):
            return [
                send_messages(context, self._inputs(number, x, features or {}), messages, known=True)
                for number, context in enumerate(self._contexts())
            ]

    def _contexts(self) -> list[Context]:
        return cast(list[Context], [*self.contexts])

    def _inputs(self, number: int, x: Mapping[str, Tensor], features: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the inputs of a context: embeddings, and what is made of the features of the same nodes."""
        if not self.inputs:
            return x
        made = cast(nn.ModuleDict, self.inputs[number])
        return {**x, **{kind: x[kind] + made[kind](values) for kind, values in features.items() if kind in made}}

    def states(
        self,
        known: Sequence[Mapping[str, Tensor]],
        received: Messages,
        targets: Tensor,
        candidates: Tensor,
        *,
        features: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the states (contexts, n, width) of targets and of candidates for each context.

        Args:
            known: states of what is known, for each context.
            received: of each of `rrgraph.graph.RECEIVED_EDGES`.
            targets: embeddings (targets, width).
            candidates: embeddings (candidates, width).
            features: (candidates, features) of columns, for a model that takes them.
        """
        x = {"target": targets.float(), "candidate": candidates.float()}
        own = {} if features is None else {"candidate": features}
        if not self.training:  # what nobody receives from need not be transformed for each query
            nodes, index = used_sources(received.edge_index)
            received = received._replace(edge_index=index)
            known = [{kind: states[nodes[kind]] for kind, states in of.items()} for of in known]
        with half_precision(targets.device, "full"):
            found = [
                send_messages(context, {**of, **self._inputs(number, x, own)}, received)
                for number, (context, of) in enumerate(zip(self._contexts(), known, strict=True))
            ]
        return torch.stack([each["target"] for each in found]), torch.stack([each["candidate"] for each in found])

    def forward(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the logits (pairs,) of links, averaged over the decoders; see `member_logits`."""
        return self.member_logits(targets, precursors, statistics).mean(0)

    def member_logits(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the logits (decoders, pairs) of each decoder.

        Args:
            targets: (pairs, width) embeddings, or (decoders, pairs, width) states from the context of each decoder.
            precursors: likewise.
            statistics: (pairs, features) of the links.
        """
        scaled = self._scaled(statistics)
        sides = zip(self.decoders, self._each(targets), self._each(precursors), strict=True)
        return torch.stack([decoder(t, p, scaled) for decoder, t, p in sides])

    def of_sides(self, targets: Tensor, precursors: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `pair_logits` needs of targets and of precursors, (decoders, n, width) each.

        They are given as to `member_logits`.
        """
        decoders = self._decoders()
        return (
            torch.stack([each.of_targets(own) for each, own in zip(decoders, self._each(targets), strict=True)]),
            torch.stack([each.of_precursors(own) for each, own in zip(decoders, self._each(precursors), strict=True)]),
        )

    def pair_logits(
        self, targets: Tensor, precursors: Tensor, rows: Tensor, columns: Tensor, statistics: Tensor | None = None
    ) -> Tensor:
        """Return the logits (decoders, pairs) of links as `member_logits`, rounding aside.

        Args:
            targets: (decoders, t, width) from `of_sides`.
            precursors: (decoders, c, width) likewise.
            rows: (pairs,) target of each link.
            columns: (pairs,) its precursor.
            statistics: (pairs, features) of the links.
        """
        scaled, sides = self._scaled(statistics), zip(self._decoders(), targets, precursors, strict=True)
        # The gradient of index_select takes less time than that of an index in brackets.
        pairs = ((decoder, t.index_select(0, rows), p.index_select(0, columns)) for decoder, t, p in sides)
        return torch.stack([decoder.of_pairs(t, p, scaled) for decoder, t, p in pairs])

    def distinct_logits(
        self, targets: Tensor, precursors: Tensor, rows: Tensor, columns: Tensor, statistics: Tensor | None = None
    ) -> Tensor:
        """Return what `pair_logits` does, of embeddings or states as they are given to `member_logits`.

        What depends on one side alone is computed once for each node and not for each pair.
        """
        return self.pair_logits(*self.of_sides(targets, precursors), rows, columns, statistics)

    def _decoders(self) -> list[LinkDecoder]:
        return cast(list[LinkDecoder], [*self.decoders])

    def _each(self, side: Tensor) -> Tensor:
        """Return the states (decoders, n, width) of one side; embeddings are those of all decoders."""
        return side if side.dim() == 3 else side.expand(len(self.decoders), -1, -1)

    def _scaled(self, statistics: Tensor | None) -> Tensor | None:
        return None if statistics is None else (statistics - self.shift) / self.scale


def _feature_inputs(sizes: Mapping[str, int], width: int) -> nn.ModuleDict:
    """Return a matrix for the features of nodes of each type, 0 at first: learning begins as it does without them."""
    made = nn.ModuleDict({kind: nn.Linear(size, width, bias=False) for kind, size in sizes.items()})
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    return made


def is_unseen(statistics: Tensor) -> Tensor:
    """Return which links (links,) lead to a candidate that could be used and never was, by their frequency features."""
    return (statistics[:, _USED] == 0) & (statistics[:, _SHARED] > 0)
