"""Candidate lists of the targets of further tables, from which the re-ranker learns beside those of the training rows.

They are made as a plan is, by a model of one fold: the decoder that did not learn from the fold, and the counts of the
other folds. A target whose element system is in a fold goes with that fold; of other systems no fold knows anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import groupby, product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Atmosphere, Composition, element_system
from rrgraph.data import ReactionTable
from rrgraph.graph import complement_frequencies
from rrgraph.links import LinkModel
from rrgraph.models import DiscountedLinks, LinkCheckpoint, Model
from rrgraph.planning import CandidateLists, Planner, SetConstraints, library_candidates, offered
from rrgraph.properties import EnergyHead
from rrgraph.reranking import (
    EnsembleReranker,
    ListFeatures,
    ListwiseNetwork,
    TrainingLists,
    paper_weights,
    set_frequencies,
)
from rrgraph.runs.config import RerankerConfig
from rrgraph.runs.data import FurtherTable, Prepared, candidate_pool
from rrgraph.training import made_once

__all__ = ["FurtherLists"]

_FIELDS = tuple(each.name for each in fields(ListFeatures))


@dataclass
class _Job:
    """A target to be planned.

    Attributes:
        target: the material.
        size: known size of its sets, None where it is not known.
        atmosphere: in which it is made, None where it is not known.
        recorded: its sets, by the canonical keys of their members.
        weight: of its list.
    """

    target: Composition
    size: int | None
    atmosphere: Atmosphere | None
    recorded: set[frozenset[str]] = field(default_factory=set)
    weight: float = 0.0

    @property
    def known_size(self) -> bool:
        return self.size is not None

    def alike(self) -> tuple[bool, str]:
        """Return what jobs that are planned together have in common."""
        return self.known_size, "" if self.atmosphere is None else self.atmosphere.value


class FurtherLists:
    """Candidate lists of the targets of further tables by decoders and counts that never saw their element systems.

    Where the re-ranker reads the atmosphere, a target with a known one has a list for it beside that without.

    Args:
        prepared: data of the run, with the further tables.
        checkpoint: the trained first stage.
        config: of the re-ranker.
        energy: gives formation energies, None for none.
        rules: constraints, and number of most probable candidates, with the set size unknown (False) and known (True).
        candidates: precursors that may be used: by default those of the training graph, the library of reagents and
            the precursors of the further tables.
    """

    def __init__(
        self,
        prepared: Prepared,
        checkpoint: LinkCheckpoint,
        config: RerankerConfig,
        *,
        energy: EnergyHead | None,
        rules: Mapping[bool, tuple[SetConstraints, int | None]],
        candidates: Sequence[Composition] | None = None,
    ) -> None:
        self.prepared, self.checkpoint, self.config = prepared, checkpoint, config
        self.energy, self.rules = energy, rules
        if candidates is None:
            usual = [*prepared.graph.precursors, *library_candidates()]
            candidates = candidate_pool(usual, *(further.table for further in prepared.further))
        self.candidates = candidates

    def training_lists(self, *, folder: Path | None = None) -> list[TrainingLists]:
        """Return the lists of all targets with the set size unknown and with it known, those of one fold together.

        Args:
            folder: where lists are kept as they are made, so that an interrupted run need not make them again.
        """
        jobs = _jobs(self.prepared.further, self.prepared.split.train, atmospheres=self.config.atmosphere)
        found: dict[bool, list[TrainingLists]] = {False: [], True: []}
        for fold, complement, own in self._of_folds(jobs):
            made = made_once(folder, f"further_{fold}", partial(self._lists, fold, complement, own))
            for known_size, lists in found.items():
                tensors = {name: made[f"{known_size}_{name}"] for name in (*_FIELDS, "recorded")}
                weights = torch.tensor([job.weight for job in own if job.known_size == known_size])
                lists.append(
                    TrainingLists(recorded=tensors.pop("recorded"), weights=weights, features=ListFeatures(**tensors))
                )
        return [TrainingLists.concat(lists) for lists in found.values()]

    def _of_folds(self, jobs: Sequence[_Job]) -> Iterator[tuple[int, ReactionTable, list[_Job]]]:
        """Yield each fold that has jobs, its complement and these jobs, those that are alike together."""
        folds = self.prepared.folds
        assert folds is not None
        systems = [element_system(job.target) for job in jobs]
        fold_of = {name: number % folds.count for number, name in enumerate(sorted({*systems} - folds.systems.keys()))}
        fold_of |= folds.systems
        for fold, complement in folds.complements():
            own = [job for job, system in zip(jobs, systems, strict=True) if fold_of[system] == fold]
            if own:
                yield fold, complement, sorted(own, key=_Job.alike)

    def _lists(self, fold: int, complement: ReactionTable, jobs: Sequence[_Job]) -> dict[str, Tensor]:
        """Return the features of the sets of jobs of one fold in 16 bits, and which of the sets are recorded.

        Names of tensors begin with whether the set size is known.
        """
        model = self.held_out_model(fold, complement, {element_system(job.target) for job in jobs})
        assert isinstance(model.reranker, EnsembleReranker)
        links = model if model.knows_classes else DiscountedLinks(model)
        described: dict[bool, list[ListFeatures]] = {False: [], True: []}
        recorded: dict[bool, list[bool]] = {False: [], True: []}
        for (known_size, _), group in groupby(jobs, key=_Job.alike):
            own, (constraints, most) = list(group), self.rules[known_size]
            recorder = _Recorder(replace(model.reranker, atmosphere=own[0].atmosphere))
            planner = Planner(links, offered(self.candidates), constraints, reranker=recorder, max_candidates=most)
            for _ in planner.rankings([job.target for job in own], sizes=[job.size for job in own]):
                pass
            described[known_size] += recorder.described
            for job, sets in zip(own, recorder.sets, strict=True):
                recorded[known_size] += [keys in job.recorded for keys in sets]
        made: dict[str, Tensor] = {}
        for known_size, parts in described.items():
            features = ListFeatures.concat(parts)
            made |= {f"{known_size}_{name}": getattr(features, name) for name in _FIELDS}
            made[f"{known_size}_recorded"] = torch.tensor(recorded[known_size], dtype=torch.bool)
        return made

    def held_out_model(self, fold: int, complement: ReactionTable, systems: set[str]) -> Model:
        """Return the model of a fold, whose re-ranker has not learned but describes sets by the fold's counts.

        Args:
            fold: its number.
            complement: the rows that it knows.
            systems: element systems of which it must not know any.
        """
        graph, folds, checkpoint = self.prepared.graph, self.prepared.folds, self.checkpoint
        assert folds is not None
        number = fold % len(checkpoint.model.decoders)
        learned = np.flatnonzero(folds.targets % len(checkpoint.model.decoders) != number).tolist()
        assert systems.isdisjoint(element_system(graph.targets[target]) for target in learned)
        assert systems.isdisjoint(complement.element_systems.tolist())
        counts, known = complement_frequencies(complement, graph), complement.precursors()
        reranker = EnsembleReranker(
            ListwiseNetwork(self.config.model, self.config.groups),
            set_frequencies(complement),
            counts,
            candidates=self.config.training.candidates,
            energy=self.energy,
        )
        contexts = self.prepared.contexts
        return Model(
            replace(
                checkpoint,
                model=_with_decoder(checkpoint.model, number),
                vocabulary=tuple(known.values()),
                counts=np.ones(len(known), dtype=np.int64),
                statistics=counts,
                reranker=reranker,
                context=None if contexts is None else contexts.graphs[fold],
            )
        )


class _Recorder:
    """Stands for a re-ranker, and keeps how the sets are described that it is given.

    Args:
        reranker: describes them.
    """

    def __init__(self, reranker: EnsembleReranker) -> None:
        self._reranker = reranker
        self.candidates = reranker.candidates
        self.described: list[ListFeatures] = []
        self.sets: list[list[frozenset[str]]] = []

    def log_probabilities(self, lists: CandidateLists) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return zeros."""
        self.described.append(self._reranker.describe(lists).half())
        keys = [candidate.key for candidate in lists.links.candidates]
        self.sets += [[frozenset(keys[index] for index in members) for members in own] for own in lists.sets]
        return [np.zeros(len(own)) for own in lists.sets], np.zeros(len(lists.sets))


def _jobs(tables: Sequence[FurtherTable], train: ReactionTable, *, atmospheres: bool) -> list[_Job]:
    """Return what is planned of some tables; where no atmosphere is given, the training rows' sets are recorded too."""
    jobs: dict[tuple[str, int | None, Atmosphere | None], _Job] = {}
    for further in tables:
        table, weights = further.table, further.weight * paper_weights(further.table)
        of_rows = table.atmospheres() if atmospheres else [None] * len(table)
        rows = zip(table.targets, table.set_keys, of_rows, weights.tolist(), strict=True)
        for target, keys, given, weight in rows:
            for size, atmosphere in product((None, len(keys)), dict.fromkeys((None, given))):
                job = jobs.setdefault((target.key, size, atmosphere), _Job(target, size, atmosphere))
                job.recorded.add(keys)
                job.weight = max(job.weight, weight)
    known: dict[str, set[frozenset[str]]] = {}
    for key, keys in zip(train.target_keys, train.set_keys, strict=True):
        known.setdefault(key, set()).add(keys)
    for job in jobs.values():
        if job.atmosphere is None:
            job.recorded |= known.get(job.target.key, set())
    return list(jobs.values())


def _with_decoder(model: LinkModel, number: int) -> LinkModel:
    """Return a copy of a link model that has one of its decoders only."""
    single = deepcopy(model)
    for name in ("decoders", "contexts", "inputs"):
        setattr(single, name, getattr(single, name)[number : number + 1])
    return single
