from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.chem import element_system
from rrgraph.graph import COUNTED, EDGE, STATISTICS, LinkStatistics, build_graph
from rrgraph.model import DECODERS, LinkCheckpoint, LinkModel, LinkPredictor, ModelConfig
from rrgraph.training import LOSSES, SAMPLERS, LinkTask, TrainingConfig, train

MODEL = ModelConfig(width=16, layers=1, heads=2, dropout=0.0, decoder_dropout=0.0)
CONFIG = TrainingConfig(
    epochs=30, patience=0, batch_size=8, negatives=3, learning_rate=1e-2, encoder_learning_rate=1e-2
)


@pytest.fixture(scope="module")
def graph(small_table):
    return build_graph(small_table)


def build(graph, table, *, statistics=False, model=MODEL, config=CONFIG):
    torch.manual_seed(0)
    counted = LinkStatistics.fit(table, graph.precursors) if statistics else None
    return LinkTask(
        LinkModel(replace(model, statistics=statistics)),
        graph,
        config,
        statistics=counted,
        system_counts=counted.system_counts(table) if counted else None,
    )


@pytest.mark.parametrize("statistics", [False, True])
def test_training_separates_links_from_the_rest(graph, small_table, statistics):
    task = build(graph, small_table, statistics=statistics)
    history = train(task, CONFIG, seed=0)
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    scores = LinkPredictor(
        LinkCheckpoint(
            task.module, graph.precursors, np.ones(len(graph.precursors)), task._statistics and task._statistics._source
        )
    ).logits(graph.targets, graph.precursors)
    linked = np.zeros(scores.shape, dtype=bool)
    linked[tuple(graph.data[EDGE].edge_index.numpy())] = True
    assert scores[linked].mean() > scores[~linked].mean() + 1


@pytest.mark.parametrize("sampler", list(SAMPLERS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_sampler_and_loss_trains(graph, small_table, sampler, loss):
    config = replace(CONFIG, epochs=1, sampler=sampler, loss=loss)
    assert np.isfinite(train(build(graph, small_table, config=config), config, seed=0)[0]["loss"])


@pytest.mark.parametrize("decoder", list(DECODERS))
def test_every_decoder_trains(graph, small_table, decoder):
    task = build(graph, small_table, statistics=True, model=replace(MODEL, decoder=decoder))
    history = train(task, replace(CONFIG, epochs=6), seed=0)
    assert history[-1]["loss"] < history[0]["loss"]


def test_every_link_is_a_positive_once_an_epoch(graph, small_table):
    batches = build(graph, small_table).batches(1, torch.Generator().manual_seed(0))
    seen = sorted(map(tuple, torch.cat(list(batches), dim=1).t().tolist()))
    assert seen == sorted(map(tuple, graph.data[EDGE].edge_index.t().tolist()))


def test_statistics_of_a_batch_leave_the_own_system_out(graph, small_table):
    task = build(graph, small_table, statistics=True)
    target = graph.target_index["CoLiO2"]
    candidates = torch.arange(len(graph.precursors))[None]
    given = task._statistics(torch.tensor([target]), candidates, candidates)[0].numpy()
    others = small_table.select(np.array([element_system(t) != "Co-Li-O" for t in small_table.targets]))
    expected = LinkStatistics.fit(others, graph.precursors).features(graph.targets[target].elements)[:-1]
    assert given.shape == (len(graph.precursors), len(STATISTICS))
    assert given[:, : len(COUNTED)] == pytest.approx(expected, abs=5e-3)  # kept at half precision


def test_hidden_precursors_look_never_seen(graph, small_table):
    task = build(graph, small_table, statistics=True, config=replace(CONFIG, hide_statistics=1e9))
    candidates = torch.arange(len(graph.precursors))[None]
    shown = task._statistics_of(torch.tensor([0]), candidates, torch.Generator().manual_seed(0))
    floor = task._statistics._source.features(graph.targets[0].elements)[-1]
    hidden = (shown[:, : len(COUNTED)].numpy() == floor.astype(np.float16)).all(1)
    assert 0.2 < hidden.mean() < 0.8  # at most one in two is hidden
    full = task._statistics(torch.tensor([0]), candidates, candidates)[0]
    assert torch.equal(shown[:, len(COUNTED) :], full[:, len(COUNTED) :])
