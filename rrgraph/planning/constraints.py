"""What a valid precursor set is, by the constraints of a chemist or the rules of an evaluation protocol."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from rrgraph.chem import ELEMENTS, BalancedEquation, BalanceError, Composition, balance, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import PlanningError, suggestion

__all__ = ["ElementCover", "SetConstraints", "balanced_equation", "balances", "check_sizes"]

ElementCover = Literal["strict", "exempt"]
"""Which elements of the target a set has to supply: all, or all but C, H, O and N."""


@dataclass(frozen=True, kw_only=True)
class SetConstraints:
    """Which precursor sets are valid for a target.

    Formulas may have any spelling; they are kept as canonical keys. What is required wins over the general rules: a
    required precursor may be foreign to the target, and so may a precursor that supplies a required element.

    Attributes:
        sizes: allowed numbers of precursors; sorted, each once.
        cover: ``exempt`` asks the set to supply the source elements of the target, so that C, H, O and N may come
            from the atmosphere (unless the target has no other element); ``strict`` asks for all its elements.
        foreign: whether members may contain elements (C, H, O and N aside) that the target lacks, or none that it
            has, as in the protocol of published evaluations. Otherwise each member shares a needed element with
            the target, or its carbon or nitrogen.
        one_per_element: whether two members may not supply the same source element of the target.
        required: precursors that every set contains.
        excluded: precursors that no set contains.
        required_elements: elements that every set supplies, even if the target lacks them.
        excluded_elements: elements that no member contains.
        stock: the only precursors that may be used; None for no such limit.
        balanced: whether the set must balance, see `rrgraph.chem.balance`.

    Raises:
        PlanningError: a value is out of range, an element is unknown, or the constraints contradict each other.
        FormulaError: a precursor is not a valid formula.
    """

    sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    cover: ElementCover = "exempt"
    foreign: bool = False
    one_per_element: bool = False
    required: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    required_elements: frozenset[str] = frozenset()
    excluded_elements: frozenset[str] = frozenset()
    stock: frozenset[str] | None = None
    balanced: bool = False

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "sizes", check_sizes(self.sizes))
        if self.cover not in get_args(ElementCover):
            raise PlanningError(
                f"Element cover is {self.cover!r}, expected one of {', '.join(get_args(ElementCover))}."
                f"{suggestion(str(self.cover), get_args(ElementCover))}"
            )
        for name in ("required", "excluded"):
            set_field(self, name, _keys(name, getattr(self, name)))
        if self.stock is not None:
            set_field(self, "stock", _keys("stock", self.stock))
        for name in ("required_elements", "excluded_elements"):
            set_field(self, name, _elements(name, getattr(self, name)))
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        if self.stock is not None and not self.stock:
            raise PlanningError("The stock list is empty, expected at least one precursor.")
        for key in sorted(self.required):
            if key in self.excluded:
                raise PlanningError(f"The precursor '{key}' is both required and excluded.")
            if self.stock is not None and key not in self.stock:
                raise PlanningError(f"The required precursor '{key}' is not in stock.{suggestion(key, self.stock)}")
            unwanted = parse_formula(key).elements & self.excluded_elements
            if unwanted:
                raise PlanningError(f"The required precursor '{key}' contains the excluded element {min(unwanted)}.")
        both = self.required_elements & self.excluded_elements
        if both:
            raise PlanningError(f"The element {min(both)} is both required and excluded.")
        if len(self.required) > self.sizes[-1]:
            raise PlanningError(
                f"{len(self.required)} required precursors do not fit into sets of at most {self.sizes[-1]}."
            )

    def allowed_sizes(self, targets: int, sizes: Sequence[int | None] | None) -> list[tuple[int, ...]]:
        """Return the set sizes that may compete for each of some targets.

        Args:
            targets: their number.
            sizes: known size of each, None for those where `sizes` of the constraints compete.

        Raises:
            PlanningError: a size is below 1, or the sizes are not as many as the targets.
        """
        if sizes is not None and len(sizes) != targets:
            raise PlanningError(f"Got {len(sizes)} set sizes for {targets} targets, expected one each.")
        return [self.sizes if size is None else check_sizes((size,)) for size in sizes or [None] * targets]


def balances(target: Composition, precursors: PrecursorSet) -> bool:
    """Return whether a set balances, see `rrgraph.chem.balance`."""
    return balanced_equation(target, precursors) is not None


def balanced_equation(target: Composition, precursors: PrecursorSet) -> BalancedEquation | None:
    """Return the equation of a set, None if it does not balance; a set is balanced once and then remembered."""
    members = tuple(precursors)
    # Compositions are equal in any spelling, but an equation is in that of its own.
    return _balanced(target, members, tuple((each.formula, each.amounts) for each in (target, *members)))


@lru_cache(maxsize=2**12)
def _balanced(target: Composition, precursors: tuple[Composition, ...], spelled: Hashable) -> BalancedEquation | None:
    try:
        return balance(target, precursors)
    except BalanceError:
        return None


def check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return set sizes sorted and each once.

    Raises:
        PlanningError: there is none, or one is not a whole number of at least 1.
    """
    values = tuple(sizes)
    if not values:
        raise PlanningError("The set sizes are empty, expected at least one whole number such as 3.")
    for size in values:
        if isinstance(size, bool) or not hasattr(size, "__index__") or size < 1:
            raise PlanningError(f"Set size is {size!r}, expected a whole number of at least 1.")
    return tuple(sorted({size.__index__() for size in values}))


def _keys(name: str, formulas: Iterable[str]) -> frozenset[str]:
    return frozenset(parse_formula(formula).key for formula in _texts(name, formulas))


def _elements(name: str, symbols: Iterable[str]) -> frozenset[str]:
    found = _texts(name, symbols)
    for symbol in found:
        if symbol not in ELEMENTS:
            raise PlanningError(
                f"'{symbol}' in {name} is not an element, expected symbols such as 'Li'.{suggestion(symbol, ELEMENTS)}"
            )
    return frozenset(found)


def _texts(name: str, values: Iterable[str]) -> Collection[str]:
    """Refuse a bare string, which would be read letter by letter."""
    if isinstance(values, str):
        raise PlanningError(f"{name} is the text {values!r}, expected a collection such as {{{values!r}}}.")
    return list(values)
