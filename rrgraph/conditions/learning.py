"""How a model of conditions learns from rows: values, their errors, classes, and the width of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.chem import ATMOSPHERES, Atmosphere
from rrgraph.conditions.config import ConditionsModelConfig
from rrgraph.conditions.features import describe
from rrgraph.conditions.model import LEVELS, QUANTITIES, SPREADS, ConditionsModel, with_context
from rrgraph.conditions.network import fit_networks
from rrgraph.conditions.tables import LABELS, ConditionRows
from rrgraph.data import LearnedReactions
from rrgraph.errors import DataError
from rrgraph.nn import TreeEnsemble
from rrgraph.properties import PropertyPredictor
from rrgraph.training import TreeFeatures, ValueTreesConfig, boost_probability, boost_values
from rrgraph.util.progress import track

__all__ = ["fit_conditions", "row_features"]

_MOST_FIRINGS: Final = 3
_LEAST_ROWS: Final = 100
"""Calibration rows that a label needs for a factor of its own."""
_LEAST_OF_CLASS: Final = 20
_LATEST_YEARS: Final = 2
"""Number of the latest years with enough rows in each of which an interval has to hold its share."""
_HIDDEN: Final = 0.5
"""Share of the known atmospheres that are hidden from the trees of values."""

Described = dict[tuple[str, frozenset[str]], NDArray[np.float32]]
"""Features (columns,) by the keys of target and precursors."""


def row_features(
    rows: ConditionRows,
    *,
    groups: tuple[str, ...],
    encoder: PropertyPredictor | None,
    described: Described | None = None,
) -> NDArray[np.float32]:
    """Return the features (rows, columns) of at least one row; each distinct reaction is described once.

    Args:
        rows: of reactions.
        groups: of features.
        encoder: predicts some of them.
        described: reactions that are described already; the others are added.
    """
    known = {} if described is None else described
    pairs = list(zip(rows.table.targets, rows.table.precursor_sets, strict=True))
    keys = [(target.key, members.keys) for target, members in pairs]
    missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in known}
    if missing:
        targets, sets = zip(*missing.values(), strict=True)
        known.update(zip(missing, describe(targets, sets, groups=groups, encoder=encoder), strict=True))
    return np.stack([known[key] for key in keys])


def fit_conditions(
    train: ConditionRows,
    calibration: ConditionRows,
    config: ConditionsModelConfig,
    *,
    seed: int,
    encoder: PropertyPredictor | None,
    metadata: Mapping[str, Any],
    later: ConditionRows | None = None,
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
        later: rows to learn from as well, once the calibration rows have set the width of the intervals.

    Raises:
        DataError: no training row states a temperature.
    """
    fit = partial(_fit, config=config, seed=seed, encoder=encoder, metadata=metadata, described={})
    if later is None or not len(later):
        return fit(train, calibration)
    whole = fit(ConditionRows.concat([train, later]), calibration.none())
    return replace(whole, quantiles=fit(train, calibration).quantiles)


def _fit(
    train: ConditionRows,
    calibration: ConditionRows,
    *,
    config: ConditionsModelConfig,
    seed: int,
    encoder: PropertyPredictor | None,
    metadata: Mapping[str, Any],
    described: Described,
) -> ConditionsModel:
    """Return a model of the training rows whose intervals are made on the calibration rows, if there are any."""
    groups = tuple(config.groups)
    if not np.isfinite(train.temperature).any():
        raise DataError("No training row states a temperature, which a model of conditions learns.")
    features = row_features(train, groups=groups, encoder=encoder, described=described)
    columns = with_context(features, train.label, _half_known(train, seed))
    held = features[:0]
    if len(calibration):
        held = row_features(calibration, groups=groups, encoder=encoder, described=described)
    measured = with_context(held, calibration.label, None)
    binned, folds = TreeFeatures(columns, bins=config.bins), _folds(train, config.folds, seed)
    weight = train.weight * _recency(train.table.years, config.recency)
    networks = None
    if config.networks.share:
        recorded = np.stack([_values(train, name) for name in QUANTITIES], axis=1)
        networks = fit_networks(columns, recorded, weight, config.networks, seed=seed)
    whole = train.label == 0
    trees: dict[str, TreeEnsemble] = {}
    quantiles: dict[str, dict[str, list[float]]] = {}
    model = ConditionsModel(  # of trees and quantiles that are learned below
        groups=groups,
        atmospheres=_classes(train, whole),
        firings=tuple(range(1, _MOST_FIRINGS + 1)),
        trees=trees,
        quantiles=quantiles,
        metadata=metadata,
        learned=LearnedReactions.of(train.table),
        networks=networks,
        encoder=encoder,
    )
    for name, grown in zip(QUANTITIES, (config.trees, config.time_trees), strict=True):
        values = _values(train, name)
        rows = np.flatnonzero(np.isfinite(values))
        if not len(rows):  # a table without times
            continue
        for member in track(range(config.members), f"trees of the {name}"):
            trees[f"{name}.{member}"] = boost_values(
                binned, values[rows], grown, rows=rows, weight=weight[rows], seed=seed + 1000 * member
            )
        errors = np.abs(values - _cross_fitted(binned, columns, values, weight, folds, config.error_trees, seed))
        trees[SPREADS[name]] = boost_values(
            binned, errors[rows], config.error_trees, rows=rows, weight=weight[rows], seed=seed
        )
        measured_on, of_rows = train, columns
        if len(calibration):
            measured_on, of_rows = calibration, measured
            errors = np.abs(_values(calibration, name) - model.value(name, torch.from_numpy(measured)))
        rows = np.flatnonzero(np.isfinite(errors))
        expected = model.expected_error(name, torch.from_numpy(of_rows[rows]))
        quantiles[name] = _quantiles(errors[rows] / expected, measured_on.label[rows], measured_on.table.years[rows])
    plain = features[whole]
    gases = np.array([each or "" for each in train.atmosphere[whole]])
    named = gases != ""
    trees |= _class_trees(
        "atmosphere", plain[named], gases[named], [each.value for each in model.atmospheres], config, seed
    )
    counts = np.minimum(train.firings[whole], _MOST_FIRINGS)
    counted = np.isfinite(counts)
    trees |= _class_trees("firings", plain[counted], counts[counted], model.firings, config, seed, prior=1.0)
    return model


def _recency(years: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return the factor (rows,) by which older rows count less; rows without a year count as those of the mean year."""
    known = np.isfinite(years)
    if not scale or not known.any():
        return np.ones(len(years))
    ages = years[known].max() - np.where(known, years, years[known].mean())
    factors: NDArray[np.float64] = np.exp(-ages / scale)
    return factors


def _half_known(rows: ConditionRows, seed: int) -> list[str | None]:
    """Return atmospheres of which half are hidden, so that trees learn what to do where none is known."""
    hidden = np.random.default_rng(seed).random(len(rows)) < _HIDDEN
    return [None if hide else each for hide, each in zip(hidden, rows.atmosphere, strict=True)]


def _values(rows: ConditionRows, name: str) -> NDArray[np.float64]:
    return rows.temperature if name == "temperature" else np.log10(rows.time)


def _folds(rows: ConditionRows, count: int, seed: int) -> NDArray[np.int64]:
    """Return the fold (rows,) of each row; an element system has one."""
    systems, index = np.unique(rows.table.element_systems.astype(str), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(count, size=len(systems))
    found: NDArray[np.int64] = drawn[index]
    return found


def _cross_fitted(
    binned: TreeFeatures,
    columns: NDArray[np.float32],
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    folds: NDArray[np.int64],
    config: ValueTreesConfig,
    seed: int,
) -> NDArray[np.float64]:
    """Return what trees that did not see a row's fold say of it; values that are not finite are not learned from."""
    found = np.full(len(values), np.median(values[np.isfinite(values)]))
    for fold in np.unique(folds):
        held = folds == fold
        rows = np.flatnonzero(~held & np.isfinite(values))
        if len(rows):
            trees = boost_values(binned, values[rows], config, rows=rows, weight=weight[rows], seed=seed)
            found[held] = trees(torch.from_numpy(columns[held])).double().numpy()
    return found


def _quantiles(
    scores: NDArray[np.float64], labels: NDArray[np.int64], years: NDArray[np.float64]
) -> dict[str, list[float]]:
    """Return by label the factors that cover each level of the scores (split conformal prediction).

    Recipes drift: of the years with enough rows each of the latest has to be covered, and the others do not count.
    """

    def factors(chosen: NDArray[np.bool_]) -> list[float]:
        known, counts = np.unique(years[chosen & np.isfinite(years)], return_counts=True)
        latest = known[counts >= _LEAST_ROWS][-_LATEST_YEARS:]
        parts = [scores[chosen & (years == year)] for year in latest] or [scores[chosen]]
        found: list[float] = np.max([_covering(part) for part in parts], axis=0).tolist()
        return found

    found = {"other": factors(np.ones(len(scores), dtype=bool))}
    for label in np.unique(labels):
        if (labels == label).sum() >= _LEAST_ROWS:
            found[LABELS[label]] = factors(labels == label)
    return found


def _covering(scores: NDArray[np.float64]) -> list[float]:
    """Return the factor that covers each level of the scores, with the correction for their number."""
    count = len(scores)
    shares = [min(np.ceil((count + 1) * level) / max(count, 1), 1.0) for level in LEVELS]
    return [float(each) for each in np.quantile(scores, shares, method="higher")] if count else [1.0] * len(LEVELS)


def _classes(rows: ConditionRows, chosen: NDArray[np.bool_]) -> tuple[Atmosphere, ...]:
    """Return the atmospheres that enough rows state, at least that of most; air where none states any."""
    names = [each for each in rows.atmosphere[chosen] if each]
    counts = {each: names.count(each.value) for each in ATMOSPHERES}
    least = min(_LEAST_OF_CLASS, max(*counts.values(), 1))
    return tuple(each for each in ATMOSPHERES if counts[each] >= least) or (Atmosphere.AIR,)


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
    binned = TreeFeatures(columns, bins=config.bins) if len(columns) else None
    for at, each in enumerate(classes):
        member = values == each
        if binned is None or not member.any() or member.all():
            found[f"{name}.{at}"] = TreeEnsemble.of([], float, base=1.0 if member.any() else -10.0)
        else:
            found[f"{name}.{at}"] = boost_probability(
                binned, member, config.class_trees, weight=weight / weight.mean(), seed=seed + at
            )
    return found
