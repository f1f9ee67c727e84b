"""Notebooks as they are kept: without outputs, with a heading, with cells that can be told apart, and on the site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


@pytest.fixture
def cells(notebook):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def test_there_are_notebooks():
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]


def test_outputs_are_stripped(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_every_cell_has_an_id_of_its_own(cells):
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_it_begins_with_its_heading_and_explains_itself(cells):
    assert cells[0]["cell_type"] == "markdown"
    assert "".join(cells[0]["source"]).startswith("# ")
    prose = sum(cell["cell_type"] == "markdown" for cell in cells)
    assert prose * 3 >= len(cells)


def test_links_into_the_documentation_lead_somewhere(cells, notebook):
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for link in (part.partition(")")[0].partition("#")[0] for part in text.split("](")[1:]):
        assert link.startswith("http") or (notebook.parent / link).is_file(), link
