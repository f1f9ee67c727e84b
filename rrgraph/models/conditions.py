"""Where plans get their conditions from: the bundled model, loaded when the first one is asked for."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import cache, cached_property, lru_cache
from typing import Final

from rrgraph.chem import Atmosphere, Composition, parse_formula
from rrgraph.conditions import DRIED_C, ConditionsModel
from rrgraph.data import LITERATURE, KnownReaction, PrecursorSet, load_known_reactions
from rrgraph.planning import Conditions

__all__ = ["DEFAULT_CONDITIONS", "PredictedConditions", "bundled_conditions", "condition_source"]

DEFAULT_CONDITIONS: Final = "conditions"
"""The bundled model of conditions."""

_NEAREST: Final = 20
"""Recorded recipes that are looked at for each target."""
_ALIKE: Final = 0.9
"""Similarity from which another target's recipes count."""
_SHOWN: Final = 3
"""Recipes that are named."""
_MOST_KEPT: Final = 2_000


class PredictedConditions:
    """Conditions of planned sets; each pair of a target and a set is predicted once in each atmosphere.

    Args:
        model: name or folder of a model of conditions.
    """

    def __init__(self, model: str = DEFAULT_CONDITIONS) -> None:
        self.name = model
        self._known: dict[Hashable, Conditions] = {}

    def conditions(
        self,
        targets: Sequence[Composition],
        sets: Sequence[PrecursorSet],
        *,
        atmosphere: Atmosphere | None = None,
        byproducts: tuple[Composition | str, ...] = (),
    ) -> list[Conditions]:
        """Return the conditions of each target from the set at its side, see `rrgraph.planning.ConditionSource`.

        Raises:
            ModelError: the model, or the encoder that it was trained with, is missing or damaged.
        """
        keys = [
            (target.key, members.keys, atmosphere, byproducts) for target, members in zip(targets, sets, strict=True)
        ]
        missing = {key: row for row, key in enumerate(keys) if key not in self._known}
        if len(self._known) + len(missing) > _MOST_KEPT:
            self._known.clear()
            missing = {key: row for row, key in enumerate(keys)}
        rows = list(missing.values())
        if rows:
            asked = [targets[row] for row in rows], [sets[row] for row in rows]
            found = self._model.conditions(*asked, atmosphere=atmosphere, byproducts=byproducts)
            behind = self._behind(asked[0])
            for row, each in zip(rows, found, strict=True):
                recipes = behind[targets[row].key]
                self._known[keys[row]] = replace(
                    each, papers=sum(recipe.reports for recipe in recipes), recipes=_shown(recipes, sets[row])
                )
        return [self._known[key] for key in keys]

    def _behind(self, targets: Sequence[Composition]) -> dict[str, list[KnownReaction]]:
        """Return the recipes that fire each target, or materials like it where none does, at a stated temperature.

        To dry a powder is not to fire it.
        """
        distinct = {target.key: target for target in targets}
        recorded = load_known_reactions(LITERATURE).nearest([*distinct.values()], _NEAREST)
        found = {}
        for key, nearest in zip(distinct, recorded, strict=True):
            fired = [reaction for reaction in nearest if (reaction.temperature_c or 0.0) > DRIED_C]
            own = [reaction for reaction in fired if reaction.same_composition]
            found[key] = own or [reaction for reaction in fired if reaction.similarity >= _ALIKE]
        return found

    @cached_property
    def _model(self) -> ConditionsModel:
        from rrgraph.models.model_registry import load_conditions

        return load_conditions(self.name)


def _shown(recipes: Sequence[KnownReaction], members: PrecursorSet) -> tuple[KnownReaction, ...]:
    """Return the first recipes, those of a precursor set before others."""
    others = [PrecursorSet(map(parse_formula, recipe.precursors)).keys != members.keys for recipe in recipes]
    return tuple(recipes[index] for index in sorted(range(len(recipes)), key=others.__getitem__)[:_SHOWN])


@cache
def bundled_conditions() -> PredictedConditions:
    """Return the conditions of the bundled model, kept for later plans."""
    return PredictedConditions()


def condition_source(chosen: bool | str | os.PathLike[str]) -> PredictedConditions:
    """Return the conditions of the bundled model, or of one that is named.

    Args:
        chosen: name or run folder of a model of conditions; True and False mean the bundled one.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    return bundled_conditions() if isinstance(chosen, bool) else _loaded(os.fspath(chosen))


@lru_cache(maxsize=2)
def _loaded(name: str) -> PredictedConditions:
    found = PredictedConditions(name)
    _ = found._model  # so that a wrong name is refused before anything is planned
    return found
