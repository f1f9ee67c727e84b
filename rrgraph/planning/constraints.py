"""What a valid precursor set is, by the constraints of a chemist or the rules of an evaluation protocol."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from rrgraph.chem import (
    ELEMENTS,
    REAGENT_CLASSES,
    BalancedEquation,
    BalanceError,
    Composition,
    Material,
    anhydrous,
    as_composition,
    balance,
    find_class,
    is_material,
    read_byproducts,
    reagent_classes,
)
from rrgraph.data import PrecursorSet
from rrgraph.errors import FormulaError, OptionError, PlanningError, suggestion
from rrgraph.lab import Stock, StockItem, incompatibility, read_stock

__all__ = [
    "MAX_SIZE",
    "ElementCover",
    "SetConstraints",
    "SizeChoice",
    "balanced_equation",
    "can_be_made",
    "check_sizes",
    "read_sizes",
    "split_names",
]

MAX_SIZE: Final = 20
"""Largest number of precursors that can be asked for as text."""

SizeChoice: TypeAlias = int | str | Sequence[int]
"""A number of precursors, a range such as ``2-4``, or several numbers."""

ElementCover = Literal["strict", "exempt"]
"""Which elements of the target a set has to supply: all, or all but H, O, N and the C of carbonates."""


@dataclass(frozen=True, kw_only=True)
class SetConstraints:
    """Which precursor sets are valid for a target.

    Precursors may be formulas in any spelling or compositions, in a collection or joined by commas; they are kept as
    canonical keys, of hydrates those of their salts, for a salt and its hydrates are one precursor. What is required
    wins over the general rules: a required precursor may be foreign to the target, and so may a precursor that supplies
    a required element.

    >>> SetConstraints(excluded_elements={"Pb"}, stock="BaCO3, TiO2, SrCO3", sizes=2).sizes
    (2,)
    >>> SetConstraints().narrowed(exclude=["N", "LiOH", "hydride"], set_size="2-3") == SetConstraints(
    ...     excluded_elements={"N"}, excluded={"LiOH"}, excluded_classes={"hydrides"}, sizes=(2, 3)
    ... )
    True

    Attributes:
        sizes: allowed numbers of precursors; sorted, each once.
        cover: ``exempt`` asks the set to supply the source elements of the target, so that H, O, N and the C of
            carbonates may come from the atmosphere (unless the target has no other element); ``strict`` asks for all
            its elements.
        foreign: whether members may contain elements (C, H, O and N aside) that the target lacks, or none that it
            has, as in the protocol of published evaluations. Otherwise each member shares a needed element with
            the target, or its carbon or nitrogen.
        one_per_element: whether two members may not supply the same source element of the target.
        required: precursors that every set contains.
        excluded: precursors that no set contains.
        required_elements: elements that every set supplies, even if the target lacks them.
        excluded_elements: elements that no member contains.
        required_classes: classes of `rrgraph.chem.REAGENT_CLASSES` of which every set has a member.
        excluded_classes: classes of which no set has a member.
        stock: the only precursors that may be used; None for no such limit. Of `StockItem` the details are kept.
        balanced: whether the set must balance, see `rrgraph.chem.balance`, of precursors that may be mixed, see
            `rrgraph.planning.incompatibility`.
        byproducts: solids that may remain beside the target, see `rrgraph.chem.balance`. Members may contain their
            elements.
        stock_items: what is known of the precursors in stock.
        materials: the required precursors and those in stock, as they were spelled.

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
    required_classes: frozenset[str] = frozenset()
    excluded_classes: frozenset[str] = frozenset()
    stock: frozenset[str] | None = None
    balanced: bool = False
    byproducts: tuple[Composition | str, ...] = ()
    stock_items: tuple[StockItem, ...] = field(default=(), repr=False, compare=False)
    materials: tuple[Composition, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "sizes", check_sizes(self.sizes))
        if self.cover not in get_args(ElementCover):
            raise PlanningError(
                f"Element cover is {self.cover!r}, expected one of {', '.join(get_args(ElementCover))}."
                f"{suggestion(str(self.cover), get_args(ElementCover))}"
            )
        materials: list[Composition] = []
        listed = [] if self.stock is None else _listed(self.stock)
        if any(isinstance(each, StockItem) for each in listed):
            set_field(self, "stock_items", tuple(each for each in listed if isinstance(each, StockItem)))
            set_field(self, "stock", [each.composition if isinstance(each, StockItem) else each for each in listed])
        for name in ("stock", "required", "excluded"):
            if getattr(self, name) is not None:
                found = [as_composition(each) for each in _listed(getattr(self, name))]
                set_field(self, name, frozenset(anhydrous(each).key for each in found))
                materials += found if name != "excluded" else []
        at_hand = tuple(item for item in self.stock_items if anhydrous(item.composition).key in (self.stock or ()))
        set_field(self, "stock_items", at_hand)
        set_field(self, "byproducts", read_byproducts(self.byproducts))
        set_field(self, "materials", tuple(dict.fromkeys(materials)))
        for name in ("required_elements", "excluded_elements"):
            set_field(self, name, _elements(name, getattr(self, name)))
        for name in ("required_classes", "excluded_classes"):
            set_field(self, name, _classes(name, getattr(self, name)))
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        if self.stock is not None and not self.stock:
            raise PlanningError("The stock list is empty, expected at least one precursor.")
        for required in self.spelled(self.required):
            if anhydrous(required).key in self.excluded:
                raise PlanningError(f"The precursor '{required}' is both required and excluded.")
            if self.stock is not None and anhydrous(required).key not in self.stock:
                near = suggestion(str(required), map(str, self.spelled(self.stock)))
                raise PlanningError(f"The required precursor '{required}' is not in stock.{near}")
            unwanted = required.elements & self.excluded_elements
            if unwanted:
                raise PlanningError(
                    f"The required precursor '{required}' contains the excluded element {min(unwanted)}."
                )
            excluded = reagent_classes(required) & self.excluded_classes
            if excluded:
                raise PlanningError(f"The required precursor '{required}' is of the excluded class {min(excluded)}.")
        both = self.required_elements & self.excluded_elements
        if both:
            raise PlanningError(f"The element {min(both)} is both required and excluded.")
        classes = self.required_classes & self.excluded_classes
        if classes:
            raise PlanningError(f"The class {min(classes)} is both required and excluded.")
        if len(self.required) > self.sizes[-1]:
            raise PlanningError(
                f"{len(self.required)} required precursors do not fit into sets of at most {self.sizes[-1]}."
            )

    def narrowed(
        self,
        *,
        exclude: Material | Iterable[Material] = (),
        require: Material | Iterable[Material] = (),
        stock: Stock | None = None,
        set_size: SizeChoice | None = None,
        balanced: bool = False,
        byproducts: Material | Iterable[Material] = (),
    ) -> SetConstraints:
        """Return these constraints and further ones, each as the flag of `rrgraph plan` of that name takes it.

        Args:
            exclude: elements (by symbol), precursors and classes such as ``nitrates`` to avoid.
            require: elements, precursors and classes that every set must contain.
            stock: the only precursors that may be used: a file, or a list of them, see `read_stock`.
            set_size: number of precursors, such as 3 or ``2-4``.
            balanced: whether the set must balance.
            byproducts: solids that may remain beside the target, or ``salts``.

        Raises:
            PlanningError: a value cannot be used, or the constraints contradict each other.
            FormulaError: a precursor cannot be read.
        """
        required, excluded = split_names("require", require), split_names("exclude", exclude)
        at_hand: Sequence[Composition | StockItem] | None = None
        if stock is not None:
            at_hand = read_stock(stock)
        elif self.stock is not None:
            at_hand = self.spelled(self.stock)
        narrower: dict[str, Any] = {
            "sizes": self.sizes if set_size is None else read_sizes(set_size),
            "required": [*self.spelled(self.required), *required.precursors],
            "excluded": [*self.excluded, *excluded.precursors],
            "required_elements": self.required_elements | required.elements,
            "excluded_elements": self.excluded_elements | excluded.elements,
            "required_classes": self.required_classes | required.classes,
            "excluded_classes": self.excluded_classes | excluded.classes,
            "stock": at_hand,
            "balanced": self.balanced or balanced,
            "byproducts": (*self.byproducts, *read_byproducts(byproducts)),
        }
        return replace(self, **narrower)

    def in_stock(self, precursors: Iterable[Composition]) -> tuple[StockItem, ...]:
        """Return what is known of precursors in stock, in the order of the stock list; a salt is not its hydrate."""
        keys = {precursor.key for precursor in precursors}
        return tuple(item for item in self.stock_items if item.composition.key in keys)

    def spelled(self, keys: Collection[str]) -> list[Composition]:
        """Return those of `materials` that have one of the keys, in the order they were given."""
        return [each for each in self.materials if anhydrous(each).key in keys]

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


def can_be_made(
    target: Composition, precursors: PrecursorSet, *, byproducts: tuple[Composition | str, ...] = ()
) -> bool:
    """Return whether a set balances, see `rrgraph.chem.balance`, of precursors that may be mixed."""
    return incompatibility(precursors) is None and balanced_equation(target, precursors, byproducts) is not None


def balanced_equation(
    target: Composition, precursors: PrecursorSet, byproducts: tuple[Composition | str, ...] = ()
) -> BalancedEquation | None:
    """Return the equation of a set, None if it does not balance; a set is balanced once and then remembered."""
    members = tuple(precursors)
    # Compositions are equal in any spelling, but an equation is in that of its own.
    spelled = tuple([(each.formula, each.whole, each.scale) for each in (target, *members)])
    return _balanced(target, members, byproducts, spelled)


@lru_cache(maxsize=2**12)
def _balanced(
    target: Composition,
    precursors: tuple[Composition, ...],
    byproducts: tuple[Composition | str, ...],
    spelled: Hashable,
) -> BalancedEquation | None:
    try:
        return balance(target, precursors, byproducts=byproducts)
    except BalanceError:
        return None


def check_sizes(sizes: int | Sequence[int]) -> tuple[int, ...]:
    """Return set sizes sorted and each once.

    Raises:
        PlanningError: there is none, or one is not a whole number of at least 1.
    """
    values = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
    if not values:
        raise PlanningError("The set sizes are empty, expected at least one whole number such as 3.")
    for size in values:
        if isinstance(size, bool) or not hasattr(size, "__index__") or size < 1:
            raise PlanningError(f"Set size is {size!r}, expected a whole number of at least 1.")
    return tuple(sorted({size.__index__() for size in values}))


def read_sizes(text: SizeChoice) -> tuple[int, ...]:
    """Return the set sizes meant by a number such as 3, a range such as ``2-4``, or several numbers.

    Raises:
        PlanningError: it is none of these.
    """
    if not isinstance(text, str):
        return check_sizes(text)
    found = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if 1 <= low <= high <= MAX_SIZE:
        return tuple(range(low, high + 1))
    raise OptionError(
        "set_size",
        f" is '{text}', expected a number such as 3, a range such as 2-4; the largest is {MAX_SIZE}.",
    )


class Names(NamedTuple):
    """What a list of names holds: precursors, symbols of elements, classes of reagents."""

    precursors: list[Composition]
    elements: frozenset[str]
    classes: frozenset[str]


def split_names(option: str, names: Material | Iterable[Material]) -> Names:
    """Tell element symbols and classes from precursors; `Al` is the element, `Al1` the precursor.

    Raises:
        PlanningError: there are names, and all of them are empty, or one is neither of these and close to a class.
        FormulaError: a name is neither of these.
    """
    listed = [each for name in _listed(names) for each in (_listed(name) if isinstance(name, str) else [name])]
    if not listed and names:
        raise OptionError(option, " is empty, expected an element, a precursor or a class such as 'nitrates'.")
    precursors, elements, classes = [], set(), set()
    for each in listed:
        known = find_class(each) if isinstance(each, str) else None
        if known is not None:
            classes.add(known)
        elif isinstance(each, str) and each in ELEMENTS:
            elements.add(each)
        else:
            precursors.append(_precursor(option, each))
    return Names(precursors, frozenset(elements), frozenset(classes))


def _precursor(option: str, name: Any) -> Composition:
    try:
        return as_composition(name)
    except FormulaError:
        near = suggestion(name.lower(), REAGENT_CLASSES) if isinstance(name, str) else ""
        if not near:
            raise
        raise OptionError(option, f" has '{name}', which is neither an element, a formula nor a class.{near}") from None


def _classes(name: str, given: str | Iterable[str]) -> frozenset[str]:
    found = set()
    for each in _listed(given):
        known = find_class(str(each))
        if known is None:
            raise PlanningError(
                f"'{each}' in {name} is not a class of reagents, expected one such as 'nitrates'."
                f"{suggestion(str(each).lower(), REAGENT_CLASSES)}"
            )
        found.add(known)
    return frozenset(found)


def _elements(name: str, symbols: str | Iterable[str]) -> frozenset[str]:
    found = _listed(symbols)
    for symbol in found:
        if symbol not in ELEMENTS:
            raise PlanningError(
                f"'{symbol}' in {name} is not an element, expected symbols such as 'Li'."
                f"{suggestion(str(symbol), ELEMENTS)}"
            )
    return frozenset(found)


def _listed(values: Any) -> list[Any]:
    """Return one value or several as a list; text is divided at commas."""
    if isinstance(values, str):
        return [text.strip() for text in values.split(",") if text.strip()]
    if is_material(values) or not isinstance(values, Iterable):
        return [values]  # what is not a material is refused where it is read
    return list(values)
