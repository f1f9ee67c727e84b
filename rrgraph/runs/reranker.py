"""Train and calibrate the re-ranker of a run, after its link model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.evaluation import PROTOCOLS, Protocol
from rrgraph.graph import SetFrequencyFeatures, TrainingFeatures
from rrgraph.models import LinkCheckpoint, Model, energy_head
from rrgraph.nn import device_of
from rrgraph.planning import LISTWISE, link_planner
from rrgraph.properties import EnergyHead
from rrgraph.reranking import (
    CrossFittedLists,
    EnsembleReranker,
    ListwiseNetwork,
    RerankingTask,
    TrainingLists,
    fit_temperature,
    fit_trees,
    publication_weights,
)
from rrgraph.runs.candidates import prior_logits, with_library
from rrgraph.runs.config import RunConfig
from rrgraph.runs.data import Prepared, candidate_pool
from rrgraph.runs.further_lists import FurtherLists
from rrgraph.training import History, made_once, train

__all__ = ["calibrate", "cross_fitted_lists", "train_reranker"]

_RULES = {known_size: PROTOCOLS["paper" if known_size else "open"] for known_size in (False, True)}
_LISTED = {known_size: (rules.constraints(), rules.max_candidates) for known_size, rules in _RULES.items()}


def train_reranker(
    config: RunConfig, prepared: Prepared, checkpoint: LinkCheckpoint, *, folder: Path | None, resume: bool
) -> tuple[LinkCheckpoint, History]:
    """Add to a link model a re-ranker that learned from the candidate sets of the training targets.

    Args:
        config: of the run, with `reranker.enabled`.
        prepared: its data.
        checkpoint: the trained first stage.
        folder: where the training state is kept, and what has been made to learn from.
        resume: go on from that state.
    """
    assert prepared.statistics is not None
    options = config.reranker.training
    # A fine-tuned encoder has moved away from the head that was learned with it.
    energy = energy_head(config.model) if config.training.encoder_learning_rate == 0 else None
    device = device_of(checkpoint.model)
    if energy is not None:
        energy.to(device)
    groups = config.reranker.groups
    cross_fitted = cross_fitted_lists(
        prepared,
        checkpoint,
        energy,
        options.candidates,
        groups=groups,
        library=config.reranker.library,
        folder=folder,
    )
    weights = publication_weights(prepared.split.train, prepared.graph)
    lists = [cross_fitted.training_lists(weights, known_size=each, folder=folder) for each in (False, True)]
    if prepared.further:
        further = FurtherLists(prepared, checkpoint, config.reranker, energy=energy, rules=_LISTED)
        lists = [TrainingLists.concat(both) for both in zip(lists, further.training_lists(folder=folder), strict=True)]
    trees = (
        fit_trees(lists, config.reranker.trees, seed=config.seed, folder=folder)
        if config.reranker.trees.n_trees
        else None
    )
    torch.manual_seed(config.seed)
    network = ListwiseNetwork(config.reranker.model, groups).to(device)
    history = train(
        RerankingTask(network, lists, options), options, seed=config.seed, state_folder=folder, resume=resume
    )
    systems = prepared.statistics.systems
    reranker = EnsembleReranker(
        network,
        SetFrequencyFeatures.fit(prepared.split.train, prepared.graph.precursors, systems),
        prepared.statistics,
        candidates=options.candidates,
        energy=energy,
        trees=trees,
        tree_weight=config.reranker.trees.weight,
        tree_objective=config.reranker.trees.objective,
        temperature=options.temperature or 1.0,
        known_size_temperature=options.known_size_temperature or options.temperature or 1.0,
    )
    whole = replace(checkpoint, reranker=reranker)
    validation = prepared.split.validation
    if options.temperature == 0 and len(validation):
        whole = calibrate(whole, validation, candidate_pool(prepared.graph.precursors, validation))
    return whole, history


def cross_fitted_lists(
    prepared: Prepared,
    checkpoint: LinkCheckpoint,
    energy: EnergyHead | None,
    candidates: int,
    *,
    groups: Sequence[str] = (),
    library: bool = False,
    folder: Path | None = None,
) -> CrossFittedLists:
    """Return the candidate lists of the training targets by the decoders that did not learn from them.

    Args:
        prepared: data of the run.
        checkpoint: the trained first stage.
        energy: gives formation energies, None for none.
        candidates: sets of each list.
        groups: of further features of sets.
        library: whether the library of reagents is among the candidates.
        folder: where the logits of the links are kept, so that an interrupted run need not compute them again.
    """
    prepared = with_library(prepared) if library else prepared
    assert isinstance(prepared.link_statistics, TrainingFeatures) and prepared.folds is not None
    graph, model = prepared.graph, Model(checkpoint)
    targets, precursors = model.embeddings(graph.targets), model.embeddings(graph.precursors)

    def make() -> dict[str, Tensor]:
        return {"logits": torch.from_numpy(prior_logits(prepared, checkpoint, targets, precursors, library=library))}

    logits = made_once(folder, "logits", make)["logits"].numpy()
    energies = None
    if energy is not None:
        with torch.inference_mode():
            of_targets, of_precursors = (
                energy(side.to(device_of(energy))).cpu().numpy() for side in (targets, precursors)
            )
        energies = (of_targets, of_precursors)
    return CrossFittedLists(
        graph,
        prepared.folds,
        prepared.link_statistics,
        logits,
        rules=_LISTED,
        candidates=candidates,
        energies=energies,
        groups=groups,
    )


def calibrate(checkpoint: LinkCheckpoint, table: ReactionTable, candidates: Sequence[Composition]) -> LinkCheckpoint:
    """Return the checkpoint with the temperatures that suit the recorded reactions of a table."""
    assert checkpoint.reranker is not None
    raw = replace(checkpoint, reranker=replace(checkpoint.reranker, temperature=1.0, known_size_temperature=1.0))
    reranker = replace(
        checkpoint.reranker,
        temperature=_fit_temperature(raw, table, candidates, _RULES[False]),
        known_size_temperature=_fit_temperature(raw, table, candidates, _RULES[True]),
    )
    return replace(checkpoint, reranker=reranker)


def _fit_temperature(
    checkpoint: LinkCheckpoint, table: ReactionTable, candidates: Sequence[Composition], protocol: Protocol
) -> float:
    assert checkpoint.reranker is not None
    known_size = protocol.set_size == "known"
    planner = link_planner(
        Model(checkpoint), candidates, protocol.constraints(), mode=LISTWISE, max_candidates=protocol.max_candidates
    )
    recorded: dict[tuple[str, int | None], set[frozenset[str]]] = {}
    jobs: dict[tuple[str, int | None], Composition] = {}
    for target, keys in zip(table.targets, table.set_keys, strict=True):
        job = (target.key, len(keys) if known_size else None)
        recorded.setdefault(job, set()).add(keys)
        jobs.setdefault(job, target)
    plans = planner.plan(list(jobs.values()), top_k=checkpoint.reranker.candidates, sizes=[size for _, size in jobs])
    return fit_temperature(
        torch.tensor([ranked.score for plan in plans for ranked in plan]),
        torch.tensor([1.0 if plan.none is None else plan.none for plan in plans]).clamp_min(1e-30).log(),
        torch.repeat_interleave(torch.arange(len(plans)), torch.tensor([len(plan) for plan in plans])),
        torch.tensor(
            [ranked.precursors.keys in recorded[job] for job, plan in zip(jobs, plans, strict=True) for ranked in plan]
        ),
    )
