"""Candidate lists to learn from: every training target is planned and described as if it were new.

A decoder that did not learn from the target's element system scores its links, and counts without that system and the
papers of its fold describe its sets, so that the re-ranker learns from mistakes like those it has to correct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.data import LinkBatch, ReactionTable
from rrgraph.graph import (
    UNRELATED_LOGIT,
    KnownSystems,
    ReactionGraph,
    SetFrequencyFeatures,
    TrainingContexts,
    TrainingFeatures,
    TrainingFolds,
)
from rrgraph.links import FoldContexts, LinkModel
from rrgraph.nn import device_of
from rrgraph.planning import CandidateLists, LinkScorer, Planner, SetConstraints
from rrgraph.reranking.features import Energies, ListFeatures, describe_sets
from rrgraph.reranking.training import TrainingLists
from rrgraph.training import made_once
from rrgraph.util.progress import track

__all__ = ["CrossFittedLists", "held_out_logits", "paper_weights", "publication_weights", "set_frequencies"]

_BATCH_SIZE = 256
_BATCHES = 4
"""Batches of targets whose lists are kept together, a matter of seconds."""

_FIELDS = tuple(field.name for field in fields(ListFeatures))

Job = tuple[int, int | None]
"""A target of the graph and the known size of its sets, None where it is not known."""


class CrossFittedLists:
    """Candidate sets of the training targets by the decoders that did not learn from them.

    Args:
        graph: the training graph.
        folds: of its targets.
        features: frequency features of its related links.
        logits: (links,) of these links, see `held_out_logits`.
        rules: constraints, and number of most probable candidates, with the set size unknown (False) and known (True).
        candidates: sets of each list.
        energies: formation energies of targets and precursors, if they are known.
        groups: of further features, see `rrgraph.reranking.FEATURE_GROUPS`.
    """

    def __init__(
        self,
        graph: ReactionGraph,
        folds: TrainingFolds,
        features: TrainingFeatures,
        logits: NDArray[np.float64],
        *,
        rules: Mapping[bool, tuple[SetConstraints, int | None]],
        candidates: int,
        energies: Energies | None = None,
        groups: Sequence[str] = (),
    ) -> None:
        self.graph, self.folds, self.features, self.logits = graph, folds, features, logits
        self.rules, self.candidates, self.energies, self.groups = rules, candidates, energies, groups
        self.recorded: dict[int, list[tuple[int, ...]]] = {}
        for target, members, _ in graph.recorded_sets():
            self.recorded.setdefault(target, []).append(tuple(sorted(members)))
        self.jobs: dict[bool, list[Job]] = {
            False: [(target, None) for target in range(len(graph.targets))],
            True: list(dict.fromkeys((t, len(each)) for t, sets in sorted(self.recorded.items()) for each in sets)),
        }

    def training_lists(self, weights: Tensor, *, known_size: bool, folder: Path | None = None) -> TrainingLists:
        """Return the lists of all jobs, in order.

        Args:
            weights: (targets,) of each target of the graph.
            known_size: whether set sizes are known.
            folder: where lists are kept as they are made, so that an interrupted run need not make them again.
        """
        jobs = self.jobs[known_size]
        planner = self._planner(known_size=known_size)
        fold = self.folds.targets[[target for target, _ in jobs]]
        described: list[ListFeatures] = []
        recorded: list[Tensor] = []
        order: list[int] = []
        for number, table in self.folds.complements():
            frequencies = cache(partial(set_frequencies, table))
            places = np.flatnonzero(fold == number)
            batches = np.array_split(places, -(-len(places) // _BATCH_SIZE)) if len(places) else []
            for start in range(0, len(batches), _BATCHES):
                group = [[jobs[place] for place in batch] for batch in batches[start : start + _BATCHES]]
                name = f"lists_{'known' if known_size else 'open'}_{number}_{start}"
                made = made_once(folder, name, partial(self._lists, planner, group, frequencies))
                described.append(ListFeatures(**{name: made[name] for name in _FIELDS}))
                recorded.append(made["recorded"])
            order += places.tolist()
        features, sets = ListFeatures.concat(described).select(torch.from_numpy(np.argsort(order)))
        targets = torch.tensor([target for target, _ in jobs])
        return TrainingLists(features.half(), torch.cat(recorded)[sets], weights[targets])

    def plan(self, *, known_size: bool) -> tuple[list[list[tuple[int, ...]]], list[NDArray[np.int64]]]:
        """Return the most probable sets of each job, of related precursors, and the related links that compete."""
        return self._plan(self._planner(known_size=known_size), self.jobs[known_size])

    def _planner(self, *, known_size: bool) -> Planner:
        constraints, max_candidates = self.rules[known_size]
        scorer = _TrainingScorer(self.graph, self.features, self.logits)
        return Planner(scorer, self.graph.precursors, constraints, max_candidates=max_candidates)

    def _plan(
        self, planner: Planner, jobs: Sequence[Job]
    ) -> tuple[list[list[tuple[int, ...]]], list[NDArray[np.int64]]]:
        rankings = planner.rankings(
            [self.graph.targets[target] for target, _ in jobs], sizes=[size for _, size in jobs]
        )
        found, competing = [], []
        for (target, _), ranking in zip(jobs, track(rankings, "candidate sets", total=len(jobs)), strict=True):
            related = self.features.related(target).numpy()
            links = np.flatnonzero(np.isin(related, ranking.candidate_indices))
            usable = set(related[links].tolist())
            found.append([members for members in ranking.head(self.candidates) if usable.issuperset(members)])
            competing.append(int(self.features.offsets[target]) + links)
        return found, competing

    def _lists(
        self, planner: Planner, batches: Sequence[Sequence[Job]], frequencies: Callable[[], SetFrequencyFeatures]
    ) -> dict[str, Tensor]:
        """Return the features of the sets of batches of jobs in 16 bits, and which of the sets are recorded."""
        described, recorded = [], []
        for jobs in batches:
            sets, competing = self._plan(planner, jobs)
            described.append(self._describe(frequencies(), jobs, competing, sets).half())
            recorded += [
                members in self.recorded[target]
                for (target, _), found in zip(jobs, sets, strict=True)
                for members in found
            ]
        features = ListFeatures.concat(described)
        return {name: getattr(features, name) for name in _FIELDS} | {"recorded": torch.tensor(recorded)}

    def _describe(
        self,
        frequencies: SetFrequencyFeatures,
        jobs: Sequence[Job],
        competing: Sequence[NDArray[np.int64]],
        sets: Sequence[Sequence[tuple[int, ...]]],
    ) -> ListFeatures:
        related = np.concatenate(competing)
        targets = [target for target, _ in jobs]
        links = LinkBatch(
            [self.graph.targets[target] for target in targets],
            self.graph.precursors,
            target_index=np.repeat(np.arange(len(jobs)), [len(each) for each in competing]),
            candidate_index=self.features.precursors.numpy()[related],
        )

        def link_frequencies(used: LinkBatch) -> NDArray[np.float32]:
            positions = links.find(used.target_index, used.candidate_index)
            return self.features.features.numpy()[related[positions]].astype(np.float32)

        lists = CandidateLists(links, self.logits[related], sets, known_size=[size is not None for _, size in jobs])
        energies = None if self.energies is None else (self.energies[0][targets], self.energies[1])
        return describe_sets(lists, frequencies, link_frequencies, energies=energies, groups=self.groups)


class _TrainingScorer(LinkScorer):
    """The held-out logits of training links."""

    def __init__(self, graph: ReactionGraph, features: TrainingFeatures, logits: NDArray[np.float64]) -> None:
        self.graph, self.features, self.values = graph, features, logits

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        nodes = torch.tensor([self.graph.target_index[target.key] for target in targets])
        precursors = torch.tensor([self.graph.precursor_index[candidate.key] for candidate in candidates])
        found, link = self.features.find(nodes, precursors.expand(len(nodes), -1))
        return np.where(found.numpy(), self.values[link.numpy()], UNRELATED_LOGIT)


@torch.inference_mode()
def held_out_logits(
    model: LinkModel,
    folds: TrainingFolds,
    features: TrainingFeatures,
    targets: Tensor,
    precursors: Tensor,
    *,
    contexts: TrainingContexts | None = None,
) -> NDArray[np.float64]:
    """Return the logit (links,) of each related link by the decoder that did not learn from its target.

    Args:
        model: in evaluation mode.
        folds: of the training targets.
        features: frequency features of the related links.
        targets: (targets, width) embeddings.
        precursors: (precursors, width) embeddings.
        contexts: of the folds, for a model with a context.
    """
    device = device_of(model)
    held_out, precursors = torch.from_numpy(folds.targets % len(model.decoders)), precursors.to(device)
    values = np.empty(len(features.precursors))
    whole, of_folds = torch.arange(len(targets)), None
    parts = [whole]
    if contexts is not None:
        parts = [whole[contexts.folds == fold] for fold in range(folds.count)]
        of_folds = FoldContexts(model, contexts)
        of_folds.embed(precursors)
    batches = [(fold, batch) for fold, part in enumerate(parts) for batch in torch.split(part, _BATCH_SIZE)]
    for fold, batch in track(batches, "held-out links"):
        degree = features.offsets.diff()[batch]
        rows = torch.repeat_interleave(degree)
        links = torch.arange(len(rows)) - (degree.cumsum(0) - degree - features.offsets[batch])[rows]
        linked, given = features.precursors[links].to(device), features.features[links].to(device).float()
        nodes, sides = batch.to(device), (targets[batch].to(device), precursors)
        if of_folds is not None:
            sides = of_folds.states(fold, nodes, torch.arange(len(precursors), device=device), *sides)
        of_decoders = model.distinct_logits(*sides, rows.to(device), linked, given)
        values[links] = of_decoders.cpu().gather(0, held_out[batch[rows]][None])[0].double().numpy()
    return values


def set_frequencies(table: ReactionTable) -> SetFrequencyFeatures:
    """Return what the rows of a table count of sets, over their own precursors."""
    vocabulary = list(table.precursors().values())
    systems = KnownSystems.fit(table, {precursor.key: row for row, precursor in enumerate(vocabulary)})
    return SetFrequencyFeatures.fit(table, vocabulary, systems)


def publication_weights(table: ReactionTable, graph: ReactionGraph) -> Tensor:
    """Return a weight for each training target, smaller for those of papers that report many, (targets,).

    One over the square root of the number of rows of its paper, of the paper with the fewest if there are several.
    """
    weights = np.zeros(len(graph.targets), dtype=np.float32)
    np.maximum.at(weights, np.array([graph.target_index[key] for key in table.target_keys]), paper_weights(table))
    return torch.from_numpy(weights)


def paper_weights(table: ReactionTable) -> NDArray[np.float32]:
    """Return one over the square root of the number of rows of each row's paper, (rows,)."""
    papers = table.frame["doi"]
    rows = papers.map(papers.value_counts()).fillna(1).to_numpy(dtype=np.float32)
    weights: NDArray[np.float32] = rows**-0.5
    return weights
