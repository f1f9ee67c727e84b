"""Pages, drawings and cards with hostile names, shown in a browser: nothing of the names may be executed or fetched."""

from __future__ import annotations

import csv
import html
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import optuna
import pandas as pd
import yaml

import rrgraph as rr
from rrgraph.data import load_table
from rrgraph.figures import FigureOptions, PlanPicture, draw_plan, report_html
from rrgraph.networks import network_html
from rrgraph.runs import BaselineConfig, DataConfig, MeasuredConfig, load_run, prepare_data
from rrgraph.runs.baseline import baseline_run
from rrgraph.runs.cards.card import model_card
from rrgraph.tuning.objectives import read_objectives
from rrgraph.tuning.plots import draw_study
from rrgraph.util.figure_style import svg_text

from .browser import HOST, MARK, Browser
from .harness import Failure, Outcome, attack, command
from .tables import tiny_model

RUN = f"document.documentElement.setAttribute('{MARK}',1)"
NAMES = [
    f"<script>{RUN}</script>",
    f'"><img src=http://{HOST}/a onerror="{RUN}">',
    f"'><svg/onload={RUN}>",
    f"</script><script>{RUN}</script>",
    f"</style><script>{RUN}</script><style>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"</title></textarea></pre><iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"[a](javascript:{RUN})",
    f"![a](http://{HOST}/b.png)",
    f"`<img src=x onerror={RUN}>`",
    f"<a href=javascript:{RUN}>a</a>",
    f'" onfocus="{RUN}" autofocus x="',
    f"{{{{ ''.__class__ }}}}{{% print(1) %}}<script>{RUN}</script>",
    f"\\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
    f"\u2028{RUN}\u2029//",
    f"body{{background:url(http://{HOST}/c)}} @import 'http://{HOST}/d';",
    f'<link rel=stylesheet href="http://{HOST}/e"><style>@import "http://{HOST}/f"</style>',
    f"javascript:{RUN}",
    f"a\n\n<script>{RUN}</script>\n\n# b | c",
    "$\\frac{1}{$ & $x_{$ <b>",
    f"<math><a xlink:href='javascript:{RUN}'>a</a></math>",
    f"<base href=http://{HOST}/><meta http-equiv=refresh content='0;url=http://{HOST}/g'>",
]


class _Folders:
    """A run of a model, a run of a baseline and an experiment of two systems, from which pages are made."""

    def __init__(self, folder: Path) -> None:
        self.model = tiny_model(folder)
        data = DataConfig(table=str(folder / "reactions.csv"), split="random")
        self.baseline = baseline_run(
            BaselineConfig(
                name="popularity",
                output=str(folder / "popularity"),
                data=data,
                baseline="popularity",
                evaluation=MeasuredConfig(subsets=["validation"]),
            )
        ).folder


def _renamed(folder: Path, place: Path, names: Callable[[], str]) -> Path:
    """Return a copy of a run of which every text that is a name is another."""
    copy = place / "run"
    shutil.copytree(folder, copy)
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["name"] = names()
    (copy / "config.yaml").write_text(f"# {' '.join(names().split())}\n{yaml.safe_dump(config)}")
    for file in ("data.json", "environment.json"):
        given = json.loads((copy / file).read_text()) if (copy / file).is_file() else {}
        given |= {names(): names(), "inner": {names(): [names(), {names(): names()}]}}
        (copy / file).write_text(json.dumps(given))
    return copy


def _run_report(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    copy = _renamed(made.model, place, names)
    page = report_html(copy, FigureOptions(subset="validation"), only=["top_k"])
    return _page(place, page)


def _experiment_report(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    folder = place / "experiment"
    runs = {names(): made.model, names(): made.baseline}
    rows = []
    for number, (system, source) in enumerate(runs.items()):
        copied = folder / "runs" / f"{number}-random-0"
        (place / str(number)).mkdir()
        shutil.copytree(_renamed(source, place / str(number), names), copied)
        found = {"system": system, "split": names(), "seed": names(), "rows": 3, "seconds": 1.5, "open_top1": 0.5}
        rows.append(found | {names(): names()} if not rows else found | dict.fromkeys(list(rows[0])[6:], "x"))
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "experiment.yaml").write_text(yaml.safe_dump({"name": names(), "seeds": [0]}))
    (folder / "data.json").write_text(json.dumps({names(): names()}))
    page = report_html(folder, FigureOptions(subset="validation"), only=["top_k"])
    return _page(place, page)


def _network(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    graph = nx.Graph(table=names(), kind="cooccurrence", reactions=names())
    nodes = [names() for _ in range(6)] + ["TiO2", "BaCO3"]
    for first, second in pairwise(nodes):
        graph.add_edge(first, second, count=3, **{names(): names(), "element": names(), names(): 1.5})
    for node in nodes:
        graph.nodes[node].update(
            {"kind": names(), "community": names(), "elements": names(), "name": names(), names(): 2}
        )
    return _page(place, network_html(graph, title=names()))


def _cooccurrence(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    """The page of a table whose columns, papers and classes have hostile names."""
    rows = load_table("textbook").frame.head(40)
    frame = rows.assign(doi=[names() for _ in range(len(rows))], **{names(): names(), "journal": names()})
    table = place / f"{_plain(names())[:60]}.csv"
    frame.to_csv(table, index=False)
    code, _, err = command("cooccur", table, "--html", place / "page.html")
    assert code == 0, err
    return place / "page.html"


def _plan_drawing(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    members = [names() for _ in range(3)]
    picture = PlanPicture(names(), dict.fromkeys(members, 0.5), [members[:2], members[1:]], [0.5, 0.2])
    path = place / "plan.svg"
    path.write_text(svg_text(draw_plan(picture)), encoding="utf-8")
    return path


def _card(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    """The card of a baseline's run on a table with a hostile name, as a documentation site shows it."""
    markdown = _markdown()
    table = place / f"{_plain(names())[:60]}.csv"
    shutil.copy(made.model.parent / "reactions.csv", table)
    config = BaselineConfig(
        name="card",
        output=str(place / "card"),
        data=DataConfig(table=str(table), split="random"),
        baseline="popularity",
        evaluation=MeasuredConfig(subsets=["validation"]),
    )
    text = (baseline_run(config).folder / "card.md").read_text(encoding="utf-8")
    return _page(place, f"<!DOCTYPE html><html><body>{markdown(text)}</body></html>")


def _model_card(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    """The card of a model that is given another name, written again."""
    markdown = _markdown()
    config = load_run(made.model / "config.yaml")
    text = model_card(replace(config, name=names()), prepare_data(config.data, seed=0), {})
    return _page(place, f"<!DOCTYPE html><html><body>{markdown(text)}</body></html>")


def _plan(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    """A plan as a notebook shows it, with a stock and precedents that have hostile names."""
    table, stock = place / "table.csv", place / "stock.csv"
    row = {"target": "BaTiO3", "precursors": "BaCO3;TiO2", "doi": names(), "journal": names(), "atmosphere": names()}
    pd.DataFrame([row | {"doi": names()}, row]).to_csv(table, index=False)
    items = [{"formula": each, "name": names(), "cas": names(), "hazard": names()} for each in ("BaCO3", "TiO2", "BaO")]
    pd.DataFrame(items).to_csv(stock, index=False)
    plan = rr.plan("BaTiO3", model=made.model, stock=stock, literature=table)
    return _page(place, f"<!DOCTYPE html><html><body>{plan._repr_html_()}</body></html>")


def _study(made: _Folders, place: Path, names: Callable[[], str]) -> Path:
    """A page of a study whose name and whose choices are hostile."""
    if find_spec("plotly") is None:
        return _network(made, place, names)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=names(), sampler=optuna.samplers.RandomSampler(seed=0))
    kinds, depths = [names(), names()], names()

    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_float(depths, 0, 1) + kinds.index(trial.suggest_categorical("kind", kinds))

    study.optimize(objective, n_trials=4)
    pages = [path for path in draw_study(study, read_objectives(["open.top_1"]), place)[0] if path.suffix == ".html"]
    return pages[len(names()) % len(pages)]


def _plain(name: str) -> str:
    """Return as much of a name as a file may be called: no separators of folders, one line."""
    return "".join(letter for letter in name if letter.isprintable() and letter not in "/\\")[:150].strip(" .")


def _markdown() -> Callable[[str], str]:
    try:
        from markdown import markdown
    except ImportError:  # the page then shows the text alone
        return html.escape
    return lambda text: str(markdown(text, extensions=["tables", "fenced_code"]))


def _page(place: Path, text: str) -> Path:
    path = place / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


MAKERS = [
    *(
        _run_report,
        _network,
        _card,
        _experiment_report,
        _cooccurrence,
        _plan_drawing,
        _model_card,
        _plan,
        _network,
        _study,
    ),
]


@attack(
    "pages",
    what="pages and reports with hostile names in a browser",
    allowed="0 executed, 0 requests",
    full=20,
    quick=10,
    few=2,
)
def pages(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Give every name of a report, a network page, a card or a drawing to a browser."""
    choose = random.Random(seed)
    failures = []
    with Browser() as browser:
        made = _Folders(folder)
        for number in range(tries):
            maker = MAKERS[number % len(MAKERS)]
            place = folder / "failures" / f"pages-{number}"
            place.mkdir(parents=True)
            deck: list[Any] = []

            def names(deck: list[Any] = deck) -> str:
                if not deck:
                    deck.extend(choose.sample(NAMES, len(NAMES)))
                return str(deck.pop())

            try:
                found = browser.show(maker(made, place, names))
            except Exception as error:
                found = [f"{type(error).__name__} of {maker.__name__.lstrip('_')}"]
                (place / "failure.txt").write_text(repr(error), encoding="utf-8", errors="backslashreplace")
            failures += [
                Failure(f"{maker.__name__.lstrip('_')}: {what}", f"pages {number}", str(place)) for what in found
            ]
            if not found:
                shutil.rmtree(place)
    return Outcome(tries, failures)
