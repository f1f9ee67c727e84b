"""Formation energies from the embeddings of a pretrained encoder, and the reaction energies of precursor sets."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rrgraph.chem import GASES, KJ_PER_EV
from rrgraph.properties.model import PropertyModel
from rrgraph.properties.predictor import FORMATION_ENERGIES

__all__ = ["EnergyHead", "reaction_energies"]

# Energy of the gas as which one atom of the element leaves, eV; nitrogen and oxygen leave as elements.
_CARBON: Final = GASES["CO2"].enthalpy / KJ_PER_EV
_HYDROGEN: Final = GASES["H2O"].enthalpy / KJ_PER_EV / 2
_LARGEST: Final = 5.0


class EnergyHead(nn.Module):
    """The head of a property model that predicts formation energies.

    Args:
        width: of the embeddings.
        hidden: width of its two hidden layers.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU())
        self.value = nn.Linear(hidden, 1)
        self.register_buffer("center", torch.zeros(1))
        self.register_buffer("scale", torch.ones(1))

    @classmethod
    def of(cls, model: PropertyModel) -> EnergyHead | None:
        """Return a copy of the head of `model`, None if it does not predict formation energies."""
        names = [task.name for task in model.regression]
        found = [names.index(name) for name in FORMATION_ENERGIES if name in names]
        if not found:
            return None
        row = found[0]
        head = cls(model.config.width, model.values.in_features)
        head.trunk.load_state_dict(model.trunk.state_dict())
        with torch.no_grad():
            head.value.weight.copy_(model.values.weight[row : row + 1])
            head.value.bias.copy_(model.values.bias[row : row + 1])
            head.center.copy_(model.center[row])
            head.scale.copy_(model.scale[row])
        return head.eval()

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return formation energies (n,) in eV/atom of embeddings (n, width)."""
        standardised: Tensor = self.value(self.trunk(embeddings)).squeeze(-1)
        return standardised * self.scale + self.center


def reaction_energies(
    target: NDArray[np.floating],
    members: NDArray[np.floating],
    amounts: NDArray[np.floating],
    carbon: NDArray[np.floating],
    hydrogen: NDArray[np.floating],
) -> NDArray[np.floating]:
    """Return the energy of making a target from each set, in eV per atom of target, clipped to 5 eV.

    Carbon leaves as CO2 and hydrogen as water vapour; the energy of gases taken up from the air is 0.

    Args:
        target: (n,) formation energy of each set's target, eV/atom.
        members: (n, m) formation energies of its members, eV/atom.
        amounts: (n, m) atoms of each member per atom of target.
        carbon: (n,) released atoms of carbon per atom of target.
        hydrogen: (n,) released atoms of hydrogen per atom of target.
    """
    gases = _CARBON * carbon.clip(0) + _HYDROGEN * hydrogen.clip(0)
    energies: NDArray[np.floating] = (target + gases - (amounts * members).sum(1)).clip(-_LARGEST, _LARGEST)
    return energies
