from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from rrgraph.errors import ConfigError
from rrgraph.figures import FIGURES, FigureOptions, draw_figures, gather, write_figures
from rrgraph.util.figure_style import look


def test_what_cannot_be_drawn_says_what_it_needs(experiment):
    names = ["target_embeddings", "precursor_pairs", "top_k"]
    series = [each for each in gather([experiment]) if each.split == "dr"]  # by year, which its table does not know
    drawn = list(draw_figures(series, FigureOptions(), only=names))
    assert [each.figure is None for each in drawn] == [True, True, False]
    assert "trained model" in drawn[0].entry.needs and "training rows" in drawn[1].entry.needs


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_files_of_each_figure_are_the_same_byte_for_byte(name, run_folder, experiment, tmp_path):
    source = experiment if name.startswith("by_") else run_folder
    folders = tmp_path / "a", tmp_path / "b"
    contents = []
    for folder in folders:
        ((_, paths),) = write_figures(gather([source]), folder, FigureOptions(targets=5), only=[name])
        contents.append([path.read_bytes() for path in paths])
        assert [path.name for path in paths] == [f"{name}.svg", f"{name}.png"]
    assert [content[:5] for content in contents[0]] == [b"<?xml", b"\x89PNG\r"]
    assert contents[0] == contents[1]


def test_only_what_is_asked_for_in_that_order(experiment):
    drawn = list(draw_figures(gather([experiment]), FigureOptions(), only=["reliability", "top_k"]))
    assert [each.name for each in drawn] == ["reliability", "top_k"]
    with pytest.raises(ConfigError, match="Did you mean 'top_k'"):
        list(draw_figures(gather([experiment]), FigureOptions(), only=["topk"]))


def test_a_system_looks_alike_in_every_figure(tiny, baselines):
    for drawn in draw_figures([*baselines, tiny], FigureOptions(targets=5), only=["top_k", "link_probabilities"]):
        shown = drawn.figure.axes[-1]
        color = shown.get_lines()[2].get_color() if drawn.name == "top_k" else to_hex(shown.patches[0].get_facecolor())
        assert color.upper() == look(2).color  # the third series, though the second gives no link probabilities


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figures_explain_themselves(name):
    entry = FIGURES[name]
    assert entry.caption.endswith(".") and entry.title and entry.needs
