"""Models of conditions: gradient-boosted trees and networks with intervals, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import ATMOSPHERES, Atmosphere, Composition
from rrgraph.conditions.features import describe
from rrgraph.conditions.network import ValueNetworks
from rrgraph.conditions.rules import allowed_atmospheres, disagreement
from rrgraph.conditions.steps import DRIED_C
from rrgraph.conditions.tables import LABELS
from rrgraph.data import LearnedReactions, PrecursorSet
from rrgraph.nn import TreeEnsemble, checkpoint_mismatch, read_model, write_model
from rrgraph.planning import Conditions, Interval, balanced_equation
from rrgraph.properties import PropertyPredictor

__all__ = [
    "CONDITIONS_FORMAT",
    "LEVELS",
    "QUANTITIES",
    "SPREADS",
    "ConditionsModel",
    "Prediction",
    "load_conditions_model",
    "with_context",
]

CONDITIONS_FORMAT: Final = "rrgraph-conditions-3"
"""Identifier of the layout of model folders."""

LEVELS: Final = (0.5, 0.8, 0.9)
"""Shares of recorded values that intervals are made to hold."""

QUANTITIES: Final = ("temperature", "time")
"""What is predicted in numbers: °C, and log10 of h."""

SPREADS: Final = {"temperature": "spread", "time": "time_spread"}
"""The trees that predict how large the error of each is."""

_LEAST_SPREADS: Final = {"temperature": 15.0, "time": 0.05}
"""The least absolute error that is expected of each quantity."""

_NETWORKS: Final = "networks"
_LEARNED: Final = "learned"
_SHOWN: Final = ("highest", "calcination", "sintering")


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What a model says of n rows.

    Attributes:
        temperature: (n,) in °C.
        widths: (n, levels) half the width of its intervals in °C.
        time: (n,) log10 of the dwell time in h; NaN from a model that learned of none.
        time_widths: (n, levels) half the width of its intervals.
        atmosphere: (n, classes) probabilities.
        firings: (n, numbers) probabilities.
        classes: the atmospheres that are told apart.
        numbers: the numbers of firings, the last of them and all above.
    """

    temperature: NDArray[np.float64]
    widths: NDArray[np.float64]
    time: NDArray[np.float64]
    time_widths: NDArray[np.float64]
    atmosphere: NDArray[np.float64]
    firings: NDArray[np.float64]
    classes: tuple[Atmosphere, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ConditionsModel:
    """Trees and networks, what they read, and how far off they are.

    Attributes:
        groups: of features.
        atmospheres: classes that are told apart.
        firings: numbers that are told apart, the last of them and all above.
        trees: by name, such as `temperature.0`; `spread` and `time_spread` predict the absolute error.
        quantiles: by `temperature` or `time`, label and level, the factor of the predicted error that makes the
            interval; the label `other` is for those with few calibration rows.
        metadata: name, seed, rows, and the encoder.
        learned: targets and reactions that it learned from; None where a file does not say.
        networks: predict `QUANTITIES` beside the trees; None for trees alone.
        encoder: predicts features, None where no group needs it.
    """

    groups: tuple[str, ...]
    atmospheres: tuple[Atmosphere, ...]
    firings: tuple[int, ...]
    trees: Mapping[str, TreeEnsemble]
    quantiles: Mapping[str, Mapping[str, Sequence[float]]]
    metadata: Mapping[str, Any]
    learned: LearnedReactions | None = None
    networks: ValueNetworks | None = None
    encoder: PropertyPredictor | None = None

    def describe(self, targets: Sequence[Composition], sets: Sequence[PrecursorSet]) -> NDArray[np.float32]:
        """Return the features that the trees read, (n, columns) without those of label and atmosphere."""
        return describe(targets, sets, groups=self.groups, encoder=self.encoder)

    def predict(
        self, features: NDArray[np.float32], label: NDArray[np.int64], atmosphere: Sequence[str | None] | None = None
    ) -> Prediction:
        """Return predictions for the labels of rows.

        Args:
            features: (n, columns) as `describe` returns them.
            label: (n,) indices into `LABELS`.
            atmosphere: n names of classes where it is known, None where it is not; temperatures and times depend on it.
        """
        columns = torch.from_numpy(with_context(features, label, atmosphere))
        named = [LABELS[each] for each in label]
        temperature, widths = self._interval(columns, named, "temperature")
        time, time_widths = self._interval(columns, named, "time")
        plain = torch.from_numpy(features)
        return Prediction(
            temperature=temperature,
            widths=widths,
            time=time,
            time_widths=time_widths,
            atmosphere=self._shares(plain, "atmosphere", len(self.atmospheres)),
            firings=self._shares(plain, "firings", len(self.firings)),
            classes=self.atmospheres,
            numbers=self.firings,
        )

    def conditions(
        self,
        targets: Sequence[Composition],
        sets: Sequence[PrecursorSet],
        *,
        atmosphere: Atmosphere | None = None,
        byproducts: tuple[Composition | str, ...] = (),
    ) -> list[Conditions]:
        """Return the conditions of each target from the precursor set at its side.

        See `rrgraph.planning.ConditionSource`. Unless it is known, an atmosphere that would oxidise the target has no
        probability; see `allowed_atmospheres`.
        """
        if not targets:
            return []
        features = self.describe(targets, sets)
        given = None if atmosphere is None else [atmosphere.value] * len(targets)
        by_label = {
            name: self.predict(features, np.full(len(targets), LABELS.index(name), dtype=np.int64), given)
            for name in _SHOWN
        }
        found = []
        whole = by_label[_SHOWN[0]]
        for row, (target, precursors) in enumerate(zip(targets, sets, strict=True)):
            highest = _temperature(whole, row)
            atmospheres = {atmosphere: 1.0} if atmosphere is not None else self._atmospheres(target, whole, row)
            found.append(
                Conditions(
                    temperatures={name: _temperature(each, row).at_most(highest) for name, each in by_label.items()},
                    times={name: _time(each, row) for name, each in by_label.items() if np.isfinite(each.time[row])},
                    atmospheres=atmospheres,
                    firings=dict(zip(self.firings, map(float, whole.firings[row]), strict=True)),
                    note=disagreement(
                        target,
                        balanced_equation(target, precursors, byproducts),
                        next(iter(atmospheres)),
                        asked=atmosphere is not None,
                    ),
                )
            )
        return found

    def _atmospheres(self, target: Composition, found: Prediction, row: int) -> dict[Atmosphere, float]:
        """Return the probability of each atmosphere that does the target no harm, the most probable first.

        Where the model knows none, that is an inert one.
        """
        shares = np.where(allowed_atmospheres(target, self.atmospheres), found.atmosphere[row], 0.0)
        if not shares.sum() > 0:
            return {Atmosphere.INERT: 1.0}
        shares = shares / shares.sum()
        order = np.argsort(-shares, kind="stable")
        return {self.atmospheres[each]: float(shares[each]) for each in order if shares[each] > 0}

    def value(self, name: str, columns: Tensor) -> NDArray[np.float64]:
        """Return one of `QUANTITIES` (n,) for features (n, columns) with context.

        That is the mean of the ensembles `name.0`, `name.1`, ..., averaged with the networks where there are any.
        """
        members = [each for key, each in self.trees.items() if key.startswith(f"{name}.")]
        found: NDArray[np.float64] = np.mean([each(columns).double().numpy() for each in members], axis=0)
        if self.networks is None:
            return found
        further: NDArray[np.float64] = self.networks(columns)[:, QUANTITIES.index(name)].double().numpy()
        return (1.0 - self.networks.share) * found + self.networks.share * further

    def expected_error(self, name: str, columns: Tensor) -> NDArray[np.float64]:
        """Return the absolute error (n,) that is expected of `value`."""
        found: NDArray[np.float64] = self.trees[SPREADS[name]](columns).double().numpy()
        return np.maximum(found, _LEAST_SPREADS[name])

    def _interval(
        self, columns: Tensor, named: Sequence[str], value: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return values (n,) and half the widths of their intervals (n, levels), NaN for what was not learned."""
        if value not in self.quantiles:
            return np.full(len(named), np.nan), np.full((len(named), len(LEVELS)), np.nan)
        factors = self.quantiles[value]
        scales = np.array([factors.get(name, factors["other"]) for name in named])
        return self.value(value, columns), self.expected_error(value, columns)[:, None] * scales

    def _shares(self, columns: Tensor, name: str, classes: int) -> NDArray[np.float64]:
        logits = torch.stack([self.trees[f"{name}.{each}"](columns).double() for each in range(classes)], dim=1)
        chances = torch.sigmoid(logits)
        return (chances / chances.sum(dim=1, keepdim=True)).numpy()

    def save(self, folder: str | Path) -> None:
        """Write the model as `model.safetensors` and `model.json`."""
        tensors = {
            f"{name}.{part}": tensor for name, trees in self.trees.items() for part, tensor in trees.tensors().items()
        }
        if self.networks is not None:
            tensors |= {f"{_NETWORKS}.{name}": each for name, each in self.networks.tensors().items()}
        if self.learned is not None:
            tensors |= {f"{_LEARNED}.{name}": torch.from_numpy(each) for name, each in self.learned.arrays().items()}
        description = {
            _NETWORKS: None if self.networks is None else self.networks.options,
            "groups": list(self.groups),
            "atmospheres": [each.value for each in self.atmospheres],
            "firings": list(self.firings),
            "trees": list(self.trees),
            "quantiles": {
                name: {label: list(map(float, each)) for label, each in by.items()}
                for name, by in self.quantiles.items()
            },
            "metadata": dict(self.metadata),
        }
        write_model(folder, CONDITIONS_FORMAT, tensors, description)


def load_conditions_model(folder: str | Path, *, encoder: PropertyPredictor | None) -> ConditionsModel:
    """Read a model of conditions.

    Args:
        folder: as `ConditionsModel.save` wrote it.
        encoder: the pretrained encoder that it was trained with.

    Raises:
        ModelError: it is missing or damaged.
    """
    tensors, description = read_model(folder, CONDITIONS_FORMAT)

    def part(name: str) -> dict[str, Tensor]:
        """Return the tensors of a part by their own names."""
        return {key.removeprefix(f"{name}."): each for key, each in tensors.items() if key.startswith(f"{name}.")}

    with checkpoint_mismatch(folder):
        trees = {name: TreeEnsemble.from_tensors(part(name), columns=2**15) for name in description["trees"]}
        options, learned = description[_NETWORKS], part(_LEARNED)
        return ConditionsModel(
            networks=None if options is None else ValueNetworks.from_tensors(part(_NETWORKS), **options),
            learned=LearnedReactions(**{name: each.numpy() for name, each in learned.items()}) if learned else None,
            groups=tuple(description["groups"]),
            atmospheres=tuple(map(Atmosphere, description["atmospheres"])),
            firings=tuple(description["firings"]),
            trees=trees,
            quantiles=description["quantiles"],
            metadata=description["metadata"],
            encoder=encoder,
        )


def with_context(
    features: NDArray[np.float32], label: NDArray[np.int64], atmosphere: Sequence[str | None] | None
) -> NDArray[np.float32]:
    """Return features and, behind them, what is asked for: the label's index, a column for each label, for each gas.

    The columns of gases are all 0 where the atmosphere is not known.
    """
    gases = np.zeros((len(label), len(ATMOSPHERES)), dtype=np.float32)
    if atmosphere is not None:
        gases[:] = np.array(atmosphere, dtype=object)[:, None] == np.array(ATMOSPHERES, dtype=object)
    one = np.eye(len(LABELS), dtype=np.float32)[label]
    return np.concatenate([features, label[:, None].astype(np.float32), one, gases], axis=1)


def _temperature(found: Prediction, row: int) -> Interval:
    value, half = float(found.temperature[row]), float(found.widths[row, LEVELS.index(0.8)])
    return Interval(value, min(value, max(value - half, DRIED_C)), value + half)


def _time(found: Prediction, row: int) -> Interval:
    value, half = float(found.time[row]), float(found.time_widths[row, LEVELS.index(0.8)])
    return Interval(10**value, 10 ** (value - half), 10 ** (value + half))
