from __future__ import annotations

import subprocess
import sys

import pytest

import rrgraph.graph
from rrgraph.graph import networks


def test_names_come_from_the_networks():
    for name in networks.__all__:
        assert getattr(rrgraph.graph, name) is getattr(networks, name)
    with pytest.raises(AttributeError, match="no attribute 'pair_statistic'"):
        _ = rrgraph.graph.pair_statistic


def test_the_graph_does_without_the_networks_until_one_is_asked_for():
    code = (
        "import sys, rrgraph.graph\n"
        "hasattr(rrgraph.graph, '__wrapped__')\n"
        "assert 'rrgraph.graph.networks' not in sys.modules\n"
        "from rrgraph.graph import pair_statistics\n"
        "assert 'rrgraph.graph.networks' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
