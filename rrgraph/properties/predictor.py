"""Properties with uncertainties, and embeddings, from a pretrained encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import ELEMENTS, Material, as_compositions
from rrgraph.errors import ModelError, suggestion
from rrgraph.graph import PADDING, featurise
from rrgraph.nn import MASK, half_precision
from rrgraph.properties.checkpoint import PropertyCheckpoint
from rrgraph.properties.model import pool_fractions
from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["PropertyPrediction", "PropertyPredictor"]

_BATCH_SIZE = 2048

#: Tasks that are the formation energy of the ground state, the one closest to experiment first.
FORMATION_ENERGIES = ("formation_energy_mp20", "formation_energy")


@dataclass(frozen=True)
class PropertyPrediction:
    """One property of n compositions.

    Attributes:
        task: what is predicted.
        value: (n,) in the unit of the task; for classification, the most probable class.
        uncertainty: (n,) one standard deviation in the unit of the task; NaN for classification.
        probabilities: (n, classes) for classification, otherwise None.
    """

    task: PropertyTask
    value: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None = None


class PropertyPredictor:
    """Predicts properties and embeds compositions.

    Args:
        checkpoint: the pretrained model.
        precision: `full`, or `auto` for bfloat16 where it is faster.
    """

    def __init__(self, checkpoint: PropertyCheckpoint, *, precision: str = "full") -> None:
        self.checkpoint = checkpoint
        self.model = checkpoint.model.eval()
        self.precision = precision

    @property
    def tasks(self) -> tuple[PropertyTask, ...]:
        """The predicted properties."""
        return self.model.tasks

    def predict(self, compositions: Sequence[Material]) -> dict[str, PropertyPrediction]:
        """Return the prediction of every task, by name.

        Raises:
            ModelError: a prediction is not finite, because the weights are absurd.
        """
        found = self.predict_arrays(*_featurised(compositions))
        for name, each in found.items():
            shares = each.uncertainty if each.probabilities is None else each.probabilities
            if not (np.isfinite(each.value).all() and np.isfinite(shares).all()):
                raise ModelError(f"The encoder predicts no finite {name}: its weights are damaged.")
        return found

    def predict_arrays(
        self, elements: NDArray[np.integer], fractions: NDArray[np.float32]
    ) -> dict[str, PropertyPrediction]:
        """Return the prediction of every task for compositions as padded arrays (n, k)."""
        model = self.model
        encoded, errors, probabilities = self.encoded(elements, fractions)
        values, deviations = model.target_scale.decode(encoded, errors * model.spread.cpu().numpy())
        predictions = {
            task.name: PropertyPrediction(task, values[:, column], deviations[:, column])
            for column, task in enumerate(model.regression)
        }
        for task, found in zip(model.classes, probabilities, strict=True):
            best = found.argmax(axis=1).astype(np.float64)
            predictions[task.name] = PropertyPrediction(task, best, np.full(len(elements), np.nan), found)
        return {task.name: predictions[task.name] for task in model.tasks}

    @torch.inference_mode()
    def encoded(
        self, elements: NDArray[np.integer], fractions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], list[NDArray[np.float64]]]:
        """Return the standardised output of the heads for compositions (n, k).

        Returns:
            standardised values (n, regression tasks), their expected absolute errors (n, regression tasks), and for
            each classification task the probabilities (n, classes).
        """
        model = self.model
        values = np.empty((len(elements), len(model.regression)))
        errors = np.empty_like(values)
        probabilities = [np.empty((len(elements), task.classes)) for task in model.classes]
        for rows, given in self._batches(elements, fractions):
            with half_precision(self.device, self.precision):
                output = model(*given)
            values[rows] = output.values.double().cpu().numpy()
            errors[rows] = output.log_errors.double().exp().cpu().numpy()
            for found, logits in zip(probabilities, output.logits, strict=True):
                found[rows] = logits.double().softmax(dim=-1).cpu().numpy()
        return values, errors, probabilities

    @torch.inference_mode()
    def hidden_elements(
        self, elements: NDArray[np.integer], fractions: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the scores (n, elements + 1) of the elements for the hidden slot of each row.

        They are log probabilities over all elements, except that those in another slot of the row are set to -infinity.

        Args:
            elements: (n, k).
            fractions: (n, k).
            slots: (n,) the hidden slot of each row; its content is not used.
        """
        every = np.arange(len(elements))
        shown = elements.astype(np.int64)
        shown[every, slots] = MASK
        scores = np.empty((len(elements), len(ELEMENTS) + 1))
        for rows, given in self._batches(shown, fractions):
            states = self.model.encoder.tokens(*given)
            hidden = states.take_along_dim(1 + torch.from_numpy(slots[rows])[:, None, None].to(states.device), 1)[:, 0]
            scores[rows] = self.model.hidden_element(hidden).double().log_softmax(dim=-1).cpu().numpy()
        scores[every[:, None], np.where(shown == MASK, PADDING, shown)] = -np.inf
        return scores

    @torch.inference_mode()
    def hidden_fractions(
        self, elements: NDArray[np.integer], fractions: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the share (n,) of the first of two elements in their total amount, from the rest of the composition.

        Args:
            elements: (n, k).
            fractions: (n, k); only the sum of the two fractions in `slots` is used.
            slots: (n, 2).
        """
        pooled = pool_fractions(torch.from_numpy(fractions), torch.from_numpy(slots)).numpy()
        shares = np.empty(len(elements))
        for rows, given in self._batches(elements, pooled):
            logits = self.model.hidden_fraction(self.model.encoder.tokens(*given)[:, 1:]).squeeze(-1)
            chosen = logits.gather(1, torch.from_numpy(slots[rows]).to(logits.device)).double()
            shares[rows] = torch.sigmoid(chosen[:, 0] - chosen[:, 1]).cpu().numpy()
        return shares

    @torch.inference_mode()
    def embed(self, compositions: Sequence[Material]) -> NDArray[np.float32]:
        """Return the embeddings (n, width): the states of [CPD]."""
        elements, fractions = _featurised(compositions)
        embeddings = np.empty((len(elements), self.model.config.width), dtype=np.float32)
        for rows, given in self._batches(elements, fractions):
            embeddings[rows] = self.model.encoder(*given).float().cpu().numpy()
        return embeddings

    def formation_energies(self, compositions: Sequence[Material]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return formation energies and their standard deviations, both (n,) in eV/atom.

        Raises:
            ModelError: the model does not predict formation energies.
        """
        names = [task.name for task in self.tasks]
        for name in FORMATION_ENERGIES:
            if name in names:
                prediction = self.predict(compositions)[name]
                return prediction.value, prediction.uncertainty
        raise ModelError(f"This model does not predict formation energies, only {', '.join(names)}.")

    def task(self, name: str) -> PropertyTask:
        """Return the task of a name.

        Raises:
            ModelError: there is no task of that name.
        """
        for task in self.tasks:
            if task.name == name:
                return task
        names = [task.name for task in self.tasks]
        raise ModelError(f"This model does not predict '{name}', only {', '.join(names)}.{suggestion(name, names)}")

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.model.center.device

    def _batches(
        self, elements: NDArray[np.integer], fractions: NDArray[np.float32]
    ) -> Iterator[tuple[NDArray[np.int64], tuple[Tensor, Tensor]]]:
        """Yield rows with the same number of elements and their tensors, so that there is no padding."""
        lengths = (elements > 0).sum(axis=1)
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            for start in range(0, len(members), _BATCH_SIZE):
                rows = members[start : start + _BATCH_SIZE]
                yield (
                    rows,
                    (
                        torch.from_numpy(elements[rows, :length].astype(np.int64)).to(self.device),
                        torch.from_numpy(fractions[rows, :length]).to(self.device),
                    ),
                )


def _featurised(compositions: Sequence[Material]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    elements, fractions = featurise(as_compositions(compositions))
    return elements.numpy(), fractions.numpy()
