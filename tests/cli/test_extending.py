"""The package of docs/extending.md is built, installed and used as the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rrgraph.baselines import BASELINES
from rrgraph.cli.main import main
from rrgraph.errors import ModelError
from rrgraph.links import CONTEXTS, DECODERS, SAMPLERS
from rrgraph.metrics import METRICS
from rrgraph.models import load_model
from rrgraph.nn import ENCODERS
from rrgraph.runs import load_run, run
from rrgraph.training import LOSSES

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
OFFERED = (
    (DECODERS, "low_rank"),
    (ENCODERS, "element_moments"),
    (CONTEXTS, "pooled"),
    (SAMPLERS, "similar_size"),
    (LOSSES, "focal"),
    (METRICS, "inverse_root"),
)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The files that the page shows."""
    return dict(re.findall(r'^```\w+ title="(.+?)"\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def site(files, tmp_path_factory) -> Path:
    """A folder into which the package was installed, beside those of this environment."""
    pytest.importorskip("setuptools", reason="building a package without the network needs setuptools")
    source, site = tmp_path_factory.mktemp("rrgraph-sample"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "rrgraph_sample.py"):
        (source / name).write_text(files[name])
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True)
    return site


@pytest.fixture
def installed(site, monkeypatch) -> Path:
    """The package can be imported during a test."""
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("rrgraph_sample", None)


@pytest.fixture(scope="module")
def trained(site, files, table, tmp_path_factory) -> Path:
    """The run folder of the configuration of the page, trained on fewer reactions."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "sample.yaml").write_text(files["sample.yaml"])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        command = ["train", str(folder / "sample.yaml"), f"data.table={table}", f"output={folder / 'run'}"]
        assert main(command) == 0
    sys.modules.pop("rrgraph_sample", None)
    return folder / "run"


def test_names_are_known_before_anything_is_imported(installed):
    for registry, name in (*OFFERED, (BASELINES, "overlap")):
        assert name in registry
        assert name in list(registry)
    assert "rrgraph_sample" not in sys.modules
    assert DECODERS["low_rank"].__module__ == "rrgraph_sample"


def test_nothing_is_known_without_the_package():
    for registry, name in OFFERED:
        assert name not in registry


def test_all_seven_train_from_yaml(trained):
    metrics = json.loads((trained / "metrics.json").read_text())
    assert set(metrics["test"]["open"]) == {"model", "popularity", "overlap"}
    assert 0 < metrics["test"]["open"]["model"]["values"]["inverse_root"] < 1
    assert "inverse_root" in (trained / "history.csv").read_text().partition("\n")[0]
    assert json.loads((trained / "environment.json").read_text())["rrgraph-sample"] == "0.1.0"
    assert "Its decoder comes from the package 'rrgraph-sample' 0.1.0" in (trained / "card.md").read_text()
    description = json.loads((trained / "model.json").read_text())
    assert description["model"]["decoder_options"] == {"rank": 4}
    assert description["parts"]["encoder"] == {
        "name": "element_moments",
        "object": "rrgraph_sample:ElementMoments",
        "package": "rrgraph-sample",
        "version": "0.1.0",
    }


def test_the_options_reach_what_they_are_for(trained, installed):
    model = load_model(str(trained)).checkpoint.model
    assert model.decoders[0].target.out_features == 4
    assert model.encoder.deviation is True


def test_the_loaded_model_measures_what_the_trained_one_did(trained, installed):
    recorded = json.loads((trained / "metrics.json").read_text())
    again = run(load_run(trained / "config.yaml"), resume=True).comparison
    found = {p: {s: m.to_dict() for s, m in systems.items()} for p, systems in again["test"].items()}
    assert json.loads(json.dumps(found)) == recorded["test"]


def test_planning_with_the_model_in_a_new_interpreter(trained, site):
    done = subprocess.run(
        [sys.executable, "-m", "rrgraph", "plan", "BaTiO3", "--model", str(trained), "--json"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["sets"]


def test_a_computer_without_the_package_says_what_to_install(trained, rrgraph):
    result = rrgraph("plan", "BaTiO3", "--model", trained)
    assert result.code == 2
    assert re.search(
        r"needs the composition encoder 'element_moments' of the package 'rrgraph-sample', which is not installed\.",
        result.err,
    )
    with pytest.raises(ModelError, match="rrgraph-sample"):
        load_model(str(trained))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.decoder=low_rnk", "Did you mean 'low_rank'"),
        ("model.decoder_options.rnk=4", r"Unknown option 'rnk' of the link decoder 'low_rank'.*Did you mean 'rank'"),
        ("model.decoder_options.rank=few", "model.decoder_options.rank is 'few', expected a value such as 8"),
        ("training.loss_options.gama=1", "Unknown option 'gama' of the loss 'focal'.*Did you mean 'gamma'"),
        ("training.sampler_options.spread=true", "training.sampler_options.spread is True"),
        ("model.encoder_options.depth=1", "Unknown option 'depth' of the composition encoder 'element_moments'"),
        ("model.pretrained=encoder", "model.pretrained needs model.encoder=transformer, not element_moments"),
        ("training.sampler_options.spread=0", "negative sampler 'similar_size' of the package 'rrgraph-sample' fails"),
    ],
)
def test_options_are_checked(installed, rrgraph, files, tmp_path, override, message):
    (tmp_path / "sample.yaml").write_text(files["sample.yaml"])
    result = rrgraph("train", tmp_path / "sample.yaml", override, f"output={tmp_path / 'run'}")
    assert result.code == 2
    assert re.search(message, result.err)
    assert not (tmp_path / "run").exists()


def test_a_baseline_from_outside_makes_a_run(installed, rrgraph, files, tmp_path, table):
    (tmp_path / "overlap.yaml").write_text(files["overlap.yaml"])
    result = rrgraph("train", tmp_path / "overlap.yaml", f"data.table={table}", f"output={tmp_path / 'run'}")
    assert result.code == 0, result.err
    assert "Logits that fall with the share" in (tmp_path / "run" / "card.md").read_text()


def test_the_version_lists_the_package(installed, rrgraph):
    assert "rrgraph-sample 0.1.0" in rrgraph("--version").out
