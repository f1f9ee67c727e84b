"""Reaction energies for `rrgraph plan --energies`: records flow in, the same records with energies flow out."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from rrgraph.chem import Composition
from rrgraph.cli.plan.output import PlanRecord, SetRecord
from rrgraph.planning import FormationEnergy, energies_needed, reaction_energy

if TYPE_CHECKING:
    from rrgraph.properties import PropertyPredictor

__all__ = ["ReactionEnergies"]

#: Predictions that are kept for later targets.
_KEPT = 100_000


class ReactionEnergies:
    """Adds reaction energies to plans, predicting the formation energies that the user does not give.

    The encoder is loaded when the first prediction is needed; every composition is predicted once.

    Args:
        given: formation energies by canonical key, which replace predictions.
        temperature: K, or None for reaction enthalpies at 298.15 K.
    """

    def __init__(self, given: dict[str, FormationEnergy], *, temperature: float | None) -> None:
        self.given, self.temperature = given, temperature
        self._predicted: dict[str, FormationEnergy] = {}

    def add(self, records: Sequence[PlanRecord]) -> list[PlanRecord]:
        """Return the records with the energy of every set that balances; all predictions are made at once.

        Raises:
            ModelError: a prediction is needed and there is no encoder.
            DataError: the encoder predicts no finite energy.
        """
        equations = [s.balanced for record in records for s in record.sets if s.balanced is not None]
        self._predict(composition for equation in equations for composition in energies_needed(equation))
        energies = ChainMap(self.given, self._predicted)

        def with_energy(s: SetRecord) -> SetRecord:
            if s.balanced is None:
                return s
            return replace(s, energy=reaction_energy(s.balanced, energies, temperature=self.temperature))

        return [replace(record, sets=[with_energy(s) for s in record.sets]) for record in records]

    def _predict(self, compositions: Iterable[Composition]) -> None:
        if len(self._predicted) > _KEPT:
            self._predicted.clear()
        new = [c for c in dict.fromkeys(compositions) if c.key not in self.given and c.key not in self._predicted]
        if not new:
            return
        values, deviations = self._encoder.formation_energies(new)
        for composition, value, deviation in zip(new, values, deviations, strict=True):
            self._predicted[composition.key] = float(value), float(deviation)

    @cached_property
    def _encoder(self) -> PropertyPredictor:
        from rrgraph.models import load_encoder

        return load_encoder()
