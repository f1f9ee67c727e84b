"""The run of a link model: trains it and its re-ranker, measures both, and writes the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from rrgraph.data import ReactionTable, Split, preferred_spelling
from rrgraph.links import LinkModel, LinkTask, TrainingConfig
from rrgraph.models import LinkCheckpoint, Model, link_model, load_checkpoint, load_model, save_checkpoint
from rrgraph.nn import NO_PRIOR, choose_device
from rrgraph.runs.cards.card import model_card
from rrgraph.runs.config import RunConfig
from rrgraph.runs.data import Prepared, RunData, candidate_pool, prepare
from rrgraph.training import (
    History,
    in_own_folder,
    is_finished,
    read_history,
    record_run,
    remove_state,
    train,
    write_history,
)
from rrgraph.util.config import MODEL
from rrgraph.util.files import write_text

if TYPE_CHECKING:
    from rrgraph.evaluation import Metrics
    from rrgraph.runs.measure import Comparison

__all__ = ["RunResult", "train_run"]

_LINKS = "links"
"""Folder of the link model while its re-ranker is trained."""


@dataclass(frozen=True)
class RunResult:
    """What a run leaves behind.

    Attributes:
        folder: the run folder.
        split: the data it used.
        history: one row an epoch.
        comparison: metrics of the model beside the baselines, by subset and protocol.
        baseline: name of the system where the run is about a baseline, empty where it is about a model.
        device: `training.device` of the run.
    """

    folder: Path
    split: Split
    history: History
    comparison: Comparison
    baseline: str = ""
    device: str = "auto"

    def sections(self) -> Iterator[tuple[str, Mapping[str, Metrics]]]:
        """Yield titles and metrics by system, to be shown one after the other."""
        for subset, protocols in self.comparison.items():
            for protocol, systems in protocols.items():
                named = {self.baseline: systems[MODEL]} if self.baseline else systems
                yield f"{subset}, protocol {protocol}", named

    @cached_property
    def model(self) -> Model:
        """The trained model, as it was saved, on the device of the run.

        Raises:
            ModelError: the run is of a baseline, which is not saved.
        """
        return load_model(self.folder, device=self.device)

    @property
    def metrics(self) -> dict[str, dict[str, Metrics]]:
        """Metrics of the run's own system, by part and protocol."""
        return {
            part: {protocol: systems[MODEL] for protocol, systems in protocols.items()}
            for part, protocols in self.comparison.items()
        }


def _check(config: RunConfig) -> None:
    # It imports scikit-learn, which planning with a trained model does not need.
    from rrgraph.runs.check import check_config

    check_config(config)


@in_own_folder(_check)
def train_run(
    config: RunConfig,
    *,
    resume: bool = False,
    on_data: Callable[[RunData], None] | None = None,
    on_epoch: Callable[[Mapping[str, float]], None] | None = None,
    data: Prepared | None = None,
    links: Path | None = None,
) -> RunResult:
    """Train the model of a configuration and measure it beside the baselines.

    Args:
        config: every choice; recorded in the run folder.
        resume: continue an interrupted run; a finished one is only measured again.
        on_data: called with the data before training starts, to show its reports.
        on_epoch: called with the history's row of each epoch of the link model; what it raises ends the run.
        data: what `prepare` returned for this configuration, to save the time; it is prepared anew when None.
        links: folder of a finished run whose link model is taken over, for it was learned by the same settings.

    Raises:
        ConfigError: the configuration or the run folder is refused; nothing has been written then.
    """
    # It imports scikit-learn as well.
    from rrgraph.runs.measure import measure, record_metrics

    prepared = data or prepare(config)
    if on_data is not None:
        on_data(prepared)
    folder = config.folder
    record_run(config, prepared.reports(), prepared.contents(), resume=resume)
    history: History = []
    if not (resume and is_finished(folder)):
        checkpoint, history = _learn(config, prepared, folder, resume=resume, on_epoch=on_epoch, links=links)
        save_checkpoint(checkpoint, folder)
        remove_state(folder)
    shutil.rmtree(folder / _LINKS, ignore_errors=True)
    # As a resumed run has it: last digits depend on how the tensors lie in memory.
    device, evaluation = config.training.device, config.evaluation
    checkpoint = load_checkpoint(folder).to(choose_device(device))
    model, mode, baselines = Model(checkpoint), evaluation.mode, evaluation.baselines
    comparison = measure(model, prepared, evaluation, mode=mode, baselines=baselines, device=device, folder=folder)
    write_text(folder / "card.md", model_card(config, prepared, comparison, reranker=checkpoint.reranker))
    record_metrics(folder, comparison)
    return RunResult(folder=folder, split=prepared.split, history=history, comparison=comparison, device=device)


def _learn(
    config: RunConfig,
    prepared: Prepared,
    folder: Path,
    *,
    resume: bool,
    on_epoch: Callable[[Mapping[str, float]], None] | None,
    links: Path | None,
) -> tuple[LinkCheckpoint, History]:
    """Return the trained model and the history of its links.

    While its re-ranker is trained the link model is kept, so that an interrupted run need not train it again.
    """
    from rrgraph.runs.reranker import train_reranker

    history: History = []
    kept = folder / _LINKS
    if not (resume and (kept / "model.json").is_file()):
        if links is None:
            checkpoint, history = _fit(config, prepared, folder, resume=resume, on_epoch=on_epoch)
        else:
            checkpoint, history = _taken_over(config, prepared, links), read_history(links)
        if config.model.candidate_prior != NO_PRIOR:
            from rrgraph.runs.candidates import fit_prior

            checkpoint = replace(checkpoint, prior=fit_prior(prepared, checkpoint))
        write_history(folder, history)
        if not config.reranker.enabled:
            return checkpoint, history
        save_checkpoint(checkpoint, kept)
        remove_state(folder)
    checkpoint = load_checkpoint(kept).to(choose_device(config.training.device))
    checkpoint, set_history = train_reranker(config, prepared, checkpoint, folder=kept, resume=resume)
    write_history(folder, set_history, name="set_history.csv")
    return checkpoint, history


def _fit(
    config: RunConfig,
    prepared: Prepared,
    folder: Path,
    *,
    resume: bool,
    on_epoch: Callable[[Mapping[str, float]], None] | None = None,
) -> tuple[LinkCheckpoint, History]:
    torch.manual_seed(config.seed)
    module = _module(config, prepared)
    checkpoint = LinkCheckpoint(
        model=module,
        vocabulary=tuple(preferred_spelling(precursor) for precursor in prepared.graph.precursors),
        counts=prepared.counts,
        statistics=prepared.statistics,
        metadata=_metadata(config, prepared),
        systems=prepared.systems,
        context=prepared.context,
        learned=prepared.learned,
    )
    task = LinkTask(
        module,
        prepared.graph,
        config.training,
        statistics=prepared.link_statistics,
        folds=None if prepared.folds is None else prepared.folds.targets,
        contexts=prepared.contexts,
        validate=_validator(checkpoint, prepared, config),
    )
    history = train(task, config.training, seed=config.seed, state_folder=folder, resume=resume, on_epoch=on_epoch)
    return checkpoint, history


def _module(config: RunConfig, prepared: Prepared) -> LinkModel:
    """Return the link model of a run with random weights, on the device it trains on."""
    features = None if prepared.columns is None else prepared.columns.sizes
    return link_model(config.model, features=features).to(choose_device(config.training.device))


def _taken_over(config: RunConfig, prepared: Prepared, folder: Path) -> LinkCheckpoint:
    """Return the link model of another run as this one would have learned it, without re-ranker and prior."""
    checkpoint = load_checkpoint(folder).to(choose_device(config.training.device))
    module = _module(config, prepared)
    module.load_state_dict(checkpoint.model.state_dict())
    metadata, learned = _metadata(config, prepared), prepared.learned
    return replace(checkpoint, model=module.eval(), reranker=None, prior=None, metadata=metadata, learned=learned)


def _validator(
    checkpoint: LinkCheckpoint, prepared: Prepared, config: RunConfig
) -> Callable[[], dict[str, float]] | None:
    from rrgraph.evaluation import PROTOCOLS, evaluate_links, evaluate_planner
    from rrgraph.metrics import TOP_K, LinkMetric, find_metric, measured_links
    from rrgraph.runs.measure import set_mode

    table = _validation_rows(prepared.split.validation, config.training, config.seed)
    if not len(table):
        return None
    pool = candidate_pool(prepared.graph.precursors, table)
    name = config.evaluation.validation_protocol
    protocol, mode = PROTOCOLS[name], set_mode(name, "product" if config.reranker.enabled else config.evaluation.mode)
    monitor, rules, known = config.training.monitor, protocol.constraints(), prepared.split.train
    train_sets = set(known.set_keys)

    def validate() -> dict[str, float]:
        # One resample: the intervals are not used here.
        model = Model(checkpoint)
        values = evaluate_planner(
            model, pool, table, protocol, mode=mode, train_sets=train_sets, further=[monitor], resamples=1
        ).values
        if isinstance(find_metric(monitor), LinkMetric):
            links = evaluate_links(model, pool, table, constraints=rules, known=known)
            values = {**values, **measured_links(links.scores, [monitor])}
        return {name: values[name] for name in (*(f"top_{k}" for k in TOP_K), monitor) if name in values}

    return validate


def _validation_rows(table: ReactionTable, config: TrainingConfig, seed: int) -> ReactionTable:
    if not config.validation_targets or len(table) <= config.validation_targets:
        return table
    chosen = np.random.default_rng(seed).choice(len(table), size=config.validation_targets, replace=False)
    return table.select(np.sort(chosen))


def _metadata(config: RunConfig, prepared: Prepared) -> Mapping[str, object]:
    return {
        "name": config.name,
        "seed": config.seed,
        "score_mode": config.evaluation.mode,
        "table": config.data.table,
        "split": config.data.split,
        "training_reactions": len(prepared.split.train),
        "training_targets": len(prepared.graph.targets),
    }
