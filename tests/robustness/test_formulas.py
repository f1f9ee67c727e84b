import pytest

from . import formulas  # noqa: F401
from .harness import assert_survives


@pytest.mark.slow
@pytest.mark.parametrize("name", ["formulas", "equations"])
def test_a_few(name, tmp_path):
    assert_survives(name, tmp_path)
