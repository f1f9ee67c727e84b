"""Negative sampling: draws precursors that are not recorded for the targets of positive links.

A sampler says how precursors are drawn for a target. The base class leaves out repetitions and the known positives of
the training table, and gives exactly the number asked for.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from rrgraph.chem import ATOMIC_NUMBERS, VOLATILE
from rrgraph.errors import ConfigError, DataError
from rrgraph.graph import EDGE, PADDING, ReactionGraph
from rrgraph.nn import widest_float
from rrgraph.util.registry import Registry
from rrgraph.util.settings import warn_renamed

if TYPE_CHECKING:
    from rrgraph.links.config import TrainingConfig

__all__ = ["SAMPLERS", "NegativeSampler", "make_sampler"]

_SURPLUS: Final = 2
"""Proposals for each negative that is asked for, since some are recorded or come again."""

_TRIES: Final = 8
"""Draws for each element-matched proposal of a mixture, so that hardly any is lost and shares are kept."""

_HARD_POOL: Final = 4096
"""Precursors that compete as hard negatives of some hundred links."""

_HARD_LINKS: Final = 256
"""Links whose hard negatives compete with each other."""

_PROPOSALS: Final = 2**17
"""Proposals that are drawn at a time; some samplers draw several times as many to choose from."""

_DENSE_BATCH_SIZE: Final = 20_000_000
"""Weights that are held at a time where a target needs those of all precursors."""

# These may come from the atmosphere and match nearly everything.
_EXEMPT = tuple(ATOMIC_NUMBERS[symbol] for symbol in sorted(VOLATILE))


class NegativeSampler(ABC):
    """Draw negative precursors for positive links.

    A sampler defines `propose`, which draws some precursors at a cost that does not depend on how many there are, or
    `weights` alone, from which all are weighed. Both are asked for nodes, and answer, on the device of the sampler, and
    should not wait for it. Further keyword arguments of a sampler are options, which `training.sampler_options` sets.

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
        target, self._linked = graph.data[EDGE].edge_index  # sorted by target, then by precursor
        self._degree = torch.bincount(target, minlength=len(graph.targets))
        self._most = int(self._degree.max())
        self._first = self._degree.cumsum(0) - self._degree
        self._codes = target * self.precursors + self._linked
        self.prepare(graph)

    def to(self, device: torch.device) -> Self:
        """Move all tensors to a device, on which negatives are then drawn, and return the sampler itself."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                dtype = widest_float(device) if value.dtype == torch.float64 else value.dtype
                setattr(self, name, value.to(device, dtype))
        return self

    def prepare(self, graph: ReactionGraph) -> None:
        """Compute what `propose` or `weights` needs from the graph."""

    def start_epoch(self, embeddings: Tensor) -> None:
        """Take note of the current embeddings (precursors, width) of all precursors."""

    needs_embeddings = False
    """Whether `start_epoch` uses the embeddings; computing them is skipped otherwise."""

    def positives(self, targets: Tensor) -> Tensor:
        """Return which precursors are linked to each target, (batch, precursors) bool."""
        within = torch.arange(self._most, device=targets.device)
        place = (self._first[targets, None] + within).clamp_max(len(self._linked) - 1)
        # What is beyond the last link of a target goes to a column of its own.
        linked = torch.where(within < self._degree[targets, None], self._linked[place], self.precursors)
        found = torch.zeros(len(targets), self.precursors + 1, dtype=torch.bool, device=targets.device)
        return found.scatter_(1, linked, value=True)[:, :-1]

    @abstractmethod
    def weights(self, targets: Tensor) -> Tensor:
        """Return non-negative sampling weights (batch, precursors) for target nodes (batch,)."""

    def propose(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor | None:
        """Draw precursors in proportion to `weights`, independently of each other, recorded ones among them.

        Returns:
            (batch, count) int64, -1 where a draw gave nothing; None for a sampler that only has weights.
        """
        return None

    def sample(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Draw `count` negatives for each target node.

        They are distinct where the target has that many eligible precursors, and drawn with replacement where it has
        fewer; a target to which the sampler gives no weight at all draws from every precursor that is not a known
        positive. However many targets there are, this waits once for the device.

        Args:
            targets: (batch,) int64 target nodes, on the device of the sampler.
            count: negatives for each.
            generator: source of randomness, on the same device.

        Returns:
            (batch, count) int64 precursor nodes, none linked to its target in the training graph.

        Raises:
            ConfigError: `count` is not positive.
            DataError: a target is linked to every precursor.
        """
        if count < 1:
            raise ConfigError(f"training.negatives_per_positive={count} must be at least 1.")
        if self._most >= self.precursors and bool((self._degree[targets] >= self.precursors).any()):
            raise DataError("A target is linked to every precursor of the table, so it has no negative links.")
        number = _SURPLUS * count + _SURPLUS
        parts = [self.propose(part, number, generator) for part in torch.split(targets, max(1, _PROPOSALS // number))]
        proposed = [part for part in parts if part is not None]
        if proposed:
            drawn, complete = self._first_distinct(targets, torch.cat(proposed), count)
            # Those with hardly any eligible precursor.
            short = (~complete).nonzero().flatten()
        else:
            drawn = targets.new_empty(len(targets), count)
            short = torch.arange(len(targets), device=targets.device)
        for rows in torch.split(short, max(1, _DENSE_BATCH_SIZE // self.precursors)):
            drawn[rows] = self._sample_all(targets[rows], count, generator)
        return drawn

    def _first_distinct(self, targets: Tensor, proposed: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the first `count` distinct negatives (batch, count) of each row, and which rows have so many."""
        codes = targets[:, None] * self.precursors + proposed
        link = torch.searchsorted(self._codes, codes).clamp_max(len(self._codes) - 1)
        usable = (proposed >= 0) & (self._codes[link] != codes)
        # What comes again stands behind its first occurrence in a stable order.
        order = proposed.argsort(dim=1, stable=True)
        ranked = proposed.gather(1, order)
        again = torch.zeros_like(usable)
        again.scatter_(1, order[:, 1:], ranked[:, 1:] == ranked[:, :-1])
        usable &= ~again
        chosen = (~usable).to(torch.uint8).argsort(dim=1, stable=True)[:, :count]
        return proposed.gather(1, chosen), usable.sum(1) >= count

    def _sample_all(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Draw by the weights of all precursors."""
        allowed = ~self.positives(targets)
        weights = self.weights(targets) * allowed
        weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, allowed.to(weights.dtype))
        eligible = (weights > 0).sum(1)
        # Distinct draws in proportion to the weights: the largest keys log(w) + Gumbel noise.
        noise = _uniform(weights, weights.shape, generator).clamp_min(1e-20)
        keys = weights.log() - (-noise.log()).log()
        drawn = pad(keys.topk(min(count, self.precursors), dim=1).indices, (0, max(0, count - self.precursors)))
        return torch.where(eligible[:, None] < count, _choose(weights, count, generator), drawn)


def _uniform(beside: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return random numbers from 0 to 1 on the device of another tensor."""
    return torch.rand(shape, generator=generator, device=beside.device)


def _draw(beside: Tensor, shape: Sequence[int], number: int | Tensor, generator: torch.Generator) -> Tensor:
    """Return random whole numbers below `number`, which is the same for all or broadcasts to the shape; 0 below 1."""
    drawn = (_uniform(beside, shape, generator).to(widest_float(beside.device)) * number).long()
    highest = number - 1
    limited = torch.minimum(drawn, highest) if isinstance(highest, Tensor) else drawn.clamp_max(highest)
    return limited.clamp_min(0)


def _choose(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw (rows, count) columns in proportion to weights (rows, columns), independently of each other.

    Unlike `torch.multinomial` it asks the device for nothing.
    """
    ends = weights.to(widest_float(weights.device)).cumsum(1)
    drawn = _uniform(weights, (len(weights), count), generator).to(ends.dtype) * ends[:, -1:]
    return torch.searchsorted(ends, drawn, right=True).clamp_max(weights.shape[1] - 1)


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
        return torch.ones(len(targets), self.precursors, device=targets.device)

    def propose(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return _draw(targets, (len(targets), count), self.precursors, generator)


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
        self._cumulative = self.popularity.double().cumsum(0)

    def weights(self, targets: Tensor) -> Tensor:
        return self.popularity.expand(len(targets), -1)

    def propose(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
        drawn = _uniform(targets, (len(targets), count), generator).to(self._cumulative.dtype) * self._cumulative[-1]
        return torch.searchsorted(self._cumulative, drawn, right=True).clamp_max(self.precursors - 1)


@SAMPLERS.register("element_matched")
class ElementMatchedSampler(NegativeSampler):
    """Precursors that share an element other than C, H, O, N with the target: those that are feasible."""

    def prepare(self, graph: ReactionGraph) -> None:
        self._target_elements, self._precursor_elements = (_presence(graph, side) for side in ("target", "precursor"))
        # The precursors of each element, one element behind the other, and the elements of each precursor.
        element, self._members = self._precursor_elements.T.nonzero().T
        self._sizes = torch.bincount(element, minlength=self._precursor_elements.shape[1])
        self._starts = self._sizes.cumsum(0) - self._sizes
        most = int(self._precursor_elements.sum(1).max())
        self._elements = self._precursor_elements.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :most]
        self._elements[~self._precursor_elements.gather(1, self._elements)] = PADDING

    def weights(self, targets: Tensor) -> Tensor:
        return (self._target_elements[targets].float() @ self._precursor_elements.T.float() > 0).float()

    def propose(self, targets: Tensor, count: int, generator: torch.Generator, *, tries: int = 1) -> Tensor:
        """Draw as `NegativeSampler.propose` says; what shares several elements is refused as often, and drawn anew."""
        own = self._target_elements[targets]
        ends = (own * self._sizes).cumsum(1)
        place = _draw(targets, (len(targets), count * tries), ends[:, -1:], generator)
        element = torch.searchsorted(ends, place, right=True).clamp_max(ends.shape[1] - 1)
        within = place - (ends.gather(1, element) - self._sizes[element])
        drawn = self._members[(self._starts[element] + within).clamp(0, len(self._members) - 1)]
        shared = own.gather(1, self._elements[drawn].flatten(1)).view(*drawn.shape, -1).sum(2)
        kept = (ends[:, -1:] > 0) & (_uniform(shared, shared.shape, generator) * shared < 1)
        kept, drawn = (each.view(len(targets), count, tries) for each in (kept, drawn))
        first = kept.to(torch.uint8).argmax(2, keepdim=True)
        return torch.where(kept.any(2), drawn.gather(2, first).squeeze(2), -1)


def _presence(graph: ReactionGraph, node_type: str) -> Tensor:
    """Return (nodes, elements) bool, without the elements that may come from the atmosphere."""
    elements = graph.data[node_type].elements
    present = torch.zeros(len(elements), len(ATOMIC_NUMBERS) + 1, dtype=torch.bool, device=elements.device)
    present.scatter_(1, elements, value=True)
    present[:, [PADDING, *_EXEMPT]] = False
    return present


@SAMPLERS.register("hard")
class HardSampler(NegativeSampler):
    """Weights exp(inverse temperature * cosine) by similarity to the recorded set, renewed every epoch (section 4.3).

    The recorded set stands for itself as the mean of its normalised embeddings; a target with several recorded
    sets is represented by all their members. Before the first epoch all precursors weigh the same. Of more than 4,096
    precursors a random part of that number competes for each 256 links.
    """

    needs_embeddings = True

    def prepare(self, graph: ReactionGraph) -> None:
        self.directions: Tensor | None = None
        self._means = torch.empty(0)

    def start_epoch(self, embeddings: Tensor) -> None:
        self.directions = normalize(embeddings, dim=1)
        sums = self.directions.new_zeros(len(self._degree), self.directions.shape[1])
        for codes in torch.split(self._codes, _DENSE_BATCH_SIZE // sums.shape[1]):
            sums.index_add_(0, codes // self.precursors, self.directions[codes % self.precursors])
        self._means = normalize(sums, dim=1)

    def weights(self, targets: Tensor) -> Tensor:
        return self._weights(targets, None)

    def propose(self, targets: Tensor, count: int, generator: torch.Generator) -> Tensor | None:
        """Draw among a random part of very many precursors; weigh all of fewer."""
        if self.precursors <= _HARD_POOL:
            return None
        parts = []
        for part in torch.split(targets, _HARD_LINKS):
            pool = _draw(part, (_HARD_POOL,), self.precursors, generator)
            parts.append(pool[_choose(self._weights(part, pool), count, generator)])
        return torch.cat(parts)

    def _weights(self, targets: Tensor, pool: Tensor | None) -> Tensor:
        """Return the weights (batch, n) of all precursors or of some."""
        if self.directions is None:
            return torch.ones(len(targets), self.precursors if pool is None else len(pool), device=targets.device)
        similarity = self._means[targets] @ (self.directions if pool is None else self.directions[pool]).T
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

    def propose(self, targets: Tensor, count: int, generator: torch.Generator, *, tries: int = _TRIES) -> Tensor:
        matched = super().propose(targets, count, generator, tries=tries)
        others = _draw(targets, matched.shape, self.precursors, generator)
        without = ~(self._target_elements[targets] & (self._sizes > 0)).any(1, keepdim=True)
        chosen = (_uniform(targets, matched.shape, generator) < self.matched_share) & ~without
        return torch.where(chosen, matched, others)
