from __future__ import annotations

import pytest

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import RRGraphError
from rrgraph.planning import read_routes


@pytest.mark.parametrize(
    "text",
    ["BaCO3 + TiO2", "BaCO3;TiO2", "BaCO3,TiO2", "BaCO3+TiO2", " BaCO3 ;  TiO2 ", "BaCO3 +TiO2 ,".replace(" +", " + ")],
)
def test_ways_to_join_a_route(text):
    (route,) = read_routes(text)
    assert [member.formula for member in route] == ["BaCO3", "TiO2"]


def test_routes_are_kept_in_order_and_once():
    given = ["BaO;TiO2", ["TiO2", "BaCO3"], PrecursorSet([parse_formula("BaO"), parse_formula("Ti2O4")]), "BaCO3;TiO2"]
    assert [str(route) for route in read_routes(given)] == ["BaO + TiO2", "TiO2 + BaCO3"]


def test_a_salt_and_its_hydrate_are_compared():
    given = ["Ba(OH)2 + TiO2", "Ba(OH)2·8H2O + TiO2"]
    assert [str(route) for route in read_routes(given)] == given


@pytest.mark.parametrize("text", ["", " ; ", "BaO,Xx2"])
def test_routes_that_cannot_be_read(text):
    with pytest.raises(RRGraphError):
        read_routes([text])
