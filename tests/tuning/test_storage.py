from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from rrgraph.errors import StudyError
from rrgraph.tuning import opened_storage, public_url, tune
from rrgraph.tuning.heartbeat import retry
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.storage import default_storage
from rrgraph.tuning.trial import release_dead
from rrgraph.util.config import save_config


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory) -> Iterator[str]:
    """The URL of a temporary server, or a skip with the reason; as root it runs as the user postgres or nobody."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL is installed")
    # A short path, for the server's socket lies in it.
    folder = Path("/tmp") / f"rrgraph-pg-{os.getpid()}" if os.name == "posix" else tmp_path_factory.mktemp("pg")
    folder.mkdir()
    prefix: list[str] = []
    user = getpass.getuser()
    if os.getuid() == 0:
        import pwd

        names = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in names), "")
        if not user or not shutil.which("runuser"):
            pytest.skip("PostgreSQL refuses to run as root, and there is no other user to run it as")
        prefix = ["runuser", "-u", user, "--"]
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()

    def call(*command: str) -> None:
        # Output goes to a file: the server would hold a pipe open.
        with (folder.parent / f"{folder.name}.log").open("a") as log:
            subprocess.run([*prefix, *command], cwd=folder, stdout=log, stderr=log, check=True, timeout=300)

    try:
        call(shutil.which("initdb"), "-D", str(data), "-U", "me", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
        call(shutil.which("pg_ctl"), "-D", str(data), "-w", "-o", options, "start")
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here: {error}")
    try:
        yield f"postgresql://me:secret@127.0.0.1:{port}/postgres"
    finally:
        call(shutil.which("pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
        (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)


@pytest.fixture
def proxy(tmp_path) -> Iterator[str]:
    """The URL of a gRPC proxy in front of a journal, or a skip with the reason."""
    pytest.importorskip("grpc", reason="grpcio is not installed")
    from optuna.storages._grpc import server

    journal = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "served.log")))
    port = free_port()
    served = server.make_server(journal, "127.0.0.1", port)
    served.start()
    yield f"grpc://127.0.0.1:{port}"
    served.stop(grace=None)


def finish_a_study(url, config, make_space, trials_of):
    """Two calls after another, as of two computers."""
    first = tune(config, make_space(), trials=1, storage=url, figures=False)
    second = tune(config, make_space(), trials=3, storage=url, figures=False)
    assert first.url == second.url == url
    trials = trials_of(url)
    assert [trial.state.is_finished() for trial in trials] == [True] * 3
    assert len({trial.params["training.learning_rate"] for trial in trials}) == 3
    assert all(trial.user_attrs["machine"] for trial in trials)
    with pytest.raises(StudyError, match="seed was 0 and is now 1"):
        tune(replace(config, seed=1, output=f"{config.output}-2"), make_space(), trials=3, storage=url)


def test_a_study_in_a_journal(config, make_space, trials_of, tmp_path):
    finish_a_study(f"journal:{tmp_path / 'deep' / 'journal.log'}", config, make_space, trials_of)


@pytest.mark.slow
def test_a_study_in_postgresql(config, make_space, trials_of, postgresql):
    finish_a_study(postgresql, config, make_space, trials_of)
    assert "secret" not in (Path(config.output) / "study.json").read_text()


def test_a_study_behind_a_grpc_proxy(config, make_space, trials_of, proxy):
    finish_a_study(proxy, config, make_space, trials_of)


def learn_of_death(url, monkeypatch):
    """A trial that beats is left alone; one that has been silent is put back, with what it reported, a few times."""
    for module in ("heartbeat", "storage"):
        monkeypatch.setattr(f"rrgraph.tuning.{module}.GRACE_SECONDS", 3600)  # longer than any computer is busy
    with quietly(), opened_storage(url) as storage:
        study = optuna.create_study(study_name="dying", storage=storage, direction="maximize")
        for dead in range(7):
            trial = study.ask()
            trial.set_user_attr("machine", "here")
            if dead == 0:
                trial.suggest_float("x", 0, 1)
                trial.report(0.5, 1)
            storage.record_heartbeat(trial._trial_id)
            release_dead(study)
            assert study.trials[-1].state == TrialState.RUNNING
            # In place of an hour of silence.
            _age(storage, trial._trial_id)
            release_dead(study)
            last = study.trials[-1]
            if dead == 5:
                break
            assert (last.state, last.number) == (TrialState.WAITING, dead + 1)
            assert last.params == study.trials[0].params
            assert last.intermediate_values == {1: 0.5}
        # Started again five times, and no sixth time.
        assert [each.state for each in study.trials] == [TrialState.FAIL] * 6
        retry(study, study.trials[-1], most=None)
        assert study.trials[-1].state == TrialState.WAITING


def _age(storage, trial_id):
    inner = getattr(storage, "_backend", storage)
    if hasattr(inner, "engine"):
        import sqlalchemy

        with inner.engine.begin() as connection:
            connection.execute(sqlalchemy.text("UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'"))
    else:
        storage.set_trial_system_attr(trial_id, "rrgraph:alive", [trial_id, time.time() - 7200])


def test_signs_of_life_in_sqlite(tmp_path, monkeypatch):
    learn_of_death(f"sqlite:///{tmp_path / 'study.db'}", monkeypatch)


def test_signs_of_life_in_a_journal(tmp_path, monkeypatch):
    learn_of_death(f"journal:{tmp_path / 'journal.log'}", monkeypatch)


def test_signs_of_life_through_a_proxy(proxy, monkeypatch):
    learn_of_death(proxy, monkeypatch)


def test_signs_of_life_in_postgresql(postgresql, monkeypatch):
    learn_of_death(postgresql, monkeypatch)


def test_a_trial_killed_before_its_first_sign_of_life_does_not_run_for_ever(tmp_path, monkeypatch):
    with quietly(), opened_storage(f"sqlite:///{tmp_path / 'study.db'}") as storage:
        study = optuna.create_study(study_name="s", storage=storage)
        study.ask()
        release_dead(study)
        assert study.trials[0].state == TrialState.RUNNING
        monkeypatch.setattr("rrgraph.tuning.trial.GRACE_SECONDS", -1)
        release_dead(study)
        assert study.trials[0].state == TrialState.FAIL


def test_a_trial_that_beats_while_it_runs_is_not_taken_from_it(tmp_path):
    """Optuna's own loop records the signs of life of a journal's trials."""
    with quietly(), opened_storage(f"journal:{tmp_path / 'journal.log'}") as storage:
        study = optuna.create_study(study_name="s", storage=storage)
        study.optimize(lambda trial: float(threading.active_count()), n_trials=1)
        assert study.trials[0].value >= 2
        assert study.trials[0].system_attrs["rrgraph:alive"][0] == study.trials[0]._trial_id


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("study.db", "Did you mean 'sqlite:///study.db'"),
        ("sqlite://", "in memory"),
        ("sqlite:///nowhere/at/all/study.db", "unable to open database file"),
        ("sqlit:///study.db", "needs a package that is not installed"),
        ("grpc://localhost", "expected grpc://HOST:PORT"),
        ("", "expected sqlite:///FILE"),
    ],
)
def test_storages_that_are_refused(url, words):
    with pytest.raises(StudyError) as caught, quietly(), opened_storage(url):
        pass
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_does_not_answer_is_one_sentence_without_its_password():
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL is installed")
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/studies"
    with pytest.raises(StudyError, match="cannot be opened") as caught, quietly(), opened_storage(url):
        pass
    assert "secret" not in str(caught.value)
    assert public_url(url) == url.replace("secret", "***")
    assert public_url("journal:/a/b") == "journal:/a/b"


def test_a_proxy_that_does_not_answer_is_one_sentence(monkeypatch):
    pytest.importorskip("grpc", reason="grpcio is not installed")
    monkeypatch.setattr("rrgraph.tuning.storage._SERVER_SECONDS", 0.3)
    url = f"grpc://127.0.0.1:{free_port()}"
    with pytest.raises(StudyError, match="No gRPC proxy answers"), quietly(), opened_storage(url):
        pass


def test_a_file_that_is_no_journal_is_one_sentence(tmp_path):
    path = tmp_path / "thesis.tex"
    path.write_text("precious\n" * 3)
    with pytest.raises(StudyError, match="is not the journal"), quietly(), opened_storage(f"journal:{path}"):
        pass


AT_ONCE = """\
import sys
from pathlib import Path
from rrgraph.runs import load_run
from rrgraph.tuning import load_space, tune
config, space = load_run(sys.argv[1]), load_space(sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    url = f"sqlite:///{line.strip()}/study.db"
    tune(config, space, trials=0, storage=url, figures=False)
    print("done", flush=True)
"""


@pytest.mark.slow
def test_processes_that_begin_a_study_at_once_both_have_it(config, tmp_path):
    """Their tables, the study and its record are made by whoever comes first."""
    save_config(config, tmp_path / "config.yaml")
    (tmp_path / "space.yaml").write_text("parameters: {training.learning_rate: {range: [0.001, 0.1]}}\n")
    command = [sys.executable, "-c", AT_ONCE, str(tmp_path / "config.yaml"), str(tmp_path / "space.yaml")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    processes = [subprocess.Popen(command, **pipes, text=True) for _ in range(2)]
    try:
        said = [process.stdout.readline() for process in processes]
        for number in range(2):
            (place := tmp_path / str(number)).mkdir()
            for process in processes:
                process.stdin.write(f"{place}\n")
                process.stdin.flush()
            said += [process.stdout.readline() for process in processes]
        assert said == ["ready\n"] * 2 + ["done\n"] * 4
    finally:
        for process in processes:
            process.stdin.close()
            process.stdout.close()
            process.wait()


@pytest.mark.parametrize("scheme", ["sqlite:///", "journal:", "grpc://"])
def test_a_storage_whose_name_is_not_text_is_refused(tmp_path, scheme):
    with pytest.raises(StudyError, match=r"'.*x.*udcff.*' cannot be used: its name is not UTF-8 text"):
        opened_storage(f"{scheme}{tmp_path}/new/x\udcff.db").__enter__()
    with pytest.raises(StudyError, match="not UTF-8 text"):
        default_storage(tmp_path / "new\udcff")
    assert not list(tmp_path.iterdir())
