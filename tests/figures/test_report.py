from __future__ import annotations

import re
import shutil
import sys
from html.parser import HTMLParser

import pytest

from rrgraph.errors import ConfigError
from rrgraph.evaluation import PROTOCOLS
from rrgraph.figures import FigureOptions, report_html, write_report
from rrgraph.figures.glossary import GLOSSARY, describe_flags
from rrgraph.figures.report import flatten
from rrgraph.util.pages import inline_svg

FIGURES_SHOWN = ["top_k", "reliability", "target_embeddings"]
VOID = {"meta", "br", "link", "img"}


class Page(HTMLParser):
    """Collects what a page refers to, its identifiers and its text, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def html(experiment):
    return report_html(experiment, FigureOptions(), only=FIGURES_SHOWN)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_tells_everything_about_the_experiment(page, experiment):
    for words in ("table two", "popularity", "invented", "ours", "dr", "random", "3 systems"):
        assert words in page.text
    assert "Split dr (33 rows)" in page.text
    assert re.search(r"Split dr, rows with a precursor unseen in training \(\d+ rows\)", page.text)
    assert "9 runs" in page.text and "seeds: 0, 1" in page.text
    assert "tables / invented / sha256" in page.text and "0123abc" * 9 in page.text
    assert "python 3.11.0" in page.text
    assert "Popularity of a precursor" in page.text  # what the baseline does
    for term, meaning in GLOSSARY.items():
        assert term in page.text and meaning in page.text
    for protocol in ("paper", "open"):
        for rule in describe_flags(PROTOCOLS[protocol]):
            assert rule in page.text
    configs = list((experiment / "runs").glob("*/config.yaml"))
    assert len(configs) == 9 and (experiment / "experiment.yaml").read_text().split()[0] in page.text


def test_the_page_needs_nothing_from_outside(page, html):
    assert page.links
    for link in page.links:
        assert link.startswith(("#", "data:image/png;base64,"))
        if link.startswith("#"):
            assert link[1:] in page.ids
    assert "@import" not in html and "url(http" not in html
    assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
    for found in re.findall(r"url\(#([^)]+)\)", html):
        assert found in page.ids


def test_identifiers_are_unique(page):
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("svg") == len(FIGURES_SHOWN)


def test_the_page_is_the_same_each_time(experiment, tmp_path):
    only = ["reliability"]
    path = write_report(experiment, tmp_path / "page.html", FigureOptions(), only=only)
    assert path.read_text(encoding="utf-8") == report_html(experiment, FigureOptions(), only=only)


def test_a_run_has_a_page_too(run_folder):
    page = Page(report_html(run_folder, FigureOptions(), only=["top_k"]))
    assert page.tags.count("svg") == 1
    assert "1 split: random" in page.text and "learning_rate" in page.text
    for words in ("tiny", "popularity", "protocol open", "leakage / rows / train"):
        assert words in page.text


def test_what_people_write_is_text_and_no_markup(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("name: tiny", "name: <b>bold & sure</b>"))
    html = report_html(tmp_path / "run", FigureOptions(), only=["reliability"])
    assert "<b>bold" not in html and "&lt;b&gt;bold &amp; sure" in html


def test_flatten_names_each_value():
    value = {"a": {"b": 1, "c": None}, "d": [1, 2], "e": [{"f": "x"}], "g": 0, "h": ""}
    assert list(flatten(value)) == [("a / b", "1"), ("d", "1, 2"), ("e / 1 / f", "x"), ("g", "0")]


def test_names_within_a_picture_are_its_own():
    svg = '<?xml?>\n<svg xmlns="x"><metadata>\nfar</metadata><g id="a" clip-path="url(#b)"><use xlink:href="#c"/></g>'
    svg += "</svg>"
    assert inline_svg(svg, "one", 'say "it"') == (
        '<svg role="img" aria-label="say &quot;it&quot;" xmlns="x"><g id="one-a" clip-path="url(#one-b)">'
        '<use xlink:href="#one-c"/></g></svg>'
    )


def test_without_jinja_a_sentence_says_what_to_install(monkeypatch, experiment):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigError, match="need Jinja2"):
        report_html(experiment, FigureOptions())
