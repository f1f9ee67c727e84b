"""The experiment files of the project say what can be run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rrgraph.baselines import BASELINES
from rrgraph.conditions import ConditionsConfig
from rrgraph.errors import ConfigError
from rrgraph.experiments import expand, load_experiment
from rrgraph.experiments.grid import check_grid
from rrgraph.organic.run import OrganicConfig
from rrgraph.runs import BaselineConfig

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs" / "experiments").glob("*.yaml"))


def loaded(path, tmp_path, *, quick):
    """Expand a shipped experiment; skip when it needs a baseline that is not registered."""
    experiment = load_experiment(path, [f"output={tmp_path / 'out'}"], quick=quick)
    missing = [system.config for system in experiment.systems.values() if not Path(system.config).is_file()]
    if missing:
        pytest.skip(f"no configuration {', '.join(Path(path).name for path in missing)}")
    runs = expand(experiment)
    unknown = {run.config.baseline for run in runs if isinstance(run.config, BaselineConfig)} - set(BASELINES)
    if unknown:
        pytest.skip(f"baselines that are not registered: {', '.join(sorted(unknown))}")
    return experiment, runs


@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_experiment_resolves(path, quick, tmp_path):
    experiment, runs = loaded(path, tmp_path, quick=quick)
    assert experiment.name.removesuffix("-quick") == path.stem
    assert experiment.title
    assert len(runs) == len(experiment.systems) * len(experiment.splits) * len(experiment.seeds)
    check_grid(runs)
    if quick and isinstance(runs[0].config, OrganicConfig):
        assert {run.config.data.rows for run in runs} == {500}
    elif quick and isinstance(runs[0].config, ConditionsConfig):
        assert {run.config.data.table for run in runs} == {"literature"}
    elif quick:
        assert {run.config.data.table for run in runs} == {"textbook"}


def test_the_experiments_of_the_comparison_are_there():
    assert {path.stem for path in FILES} >= {
        *("table2", "table4", "table5", "table10", "table12"),
        *("figure5", "negatives", "sequential", "organic", "retrieval_retro"),
    }


def test_table_2_has_every_system_and_three_seeds():
    experiment = load_experiment(ROOT / "configs" / "experiments" / "table2.yaml")
    assert len(experiment.systems) == 13
    assert (experiment.splits, experiment.protocols) == (["cra", "dr", "nms"], ["paper", "open"])
    assert len(experiment.seeds) >= 3
    assert experiment.candidates == ["pool", "library"]


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "baselines").glob("*.yaml")), ids=lambda path: path.stem)
def test_baseline_files_are_named_after_themselves(path):
    assert re.search(rf"^name: {path.stem}$", path.read_text(), re.MULTILINE)


def test_a_wrong_name_in_a_shipped_file_would_be_found(tmp_path):
    path = tmp_path / "table.yaml"
    config = ROOT / "configs" / "baselines" / "popularity.yaml"
    path.write_text(f"systems: {{a: {{config: {config}, overrides: [options.gamma=1]}}}}\n")
    with pytest.raises(ConfigError, match="gamma"):
        check_grid(expand(load_experiment(path, [f"output={tmp_path / 'out'}"])))
