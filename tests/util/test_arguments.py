from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from rrgraph.util.arguments import call_with, value_of


@dataclass
class Sizes:
    width: int
    share: float = 0.5
    name: str = ""
    deep: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.width == 13:
            raise TypeError("of the class itself")


def test_values_become_arguments() -> None:
    assert call_with(Sizes, {"width": 3, "share": 1}) == Sizes(3, 1)
    values = {"width": 3, "share": 0.1, "name": "a", "deep": True, "options": {"x": 1}, "numbers": [1]}
    assert call_with(Sizes, values) == Sizes(**values)
    assert call_with(Sizes, {"width": 3, "colour": "red"}, ignore_unknown=True) == Sizes(3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "missing a required argument: 'width'"),
        ({"width": 3, "colour": "red"}, "unexpected keyword argument 'colour'"),
        ({"width": "3"}, "'width' is '3'"),
        ({"width": True}, "'width' is True"),
        ({"width": 3, "share": None}, "'share' is None"),
        ({"width": 3, "deep": 1}, "'deep' is 1"),
        ({"width": 3, "options": []}, "'options' is "),
        ({"width": 3, "numbers": {}}, "'numbers' is "),
        (None, "Sizes is None, expected a mapping"),
    ],
)
def test_values_that_do_not_fit_are_named(values: Any, words: str) -> None:
    with pytest.raises(ValueError, match="Sizes") as caught:
        call_with(Sizes, values)
    assert words in str(caught.value)


def test_what_the_class_raises_passes() -> None:
    with pytest.raises(TypeError, match="of the class itself"):
        call_with(Sizes, {"width": 13})


@pytest.mark.parametrize("values", [None, [], "width", {}, {"width": "3"}, {"width": False}])
def test_a_value_that_is_missing_or_of_another_type_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match="'width'"):
        value_of(values, "width", int)


def test_a_value_is_found() -> None:
    assert value_of({"width": 3}, "width", int) == 3
    assert value_of({"share": 3}, "share", float) == 3
