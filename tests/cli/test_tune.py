from __future__ import annotations

import csv
import signal
import sqlite3

import optuna
import pytest

from rrgraph.links import LinkTask
from rrgraph.runs import load_run
from rrgraph.tuning import opened_storage
from rrgraph.tuning.messages import quietly


@pytest.fixture
def space(config, tmp_path):
    """A search space of two parameters."""
    path = tmp_path / "space.yaml"
    path.write_text(
        "parameters:\n  training.learning_rate: {range: [0.001, 0.1], log: true}\n  model.heads: {choices: [1, 2, 8]}\n"
    )
    return path


@pytest.fixture
def command(config, space, tmp_path):
    """The command of a study of two trials, in a folder of its own."""
    return ["tune", config, "--space", space, "--no-figures", "--trials", 2, f"output={tmp_path / 'study'}"]


def states(folder):
    with (folder / "trials.csv").open() as handle:
        return [row["state"] for row in csv.DictReader(handle)]


def test_a_study_tells_its_course_its_best_settings_and_how_to_go_on(rrgraph, command, config, tmp_path):
    result = rrgraph(*command)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "study tiny: 2 parameters, highest open.top_1 on validation rows, pruner hyperband; 2 trials, 0 of them"
    )
    assert "trial 0: open.top_1 " in result.out
    assert f"rrgraph train {tmp_path / 'study' / 'best.yaml'}" in result.out
    assert f"optuna-dashboard sqlite:///{tmp_path / 'study' / 'study.db'}" in result.out
    assert "training.learning_rate=" in result.out.split("best: trial")[1]
    assert len(states(tmp_path / "study")) == 2
    # The settings, given on the command line, are those that the run had.
    best = tmp_path / "study" / "best.yaml"
    again = load_run(config, result.out.split("best: trial")[1].splitlines()[1].split())
    found = load_run(best)
    assert (again.model, again.training.learning_rate) == (found.model, found.training.learning_rate)
    assert found.name.startswith("tiny-")
    assert rrgraph("train", best, f"output={tmp_path / 'run'}").code == 0
    more = rrgraph(*command, "--trials", 3)
    assert "3 trials, 2 of them finished before" in more.out
    assert len(states(tmp_path / "study")) == 3


def test_an_interruption_keeps_what_is_finished(rrgraph, command, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    start_epoch, begun = LinkTask.start_epoch, []

    def ended(self, epoch):
        begun.append(epoch)
        if len(begun) == 4:
            signal.raise_signal(signal.SIGTERM)  # as a batch system does
        start_epoch(self, epoch)

    monkeypatch.setattr(LinkTask, "start_epoch", ended)
    stopped = rrgraph(*command, "--pruner", "none")
    assert stopped.code == 143
    assert "the same command goes on" in stopped.err
    assert states(tmp_path / "study") == ["complete"]
    assert signal.getsignal(signal.SIGTERM) == before
    assert rrgraph(*command, "--pruner", "none").code == 0
    assert states(tmp_path / "study") == ["complete", "fail", "complete"]
    assert begun == [1, 2, 1, 2, 2]


@pytest.mark.slow
def test_trials_on_ray(rrgraph, command, tmp_path):
    pytest.importorskip("ray")
    result = rrgraph(*command, "--engine", "ray", "--jobs", 2)
    assert (result.code, result.err) == (0, "")
    assert "trial 1: open.top_1 " in result.out
    assert states(tmp_path / "study") == ["complete", "complete"]


def test_objectives_of_a_pareto_study(rrgraph, command, tmp_path):
    result = rrgraph(*command, "--objective", "open.top_1,planning_ms", "--study", "front")
    assert result.code == 0
    assert "study front: 2 parameters, highest open.top_1 and lowest planning_ms" in result.out
    assert "pruner none" in result.out
    assert (tmp_path / "study" / "pareto").is_dir()


def test_a_failed_trial_makes_the_exit_code_1(rrgraph, command, monkeypatch):
    calls = []

    def fails(self, epoch):
        calls.append(epoch)
        if len(calls) == 1:
            raise RuntimeError("no such luck")

    monkeypatch.setattr(LinkTask, "start_epoch", fails)
    result = rrgraph(*command, "--pruner", "none")
    assert result.code == 1
    assert "failed: trial 0: RuntimeError: no such luck (see '" in result.err
    assert "trial 2: open.top_1" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--objective", "test.open.top_1"], "asks for test rows"),
        (["--objective", "open.top1"], "Did you mean 'open.top_1'"),
        (["--objective", "open.top_1,planning_ms", "--pruner", "median"], "use --pruner none"),
        (["--pruner", "medina"], "Did you mean 'median'"),
        (["--storage", "study.db"], "Did you mean 'sqlite:///study.db'"),
        (["--seed", "-1"], "at least 0"),
        (["--seed", "one"], "invalid int value"),
        (["--jobs", "0"], "not a whole number of at least 1"),
        (["--trails", "3"], "Did you mean '--trials'"),
        (["training.epoch=3"], "Did you mean 'training.epochs'"),
        (["data.table=nowhere.csv"], "nowhere.csv"),
        (["training.sampler=unifrm"], "Did you mean 'uniform'"),
        (["model.width=20"], "model.heads=8"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(rrgraph, command, tmp_path, arguments, words):
    result = rrgraph(*command, *arguments)
    assert result.code == 2
    assert words in result.err
    assert not (tmp_path / "study").exists()


def test_a_missing_space_and_a_missing_number_of_trials(rrgraph, config, space, tmp_path):
    missing = rrgraph("tune", config, "--space", space.with_name("spase.yaml"), "--trials", 1)
    assert missing.code == 2
    assert "Did you mean" in missing.err
    assert "--trials" in rrgraph("tune", config).err


def test_a_configuration_of_pretraining_is_refused_with_a_reason(rrgraph, pretrain_config):
    result = rrgraph("tune", pretrain_config, "--trials", 1)
    assert result.code == 2
    assert "rrgraph pretrain" in result.err


def test_a_configuration_on_molecules_is_refused(rrgraph):
    result = rrgraph("tune", "organic/conretrobert", "--trials", 1)
    assert result.code == 2
    assert "'conretrobert' is for molecules, expected one for materials" in result.err


def test_a_study_from_an_earlier_one_says_what_it_took_over(rrgraph, command, tmp_path):
    assert rrgraph(*command, "--trials", 1).code == 0
    before = tmp_path / "study"
    new = [*command, "--trials", 1, "--study", "new", f"output={tmp_path / 'new'}", "--from-study", before]
    result = rrgraph(*new)
    assert (result.code, result.err) == (0, "")
    taken = f"from study tiny ({before}): 1 of its 1 complete trials taken over as finished"
    assert result.out.splitlines()[1] == taken
    assert "1 trials, 0 of them finished before" in result.out
    assert rrgraph(*new).out.splitlines()[1] == taken
    assert states(tmp_path / "new") == ["complete"] * 2


@pytest.fixture
def others(tmp_path):
    """Studies, and what is none, that cannot be started from."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "study.json").write_text('{"study": "x", "storage"')
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "study.json").write_text('{"study": "x", "storage": "postgresql://me:***@host/db"}')
    (tmp_path / "text.db").write_text("precious\n" * 500)
    (tmp_path / "text.log").write_text("precious\n" * 2)
    (tmp_path / "vain.log").write_text("")
    with sqlite3.connect(tmp_path / "own.db") as database:
        database.execute("CREATE TABLE mine (number INTEGER)")
    storage = f"journal:{tmp_path / 'optuna.log'}"
    with quietly(), opened_storage(storage) as opened:
        for name in ("foreign", "started", "damaged"):
            study = optuna.create_study(study_name=name, storage=opened, direction="maximize")
            if name == "foreign":
                study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
            about = {"configuration": {}, "contents": {}, "objectives": {"open.top_1": "maximize"}, "search": {}}
            if name == "started":
                study.set_user_attr("rrgraph", about)
            if name == "damaged":
                study.set_user_attr("rrgraph", {**about, "search": 7})
    return tmp_path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("brokn", "There is no study '{}/brokn', expected its folder or the URL of its storage. Did you mean 'broken'"),
        ("empty", "The folder '{}/empty' holds no study: "),
        ("broken", "The folder '{}/broken' holds no study: "),
        ("secret", "The password of the storage of '{}/secret' is not kept"),
        ("own.db", "Did you mean 'sqlite:///{}/own.db'"),
        ("sqlite:///{}/owm.db", "the file '{}/owm.db' does not exist. Did you mean 'own.db'"),
        ("sqlite:///{}/own.db", "The storage 'sqlite:///{}/own.db' cannot be opened: no such table"),
        ("sqlite:///{}/text.db", "The storage 'sqlite:///{}/text.db' cannot be opened: file is not a database"),
        ("journal:{}/txt.log", "the file '{}/txt.log' does not exist. Did you mean 'text.log'"),
        ("journal:{}/text.log", "The file '{}/text.log' is not the journal of a study"),
        ("journal:{}/vain.log", "The storage 'journal:{}/vain.log' holds no studies"),
        ("journal:{}/optuna.log", "holds 3 studies, expected one of damaged, foreign, started as '::NAME' after it"),
        ("journal:{}/optuna.log::startd", "holds no study 'startd', expected one of damaged, foreign, started"),
        ("journal:{}/optuna.log::foreign", "The study 'foreign' in 'journal:{}/optuna.log' was not started by rrgraph"),
        ("journal:{}/optuna.log::started", "has no complete trial to start from"),
        ("journal:{}/optuna.log::damaged", "The record of the study 'damaged' in 'journal:{}/optuna.log' is damaged"),
    ],
)
def test_earlier_studies_that_are_refused(rrgraph, command, others, source, words):
    before = {path: path.read_bytes() for path in others.rglob("*") if path.is_file()}
    result = rrgraph(*command, "--from-study", source.replace("{}", str(others)) if "{" in source else others / source)
    assert result.code == 2
    assert words.replace("{}", str(others)) in result.err
    assert len(result.err.splitlines()) == 1
    assert {path: path.read_bytes() for path in others.rglob("*") if path.is_file()} == before
    assert not (others / "study").exists()
