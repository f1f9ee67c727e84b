from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.errors import ConfigError
from rrgraph.organic import (
    ReactantRerankerConfig,
    SearchConfig,
    SiteConfig,
    SiteLearner,
    SitePredictor,
    TemplateModelConfig,
    TextEncoderConfig,
    apply_template,
    build_template_graph,
    load_template_checkpoint,
    template_planner,
)
from rrgraph.organic.run import OrganicConfig, check_organic_config, organic_run
from rrgraph.organic.run.card import organic_card
from rrgraph.organic.run.config import OrganicDataConfig, OrganicEvaluationConfig
from rrgraph.organic.sites.recorded import recorded_sites
from rrgraph.training import ContrastiveConfig, RankingConfig

from ...separate_device import DEVICE

TWO_ESTERS = "COC(=O)CCC(=O)OCC"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def config(table, folder, **changes):
    return replace(
        OrganicConfig(
            name="small",
            output=str(folder),
            data=OrganicDataConfig(table=str(table), general=True),
            model=TemplateModelConfig(
                width=16,
                temperature=1.0,
                normalise=False,
                product=TextEncoderConfig(hidden=32, bits=512),
                template=TextEncoderConfig(encoder="table"),
                sites=SiteConfig(enabled=True, hidden=16, layers=2),
            ),
            contrastive=ContrastiveConfig(epochs=12, batch_size=16, learning_rate=0.01, objective="all"),
            ranking=RankingConfig(enabled=False),
            search=SearchConfig(templates=4, merge="sum"),
            evaluation=OrganicEvaluationConfig(subsets=["test"]),
        ),
        **changes,
    )


@pytest.fixture(scope="session")
def finished(organic_table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site_run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        return organic_run(config(organic_table, folder))


def test_the_small_table_is_learned(finished):
    model = finished.comparison["test"]["model"]
    assert model.reactants.top[1].value >= 0.9
    assert not (finished.folder / "contrasted").exists()


def test_a_model_predicts_equally_after_loading(finished):
    first, second = (SitePredictor(load_template_checkpoint(finished.folder)) for _ in range(2))
    products = finished.split["test"].products
    logs, found = first.nearest(products, 3)
    assert torch.equal(logs, second.nearest(products, 3)[0])
    fresh = SitePredictor(load_template_checkpoint(finished.folder), templates=first.templates)
    torch.testing.assert_close(fresh.nearest(products, 3)[0], logs)
    whole, _ = first.nearest(products, len(first.templates))
    torch.testing.assert_close(whole.exp().sum(1), torch.ones(len(products)))
    assert found.shape == logs.shape


def test_templates_without_a_site_have_no_probability(finished):
    predictor = SitePredictor(load_template_checkpoint(finished.folder))
    logs, _ = predictor.nearest(["C"], 2)
    assert logs.tolist() == [[-np.inf, -np.inf]]
    assert list(template_planner(predictor.checkpoint).plan(["C"], top_k=3)) == [[]]


def test_the_outcomes_of_a_template_share_its_probability(finished):
    checkpoint = load_template_checkpoint(finished.folder)
    predictor = SitePredictor(checkpoint)
    planner = template_planner(replace(checkpoint, reranker=None))
    ((*applied,),) = planner.transformations([TWO_ESTERS])
    several = [each for each in applied if len(each.outcomes) > 1]
    assert several
    for each in several:
        assert sum(each.shares) == pytest.approx(each.probability, rel=1e-4)
        assert each.outcomes == apply_template(each.template, TWO_ESTERS)
    given = {TWO_ESTERS: {each.template: each.outcomes for each in applied}}
    assert predictor.outcome_probabilities(given)[TWO_ESTERS] == {each.template: each.shares for each in applied}
    scores = [each.score for each in planner.merge(TWO_ESTERS, applied)]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) > 1


def test_a_run_that_was_interrupted_gives_the_same_numbers(finished, organic_table, tmp_path, monkeypatch):
    from rrgraph.organic.sites.learning import SiteTask

    whole = config(organic_table, tmp_path / "run")
    steps, loss = [], SiteTask.loss

    def stop(self, batch, generator):
        steps.append(batch)
        if len(steps) == 20:
            raise KeyboardInterrupt
        return loss(self, batch, generator)

    with monkeypatch.context() as patch:
        patch.setattr(SiteTask, "loss", stop)
        with pytest.raises(KeyboardInterrupt):
            organic_run(whole)
    result = organic_run(whole, resume=True)
    first, second = (load_template_checkpoint(each.folder) for each in (finished, result))
    for name, tensor in first.sites.state_dict().items():
        assert torch.equal(tensor, second.sites.state_dict()[name]), name
    assert result.comparison["test"]["model"].to_dict() == finished.comparison["test"]["model"].to_dict()


def test_a_card_says_what_the_probability_of_a_set_is(finished, organic_table):
    given = config(organic_table, finished.folder, reranker=ReactantRerankerConfig(enabled=False))
    whole = replace(given, model=TemplateModelConfig(), search=SearchConfig())
    for changed, meaning in (
        (given, "all templates together that lead to it at the sites that give it, among the templates whose"),
        (whole, "is that of the best template that leads to it."),
    ):
        assert meaning in organic_card(changed, finished.split, finished.comparison)


def test_sites_are_trained_in_one_stage(organic_table, tmp_path):
    given = config(organic_table, tmp_path)
    for changed in (
        replace(given, ranking=RankingConfig()),
        replace(given, data=replace(given.data, alternatives=5)),
        replace(given, contrastive=ContrastiveConfig(objective="in_batch")),
    ):
        with pytest.raises(ConfigError, match=r"model\.sites\.enabled=true"):
            check_organic_config(changed)


def test_a_device_of_its_own_learns_the_same(finished, separate_device):
    checkpoint = load_template_checkpoint(finished.folder)
    graph, validation = build_template_graph(finished.split["train"]), finished.split["validation"]
    models = []
    for device in ("cpu", DEVICE):
        recorded = recorded_sites(graph, finished.split["train"])
        learner = SiteLearner(graph, validation, checkpoint.config, recorded, device=device)
        history = learner.contrast(ContrastiveConfig(epochs=1, batch_size=16, objective="all"))
        models.append((history[0]["loss"], history[0]["top_1"]))
    assert models[0] == pytest.approx(models[1], rel=1e-4)
