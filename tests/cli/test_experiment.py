from __future__ import annotations

import csv
import re
import signal

import pytest

from rrgraph.baselines import BASELINES, Popularity


@pytest.fixture
def trial(table, tmp_path):
    (tmp_path / "popular.yaml").write_text(f"baseline: popularity\ndata: {{table: {table}, split: random}}\n")
    path = tmp_path / "trial.yaml"
    path.write_text(
        "systems:\n"
        "  popular: {config: popular.yaml}\n"
        "  flat: {config: popular.yaml, overrides: [options.by_oxygen=false]}\n"
        f"splits: [random]\nseeds: [0]\noutput: {tmp_path / 'out'}\nquick: {{systems: {{flat: []}}}}\n"
    )
    return path


def test_an_experiment_shows_its_comparison(rrgraph, trial):
    result = rrgraph("experiment", trial, "protocols=[open]")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("2 runs, 0 of them finished before\n")
    assert "Split random, 22 rows" in result.out
    assert f"are in {trial.parent / 'out'}" in result.out
    again = rrgraph("experiment", trial, "protocols=[open]")
    assert again.out.startswith("2 runs, 2 of them finished before\n")
    assert again.out.split("Split")[1:] == result.out.split("Split")[1:]


def test_overrides_may_follow_options_and_quick_is_smaller(rrgraph, trial):
    result = rrgraph("experiment", trial, "--quick", "protocols=[open]")
    assert result.out.startswith("1 runs, 0")
    assert (trial.parent / "out-quick" / "results.csv").is_file()
    assert not (trial.parent / "out").exists()


def test_a_part_of_the_systems(rrgraph, trial):
    result = rrgraph("experiment", trial, "--only", "flat", "protocols=[open]")
    assert result.out.startswith("2 runs, 0 of them finished before\nflat, split random, seed 0: ")
    assert re.search(r"\n *popular( +-)+ *\n", result.out)
    with (trial.parent / "out" / "results.csv").open() as handle:
        assert [row["system"] for row in csv.DictReader(handle)] == ["flat"]


def test_an_experiment_that_is_asked_to_end_goes_on(rrgraph, trial, monkeypatch):
    fit, fitted = Popularity.fit, []

    def ending(self, *args):
        fitted.append(self)
        if len(fitted) == 2:
            signal.raise_signal(signal.SIGTERM)
        return fit(self, *args)

    monkeypatch.setattr(Popularity, "fit", ending)
    stopped = rrgraph("experiment", trial, "protocols=[open]")
    assert (stopped.code, stopped.err) == (143, "rrgraph experiment: interrupted.\n")
    assert not list((trial.parent / "out").rglob(".*"))
    again = rrgraph("experiment", trial, "protocols=[open]")
    assert again.out.startswith("2 runs, 1 of them finished before\n")
    assert (again.code, len(fitted)) == (0, 3)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_another_process_does_what_this_one_does(rrgraph, trial, engine):
    if engine == "ray":
        pytest.importorskip("ray")
    # One run, since starting a process takes longer than the run.
    options = ["--quick", "--engine", engine, "--jobs", 2]
    assert rrgraph("experiment", trial, *options, f"output={trial.parent / 'two'}").code == 0
    assert rrgraph("experiment", trial, "--quick", f"output={trial.parent / 'one'}").code == 0
    results = []
    for name in ("one-quick", "two-quick"):
        with (trial.parent / name / "results.csv").open() as handle:
            results.append([{**row, "seconds": ""} for row in csv.DictReader(handle)])
    assert results[0] == results[1]


def test_a_failed_run_is_named_and_the_exit_code_is_1(rrgraph, trial, monkeypatch):
    class Failing(Popularity):
        def _learn(self, table, split):
            raise RuntimeError("no such luck")

    monkeypatch.setitem(BASELINES._entries, "failing", Failing)
    (trial.parent / "failing.yaml").write_text(
        (trial.parent / "popular.yaml").read_text().replace("popularity", "failing")
    )
    result = rrgraph("experiment", trial, "systems.flat.config=failing.yaml")
    assert result.code == 1
    assert "failed: flat, split random, seed 0: RuntimeError: no such luck" in result.err
    assert "popular" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seds=[1]"], "Did you mean 'seeds'"),
        (["--job", "0"], "not a whole number of at least 1"),
        (["--only", "popula"], "Did you mean 'popular'"),
        (["systems=[flat]"], "Configuration value systems is a list, expected a mapping"),
        (["--quik"], "Did you mean '--quick'"),
        (["systems.flat.config=populr.yaml"], "Did you mean"),
        (["systems.flat.overrides=[data.table=nowhere.csv]"], "same rows"),
        (["overrides=[data.table=nowhere.csv]"], "nowhere.csv"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(rrgraph, trial, arguments, message):
    result = rrgraph("experiment", trial, *arguments)
    assert result.code == 2
    assert message in result.err


def test_baselines_are_trained_from_a_configuration(rrgraph, trial):
    result = rrgraph("train", trial.parent / "popular.yaml", f"output={trial.parent / 'run'}")
    assert result.code == 0
    assert "test, protocol open" not in result.out
    assert "validation, protocol open" in result.out
    assert "popularity" in result.out
    refused = rrgraph("train", trial.parent / "popular.yaml", "options.alpa=1", f"output={trial.parent / 'other'}")
    assert refused.code == 2
    assert "Did you mean 'alpha'" in refused.err
