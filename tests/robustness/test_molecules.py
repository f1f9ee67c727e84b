import pytest

from . import molecules  # noqa: F401
from .harness import assert_survives


@pytest.mark.slow
@pytest.mark.parametrize("name", ["molecules"])
def test_a_few(name, tmp_path):
    assert_survives(name, tmp_path)
