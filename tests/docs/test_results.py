"""The pages of results are those of the CSV files beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pages_are_up_to_date():
    done = subprocess.run([sys.executable, ROOT / "docs" / "results.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
