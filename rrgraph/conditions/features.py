"""Features of a target and its precursors, from which conditions are predicted."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import (
    ATOMIC_NUMBERS,
    ELEMENTS,
    Composition,
    anhydrous,
    fraction_matrix,
    measured_solids,
    parse_formula,
)
from rrgraph.data import PrecursorSet, SetBatch
from rrgraph.graph import ANION_CLASSES, PRECURSOR_CLASSES, anion_class, balance_oxygen, precursor_class
from rrgraph.nn import encode_equally
from rrgraph.properties import PropertyPredictor

__all__ = ["GROUPS", "describe"]

GROUPS: Final = (
    "fractions",
    "elements",
    "shape",
    "classes",
    "oxygen",
    "melting",
    "enthalpies",
    "encoder",
    "embeddings",
)
"""Groups of features: the target's atomic fractions; statistics of element properties; number of elements and the least
amounts; classes of target and precursors, and what these bring besides metals; oxygen that the reaction gives off or
takes up; melting points of the precursors; their measured formation enthalpies; properties that the pretrained encoder
predicts for target and precursors; projections of its embedding of the target."""

UNKNOWN: Final = -9999.0
"""Stands for what is not known; below everything else."""

_VOLATILE: Final = ("C", "H", "N", "O", "S", "F", "Cl", "P", "Se", "Te", "I", "Br")
_COMPONENTS: Final = 24


def describe(
    targets: Sequence[Composition],
    sets: Sequence[PrecursorSet],
    *,
    groups: Collection[str],
    encoder: PropertyPredictor | None,
) -> NDArray[np.float32]:
    """Return the features (n, columns) of targets and their precursor sets.

    Args:
        targets: materials to make.
        sets: as many.
        groups: of `GROUPS`.
        encoder: for the groups `encoder` and `embeddings`.
    """
    distinct = {each.key: each for each in (*targets, *(member for members in sets for member in members))}
    index = {key: number for number, key in enumerate(distinct)}
    materials = list(distinct.values())
    target = np.array([index[each.key] for each in targets], dtype=np.int64)
    # In one order, since the last digits of a sum depend on it.
    members = [np.array([index[key] for key in sorted(each.key for each in found)], dtype=np.int64) for found in sets]
    fractions = fraction_matrix(materials).astype(np.float64)
    columns: list[NDArray[np.float64]] = []
    if "fractions" in groups:
        columns.append(fractions[target])
    if "elements" in groups:
        columns.append(_element_statistics(fractions)[target])
    if "shape" in groups:
        columns.append(_shape(fractions)[target])
    if "classes" in groups:
        kinds = np.array([anion_class(each.elements) for each in targets])
        columns.append((kinds[:, None] == np.array(ANION_CLASSES)).astype(np.float64))
        classes = np.array([precursor_class(each) for each in materials])[:, None] == np.array(PRECURSOR_CLASSES)
        columns.append(np.array([classes[found].sum(axis=0) for found in members], dtype=np.float64))
        columns.append(np.array([[float(len(found))] for found in members]))
        volatile = fractions[:, [ATOMIC_NUMBERS[symbol] - 1 for symbol in _VOLATILE]]
        columns.append(np.array([volatile[found].mean(axis=0) for found in members]))
    if "oxygen" in groups:
        batch = SetBatch.of_lists(targets, materials, [[found.tolist()] for found in members])
        columns.append(balance_oxygen(batch)[1])
    if "melting" in groups:
        columns.append(_over_members(_melting_points(materials)[:, None], members))
    if "enthalpies" in groups:
        columns.append(_over_members(_enthalpies(materials)[:, None], members))
    if encoder is not None and "encoder" in groups:
        values = _encoded(partial(_properties, encoder), materials)
        columns += [values[target], _over_members(values, members)]
    if encoder is not None and "embeddings" in groups:
        columns.append(_projected(_encoded(encoder.embed, targets)))
    found = np.concatenate(columns, axis=1)
    return np.where(np.isfinite(found), found, UNKNOWN).astype(np.float32)


def _over_members(values: NDArray[np.float64], members: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return least, greatest and mean value over the members of each set; NaN where none is known."""
    rows = np.full((len(members), 3, values.shape[1]), np.nan)
    for row, found in enumerate(members):
        chosen = values[found]
        known = np.isfinite(chosen)
        count = known.sum(axis=0)
        rows[row, 0] = np.where(known, chosen, np.inf).min(axis=0)
        rows[row, 1] = np.where(known, chosen, -np.inf).max(axis=0)
        rows[row, 2] = np.where(known, chosen, 0.0).sum(axis=0) / np.maximum(count, 1)
        rows[row][:, count == 0] = np.nan
    return rows.reshape(len(members), -1)


def _element_statistics(fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean, greatest, least and standard deviation of each element property, weighted by the fractions."""
    table = _element_table()
    mean = fractions @ table
    spread = np.sqrt(np.maximum(fractions @ table**2 - mean**2, 0.0))
    present = fractions > 0
    extremes = [
        function(np.where(present, column, fill), axis=1)
        for column in table.T
        for function, fill in ((np.max, -np.inf), (np.min, np.inf))
    ]
    return np.concatenate([mean, spread, np.stack(extremes, axis=1)], axis=1)


def _shape(fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return number of elements, the two least fractions, and the entropy of the fractions."""
    ascending = np.sort(np.where(fractions > 0, fractions, np.inf), axis=1)[:, :2]
    entropy = -(fractions * np.log(np.where(fractions > 0, fractions, 1.0))).sum(axis=1)
    return np.column_stack([(fractions > 0).sum(axis=1), ascending, entropy])


def _melting_points(materials: Sequence[Composition]) -> NDArray[np.float64]:
    known = _melting_table()
    return np.array([known.get(anhydrous(each).key, np.nan) for each in materials])


def _enthalpies(materials: Sequence[Composition]) -> NDArray[np.float64]:
    solids = measured_solids()
    found = [solids.get(each.key) for each in materials]
    return np.array([np.nan if solid is None else solid.enthalpy / solid.atoms for solid in found])


def _encoded(
    encode: Callable[[Sequence[Composition]], NDArray[Any]], materials: Sequence[Composition]
) -> NDArray[np.float64]:
    """Return a row (n, columns) for each material, whose last digits do not depend on the others.

    Trees would magnify them where a threshold is close.
    """
    rows = encode_equally(encode, list({each.key: each for each in materials}.values()))
    return np.array([rows[each.key] for each in materials], dtype=np.float64)


def _properties(encoder: PropertyPredictor, materials: Sequence[Composition]) -> NDArray[np.float64]:
    """Return the properties in numbers (n, properties) that the encoder predicts."""
    found = encoder.predict(materials).values()
    return np.stack([each.value for each in found if each.probabilities is None], axis=1)


def _projected(embeddings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return embeddings in few dimensions, along axes that depend on the width alone."""
    axes = np.random.default_rng(0).standard_normal((embeddings.shape[1], _COMPONENTS)) / _COMPONENTS**0.5
    projected: NDArray[np.float64] = embeddings @ axes
    return projected


@cache
def _element_table() -> NDArray[np.float64]:
    """Return properties (elements, properties), the mean of the others where one is not known."""
    with (files("rrgraph.conditions") / "elements.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name != "symbol"]
    values = np.array([[float(row[name] or "nan") for name in names] for row in rows])
    return np.where(np.isnan(values), np.nanmean(values, axis=0), values)


@cache
def _melting_table() -> Mapping[str, float]:
    """Return melting points in °C by canonical key."""
    with (files("rrgraph.conditions") / "melting_points.csv").open(encoding="utf-8") as lines:
        found = {row["key"]: float(row["celsius"]) for row in csv.DictReader(lines)}
    for symbol, kelvin in zip(ELEMENTS, _element_table()[:, 4], strict=True):
        found.setdefault(parse_formula(symbol).key, float(kelvin) - 273.15)
    return found
