from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from rrgraph.baselines import BASELINES, CompositionMultiLabel
from rrgraph.baselines.multilabel import UNKNOWN_LOGIT, LabelledReactions, feedforward
from rrgraph.chem import parse_formula
from rrgraph.data import split_table
from rrgraph.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs" / "baselines"
PRECURSORS = ["Li2CO3", "LiOH", "Co3O4", "CoO", "TiO2", "Ti2O4", "BaCO3"]
TARGETS = ["LiCoO2", "Li2Co2O4", "BaTiO3", "Li2TiO3"]

rows = st.lists(
    st.tuples(st.sampled_from(TARGETS), st.lists(st.sampled_from(PRECURSORS), min_size=1, max_size=3, unique=True)),
    min_size=1,
    max_size=12,
)


def parsed(reactions):
    return [(parse_formula(t).key, frozenset(parse_formula(p).key for p in members)) for t, members in reactions]


def table_of(make_table, reactions):
    return make_table([(target, ";".join(members)) for target, members in reactions])


@given(rows)
@settings(max_examples=60, deadline=None)
def test_labels_equal_a_naive_count(make_table, reactions):
    found = LabelledReactions.of(table_of(make_table, reactions))
    distinct = list(dict.fromkeys(parsed(reactions)))
    assert [target.key for target in found.targets] == [target for target, _ in distinct]
    assert set(found.outputs) == {key for _, keys in distinct for key in keys}
    assert sorted(found.outputs.values()) == list(range(len(found.outputs)))
    for row, (_, keys) in enumerate(distinct):
        assert {key for key, column in found.outputs.items() if found.labels[row, column]} == keys
        assert int(found.sizes[row]) == len(keys)


@given(rows, st.sets(st.sampled_from(PRECURSORS), min_size=1), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_recall_equals_a_naive_count(make_table, reactions, known, random):
    """Recorded precursors that are no output are never found."""
    outputs = {key: column for column, key in enumerate(sorted({parse_formula(each).key for each in known}))}
    found = LabelledReactions.of(table_of(make_table, reactions), outputs)
    logits = [random.sample(range(100), len(outputs)) for _ in found.targets]
    shares = []
    for (_, keys), line in zip(dict.fromkeys(parsed(reactions)), logits, strict=True):
        best = sorted(outputs, key=lambda key: -line[outputs[key]])[: len(keys)]
        shares.append(len(keys & set(best)) / len(keys))
    assert found.recall(torch.tensor(logits, dtype=torch.float32)) == pytest.approx(np.mean(shares))


def quick(**options):
    return CompositionMultiLabel(**{"width": 16, "epochs": 3, "learning_rate": 1e-2, **options})


def test_what_is_no_output_gets_the_floor_and_outputs_stay_above(small_table):
    baseline = quick().fit(small_table)
    known, unknown = parse_formula("TiO2"), parse_formula("TiCl4")
    logits = baseline.logits([parse_formula("BaTiO3")], [unknown, known])[0]
    assert logits[0] == UNKNOWN_LOGIT < logits[1]
    with torch.no_grad():
        list(baseline._network.parameters())[-1].fill_(-1000.0)
    assert baseline.logits([parse_formula("BaTiO3")], [unknown, known])[0, 1] > UNKNOWN_LOGIT


def test_the_epoch_of_the_best_validation_is_kept(small_table):
    """With a rate this high the share goes up and down; what is kept has the best of the shares, not the last."""
    split = split_table(small_table, "random", validation_fraction=0.4)
    seen = []
    for seed in range(6):
        baseline = quick(epochs=12, learning_rate=0.5, seed=seed).fit(split.train, split)
        shares = [row["recall"] for row in baseline.history]
        validation = LabelledReactions.of(split.validation, baseline._outputs)
        usable = validation.labels.any(1)
        logits = baseline._run(baseline._inputs(validation.targets))
        kept = LabelledReactions(
            tuple(t for t, use in zip(validation.targets, usable.tolist(), strict=True) if use),
            validation.outputs,
            validation.labels[usable],
            validation.sizes[usable],
        )
        assert kept.recall(logits[usable]) == pytest.approx(max(shares))
        seen.append(max(shares) > shares[-1])
    assert any(seen)


def test_without_a_validation_part_every_epoch_is_learned(small_table):
    split = split_table(small_table, "random", validation_fraction=0.0)
    alone, beside = quick().fit(split.train), quick().fit(split.train, split)
    assert len(alone.history) == 3 and "recall" not in alone.history[0]
    assert [row["loss"] for row in alone.history] == [row["loss"] for row in beside.history]


def test_a_validation_part_of_unknown_precursors_chooses_nothing(make_table, small_table):
    split = split_table(small_table, "random")
    strange = type(split)(split.train, make_table([("PrOF", "PrF3;Pr6O11")]), split.test, split.report)
    assert "recall" not in quick().fit(split.train, strange).history[0]


def test_seeds_differ_and_the_global_generator_is_left_alone(small_table):
    ask = [parse_formula("BaTiO3")], list(small_table.precursors().values())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second = (quick(seed=seed).fit(small_table).logits(*ask) for seed in (0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert not np.allclose(first, second)


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_an_option_out_of_range_is_named(name):
    with pytest.raises(ConfigError, match=f"Option {name} of the baseline 'composition_multilabel' is 0"):
        CompositionMultiLabel(**{name: 0})


@pytest.mark.parametrize(("layers", "linear"), [(0, 1), (1, 2), (3, 4)])
def test_depth_of_the_classifier(layers, linear):
    network = feedforward(5, 8, layers, 3, dropout=0.1)
    assert sum(isinstance(module, torch.nn.Linear) for module in network) == linear
    assert network(torch.zeros(2, 5)).shape == (2, 3)


@pytest.mark.parametrize(
    "name", ["composition_multilabel", "crabnet_multilabel", "mtencoder_multilabel", "retrieval_retro"]
)
def test_configurations_name_systems_and_their_options(name):
    config = OmegaConf.to_container(OmegaConf.load(CONFIGS / f"{name}.yaml"))
    assert config["name"] == config["baseline"] == name
    assert BASELINES[name](**config["options"]).seed == config["seed"]
