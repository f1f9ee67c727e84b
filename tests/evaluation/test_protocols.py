from __future__ import annotations

import pytest

from rrgraph.chem import parse_formula
from rrgraph.errors import ConfigError
from rrgraph.evaluation import PROTOCOLS, Protocol, read_protocol


def test_the_two_protocols_are_those_of_the_documentation():
    assert PROTOCOLS["paper"] == Protocol(
        name="paper",
        set_size="known",
        cover="strict",
        max_candidates=30,
        foreign="allowed",
        ties="optimistic",
        truth="row",
    )
    assert PROTOCOLS["open"] == Protocol(
        name="open",
        set_size="unknown",
        cover="exempt",
        max_candidates=None,
        foreign="forbidden",
        ties="pessimistic",
        truth="any",
        max_size=6,
    )
    assert list(PROTOCOLS) == ["open", "paper"]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("set_size", "unknown"),
        ("cover", "exempt"),
        ("max_candidates", None),
        ("foreign", "forbidden"),
        ("ties", "pessimistic"),
        ("truth", "any"),
        ("max_size", 4),
        ("candidates", "library"),
    ],
)
def test_each_flag_is_set_alone(flag, value):
    paper = PROTOCOLS["paper"]
    changed = paper.override(**{flag: value})
    assert changed.name == f"paper, {flag}={value}"
    differing = [name for name in paper.to_dict() if getattr(paper, name) != getattr(changed, name)]
    assert sorted(differing) == sorted(["name", flag])


@pytest.mark.parametrize(("old", "new"), [("told", "known"), ("open", "unknown")])
def test_old_set_sizes_are_accepted_with_a_warning(old, new):
    with pytest.warns(FutureWarning, match=f"'{old}' is now '{new}'"):
        assert read_protocol(f"paper,set_size={old}") == PROTOCOLS["paper"].override(set_size=new)
    written = PROTOCOLS["paper"].to_dict() | {"set_size": old}
    assert Protocol(**written).set_size == new


def test_an_override_that_changes_nothing_keeps_the_name():
    assert PROTOCOLS["paper"].override(ties="optimistic") == PROTOCOLS["paper"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"ties": "optimistc"}, "Did you mean 'optimistic'"),
        ({"tie": "optimistic"}, "Did you mean 'ties'"),
        ({"name": "mine"}, "Unknown protocol flag 'name'"),
        ({"max_candidates": 0}, "max_candidates"),
        ({"max_candidates": "30"}, "max_candidates"),
        ({"max_size": None}, "max_size"),
        ({"max_size": True}, "max_size"),
        ({"foreign": True}, "foreign"),
    ],
)
def test_wrong_flags_are_refused(flags, words):
    with pytest.raises(ConfigError, match=words):
        PROTOCOLS["paper"].override(**flags)


def test_constraints_of_the_protocols():
    paper, open_ = PROTOCOLS["paper"].constraints(), PROTOCOLS["open"].constraints(excluded=frozenset({"PbO"}))
    assert (paper.cover, paper.foreign) == ("strict", True)
    assert (open_.cover, open_.foreign, open_.sizes) == ("exempt", False, (1, 2, 3, 4, 5, 6))
    assert open_.excluded == {parse_formula("PbO").key}
    assert PROTOCOLS["open"].override(max_size=2).constraints().sizes == (1, 2)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("paper", {}),
        ("paper,max_candidates=20", {"max_candidates": 20}),
        ("paper, max_candidates=all, ties=pessimistic", {"max_candidates": None, "ties": "pessimistic"}),
    ],
)
def test_a_text_names_a_protocol_with_flags(text, flags):
    assert read_protocol(text) == PROTOCOLS["paper"].override(**flags)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("papr", "Did you mean 'paper'"),
        ("paper,max_candidate=20", "Did you mean 'max_candidates'"),
        ("paper,max_candidates=many", "expected a whole number"),
        ("paper,max_candidates=0", "at least 1"),
        ("paper,20", "flag=value"),
    ],
)
def test_a_wrong_text_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        read_protocol(text)
