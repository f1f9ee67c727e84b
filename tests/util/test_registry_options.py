from __future__ import annotations

import pytest

from rrgraph.errors import ConfigError
from rrgraph.util.registry import Registry
from rrgraph.util.registry_options import check_entry

LOSSES: Registry = Registry("loss")


@LOSSES.register("mixed")
def mixed(logits, weights=None, *, gamma=2.0, levels=3, sizes=(1, 2), soft=True, kind="mean", names=None):
    """A loss with options of every kind."""


@LOSSES.register("strict")
def strict(logits, *, gamma):
    """A loss with an option that has no default."""


def check(name="mixed", **options):
    check_entry("training.loss", name, LOSSES, ("training.loss_options", options))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gamma": 1},
        {"gamma": 0.5, "levels": 4},
        {"sizes": [1, 2, 3]},
        {"soft": False},
        {"kind": "sum"},
        {"names": ["a"], "weights": None},
    ],
)
def test_values_of_the_kind_of_their_defaults_fit(options):
    check(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gama": 1.0}, r"Unknown option 'gama' of the loss 'mixed', expected one of weights, gamma, .*mean 'gamma'"),
        ({"logits": 1.0}, "Unknown option 'logits'"),
        ({"gamma": "2"}, r"training\.loss_options\.gamma is '2', expected a value such as 2\.0"),
        ({"gamma": True}, "gamma is True"),
        ({"gamma": None}, "gamma is None"),
        ({"levels": 2.5}, "levels is 2.5, expected a value such as 3"),
        ({"soft": 1}, "soft is 1, expected a value such as True"),
        ({"sizes": 3}, "sizes is 3"),
        ({"kind": 3}, "kind is 3"),
    ],
)
def test_others_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        check(**options)


def test_an_option_without_default_has_to_be_given():
    check("strict", gamma="anything")
    with pytest.raises(ConfigError, match=r"loss 'strict' needs training\.loss_options\.gamma, which has no default"):
        check("strict")


def test_an_unknown_name_gets_a_near_match():
    with pytest.raises(ConfigError, match=r"training\.loss is 'strikt'.*Did you mean 'strict'"):
        check("strikt")
