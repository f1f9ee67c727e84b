"""Evaluation protocols: the rules by which a ranked list of precursor sets is compared with the recorded set.

Names and single flags flow in; out comes a frozen `Protocol` and the planning constraints it stands for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from rrgraph.errors import ConfigError, suggestion
from rrgraph.planning import SetConstraints
from rrgraph.util.registry import Registry

__all__ = ["PROTOCOLS", "Cover", "Foreign", "Protocol", "SetSize", "Ties", "Truth", "read_protocol"]

SetSize = Literal["told", "open"]
Cover = Literal["strict", "exempt"]
Foreign = Literal["allowed", "forbidden"]
Ties = Literal["optimistic", "pessimistic"]
Truth = Literal["row", "any"]

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "set_size": get_args(SetSize),
    "cover": get_args(Cover),
    "foreign": get_args(Foreign),
    "ties": get_args(Ties),
    "truth": get_args(Truth),
}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The rules of one evaluation; each flag can be set alone with `override`.

    Attributes:
        name: what reports call it; `override` adds the changed flags to it.
        set_size: "told" gives the planner the size of the recorded set, "open" lets sizes 1 to `max_size` compete.
        cover: "strict" asks the precursors to bring every target element, "exempt" lets C, H, O and N come from
            the atmosphere.
        max_candidates: number of most probable candidates that sets are made of, None for the whole pool.
        foreign: whether a precursor may bring an element (C, H, O and N aside) that the target lacks.
        ties: "optimistic" ranks the recorded set before sets of equal score, "pessimistic" after them.
        truth: "row" compares with the row's own recorded set, "any" with every set recorded for the target.
        max_size: largest set when the size is open.
    """

    name: str
    set_size: SetSize
    cover: Cover
    max_candidates: int | None
    foreign: Foreign
    ties: Ties
    truth: Truth
    max_size: int = 6

    def __post_init__(self) -> None:
        for flag, choices in _CHOICES.items():
            value = getattr(self, flag)
            if value not in choices:
                raise ConfigError(
                    f"Protocol flag '{flag}' is {value!r}, expected one of {', '.join(choices)}."
                    f"{suggestion(str(value), choices)}"
                )
        if self.max_candidates is not None:
            _check_count("max_candidates", self.max_candidates, " or None for the whole pool")
        _check_count("max_size", self.max_size, "")

    def override(self, **flags: Any) -> Protocol:
        """Return this protocol with some flags changed and named: ``paper, ties=pessimistic``.

        Raises:
            ConfigError: a flag is unknown or its value is not one of the choices.
        """
        known = [field.name for field in fields(self) if field.name != "name"]
        for flag in flags:
            if flag not in known:
                raise ConfigError(
                    f"Unknown protocol flag '{flag}', expected one of {', '.join(known)}.{suggestion(flag, known)}"
                )
        changed = {flag: value for flag, value in flags.items() if getattr(self, flag) != value}
        name = ", ".join([self.name, *(f"{flag}={value}" for flag, value in changed.items())])
        # All flags pass through the constructor, so that a value that compares equal (True == 1) is checked too.
        return replace(self, name=name, **flags)

    def constraints(self, **extra: Any) -> SetConstraints:
        """Return the planning constraints of this protocol; a told size is given to the planner target by target.

        Args:
            extra: further fields of `SetConstraints`, such as `excluded` or `stock`.
        """
        return SetConstraints(
            sizes=tuple(range(1, self.max_size + 1)),
            cover=self.cover,
            foreign=self.foreign == "allowed",
            **extra,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the flags as JSON values."""
        return asdict(self)


def _check_count(flag: str, value: object, otherwise: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"Protocol flag '{flag}' is {value!r}, expected a whole number of at least 1{otherwise}.")


def read_protocol(text: str) -> Protocol:
    """Return the protocol that a text names, with flags behind the name: ``paper,max_candidates=20,ties=pessimistic``.

    The value of `max_candidates` is a whole number or ``all``.

    Raises:
        ConfigError: the protocol, a flag or a value is unknown.
    """
    name, *given = (part.strip() for part in text.split(","))
    flags: dict[str, Any] = {}
    for part in given:
        flag, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            raise ConfigError(f"The protocol '{text}' has '{part}', expected flags of the form flag=value.")
        flags[flag] = int(value) if value.isdecimal() else value
    if flags.get("max_candidates") == "all":
        flags["max_candidates"] = None
    return PROTOCOLS[name].override(**flags)


PROTOCOLS: Final[Registry[Protocol]] = Registry("evaluation protocol")
"""`paper` is how published numbers are measured; `open` is what a laboratory meets, where nobody knows the size."""

PROTOCOLS.register("paper")(
    Protocol(
        name="paper",
        set_size="told",
        cover="strict",
        max_candidates=30,
        foreign="allowed",
        ties="optimistic",
        truth="row",
    )
)
PROTOCOLS.register("open")(
    Protocol(
        name="open",
        set_size="open",
        cover="exempt",
        max_candidates=None,
        foreign="forbidden",
        ties="pessimistic",
        truth="any",
    )
)
