from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rrgraph.errors import ConfigError
from rrgraph.experiments import load_experiment
from rrgraph.runs import load_run
from rrgraph.util.named_configs import config_names, describe_config, find_config

ROOT = Path(__file__).parents[2]


def test_every_file_has_a_name_and_a_description():
    files = [path.relative_to(ROOT / "configs").as_posix() for path in (ROOT / "configs").rglob("*.yaml")]
    assert sorted(f"{name}.yaml" for name in config_names()) == sorted(files)
    assert [name for name in config_names() if not describe_config(name)] == []


@pytest.mark.parametrize(
    ("name", "group", "file"),
    [
        ("quickstart", "", "quickstart.yaml"),
        ("baselines/popularity", "", "baselines/popularity.yaml"),
        ("table2", "experiments", "experiments/table2.yaml"),
        ("experiments/table2", "experiments", "experiments/table2.yaml"),
        # Also the name of a folder.
        ("organic", "experiments", "experiments/organic.yaml"),
        # The group comes first.
        ("quickstart", "tuning", "tuning/quickstart.yaml"),
    ],
)
def test_names_are_found_from_anywhere(name, group, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name, group=group).read_bytes() == (ROOT / "configs" / file).read_bytes()


def test_a_file_wins_and_a_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()
    (tmp_path / "quickstart").write_text("name: mine\n")
    assert find_config("quickstart") == Path("quickstart")
    assert find_config("default").name == "default.yaml"


def test_paths_below_the_working_directory_are_relative(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert find_config("table2", group="experiments") == Path("configs/experiments/table2.yaml")


@pytest.mark.parametrize(
    ("name", "group", "meant"),
    [
        ("quikstart", "", "quickstart"),
        ("configs/quickstart.yaml", "", "quickstart"),
        ("baselines/populrity", "", "baselines/popularity"),
        ("tabel2", "experiments", "table2"),
        ("default_link", "tuning", "default_links"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(name, group, meant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"'{name}'.* Did you mean '{meant}'"):
        find_config(name, group=group)


def test_a_copied_experiment_works_from_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "mine.yaml"
    copy.write_bytes(find_config("experiments/table2").read_bytes())
    systems = load_experiment(copy).systems
    assert {load_run(system.config).name for system in systems.values()} >= {"popularity", "default"}


def test_a_file_beside_the_experiment_wins_over_a_name(tmp_path):
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "popularity").write_text("baseline: popularity\n")
    (tmp_path / "mine.yaml").write_text("systems: {ours: {config: default}, theirs: {config: baselines/popularity}}\n")
    systems = load_experiment(tmp_path / "mine.yaml").systems
    assert systems["theirs"].config == str(tmp_path / "baselines" / "popularity")
    assert Path(systems["ours"].config).name == "default.yaml"


def test_an_unknown_system_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text("systems: {ours: {config: defalt}}\n")
    with pytest.raises(ConfigError, match="Did you mean 'default'"):
        load_experiment(tmp_path / "mine.yaml")


def test_looking_names_up_imports_nothing_heavy():
    code = (
        "import sys; from rrgraph.util.named_configs import config_names, find_config; find_config(config_names()[0]);"
        "print(sorted({'torch', 'pandas', 'numpy', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["9" * 5000, "9" * 5000 + "/x.yaml"])
def test_names_that_are_too_long_for_a_file_are_unknown(name):
    with pytest.raises(ConfigError, match="There is no configuration file '9"):
        find_config(name)
