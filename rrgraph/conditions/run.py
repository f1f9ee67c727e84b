"""A run on conditions: reads the recipes, learns, measures, and leaves its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rrgraph.chem import ATMOSPHERES
from rrgraph.conditions.baselines import nearest_recipe, recorded_median
from rrgraph.conditions.config import CONDITIONS, ConditionsConfig, check_conditions_config
from rrgraph.conditions.figures import draw_conditions
from rrgraph.conditions.learning import fit_conditions, row_features
from rrgraph.conditions.measures import CLOSE_C, measure, summary
from rrgraph.conditions.model import ConditionsModel, Prediction, load_conditions_model
from rrgraph.conditions.splits import ConditionSplit, split_conditions
from rrgraph.conditions.tables import LABELS, ConditionRows
from rrgraph.errors import DataError
from rrgraph.metrics import RowRanks
from rrgraph.properties import PropertyPredictor
from rrgraph.training import checksum, in_own_folder, is_finished, record_run
from rrgraph.util.config import MODEL
from rrgraph.util.figure_style import save
from rrgraph.util.files import write_json, write_text
from rrgraph.util.markdown import markdown_code, markdown_text
from rrgraph.version import __version__

__all__ = ["ConditionsResult", "LoadEncoder", "conditions_run", "measure_conditions", "measure_rows"]

LoadEncoder = Callable[[str], PropertyPredictor]
"""Gives the pretrained encoder of a name."""


@dataclass(frozen=True)
class ConditionsResult:
    """What a run leaves behind.

    Attributes:
        folder: the run folder.
        split: the rows it used.
        comparison: metrics by subset and system.
    """

    folder: Path
    split: ConditionSplit
    comparison: Mapping[str, Mapping[str, Any]]

    def sections(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield titles and metrics by system, to be shown one after the other."""
        for subset, systems in self.comparison.items():
            yield f"{subset}, {len(self.split[subset]):,} rows", systems


@in_own_folder(check_conditions_config)
def conditions_run(
    config: ConditionsConfig,
    *,
    load_encoder: LoadEncoder,
    resume: bool = False,
    on_data: Callable[[ConditionSplit], None] | None = None,
    split: ConditionSplit | None = None,
) -> ConditionsResult:
    """Train the model of a configuration, or fit its baseline, and measure it.

    Args:
        config: every choice; recorded in the run folder.
        load_encoder: gives the pretrained encoder whose predictions are features.
        resume: measure a finished run again; trees are learned anew in one that was interrupted.
        on_data: called with the rows before training starts.
        split: what `split_conditions` returned for this configuration, to save the time; it is read anew when None.

    Raises:
        ConfigError: the configuration or the run folder is refused, or LightGBM is missing; nothing has been written
            then.
        DataError: a table cannot be read, or states no conditions.
    """
    split = split or split_conditions(seed=config.seed, **asdict(config.data))
    if on_data is not None:
        on_data(split)
    contents = {
        f"{name} rows": checksum("|".join(map(str, row)) for row in _recorded(split[name]))
        for name in ("train", "validation", "test", "later")
    }
    record_run(config, {"conditions": dict(split.report)}, contents, resume=resume)
    model: ConditionsModel | None = None
    if config.model.system == "boosting":
        encoder = load_encoder(config.model.encoder) if {"encoder", "embeddings"} & set(config.model.groups) else None
        if not (resume and is_finished(config.folder)):
            metadata = {
                "name": config.name,
                "seed": config.seed,
                "encoder": config.model.encoder if encoder is not None else "",
                "rows": len(split.train) + len(split.later),
            }
            fit_conditions(
                split.train,
                split.validation,
                config.model,
                seed=config.seed,
                encoder=encoder,
                metadata=metadata,
                later=split.later,
            ).save(config.folder)
        model = load_conditions_model(config.folder, encoder=encoder)
    comparison: dict[str, dict[str, Any]] = {}
    outcomes: dict[str, Any] = {}
    for subset in config.evaluation.subsets:
        if not len(split[subset]):
            raise DataError(f"The subset '{subset}' of split {config.data.split} has no rows to measure on.")
        if model is None:
            baseline = nearest_recipe if config.model.system == "nearest" else recorded_median
            found, known_atmosphere = baseline(ConditionRows.concat([split.train, split.later]), split[subset]), None
        else:
            found, known_atmosphere = _predictions(model, split[subset])
        comparison[subset] = {MODEL: measure(found, split[subset], known_atmosphere=known_atmosphere)}
        outcomes[subset] = _outcomes(found, split[subset])
        if find_spec("matplotlib") and np.isfinite(split[subset].temperature).any():
            save(draw_conditions(found, split[subset]), config.folder, f"temperatures_{subset}")
    write_json(config.folder / "ranks.json", outcomes)
    write_text(config.folder / "card.md", _card(config, split, comparison))
    write_json(config.folder / "metrics.json", comparison)
    return ConditionsResult(folder=config.folder, split=split, comparison=comparison)


def _recorded(rows: ConditionRows) -> Iterator[tuple[Any, ...]]:
    frame = rows.table.frame
    stated = rows.label, rows.temperature, rows.time, rows.atmosphere, rows.firings, rows.weight
    return zip(frame["target"], frame["precursors"], *stated, strict=True)


def measure_conditions(model: ConditionsModel, split: ConditionSplit, subset: str) -> dict[str, Any]:
    """Return the metrics of a trained model on a subset, see `measure`.

    Raises:
        DataError: the subset has no rows.
    """
    if not len(split[subset]):
        raise DataError(f"The subset '{subset}' has no rows to measure on.")
    return measure_rows(model, split[subset])


def measure_rows(model: ConditionsModel, rows: ConditionRows) -> dict[str, Any]:
    """Return the metrics of a trained model on rows, see `measure`."""
    found, known_atmosphere = _predictions(model, rows)
    return measure(found, rows, known_atmosphere=known_atmosphere)


def _predictions(model: ConditionsModel, rows: ConditionRows) -> tuple[Prediction, Prediction | None]:
    """Return what a model says of rows, and what it says when it is given the atmosphere of those that state one."""
    features = row_features(rows, groups=model.groups, encoder=model.encoder)
    found = model.predict(features, rows.label)
    known = any(each is not None for each in rows.atmosphere)
    return found, model.predict(features, rows.label, rows.atmosphere.tolist()) if known else None


def _outcomes(found: Prediction, rows: ConditionRows) -> dict[str, Any]:
    """Return the ranks of temperatures: 1 for those that are met, so that experiments can compare systems."""
    known = np.isfinite(rows.temperature)
    met = np.abs(rows.temperature - found.temperature)[known] <= CLOSE_C
    ranks = np.where(met, 1.0, np.inf)
    return {CONDITIONS: RowRanks(rows.table.target_keys[known].tolist(), ranks, ranks).to_dict()}


def _card(config: ConditionsConfig, split: ConditionSplit, comparison: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the card of the run, as Markdown."""
    train = split.train
    tables = ", ".join(map(markdown_code, [config.data.table, *config.data.further_tables]))
    rows = ", ".join(f"{(train.label == at).sum():,} {label}" for at, label in enumerate(LABELS))
    gases = ", ".join(f"{(train.atmosphere[train.label == 0] == each.value).sum():,} {each}" for each in ATMOSPHERES)
    blocks = [
        f"# {markdown_text(config.name)}\n",
        f"Conditions of solid-state syntheses, system {config.model.system}, rrgraph {__version__}, seed {config.seed}."
        f"\n\n{tables}, split {config.data.split}: {split}\n",
        f"Training rows by what their values are of: {rows}. Recipes by atmosphere, where one is stated: {gases}.\n",
        "Temperatures are what papers report, not what a reaction needs: two papers on the same target and set differ "
        "by more than 100 °C on average. The number of firings is mostly convention.\n",
    ]
    for subset, systems in comparison.items():
        header, body = summary(systems[MODEL])
        lines = [header, ["---"] * len(header), *body]
        blocks.append(f"## {subset.capitalize()}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
    return "\n".join(blocks)
