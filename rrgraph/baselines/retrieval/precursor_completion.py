"""Masked precursor completion: an encoder whose embeddings are similar for targets with similar precursors.

It also predicts the precursors that most probably complete a partial set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from rrgraph.chem import ELEMENTS, Composition, anhydrous, fraction_matrix
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError, ModelError
from rrgraph.nn import device_of, select
from rrgraph.training import LoopConfig, Task, train

__all__ = ["CompletionEncoder"]

_RECONSTRUCTION = 0.5
"""Weight of the loss of the target's composition beside that of its precursors."""
_BATCH_SIZE = 4096


class CompletionEncoder:
    """The encoder of SynthesisSimilarity (He et al., Science Advances 2023, "Precursor recommendation for inorganic
    synthesis by machine learning materials similarity from scientific literature").

    A feed-forward network encodes the target's atomic fractions. It is trained on two tasks: to predict, from the
    embedding and a random subset of the precursor set, the other precursors of the set (attention over the target and
    the known precursors, then the circle loss over the training vocabulary), and to reconstruct the fractions.

    Departs from the paper: the third task, to predict the precursors' own compositions, is left out, and the circle
    loss has neither margin nor scale, so that there is nothing to tune. Embeddings are normalised during training,
    because they are compared by their cosine.
    """

    def __init__(self) -> None:
        self.vocabulary: tuple[Composition, ...] = ()
        """Training precursors, in order of their keys."""
        self._indices: dict[str, int] = {}
        self._network: _CompletionNetwork | None = None

    def fit(
        self,
        table: ReactionTable,
        *,
        width: int = 64,
        epochs: int = 30,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> Self:
        """Fit to the distinct reactions of a table, discarding any earlier fit, and return the encoder itself.

        Args:
            table: training reactions, and no others.
            width: dimension of the embedding.
            epochs: passes over the reactions.
            seed: of weights, order and masks; the global generator of torch is not changed.
            device: where it learns and predicts.

        Raises:
            DataError: the table has no rows.
        """
        if not len(table):
            raise DataError("Cannot fit the precursor completion encoder to a reaction table without rows.")
        precursors = table.precursors()
        self._indices = {key: index for index, key in enumerate(sorted(precursors))}
        self.vocabulary = tuple(precursors[key] for key in self._indices)
        reactions = table.distinct_reactions()
        fractions = torch.from_numpy(fraction_matrix([target for target, _ in reactions]))
        members = self._members([sorted(keys) for _, keys in reactions])
        config = LoopConfig(epochs=epochs, patience=0, learning_rate=2e-3, schedule="cosine", warmup=0.05)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = _CompletionNetwork(len(self.vocabulary), width).to(device)
            train(_CompletionTask(self._network, fractions, members, config), config, seed=seed)
        return self

    @torch.no_grad()
    def embed(self, compositions: Sequence[Composition]) -> Tensor:
        """Return the embedding of each composition, (n, width), of length 1.

        Raises:
            ModelError: the encoder has not been fitted.
        """
        network = self._fitted()
        return network.encode(torch.from_numpy(fraction_matrix(compositions)).to(device_of(network))).cpu()

    @torch.no_grad()
    def logits(self, targets: Sequence[Composition], known: Sequence[Collection[Composition]]) -> Tensor:
        """Return the logit of each precursor of the vocabulary as a completion of a partial set, (n, vocabulary).

        Args:
            targets: n materials to make.
            known: known precursors of each target, possibly none. Their logit is -inf; those outside the vocabulary
                are ignored.

        Raises:
            ModelError: the encoder has not been fitted.
        """
        network = self._fitted()
        device = device_of(network)
        fractions = torch.from_numpy(fraction_matrix(targets)).to(device)
        members = self._members([sorted(anhydrous(each).key for each in precursors) for precursors in known]).to(device)
        logits = []
        for start in range(0, len(targets), _BATCH_SIZE):
            batch = slice(start, start + _BATCH_SIZE)
            found = network.complete(network.encode(fractions[batch]), members[batch], members[batch] < 0)
            logits.append(_fill(found, members[batch], -torch.inf).cpu())
        return torch.cat(logits) if logits else torch.zeros(0, len(self.vocabulary))

    def complete(self, target: Composition, known: Collection[Composition], *, top: int = 10) -> list[Composition]:
        """Return the `top` precursors that most probably complete the `known` precursors of a set, best first.

        Raises:
            ModelError: the encoder has not been fitted.
        """
        logits = self.logits([target], [known])[0]
        best = logits.argsort(descending=True, stable=True)[:top].tolist()
        return [self.vocabulary[index] for index in best if logits[index] > -torch.inf]

    def _fitted(self) -> _CompletionNetwork:
        if self._network is None:
            raise ModelError("The precursor completion encoder has not been fitted to a reaction table.")
        return self._network

    def _members(self, sets: Sequence[Sequence[str]]) -> Tensor:
        """Return the indices of each set's precursors in the vocabulary, (n, largest), padded by -1."""
        indices = [[self._indices[key] for key in keys if key in self._indices] for keys in sets]
        members = torch.full((len(sets), max(map(len, indices), default=0)), -1)
        for row, found in enumerate(indices):
            members[row, : len(found)] = torch.tensor(found, dtype=torch.int64)
        return members


class _CompletionNetwork(nn.Module):
    """Encoder, completion and reconstruction.

    Args:
        precursors: size of the vocabulary.
        width: of the embedding.
    """

    def __init__(self, precursors: int, width: int) -> None:
        super().__init__()
        hidden = 4 * width
        self.scale = width**0.5
        self.encoder = nn.Sequential(nn.Linear(len(ELEMENTS), hidden), nn.GELU(), nn.Linear(hidden, width))
        self.reconstruct = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, len(ELEMENTS)))
        self.precursors = nn.Embedding(precursors, width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(2 * width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.bias = nn.Parameter(torch.full((precursors,), -3.0))

    def encode(self, fractions: Tensor) -> Tensor:
        """Return the embeddings (n, width), of length 1, of atomic fractions (n, elements)."""
        # Square roots increase the weight of dopants relative to the majority elements.
        return nn.functional.normalize(self.encoder(fractions.sqrt()), dim=-1)

    def complete(self, embeddings: Tensor, members: Tensor, masked: Tensor) -> Tensor:
        """Return the logits (n, vocabulary) of precursors.

        Args:
            embeddings: (n, width) of the targets.
            members: (n, m) indices of precursors in the vocabulary, padded by -1.
            masked: (n, m), which of them are hidden.
        """
        target = embeddings[:, None] * self.scale
        tokens = torch.cat([target, self.precursors(members.clamp_min(0))], dim=1)
        hidden = nn.functional.pad(masked, (1, 0), value=False)
        attention = (self.query(target) * self.key(tokens)).sum(dim=-1) / self.scale
        weights = attention.masked_fill(hidden, -torch.inf).softmax(dim=-1)
        context = (weights[..., None] * tokens).sum(dim=1)
        mixed: Tensor = self.mix(torch.cat([target[:, 0], context], dim=-1))
        return mixed @ self.precursors.weight.T + self.bias


class _CompletionTask(Task):
    """Learn to complete precursor sets and to reconstruct their targets.

    Args:
        module: the network.
        fractions: (reactions, elements) of the targets.
        members: (reactions, m) indices of their precursors, padded by -1.
        config: learning rate and batch size.
    """

    module: _CompletionNetwork

    def __init__(self, module: _CompletionNetwork, fractions: Tensor, members: Tensor, config: LoopConfig) -> None:
        self.module = module
        self._examples = tuple(each.to(device_of(module)) for each in (fractions, members))
        self.learning_rate, self.batch_size = config.learning_rate, config.batch_size

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.learning_rate}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        return torch.split(torch.randperm(len(self._examples[0]), generator=generator), self.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        fractions, members = select(self._examples, batch)
        masked = _mask(members, generator)
        embeddings = self.module.encode(fractions)
        logits = self.module.complete(embeddings, members, masked)
        given = members.masked_fill(masked, -1)
        wanted = members.masked_fill(~masked, -1)
        positive = torch.full_like(logits, -torch.inf)
        chosen = wanted.clamp_min(0)
        positive.scatter_reduce_(
            1, chosen, (-logits.gather(1, chosen)).masked_fill(wanted < 0, -torch.inf), "amax", include_self=True
        )
        negative = _fill(_fill(logits, given, -torch.inf), wanted, -torch.inf)
        circle: Tensor = nn.functional.softplus(positive.logsumexp(1)) + nn.functional.softplus(negative.logsumexp(1))
        log_fractions = self.module.reconstruct(embeddings * self.module.scale).log_softmax(dim=-1)
        reconstruction: Tensor = -(fractions * log_fractions).sum(dim=-1)
        return (circle + _RECONSTRUCTION * reconstruction).mean()


def _mask(members: Tensor, generator: torch.Generator) -> Tensor:
    """Draw which members are hidden, (n, m): at least one of each set, every number with the same probability."""
    present = members >= 0
    count = present.sum(dim=1, keepdim=True)
    # Drawn on the processor, so that it is the same everywhere.
    share, keys = (
        torch.rand(shape, generator=generator).to(members.device, non_blocking=True)
        for shape in (count.shape, members.shape)
    )
    hidden = 1 + (share * count).long().clamp(max=count - 1)
    order = keys.masked_fill(~present, 2.0).argsort(dim=1).argsort(dim=1)
    return (order < hidden) | ~present


def _fill(logits: Tensor, members: Tensor, value: float) -> Tensor:
    """Return the logits with `value` at the members, except for padding (-1)."""
    # Padding is written to an additional column.
    columns = torch.where(members < 0, logits.shape[1], members)
    return nn.functional.pad(logits, (0, 1)).scatter(1, columns, value)[:, :-1]
