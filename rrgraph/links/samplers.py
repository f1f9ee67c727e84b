"""Negative sampling: draws precursors that are not recorded for the targets of positive links.

A sampler only says how much weight each precursor has for a target. The base class masks the known positives of
the training table and draws exactly the number asked for.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import normalize

from rrgraph.chem import ATOMIC_NUMBERS, VOLATILE
from rrgraph.errors import ConfigError, DataError
from rrgraph.graph import EDGE, PADDING, ReactionGraph
from rrgraph.util.registry import Registry
from rrgraph.util.settings import warn_renamed

if TYPE_CHECKING:
    from rrgraph.links.config import TrainingConfig

__all__ = ["SAMPLERS", "NegativeSampler", "make_sampler"]

# These may come from the atmosphere and match nearly everything.
_EXEMPT = tuple(ATOMIC_NUMBERS[symbol] for symbol in sorted(VOLATILE))


class NegativeSampler(ABC):
    """Draw negative precursors for positive links.

    Further keyword arguments of a sampler are options, which `training.sampler_options` sets.

    Args:
        graph: the training graph, whose edges are the known positives.
        inverse_temperature: how strongly a sampler prefers some negatives over others; unused by most.
        hardness: its earlier name, which samplers of other packages may still use.
    """

    def __init__(
        self, graph: ReactionGraph, *, inverse_temperature: float = 5.0, hardness: float | None = None
    ) -> None:
        self.inverse_temperature = inverse_temperature if hardness is None else hardness
        self.hardness = self.inverse_temperature
        self.precursors = len(graph.precursors)
        target, self._linked = graph.data[EDGE].edge_index  # sorted by target
        self._degree = torch.bincount(target, minlength=len(graph.targets))
        self._first = self._degree.cumsum(0) - self._degree
        self.prepare(graph)

    def prepare(self, graph: ReactionGraph) -> None:
        """Compute what `weights` needs from the graph."""

    def start_epoch(self, embeddings: Tensor) -> None:
        """Take note of the current embeddings (precursors, width) of all precursors."""

    needs_embeddings = False
    """Whether `start_epoch` uses the embeddings; computing them is skipped otherwise."""

    def positives(self, targets: Tensor) -> Tensor:
        """Return which precursors are linked to each target, (batch, precursors) bool."""
        degree = self._degree[targets]
        rows = torch.repeat_interleave(torch.arange(len(targets)), degree)
        within = torch.arange(len(rows)) - torch.repeat_interleave(degree.cumsum(0) - degree, degree)
        linked = torch.zeros(len(targets), self.precursors, dtype=torch.bool)
        linked[rows, self._linked[self._first[targets][rows] + within]] = True
        return linked

    @abstractmethod
    def weights(self, targets: Tensor) -> Tensor:
        """Return non-negative sampling weights (batch, precursors) for target nodes (batch,)."""

    def sample(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Draw `count` negatives for each target node.

        They are distinct where the target has that many eligible precursors, and drawn with replacement where it has
        fewer; a target to which the sampler gives no weight at all draws from every precursor that is not a known
        positive.

        Args:
            targets: (batch,) int64 target nodes.
            count: negatives for each.
            generator: source of randomness.

        Returns:
            (batch, count) int64 precursor nodes, none linked to its target in the training graph.

        Raises:
            ConfigError: `count` is not positive.
            DataError: a target is linked to every precursor.
        """
        if count < 1:
            raise ConfigError(f"training.negatives_per_positive={count} must be at least 1.")
        allowed = ~self.positives(targets)
        if not bool(allowed.any(1).all()):
            raise DataError("A target is linked to every precursor of the table, so it has no negative links.")
        weights = self.weights(targets) * allowed
        weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, allowed.to(weights.dtype))
        eligible = (weights > 0).sum(1)
        # Distinct draws in proportion to the weights: the largest keys log(w) + Gumbel noise.
        noise = torch.rand(weights.shape, generator=generator).clamp_min(1e-20)
        keys = weights.log() - (-noise.log()).log()
        drawn = keys.topk(min(count, self.precursors), dim=1).indices
        short = eligible < count
        if bool(short.any()):
            repeated = torch.multinomial(weights[short], count, replacement=True, generator=generator)
            drawn = torch.nn.functional.pad(drawn, (0, count - drawn.shape[1]))
            drawn[short] = repeated
        return drawn


SAMPLERS: Registry[type[NegativeSampler]] = Registry(
    "negative sampler",
    group="rrgraph.samplers",
    bases=(NegativeSampler,),
    given=("graph", "inverse_temperature", "hardness"),
)
"""Negative samplers by the name that `training.sampler` of a configuration takes."""


def make_sampler(config: TrainingConfig, graph: ReactionGraph) -> NegativeSampler:
    """Return the sampler of a configuration; one whose constructor still has the argument `hardness` gets that."""
    sampler, name = SAMPLERS[config.sampler], "inverse_temperature"
    if name not in inspect.signature(sampler).parameters:
        warn_renamed({"hardness": name}, f"the constructor of the negative sampler '{config.sampler}'")
        name = "hardness"
    return sampler(graph, **{name: config.inverse_temperature}, **config.sampler_options)


@SAMPLERS.register("uniform")
class UniformSampler(NegativeSampler):
    """Every precursor alike."""

    def weights(self, targets: Tensor) -> Tensor:
        return torch.ones(len(targets), self.precursors)


@SAMPLERS.register("popularity")
class PopularitySampler(NegativeSampler):
    """In proportion to a power of the number of linked targets.

    Args:
        graph: the training graph.
        inverse_temperature: unused.
        power: 3/4 as in word2vec, 0 for every precursor alike.
    """

    def __init__(self, graph: ReactionGraph, *, inverse_temperature: float = 5.0, power: float = 0.75) -> None:
        self.power = power
        super().__init__(graph, inverse_temperature=inverse_temperature)

    def prepare(self, graph: ReactionGraph) -> None:
        degree = torch.bincount(graph.data[EDGE].edge_index[1], minlength=self.precursors)
        self.popularity = degree.clamp_min(1).float() ** self.power

    def weights(self, targets: Tensor) -> Tensor:
        return self.popularity.expand(len(targets), -1)


@SAMPLERS.register("element_matched")
class ElementMatchedSampler(NegativeSampler):
    """Precursors that share an element other than C, H, O, N with the target: those that are feasible."""

    def prepare(self, graph: ReactionGraph) -> None:
        presence = []
        for kind in ("target", "precursor"):
            elements = graph.data[kind].elements
            present = torch.zeros(len(elements), int(elements.max()) + 1)
            present.scatter_(1, elements, 1.0)
            present[:, [number for number in (PADDING, *_EXEMPT) if number < present.shape[1]]] = 0
            presence.append(present)
        columns = max(present.shape[1] for present in presence)
        self.target_elements, self.precursor_elements = (
            torch.nn.functional.pad(present, (0, columns - present.shape[1])) for present in presence
        )

    def weights(self, targets: Tensor) -> Tensor:
        return (self.target_elements[targets] @ self.precursor_elements.T > 0).float()


@SAMPLERS.register("hard")
class HardSampler(NegativeSampler):
    """Weights exp(inverse temperature * cosine) by similarity to the recorded set, renewed every epoch (section 4.3).

    The recorded set stands for itself as the mean of its normalised embeddings; a target with several recorded
    sets is represented by all their members. Before the first epoch all precursors weigh the same.
    """

    needs_embeddings = True

    def prepare(self, graph: ReactionGraph) -> None:
        self.directions: Tensor | None = None

    def start_epoch(self, embeddings: Tensor) -> None:
        self.directions = normalize(embeddings, dim=1)

    def weights(self, targets: Tensor) -> Tensor:
        if self.directions is None:
            return torch.ones(len(targets), self.precursors)
        recorded = self.positives(targets).float()
        mean = normalize(recorded @ self.directions, dim=1)
        similarity = mean @ self.directions.T
        # Relative to the largest, so that nothing overflows.
        return (self.inverse_temperature * (similarity - similarity.amax(1, keepdim=True))).exp().clamp_min(1e-30)


@SAMPLERS.register("mixed")
class MixedSampler(ElementMatchedSampler):
    """Most of the weight on element-matched precursors, the rest on all, so that other elements are learned too.

    Draws are distinct, so a target with few matching precursors gets more of the others.

    Args:
        graph: the training graph.
        inverse_temperature: unused.
        matched_share: of the weight, from 0 to 1.
    """

    def __init__(self, graph: ReactionGraph, *, inverse_temperature: float = 5.0, matched_share: float = 0.75) -> None:
        if not 0 <= matched_share <= 1:
            raise ConfigError(
                f"Configuration value training.sampler_options.matched_share is {matched_share}, expected from 0 to 1."
            )
        self.matched_share = matched_share
        super().__init__(graph, inverse_temperature=inverse_temperature)

    def weights(self, targets: Tensor) -> Tensor:
        matched = super().weights(targets)
        share = self.matched_share / matched.sum(1, keepdim=True).clamp_min(1)
        return matched * share + (1 - self.matched_share) / self.precursors
