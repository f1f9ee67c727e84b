"""How a model of conditions learns from rows: values, their errors, classes, and the width of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.chem import ATMOSPHERES, Atmosphere
from rrgraph.conditions.config import ConditionsModelConfig
from rrgraph.conditions.features import describe
from rrgraph.conditions.model import LEVELS, ConditionsModel, mean_of, with_label
from rrgraph.conditions.tables import LABELS, ConditionRows
from rrgraph.errors import DataError
from rrgraph.nn import TreeEnsemble
from rrgraph.properties import PropertyPredictor
from rrgraph.training import ValueTreesConfig, boost_probability, boost_values
from rrgraph.util.progress import track

__all__ = ["fit_conditions", "row_features"]

_MOST_FIRINGS: Final = 3
_LEAST_ROWS: Final = 100
"""Calibration rows that a label needs for a factor of its own."""
_LEAST_OF_CLASS: Final = 20
_SPREAD_TREES: Final = 0.4
"""Share of the trees of a value that its expected error gets."""


def row_features(
    rows: ConditionRows, *, groups: tuple[str, ...], encoder: PropertyPredictor | None
) -> NDArray[np.float32]:
    """Return the features (rows, columns); each distinct reaction is described once."""
    pairs = list(zip(rows.table.targets, rows.table.precursor_sets, strict=True))
    distinct = {(target.key, members.keys): (target, members) for target, members in pairs}
    index = {key: number for number, key in enumerate(distinct)}
    targets, sets = zip(*distinct.values(), strict=True)
    found = describe(targets, sets, groups=groups, encoder=encoder)
    return found[[index[target.key, members.keys] for target, members in pairs]]


def fit_conditions(
    train: ConditionRows,
    calibration: ConditionRows,
    config: ConditionsModelConfig,
    *,
    seed: int,
    encoder: PropertyPredictor | None,
    metadata: Mapping[str, Any],
) -> ConditionsModel:
    """Return a model of the training rows, with intervals that hold as much of the calibration rows as they say.

    Args:
        train: rows to learn from.
        calibration: other rows: of held-out systems, or of the latest years; training rows as each fold predicts them
            where there are none.
        config: features, and number and size of the trees.
        seed: of what is drawn.
        encoder: predicts features.
        metadata: kept in the model.

    Raises:
        DataError: no training row states a temperature.
    """
    groups = tuple(config.groups)
    if not np.isfinite(train.temperature).any():
        raise DataError("No training row states a temperature.")
    features = row_features(train, groups=groups, encoder=encoder)
    held = row_features(calibration, groups=groups, encoder=encoder) if len(calibration) else features[:0]
    trees: dict[str, TreeEnsemble] = {}
    quantiles: dict[str, dict[str, list[float]]] = {}
    for name, spread, least in (("temperature", "spread", 15.0), ("time", "time_spread", 0.05)):
        values = _values(train, name)
        known = np.isfinite(values)
        columns, chosen = with_label(features[known], train.label[known]), values[known]
        weight, folds = train.weight[known], _folds(train, config.folds, seed)[known]
        for member in track(range(config.members), f"trees of the {name}"):
            trees[f"{name}.{member}"] = boost_values(
                columns, chosen, config.trees, weight=weight, seed=seed + 1000 * member
            )
        errors = np.abs(chosen - _cross_fitted(columns, chosen, weight, folds, config.trees, seed))
        smaller = ValueTreesConfig(
            **{**vars(config.trees), "n_trees": max(1, int(_SPREAD_TREES * config.trees.n_trees))}
        )
        trees[spread] = boost_values(columns, errors, smaller, weight=weight, seed=seed)
        labels = train.label[known]
        if len(calibration):
            measured = _values(calibration, name)
            there = np.isfinite(measured)
            labels = calibration.label[there]
            columns = with_label(held[there], labels)
            given = torch.from_numpy(columns)
            errors = np.abs(measured[there] - mean_of(trees, name, given))
        expected = np.maximum(trees[spread](torch.from_numpy(columns)).double().numpy(), least)
        quantiles[name] = _quantiles(errors / expected, labels)
    whole = train.label == 0
    atmospheres = _classes(train, whole)
    plain = with_label(features[whole], np.zeros(int(whole.sum()), dtype=np.int64))
    gases = np.array([each or "" for each in train.atmosphere[whole]])
    named = gases != ""
    trees |= _class_trees("atmosphere", plain[named], gases[named], [each.value for each in atmospheres], config, seed)
    counts = np.minimum(train.firings[whole], _MOST_FIRINGS)
    counted = np.isfinite(counts)
    numbers = tuple(range(1, _MOST_FIRINGS + 1))
    trees |= _class_trees("firings", plain[counted], counts[counted], numbers, config, seed, prior=1.0)
    return ConditionsModel(
        groups=groups,
        atmospheres=atmospheres,
        firings=numbers,
        trees=trees,
        quantiles=quantiles,
        metadata=metadata,
        encoder=encoder,
    )


def _values(rows: ConditionRows, name: str) -> NDArray[np.float64]:
    return rows.temperature if name == "temperature" else np.log10(rows.time)


def _folds(rows: ConditionRows, count: int, seed: int) -> NDArray[np.int64]:
    """Return the fold (rows,) of each row; an element system has one."""
    systems, index = np.unique(rows.table.element_systems.astype(str), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(count, size=len(systems))
    found: NDArray[np.int64] = drawn[index]
    return found


def _cross_fitted(
    columns: NDArray[np.float32],
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    folds: NDArray[np.int64],
    config: ValueTreesConfig,
    seed: int,
) -> NDArray[np.float64]:
    """Return what trees that did not see a row's fold say of it."""
    found = np.zeros(len(values))
    for fold in np.unique(folds):
        held = folds == fold
        if held.all():
            return np.full(len(values), np.median(values))
        trees = boost_values(columns[~held], values[~held], config, weight=weight[~held], seed=seed)
        found[held] = trees(torch.from_numpy(columns[held])).double().numpy()
    return found


def _quantiles(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, list[float]]:
    """Return by label the factors that cover each level of the scores (split conformal prediction)."""

    def factors(chosen: NDArray[np.float64]) -> list[float]:
        count = len(chosen)
        shares = [min(np.ceil((count + 1) * level) / max(count, 1), 1.0) for level in LEVELS]
        return [float(each) for each in np.quantile(chosen, shares, method="higher")] if count else [1.0] * len(LEVELS)

    found = {"other": factors(scores)}
    for label in np.unique(labels):
        own = scores[labels == label]
        if len(own) >= _LEAST_ROWS:
            found[LABELS[label]] = factors(own)
    return found


def _classes(rows: ConditionRows, chosen: NDArray[np.bool_]) -> tuple[Atmosphere, ...]:
    """Return the atmospheres that enough rows state, at least that of most."""
    names = [each for each in rows.atmosphere[chosen] if each]
    counts = {each: names.count(each.value) for each in ATMOSPHERES}
    return tuple(each for each in ATMOSPHERES if counts[each] >= _LEAST_OF_CLASS) or (Atmosphere.AIR,)


def _class_trees(
    name: str,
    columns: NDArray[np.float32],
    values: NDArray[Any],
    classes: Any,
    config: ConditionsModelConfig,
    seed: int,
    prior: float | None = None,
) -> dict[str, TreeEnsemble]:
    """Return for each class the trees that tell it from the others; rare classes count more, see `prior`."""
    exponent = config.prior if prior is None else prior
    shares = {each: max(float((values == each).mean()), 1e-6) if len(values) else 1.0 for each in classes}
    weight = np.array([shares.get(each, 1.0) ** (exponent - 1.0) for each in values.tolist()])
    found = {}
    for at, each in enumerate(classes):
        member = values == each
        if not member.any() or member.all():
            found[f"{name}.{at}"] = TreeEnsemble.of([], float, base=1.0 if member.any() else -10.0)
        else:
            found[f"{name}.{at}"] = boost_probability(
                columns, member, config.class_trees, weight=weight / weight.mean(), seed=seed + at
            )
    return found
