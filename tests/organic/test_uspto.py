"""A slice of USPTO-50k, the first 500 rows of each part: templates do what they were recorded for, and are learned."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.organic import TextEncoderConfig, apply_template, canonical_smiles, load_template_table
from rrgraph.organic.run import OrganicConfig, organic_run
from rrgraph.util.config import load_config

pytestmark = pytest.mark.data

CONFIG = Path(__file__).parents[2] / "configs" / "organic" / "conretrobert.yaml"


@pytest.fixture(scope="module")
def slice_(data_folder):
    if not list((data_folder / "organic").glob("USPTO_50k*")):
        pytest.skip("RRGRAPH_DATA has no table of organic reactions")
    return load_template_table("uspto_50k", rows=500)


def test_every_part_has_its_first_rows(slice_):
    assert {part: len(rows) for part, rows in slice_.parts.items()} == {"train": 500, "validation": 500, "test": 500}
    test = slice_["test"]
    assert all(canonical_smiles(product) == product for product in test.products)
    assert not any(":" in product for product in test.products)


def test_standard_parts_have_the_published_sizes(slice_):
    packed = resources.files("rrgraph.organic").joinpath("standard_split.txt.gz").read_bytes()
    letters = Counter(gzip.decompress(packed).decode().split()[1])
    assert (letters["-"], letters["v"], letters["t"]) == (40_008, 5_001, 5_007)
    standard = load_template_table("uspto_50k", split="standard", rows=20)
    assert standard["train"].products[:2] == slice_["train"].products[:2]
    assert standard["test"] != slice_["test"].head(20)


def test_recorded_templates_lead_to_recorded_reactants(slice_):
    """The whole table has 94.7 % by the first outcome and 98.0 % by any."""
    first = any_ = 0
    test = slice_["test"]
    for product, reactants, template in zip(test.products, test.reactants, test.templates, strict=True):
        outcomes = apply_template(template, product)
        first += outcomes[:1] == (reactants,)
        any_ += reactants in outcomes
    assert first / len(test) > 0.92
    assert any_ / len(test) > 0.96


@pytest.mark.slow
def test_the_slice_is_learned(slice_, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    given = [
        "data.rows=500",
        "data.split=mhn",
        "search.templates=5",
        "reranker.enabled=false",
        "evaluation={subsets: [test], rows: 100}",
    ]
    shipped = load_config(CONFIG, given, schema=OrganicConfig)
    encoder = TextEncoderConfig(hidden=64, bits=2048)
    result = organic_run(
        replace(
            shipped,
            output=str(tmp_path / "run"),
            model=replace(
                shipped.model, width=32, product=replace(encoder, fragments=["circular", "roles"]), template=encoder
            ),
            contrastive=replace(shipped.contrastive, epochs=8, batch_size=64, learning_rate=5e-3),
            ranking=replace(shipped.ranking, epochs=2),
        ),
        jobs=1,
    )
    found = result.comparison["test"]
    assert set(found) == {"model", "popularity"}
    assert found["model"].templates.top[1].value > found["popularity"].templates.top[1].value
    assert found["model"].applicable[1] > 0.8
