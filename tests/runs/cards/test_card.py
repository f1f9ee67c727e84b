from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from rrgraph.baselines import make_baseline
from rrgraph.data import ReactionTable, load_table
from rrgraph.models import load_checkpoint
from rrgraph.nn import TreeEnsemble
from rrgraph.reranking import EnsembleReranker, ListwiseNetwork, ListwiseNetworkConfig, RerankingConfig
from rrgraph.runs import BaselineConfig, RerankerConfig, train_run
from rrgraph.runs.cards.card import baseline_card, model_card
from rrgraph.runs.data import FurtherTable, RunData, prepare
from rrgraph.runs.measure import measure


@pytest.fixture(scope="module")
def card(finished):
    return (finished.folder / "card.md").read_text()


@pytest.fixture(scope="module")
def prepared(tiny):
    return prepare(tiny)


def lines(card, title):
    """The lines of the table below a title."""
    (section,) = re.findall(rf"^#+ {re.escape(title)}\n\n(.*?)(?:\n\n|\Z)", card, flags=re.MULTILINE | re.DOTALL)
    return section.splitlines()


def test_the_sections_stand_in_order(card):
    assert re.findall(r"^## (.*)", card, flags=re.MULTILINE) == [
        "Data",
        "Metrics",
        "Where it does well, and where not",
        "What the probabilities mean",
        "Limits",
    ]
    assert "\n\n\n" not in card


def test_rows_that_were_learned_are_told(card, tiny, finished, prepared):
    assert "learned from" not in card
    rows = prepared.split.test.select(range(3))
    split = replace(prepared.split, train=ReactionTable.concat([prepared.split.train, rows]))
    leaking = RunData(split, None, ())
    comparison = measure(make_baseline("popularity").fit(split.train), leaking, tiny.evaluation)
    sentence = f"\ntest: 3 of {len(split.test)} rows are about targets that were learned from, 3 of them"
    assert sentence in model_card(tiny, prepared, comparison)
    fitted = BaselineConfig(name="fitted", data=tiny.data, evaluation=tiny.evaluation)
    assert sentence in baseline_card(fitted, leaking, comparison, about="It counts.")


def test_tables_have_as_many_cells_in_every_line(card):
    tables = [block.splitlines() for block in card.split("\n\n") if block.startswith("|")]
    assert len(tables) > 6
    for header, *body in tables:
        assert {line.count("|") for line in body} == {header.count("|")}


def test_kinds_of_rows_stand_with_their_number_under_both_protocols(card, finished):
    for part, protocols in finished.comparison.items():
        shown = {name: systems["model"] for name, systems in protocols.items()}
        for strata in shown["open"].subgroups:
            title = f"By {strata.title}: {part}"
            if len(strata.accuracy) == 1:
                assert title not in card
                continue
            header, _, *body = lines(card, title)
            assert header == f"| {strata.title} | rows | paper, top-1 | paper, top-10 | open, top-1 | open, top-10 |"
            (paper,) = (other for other in shown["paper"].subgroups if other.by == strata.by)
            assert body == [
                f"| {kind} | {top.rows} | {paper.accuracy[kind].top[1]} | {paper.accuracy[kind].top[10]} "
                f"| {top.top[1]} | {top.top[10]} |"
                for kind, top in strata.accuracy.items()
            ]


def test_the_lead_over_each_baseline_is_shown(card, finished):
    for part, protocols in finished.comparison.items():
        for protocol, systems in protocols.items():
            leads = systems["popularity"].paired_differences
            assert len(leads) == 4
            assert f"| {part} | {protocol} | popularity | {' | '.join(map(str, leads.values()))} |\n" in card


def test_calibration_and_reliability_are_shown(card, finished):
    for part, protocols in finished.comparison.items():
        for protocol, systems in protocols.items():
            for label, found in (
                ("first", systems["model"].calibration),
                ("first 10", systems["model"].listed_calibration),
            ):
                assert (
                    f"| {part} | {protocol} | {label} of each row | {found.count} | {found.ece_width:.3f} "
                    f"| {found.ece_mass:.3f} | {found.brier:.3f} |\n" in card
                )
        _, _, *body = lines(card, f"How often sets of a probability are recorded: {part}, open")
        model = protocols["open"]["model"]
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in body]
        for column, found in ((1, model.calibration), (4, model.listed_calibration)):
            expected = {
                f"{entry.low:.1f}-{entry.high:.1f}": [
                    str(entry.count),
                    f"{100 * entry.confidence:.1f} %",
                    f"{100 * entry.accuracy:.1f} %",
                ]
                for entry in found.bins
            }
            shown = {line[0]: line[column : column + 3] for line in cells}
            assert {name: values for name, values in shown.items() if values[0] != "0"} == expected


def words(card):
    return " ".join(card.split())


def two_stages(config, *, mode="listwise", decoders=3, temperature=0.0):
    """A configuration with a re-ranker, and that re-ranker."""
    sets = RerankerConfig(enabled=True, training=RerankingConfig(temperature=temperature))
    evaluation = replace(config.evaluation, mode=mode)
    network = ListwiseNetwork(ListwiseNetworkConfig(width=4, n_networks=2))
    reranker = EnsembleReranker(network, None, None, candidates=48, temperature=1.234, known_size_temperature=0.876)
    return replace(
        config, model=replace(config.model, n_decoders=decoders), reranker=sets, evaluation=evaluation
    ), reranker


def test_what_probabilities_mean_depends_on_the_model(tiny, prepared, finished):
    products = words(model_card(tiny, prepared, finished.comparison))
    assert "The probability of a set is the product of the link probabilities" in products
    config, reranker = two_stages(tiny)
    normalised = words(model_card(config, prepared, finished.comparison, reranker=reranker))
    assert "product of the link probabilities" not in normalised
    assert "their probabilities, and the probability that none of them is recorded, add up to 1" in normalised


def test_a_second_stage_that_was_not_measured_is_no_excuse_for_products(tiny, prepared, finished):
    config, reranker = two_stages(tiny, mode="product")
    card = words(model_card(config, prepared, finished.comparison, reranker=reranker))
    assert "The probability of a set is the product of the link probabilities" in card
    assert "With mode `listwise` the re-ranker gives each set its own" in card


def test_the_head_names_the_stages(tiny, prepared, finished):
    one = words(model_card(tiny, prepared, finished.comparison))
    assert "seed 0: a composition encoder and the `concat` decoder with frequency features." in one
    config, reranker = two_stages(tiny)
    two = words(model_card(config, prepared, finished.comparison, reranker=reranker))
    assert "3 `concat` decoders, each trained without its share of the element systems, with frequency features;" in two
    assert 'the mean of 2 networks, compares the 48 most probable sets of each target and "another set"' in two
    boosted = replace(reranker, trees=TreeEnsemble.of([0.0] * 30, float), tree_weight=0.5)
    three = words(model_card(config, prepared, finished.comparison, reranker=boosted))
    assert "the mean of 2 networks and 0.5 times 30 gradient-boosted trees, compares the 48" in three
    ordering = words(
        model_card(config, prepared, finished.comparison, reranker=replace(boosted, tree_objective="lambdarank"))
    )
    assert "the mean of 2 networks and 0.5 times 30 LambdaMART trees" in ordering
    assert two.count("the temperature 1.23, or 0.876 where the size is known") == 2
    pretrained = replace(tiny, model=replace(tiny.model, pretrained="encoder", statistics=False))
    card = words(model_card(pretrained, prepared, finished.comparison))
    assert "the pretrained encoder `encoder` and the `concat` decoder without frequency features" in card


def test_the_card_says_where_the_temperature_comes_from(tiny, prepared):
    config, reranker = two_stages(tiny)
    assert f"(fitted on the {len(prepared.split.validation)} validation rows)" in model_card(
        config, prepared, {}, reranker=reranker
    )
    everything = replace(prepared, split=replace(prepared.split, validation=prepared.split.validation.select([])))
    assert "(not fitted, for there are no validation rows)" in words(
        model_card(config, everything, {}, reranker=reranker)
    )
    given, reranker = two_stages(tiny, temperature=1.234)
    assert "(as the configuration says)" in words(model_card(given, everything, {}, reranker=reranker))


def test_a_run_with_a_second_stage_writes_its_card(tiny, tmp_path):
    training = RerankingConfig(epochs=1, candidates=8)
    config = replace(
        tiny,
        output=str(tmp_path / "two"),
        model=replace(tiny.model, n_decoders=2),
        reranker=RerankerConfig(enabled=True, redox=True, model=ListwiseNetworkConfig(width=4), training=training),
        evaluation=replace(tiny.evaluation, subsets=[], mode="listwise"),
    )
    card = words((train_run(config).folder / "card.md").read_text())
    reranker = load_checkpoint(tmp_path / "two").reranker
    assert (
        f"the temperature {reranker.temperature:.3g}, or {reranker.known_size_temperature:.3g} where the size is known"
        in card
    )
    assert "a re-ranker with redox features compares the 8 most probable sets" in card
    assert "add up to 1" in card


def test_a_model_of_all_rows_shows_what_the_same_configuration_measured_elsewhere(tiny, finished, tmp_path):
    config = replace(
        tiny,
        output=str(tmp_path / "all"),
        data=replace(tiny.data, split="all"),
        evaluation=replace(tiny.evaluation, card_from=[str(finished.folder)]),
    )
    result = train_run(config)
    card = (result.folder / "card.md").read_text()
    assert result.comparison == {}
    assert "nothing is left to measure it on" in card
    assert f"split `random`, {len(finished.split.train)} training rows, seed 0" in card
    shares = finished.comparison["test"]["open"]["model"].overall
    assert f"| random test | open | model | {' | '.join(map(str, shares.top.values()))} | {shares.rows} |" in card
    original = (finished.folder / "card.md").read_text()
    for section in ("By anion class: {}", "How often sets of a probability are recorded: {}, open"):
        assert lines(card, section.format("random test")) == lines(original, section.format("test"))


def test_the_card_can_be_written_again_with_further_runs(tiny, finished, tmp_path):
    config = replace(tiny, output=str(tmp_path / "all"), data=replace(tiny.data, split="all"))
    train_run(config)
    second = tmp_path / "second"
    train_run(replace(tiny, seed=1, output=str(second)))
    folders = [str(finished.folder), str(second)]
    train_run(replace(config, evaluation=replace(config.evaluation, card_from=folders)), resume=True)
    card = (tmp_path / "all" / "card.md").read_text()
    assert card.count("| random test | open | model |") == 1
    measured = [json.loads((folder / "metrics.json").read_text()) for folder in (finished.folder, second)]
    shares = [each["test"]["open"]["model"]["overall"]["top1"]["value"] for each in measured]
    shown = f"{100 * np.mean(shares):.1f} ± {100 * np.std(shares, ddof=1):.1f}"
    assert f"| random test | open | all | 2 | {shown} |" in card


def test_a_card_without_metrics_has_no_empty_tables(tiny, prepared):
    card = model_card(replace(tiny, evaluation=replace(tiny.evaluation, subsets=[])), prepared, {})
    assert "Not measured" in card
    assert "|" not in card
    assert "\n\n\n" not in card
    assert "## What the probabilities mean" in card


def test_the_card_names_further_tables_and_what_the_model_sees(tiny, prepared):
    further = FurtherTable("textbook", load_table("textbook").select(range(7)), 2.5, 3)
    reranker = RerankerConfig(enabled=True, atmosphere=True, further_tables={"textbook": 2.5})
    config = replace(tiny, reranker=reranker, data=replace(tiny.data, further_tables=["curated"]))
    card = " ".join(model_card(config, replace(prepared, further=(further,)), {}).split())
    assert "The training rows include those of `curated`." in card
    assert "The re-ranker also learned from 7 rows of `textbook` (weight 2.5): written for rrgraph" in card
    assert "it sees a composition, and the atmosphere if it is given" in card
    plain = " ".join(model_card(tiny, prepared, {}).split())
    assert "atmospheres, polymorphs and particle sizes are not considered; a composition is all it sees." in plain
    assert "re-ranker also learned" not in plain
