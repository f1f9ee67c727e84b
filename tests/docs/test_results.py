"""The pages of results are those of the CSV files beside them."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_pages_are_up_to_date():
    done = subprocess.run([sys.executable, ROOT / "docs" / "results.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("p_value", "expected"), [("0.0500", False), ("0.0499", True), ("<0.05", True), ("", False)])
def test_what_is_significant_is_below_the_bound(p_value, expected):
    assert runpy.run_path(str(ROOT / "docs" / "results.py"))["significant"](p_value) is expected
