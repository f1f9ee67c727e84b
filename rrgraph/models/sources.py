"""Where plans get reaction energies and literature precedents from: the bundled encoder, and reaction tables."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from rrgraph.chem import KJ_PER_EV, BalancedEquation, Composition, as_temperature, measured_solids
from rrgraph.data import LITERATURE, load_known_reactions
from rrgraph.errors import PlanningError
from rrgraph.models.energy_corrections import corrected_energy
from rrgraph.nn import encode_equally
from rrgraph.planning import (
    EnergyOrigin,
    EnergySource,
    FormationEnergy,
    LiteratureSource,
    ReactionEnergy,
    energies_needed,
    reaction_energy,
    read_formation_energies,
)

if TYPE_CHECKING:
    from rrgraph.properties import PropertyPredictor

__all__ = ["Energies", "Literature", "PredictedEnergies", "energy_source", "literature_source"]

Energies: TypeAlias = bool | str | os.PathLike[str] | Mapping[str, FormationEnergy] | EnergySource
"""Whether energies are wanted, or formation energies to use in place of the usual ones: a file, or by canonical key."""

Literature: TypeAlias = bool | str | os.PathLike[str] | LiteratureSource
"""Whether precedents are wanted, or where they are looked up: the name or path of a reaction table, or that itself."""

#: Predictions that are kept for later targets.
_CACHE_SIZE = 100_000


class PredictedEnergies:
    """Reaction energies from the user's formation energies, measured ones where there are none, or predicted ones.

    The encoder is loaded when the first prediction is needed; every composition is predicted once.

    Args:
        given: formation energies by canonical key, which replace measured and predicted ones.
        temperature: K, or text such as ``900 °C``; None for reaction enthalpies at 298.15 K.

    Raises:
        RRGraphError: the temperature cannot be read, or is outside the range of the tables of gases.
    """

    def __init__(
        self, given: Mapping[str, FormationEnergy] | None = None, *, temperature: float | str | None = None
    ) -> None:
        self.given = dict(given or {})
        self.temperature = None if temperature is None else as_temperature(temperature)
        self._measured = {key: energy for key, energy in _measured_energies().items() if key not in self.given}
        self._predicted: dict[str, FormationEnergy] = {}

    def reaction_energies(self, equations: Sequence[BalancedEquation]) -> list[ReactionEnergy]:
        """Return the energy of each equation; all predictions are made at once.

        Raises:
            ModelError: a prediction is needed and there is no encoder.
            DataError: the encoder predicts no finite energy.
        """
        self._predict(composition for equation in equations for composition in energies_needed(equation))
        energies = ChainMap(self.given, self._measured, self._predicted)
        origins = ChainMap[str, EnergyOrigin](
            dict.fromkeys(self._measured, "measured"), dict.fromkeys(self._predicted, "predicted")
        )
        return [
            reaction_energy(equation, energies, temperature=self.temperature, origins=origins) for equation in equations
        ]

    def _predict(self, compositions: Iterable[Composition]) -> None:
        if len(self._predicted) > _CACHE_SIZE:
            self._predicted.clear()
        known = ChainMap(self.given, self._measured, self._predicted)
        new = [composition for composition in dict.fromkeys(compositions) if composition.key not in known]
        found = encode_equally(lambda batch: zip(*self._encoder.formation_energies(batch), strict=True), new)
        for composition in new:
            self._predicted[composition.key] = corrected_energy(composition, *map(float, found[composition.key]))

    @cached_property
    def _encoder(self) -> PropertyPredictor:
        from rrgraph.models.model_registry import load_encoder

        return load_encoder()


def _measured_energies() -> dict[str, FormationEnergy]:
    """Return the measured formation energies of compounds with their standard deviations, eV/atom."""
    return {
        key: (solid.enthalpy / solid.atoms / KJ_PER_EV, solid.uncertainty / solid.atoms / KJ_PER_EV)
        for key, solid in measured_solids().items()
    }


def energy_source(energies: Energies, *, temperature: float | str | None = None) -> EnergySource | None:
    """Return what gives the reaction energies that are asked for, None where none are.

    Raises:
        PlanningError: there is a temperature and no energies are asked for.
        DataError: the file of formation energies cannot be used.
    """
    if energies is False:
        if temperature is not None:
            raise PlanningError("temperature is for reaction energies, which energies=True asks for.")
        return None
    if energies is True:
        return PredictedEnergies(temperature=temperature)
    if isinstance(energies, str | os.PathLike):
        return PredictedEnergies(read_formation_energies(energies), temperature=temperature)
    if isinstance(energies, Mapping):
        return PredictedEnergies(energies, temperature=temperature)
    if not isinstance(energies, EnergySource):
        raise PlanningError(f"energies is {energies!r}, expected True, False, a file or formation energies.")
    return energies


def literature_source(literature: Literature | None) -> LiteratureSource | None:
    """Return where literature precedents are looked up, None for nowhere.

    None and True mean the literature that comes with the package.

    Raises:
        DataError: the table that is named cannot be used.
    """
    if literature is False:
        return None
    if literature is None or literature is True:
        literature = LITERATURE
    if isinstance(literature, str | os.PathLike):
        return load_known_reactions(literature)
    if not isinstance(literature, LiteratureSource):
        raise PlanningError(f"literature is {literature!r}, expected True, False, or a reaction table.")
    return literature
