"""The furnace atmosphere as texts give it (`flowing Ar`, `5% H2/N2`, `air,O2`), in six classes."""

from __future__ import annotations

import re
from typing import Final

from rrgraph.chem.gases import Atmosphere
from rrgraph.errors import OptionError, suggestion

__all__ = ["ATMOSPHERES", "as_atmosphere", "read_atmosphere"]

ATMOSPHERES: Final = (
    Atmosphere.AIR,
    Atmosphere.OXYGEN,
    Atmosphere.INERT,
    Atmosphere.REDUCING,
    Atmosphere.AMMONIA,
    Atmosphere.VACUUM,
)
"""The classes of atmospheres that planning tells apart; nitrogen is inert where it is not taken up."""

_WORDS: Final = {
    Atmosphere.AIR: "air ambient",
    Atmosphere.OXYGEN: "oxygen o2 oxidising oxidizing",
    Atmosphere.INERT: "inert protective cover argon ar nitrogen n2 helium he",
    Atmosphere.REDUCING: "reducing hydrogen h2 forming co monoxide",
    Atmosphere.AMMONIA: "ammonia nh3",
    Atmosphere.VACUUM: "vacuum evacuated sealed ampoule ampoules ampule ampules",
}
_CLASSES: Final = {word: atmosphere for atmosphere, words in _WORDS.items() for word in words.split()}
_MIXED: Final = re.compile(r"[/+%]|\bin\b")
"""What says that the gases of a text are one mixture."""


def read_atmosphere(text: str) -> Atmosphere | None:
    """Return the class of an atmosphere, None if nothing in the text names one.

    Commas separate heating steps, of which the last one counts, or gases of a mixture that all have a percentage. In a
    mixture a reducing gas counts more than what dilutes it, and diluted oxygen is as air. Nobody mixes air with an
    inert gas: a text that names the two together means either, and names none.

    >>> [read_atmosphere(text).value for text in ("flowing N2", "air,4% H2/Ar", "1% O2 in N2", "sealed tube")]
    ['inert', 'reducing', 'air', 'vacuum']
    >>> read_atmosphere("air/N2") is None
    True
    """
    parts = text.lower().split(",")
    for step in [text.lower()] if all("%" in part and "/" not in part for part in parts) else reversed(parts):
        found = [_CLASSES[word] for word in re.findall("[a-z][a-z0-9]*", step) if word in _CLASSES]
        for reducing in (Atmosphere.AMMONIA, Atmosphere.REDUCING):
            if reducing in found:
                return reducing
        mixture = set(found) if _MIXED.search(step) else set()
        if {Atmosphere.OXYGEN, Atmosphere.INERT} <= mixture:
            return Atmosphere.AIR
        if {Atmosphere.AIR, Atmosphere.INERT} <= mixture:
            return None
        if found:
            return found[-1]
    return None


def as_atmosphere(text: str | None, *, option: str = "atmosphere") -> Atmosphere | None:
    """Return the class that a text means; None if it is None, empty or ``unknown``.

    Raises:
        OptionError: the text names no atmosphere.
    """
    if text is None or (isinstance(text, str) and text.strip().lower() in ("", "unknown")):
        return None
    found = read_atmosphere(text) if isinstance(text, str) else None
    if found is None:
        names = [each.value for each in ATMOSPHERES]
        raise OptionError(
            option, f" is '{text!s:.80}', expected one of {', '.join(names)}.{suggestion(str(text), names)}"
        )
    return found
