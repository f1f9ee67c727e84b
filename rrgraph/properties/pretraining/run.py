"""A whole pretraining run: trains the encoder, measures it and writes its run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from rrgraph.data import TRAIN, VALIDATION
from rrgraph.errors import ConfigError
from rrgraph.nn import choose_device
from rrgraph.properties.checkpoint import PropertyCheckpoint, load_property_checkpoint, save_property_checkpoint
from rrgraph.properties.model import PropertyModel
from rrgraph.properties.predictor import PropertyPredictor
from rrgraph.properties.pretraining.config import PretrainConfig, check_pretrain_config, property_sources
from rrgraph.properties.pretraining.task import PretrainingTask
from rrgraph.properties.scaling import TargetScale
from rrgraph.properties.tables.reader import read_properties
from rrgraph.properties.tables.table import PropertyTable
from rrgraph.training import (
    History,
    checksum,
    in_own_folder,
    is_finished,
    record_run,
    remove_state,
    train,
    write_history,
)
from rrgraph.util.files import write_json, write_text

if TYPE_CHECKING:
    from rrgraph.properties.pretraining.measure import EncoderMetrics

__all__ = ["PretrainResult", "pretrain_run"]

_WITHIN_ONE = 0.6827

_ENOUGH = 50
"""Validation rows that a factor of its own takes."""


@dataclass(frozen=True)
class PretrainResult:
    """What a pretraining run leaves behind.

    Attributes:
        folder: the run folder.
        history: one row an epoch; empty when a finished run was measured again.
        metrics: of the test rows.
    """

    folder: Path
    history: History
    metrics: EncoderMetrics


@in_own_folder(check_pretrain_config)
def pretrain_run(
    config: PretrainConfig, *, resume: bool = False, on_data: Callable[[PropertyTable], None] | None = None
) -> PretrainResult:
    """Pretrain the encoder of a configuration and measure it on the test rows.

    Args:
        config: every choice; recorded in the run folder.
        resume: continue an interrupted run; a finished one is only measured again.
        on_data: called with the labels before training starts, to show their report.

    Raises:
        ConfigError: the configuration or the run folder is refused; nothing has been written then.
        DataError: a table cannot be read.
    """
    from rrgraph.properties.pretraining.card import encoder_card
    from rrgraph.properties.pretraining.measure import measure_encoder

    data = config.data
    table = read_properties(
        property_sources(data),
        withhold=data.withhold,
        validation_fraction=data.validation_fraction,
        test_fraction=data.test_fraction,
    )
    if on_data is not None:
        on_data(table)
    if not (table.subsets == TRAIN).any():
        raise ConfigError("No composition has a training label: the tables or data.withhold leave nothing to learn.")
    folder = config.folder
    record_run(config, {"properties": table.report.to_dict()}, _contents(table), resume=resume)
    history: History = []
    if not (resume and is_finished(folder)):
        checkpoint, history = _fit(config, table, folder, resume=resume)
        save_property_checkpoint(checkpoint, folder)
        write_history(folder, history)
        remove_state(folder)
    # As a resumed run has it: last digits depend on how the tensors lie in memory.
    checkpoint = load_property_checkpoint(folder)
    checkpoint.model.to(choose_device(config.training.device))
    metrics = measure_encoder(PropertyPredictor(checkpoint, precision=config.training.precision), table)
    write_json(folder / "metrics.json", metrics.to_dict())
    write_text(folder / "card.md", encoder_card(config, table, metrics))
    return PretrainResult(folder=folder, history=history, metrics=metrics)


def _contents(table: PropertyTable) -> dict[str, str]:
    """Return the checksums of the compositions and of the labels of each property."""
    found = {"compositions": checksum(np.hstack([table.elements, table.fractions]))}
    for column, task in enumerate(table.tasks):
        found[f"labels of {task.name}"] = checksum(np.stack([table.labels[:, column], table.subsets[:, column]]))
    return found


def _fit(
    config: PretrainConfig, table: PropertyTable, folder: Path, *, resume: bool
) -> tuple[PropertyCheckpoint, History]:
    torch.manual_seed(config.seed)
    regression = [column for column, task in enumerate(table.tasks) if task.kind == "regression"]
    labels = np.where(table.subsets == TRAIN, table.labels, np.nan)[:, regression]
    scale = TargetScale.fit([table.tasks[column] for column in regression], labels)
    module = PropertyModel(config.model, table.tasks, scale=scale).to(choose_device(config.training.device))
    checkpoint = PropertyCheckpoint(
        model=module,
        metadata={
            "name": config.name,
            "seed": config.seed,
            "compositions": int((table.subsets == TRAIN).any(axis=1).sum()),
            "withhold": list(config.data.withhold),
        },
    )
    predictor = PropertyPredictor(checkpoint, precision=config.training.precision)
    task = PretrainingTask(
        module, table, config.training, validate=lambda: validation_metrics(predictor, table, config)
    )
    history = train(
        task,
        config.training,
        seed=config.seed,
        state_folder=folder,
        resume=resume,
        checkpoint_minutes=config.training.checkpoint_minutes,
    )
    module.set_spread(_spread(predictor, table))
    return checkpoint, history


def validation_metrics(predictor: PropertyPredictor, table: PropertyTable, config: PretrainConfig) -> dict[str, float]:
    """Return `score`, minus the mean error in units of each task's mean absolute deviation, and the errors.

    Errors are `mae_<task>` in the task's unit and `top_1_<task>` of class tasks, over validation rows.
    """
    rng = np.random.default_rng(config.seed)
    chosen = {
        task.name: _sample(table.rows(task.name, VALIDATION), config.training.validation_rows, rng)
        for task in table.tasks
    }
    rows = np.unique(np.concatenate(list(chosen.values())))
    if not len(rows):
        return {}
    predictions = predictor.predict_arrays(table.elements[rows], table.fractions[rows])
    metrics: dict[str, float] = {}
    relative = []
    for column, task in enumerate(table.tasks):
        wanted = chosen[task.name]
        if not len(wanted):
            continue
        truth, value = table.labels[wanted, column], predictions[task.name].value[np.searchsorted(rows, wanted)]
        if task.kind == "classification":
            metrics[f"top_1_{task.name}"] = float((truth == value).mean())
            relative.append(1 - metrics[f"top_1_{task.name}"])
        else:
            metrics[f"mae_{task.name}"] = float(np.abs(truth - value).mean())
            spread = np.abs(truth - np.median(truth)).mean()
            relative.append(metrics[f"mae_{task.name}"] / max(float(spread), 1e-12))
    return {"score": -float(np.mean(relative)), **metrics}


def _sample(rows: np.ndarray, largest: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.choice(rows, largest, replace=False)) if 0 < largest < len(rows) else rows


def _spread(predictor: PropertyPredictor, table: PropertyTable) -> np.ndarray:
    """Return the factor (regression tasks,) that makes one standard deviation hold 68 % of the validation errors.

    A task with too few validation rows takes the median factor of the others.
    """
    model, factors = predictor.model, []
    rows = np.flatnonzero((table.subsets == VALIDATION).any(axis=1))
    model.set_spread(np.ones(len(model.regression)))
    scale = model.target_scale
    encoded, errors, _ = predictor.encoded(table.elements[rows], table.fractions[rows])
    columns = [column for column, task in enumerate(table.tasks) if task.kind == "regression"]
    truth = scale.encode(np.where(table.subsets[rows] == VALIDATION, table.labels[rows], np.nan)[:, columns])
    for ratio in (np.abs(truth - encoded) / errors).T:
        known = ratio[~np.isnan(ratio)]
        factors.append(np.quantile(known, _WITHIN_ONE) if len(known) >= _ENOUGH else np.nan)
    usual = np.nanmedian(factors) if not np.isnan(factors).all() else 1.0
    return np.where(np.isnan(factors), usual, factors)
