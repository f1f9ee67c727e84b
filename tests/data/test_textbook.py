"""The embedded table `textbook`: its size, its spread over chemistry, and that every row is a real equation."""

from __future__ import annotations

from importlib import resources

import pytest

from rrgraph.data.check_textbook import TextbookRow, problems, read_rows

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

HEADER = "target,precursors,category\n"


@pytest.fixture(scope="module")
def rows() -> list[TextbookRow]:
    return read_rows(resources.files("rrgraph.data").joinpath("textbook.csv").read_text(encoding="utf-8"))


def test_size(rows: list[TextbookRow]) -> None:
    precursors = {precursor.key for _, _, members, _ in rows for precursor in members}
    elements = {
        element for _, target, members, _ in rows for member in (target, *members) for element in member.elements
    }
    assert len(rows) >= 500
    assert len(precursors) >= 200
    assert len(elements) >= 75


def test_every_promised_kind_is_covered(rows: list[TextbookRow]) -> None:
    counts: dict[str, int] = {}
    for *_, category in rows:
        counts[category] = counts.get(category, 0) + 1
    assert {kind for kind, names in PROMISED.items() if not names <= counts.keys()} == set()
    assert {category: count for category, count in counts.items() if count < 10} == {}


def test_set_sizes_are_realistic(rows: list[TextbookRow]) -> None:
    sizes = [len(members) for _, _, members, _ in rows]
    assert min(sizes) >= 1
    assert max(sizes) <= 5
    assert sum(2 <= size <= 4 for size in sizes) > 0.9 * len(sizes)


def test_every_row_is_a_real_equation(rows: list[TextbookRow]) -> None:
    assert list(problems(rows)) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("BaTiO3,BaCO3;TiO2,x\nBa2Ti2O6,TiO2;BaCO3,x\n", "Line 3: Ba2Ti2O6 repeats line 2"),
        ("BaTiO3,BaCO3;TiO2;TiO2,x\n", "Line 2: BaTiO3 repeats line 2 or one of its own precursors"),
        ("BaTiO3,BaTiO3,x\n", "Line 2: BaTiO3 is made from itself."),
        ("BaTiO3,BaCO3,x\n", "lacks ['Ti']"),
        ("BaTiO3,BaCO3;TiO2;ZrO2,x\n", "foreign ['Zr']"),
        ("Li2TiO3,LiTiO2;TiO2,x\n", "Line 2: "),
    ],
)
def test_a_row_that_cannot_be_meant_is_named(lines: str, message: str) -> None:
    found = list(problems(read_rows(HEADER + lines)))
    assert any(message in each for each in found), found
