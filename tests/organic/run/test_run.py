import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.errors import ConfigError
from rrgraph.organic import (
    ReactantRerankerConfig,
    SearchConfig,
    TemplateModelConfig,
    TemplatePredictor,
    TextEncoderConfig,
    alternative_links,
    apply_template,
    load_template_checkpoint,
    template_planner,
)
from rrgraph.organic.run import OrganicConfig, check_organic_config, organic_run
from rrgraph.organic.run.config import OrganicDataConfig, OrganicEvaluationConfig
from rrgraph.training import ContrastiveConfig, RankingConfig, TreesConfig
from rrgraph.util.config import load_config

ROOT = Path(__file__).parents[3]
SMALL = TextEncoderConfig(hidden=32, bits=512, heads=2, length=64)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def config(table, folder, **changes):
    return replace(
        OrganicConfig(
            name="small",
            output=str(folder),
            data=OrganicDataConfig(table=str(table)),
            model=TemplateModelConfig(width=16, product=SMALL, template=SMALL),
            contrastive=ContrastiveConfig(epochs=20, batch_size=16, learning_rate=0.01),
            ranking=RankingConfig(epochs=3, batch_size=16, candidates=4, hard=2, learning_rate=0.005),
            search=SearchConfig(templates=4),
            evaluation=OrganicEvaluationConfig(subsets=["validation", "test"]),
        ),
        **changes,
    )


@pytest.fixture(scope="session")
def finished(organic_table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("organic_run") / "run"
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    result = organic_run(config(organic_table, folder))
    patch.undo()
    return result


def test_the_small_table_is_learned(finished):
    model = finished.comparison["test"]["model"]
    assert model.reactants.top[1].value >= 0.9
    assert model.templates.top[1].value >= 0.7
    assert model.lead == {} and set(finished.comparison["test"]["popularity"].lead) == {1, 3, 5, 10, 20, 50}
    assert sum(top.rows for top in model.frequency.accuracy.values()) == model.reactants.rows


def test_a_run_folder_is_complete(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert {"config.yaml", "data.json", "environment.json", "model.safetensors", "model.json", "card.md"} <= names
    assert {"history.csv", "ranking_history.csv", "metrics.json", "ranks.json", "contrasted", "ranked"} <= names
    assert not list(finished.folder.rglob("training_state.safetensors"))
    metrics = json.loads((finished.folder / "metrics.json").read_text())
    measured = finished.comparison["test"]["model"]
    assert metrics["test"]["model"]["reactants"]["top1"]["value"] == measured.reactants.top[1].value
    card = (finished.folder / "card.md").read_text()
    assert "What the numbers mean" in card
    assert "`by_template` keeps the order that templates give to sets." in card


def test_a_model_predicts_equally_after_loading(finished):
    first, second = (TemplatePredictor(load_template_checkpoint(finished.folder)) for _ in range(2))
    products = finished.split["test"].products
    assert torch.equal(first.nearest(products, 4)[0], second.nearest(products, 4)[0])
    # The stored vectors are those that the weights give.
    fresh = TemplatePredictor(load_template_checkpoint(finished.folder), templates=first.templates)
    torch.testing.assert_close(fresh.nearest(products, 4)[0], first.nearest(products, 4)[0])


def test_the_reranker_is_the_same_after_loading(finished):
    checkpoint = load_template_checkpoint(finished.folder)
    again = load_template_checkpoint(finished.folder)
    assert checkpoint.reranker is not None and again.reranker is not None
    assert load_template_checkpoint(finished.folder / "ranked").reranker is None
    assert checkpoint.reranker.products == set(finished.split["validation"].products)
    products = finished.split["test"].products
    plans = []
    for each in (checkpoint, again):
        planner = template_planner(each)
        plans.append([[(found.reactants, found.score) for found in plan] for plan in planner.plan(products, top_k=5)])
    assert plans[0] == plans[1]


def test_a_run_that_was_interrupted_before_the_trees_goes_on_there(finished, organic_table, tmp_path, monkeypatch):
    from rrgraph.organic.run import run as organic

    whole = config(organic_table, tmp_path / "run")

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(organic, "fit_reranker", stop)
        with pytest.raises(KeyboardInterrupt):
            organic_run(whole)
    with monkeypatch.context() as patch:
        patch.setattr(organic, "TemplateLearner", stop)
        result = organic_run(whole, resume=True)
    assert result.comparison["test"]["model"].to_dict() == finished.comparison["test"]["model"].to_dict()
    assert not list(result.folder.rglob("training_state.safetensors"))


def test_alternative_templates_become_links(organic_table, tmp_path, monkeypatch):
    from rrgraph.organic.run import run as organic

    found = []

    def spy(*arguments):
        found.extend(alternative_links(*arguments))
        return found

    monkeypatch.setattr(organic, "alternative_links", spy)
    plain = config(organic_table, tmp_path / "run", reranker=ReactantRerankerConfig(enabled=False))
    result = organic_run(replace(plain, data=replace(plain.data, alternatives=4)), jobs=1)
    train = result.split["train"]
    recorded = set(zip(train.products, train.templates, strict=True))
    reactants = {}
    for product, each in zip(train.products, train.reactants, strict=True):
        reactants.setdefault(product, set()).add(each)
    for product, template in found:
        assert (product, template) not in recorded
        assert reactants[product] & set(apply_template(template, product))


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "organic").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path):
    shipped = load_config(path, schema=OrganicConfig)
    check_organic_config(shipped)
    assert shipped.name == path.stem
    # Nobody else measures reactions of one's own.
    assert shipped.evaluation.subsets == (["validation", "test"] if path.stem == "own" else ["validation"])


def test_probabilities_of_all_templates_add_up_to_one(finished):
    predictor = TemplatePredictor(load_template_checkpoint(finished.folder))
    logs, _ = predictor.nearest(finished.split["test"].products, len(predictor.templates))
    torch.testing.assert_close(logs.exp().sum(1), torch.ones(len(logs)))


@pytest.mark.parametrize("stage", ["contrast", "rank"])
def test_resuming_gives_the_model_of_one_run(finished, organic_table, tmp_path, stage, monkeypatch):
    from rrgraph.training import loop

    whole = config(organic_table, tmp_path / "run")
    steps = {"contrast": 4, "rank": whole.contrastive.epochs * 3 + 4}[stage]
    done = 0
    real = loop._Run._step

    def stop(self, batch, total):
        nonlocal done
        done += 1
        if done > steps:
            raise KeyboardInterrupt
        return real(self, batch, total)

    monkeypatch.setattr(loop._Run, "_step", stop)
    with pytest.raises(KeyboardInterrupt):
        organic_run(whole)
    monkeypatch.setattr(loop._Run, "_step", real)
    result = organic_run(whole, resume=True)
    once, again = (load_template_checkpoint(run.folder) for run in (finished, result))
    for name, tensor in once.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name


def test_ranking_goes_on_from_a_softmax_over_all_templates(organic_table, tmp_path):
    given = config(organic_table, tmp_path / "run", reranker=ReactantRerankerConfig(enabled=False))
    found = organic_run(
        replace(
            given,
            model=replace(given.model, product=replace(SMALL, encoder="graph_fingerprint", layers=2)),
            contrastive=replace(given.contrastive, epochs=6, objective="all"),
            search=SearchConfig(templates=4, applicable=True),
            evaluation=OrganicEvaluationConfig(subsets=["test"], popularity=False),
        )
    )
    assert load_template_checkpoint(found.folder / "contrasted").config.product.encoder == "graph_fingerprint"
    assert found.comparison["test"]["model"].reactants.top[1].value >= 0.8


@pytest.mark.parametrize("encoder", ["transformer", "table"])
def test_other_encoders_run(organic_table, tmp_path, encoder):
    product = replace(SMALL, encoder="transformer" if encoder == "transformer" else "fingerprint")
    model = TemplateModelConfig(
        width=16, product=product, template=replace(SMALL, encoder=encoder), normalise=encoder != "table"
    )
    found = organic_run(
        config(
            organic_table,
            tmp_path / "run",
            model=model,
            contrastive=ContrastiveConfig(epochs=2, batch_size=16, objective="all"),
            ranking=RankingConfig(enabled=False),
            search=SearchConfig(templates=4, applicable=True, merge="sum"),
            evaluation=OrganicEvaluationConfig(index="train" if encoder == "table" else "all", rows=5),
        )
    )
    assert found.comparison["validation"]["model"].reactants.rows == 5
    assert not (found.folder / "contrasted").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("right", ["frozen", "live", "ema"])
def test_a_gpu_learns_what_a_processor_does(finished, organic_table, tmp_path, right):
    whole = config(organic_table, tmp_path / "run", device="cuda")
    result = organic_run(replace(whole, ranking=replace(whole.ranking, candidate_encoder=right, precision="auto")))
    assert load_template_checkpoint(result.folder).metadata["device"] == "cuda"
    assert result.comparison["test"]["model"].reactants.top[1].value >= 0.9


def test_where_a_run_is_trained_does_not_hinder_resuming(finished, organic_table, monkeypatch):
    monkeypatch.setattr("rrgraph.organic.run.run._fit", lambda *_, **__: pytest.fail("trained again"))
    organic_run(config(organic_table, finished.folder, device="cpu"), resume=True)
    assert load_template_checkpoint(finished.folder).metadata["device"] in ("cpu", "cuda")


def test_a_finished_run_is_measured_again_only(finished, organic_table, monkeypatch):
    monkeypatch.setattr("rrgraph.organic.run.run._fit", lambda *_, **__: pytest.fail("trained again"))
    again = organic_run(
        replace(config(organic_table, finished.folder), evaluation=OrganicEvaluationConfig(subsets=["test"], rows=3)),
        resume=True,
    )
    assert again.comparison["test"]["model"].reactants.rows == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": "inorganic"}, "domain is 'inorganic'"),
        ({"device": "nowhere"}, "Unknown device 'nowhere'"),
        (
            {"model": TemplateModelConfig(product=replace(SMALL, encoder="fingerprnt"))},
            "Did you mean 'fingerprint'",
        ),
        ({"model": TemplateModelConfig(product=replace(SMALL, fragments=["path"]))}, "Did you mean 'paths'"),
        (
            {"model": TemplateModelConfig(product=replace(SMALL, fragments=[]))},
            "expected distinct ones, at least one",
        ),
        (
            {"model": TemplateModelConfig(product=replace(SMALL, fragments=["roles"] * 2))},
            "expected distinct ones",
        ),
        ({"ranking": RankingConfig(candidate_encoder="slow")}, "ranking.candidate_encoder is 'slow'"),
        ({"evaluation": OrganicEvaluationConfig(subsets=["train"])}, "evaluation.subsets is 'train'"),
        ({"search": SearchConfig(templates=0)}, "search.templates is 0, expected at least 1"),
        ({"contrastive": ContrastiveConfig(objective="every")}, "contrastive.objective is 'every'"),
        ({"contrastive": ContrastiveConfig(monitor="top_2")}, "contrastive.monitor is 'top_2', expected one of top_1"),
        ({"ranking": RankingConfig(monitor="mrr")}, "ranking.monitor is 'mrr'"),
        (
            {"reranker": ReactantRerankerConfig(trees=TreesConfig(n_trees=9, objective="lambdarank"))},
            "reranker.trees.objective is lambdarank, expected pointwise: the probabilities of sets come from",
        ),
    ],
)
def test_configurations_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        check_organic_config(replace(OrganicConfig(), **changes))
