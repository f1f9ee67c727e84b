"""The table of metrics is that of the registry."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_up_to_date():
    script = runpy.run_path(str(ROOT / "docs" / "metrics.py"))
    assert (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8") == script["page"]()
