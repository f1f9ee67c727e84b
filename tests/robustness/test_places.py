"""Few of the commands in places where they cannot work; `python -m tests.robustness` carries them out in full."""

import pytest

from .harness import assert_survives
from .places import places  # noqa: F401

pytestmark = pytest.mark.slow


def test_few(tmp_path):
    assert_survives("places", tmp_path)
