from __future__ import annotations

import sys

import matplotlib
import pytest

from rrgraph.errors import ConfigError
from rrgraph.util.figure_style import (
    PALETTE,
    look,
    looks,
    panels,
    plain_numbers,
    same_looks,
    save,
    sign,
    styled,
    subscripts,
    svg_text,
)


@styled
def line(*values: float):
    figure, axes = panels(1, 1)
    axes[0][0].plot(values, label="a line")
    axes[0][0].scatter(range(len(values)), values, rasterized=True)
    axes[0][0].set_title("Title")
    return figure


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("Sr(NO3)2", "Sr(NO₃)₂"),
        ("Li7La3Zr2O12", "Li₇La₃Zr₂O₁₂"),
        ("Ba0.9Sr1.06SiO4", "Ba0.9Sr1.06SiO₄"),
        ("CuSO4·5H2O", "CuSO₄·5H₂O"),
        ("Si", "Si"),
    ],
)
def test_whole_amounts_become_subscripts(formula, expected):
    assert subscripts(formula) == expected


def test_looks_differ_far_beyond_the_palette():
    assert len({look(place) for place in range(24)}) == 24
    assert len({look(place).color for place in range(8)}) == len(PALETTE) == 8


def test_a_series_looks_alike_whichever_others_are_shown():
    assert looks(["b", "c"]) == {"b": look(0), "c": look(1)}
    with same_looks(["a", "b", "b", "c"]):
        assert looks(["c", "b"]) == {"b": look(1), "c": look(2)}
        assert looks(["new", "a"]) == {"a": look(0), "new": look(3)}
    assert looks(["c"]) == {"c": look(0)}


def test_files_are_the_same_byte_for_byte_whatever_the_user_has_set(tmp_path):
    first = [path.read_bytes() for path in save(line(1, 3, 2), tmp_path / "a", "line")]
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.hashsalt": "mine", "savefig.dpi": 20}):
        second = [path.read_bytes() for path in save(line(1, 3, 2), tmp_path / "b", "line")]
        assert matplotlib.rcParams["font.size"] == 30
    assert first == second
    assert b"<dc:date>" not in first[0]
    assert [path.read_bytes() for path in save(line(1, 3, 3), tmp_path / "c", "line")] != first
    assert svg_text(line(1, 3, 2)).encode() == first[0]


def test_logarithmic_ticks_are_plain_numbers():
    axis = line(1, 2).axes[0]
    axis.set_yscale("log")
    plain_numbers(axis.yaxis)
    write = axis.yaxis.get_major_formatter()
    assert [write(value, 0) for value in (0.01, 0.1, 1, 10, 1000)] == ["0.01", "0.1", "1", "10", "1,000"]


def test_without_matplotlib_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"need matplotlib, .* pip install 'rrgraph\[figures\]'"):
        line(1, 2)


def test_a_signed_figure_keeps_its_panels_and_grows_by_a_line():
    figure = line(1, 2)
    figure.legend(loc="outside lower center")
    plain = line(1, 2)
    plain.legend(loc="outside lower center")
    plain.draw_without_rendering()
    before = plain.axes[0].get_window_extent()
    sign(figure, "Source: everywhere")
    after = figure.axes[0].get_window_extent()
    assert (after.width, after.height) == pytest.approx((before.width, before.height), abs=1)
    assert after.y0 > before.y0
    figure.draw_without_rendering()
    words, legend = figure.texts[0].get_window_extent(), figure.legends[0].get_window_extent()
    assert words.y0 >= 0 and words.y1 <= legend.y0
