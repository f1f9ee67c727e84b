from __future__ import annotations

import pytest


def test_figures_of_a_run_are_named_as_they_are_written(rrgraph, trained, tmp_path):
    result = rrgraph("figures", trained, "--output", tmp_path, "--only", "top_k", "by_year")
    assert result.code == 0, result.err
    assert result.out.splitlines()[0] == f"top_k: {tmp_path / 'top_k.svg'}, {tmp_path / 'top_k.png'}"
    assert "by_year: not drawn, it needs a run evaluated on this subset by year" in result.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["top_k.png", "top_k.svg"]


def test_a_target_can_be_chosen(rrgraph, trained, tmp_path):
    options = ["--only", "precursors_of_target", "--output", tmp_path]
    assert rrgraph("figures", trained, *options).code == 0
    first = (tmp_path / "precursors_of_target.png").read_bytes()
    assert rrgraph("figures", trained, *options, "--target", "SrZrO3").code == 0
    assert (tmp_path / "precursors_of_target.png").read_bytes() != first


def test_baselines_are_fitted_again_unless_told_not_to(rrgraph, tmp_path):
    (tmp_path / "floor.yaml").write_text("baseline: popularity\ndata: {split: random}\n")
    folder = tmp_path / "floor"
    assert rrgraph("train", tmp_path / "floor.yaml", f"output={folder}").code == 0
    only = ["--only", "link_probabilities", "reliability", "--targets", "5"]
    assert (folder / "card.md").is_file() and not (folder / "model.json").exists()
    assert rrgraph("figures", folder, *only).code == 0
    assert (folder / "figures" / "link_probabilities.png").is_file()
    result = rrgraph("figures", folder, "--no-refit", "--output", tmp_path / "figures", *only)
    assert result.code == 0
    assert "link_probabilities: not drawn, it needs a run with a trained model, or of a baseline" in result.out
    assert [path.name for path in sorted((tmp_path / "figures").iterdir())] == ["reliability.png", "reliability.svg"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--only", "topk"], ["'topk'", "Did you mean 'top_k'?"]),
        (["--part", "tset"], ["'tset'", "Did you mean 'test'?"]),
        (["--protocol", "opne"], ["Did you mean 'open'?"]),
        (["--target", "Xx2O3"], ["Xx"]),
        (["--targets", "0"], ["'0'", "'all'"]),
        (["--only", "by_year"], ["No figure could be drawn"]),
    ],
)
def test_bad_options_end_in_a_sentence(rrgraph, trained, tmp_path, argv, words):
    result = rrgraph("figures", trained, "--output", tmp_path, *argv)
    assert result.code == 2
    for word in words:
        assert word in result.err


@pytest.mark.parametrize("command", ["figures", "report"])
def test_folders_that_hold_no_run_are_refused(rrgraph, trained, tmp_path, command):
    result = rrgraph(command, f"{trained}x")
    assert result.code == 2 and f"Did you mean '{trained}'?" in result.err
    result = rrgraph(command, tmp_path)
    assert result.code == 2 and "has no config.yaml" in result.err
