import pytest

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.organic import load_template_table


@pytest.fixture(scope="session")
def split(organic_table):
    """The parts of the table of organic reactions."""
    return load_template_table(organic_table)
