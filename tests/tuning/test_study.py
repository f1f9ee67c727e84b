from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState

from rrgraph.errors import StudyError
from rrgraph.links import LinkTask
from rrgraph.models import load_checkpoint
from rrgraph.reranking import RerankingConfig
from rrgraph.runs import RerankerConfig, load_run, train_run
from rrgraph.tuning import StudyResult, opened_storage, tune
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.sampling import SAME_AS
from rrgraph.tuning.storage import default_storage
from rrgraph.util.config import save_config


def rows(folder) -> list[dict[str, str]]:
    with (Path(folder) / "trials.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def plain(folder):
    """The table without what depends on the clock."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows(folder)]


@pytest.fixture(scope="module")
def whole(plain_config, make_space, tmp_path_factory) -> StudyResult:
    """A study of four trials."""
    return tune(replace(plain_config, output=str(tmp_path_factory.mktemp("whole") / "study")), make_space(), trials=4)


def test_a_study_leaves_its_best_model_and_how_to_train_it_again(whole, tmp_path):
    folder = whole.folder
    assert not whole.failures and not whole.stopped
    assert [row["trial"] for row in rows(folder)] == ["0", "1", "2", "3"]
    best = max(rows(folder), key=lambda row: float(row["open.top_1"] or -1))
    (trial,) = whole.best
    assert trial.value == float(best["open.top_1"])
    runs = sorted((folder / "trials").iterdir())
    kept = [run for run in runs if (run / "model.safetensors").exists()]
    assert [int(run.name) for run in kept] == [trial.number]
    assert not list(folder.rglob("training_state.safetensors"))
    metrics = json.loads((kept[0] / "metrics.json").read_text())
    assert set(metrics) == {"validation"}
    assert metrics["validation"]["open"]["model"]["overall"]["top1"]["value"] == trial.value
    # The same settings train the same model.
    again = replace(load_run(folder / "best.yaml"), output=str(tmp_path / "again"))
    result = train_run(replace(again, evaluation=replace(again.evaluation, protocols=["open"], baselines=[])))
    assert result.comparison["validation"]["open"]["model"].overall.top[1].value == trial.value
    weights = [load_checkpoint(run).model.state_dict() for run in (kept[0], tmp_path / "again")]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_figures_need_no_network(whole):
    names = {path.stem for path in whole.figures}
    assert {"history", "slice", "parallel_coordinate", "learning_curves"} <= names
    for path in whole.figures:
        assert path.stat().st_size > 1000
        if path.suffix == ".html":
            assert 'src="plotly.min.js"' in path.read_text()
            assert "cdn" not in path.read_text().lower()
    assert (whole.folder / "figures" / "plotly.min.js").stat().st_size > 1_000_000
    assert {path.suffix for path in whole.figures} == {".html", ".png"}


def test_a_study_in_pieces_is_the_study_in_one(whole, config, make_space, tmp_path):
    pieces = replace(config, output=str(tmp_path / "pieces"))
    for trials in (1, 3, 4, 4):
        tune(pieces, make_space(), trials=trials, figures=False)
    assert plain(tmp_path / "pieces") == plain(whole.folder)


def test_an_interrupted_trial_goes_on_where_it_was(config, make_space, tmp_path, monkeypatch):
    """Ctrl-C in the second epoch of the second trial."""
    started: list[int] = []
    start_epoch = LinkTask.start_epoch

    def interrupt(self, epoch):
        started.append(epoch)
        if len(started) == 5:
            raise KeyboardInterrupt
        start_epoch(self, epoch)

    # Three epochs a trial, none pruned.
    broken, options = replace(config, output=str(tmp_path / "broken")), {"pruner": "none"}
    straight = replace(config, output=str(tmp_path / "straight"))
    with monkeypatch.context() as patch:
        patch.setattr(LinkTask, "start_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tune(broken, make_space(), trials=3, options=options, figures=False)
    assert started == [1, 2, 3, 1, 2]
    started.clear()
    monkeypatch.setattr(LinkTask, "start_epoch", lambda self, epoch: started.append(epoch) or start_epoch(self, epoch))
    tune(broken, make_space(), trials=3, options=options, figures=False)
    assert started == [2, 3, 1, 2, 3]
    tune(straight, make_space(), trials=3, options=options, figures=False)
    ended = [row for row in plain(tmp_path / "broken") if row["state"] == "complete"]
    expected = plain(tmp_path / "straight")
    assert [row["again"] for row in ended] == ["", "1", ""]
    assert [row["open.top_1"] for row in ended[:2]] == [row["open.top_1"] for row in expected[:2]]
    assert [row["reported"] for row in ended[:2]] == [row["reported"] for row in expected[:2]]
    assert {path.name for path in (tmp_path / "broken" / "trials").iterdir()} == {"0000", "0001", "0003"}


def test_a_resume_with_something_else_is_refused(whole, config, make_space):
    config, before = replace(config, output=str(whole.folder)), plain(whole.folder)
    for changed, options in (
        (replace(config, seed=1), {}),
        (config, {"seed": 1}),
        (config, {"objectives": ["open.top_3"]}),
    ):
        with pytest.raises(StudyError, match="holds another study"):
            tune(changed, make_space(), trials=5, options=options)
        with pytest.raises(StudyError, match="was started with other settings"):
            elsewhere = replace(changed, output=f"{config.output}-2")
            tune(elsewhere, make_space(), trials=5, options=options, storage=whole.url)
    assert plain(whole.folder) == before
    assert not Path(f"{config.output}-2").exists()


def test_a_small_space_is_exhausted_without_repeating_a_trial(config, make_space, monkeypatch):
    monkeypatch.setattr("rrgraph.tuning.trial._TRIES", 12)
    space = make_space(
        {"training.negatives_per_positive": {"choices": [1, 2]}, "training.sampler": {"choices": ["uniform", "hard"]}}
    )
    options = {"pruner": "none", "objectives": ["open.map_7"]}
    result = tune(config, space, trials=9, options=options, figures=False)
    assert "exhausted" in result.stopped
    table = [row for row in rows(result.folder) if not row[SAME_AS]]
    assert len(table) == len({(row["training.negatives_per_positive"], row["training.sampler"]) for row in table}) == 4
    assert all(row["state"] == "complete" for row in table)
    assert not result.failures
    # It is the study of another metric than top-k as well.
    (best,) = result.best
    metrics = json.loads((result.folder / "trials" / f"{best.number:04}" / "metrics.json").read_text())
    assert best.value == metrics["validation"]["open"]["model"]["values"]["map_7"]
    assert best.value == max(float(row["open.map_7"]) for row in table)
    assert load_run(result.folder / "best.yaml").training.monitor == "map_7"


def test_a_pareto_study_keeps_the_models_of_its_front(config, make_space):
    result = tune(config, make_space(), trials=4, options={"objectives": ["open.top_1", "planning_ms"]})
    assert result.settings.pruner == "none"
    front = {trial.number for trial in result.best}
    assert {int(path.stem) for path in (result.folder / "pareto").glob("*.yaml")} == front
    kept = {int(path.parent.name) for path in result.folder.glob("trials/*/model.safetensors")}
    assert kept == front
    assert all(trial.values[1] > 0 for trial in result.best)
    assert {"pareto_front", "slice_open_top_1", "history_planning_ms"} <= {path.stem for path in result.figures}
    best = load_run(result.folder / "best.yaml")
    assert best.training.learning_rate == result.best[0].params["training.learning_rate"]


def test_a_model_with_a_second_stage_is_measured_with_it(config, make_space):
    staged = replace(
        config,
        model=replace(config.model, n_decoders=2, statistics=True),
        training=replace(config.training, epochs=2),
        reranker=RerankerConfig(enabled=True, training=RerankingConfig(epochs=1, candidates=8)),
        evaluation=replace(config.evaluation, mode="listwise"),
    )
    space = make_space(
        {"training.learning_rate": {"range": [1e-3, 1e-1]}, "reranker.training.epochs": {"choices": [1, 2]}}
    )
    result = tune(staged, space, trials=1, figures=False)
    (best,) = result.best
    assert load_checkpoint(result.folder / "trials" / "0000").reranker is not None
    assert sorted(best.intermediate_values) == [1, 2]


def test_a_baseline_is_tuned_by_its_final_measurement(popularity, make_space):
    space = make_space(
        {"options.alpha": {"range": [0.01, 1.0], "log": True}, "options.by_oxygen": {"choices": [True, False]}}
    )
    result = tune(popularity, space, trials=3, figures=False)
    assert result.settings.pruner == "none"
    assert [(row["state"], row["epochs"]) for row in rows(result.folder)] == [("complete", "")] * 3
    assert load_run(result.folder / "best.yaml").options == {
        key.removeprefix("options."): value for key, value in result.best[0].params.items()
    }


def test_trials_that_fail_are_told_and_do_not_count(config, make_space, monkeypatch):
    monkeypatch.setattr(LinkTask, "loss", lambda *_: torch.tensor(float("inf"), requires_grad=True))
    result = tune(config, make_space(), trials=6, figures=False)
    assert result.stopped == "5 trials in a row failed."
    assert len(result.failures) == 5
    assert all("lower training.learning_rate" in sentence for sentence in result.failures.values())
    assert {row["state"] for row in rows(result.folder)} == {"fail"}
    assert not result.best


@pytest.mark.slow
def test_two_processes_share_a_study(config, make_space):
    short = replace(config, training=replace(config.training, epochs=1))
    result = tune(short, make_space(), trials=3, jobs=2, options={"pruner": "none"}, figures=False)
    table = rows(result.folder)
    assert [row["state"] for row in table] == ["complete"] * 3
    assert len({row["training.learning_rate"] for row in table}) == 3
    assert len(list(result.folder.glob("trials/*/model.safetensors"))) == 1


KILLED = """\
import sys
from rrgraph.runs import load_run
from rrgraph.links import LinkTask
from rrgraph.tuning import load_space, tune
import rrgraph.tuning.storage as storage
import time
begun = []
def slow(self, epoch):
    begun.append(epoch)
    if len(begun) == 5:
        print("now", file=sys.__stdout__, flush=True)
        time.sleep(600)
LinkTask.start_epoch = slow
tune(load_run(sys.argv[1]), load_space(sys.argv[2]), trials=2, figures=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["sqlite", "journal"])
def test_killed_in_the_middle_at_most_the_running_trial_is_lost(config, make_space, tmp_path, monkeypatch, form):
    save_config(config, tmp_path / "config.yaml")
    (tmp_path / "space.yaml").write_text("parameters: {training.learning_rate: {range: [0.001, 0.1]}}\npruner: none\n")
    url = default_storage(Path(config.output)) if form == "sqlite" else f"journal:{tmp_path / 'journal.log'}"
    code = KILLED.replace("trials=2", f"trials=2, storage={url!r}")
    arguments = [sys.executable, "-c", code, str(tmp_path / "config.yaml"), str(tmp_path / "space.yaml")]
    Path(config.output).mkdir() if form == "sqlite" else None
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        os.kill(process.pid, signal.SIGKILL)
    # The second trial was killed in its second epoch; it counts as running until it has been silent for long enough.
    space = make_space({"training.learning_rate": {"range": [0.001, 0.1]}}, pruner="none")
    for module in ("heartbeat", "storage"):
        monkeypatch.setattr(f"rrgraph.tuning.{module}.GRACE_SECONDS", 1)
    monkeypatch.setattr("rrgraph.tuning.study._WAIT_SECONDS", 0.2)
    begun: list[int] = []
    start_epoch = LinkTask.start_epoch
    monkeypatch.setattr(LinkTask, "start_epoch", lambda self, epoch: begun.append(epoch) or start_epoch(self, epoch))
    result = tune(config, space, trials=2, storage=url, figures=False)
    states = [row["state"] for row in rows(result.folder)]
    assert sorted(states) == ["complete", "complete", "fail"]
    assert begun == [2, 3]
    with quietly(), opened_storage(url) as storage:
        study = optuna.load_study(study_name="tiny", storage=storage)
        assert not study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


DEAF = """\
import signal, sys, time
import rrgraph.util.parallel
from rrgraph.links import LinkTask
rrgraph.util.parallel._PATIENCE = 0.2
def deaf(self, epoch):
    if epoch == 2:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        print("deaf", file=sys.__stdout__, flush=True)
        time.sleep(600)
LinkTask.start_epoch = deaf
"""

INTERRUPTED = """\
import sys
from rrgraph.cli import main
if __name__ == "__main__":
    sys.exit(main(["tune", *sys.argv[1:], "--trials", "60", "--jobs", "2", "--pruner", "none", "training.epochs=10"]))
"""


def interrupted_study(place: Path, folder: Path, sign: str, times: int) -> tuple[int, str]:
    """Run the script in `place`, press Ctrl-C after some lines beginning with `sign`; return exit code and errors."""
    given = [place / "config.yaml", "--space", place / "space.yaml", f"output={folder}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, place / "script.py", *given]
    with subprocess.Popen(command, **pipes, text=True, env=environment, start_new_session=True) as process:
        assert process.stdout is not None
        for _ in range(times):
            while not process.stdout.readline().startswith(sign):
                assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        _, errors = process.communicate(timeout=600)
    return process.returncode, errors


@pytest.mark.slow
@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.parametrize(("before", "sign", "times"), [("", "trial ", 1), (DEAF, "deaf", 2)], ids=["asked", "killed"])
def test_ctrl_c_ends_all_processes_and_puts_their_trials_back(config, tmp_path, before, sign, times):
    """When it is asked to, or when it is killed, and both are known to be within a trial then."""
    save_config(config, tmp_path / "config.yaml")
    (tmp_path / "space.yaml").write_text("parameters: {training.learning_rate: {range: [0.001, 0.1]}}\n")
    (tmp_path / "script.py").write_text(before + INTERRUPTED)
    folder = tmp_path / "study"
    code, errors = interrupted_study(tmp_path, folder, sign, times)
    assert code == 130, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    with quietly(), opened_storage(default_storage(folder)) as storage:
        trials = optuna.load_study(study_name="tiny", storage=storage).get_trials(deepcopy=False)
    states = [trial.state for trial in trials]
    assert TrialState.RUNNING not in states
    assert states.count(TrialState.FAIL) == states.count(TrialState.WAITING) <= 2
    assert (TrialState.FAIL if before else TrialState.COMPLETE) in states


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_a_trial_is_being_numbered_puts_it_back(config, make_space, monkeypatch, number):
    ask = optuna.Study.ask

    def interrupted(study: optuna.Study) -> optuna.Trial:
        trial = ask(study)
        signal.raise_signal(number)
        return trial

    monkeypatch.setattr(optuna.Study, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune(config, make_space(), trials=1, figures=False)
    with quietly(), opened_storage(default_storage(Path(config.output))) as storage:
        trials = optuna.load_study(study_name="tiny", storage=storage).get_trials(deepcopy=False)
    assert [trial.state for trial in trials] == [TrialState.FAIL, TrialState.WAITING]
    monkeypatch.undo()
    result = tune(config, make_space(), trials=1, figures=False)
    assert sorted(row["state"] for row in rows(result.folder)) == ["complete", "fail"]


def test_a_space_with_earlier_names_is_searched_under_todays(plain_config, make_space, tmp_path):
    space = make_space({"training.negatives": {"choices": [1]}})
    with pytest.warns(FutureWarning, match="'training.negatives' is now 'training.negatives_per_positive'"):
        result = tune(replace(plain_config, output=str(tmp_path / "study")), space, trials=1, figures=False)
    assert [row["training.negatives_per_positive"] for row in rows(result.folder)] == ["1"]
    assert load_run(result.folder / "best.yaml").training.negatives_per_positive == 1
