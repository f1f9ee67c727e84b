"""What chemistry says of the atmosphere, whatever the trees think."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import HALOGENS, Atmosphere, BalancedEquation, Composition, anhydrous

__all__ = ["allowed_atmospheres", "disagreement"]

_OXIDISING: Final = (Atmosphere.AIR, Atmosphere.OXYGEN)
_NOBLE: Final = frozenset(["Ag", "Au", "Pt", "Pd", "Rh", "Ir", "Ru"])
_HYDROGEN: Final = (Atmosphere.REDUCING, Atmosphere.AMMONIA)


def allowed_atmospheres(target: Composition, atmospheres: Sequence[Atmosphere]) -> NDArray[np.bool_]:
    """Return which atmospheres (classes,) do not turn the target into something else.

    Without oxygen a sulfide, nitride, boride or alloy is made neither in air nor in oxygen, which would oxidise it;
    halides and noble metals may be. A simple nitride may take up nitrogen, but no oxide is fired in ammonia.

    >>> from rrgraph.chem import parse_formula
    >>> gases = (Atmosphere.AIR, Atmosphere.INERT)
    >>> [allowed_atmospheres(parse_formula(name), gases).tolist() for name in ("MgB2", "BaTiO3")]
    [[False, True], [True, True]]
    """
    elements = target.elements
    inert_anion = bool(elements & HALOGENS) and not elements & {"S", "Se", "Te", "N", "P", "As", "C", "H"}
    oxidised = "O" not in elements and not inert_anion and not elements <= _NOBLE
    no_ammonia = "O" in elements and "N" not in elements
    return np.array(
        [
            not (each in _OXIDISING and oxidised) and not (each is Atmosphere.AMMONIA and no_ammonia)
            for each in atmospheres
        ]
    )


def disagreement(
    target: Composition, equation: BalancedEquation | None, atmosphere: Atmosphere, *, asked: bool = False
) -> str:
    """Return how an atmosphere is not the one that the balanced equation implies, empty if both agree.

    Of a hydrate there is more to say: it does not survive firing.

    Args:
        target: what is made.
        equation: of what it is made from, None where that does not balance.
        atmosphere: of recipes, or the one that was asked for.
        asked: whether it was.
    """
    if anhydrous(target).key != target.key:
        return "a hydrate loses its water when it is fired"
    if asked and not allowed_atmospheres(target, [atmosphere]).all():
        harm = "an oxide does not stay one" if atmosphere is Atmosphere.AMMONIA else "the target would be oxidised"
        return f"{harm} in {atmosphere.value}, which was asked for"
    if equation is None or equation.atmosphere is atmosphere:
        return ""
    implied = equation.atmosphere
    if implied is Atmosphere.NITROGEN and atmosphere is Atmosphere.INERT:
        return "the equation takes up N2, so that inert means nitrogen here"
    if implied is Atmosphere.AIR and not _takes_up_oxygen(equation):
        return ""  # nothing has to react with the gas, so that any that does no harm will do
    if {implied, atmosphere} <= {Atmosphere.INERT, Atmosphere.VACUUM}:
        return ""
    if {implied, atmosphere} <= set(_OXIDISING):
        return ""
    if implied in (Atmosphere.INERT, Atmosphere.VACUUM) and atmosphere in _HYDROGEN:
        return ""
    other = f"{atmosphere.value} was asked for" if asked else f"recipes of such materials use {atmosphere.value}"
    return f"the equation implies {implied.value}, {other}"


def _takes_up_oxygen(equation: BalancedEquation) -> bool:
    return any(gas.elements == {"O"} for gas, _ in equation.reactant_gases)
