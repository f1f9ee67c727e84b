"""What the documentation says of rows that the bundled model learned from."""

from __future__ import annotations

from pathlib import Path

import rrgraph as rr
from rrgraph.data import load_table

DATA_PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_the_page_counts_the_validation_rows_that_were_learned(data_folder):
    learned, table = rr.load_model().learned, load_table("nms_validation")
    targets, reactions = int(learned.has_targets(table).sum()), int(learned.has_reactions(table).sum())
    text = " ".join(DATA_PAGE.read_text(encoding="utf-8").split())
    assert f"{targets} rows are about a target that the bundled model learned from" in text
    assert f"{reactions} of them with the very precursors" in text
    assert f"the {len(table) - targets} rows with new targets" in text
