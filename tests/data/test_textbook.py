"""The embedded table `textbook`: its size, its spread over chemistry, and that every row is a real equation."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from rrgraph.chem import VOLATILE, Composition, balance, parse_formula, source_elements
from rrgraph.errors import RRGraphError

#: Every kind of material the table promises to cover: (kind, categories that stand for it).
PROMISED = {
    "layered cathodes": {"layered cathodes"},
    "spinel cathodes": {"spinel cathodes"},
    "garnet electrolytes": {"garnet electrolytes"},
    "NASICONs": {"NASICONs"},
    "other electrolytes": {"electrolytes"},
    "perovskites": {"perovskites"},
    "double perovskites": {"double perovskites"},
    "ferrites": {"ferrites"},
    "garnets": {"garnets"},
    "apatites": {"apatites"},
    "phosphors": {"phosphors", "nitride phosphors"},
    "superconductors": {"superconductors"},
    "pyrochlores": {"pyrochlores"},
    "molybdates": {"molybdates"},
    "tungstates": {"tungstates"},
    "vanadates": {"vanadates"},
    "phosphates": {"phosphates"},
    "borates": {"borates"},
    "silicates": {"silicates"},
    "chalcogenides": {"sulfides", "selenides", "tellurides"},
    "nitrides": {"nitrides"},
    "carbides": {"carbides"},
    "borides": {"borides"},
    "intermetallics": {"intermetallics"},
    "halides": {"halides"},
    "oxyhalides": {"oxyhalides"},
}

Row = tuple[int, Composition, tuple[Composition, ...], str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Line number, target, precursors and category of every row."""
    text = resources.files("rrgraph.data").joinpath("textbook.csv").read_text(encoding="utf-8")
    reader = csv.DictReader(text.splitlines())
    assert reader.fieldnames == ["target", "precursors", "category"]
    return [
        (line, parse_formula(row["target"]), tuple(map(parse_formula, row["precursors"].split(";"))), row["category"])
        for line, row in enumerate(reader, start=2)
    ]


def test_size(rows: list[Row]) -> None:
    precursors = {precursor.key for _, _, members, _ in rows for precursor in members}
    elements = {
        element for _, target, members, _ in rows for member in (target, *members) for element in member.elements
    }
    assert len(rows) >= 500
    assert len(precursors) >= 200
    assert len(elements) >= 75


def test_every_promised_kind_is_covered(rows: list[Row]) -> None:
    counts: dict[str, int] = {}
    for *_, category in rows:
        counts[category] = counts.get(category, 0) + 1
    assert {kind for kind, names in PROMISED.items() if not names <= counts.keys()} == set()
    assert {category: count for category, count in counts.items() if count < 10} == {}


def test_no_duplicates(rows: list[Row]) -> None:
    seen: dict[tuple[str, frozenset[str]], int] = {}
    repeated = []
    for line, target, members, _ in rows:
        recipe = (target.key, frozenset(member.key for member in members))
        if len(recipe[1]) != len(members) or seen.setdefault(recipe, line) != line:
            repeated.append((line, target.formula))
    assert repeated == []


def test_no_target_among_its_own_precursors(rows: list[Row]) -> None:
    assert [line for line, target, members, _ in rows if target.key in {member.key for member in members}] == []


def test_set_sizes_are_realistic(rows: list[Row]) -> None:
    sizes = [len(members) for _, _, members, _ in rows]
    assert min(sizes) >= 1
    assert max(sizes) <= 5
    assert sum(2 <= size <= 4 for size in sizes) > 0.9 * len(sizes)


def test_elements_are_covered_and_none_is_foreign(rows: list[Row]) -> None:
    """Gas-forming anions (S of a sulfate, Cl of NH4Cl) may leave too, so foreign is judged on the rest."""
    may_leave = VOLATILE | {"S", "F", "Cl", "Br", "I"}
    wrong = []
    for line, target, members, _ in rows:
        supplied = frozenset().union(*(member.elements for member in members))
        foreign = supplied - set(target.elements) - may_leave
        if not source_elements(target) <= supplied | VOLATILE or foreign:
            wrong.append((line, target.formula, sorted(foreign)))
    assert wrong == []


def test_every_row_balances(rows: list[Row]) -> None:
    failing = []
    for line, target, members, _ in rows:
        try:
            equation = balance(target, members)
        except RRGraphError as error:
            failing.append(f"line {line}: {error}")
            continue
        if {composition.key for composition, _ in equation.precursors} != {member.key for member in members} or any(
            coefficient <= 0 for _, coefficient in equation.precursors
        ):
            failing.append(f"line {line}: {equation} does not use the whole set")
    assert not failing, "\n".join(failing)
