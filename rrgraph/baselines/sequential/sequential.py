"""Sequential generation: a precursor set is generated member by member, each conditional on those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.baselines.base import BASELINES, SetBaseline, SetRequest
from rrgraph.baselines.embeddings import Embedder
from rrgraph.baselines.sequential.beam import BeamRules, Choose, beam_search
from rrgraph.baselines.sequential.model import NextMember, SequenceRows, SequenceTask
from rrgraph.chem import Composition, source_elements
from rrgraph.data import PrecursorSet, ReactionTable, Split
from rrgraph.models import DEFAULT_ENCODER, load_encoder
from rrgraph.nn import choose_device
from rrgraph.planning import CandidateFilter, Feasible, Proposal, SetConstraints
from rrgraph.training import LoopConfig, train

__all__ = ["Sequential"]


@BASELINES.register("sequential")
class Sequential(SetBaseline):
    """Sequential generation after section 4.2 of Retro-Rank-In ("Suitability of sequence models").

    The set is empty at first. At each step a feed-forward network scores every candidate from the embeddings of the
    target, of the candidate and of the mean of the members chosen so far, from the number of members, and from counts
    of the missing elements and of those that the candidate would supply; stopping is scored as one more candidate. The
    softmax of the scores is the conditional probability of the next member (`NextMember`). The probability of a set is
    the sum over all orders of its members. Embeddings are those of a frozen pretrained encoder, so a candidate that
    no training row uses is scored like any other.

    Competing candidates, both in training and in planning, supply an element that the target needs and contain none
    that is foreign to it. Members of a training row are in random order, drawn again each epoch: a set has no order,
    and probabilities are summed over all orders, so none should be preferred; in a canonical order, rare precursors
    would always come last. Decoding is a beam search over partial sets that can still cover the target's elements
    (`beam_search`). The probability of a set includes that of stopping after it. A known set size does not change that
    and only drops sets of other sizes: to exclude stopping earlier would favour sets that were complete with fewer
    members.

    Departs from the paper: it gives one paragraph and the accuracies on distinct reactions (18.7 / 34.7 / 39.8 / 43.8 %
    for top-1/3/5/10). Network, order, negatives, stop choice and search are therefore our own, and so are the counts of
    missing elements, without which they would have to be inferred from the mean of embeddings. The encoder is not
    fine-tuned, since according to the paper there are too few rows for a larger model. The search only generates valid
    sets; a system that drops invalid sets afterwards would list fewer.

    Args:
        seed: of the weights, the orders and the shuffling.
        encoder: pretrained encoder, a bundled name or a run folder.
        hidden: width of the two hidden layers.
        dropout: of the hidden layers.
        epochs: passes over the training rows; with validation rows the best epoch is kept.
        batch_size: rows in a batch.
        learning_rate: at its highest, before it falls to zero along a cosine.
        weight_decay: of AdamW.
        beam: number of partial sets of each size that the search keeps.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "sequential"
    probabilistic = True

    def __init__(
        self,
        *,
        seed: int = 0,
        encoder: str = DEFAULT_ENCODER,
        hidden: int = 256,
        dropout: float = 0.2,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.02,
        beam: int = 16,
        device: str = "auto",
    ) -> None:
        super().__init__()
        self.seed, self.encoder, self.beam, self.device = seed, encoder, beam, choose_device(device)
        self.hidden, self.dropout = hidden, dropout
        self.loop = LoopConfig(
            epochs=epochs,
            patience=0,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            schedule="cosine",
            warmup=0.05,
            ema_decay=0.99,
            monitor="log_probability",
        )
        self._embed: Embedder | None = None
        self._model: NextMember | None = None

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        self._embed = embed = Embedder(load_encoder(self.encoder, device=str(self.device)))
        validation = split.validation if split is not None and len(split.validation) else None
        precursors = list(table.precursors().values())
        rows = _rows(table, precursors, precursors, embed)
        held_out = None
        if validation is not None:
            known = [*precursors, *validation.precursors().values()]
            held_out = _rows(validation, precursors, known, embed)
            precursors = known
        vocabulary = embed(precursors)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            embeddings = torch.cat([rows.targets, vocabulary])
            model = NextMember(embeddings, hidden=self.hidden, dropout=self.dropout).to(self.device)
            train(SequenceTask(model, vocabulary, rows, held_out, self.loop), self.loop, seed=self.seed)
        self._model = model

    def _propose(self, request: SetRequest) -> list[list[Proposal]]:
        model, embed = self._model, self._embed
        assert model is not None and embed is not None
        competing = CandidateFilter(request.candidates, replace(request.constraints, foreign=False))
        found = []
        with torch.inference_mode():
            targets = model.standardised(embed(request.targets).to(self.device))
            candidates = model.standardised(embed(competing.candidates).to(self.device))
            projected = model.candidate(candidates)
            for row, (target, sizes) in enumerate(zip(request.targets, request.sizes, strict=True)):
                feasible = competing.feasible(target)
                members = [competing.candidates[index] for index in feasible.indices]
                columns = torch.from_numpy(feasible.indices).to(self.device)
                choose = _choices(
                    model,
                    (
                        targets[row : row + 1],
                        candidates[columns][None],
                        projected[columns][None],
                        _bits(target, members)[None].to(self.device),
                    ),
                )
                sets = beam_search(choose, _rules(feasible, sizes), width=self.beam, number=request.number)
                found.append(
                    [Proposal(PrecursorSet([members[index] for index in chosen]), log) for log, chosen in sets]
                )
        return found


def _rows(
    table: ReactionTable, competing: Sequence[Composition], vocabulary: Sequence[Composition], embed: Embedder
) -> SequenceRows:
    """Return the rows of a table; all recorded precursors are in `vocabulary`, and `competing` are its first ones."""
    column: dict[str, int] = {}
    for index, precursor in enumerate(vocabulary):
        column.setdefault(precursor.key, index)
    usable = CandidateFilter(competing, SetConstraints())
    feasible = {target.key: usable.feasible(target).indices.tolist() for target in table.targets}
    lists = []
    for target, keys in zip(table.targets, table.set_keys, strict=True):
        own = sorted(column[key] for key in keys)
        lists.append([*own, *(index for index in feasible[target.key] if index not in own)])
    widest = max(map(len, lists))
    found = [_bits(target, [vocabulary[i] for i in each]) for target, each in zip(table.targets, lists, strict=True)]
    bits = torch.zeros(len(lists), widest, max(each.shape[1] for each in found))
    for row, each in enumerate(found):
        bits[row, : each.shape[0], : each.shape[1]] = each
    return SequenceRows(
        targets=embed(table.targets),
        candidates=torch.tensor([each + [-1] * (widest - len(each)) for each in lists]),
        bits=bits,
        members=torch.tensor([len(keys) for keys in table.set_keys]),
    )


def _bits(target: Composition, candidates: Sequence[Composition]) -> Tensor:
    """Return which source elements of a target each candidate supplies, (n, e) float."""
    elements = sorted(source_elements(target))
    bits = [[symbol in candidate.elements for symbol in elements] for candidate in candidates]
    return torch.tensor(bits, dtype=torch.float32).reshape(len(candidates), len(elements))


def _rules(feasible: Feasible, sizes: Sequence[int]) -> BeamRules:
    elements = np.arange(feasible.need.bit_length())
    bits = (feasible.masks[:, None] >> elements & 1).astype(bool)
    exclusive = np.array([feasible.exclusive >> element & 1 for element in elements.tolist()], dtype=bool)
    return BeamRules(bits=bits, sizes=sizes, exclusive=exclusive, required=feasible.required)


def _choices(model: NextMember, given: tuple[Tensor, Tensor, Tensor, Tensor]) -> Choose:
    """Return a function with the probability of each candidate of a target as the next member.

    Args:
        model: the trained model.
        given: the first four arguments of `NextMember.forward`, for one target.
    """
    candidates, device = given[1].shape[1], given[1].device

    def choose(members: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        chosen = torch.zeros(len(members), candidates, dtype=torch.bool).scatter_(1, torch.from_numpy(members), True)
        row, column = (~chosen).nonzero(as_tuple=True)
        chosen, row, column = (each.to(device) for each in (chosen, row, column))
        logits = model(*given, chosen, (row, column)).cpu().double()
        logs = logits.log_softmax(1).numpy()
        return logs[:, :-1], logs[:, -1]

    return choose
