"""Few tries of killed commands; `python -m tests.robustness --only kills` carries them out in full."""

import pytest

from .harness import assert_survives
from .kills import kills  # noqa: F401

pytestmark = pytest.mark.slow


def test_few(tmp_path):
    assert_survives("kills", tmp_path)
