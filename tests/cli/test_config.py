from __future__ import annotations

from pathlib import Path

from rrgraph.runs import load_run

ROOT = Path(__file__).parents[2]


def test_list_has_a_line_for_each(rrgraph):
    result = rrgraph("config", "list")
    assert result.code == 0
    names = [line.split()[0] for line in result.out.splitlines()[1:]]
    assert {"quickstart", "baselines/popularity", "experiments/table2", "tuning/quickstart"} <= set(names)
    assert "\nquickstart " in result.out and "Train on the embedded textbook reactions" in result.out


def test_show_prints_the_file(rrgraph):
    result = rrgraph("config", "show", "baselines/popularity")
    assert (result.code, result.out) == (0, (ROOT / "configs" / "baselines" / "popularity.yaml").read_text())


def test_a_wrong_name_is_one_sentence(rrgraph):
    result = rrgraph("config", "show", "quikstart")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("rrgraph config: There is no configuration file 'quikstart'")
    assert result.err.endswith("Did you mean 'quickstart'?\n")


def test_commands_take_names_in_an_empty_folder(rrgraph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["data.table=textbook", "data.split=random", "evaluation.protocols=[open]"]
    result = rrgraph("train", "baselines/popularity", *given)
    assert result.code == 0
    assert "rows are about targets that were learned from" in result.err
    assert load_run(tmp_path / "runs" / "popularity" / "config.yaml").baseline == "popularity"
    for command in (["pretrain", "pretrian"], ["tune", "quikstart", "--trials", "1"], ["experiment", "tabel2"]):
        refused = rrgraph(*command)
        assert refused.code == 2
        assert "Did you mean '" in refused.err
    refused = rrgraph("tune", "quickstart", "--trials", "1", "--space", "quikstart")
    assert "Did you mean 'quickstart'" in refused.err
