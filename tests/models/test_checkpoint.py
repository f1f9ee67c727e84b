import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.chem import parse_formula
from rrgraph.data import LearnedReactions, LinkBatch
from rrgraph.errors import ModelError
from rrgraph.graph import UNRELATED_LOGIT, ContextGraph, FrequencyFeatures, SetFrequencyFeatures
from rrgraph.links import LinkModel
from rrgraph.models import FORMAT, CandidatePrior, LinkCheckpoint, Model, load_checkpoint, save_checkpoint
from rrgraph.nn import ModelConfig, TreeEnsemble, read_model, sign_model, write_model
from rrgraph.planning import LISTWISE, SetConstraints, link_planner
from rrgraph.properties import EnergyHead
from rrgraph.reranking import REDOX, EnsembleReranker, ListwiseNetwork, ListwiseNetworkConfig, flat_columns

TARGETS = [parse_formula(f) for f in ("LiCoO2", "Cr2AlB2", "YBa2Cu3O7", "U")]


def drawn_trees(trees, depth):
    """Trees as earlier versions kept them."""
    return {
        "feature": torch.randint(20, (trees, 2**depth - 1), dtype=torch.int16).numpy(),
        "threshold": torch.randn(trees, 2**depth - 1).numpy(),
        "value": torch.randn(trees, 2**depth).numpy(),
        "base": np.array(0.5, dtype=np.float32),
    }


def build(table, kind):
    torch.manual_seed(0)
    vocabulary = tuple(table.precursors().values())
    statistics = FrequencyFeatures.fit(table, vocabulary) if kind != "plain" else None
    members = 3 if kind == "sets" else 1
    context = ContextGraph.fit(table, vocabulary, systems=statistics.systems) if kind == "context" else None
    model = LinkModel(
        ModelConfig(
            width=16,
            layers=1,
            statistics=statistics is not None,
            n_decoders=members,
            context="none" if context is None else "sage",
        )
    )
    reranker = None
    if kind == "sets":
        network = ListwiseNetwork(ListwiseNetworkConfig(width=8, n_networks=2)).eval()
        counted = SetFrequencyFeatures.fit(table, vocabulary, statistics.systems)
        energy = EnergyHead(16, 24).eval()
        trees = TreeEnsemble.of_one_depth(**drawn_trees(3, 2))
        reranker = EnsembleReranker(
            network,
            counted,
            statistics,
            candidates=7,
            energy=energy,
            trees=trees,
            tree_weight=0.5,
            tree_objective="lambdarank",
            temperature=1.25,
            known_size_temperature=0.75,
        )
    return LinkCheckpoint(
        model=model.eval(),
        vocabulary=vocabulary,
        counts=np.arange(len(vocabulary)),
        statistics=statistics,
        metadata={"score_mode": "geometric"},
        reranker=reranker,
        context=context,
    )


@pytest.fixture(params=["plain", "statistics", "sets", "context"])
def checkpoint(request, small_table):
    return build(small_table, request.param)


@pytest.fixture
def ranking(small_table):
    """A checkpoint with a second stage."""
    return build(small_table, "sets")


def plans(checkpoint):
    pool = [*checkpoint.vocabulary, parse_formula("CrB")]
    rules = SetConstraints(foreign=True, sizes=(1, 2, 3))
    return link_planner(Model(checkpoint), pool, rules, mode=LISTWISE).plan(TARGETS, top_k=9)


def test_saved_model_predicts_equally_after_loading(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path)
    loaded = load_checkpoint(tmp_path)
    candidates = [*checkpoint.vocabulary, parse_formula("CrB")]
    before, after = (Model(c).logits(TARGETS, candidates) for c in (checkpoint, loaded))
    assert np.array_equal(before, after)
    assert loaded.metadata == {"score_mode": "geometric"}
    assert [p.formula for p in loaded.vocabulary] == [p.formula for p in checkpoint.vocabulary]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_saved_second_stage_ranks_equally_after_loading(ranking, tmp_path):
    save_checkpoint(ranking, tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert (loaded.reranker.candidates, loaded.reranker.temperature, loaded.reranker.known_size_temperature) == (
        7,
        1.25,
        0.75,
    )
    assert loaded.reranker.network.config == ranking.reranker.network.config
    assert loaded.reranker.tree_objective == "lambdarank"
    before = plans(ranking)
    assert plans(loaded) == before
    # The energy head takes part.
    assert plans(replace(ranking, reranker=replace(ranking.reranker, energy=None))) != before
    assert any(len(plan) == 9 for plan in before)
    assert all(plan.none is not None for plan in before)


def test_trees_of_earlier_versions_give_the_same(ranking, tmp_path):
    arrays = drawn_trees(3, 2)
    trees = TreeEnsemble.of_one_depth(**arrays)
    pointwise = replace(ranking, reranker=replace(ranking.reranker, trees=trees, tree_objective="pointwise"))
    save_checkpoint(pointwise, tmp_path)
    tensors, description = read_model(tmp_path, FORMAT)
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("sets.trees.")}
    kept |= {f"sets.trees.{name}": torch.from_numpy(array) for name, array in arrays.items()}
    description["sets"] |= {"trees": {"trees": 3, "depth": 2}}
    del description["sets"]["tree_objective"]
    write_model(tmp_path, FORMAT, kept, {k: v for k, v in description.items() if k not in ("format", "rrgraph")})
    assert plans(load_checkpoint(tmp_path)) == plans(pointwise)


@pytest.fixture
def with_redox(ranking):
    """A checkpoint whose second stage also reads redox features, the last of them by its trees too."""
    torch.manual_seed(0)
    network = ListwiseNetwork(ListwiseNetworkConfig(width=8, n_networks=2), [REDOX]).eval()
    trees = ranking.reranker.trees
    trees = replace(trees, feature=np.full_like(trees.feature, flat_columns([REDOX]) - 1))
    return replace(ranking, reranker=replace(ranking.reranker, network=network, trees=trees))


def test_a_model_names_the_groups_of_features_that_it_reads(ranking, with_redox, tmp_path):
    save_checkpoint(with_redox, tmp_path / "redox")
    loaded = load_checkpoint(tmp_path / "redox")
    assert loaded.reranker.network.groups == (REDOX,)
    assert plans(loaded) == plans(with_redox) != plans(ranking)
    _, description = read_model(tmp_path / "redox", FORMAT)
    assert description["sets"]["features"] == ["redox-1"]
    save_checkpoint(ranking, tmp_path / "plain")
    assert load_checkpoint(tmp_path / "plain").reranker.network.groups == ()
    _, description = read_model(tmp_path / "plain", FORMAT)
    assert "features" not in description["sets"]  # as in models of earlier versions


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (["redox-9"], "features is 'redox-9', expected one of redox-1"),
        (["redox-1", "redox-1"], "do not fit each other"),
        ([], "do not fit each other"),
    ],
)
def test_groups_of_features_that_do_not_fit_are_refused(with_redox, tmp_path, features, words):
    save_checkpoint(with_redox, tmp_path)
    damage_json(tmp_path, lambda d: d["sets"].update(features=features))
    with pytest.raises(ModelError, match=words):
        load_checkpoint(tmp_path)


def test_half_keeps_the_second_stage_exact(ranking, tmp_path):
    save_checkpoint(ranking, tmp_path, half=True)
    loaded = load_checkpoint(tmp_path)
    for name, values in ranking.reranker.network.state_dict().items():
        assert torch.equal(loaded.reranker.network.state_dict()[name], values), name
    for name, counts in ranking.reranker.set_frequencies.to_arrays().items():
        assert np.array_equal(loaded.reranker.set_frequencies.to_arrays()[name], counts), name
    for before, after in zip(plans(ranking), plans(loaded), strict=True):
        assert after.none == pytest.approx(before.none, abs=0.02)


def test_the_reranker_of_a_model_is_that_of_its_checkpoint(checkpoint):
    reranker = Model(checkpoint).reranker
    assert (reranker is None) == (checkpoint.reranker is None)
    if reranker is not None:
        assert reranker.candidates == 7


def test_half_keeps_counts_exact_and_predicts_nearly_equally(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path, half=True)
    loaded = load_checkpoint(tmp_path)
    if checkpoint.statistics is not None:
        for name, counts in checkpoint.statistics.to_arrays().items():
            assert np.array_equal(loaded.statistics.to_arrays()[name], counts), name
    before, after = (Model(c).logits(TARGETS, checkpoint.vocabulary) for c in (checkpoint, loaded))
    assert not np.array_equal(before, after)
    assert after == pytest.approx(before, abs=0.02)


def test_some_links_are_scored_as_in_the_grid(checkpoint):
    predictor = Model(checkpoint)
    candidates = [parse_formula(f) for f in ("Li2CO3", "CrB", "Co3O4", "Y2O3")]
    grid = predictor.logits(TARGETS, candidates)
    assert grid.shape == (4, 4)
    assert np.isfinite(grid).all()
    rows, columns = np.array([3, 0, 0, 2, 1]), np.array([1, 2, 0, 3, 1])
    assert predictor.link_logits(LinkBatch(TARGETS, candidates, rows, columns)) == pytest.approx(
        grid[rows, columns], abs=1e-5
    )
    assert predictor.logits([], candidates).shape == (0, 4)
    assert predictor.logits(TARGETS, []).shape == (4, 0)


def test_unrelated_candidates_are_certain_with_statistics_only(checkpoint):
    targets = [parse_formula(text) for text in ("LiCoO2", "NH4NO3", "H2O")]
    candidates = [parse_formula(text) for text in ("La(OH)3", "Co3O4", "LaN", "O2")]
    logits = Model(checkpoint).logits(targets, candidates)
    # Oxygen and hydrogen come with everything; only where there is nothing else they count.
    sure = [[True, False, True, True], [True, True, False, True], [True, True, True, False]]
    if checkpoint.statistics is None:
        sure = np.zeros((3, 4), dtype=bool)
    assert np.array_equal(logits == UNRELATED_LOGIT, sure)


def test_predictor_knows_what_was_seen(checkpoint):
    predictor = Model(checkpoint)
    assert predictor.count(parse_formula("CrB")) == 0
    assert predictor.count(checkpoint.vocabulary[3]) == 3
    assert len(predictor.seen) == len(checkpoint.vocabulary) - 1


@pytest.mark.parametrize("systems", [None, frozenset(), frozenset({"Co-Li-O", "Ba-O-Ti"})])
def test_training_systems_are_optional(checkpoint, tmp_path, systems):
    save_checkpoint(replace(checkpoint, systems=systems), tmp_path)
    assert Model(load_checkpoint(tmp_path)).systems == systems


def test_a_file_without_training_systems_is_read(checkpoint, tmp_path):
    save_checkpoint(replace(checkpoint, systems=frozenset({"Fe-O"})), tmp_path)
    damage_json(tmp_path, lambda d: d.pop("systems"))
    assert load_checkpoint(tmp_path).systems is None


def test_what_was_learned_is_optional(checkpoint, small_table, tmp_path):
    learned = LearnedReactions.of(small_table)
    save_checkpoint(replace(checkpoint, learned=learned), tmp_path, half=True)
    found = Model(load_checkpoint(tmp_path)).learned
    assert np.array_equal(found.targets, learned.targets)
    assert np.array_equal(found.reactions, learned.reactions)
    save_checkpoint(checkpoint, tmp_path)
    assert Model(load_checkpoint(tmp_path)).learned is None


def test_a_prior_of_candidates_is_kept_with_all_its_digits(small_table, tmp_path):
    checkpoint = with_prior(build(small_table, "sets"))
    save_checkpoint(checkpoint, tmp_path, half=True)
    found = load_checkpoint(tmp_path)
    assert (found.prior.offsets == checkpoint.prior.offsets).all()
    save_checkpoint(checkpoint, tmp_path)
    targets, candidates = (
        [parse_formula(text) for text in texts.split()] for texts in ("BaTiO3 LiCoO2", "BaCO3 BaTe BaTi4O9")
    )
    logits = Model(checkpoint).logits(targets, candidates)
    assert (Model(load_checkpoint(tmp_path)).logits(targets, candidates) == logits).all()
    assert (logits != Model(replace(checkpoint, prior=None)).logits(targets, candidates)).any()


def with_prior(checkpoint):
    module = copy(checkpoint.model)
    module.config = replace(module.config, candidate_prior="class")
    return replace(checkpoint, model=module, prior=CandidatePrior(np.linspace(-4, 1, 5)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("prior"), "must have a prior of candidates if its model uses one, and only then"),
        (lambda d: d["model"].update(candidate_prior="none"), "must have a prior of candidates"),
        (lambda d: d["model"].update(candidate_prior="clas"), "Did you mean 'class'"),
        (lambda d: d["prior"].pop("known"), "the prior is of listed, textbook, purchasable, generated, expected"),
        (lambda d: d["prior"].update(known=1e9), "expected -15 to 15"),
    ],
)
def test_a_prior_that_does_not_fit_is_refused(small_table, tmp_path, change, message):
    save_checkpoint(with_prior(build(small_table, "sets")), tmp_path)
    damage_json(tmp_path, change)
    with pytest.raises(ModelError, match=message):
        load_checkpoint(tmp_path)


def damage_json(folder, change):
    description = json.loads((folder / "model.json").read_text())
    change(description)
    (folder / "model.json").write_text(json.dumps(description))
    sign_model(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda sets: sets.pop("forms"),
        lambda sets: sets["forms"].pop(),
        lambda sets: sets.pop("temperature"),
        lambda sets: sets.pop("told_temperature"),
        lambda sets: sets.update(energy_hidden=9),
        lambda sets: sets["scorer"].update(width=9),
        lambda sets: sets["scorer"].update(width="wide"),
        lambda sets: sets.update(scorer=None),
        lambda sets: sets.update(trees={"depth": 2}),
        lambda sets: sets.update(tree_objective="best"),
        lambda sets: sets.update(candidates="all"),
        lambda sets: sets.update(temperature=None),
        lambda sets: sets.update(temperature=0),
        lambda sets: sets.update(temperature=1e-300),
        lambda sets: sets.update(tree_weight=-1),
        lambda sets: sets.update(candidates=10**9),
        lambda sets: sets["scorer"].update(width=10**9),
        lambda sets: sets["scorer"].update(members=10**9),
        lambda sets: sets.update(energy_hidden=10**9),
        lambda sets: sets.update(trees={"trees": 10**9, "depth": 2}),
        lambda sets: sets.update(trees={"trees": 4}),
        lambda sets: sets["forms"].append(3),
    ],
)
def test_a_damaged_second_stage_is_refused_with_one_sentence(ranking, tmp_path, damage):
    save_checkpoint(ranking, tmp_path)
    damage_json(tmp_path, lambda d: damage(d["sets"]))
    with pytest.raises(ModelError, match="do not fit each other") as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "model.json").unlink(), "has no model.json"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x10" * 50), "damaged"),
        (lambda f: (f / "model.json").write_text("{"), "damaged"),
        (lambda f: damage_json(f, lambda d: d.update(format="other/9")), "format 'other/9'"),
        (lambda f: damage_json(f, lambda d: d["model"].update(width=32)), "do not fit"),
        (lambda f: damage_json(f, lambda d: d["model"].update(layers="many")), "'layers' is 'many'"),
        (lambda f: damage_json(f, lambda d: d.pop("vocabulary")), "there is no 'vocabulary'"),
        (lambda f: damage_json(f, lambda d: d["vocabulary"].append("TiO2")), "there is no 'formula'"),
        (lambda f: damage_json(f, lambda d: d.update(systems=3)), "'systems' is 3, expected a list"),
        (lambda f: damage_json(f, lambda d: d.update(systems=["Fe-Xx"])), "'Fe-Xx' is not an element system"),
        (lambda f: damage_json(f, lambda d: d["model"].update(width=10**9)), "width is 1000000000, expected from 1 to"),
        (
            lambda f: damage_json(f, lambda d: d["model"].update(feedforward=60, width=16_000)),
            "more numbers than it holds",
        ),
        (lambda f: damage_json(f, lambda d: d["model"].update(dropout=2)), "dropout is 2, expected"),
        (lambda f: damage_json(f, lambda d: d["vocabulary"][0].update(count=-1)), "has the counts -1 to"),
        (lambda f: damage_json(f, lambda d: d["vocabulary"].append(d["vocabulary"][0])), "names a precursor twice"),
        (lambda f: damage_json(f, lambda d: d["metadata"].update(score_mode="best")), "score_mode is 'best'"),
    ],
)
def test_damaged_folders_are_refused_with_one_sentence(checkpoint, tmp_path, damage, message):
    save_checkpoint(checkpoint, tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=message) as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_error_of_the_code_is_not_taken_for_a_damaged_file(checkpoint, tmp_path, monkeypatch):
    save_checkpoint(checkpoint, tmp_path)

    def broken(self, config, **_):
        raise TypeError("unsupported operand")

    monkeypatch.setattr("rrgraph.models.checkpoint.LinkModel.__init__", broken)
    with pytest.raises(TypeError, match="unsupported operand"):
        load_checkpoint(tmp_path)


def test_a_missing_array_of_counts_is_refused(checkpoint, tmp_path):
    if checkpoint.statistics is None:
        pytest.skip("this model has no counts")
    save_checkpoint(checkpoint, tmp_path)
    tensors, description = read_model(tmp_path, FORMAT)
    tensors.pop(next(name for name in tensors if name.startswith("statistics.")))
    write_model(tmp_path, FORMAT, tensors, {k: v for k, v in description.items() if k not in ("format", "rrgraph")})
    with pytest.raises(ModelError, match="missing a required"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("statistics.systems.precursors", lambda t: t + 1000, "'precursors' holds 10.*, expected less than"),
        ("statistics.systems.pointer", lambda t: t.flip(0), "'pointer' does not divide"),
        ("statistics.systems.shares", lambda t: -t, "'shares' holds -"),
        ("statistics.systems.vectors", lambda t: t[:, :-1], "'vectors' has the shape"),
        ("statistics.counts.uses", lambda t: t - 100, "'uses' holds -"),
        ("sets.statistics.pairs", lambda t: -t - 1, "'pairs' holds -"),
        ("sets.statistics.form_pairs", lambda t: t[:, :-1], "'form_pairs' has the shape"),
        ("sets.trees.feature", lambda t: t + 500, "'feature' holds 5.*, expected less than"),
        ("sets.trees.feature", lambda t: t.long(), "'feature' holds int64, expected int16"),
        ("sets.trees.value", lambda t: t.bfloat16(), "a type that numpy lacks: Got unsupported ScalarType BFloat16"),
        ("sets.trees.is_leaf", lambda t: t.flip(0), "'is_leaf' does not describe trees"),
        ("sets.trees.more", lambda _: torch.zeros(2), "unexpected keyword argument 'more'"),
        ("learned.targets", lambda t: t.flip(0), "'targets' is not in ascending order"),
        ("learned.reactions", lambda t: t[:3].clone(), "there are 3 reactions of"),
        ("learned.reactions", lambda t: t.int(), "'reactions' holds int32, expected int64"),
        ("learned.others", lambda _: torch.zeros(2), "unexpected keyword argument 'others'"),
        ("sets.scorer.links_scale", lambda t: t * 0, "'links_scale' holds a value that is not positive"),
    ],
)
def test_tensors_that_hold_what_they_cannot_are_refused(ranking, small_table, tmp_path, name, change, words):
    save_checkpoint(replace(ranking, learned=LearnedReactions.of(small_table)), tmp_path)
    tensors, description = read_model(tmp_path, FORMAT)
    tensors[name] = change(tensors.get(name))
    write_model(tmp_path, FORMAT, tensors, {k: v for k, v in description.items() if k not in ("format", "rrgraph")})
    with pytest.raises(ModelError, match=words):
        load_checkpoint(tmp_path)


def test_a_graph_and_a_context_belong_together(small_table, tmp_path):
    checkpoint = build(small_table, "context")
    save_checkpoint(checkpoint, tmp_path)
    assert not any(
        name.startswith("graph.systems") for name in read_model(tmp_path, FORMAT)[0]
    )  # they are counts already
    tensors, description = read_model(tmp_path, FORMAT)
    without = {name: tensor for name, tensor in tensors.items() if not name.startswith("graph.")}
    write_model(tmp_path, FORMAT, without, {k: v for k, v in description.items() if k not in ("format", "rrgraph")})
    with pytest.raises(ModelError, match="must have a graph if its model passes messages, and only then"):
        load_checkpoint(tmp_path)
    save_checkpoint(checkpoint, tmp_path)
    tensors["graph.counts"] = tensors["graph.counts"] * 0
    write_model(tmp_path, FORMAT, tensors, {k: v for k, v in description.items() if k not in ("format", "rrgraph")})
    with pytest.raises(ModelError, match="'counts' holds 0, expected at least 1"):
        load_checkpoint(tmp_path)
    save_checkpoint(checkpoint, tmp_path)
    damage_json(tmp_path, lambda d: d["model"].update(context="saeg"))
    with pytest.raises(ModelError, match="Did you mean 'sage'"):
        load_checkpoint(tmp_path)


def test_counts_of_another_vocabulary_are_refused(checkpoint, tmp_path):
    if checkpoint.statistics is None:
        pytest.skip("this model has no counts")
    save_checkpoint(checkpoint, tmp_path)
    damage_json(tmp_path, lambda d: d["vocabulary"].pop())
    with pytest.raises(ModelError, match="do not fit a vocabulary of"):
        load_checkpoint(tmp_path)
