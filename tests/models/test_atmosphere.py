"""Planning in a known atmosphere, with a re-ranker of one known preference."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
import torch

from rrgraph.cli.main import main
from rrgraph.errors import PlanningError
from rrgraph.models import Model, load_checkpoint, load_model, save_checkpoint
from rrgraph.reranking import ATMOSPHERE, REDOX, ListwiseNetwork, set_features

CLOSED, GIVES, TAKES = {"BaO", "TiO2"}, {"BaO2", "TiO2"}, {"BaO", "Ti2O3"}
OPTIONS = {"candidates": ["BaO", "BaO2", "TiO2", "Ti2O3"], "set_size": 2, "literature": False}
GAIN = 3.0


@pytest.fixture(scope="module")
def checkpoint(ranked):
    """A re-ranker that likes what closes in vacuum and what takes oxygen in oxygen, and nothing else."""
    trained = load_checkpoint(ranked.folder)
    groups = (REDOX, ATMOSPHERE)
    network = ListwiseNetwork(trained.reranker.network.config, groups).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for name in ("closed_in_vacuum", "takes_oxygen_in_oxygen"):
            for each in network.networks:
                each.direct.weight[0, set_features(groups).index(name)] = GAIN
        for each in network.networks:  # which it has learned from
            each.direct.weight[
                0, [set_features(groups).index(f"in_{name}") for name in ("vacuum", "oxygen", "air")]
            ] = 1.0
    reranker = replace(trained.reranker, network=network, trees=None, temperature=1.0, known_size_temperature=1.0)
    return replace(trained, reranker=reranker)


def scores(plan):
    return {frozenset(each.formula for each in found.precursors): found.score for found in plan}


def test_the_atmosphere_changes_what_the_reranker_reads(checkpoint):
    model = Model(checkpoint)
    for given, liked in (("sealed tube", CLOSED), ("oxygen", TAKES), ("air", None), (None, None), ("unknown", None)):
        found = scores(model.plan("BaTiO3", atmosphere=given, **OPTIONS))
        assert {*map(frozenset, (CLOSED, GIVES, TAKES))} <= found.keys()
        # Of equal score but for the gain of those that are liked.
        level = min(found.values())
        for members, score in found.items():
            assert score - level == pytest.approx(GAIN * (members == liked), abs=1e-4), (given, members)


def test_each_target_has_its_own_atmosphere(checkpoint):
    model = Model(checkpoint)
    given = ["vacuum", None, "O2", "vacuum"]
    targets = ["BaTiO3", "BaTiO3", "BaTiO3", "Ba2TiO4"]
    plans = model.plan(targets, atmospheres=given, **OPTIONS)
    assert [plan.target for plan in plans] == targets
    for plan, target, atmosphere in zip(plans, targets, given, strict=True):
        assert scores(plan) == pytest.approx(scores(model.plan(target, atmosphere=atmosphere, **OPTIONS)))
    assert model.reranker.atmosphere is None  # as it was
    assert scores(model.in_atmosphere("vacuum").plan("BaTiO3", **OPTIONS)) == scores(plans[0])
    assert model.plan([], atmospheres=[], **OPTIONS) == []


def test_what_nothing_reads_is_refused(checkpoint, ranked):
    with pytest.raises(PlanningError, match="This model takes no atmosphere: it was trained without"):
        load_model(ranked.folder).plan("BaTiO3", atmosphere="inert")
    model = Model(checkpoint)
    with pytest.raises(PlanningError, match="goes with the ranking mode 'listwise', not with 'product'"):
        model.plan("BaTiO3", atmosphere="inert", mode="product")
    with pytest.raises(
        PlanningError, match="is 'ammonia', from which the model learned nothing; it knows air, oxygen, vac"
    ):
        model.plan("BaTiO3", atmosphere="NH3")
    with pytest.raises(PlanningError, match="is 'ammonia', from which the model learned nothing"):
        model.in_atmosphere("ammonia")
    with pytest.raises(PlanningError, match=r"Got 1 atmospheres for 2 targets"):
        model.plan(["BaTiO3", "SrTiO3"], atmospheres=["air"])
    with pytest.raises(PlanningError, match=r"Got 1 set sizes for 2 targets"):
        model.plan(["BaTiO3", "SrTiO3"], sizes=[2], atmospheres=["air", "vacuum"])
    with pytest.raises(PlanningError, match="Did you mean 'vacuum'"):
        model.plan("BaTiO3", atmosphere="vaccum")


@pytest.fixture(scope="module")
def saved(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_checkpoint(checkpoint, folder)
    return str(folder)


def plan(capsys, *arguments):
    """Return the exit code, the lines on standard output and what is on the other stream."""
    code = main(["plan", *map(str, arguments)])
    streams = capsys.readouterr()
    return code, [json.loads(line) for line in streams.out.splitlines() if line.startswith("{")], streams.err


def test_a_column_holds_the_atmosphere_of_each_row(saved, tmp_path, capsys):
    with (tmp_path / "rows.csv").open("w", newline="") as handle:
        rows = [
            ("BaTiO3", "vacuum"),
            ("BaTiO3", ""),
            ("BaTiO3", "swamp gas"),
            ("BaTiO3", "flowing O2"),
            ("BaTiO3", "NH3"),
        ]
        csv.writer(handle).writerows([("target", "furnace"), *rows])
    options = ["--candidates", "BaO,BaO2,TiO2,Ti2O3", "--set-size", 2, "--model", saved, "--json"]
    code, lines, problems = plan(capsys, "--input", tmp_path / "rows.csv", "--atmosphere", "column:furnace", *options)
    assert code == 2
    assert "line 4" in problems
    assert "atmosphere is 'swamp gas', expected one of air, oxygen, inert" in problems
    alone = [plan(capsys, "BaTiO3", *flags, *options)[1][0] for flags in (["--atmosphere", "vacuum"], [])]
    assert [line["scores"] for line in lines[:2]] == [line["scores"] for line in alone]
    assert lines[2]["sets"] == []
    assert set(lines[3]["sets"][0]) == TAKES
    assert "line 6" in problems
    assert "atmosphere is 'ammonia', from which the model learned nothing" in problems


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--atmosphere", "inrt"], "--atmosphere is 'inrt', expected one of air, oxygen, inert, reducing"),
        (["--atmosphere", "column:furnace"], "--atmosphere column:NAME reads a column of --input FILE"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(saved, capsys, arguments, message):
    code, _, problems = plan(capsys, "BaTiO3", "--model", saved, *arguments)
    assert code == 2
    assert message in problems
    assert len(problems.strip().splitlines()) == 1


def test_a_model_that_takes_no_atmosphere_says_so_in_one_sentence(ranked, capsys):
    code, _, problems = plan(capsys, "BaTiO3", "--model", ranked.folder, "--atmosphere", "inert")
    assert code == 2
    assert "This model takes no atmosphere" in problems
    assert len(problems.strip().splitlines()) == 1


def test_the_bundled_model_closes_oxygen_in_vacuum_and_not_in_air():
    model = load_model("default")
    closed, *_ = model.plan(["VO2"], atmospheres=["vacuum"], literature=False)
    open_to_air, *_ = model.plan(["VO2"], atmospheres=["air"], literature=False)
    plans = closed, open_to_air
    found = [{frozenset(map(str, each.precursors)): each.probability for each in plan} for plan in plans]
    pair = frozenset(["V2O3", "V2O5"])
    assert max(found[0], key=found[0].__getitem__) == pair
    assert found[0][pair] > found[1].get(pair, 0.0)


def test_rows_are_measured_in_their_own_atmospheres(saved, tmp_path, capsys):
    """The set that is liked in vacuum is the recorded one there, that of oxygen in oxygen; elsewhere all are level."""
    rows = tmp_path / "rows.csv"
    three = "target,precursors,furnace\nBaTiO3,BaO;TiO2,vacuum\nSrTiO3,SrO;Ti2O3,O2\nCaTiO3,CaO;Ti2O3,\n"
    rows.write_text(three)
    options = ["--test", str(rows), "--candidates", "BaO,SrO,CaO,TiO2,Ti2O3", "--size", "known", "--json"]
    told: list[str] = []

    def first(*given):
        assert main(["evaluate", saved, *options, "--predictions", str(tmp_path / "p.jsonl"), *given]) == 0
        streams = capsys.readouterr()
        told.append(streams.err)
        found = json.loads(streams.out)
        lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
        return found, [set(line["sets"][0]) for line in lines]

    found, sets = first("--atmosphere", "column:Furnace")
    assert sets[:2] == [{"BaO", "TiO2"}, {"SrO", "Ti2O3"}]
    assert found["atmosphere"] == "column:Furnace"
    assert found["metrics"]["model"]["overall"]["top1"]["value"] >= 2 / 3
    rows.write_text("target,precursors,furnace\nBaTiO3,BaO;TiO2,vacuum\nSrTiO3,SrO;Ti2O3,NH3\n")
    first("--atmosphere", "column:furnace")
    assert "1 of 2 rows are ranked without atmosphere" in told[-1]
    rows.write_text(three)
    found, sets = first("--atmosphere", "oxygen")
    assert sets == [{"BaO", "Ti2O3"}, {"SrO", "Ti2O3"}, {"CaO", "Ti2O3"}]
    assert "atmosphere" not in first()[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("vaccum", "Did you mean 'vacuum'"),
        ("column:furnce", "Did you mean 'furnace'"),
        ("column:target", "the column names no atmosphere"),
        ("column:", "expected the name of a column, such as column:atmosphere"),
        ("ammonia", "from which the model learned nothing"),
    ],
)
def test_atmospheres_to_measure_in_are_refused_in_a_sentence(saved, tmp_path, capsys, given, words):
    rows = tmp_path / "rows.csv"
    rows.write_text("target,precursors,furnace\nBaTiO3,BaO;TiO2,vacuum\n")
    assert main(["evaluate", saved, "--test", str(rows), "--atmosphere", given]) == 2
    assert words in capsys.readouterr().err
