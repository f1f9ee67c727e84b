from __future__ import annotations

import pytest

from rrgraph.errors import ConfigError
from rrgraph.experiments import QuickConfig, expand, load_experiment
from rrgraph.experiments.grid import check_grid


def test_every_system_split_and_seed_is_a_run(trial):
    runs = expand(load_experiment(trial, ["splits=[random,all]"]))
    assert [run.key for run in runs] == [
        (system, split, seed) for seed in (0, 1) for split in ("random", "all") for system in ("popular", "flat")
    ]
    run = runs[1]
    assert run.folder == trial.parent / "out" / "runs" / "flat-random-0"
    assert (run.config.seed, run.config.data.split, run.config.name) == (0, "random", "flat-random-0")
    assert run.config.options == {"by_oxygen": False}
    assert run.config.evaluation.protocols == ["paper", "open,max_candidates=20"]
    assert run.config.evaluation.subsets == ["test"]


def test_models_are_measured_without_baselines_of_their_own(trial):
    (trial.parent / "model.yaml").write_text("model: {width: 16}\n")
    runs = expand(load_experiment(trial, ["systems.flat.config=model.yaml", "systems.flat.overrides=[]"]))
    evaluation = runs[1].config.evaluation
    assert (evaluation.baselines, evaluation.subsets, evaluation.mode) == ([], ["test"], "product")


def test_overrides_of_a_system_win_over_those_of_the_experiment(trial):
    experiment = load_experiment(
        trial, ["overrides=[data.table=textbook,options.alpha=0.3]", "systems.flat.overrides=[options.alpha=0.4]"]
    )
    assert [run.config.options["alpha"] for run in expand(experiment)[:2]] == [0.3, 0.4]


def test_the_quick_variant_has_its_own_folder_systems_and_seeds(trial):
    quick = load_experiment(trial, quick=True)
    assert (quick.name, quick.output, quick.seeds, quick.splits) == (
        "trial-quick",
        f"{trial.parent / 'out'}-quick",
        [4],
        ["random"],
    )
    assert {name: system.overrides for name, system in quick.systems.items()} == {
        "flat": ["options.by_oxygen=false", "options.alpha=0.5"]
    }
    assert quick.quick == QuickConfig()


def test_each_protocol_is_measured_with_each_of_the_candidates(trial):
    experiment = load_experiment(trial, ["candidates=[pool,library]", "quick.candidates=[generated]"])
    assert expand(experiment)[0].config.evaluation.protocols == [
        "paper",
        "open,max_candidates=20",
        "paper,candidates=library",
        "open,max_candidates=20,candidates=library",
    ]
    assert load_experiment(trial, ["quick.candidates=[generated]"], quick=True).candidates == ["generated"]


def test_runs_record_the_metrics_that_are_compared(trial):
    experiment = load_experiment(trial, ["metrics=[top_1,map_7,temperature_mae]"])
    assert [run.config.evaluation.metrics for run in expand(experiment)[:2]] == [["map_7"], ["map_7"]]


@pytest.mark.parametrize("subset", ["holdout", "curated_validation", "mine.csv.gz"])
def test_tables_are_measured_too_and_quick_variants_take_validation_rows(trial, subset):
    experiment = load_experiment(trial, [f"subset={subset}", "overrides=[data.holdout=textbook]"])
    assert [run.subset for run in expand(experiment)] == [subset] * 4
    quick = load_experiment(trial, [f"subset={subset}"], quick=True)
    assert [run.subset for run in expand(quick)] == ["validation"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["sedes=[1]"], "Did you mean 'seeds'"),
        (["splits=[nmss]"], "Did you mean 'nms'"),
        (["protocols=[papr]"], "Did you mean 'paper'"),
        (["subset=tests"], "Did you mean 'test'"),
        (["compare_with=flot"], "Did you mean 'flat'"),
        (["quick.systems={flit: []}"], "Did you mean 'flat'"),
        (["candidates=[libary]"], "Did you mean 'library'"),
        (["candidates=[]"], "candidates is empty"),
        (["metrics=[top_1,mmr]"], "Did you mean 'mrr'"),
        (["metrics=[mrr,mrr]"], "expected each one once"),
        (["candidates=[pool,library]", "protocols=['open,candidates=pool']"], "expected in one place"),
        (["seeds=[]"], "seeds is empty"),
        (["seeds=[1,1]"], "each one once"),
        (["search.candidates=[-1]"], "at least 0"),
        (["systems={'a b': {config: popular.yaml}}"], "needs a name of letters"),
    ],
)
def test_what_does_not_fit_is_refused(trial, overrides, message):
    with pytest.raises(ConfigError, match=message):
        expand(load_experiment(trial, overrides))


def test_an_experiment_without_a_quick_variant_says_so(trial):
    trial.write_text("".join(line for line in trial.open() if not line.startswith("quick")))
    with pytest.raises(ConfigError, match="no section quick"):
        load_experiment(trial, quick=True)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["systems.flat.config=populr.yaml"], "Did you mean '.*popular.yaml'"),
        (["systems.flat.overrides=[options.alpa=1]"], "System 'flat': .*Did you mean 'alpha'"),
        (["systems.flat.overrides=[data.clean=true]"], "'popular' and 'flat' would not be measured on the same rows"),
    ],
)
def test_a_grid_is_checked_before_anything_runs(trial, overrides, message):
    with pytest.raises(ConfigError, match=message):
        check_grid(expand(load_experiment(trial, overrides)))
