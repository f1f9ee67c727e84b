"""Evaluation protocols: the rules by which ranked precursor sets are compared with the recorded sets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from rrgraph.errors import ConfigError, suggestion
from rrgraph.planning import SetConstraints
from rrgraph.util.registry import Registry
from rrgraph.util.settings import warn_renamed

__all__ = [
    "CANDIDATES",
    "EARLIER_SIZES",
    "PROTOCOLS",
    "Candidates",
    "Cover",
    "Foreign",
    "Protocol",
    "SetSize",
    "Ties",
    "Truth",
    "read_protocol",
]

SetSize = Literal["known", "unknown"]
Cover = Literal["strict", "exempt"]
Foreign = Literal["allowed", "forbidden"]
Ties = Literal["optimistic", "pessimistic"]
Truth = Literal["row", "any"]
Candidates = Literal["pool", "library", "generated"]

CANDIDATES: Final[tuple[str, ...]] = get_args(Candidates)
"""Values of the flag `candidates`."""

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "set_size": get_args(SetSize),
    "cover": get_args(Cover),
    "foreign": get_args(Foreign),
    "ties": get_args(Ties),
    "truth": get_args(Truth),
    "candidates": CANDIDATES,
}
EARLIER_SIZES: Final = {"told": "known", "open": "unknown"}
"""Present values of the flag `set_size` by earlier ones, which work for one release."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The rules of one evaluation; `override` changes single flags.

    Attributes:
        name: used in reports; `override` adds the changed flags to it.
        set_size: "known" gives the planner the size of the recorded set, with "unknown" sizes 1 to `max_size` compete.
        cover: with "strict" the precursors supply every target element, with "exempt" H, O, N and the C of carbonates
            may come from the atmosphere.
        max_candidates: number of most probable candidates that form sets, None for the whole pool.
        foreign: whether a precursor may contain an element (except C, H, O and N) that the target lacks.
        ties: "optimistic" ranks the recorded set before sets of equal score, "pessimistic" after them.
        truth: with "row" only the row's own recorded set is relevant, with "any" all recorded sets of the target are.
        max_size: largest set if the size is unknown.
        candidates: what sets are formed from where no other candidates are given: "pool" is the precursors that the
            system knows and those of the measured rows, "library" those that it knows and the bundled reagents,
            "generated" the plausible compounds of each target's elements.
    """

    name: str
    set_size: SetSize
    cover: Cover
    max_candidates: int | None
    foreign: Foreign
    ties: Ties
    truth: Truth
    max_size: int = 6
    candidates: Candidates = "pool"

    def __post_init__(self) -> None:
        object.__setattr__(self, "set_size", EARLIER_SIZES.get(self.set_size, self.set_size))  # of files written before
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
        """Return this protocol with some flags changed; its name lists them: ``paper, ties=pessimistic``.

        Raises:
            ConfigError: a flag is unknown or its value is not one of the choices.
        """
        size = flags.get("set_size")
        if size in EARLIER_SIZES:
            warn_renamed({size: EARLIER_SIZES[size]}, "the protocol flag 'set_size'")
            flags["set_size"] = EARLIER_SIZES[size]
        known = [field.name for field in fields(self) if field.name != "name"]
        for flag in flags:
            if flag not in known:
                raise ConfigError(
                    f"Unknown protocol flag '{flag}', expected one of {', '.join(known)}.{suggestion(flag, known)}"
                )
        changed = {flag: value for flag, value in flags.items() if getattr(self, flag) != value}
        name = ", ".join([self.name, *(f"{flag}={value}" for flag, value in changed.items())])
        # All flags are passed to the constructor, so that a value that compares equal (True == 1) is checked too.
        return replace(self, name=name, **flags)

    def constraints(self, **extra: Any) -> SetConstraints:
        """Return the planning constraints of this protocol; the planner is given known set sizes for each target.

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
    """Return the protocol given by a name and flags: ``paper,max_candidates=20,ties=pessimistic``.

    The value of `max_candidates` is a whole number or ``all``.

    Raises:
        ConfigError: the protocol, a flag or a value is unknown.
    """
    name, *given = (item.strip() for item in text.split(","))
    flags: dict[str, Any] = {}
    for item in given:
        flag, equals, value = (each.strip() for each in item.partition("="))
        if not equals:
            raise ConfigError(f"The protocol '{text}' has '{item}', expected flags of the form flag=value.")
        flags[flag] = int(value) if value.isdecimal() else value
    if flags.get("max_candidates") == "all":
        flags["max_candidates"] = None
    return PROTOCOLS[name].override(**flags)


PROTOCOLS: Final[Registry[Protocol]] = Registry("evaluation protocol")
"""`paper` is the protocol of published numbers; `open` matches practice, where the set size is unknown."""

PROTOCOLS.register("paper")(
    Protocol(
        name="paper",
        set_size="known",
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
        set_size="unknown",
        cover="exempt",
        max_candidates=None,
        foreign="forbidden",
        ties="pessimistic",
        truth="any",
    )
)
