"""Training and prediction on a device that refuses to mix, how often they wait for it, and on a GPU if there is one."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

import rrgraph as rr
from rrgraph.chem import parse_formula
from rrgraph.cli.main import main
from rrgraph.data import PrecursorTable
from rrgraph.errors import ConfigError
from rrgraph.graph import (
    EDGE,
    ComputedFeatures,
    ContextGraph,
    FrequencyFeatures,
    GraphColumns,
    TrainingContexts,
    TrainingFeatures,
    TrainingFolds,
    build_graph,
)
from rrgraph.links import CONTEXTS, DECODERS, NO_CONTEXT, SAMPLERS, LinkModel, LinkTask, TrainingConfig
from rrgraph.links.examples import ExampleBatches
from rrgraph.models import LinkCheckpoint, Model, load_encoder, load_model
from rrgraph.nn import ENCODERS, ModelConfig
from rrgraph.planning import SetConstraints
from rrgraph.reranking import (
    ListwiseNetwork,
    ListwiseNetworkConfig,
    RerankingConfig,
    RerankingTask,
    TrainingLists,
    held_out_logits,
)
from rrgraph.runs import train_run
from rrgraph.screening import ScreeningSettings
from rrgraph.screening.answers import InputRow, Job, Task, answer
from rrgraph.training import train

from .separate_device import DEVICE

MODEL = ModelConfig(width=8, layers=1, heads=1, feedforward=1, statistics=True, n_decoders=2)
CONFIG = TrainingConfig(epochs=1, batch_size=16, negatives_per_positive=2, sampler="mixed", learning_rate=1e-2)
PASSING = [name for name in CONTEXTS if name != NO_CONTEXT]


@pytest.fixture(scope="module")
def graph(small_table):
    return build_graph(small_table)


@pytest.fixture(scope="module")
def folds(small_table, graph):
    return TrainingFolds.divide(small_table, graph, folds=3)


@pytest.fixture(scope="module")
def features(graph, folds):
    return TrainingFeatures.fit(graph, folds)


@pytest.fixture(scope="module")
def contexts(graph, folds):
    return TrainingContexts.fit(graph, folds)


@pytest.fixture
def make(graph, folds, features, contexts):
    """Return a function that makes the task of a link model on a device."""

    def make(device, *, model=MODEL, config=CONFIG, features=features):
        torch.manual_seed(0)
        module = LinkModel(model).to(device)
        statistics = features if model.statistics else None
        known = contexts if module.uses_context else None
        return LinkTask(module, graph, config, statistics=statistics, folds=folds.targets, contexts=known)

    return make


def test_the_device_refuses_to_mix_and_counts(separate_device):
    there = torch.arange(3).to(DEVICE)
    assert there.device.type == DEVICE
    with pytest.raises(RuntimeError, match="mixes devices"):
        there + torch.arange(3)
    assert (there + torch.tensor(1)).cpu().tolist() == [1, 2, 3]
    assert separate_device.waits == {"aten._to_copy.default": 2}
    separate_device.waits.clear()
    moved = torch.ones(3).to(DEVICE, non_blocking=True) * there
    assert not separate_device.waits
    assert bool(moved.sum() == 3)
    assert moved[moved > 1].cpu().tolist() == [2.0]
    assert separate_device.waits.total() == 3


def assert_same(history, expected):
    assert [row["loss"] for row in history] == pytest.approx([row["loss"] for row in expected], rel=1e-4)


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_learns_on_the_device_what_it_learns_on_the_processor(make, separate_device, decoder):
    learn = [train(make(device, model=replace(MODEL, decoder=decoder)), CONFIG, seed=1) for device in ("cpu", DEVICE)]
    assert_same(*learn)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_on_the_device(make, separate_device, sampler):
    config = replace(CONFIG, sampler=sampler, encoder_learning_rate=0.0, ema_decay=0.9)
    learn = [train(make(device, config=config), config, seed=1) for device in ("cpu", DEVICE)]
    assert_same(*learn)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_learns_on_the_device(make, separate_device, encoder):
    model = replace(MODEL, encoder=encoder, statistics=False, n_decoders=1, dropout=0.0, decoder_dropout=0.0)
    config = replace(CONFIG, optimizer="muon")
    learn = [train(make(device, model=model, config=config), config, seed=1) for device in ("cpu", DEVICE)]
    assert_same(*learn)


def predictions(task, table, folds, features):
    """Return the logits of new links, and those of training links by the decoder that did not learn from them."""
    precursors = task.graph.precursors
    counted = FrequencyFeatures.fit(table, precursors)
    columns = task._contexts.contexts.graphs[0].columns
    context = ContextGraph.fit(table, precursors, systems=counted.systems, columns=columns)
    model = Model(LinkCheckpoint(task.module, precursors, np.ones(len(precursors)), counted, context=context))
    embeddings = (model.embeddings(side) for side in (task.graph.targets, precursors))
    held_out = held_out_logits(task.module, folds, features, *embeddings, contexts=task._contexts.contexts)
    return model.logits([parse_formula("LiNiO2"), parse_formula("SrZrO3")], precursors), held_out


@pytest.mark.parametrize(("context", "rate"), [*((name, 0.0) for name in PASSING), ("sage", 1e-3)])
def test_every_context_learns_and_predicts_on_the_device(
    make, separate_device, small_table, folds, features, context, rate
):
    config = replace(CONFIG, batch_size=64, encoder_learning_rate=rate)
    tasks = [make(device, model=replace(MODEL, context=context), config=config) for device in ("cpu", DEVICE)]
    assert_same(*(train(task, config, seed=1) for task in tasks))
    found = [predictions(task, small_table, folds, features) for task in tasks]
    for own, others in zip(*found, strict=True):
        assert np.allclose(own, others, atol=1e-3)


@pytest.fixture(scope="module")
def described(graph, small_table):
    """The table with columns, and what the targets of each fold receive from, which these describe."""
    table = small_table.with_columns(t=[*range(len(small_table))])
    own = PrecursorTable(("BaCO3", "O2Ti"), pd.DataFrame({"price": [1.0, 2.0]}), "'p.csv'", (2, 3))
    columns = GraphColumns.fit(table, {"system": ["t"], "precursor": ["t", "price"]}, ["t"], precursors=own)
    folds = TrainingFolds.divide(table, graph, folds=3)
    return table, TrainingContexts.fit(graph, folds, columns=columns)


def task_with_columns(device, graph, folds, features, contexts, *, model, config=CONFIG):
    torch.manual_seed(0)
    module = LinkModel(model, features=contexts.graphs[0].columns.sizes)
    for parameter in module.inputs.parameters():  # which begin with 0
        torch.nn.init.normal_(parameter)
    return LinkTask(module.to(device), graph, config, statistics=features, folds=folds.targets, contexts=contexts)


def test_columns_describe_nodes_and_edges_on_the_device(separate_device, graph, folds, features, described):
    table, contexts = described
    config, model = replace(CONFIG, batch_size=64), replace(MODEL, context="gatv2", context_options={"heads": 2})
    tasks = [
        task_with_columns(device, graph, folds, features, contexts, model=model, config=config)
        for device in ("cpu", DEVICE)
    ]
    assert_same(*(train(task, config, seed=1) for task in tasks))
    for own, others in zip(*(predictions(task, table, folds, features) for task in tasks), strict=True):
        assert np.allclose(own, others, atol=1e-3)


def test_columns_do_not_make_it_wait(separate_device, monkeypatch, graph, folds, features, described):
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 6)
    config, model = replace(CONFIG, batch_size=1), replace(MODEL, n_decoders=1, context="gatv2")
    task = task_with_columns(DEVICE, graph, folds, features, described[1], model=model, config=config)
    assert 0 < waits_of_epoch(task, config, 6, separate_device) <= 2 + 1


def waits_of_epoch(task, config, steps, separate_device):
    """Return how often an epoch waits for the device, with one link in each step."""
    edges = task.graph.data[EDGE].edge_index
    edges = edges.repeat(1, -(-steps // edges.shape[1]))[:, :steps]
    task.start_epoch(1)
    (first,) = task.examples(edges[:, :1], [1], 0)  # what is computed once for all
    task.loss(first, torch.Generator())

    def batches(epoch, generator):
        separate_device.waits.clear()  # from here on the epoch has no more to prepare
        return ExampleBatches(edges, [1] * steps, generator, task.examples)

    task.batches = batches
    history = train(task, config, seed=0, checkpoint_minutes=math.inf)
    assert np.isfinite(history[0]["loss"])
    return separate_device.waits.total()


@pytest.mark.parametrize("rate", [0.0, 1e-3], ids=["fixed encoder", "learned encoder"])
@pytest.mark.parametrize("sampler", ["mixed", "hard"])
def test_steps_do_not_wait_for_the_device(make, separate_device, monkeypatch, sampler, rate):
    """Only groups of steps do, and the end of the epoch."""
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 6)
    config = replace(CONFIG, batch_size=1, sampler=sampler, encoder_learning_rate=rate, ema_decay=0.9)
    assert 0 < waits_of_epoch(make(DEVICE, config=config), config, 12, separate_device) <= 2 * 2 + 1


@pytest.mark.parametrize("context", [NO_CONTEXT, "sage"])
def test_features_that_the_processor_computes_do_not_make_it_wait_longer(
    make, graph, folds, separate_device, monkeypatch, context
):
    given = {"model": replace(MODEL, n_decoders=1, context=context), "features": ComputedFeatures.fit(graph, folds)}
    assert_same(*(train(make(device, **given), CONFIG, seed=1) for device in ("cpu", DEVICE)))
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 6)
    config = replace(CONFIG, batch_size=1)
    assert 0 < waits_of_epoch(make(DEVICE, config=config, **given), config, 12, separate_device) <= 2 * 2 + 1


@pytest.mark.parametrize(("context", "rate"), [*((name, 0.0) for name in PASSING), ("sage", 1e-3)])
def test_messages_do_not_wait_for_the_device_either(make, separate_device, monkeypatch, context, rate):
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 6)
    config, model = replace(CONFIG, batch_size=1, encoder_learning_rate=rate), replace(MODEL, n_decoders=1)
    task = make(DEVICE, model=replace(model, context=context), config=config)
    assert 0 < waits_of_epoch(task, config, 6, separate_device) <= 2 + 1


@pytest.mark.slow
def test_training_waits_at_most_once_in_a_hundred_steps(make, separate_device):
    config = replace(CONFIG, batch_size=1, encoder_learning_rate=0.0)
    assert 0 < waits_of_epoch(make(DEVICE, config=config), config, 300, separate_device) <= 3


def reranking(lists, device, config):
    torch.manual_seed(0)
    network = ListwiseNetwork(ListwiseNetworkConfig(width=8, n_networks=2)).to(device)
    recorded = torch.arange(len(lists.sets)) % 3 == 0
    return RerankingTask(network, [TrainingLists(lists.half(), recorded, torch.ones(len(lists)))], config)


def test_the_reranker_learns_on_the_device_and_waits_at_the_end_of_an_epoch(invent_lists, separate_device):
    lists, config = invent_lists([4] * 12), RerankingConfig(epochs=1, batch_size=1)
    task = reranking(lists, DEVICE, config)
    separate_device.waits.clear()
    history = train(task, config, seed=0)
    # Copies of the weights to begin with and to keep, not of the steps.
    assert separate_device.waits.total() <= 2
    assert_same(history, train(reranking(lists, "cpu", config), config, seed=0))


def answers(model):
    plan = model.plan("BaTiO3", top_k=5, literature=False)
    return [(ranked.precursors.keys, ranked.probability) for ranked in plan]


@pytest.mark.slow
def test_a_whole_run_on_the_device(separate_device, two_stages, ranked, tmp_path):
    """Links, re-ranker, trees, calibration, evaluation, loading and planning give what they give on the processor."""
    config = replace(two_stages, output=str(tmp_path / "run"), training=replace(two_stages.training, device=DEVICE))
    result = train_run(config)
    assert_same(result.history, ranked.history)
    assert result.model.device.type == DEVICE
    assert result.comparison["test"]["open"]["model"].overall == ranked.comparison["test"]["open"]["model"].overall
    here, there = (load_model(result.folder, device=device) for device in ("cpu", DEVICE))
    assert (here.device.type, there.device.type) == ("cpu", DEVICE)
    for (keys, probability), (own, other) in zip(answers(here), answers(there), strict=True):
        assert keys == own
        assert probability == pytest.approx(other, rel=1e-4)
    assert np.allclose(here.embed(["BaTiO3"]), there.embed(["BaTiO3"]), atol=1e-5)
    rows = ranked.split.test
    assert rr.evaluate(there, rows).overall == rr.evaluate(here, rows).overall


@pytest.mark.slow
def test_a_whole_run_with_messages_on_the_device(separate_device, tiny, tmp_path):
    model = replace(tiny.model, context="sage", n_decoders=2, candidate_prior="unseen")
    config = replace(tiny, model=model, evaluation=replace(tiny.evaluation, subsets=["test"], baselines=[]))
    results = []
    for device in ("cpu", DEVICE):
        training = replace(tiny.training, device=device, epochs=1, encoder_learning_rate=0.0)
        results.append(train_run(replace(config, training=training, output=str(tmp_path / device))))
    assert_same(*(result.history for result in results))
    one, other = (result.comparison["test"]["open"]["model"].overall for result in results)
    assert one == other
    constants = [float(result.model.checkpoint.prior.offsets[0]) for result in results]
    assert constants[0] == pytest.approx(constants[1], rel=1e-3)
    assert constants[0] > 0


def test_a_device_that_is_not_there_is_refused_before_anything_is_written(tiny, tmp_path):
    config = replace(tiny, output=str(tmp_path / "run"), training=replace(tiny.training, device="gpu"))
    with pytest.raises(ConfigError, match=r"Unknown device 'gpu', expected auto, cpu, cuda or mps"):
        train_run(config)
    assert not config.folder.exists()
    with pytest.raises(ConfigError, match="Unknown device 'gpu'"):
        load_model(device="gpu")


@pytest.mark.parametrize("command", ["plan BaTiO3", "properties BaTiO3", "evaluate default --test textbook"])
def test_commands_refuse_a_device_that_is_not_there(command, capsys):
    assert main([*command.split(), "--device", "gpu"]) == 2
    assert "Unknown device 'gpu'" in capsys.readouterr().err


def test_encoders_predict_and_embed_on_the_device(separate_device, tmp_path):
    here, there = (load_encoder(device=device) for device in ("cpu", DEVICE))
    assert (here.device.type, there.device.type) == ("cpu", DEVICE)
    formulas = ["BaTiO3", "LiFePO4", "NaCl"]
    assert np.allclose(here.embed(formulas), there.embed(formulas), atol=1e-4)
    found, expected = (each.formation_energies(formulas) for each in (here, there))
    assert np.allclose(found, expected, atol=1e-4)
    elements, fractions = np.array([[3, 8], [11, 17]]), np.array([[0.5, 0.5], [0.5, 0.5]], dtype=np.float32)
    hidden = [each.hidden_elements(elements, fractions, np.array([0, 1])) for each in (here, there)]
    assert np.allclose(*hidden, atol=1e-3)
    (tmp_path / "f.txt").write_text("BaTiO3\nNaCl\n")
    written = ["embed", "--input", str(tmp_path / "f.txt"), "--output", str(tmp_path / "e.csv"), "--device", DEVICE]
    assert main(written) == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that CUDA can use")
def test_a_whole_run_on_a_gpu(two_stages, ranked, tmp_path):
    config = replace(two_stages, output=str(tmp_path / "run"), training=replace(two_stages.training, device="cuda"))
    result = train_run(config)
    assert result.history[0]["loss"] == pytest.approx(ranked.history[0]["loss"], rel=0.2)  # other negatives are drawn
    here, there = (load_model(result.folder, device=device) for device in ("cpu", "cuda"))
    assert np.allclose(here.embed(["BaTiO3"]), there.embed(["BaTiO3"]), atol=1e-3)
    assert [keys for keys, _ in answers(here)][:1] == [keys for keys, _ in answers(there)][:1]


def assert_planned_alike(device):
    """Links, sets and what a screening writes agree with those of the processor to 1e-4."""
    targets = ["BaTiO3", "LiFePO4", "Li7La3Zr2O12"]
    here, there = (load_model(device=each) for each in ("cpu", device))
    links = [model.logits([parse_formula(each) for each in targets], here.vocabulary) for model in (here, there)]
    assert np.allclose(*links, atol=1e-4)
    for one, other in zip(*(model.plan(targets, top_k=5, literature=False) for model in (here, there)), strict=True):
        assert [found.precursors.keys for found in one] == [found.precursors.keys for found in other]
        assert [found.probability for found in one] == pytest.approx([found.probability for found in other], abs=1e-4)
    task = Task(shard=0, rows=tuple(InputRow(line, target) for line, target in enumerate(targets)))
    tables = []
    for each in ("cpu", device):
        settings = ScreeningSettings(input="-", device=each, energies=False, conditions=False)
        tables.append(answer(Job(key=each, settings=settings, constraints=SetConstraints(), shelf=None), task).table)
    one, other = (table.to_pydict() for table in tables)
    assert one["precursors"] == other["precursors"]
    assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


@pytest.mark.slow
def test_plans_and_screenings_are_those_of_the_processor(separate_device):
    assert_planned_alike(DEVICE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that CUDA can use")
def test_plans_and_screenings_on_a_gpu_are_those_of_the_processor():
    assert_planned_alike("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that CUDA can use")
@pytest.mark.parametrize("context", CONTEXTS)
def test_training_on_a_gpu_waits_for_nothing_else(make, context):
    """CUDA itself refuses to wait within steps."""
    config = replace(CONFIG, ema_decay=0.9)
    task = make("cuda", model=replace(MODEL, context=context), config=config)
    task.start_epoch(1)
    generator = torch.Generator()
    batches = task.batches(1, generator)
    task.loss(batches[0], generator)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for number in range(len(batches)):
            task.loss(batches[number], generator).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.slow
@pytest.mark.parametrize("context", [NO_CONTEXT, "sage"])
def test_encoder_and_decoders_are_compiled_without_breaks(make, monkeypatch, context):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    config, model = replace(CONFIG, compile=True), replace(MODEL, context=context)
    plain, compiled = (
        train(make("cpu", model=model, config=each), each, seed=1) for each in (replace(config, compile=False), config)
    )
    assert_same(compiled, plain)
