from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rrgraph.chem import VOLATILE, parse_formula, plausible_precursors, source_elements
from rrgraph.data import SetBatch
from rrgraph.evaluation import PROTOCOLS
from rrgraph.graph import BALANCE, TrainingFolds, balance_sets
from rrgraph.links import LinkModel, LinkTask
from rrgraph.models import LinkCheckpoint, Model, load_checkpoint, save_checkpoint
from rrgraph.planning import LISTWISE, library_candidates, link_planner
from rrgraph.properties import EnergyHead, reaction_energies
from rrgraph.reranking import (
    REDOX,
    CrossFittedLists,
    RerankingConfig,
    RerankingTask,
    publication_weights,
    set_features,
)
from rrgraph.reranking.features import SET_FEATURES
from rrgraph.runs import DataConfig, RerankerConfig, RunConfig, candidate_pool, candidates, train_run
from rrgraph.runs.data import prepare
from rrgraph.runs.reranker import calibrate, cross_fitted_lists, train_reranker
from rrgraph.training import STATE_FILE, TreesConfig

from .rows import ROWS

FINISHED = {"model.json", "model.safetensors", "history.csv", "set_history.csv", "metrics.json", "card.md"}


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_same_run(folder, expected):
    found, wanted = weights(folder), weights(expected.folder)
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name
    assert temperatures(load_checkpoint(folder)) == temperatures(load_checkpoint(expected.folder))
    own, other = ((each / "set_history.csv").read_text().splitlines() for each in (folder, expected.folder))
    assert [line.rsplit(",", 1)[0] for line in own] == [line.rsplit(",", 1)[0] for line in other]


def test_a_run_with_two_stages_leaves_both(two_stages, ranked):
    names = {entry.name for entry in ranked.folder.iterdir()}
    assert names >= FINISHED
    assert not names & {"links", STATE_FILE}
    checkpoint = load_checkpoint(ranked.folder)
    assert checkpoint.metadata["score_mode"] == LISTWISE
    assert checkpoint.reranker.candidates == 8
    assert len(checkpoint.model.decoders) == 2
    with (ranked.folder / "set_history.csv").open() as handle:
        history = list(csv.DictReader(handle))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert float(history[-1]["loss"]) < float(history[0]["loss"])


def test_the_second_stage_is_what_is_measured(ranked):
    checkpoint = load_checkpoint(ranked.folder)
    test = ranked.split.test
    pool = candidate_pool(checkpoint.vocabulary, test)
    planner = link_planner(Model(checkpoint), pool, PROTOCOLS["open"].constraints(), mode=LISTWISE)
    plans = planner.plan(test.targets, top_k=8)
    recorded = {}
    for key, keys in zip(test.target_keys, test.set_keys, strict=True):
        recorded.setdefault(key, set()).add(keys)
    first = [bool(plan.sets) and plan.sets[0].precursors.keys in recorded[plan.target.key] for plan in plans]
    assert ranked.comparison["test"]["open"]["model"].overall.top[1].value == pytest.approx(sum(first) / len(test))
    for plan in plans:
        assert sum(found.probability for found in plan) + plan.none == pytest.approx(1, abs=1e-5)


def test_the_same_seed_gives_the_same_numbers(two_stages, ranked, tmp_path):
    again = train_run(replace(two_stages, output=str(tmp_path / "again")))
    assert_same_run(again.folder, ranked)
    assert again.comparison == ranked.comparison


def test_the_saved_model_is_measured_as_the_trained_one(two_stages, ranked):
    before = (ranked.folder / "set_history.csv").read_text()
    again = train_run(two_stages, resume=True)
    assert again.comparison == ranked.comparison
    assert (ranked.folder / "set_history.csv").read_text() == before


def interrupt(monkeypatch, task, epoch):
    """Interrupt the training of a kind of task at the start of an epoch."""
    batches = task.batches

    def stop(self, number, generator):
        if number == epoch:
            raise KeyboardInterrupt
        return batches(self, number, generator)

    monkeypatch.setattr(task, "batches", stop)


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_run_interrupted_in_its_second_stage_goes_on_equally(two_stages, ranked, tmp_path, monkeypatch, epoch):
    config = replace(two_stages, output=str(tmp_path / "run"))
    with monkeypatch.context() as patch:
        interrupt(patch, RerankingTask, epoch)
        with pytest.raises(KeyboardInterrupt):
            train_run(config)
    folder = config.folder
    assert not (folder / "model.json").exists()
    assert not (folder / STATE_FILE).exists()
    assert (folder / "links" / "model.json").is_file()
    assert (folder / "links" / STATE_FILE).is_file() == (epoch > 1)
    history = (folder / "history.csv").read_text()
    with monkeypatch.context() as patch:
        # The first stage is not trained again.
        interrupt(patch, LinkTask, 1)
        again = train_run(config, resume=True)
    assert_same_run(folder, ranked)
    assert again.comparison == ranked.comparison
    assert (folder / "history.csv").read_text() == history
    assert {entry.name for entry in folder.iterdir()} == {entry.name for entry in ranked.folder.iterdir()}


@pytest.mark.slow
def test_what_the_reranker_learns_from_is_made_once(two_stages, ranked, tmp_path, monkeypatch):
    """Interrupted twice while lists are made, and once after the trees."""
    config = replace(two_stages, output=str(tmp_path / "run"))
    make_lists, calls = CrossFittedLists._lists, []

    def interrupted(self, *args):
        calls.append(args)
        if len(calls) in (3, 9):
            raise KeyboardInterrupt
        return make_lists(self, *args)

    monkeypatch.setattr(CrossFittedLists, "_lists", interrupted)
    for resume in (False, True):
        with pytest.raises(KeyboardInterrupt):
            train_run(config, resume=resume)
    with monkeypatch.context() as patch:
        interrupt(patch, RerankingTask, 1)
        with pytest.raises(KeyboardInterrupt):
            train_run(config, resume=True)
    assert len(calls) == 2 + len(list((config.folder / "links").glob("lists_*")))
    monkeypatch.setattr(CrossFittedLists, "_lists", lambda *_: pytest.fail("lists are made again"))
    monkeypatch.setattr("rrgraph.runs.candidates.held_out_logits", None)
    monkeypatch.setattr("rrgraph.reranking.training.boost", None)
    again = train_run(config, resume=True)
    assert_same_run(config.folder, ranked)
    assert again.comparison == ranked.comparison


@pytest.mark.slow
def test_a_run_interrupted_in_each_stage_goes_on_equally(two_stages, ranked, tmp_path, monkeypatch):
    config = replace(two_stages, output=str(tmp_path / "run"))
    for task, epoch in ((LinkTask, 2), (RerankingTask, 2)):
        with monkeypatch.context() as patch:
            interrupt(patch, task, epoch)
            with pytest.raises(KeyboardInterrupt):
                train_run(config, resume=True)
    again = train_run(config, resume=True)
    assert_same_run(config.folder, ranked)
    assert again.comparison == ranked.comparison


def test_a_run_interrupted_when_all_but_its_measurement_is_done(two_stages, ranked, tmp_path, monkeypatch):
    config = replace(two_stages, output=str(tmp_path / "run"))

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("rrgraph.runs.train.shutil.rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            train_run(config)
    again = train_run(config, resume=True)
    assert again.comparison == ranked.comparison
    assert not (config.folder / "links").exists()


def test_without_a_second_stage_decoders_are_averaged_all_the_same(two_stages, ranked, tmp_path):
    options = {"evaluation": replace(two_stages.evaluation, mode="product", subsets=["test"])}
    config = replace(
        two_stages, output=str(tmp_path / "run"), reranker=replace(two_stages.reranker, enabled=False), **options
    )
    result = train_run(config)
    found, expected = weights(result.folder), weights(ranked.folder)
    assert not any(name.startswith("sets.") for name in found)
    assert all(torch.equal(found[name], expected[name]) for name in found)
    assert not (result.folder / "set_history.csv").exists()


@pytest.mark.parametrize(
    ("given", "expected"), [((0.0, 0.0), (1.0, 1.0)), ((1.5, 0.0), (1.5, 1.5)), ((1.5, 0.5), (1.5, 0.5))]
)
def test_without_validation_rows_the_temperatures_are_the_given_ones(two_stages, tmp_path, given, expected):
    training = replace(two_stages.reranker.training, temperature=given[0], known_size_temperature=given[1], epochs=1)
    config = replace(
        two_stages,
        output=str(tmp_path / "run"),
        data=replace(two_stages.data, split="all"),
        training=replace(two_stages.training, epochs=1),
        reranker=replace(two_stages.reranker, training=training),
    )
    reranker = load_checkpoint(train_run(config).folder).reranker
    assert (reranker.temperature, reranker.known_size_temperature) == expected


def temperatures(checkpoint):
    return checkpoint.reranker.temperature, checkpoint.reranker.known_size_temperature


def with_temperatures(checkpoint, *, temperature, known_size):
    return replace(
        checkpoint, reranker=replace(checkpoint.reranker, temperature=temperature, known_size_temperature=known_size)
    )


def test_temperatures_are_fitted_to_the_validation_rows(ranked):
    checkpoint = load_checkpoint(ranked.folder)
    validation = ranked.split.validation
    pool = candidate_pool(checkpoint.vocabulary, validation)
    fitted = temperatures(checkpoint)
    # What the reranker was calibrated to before does not matter.
    other = with_temperatures(checkpoint, temperature=3.0, known_size=0.3)
    assert temperatures(calibrate(other, validation, pool)) == fitted
    # Scores half as large need to be divided by half as much.
    with torch.no_grad():
        for network in checkpoint.reranker.network.networks:
            for layer in (network.score, network.direct, network.none):
                for parameter in layer.parameters():
                    parameter /= 2
    lighter = replace(checkpoint.reranker, tree_weight=checkpoint.reranker.tree_weight / 2)
    half = temperatures(calibrate(replace(checkpoint, reranker=lighter), validation, pool))
    assert half == pytest.approx([max(value / 2, 0.25) for value in fitted], rel=0.03)


@pytest.mark.parametrize("protocol", ["open", "paper"])
def test_the_first_sets_of_the_validation_rows_are_as_likely_as_can_be(ranked, protocol):
    checkpoint = load_checkpoint(ranked.folder)
    validation = ranked.split.validation
    pool = candidate_pool(checkpoint.vocabulary, validation)
    rules, known_size = PROTOCOLS[protocol], protocol == "paper"
    recorded = {}
    for target, keys in zip(validation.targets, validation.set_keys, strict=True):
        recorded.setdefault((target, len(keys) if known_size else None), set()).add(keys)

    def loss(temperature):
        changed = with_temperatures(checkpoint, temperature=temperature, known_size=temperature)
        planner = link_planner(
            Model(changed), pool, rules.constraints(), mode=LISTWISE, max_candidates=rules.max_candidates
        )
        plans = planner.plan([target for target, _ in recorded], sizes=[size for _, size in recorded], top_k=1)
        first = [(plan.sets[0], sets) for plan, sets in zip(plans, recorded.values(), strict=True) if plan.sets]
        likely = [best.probability if best.precursors.keys in sets else 1 - best.probability for best, sets in first]
        return -np.mean(np.log(likely))

    found = temperatures(checkpoint)[known_size]
    assert loss(found) <= min(
        loss(t) for t in (0.25, 0.6 * found, 0.9 * found, 1.1 * found, 1.6 * found, 4.0) if 0.25 <= t <= 4
    )


OTHERWISE = {
    "LiCoO2": "LiOH;CoCO3",
    "LiMn2O4": "Li2CO3;Mn2O3",
    "BaTiO3": "BaO;TiO2",
    "SrTiO3": "SrO;TiO2",
    "LaMnO3": "La2O3;MnO2",
    "LaCoO3": "La2O3;Co3O4",
    "La2Li2TiO6": "La2O3;LiOH;TiO2",
    "Li2TiO3": "Li2CO3;TiO2",
    "BaMnO3": "BaCO3;Mn2O3",
    "SrCoO3": "SrCO3;CoCO3",
}
PAPER = {target: doi for target, _, doi in ROWS}


@pytest.fixture(scope="module")
def make(make_table, tmp_path_factory):
    """Return a function that prepares the rows, with another set in those of the changed targets."""
    folder = tmp_path_factory.mktemp("leak")

    def make(changed=(), sets=OTHERWISE):
        pool = [*(members for _, members, _ in ROWS), *sets.values()]
        (folder / "pool.txt").write_text("\n".join(dict.fromkeys(";".join(pool).split(";"))))
        rows = [(target, sets[target] if target in changed else members) for target, members, _ in ROWS]
        make_table(rows, doi=[doi for _, _, doi in ROWS]).write(folder / "table.csv")
        config = RunConfig(data=DataConfig(str(folder / "table.csv"), split="all", pool=str(folder / "pool.txt")))
        config.model = replace(config.model, statistics=True, n_decoders=2, width=16, layers=1)
        return config.model, prepare(config)

    return make


@pytest.fixture(scope="module")
def checkpoint(make):
    """A model with random weights, that knows nothing of any label."""
    torch.manual_seed(0)
    options, prepared = make()
    model = LinkModel(options).eval()
    model.standardise(prepared.link_statistics.features.float())
    return LinkCheckpoint(model, prepared.graph.precursors, prepared.counts, prepared.statistics)


def learned_from(cross_fitted, *, known_size):
    return cross_fitted.training_lists(torch.ones(len(cross_fitted.graph.targets)), known_size=known_size).features


def describe(prepared, checkpoint, *, known_size):
    """Return what the second stage would learn from: of each target all numbers of its sets and of their members."""
    found = cross_fitted_lists(prepared, checkpoint, None, 6)
    lists = learned_from(found, known_size=known_size)
    described = {}
    for number, (target, _) in enumerate(found.jobs[known_size]):
        sets = range(int(lists.offsets[number]), int(lists.offsets[number + 1]))
        # Members come in the order of the precursors in the table, which a changed row changes.
        described[prepared.graph.targets[target].formula] = [
            (lists.sets[place].tolist(), sorted(members_of(lists, place))) for place in sets
        ]
    return described


def members_of(lists, place):
    links, parts = lists.members[place].tolist(), lists.roles[place].tolist()
    return [[*lists.links[link].tolist(), *part] for link, part in zip(links, parts, strict=True) if link >= 0]


def together(target):
    """The target and those of its paper."""
    return {other for other, doi in PAPER.items() if other == target or (doi and doi == PAPER[target])}


@pytest.mark.parametrize("known_size", [False, True], ids=["unknown", "known"])
def test_what_is_recorded_for_a_target_does_not_change_its_lists(make, checkpoint, known_size):
    """The leak test of the second stage: neither its own set nor its paper's change what a target's sets look like."""
    before = describe(make()[1], checkpoint, known_size=known_size)
    assert all(len(sets) > 1 for sets in before.values())
    noticed = 0
    for target in PAPER:
        after = describe(make(together(target))[1], checkpoint, known_size=known_size)
        assert after[target] == before[target], target
        noticed += before != after
    assert noticed == len(PAPER)


@pytest.mark.parametrize("leak", ["link statistics", "set statistics"])
def test_the_leak_test_of_the_second_stage_sees_leaks(make, checkpoint, monkeypatch, leak):
    def complements(self):
        for number in range(self.count):
            yield number, self.table

    found = []
    for changed in [set(), *({target} for target in PAPER)]:
        with monkeypatch.context() as patch:
            if leak == "link statistics":
                patch.setattr(TrainingFolds, "complements", complements)
            prepared = make(changed)[1]
        with monkeypatch.context() as patch:
            if leak == "set statistics":
                patch.setattr(TrainingFolds, "complements", complements)
            found.append(describe(prepared, checkpoint, known_size=False))
    before, *after = found
    assert not any(own[target] == before[target] for own, target in zip(after, PAPER, strict=True))


def test_links_are_judged_by_the_decoder_that_never_saw_the_target(make, checkpoint):
    _, prepared = make()
    before = cross_fitted_lists(prepared, checkpoint, None, 6).logits
    held_out = prepared.folds.targets % 2
    assert set(held_out) == {0, 1}
    pointer = prepared.link_statistics.offsets
    owner = torch.repeat_interleave(torch.arange(len(held_out)), pointer.diff()).numpy()
    for number, decoder in enumerate(checkpoint.model.decoders):
        final = list(decoder.parameters())[-1]
        with torch.no_grad():
            final += 1
        after = cross_fitted_lists(prepared, checkpoint, None, 6).logits
        with torch.no_grad():
            final -= 1
        assert after - before == pytest.approx((held_out[owner] == number).astype(float), abs=1e-5)


def test_networks_and_trees_learn_from_redox_features(make, checkpoint, tmp_path):
    options, prepared = make()
    training = RerankingConfig(epochs=1, candidates=6, temperature=1.0)
    trees = TreesConfig(n_trees=1, depth=1, min_samples_leaf=2)
    config = RunConfig(model=options, reranker=RerankerConfig(True, redox=True, trees=trees, training=training))
    whole, _ = train_reranker(config, prepared, checkpoint, folder=None, resume=False)
    save_checkpoint(whole, tmp_path)
    network = load_checkpoint(tmp_path).reranker.network
    names = set_features([REDOX])
    assert (network.groups, len(network.numbers_scale)) == ((REDOX,), len(names))
    # Scaled by the lists, whose sets differ in whether they take oxygen.
    assert 0 < float(network.numbers_shift[names.index("takes_oxygen")]) < 1
    assert torch.equal(network.networks[0].direct.weight, whole.reranker.network.networks[0].direct.weight)
    assert network.networks[0].direct.weight[0, len(SET_FEATURES) :].any()


@pytest.mark.parametrize("known_size", [False, True], ids=["unknown", "known"])
def test_lists_are_those_of_their_targets(make, checkpoint, known_size):
    _, prepared = make()
    cross = cross_fitted_lists(prepared, checkpoint, None, 6)
    found = cross.training_lists(torch.ones(len(prepared.graph.targets)), known_size=known_size)
    lists, right = found.features, found.recorded
    jobs, names = cross.jobs[known_size], list(prepared.graph.targets)
    assert len(lists) == len(jobs)
    assert {names[target].formula for target, _ in jobs} == set(PAPER)
    sets, _ = cross.plan(known_size=known_size)
    recorded = dict(zip(prepared.split.train.target_keys, prepared.split.train.set_keys, strict=True))
    protocol = PROTOCOLS["paper" if known_size else "open"]
    place = 0
    for (target, size), own in zip(jobs, sets, strict=True):
        assert 1 < len(own) <= 6
        for members in own:
            keys = {prepared.graph.precursors[member].key for member in members}
            assert bool(right[place]) == (keys == recorded[names[target].key])
            assert lists.sets[place, SET_FEATURES.index("size")] == len(members)
            assert size in (None, len(members))
            nodes = torch.tensor([target])
            found, link = cross.features.find(nodes, torch.tensor([members]))
            assert found.all()
            odds = lists.links[lists.members[place, : len(members)], -1].float()
            assert odds.numpy() == pytest.approx(cross.logits[link[0].numpy()], abs=1e-2)
            place += 1
        if known_size:
            assert size == len(recorded[names[target].key])
    assert place == len(right)
    assert right.sum() > 0
    assert protocol.constraints().foreign == known_size


@pytest.mark.parametrize("known_size", [False, True], ids=["unknown", "known"])
def test_only_links_that_may_be_used_compete(make, checkpoint, known_size):
    """As in planning: where the size is open, none that brings a foreign element."""
    _, prepared = make({"La2Li2TiO6"}, {"La2Li2TiO6": "La2O3;Li2TiO3"})
    cross = cross_fitted_lists(prepared, checkpoint, None, 6)
    jobs = cross.jobs[known_size]
    lists = learned_from(cross, known_size=known_size)
    sets, competing = cross.plan(known_size=known_size)
    columns = [SET_FEATURES.index(name) for name in ("opportunity_gap", "largest_opportunity_gap", "second_choices")]
    place, fewer = 0, 0
    for (target, _), own, links in zip(jobs, sets, competing, strict=True):
        node, related = prepared.graph.targets[target], cross.features.related(target)
        names = [prepared.graph.precursors[row] for row in cross.features.precursors[links].tolist()]
        odds = dict(zip((name.key for name in names), cross.logits[links], strict=True))
        others = {p.key: p for p in (prepared.graph.precursors[row] for row in related) if p.key != node.key}
        assert set(odds) == {key for key, precursor in others.items() if known_size or not foreign(precursor, node)}
        fewer += len(links) < len(others)
        for members in own:
            lost = []
            for element in source_elements(node):
                able = [odds[name.key] for name in names if element in source_elements(name)]
                chosen = [prepared.graph.precursors[member] for member in members]
                lost.append(max(able) - max(odds[p.key] for p in chosen if element in source_elements(p)))
            expected = [sum(lost), max(lost), sum(each > 1e-6 for each in lost)]
            assert lists.sets[place, columns].tolist() == pytest.approx(expected, rel=2e-3, abs=1e-4)
            place += 1
    assert (fewer > 0) != known_size


def foreign(precursor, target):
    return precursor.elements - target.elements - VOLATILE


def test_reaction_energies_are_those_of_the_embeddings(make, checkpoint):
    _, prepared = make()
    torch.manual_seed(1)
    head = EnergyHead(16, 8).eval()
    cross = cross_fitted_lists(prepared, checkpoint, head, 6)
    lists = learned_from(cross, known_size=False)
    plain = learned_from(cross_fitted_lists(prepared, checkpoint, None, 6), known_size=False)
    column = SET_FEATURES.index("energy")
    assert plain.sets[:, column].tolist() == [0] * len(plain.sets)
    assert torch.equal(lists.sets[:, :column], plain.sets[:, :column])
    graph, predictor = prepared.graph, Model(checkpoint)
    with torch.no_grad():
        of_targets, of_precursors = (
            head(predictor.embeddings(side)).numpy() for side in (graph.targets, graph.precursors)
        )
    jobs = cross.jobs[False]
    found_sets, _ = cross.plan(known_size=False)
    sets = [(target, members) for (target, _), own in zip(jobs, found_sets, strict=True) for members in own]
    for (target, members), found in zip(sets, lists.sets[:, column].tolist(), strict=True):
        row, place = np.zeros(1, dtype=int), np.arange(len(members))[None]
        used = [graph.precursors[member] for member in members]
        amounts, balance = balance_sets(SetBatch([graph.targets[target]], used, row, place))
        carbon, hydrogen = (balance[:, BALANCE.index(f"released_{symbol}")] for symbol in "CH")
        energies = of_precursors[list(members)][None]
        expected = reaction_energies(of_targets[[target]], energies, amounts, carbon, hydrogen)
        assert found == pytest.approx(expected[0], abs=5e-3)


def test_probable_sets_come_first_in_a_list(make, checkpoint):
    _, prepared = make()
    lists = learned_from(cross_fitted_lists(prepared, checkpoint, None, 6), known_size=False)
    for number in range(len(lists)):
        ranks = lists.sets[lists.offsets[number] : lists.offsets[number + 1], SET_FEATURES.index("log_rank")]
        assert ranks.tolist() == sorted(ranks.tolist())


def test_papers_that_report_many_targets_weigh_less(make):
    _, prepared = make()
    found = dict(zip(PAPER, publication_weights(prepared.split.train, prepared.graph).tolist(), strict=True))
    expected = dict.fromkeys(PAPER, 1.0) | dict.fromkeys(("LiCoO2", "LiMn2O4", "BaTiO3", "SrTiO3"), 2**-0.5)
    assert found == pytest.approx(expected)


def test_a_target_of_several_papers_weighs_as_by_the_smallest(make_table, make):
    _, prepared = make()
    rows = [("LiCoO2", "Li2CO3;Co3O4"), ("LiMn2O4", "LiOH;MnO2"), ("BaTiO3", "BaCO3;TiO2"), ("LiCoO2", "LiOH;Co3O4")]
    table = make_table(rows, doi=["a", "a", "a", "b"])
    graph = prepared.graph
    weights = publication_weights(table, prepared.graph)
    assert weights[graph.target_index[parse_formula("LiCoO2").key]] == 1
    assert weights[graph.target_index[parse_formula("BaTiO3").key]] == pytest.approx(3**-0.5)


def test_a_run_with_context_and_prior_is_reported_and_kept(two_stages, tmp_path, monkeypatch):
    monkeypatch.setattr(candidates, "library_candidates", lambda: library_candidates()[::50])
    monkeypatch.setattr(candidates, "plausible_precursors", lambda target: plausible_precursors(target)[::9])
    model = replace(two_stages.model, context="sage", candidate_prior="class")
    reranker = replace(two_stages.reranker, library=True)
    config = replace(two_stages, output=str(tmp_path / "run"), model=model, reranker=reranker)
    shown = []
    result = train_run(config, on_data=shown.append)
    assert "Messages come from" in str(shown[0])
    card = " ".join((tmp_path / "run" / "card.md").read_text().split())
    assert "the context `sage` and 2 `concat` decoders" in card
    assert "plus a constant for each class of candidate that no training reaction uses" in card
    # Fitted on precursors of one fold; the sign depends on the table.
    assert (abs(result.model.checkpoint.prior.offsets) > 1e-6).any()
    assert result.model.checkpoint.reranker is not None
    plan = result.model.plan("BaTiO3", literature=False)
    assert plan.sets
