import pytest

from . import tables  # noqa: F401
from .harness import assert_survives


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tables", "predictions", "recipes"])
def test_a_few(name, tmp_path):
    assert_survives(name, tmp_path)
