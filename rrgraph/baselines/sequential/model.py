"""The network of sequential generation, which scores the next member of a precursor set, and its training task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rrgraph.nn import device_of
from rrgraph.training import LoopConfig, Task

__all__ = ["NextMember", "SequenceRows", "SequenceTask"]

_COUNTED = 8


class NextMember(nn.Module):
    """Scores of the next member of a partial set.

    A feed-forward network over the target, a candidate, the mean of the chosen members (zero if there are none), their
    number, the number of source elements of the target that are still missing, and, for the candidate, how many of
    these it would supply, how many it would supply again and whether none would be left. Stopping is one more
    candidate, with a learned vector instead of an embedding.

    Args:
        embeddings: (n, width) of compositions, by which inputs are standardised.
        hidden: width of the hidden layers.
        dropout: of the hidden layers.
    """

    def __init__(self, embeddings: Tensor, *, hidden: int, dropout: float) -> None:
        super().__init__()
        width = embeddings.shape[1]
        self.center = nn.Buffer(embeddings.mean(0))
        self.scale = nn.Buffer(embeddings.std(0, correction=0).clamp(min=1e-3))
        self.target = nn.Linear(width, hidden)
        self.candidate = nn.Linear(width, hidden, bias=False)
        self.chosen = nn.Linear(width, hidden, bias=False)
        self.number = nn.Embedding(_COUNTED + 1, hidden)
        self.missing = nn.Embedding(_COUNTED + 1, hidden)
        self.supplied = nn.Linear(3, hidden, bias=False)
        self.stop = nn.Parameter(torch.zeros(hidden))
        self.score = nn.Sequential(
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )

    def standardised(self, embeddings: Tensor) -> Tensor:
        """Return embeddings (..., width) standardised for `forward`."""
        return (embeddings - self.center) / self.scale

    def forward(
        self,
        targets: Tensor,
        embeddings: Tensor,
        projected: Tensor,
        bits: Tensor,
        chosen: Tensor,
        scored: tuple[Tensor, Tensor],
    ) -> Tensor:
        """Return logits (b, n + 1), the last of them of stopping.

        Args:
            targets: (b or 1, width) standardised.
            embeddings: (b or 1, n, width) of the candidates, standardised.
            projected: (b or 1, n, hidden), what `candidate` makes of them.
            bits: (b or 1, n, e) float, 1 where a candidate supplies a source element of the target.
            chosen: (b, n) bool, which candidates are members so far.
            scored: rows and columns (pairs,) of the candidates that may be next; all others get -infinity.
        """
        number = chosen.sum(1)
        member = chosen[:, None].float()
        lacking = 1 - (member @ bits).squeeze(1).clamp(max=1)
        left = lacking.sum(1)
        new = (bits @ lacking[..., None]).squeeze(-1)
        again = bits.sum(2) - new
        state = (
            self.target(targets)
            + self.chosen((member @ embeddings).squeeze(1) / number.clamp(min=1)[:, None])
            + self.number(number.clamp(max=_COUNTED))
            + self.missing(left.long().clamp(max=_COUNTED))
        )
        row, column = scored
        counts = torch.stack([new, again, (new == left[:, None]).float()], dim=2)[row, column]
        inner = projected.expand(len(chosen), -1, -1)[row, column] + self.supplied(counts) + state[row]
        scores: Tensor = self.score(torch.cat([inner, self.stop + state])).squeeze(-1)
        logits = scores.new_full((len(chosen), chosen.shape[1] + 1), -torch.inf)
        logits[row, column] = scores[: len(row)]
        logits[:, -1] = scores[len(row) :]
        return logits


@dataclass(frozen=True, eq=False)
class SequenceRows:
    """Rows to learn from or to validate on.

    Attributes:
        targets: (rows, width) embeddings.
        candidates: (rows, n) possible members, the recorded ones first, as indices in a vocabulary, padded by -1.
        bits: (rows, n, e) float, 1 where a candidate supplies a source element of the target.
        members: (rows,) number of recorded members.
    """

    targets: Tensor
    candidates: Tensor
    bits: Tensor
    members: Tensor

    def __len__(self) -> int:
        return len(self.targets)


class SequenceTask(Task):
    """Learn the next member of recorded sets in random order.

    In each epoch there is one partial set for each row: the first k members of a newly drawn order, k from none to all.
    The next one in a random order may be any of the others, so the loss is the mean of their cross-entropies; after all
    of them it is that of stopping. Weighted by the number of steps, this is the expected loss of the whole sequence.

    Args:
        module: what learns.
        vocabulary: (candidates, width) embeddings.
        train: rows to learn from.
        validation: rows whose loss chooses the epoch, if any.
        config: learning rate and batch size.
    """

    module: NextMember

    def __init__(
        self,
        module: NextMember,
        vocabulary: Tensor,
        train: SequenceRows,
        validation: SequenceRows | None,
        config: LoopConfig,
    ) -> None:
        self.module, self.config = module, config
        self.train, self.validation = train, validation
        self.device = device_of(module)
        self._vocabulary = module.standardised(vocabulary.to(self.device))

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.config.learning_rate}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        return torch.split(torch.randperm(len(self.train), generator=generator), self.config.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        return self._loss(self.train, batch, generator)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        # The same partial sets every time, so that epochs can be compared.
        generator = torch.Generator().manual_seed(0)
        rows = torch.arange(len(self.validation)).repeat(4)
        batches = torch.split(rows, 512)
        losses = [float(self._loss(self.validation, batch, generator)) * len(batch) for batch in batches]
        return {self.config.monitor: -sum(losses) / len(rows)}

    def _loss(self, rows: SequenceRows, batch: Tensor, generator: torch.Generator) -> Tensor:
        candidates = rows.candidates[batch]
        present = candidates >= 0
        width = int(present.sum(1).max())
        candidates, present, bits = candidates[:, :width], present[:, :width], rows.bits[batch, :width]
        recorded = torch.arange(width) < rows.members[batch][:, None]
        steps = rows.members[batch] + 1
        chosen = _partial_sets(recorded, steps, generator)
        # All of this on the processor: the rows of a large table would not fit on a device.
        scored = (present & ~chosen).nonzero(as_tuple=True)
        targets, candidates, bits, recorded, steps, chosen, row, column = (
            each.to(self.device, non_blocking=True)
            for each in (rows.targets[batch], candidates, bits, recorded, steps, chosen, *scored)
        )
        embeddings, projected = self._vocabulary[candidates], self.module.candidate(self._vocabulary)[candidates]
        logits = self.module(self.module.standardised(targets), embeddings, projected, bits, chosen, (row, column))
        labels = torch.nn.functional.pad(recorded & ~chosen, (0, 1))
        labels[:, -1] = ~labels.any(1)
        losses: Tensor = -logits.log_softmax(1).masked_fill(~labels, 0.0).sum(1) / labels.sum(1)
        return (losses * steps).sum() / steps.sum()


def _partial_sets(recorded: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the number and the choice of the members chosen so far among the recorded ones (b, n), (b, n) bool."""
    number = (torch.rand(len(recorded), generator=generator) * steps).long()
    drawn = torch.rand(recorded.shape, generator=generator).masked_fill(~recorded, 2.0)
    return recorded & (drawn.argsort(1).argsort(1) < number[:, None])
