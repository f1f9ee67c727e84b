"""Few tries of the attacks; `python -m tests.robustness` carries them out in full."""

import pytest

from .formulas import equations, formulas  # noqa: F401
from .harness import assert_survives

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["formulas", "equations"])
def test_few(name, tmp_path):
    assert_survives(name, tmp_path)
