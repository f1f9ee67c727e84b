import pytest

from . import pages  # noqa: F401
from .harness import assert_survives


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pages"])
def test_a_few(name, tmp_path):
    assert_survives(name, tmp_path)
