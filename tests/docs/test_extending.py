"""The code of the page on extending runs as it is shown; its package is tested in tests/cli/test_extending.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import rrgraph as rr
from rrgraph.util.registry import session_entries

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture
def run_page(tmp_path, monkeypatch):
    """Return a function that executes what the page shows under a title, in an empty folder, and gives its names."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)

    def execute(title: str) -> dict[str, object]:
        blocks = re.findall(rf'^```python title="{title}"\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL)
        names: dict[str, object] = {"__name__": "page"}
        exec(compile("\n".join(blocks), title, "exec"), names)
        return names

    return execute


@pytest.fixture
def forgotten():
    """Forget what a test registers."""
    registries = (rr.nn.ENCODERS, rr.links.DECODERS, rr.links.CONTEXTS, rr.links.SAMPLERS)
    registries += (rr.training.LOSSES, rr.metrics.METRICS)
    with pytest.MonkeyPatch.context() as patch:
        for registry in registries:
            patch.setattr(registry, "_entries", dict(registry._entries))
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("forgotten")
def test_names_of_a_notebook_are_values_of_configurations(run_page):
    run = run_page("notebook.py")["run"]
    model = run.model.checkpoint.model
    assert (type(model.encoder).__name__, type(model.decoders[0]).__name__) == ("MeanVector", "Cosine")
    training = rr.runs.load_run("runs/mine/config.yaml").training
    assert (training.sampler, training.loss, training.monitor) == ("rare", "margin", "inverse_square")
    assert all(row["top_1"] <= row["inverse_square"] <= 1 for row in run.history)
    named = {"mean_vector", "cosine", "rare", "margin", "inverse_square"}
    assert {name for (_, name), module in session_entries().items() if module == "page"} == named
    assert len(rr.load_model("runs/mine").plan("BaTiO3", top_k=2, literature=False)) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("forgotten")
def test_columns_describe_edges_for_a_context_of_ones_own_and_nodes_for_pyg(run_page):
    names = run_page("columns.py")
    model = rr.load_model("runs/columns").checkpoint
    assert model.context.columns.sizes.keys() == {"system", "edge"}
    assert bool(model.model.inputs[0]["system"].weight.any())
    assert {kind: tuple(of.shape) for kind, of in names["states"].items()} == {
        "system": (len(names["graph"].systems.vectors), 16),
        "precursor": (len(names["graph"].vocabulary), 16),
    }


@pytest.mark.slow
def test_a_loop_of_ones_own_trains_a_model_that_plans(run_page):
    names = run_page("own_loop.py")
    test, found = names["test"], names["probabilities"].to_numpy()
    recorded = torch.zeros(found.shape, dtype=torch.bool)
    recorded[tuple(test["made_from"].edge_index)] = True
    # Of targets whose element systems are new to the model.
    ranks = torch.tensor(found).flatten().argsort().argsort()[recorded.flatten()] / found.size
    assert ranks.mean() > 0.75
    assert not set(names["train"]["target"].formula) & set(test["target"].formula)
    assert len(names["trained"].plan("BaTiO3", candidates="train", top_k=3, literature=False)) == 3
