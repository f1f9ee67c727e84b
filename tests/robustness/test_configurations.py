import pytest

from . import configurations  # noqa: F401
from .harness import assert_survives


@pytest.mark.slow
@pytest.mark.parametrize("name", ["configurations", "overrides"])
def test_a_few(name, tmp_path):
    assert_survives(name, tmp_path)
