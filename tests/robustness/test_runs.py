"""Few of the damaged folders; `python -m tests.robustness --only runs` tries them in full."""

import pytest

from .harness import assert_survives
from .runs import runs  # noqa: F401

pytestmark = pytest.mark.slow


def test_few(tmp_path):
    assert_survives("runs", tmp_path)
