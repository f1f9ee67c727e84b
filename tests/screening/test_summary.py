from __future__ import annotations

import json
import sys
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from rrgraph.chem import ELEMENTS
from rrgraph.errors import DataWarning
from rrgraph.graph import anion_class
from rrgraph.screening.answers import Reject
from rrgraph.screening.columns import SCHEMA
from rrgraph.screening.drawing import FIGURES, _place
from rrgraph.screening.page import CAPTIONS, write_page
from rrgraph.screening.shards import Shards
from rrgraph.screening.summary import BINS, _counted

SYSTEMS = ["Ba-O-Ti", "Fe-O", "Cl-Na", "Fe-S", "Ba-O"]


@pytest.fixture
def shards(tmp_path):
    """Five shards of random answers, and their rows."""
    shards = Shards(tmp_path / "screened")
    for name in ("shards", "done"):
        (shards.folder / name).mkdir(parents=True)
    random = np.random.default_rng(0)
    rows = []
    for number in range(5):
        own = []
        for line in range(40):
            probability = None if random.random() < 0.2 else float(random.random())
            there = probability is not None and random.random() < 0.4
            system = str(random.choice(SYSTEMS))
            own.append(
                {
                    "line": 40 * number + line,
                    "system": system,
                    "probability": probability,
                    "system_distance": int(random.integers(0, 9)),
                    "shelf_rank": 1 if there else None,
                    "shelf_probability": probability if there else None,
                }
            )
        table = pa.Table.from_pylist(own, schema=SCHEMA)
        shards.write(number, table, [Reject(1, "Xx", "'Xx' is not valid.")], rows=41)
        rows += own
    return shards, rows


@pytest.mark.parametrize("shelf", [True, False])
@pytest.mark.parametrize("at_a_time", [2, 64])
def test_counts_are_those_of_a_plain_loop(shards, shelf, at_a_time, monkeypatch):
    shards, rows = shards
    monkeypatch.setattr("rrgraph.screening.summary._COLLAPSED", at_a_time)
    found = _counted(shards, shelf=shelf)

    def count(chosen):
        return (
            len(chosen),
            sum(row["probability"] is not None for row in chosen),
            sum(row["shelf_rank"] is not None for row in chosen),
        )

    def numbers(each):
        return each.targets, each.with_set, each.from_shelf

    assert numbers(found.total) == count(rows)
    for element, each in found.by_element.items():
        assert numbers(each) == count([row for row in rows if element in row["system"].split("-")])
    for name, each in found.by_anion_class.items():
        assert numbers(each) == count([row for row in rows if anion_class(row["system"].split("-")) == name])
    for name, each in found.by_distance.items():
        far = int(name.split()[0])
        chosen = [row for row in rows if row["system_distance"] == far or (far == 6 and row["system_distance"] > 6)]
        assert numbers(each) == count(chosen)
    for there, bins in zip((True, False), found.probabilities, strict=True):
        own = [row["probability"] for row in rows if row["probability"] and bool(row["shelf_rank"]) == there]
        assert bins == np.histogram(own, bins=BINS, range=(0, 1))[0].tolist()
    column = "shelf_probability" if shelf else "probability"
    means = {name: np.mean([row[column] or 0 for row in rows if row["system"] == name]) for name in SYSTEMS}
    assert [each.system for each in found.most] == sorted(means, key=means.get, reverse=True)
    assert [each.system for each in found.least] == sorted(means, key=means.get)
    assert [each.probability for each in found.least] == pytest.approx(sorted(means.values()))
    assert (found.rows, found.rejects) == (205, {"'...' is not valid.": 5})


def test_every_element_has_its_place():
    places = {symbol: _place(number) for number, symbol in enumerate(ELEMENTS, start=1)}
    assert len(set(places.values())) == len(ELEMENTS)
    known = {"H": (0, 0), "He": (0, 17), "B": (1, 12), "Sc": (3, 2), "Zn": (3, 11), "La": (7, 2), "Lu": (7, 16)}
    known |= {"Hf": (5, 3), "Rn": (5, 17), "Ac": (8, 2), "U": (8, 5)}
    assert {symbol: places[symbol] for symbol in known} == known


class References(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_page_is_self_contained(shards):
    summary = _counted(shards[0], shelf=True)
    write_page(summary)
    page = (summary.folder / "summary.html").read_text()
    assert all(value.startswith(("#", "data:")) for value in References(page).found)
    assert f"<b>{summary.total.from_shelf}</b> made from the shelf" in page
    assert "Ba-O-Ti" in page and "&#39;...&#39; is not valid." in page
    assert {path.stem for path in (summary.folder / "figures").iterdir()} == set(FIGURES) == set(CAPTIONS)


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_a_package_for_the_page_a_warning_says_so(shards, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.warns(DataWarning, match="There is no page: .*rrgraph.figures.*--resume writes it"):
        write_page(_counted(shards[0], shelf=False))
    assert not (shards[0].folder / "summary.html").exists()


def test_the_summary_is_written_as_json(shards, monkeypatch):
    from rrgraph.screening import page, summary

    monkeypatch.setattr(page, "write_page", lambda found: None)
    found = summary.summarise(shards[0], shelf=True)
    written = json.loads((shards[0].folder / "summary.json").read_text())
    assert written["total"] == {
        "targets": 200,
        "with_set": found.total.with_set,
        "from_shelf": found.total.from_shelf,
    }
