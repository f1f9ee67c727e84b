"""The second stage of a run: a trained link model flows in, a calibrated ranker of whole sets flows out.

Every target of the training table is planned by a decoder, and described by counts, that never met its element system,
so that the set scorer learns from mistakes like those it has to correct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.evaluation import PROTOCOLS, Protocol
from rrgraph.graph import KnownSystems, ReactionGraph, SetFrequencyFeatures, TrainingFeatures
from rrgraph.links import LinkModel
from rrgraph.models import UNRELATED_LOG_ODDS, LinkCheckpoint, Model, energy_head
from rrgraph.planning import LISTWISE, LinkScorer, Planner, TargetLinks
from rrgraph.properties import EnergyHead
from rrgraph.reranking import (
    CandidateLists,
    EnsembleReranker,
    ListwiseNetwork,
    RerankingTask,
    describe_sets,
    fit_temperature,
    fit_trees,
)
from rrgraph.runs.config import RunConfig
from rrgraph.runs.data import Prepared, candidate_pool
from rrgraph.training import History, train
from rrgraph.util.progress import track

__all__ = ["calibrate", "publication_weights", "train_sets"]

_CHUNK = 256


def train_sets(
    config: RunConfig, prepared: Prepared, checkpoint: LinkCheckpoint, *, folder: Path | None, resume: bool
) -> tuple[LinkCheckpoint, History]:
    """Add to a link model a set scorer that learned from the candidate sets of the training targets.

    Args:
        config: of the run, with `sets.enabled`.
        prepared: its data.
        checkpoint: the trained first stage.
        folder: where the training state is kept.
        resume: go on from that state.
    """
    assert prepared.statistics is not None
    options = config.sets.training
    # A fine-tuned encoder has moved away from the head that was learned with it.
    energy = energy_head(config.model) if config.training.encoder_learning_rate == 0 else None
    lists = _CrossFitted(prepared, checkpoint, energy, options.candidates)
    described, right = map(list, zip(*(lists.describe(told=told) for told in (False, True)), strict=True))
    of_targets = publication_weights(prepared.split.train, prepared)
    weights = [of_targets, of_targets[torch.from_numpy(lists.told_targets)]]
    trees = None
    if config.sets.trees.number:
        trees = fit_trees(described, right, weights, config.sets.trees, seed=config.seed)
    torch.manual_seed(config.seed)
    scorer = ListwiseNetwork(config.sets.model)
    task = RerankingTask(scorer, described, right, weights, options)
    history = train(task, options, seed=config.seed, state_folder=folder, resume=resume)
    statistics = SetFrequencyFeatures.fit(prepared.split.train, prepared.graph.precursors, prepared.statistics.systems)
    ranker = EnsembleReranker(
        scorer,
        statistics,
        candidates=options.candidates,
        energy=energy,
        trees=trees,
        tree_weight=config.sets.trees.weight,
        temperature=options.temperature or 1.0,
        told_temperature=options.told_temperature or options.temperature or 1.0,
    )
    whole = replace(checkpoint, ranker=ranker)
    validation = prepared.split.validation
    if options.temperature == 0 and len(validation):
        whole = calibrate(whole, validation, candidate_pool(prepared.graph.precursors, validation))
    return whole, history


def publication_weights(table: ReactionTable, prepared: Prepared) -> Tensor:
    """Return a weight for each training target, smaller for those of papers that report many, (targets,).

    One over the square root of the number of rows of its paper, of the paper with the fewest if there are several.
    """
    papers = table.frame["doi"]
    rows = papers.map(papers.value_counts()).fillna(1).to_numpy(dtype=np.float32)
    weights = np.zeros(len(prepared.graph.targets), dtype=np.float32)
    targets = np.array([prepared.graph.target_index[key] for key in table.target_keys])
    np.maximum.at(weights, targets, rows**-0.5)
    return torch.from_numpy(weights)


class _CrossFitted:
    """Candidate sets of the training targets by the decoders that did not learn from them."""

    def __init__(
        self, prepared: Prepared, checkpoint: LinkCheckpoint, energy: EnergyHead | None, candidates: int
    ) -> None:
        assert prepared.link_statistics is not None and prepared.folds is not None
        self.candidates = candidates
        self.graph, self.folds, self.statistics = prepared.graph, prepared.folds, prepared.link_statistics
        predictor = Model(checkpoint)
        targets, precursors = predictor.embed(self.graph.targets), predictor.embed(self.graph.precursors)
        self.log_odds = _held_out_log_odds(checkpoint.model.eval(), prepared, self.statistics, targets, precursors)
        with torch.inference_mode():
            self.energies = None if energy is None else (energy(targets).numpy(), energy(precursors).numpy())
        self.recorded: dict[int, list[tuple[int, ...]]] = {}
        for target, members, _ in self.graph.recorded_sets():
            self.recorded.setdefault(target, []).append(tuple(sorted(members)))
        self.jobs: dict[bool, list[tuple[int, int | None]]] = {
            False: [(target, None) for target in range(len(self.graph.targets))],
            True: list(dict.fromkeys((t, len(each)) for t, sets in sorted(self.recorded.items()) for each in sets)),
        }
        self.told_targets = np.array([target for target, _ in self.jobs[True]])

    def describe(self, *, told: bool) -> tuple[CandidateLists, Tensor]:
        """Return the lists of all jobs, in order, and which of their sets are recorded."""
        jobs = self.jobs[told]
        sets, competing = self._plan(jobs, told=told)
        fold = self.folds.targets[[target for target, _ in jobs]]
        described: list[CandidateLists] = []
        order: list[int] = []
        for number, table in self.folds.complements():
            vocabulary = list(table.precursors().values())
            systems = KnownSystems.fit(table, {precursor.key: row for row, precursor in enumerate(vocabulary)})
            statistics = SetFrequencyFeatures.fit(table, vocabulary, systems)
            places = np.flatnonzero(fold == number)
            described += [
                self._describe(
                    statistics,
                    [jobs[place][0] for place in part],
                    [competing[place] for place in part],
                    [sets[place] for place in part],
                ).half()
                for part in np.array_split(places, -(-len(places) // _CHUNK))
            ]
            order += places.tolist()
        lists, _ = CandidateLists.concat(described).select(torch.from_numpy(np.argsort(order)))
        right = [
            members in self.recorded[target] for (target, _), found in zip(jobs, sets, strict=True) for members in found
        ]
        return lists.half(), torch.tensor(right)

    def _describe(
        self,
        statistics: SetFrequencyFeatures,
        targets: Sequence[int],
        competing: Sequence[NDArray[np.int64]],
        sets: Sequence[Sequence[tuple[int, ...]]],
    ) -> CandidateLists:
        links = np.concatenate(competing)
        rows = np.repeat(np.arange(len(targets)), [len(each) for each in competing])
        columns = self.statistics.precursors.numpy()[links]
        energies = None if self.energies is None else (self.energies[0][list(targets)], self.energies[1])
        together = TargetLinks(rows=rows, columns=columns, log_odds=self.log_odds[links], energies=energies)

        def statistics_of(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
            return self.statistics.features.numpy()[links[together.find(rows, columns)]].astype(np.float32)

        compositions = [self.graph.targets[target] for target in targets]
        return describe_sets(statistics, compositions, self.graph.precursors, together, statistics_of, sets)

    def _plan(
        self, jobs: Sequence[tuple[int, int | None]], *, told: bool
    ) -> tuple[list[list[tuple[int, ...]]], list[NDArray[np.int64]]]:
        """Return the most probable sets of each job, of related precursors, and the related links that compete."""
        protocol = PROTOCOLS["paper" if told else "open"]
        scorer = _TrainingScorer(self.graph, self.statistics, self.log_odds)
        planner = _planner(scorer, self.graph.precursors, protocol, "product")
        sizes = [size for _, size in jobs] if told else None
        rankings = planner.rankings([self.graph.targets[target] for target, _ in jobs], sizes=sizes)
        found, competing = [], []
        for (target, _), ranking in zip(jobs, track(rankings, "candidate sets", total=len(jobs)), strict=True):
            related = self.statistics.related(target).numpy()
            links = np.flatnonzero(np.isin(related, ranking.competing))
            usable = set(related[links].tolist())
            found.append([members for members in ranking.head(self.candidates) if usable.issuperset(members)])
            competing.append(int(self.statistics.pointer[target]) + links)
        return found, competing


class _TrainingScorer:
    """The held-out log-odds of training links, as a link scorer."""

    def __init__(self, graph: ReactionGraph, statistics: TrainingFeatures, log_odds: NDArray[np.float64]) -> None:
        self.graph, self.statistics, self.log_odds = graph, statistics, log_odds

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        nodes = torch.tensor([self.graph.target_index[target.key] for target in targets])
        precursors = torch.tensor([self.graph.precursor_index[candidate.key] for candidate in candidates])
        found, link = self.statistics.find(nodes, precursors.expand(len(nodes), -1))
        return np.where(found.numpy(), self.log_odds[link.numpy()], UNRELATED_LOG_ODDS)


def _planner(scorer: LinkScorer, candidates: Sequence[Composition], protocol: Protocol, mode: str) -> Planner:
    """Return a planner under the rules of a protocol."""
    return Planner(scorer, candidates, protocol.constraints(), mode=mode, max_candidates=protocol.max_candidates)


@torch.inference_mode()
def _held_out_log_odds(
    model: LinkModel, prepared: Prepared, statistics: TrainingFeatures, targets: Tensor, precursors: Tensor
) -> NDArray[np.float64]:
    """Return the log-odds (links,) of each related link by the decoder that did not learn from its target."""
    assert prepared.folds is not None
    held_out = torch.from_numpy(prepared.folds.targets % len(model.decoders))
    values = np.empty(len(statistics.precursors))
    pointer = statistics.pointer
    for start in track(range(0, len(targets), _CHUNK), "held-out links"):
        stop = min(start + _CHUNK, len(targets))
        part = slice(int(pointer[start]), int(pointer[stop]))
        rows = torch.repeat_interleave(torch.arange(start, stop), pointer[start : stop + 1].diff())
        given = statistics.features[part].float()
        logits = model.member_logits(targets[rows], precursors[statistics.precursors[part]], given)
        values[part] = logits.gather(0, held_out[rows][None])[0].double().numpy()
    return values


def calibrate(checkpoint: LinkCheckpoint, table: ReactionTable, candidates: Sequence[Composition]) -> LinkCheckpoint:
    """Return the checkpoint with the temperatures that suit the recorded reactions of a table."""
    assert checkpoint.ranker is not None
    raw = replace(checkpoint, ranker=replace(checkpoint.ranker, temperature=1.0, told_temperature=1.0))
    ranker = replace(
        checkpoint.ranker,
        temperature=_fit_temperature(raw, table, candidates, PROTOCOLS["open"]),
        told_temperature=_fit_temperature(raw, table, candidates, PROTOCOLS["paper"]),
    )
    return replace(checkpoint, ranker=ranker)


def _fit_temperature(
    checkpoint: LinkCheckpoint, table: ReactionTable, candidates: Sequence[Composition], protocol: Protocol
) -> float:
    assert checkpoint.ranker is not None
    told = protocol.set_size == "told"
    planner = _planner(Model(checkpoint), candidates, protocol, LISTWISE)
    recorded: dict[tuple[str, int | None], set[frozenset[str]]] = {}
    jobs: dict[tuple[str, int | None], Composition] = {}
    for target, keys in zip(table.targets, table.set_keys, strict=True):
        job = (target.key, len(keys) if told else None)
        recorded.setdefault(job, set()).add(keys)
        jobs.setdefault(job, target)
    plans = planner.plan(
        list(jobs.values()),
        top_k=checkpoint.ranker.candidates,
        sizes=[size for _, size in jobs] if told else None,
    )
    return fit_temperature(
        torch.tensor([ranked.score for plan in plans for ranked in plan]),
        torch.tensor([1.0 if plan.none is None else plan.none for plan in plans]).clamp_min(1e-30).log(),
        torch.repeat_interleave(torch.arange(len(plans)), torch.tensor([len(plan) for plan in plans])),
        torch.tensor(
            [ranked.precursors.keys in recorded[job] for job, plan in zip(jobs, plans, strict=True) for ranked in plan]
        ),
    )
