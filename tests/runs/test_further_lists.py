from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.chem import Atmosphere, element_system, parse_formula
from rrgraph.data import LearnedReactions
from rrgraph.errors import ConfigError
from rrgraph.links import LinkModel
from rrgraph.models import LinkCheckpoint
from rrgraph.reranking import ListwiseNetwork, RerankingConfig, publication_weights, set_features
from rrgraph.reranking.features import SET_FEATURES
from rrgraph.runs import DataConfig, RerankerConfig, RunConfig
from rrgraph.runs.data import prepare
from rrgraph.runs.further_lists import FurtherLists, _jobs
from rrgraph.runs.reranker import _LISTED, cross_fitted_lists, train_reranker
from rrgraph.training import TreesConfig
from rrgraph.util.config import set_values
from rrgraph.util.settings import check

from . import rows as reactions

ROWS = [row for row in reactions.ROWS if row[0] not in ("La2Li2TiO6", "SrCoO3")]
# Of a known system with another set, with an unseen precursor, of a new system; in three atmospheres.
FURTHER = [
    ("BaTiO3", "BaO;TiO2", "vacuum"),
    ("BaTiO3", "BaCO3;TiO2", "air"),
    ("SrTiO3", "SrO2;TiO2", "Ar"),
    ("SrMnO3", "SrCO3;MnO2", None),
]
CANDIDATES = 8


@pytest.fixture(autouse=True)
def small_library(monkeypatch):
    """The library has thousands of compounds, which take seconds to embed."""
    compounds = [parse_formula(text) for text in ("SrO", "Sr(OH)2", "Mn2O3", "MnCO3", "BaO2", "Ti2O3", "TiN")]
    monkeypatch.setattr("rrgraph.runs.further_lists.library_candidates", lambda: compounds)


@pytest.fixture(scope="module")
def make(make_table, tmp_path_factory):
    """Return a function that prepares a run on the rows, with other sets for some targets, and further tables."""
    folder = tmp_path_factory.mktemp("further")

    def make(changed=(), further=FURTHER, context="none", **options):
        rows = [(target, dict(changed).get(target, members)) for target, members, _ in ROWS]
        make_table(rows, doi=[doi for *_, doi in ROWS]).write(folder / "table.csv")
        pool = sorted({each for _, members, _ in ROWS for each in members.split(";")})
        (folder / "pool.txt").write_text("\n".join(pool))
        columns = {"atmosphere": [row[2] for row in further]}
        make_table([row[:2] for row in further], **columns).write(folder / "further.csv")
        options = {"further_tables": {str(folder / "further.csv"): 3.0}} | options
        training = RerankingConfig(epochs=1, candidates=CANDIDATES, temperature=1.0)
        config = RunConfig(
            data=DataConfig(str(folder / "table.csv"), split="all", pool=str(folder / "pool.txt")),
            reranker=RerankerConfig(True, training=training, **options),
        )
        config.model = replace(config.model, statistics=True, n_decoders=2, width=16, layers=1, context=context)
        return config, prepare(config)

    return make


def untrained(config, prepared):
    """A model with random weights, that knows nothing of any label."""
    torch.manual_seed(0)
    model = LinkModel(config.model).eval()
    model.standardise(prepared.link_statistics.features.float())
    counts = prepared.counts, prepared.statistics
    return LinkCheckpoint(model, prepared.graph.precursors, *counts, context=prepared.context)


@pytest.fixture(scope="module")
def checkpoint(make):
    return untrained(*make())


def further_lists(config, prepared, checkpoint, **options):
    return FurtherLists(prepared, checkpoint, config.reranker, energy=None, rules=_LISTED, **options)


def described(lists):
    """Return of each list the features of its sets and of their links, and which are recorded, in one order."""
    found = []
    for start, stop in zip(lists.features.offsets.tolist(), lists.features.offsets.tolist()[1:], strict=False):
        rows = torch.cat([lists.features.flat(), lists.recorded[:, None]], dim=1)[start:stop]
        found.append(sorted(rows.tolist()))
    return found


@pytest.mark.parametrize(("known_size", "context"), [(False, "none"), (True, "none"), (False, "sage")])
def test_training_rows_as_a_further_table_have_their_cross_fitted_lists(make, known_size, context):
    config, prepared = make(further=[(target, members, None) for target, members, _ in ROWS], context=context)
    checkpoint = untrained(config, prepared)
    further = further_lists(config, prepared, checkpoint, candidates=prepared.graph.precursors)
    found = further.training_lists()[known_size]
    cross = cross_fitted_lists(prepared, checkpoint, None, CANDIDATES)
    ones = torch.ones(len(prepared.graph.targets))
    expected = cross.training_lists(ones, known_size=known_size)
    folds = prepared.folds.targets[[target for target, _ in cross.jobs[known_size]]]
    wanted = [described(expected)[place] for place in np.argsort(folds, kind="stable")]
    assert len(wanted) == len(ROWS)
    for own, other in zip(described(found), wanted, strict=True):
        # Frequencies of training links are kept in 16 bits.
        assert np.array(own) == pytest.approx(np.array(other), abs=0.03)
    assert found.recorded.sum() == expected.recorded.sum() > 0
    assert found.weights.tolist() == [3.0] * len(ROWS)


def test_papers_with_many_rows_weigh_less(make, make_table, tmp_path, checkpoint):
    _, prepared = make()
    table = make_table([row[:2] for row in ROWS], doi=[row[2] for row in ROWS])
    (further,) = prepared.further
    prepared = replace(prepared, further=(replace(further, table=table),))
    config, _ = make()
    lists = further_lists(config, prepared, checkpoint).training_lists()[False]
    weights = publication_weights(table, prepared.graph)
    assert sorted(lists.weights.tolist()) == pytest.approx(sorted((3 * weights).tolist()))


OTHERWISE = {"BaTiO3": "BaO;TiO2", "SrTiO3": "SrCO3;BaCO3;TiO2"}


@pytest.mark.parametrize("target", OTHERWISE)
def test_what_training_rows_record_for_a_system_does_not_change_its_lists(make, checkpoint, target):
    """Their paper is the same, so that both change."""
    before, after = ([], [])
    for found, changed in ((before, {}), (after, OTHERWISE)):
        config, prepared = make(changed)
        further = further_lists(config, prepared, checkpoint, candidates=prepared.graph.precursors)
        for fold, complement, jobs in further._of_folds(
            [job for size in (False, True) for job in jobs_of(config, prepared, size) if job.target.formula == target]
        ):
            found += [fold, sets_of(further._lists(fold, complement, jobs))]
    assert before[1]
    assert before == after


def jobs_of(config, prepared, known_size=False):
    atmospheres = config.reranker.atmosphere
    jobs = _jobs(prepared.further, prepared.split.train, atmospheres=atmospheres)
    return [job for job in jobs if job.known_size == known_size]


def sets_of(made):
    return sorted(made["False_sets"].tolist())


def test_a_model_of_a_fold_knows_nothing_of_its_systems(make, checkpoint):
    config, prepared = make()
    further = further_lists(config, prepared, checkpoint)
    folds, decoders = prepared.folds, checkpoint.model.decoders
    for fold, complement in folds.complements():
        own = {system for system, number in folds.systems.items() if number == fold}
        model = further.held_out_model(fold, complement, own)
        held_out = decoders[fold % len(decoders)]
        (decoder,) = model.checkpoint.model.decoders
        assert all(torch.equal(a, b) for a, b in zip(decoder.parameters(), held_out.parameters(), strict=True))
        assert {each.key for each in model.vocabulary} == set(complement.precursors())
        other = next(system for system, number in folds.systems.items() if number % 2 != fold % 2)
        with pytest.raises(AssertionError):
            further.held_out_model(fold, complement, {other})
        with pytest.raises(AssertionError):
            further.held_out_model(fold, prepared.split.train, own)


def test_unseen_precursors_and_new_systems_have_their_place(make, checkpoint):
    config, prepared = make()
    further = further_lists(config, prepared, checkpoint)
    jobs = jobs_of(config, prepared)
    assert {element_system(job.target) for job in jobs} - set(prepared.folds.systems) == {"Mn-O-Sr"}
    names = [parse_formula(text).key for text in ("SrO2", "Mn2O3", "SrO")]
    assert set(names) <= {each.key for each in further.candidates}  # of the further table, training, the library
    lists = further.training_lists()[False]
    assert len(lists.features) == len(lists.weights) == len(jobs) == 3
    assert len(lists.recorded) == len(lists.features.sets) == 3 * CANDIDATES
    unseen = lists.features.sets[:, SET_FEATURES.index("unseen")]
    assert bool((unseen > 0).any())
    # Of the training rows too, where the atmosphere is not known.
    of_target = next(job for job in jobs if job.target.formula == "BaTiO3")
    assert of_target.recorded == {
        frozenset(parse_formula(each).key for each in members) for members in (("BaO", "TiO2"), ("BaCO3", "TiO2"))
    }


def test_a_known_atmosphere_has_lists_of_its_own(make, checkpoint):
    config, prepared = make(atmosphere=True)
    jobs = jobs_of(config, prepared)
    found = {(job.target.formula, job.atmosphere): len(job.recorded) for job in jobs}
    assert found == {
        ("BaTiO3", None): 2,
        ("BaTiO3", Atmosphere.VACUUM): 1,
        ("BaTiO3", Atmosphere.AIR): 1,
        ("SrTiO3", None): 2,
        ("SrTiO3", Atmosphere.INERT): 1,
        ("SrMnO3", None): 1,
    }
    lists = further_lists(config, prepared, checkpoint).training_lists()[False]
    names = set_features(config.reranker.groups)
    given = torch.stack([lists.features.sets[:, names.index(f"in_{each}")] for each in ("vacuum", "air", "inert")])
    assert given.sum(1).tolist() == [CANDIDATES] * 3
    assert given.sum(0).unique().tolist() == [0, 1]


def test_the_reranker_learns_from_further_tables(make, checkpoint):
    config, prepared = make(trees=TreesConfig(n_trees=0))
    whole, _ = train_reranker(config, prepared, checkpoint, folder=None, resume=False)
    cross, ones = cross_fitted_lists(prepared, checkpoint, None, CANDIDATES), torch.ones(len(ROWS))
    further = further_lists(config, prepared, checkpoint)
    both = [
        made.features.sets
        for size in (False, True)
        for made in (cross.training_lists(ones, known_size=size), further.training_lists()[size])
    ]
    assert torch.equal(whole.reranker.network.numbers_shift, torch.cat(both).float().mean(0))


def test_lists_are_made_once(make, checkpoint, tmp_path, monkeypatch):
    config, prepared = make(atmosphere=True)
    expected = further_lists(config, prepared, checkpoint).training_lists(folder=tmp_path)
    monkeypatch.setattr(FurtherLists, "_lists", lambda *_: pytest.fail("lists are made again"))
    found = further_lists(config, prepared, checkpoint).training_lists(folder=tmp_path)
    for own, other in zip(found, expected, strict=True):
        assert described(own) == described(other)
        assert torch.equal(own.weights, other.weights)


def test_the_reranker_knows_the_atmospheres_it_learned_from(make, checkpoint):
    config, prepared = make(atmosphere=True, trees=TreesConfig(n_trees=0))
    whole, _ = train_reranker(config, prepared, checkpoint, folder=None, resume=False)
    network, names = whole.reranker.network, set_features(config.reranker.groups)
    assert network.atmospheres == (Atmosphere.AIR, Atmosphere.INERT, Atmosphere.VACUUM)
    column = names.index("in_vacuum")
    assert (float(network.numbers_shift[column]), float(network.numbers_scale[column])) == (0, 1)
    assert ListwiseNetwork(config.reranker.model).atmospheres == ()


@pytest.mark.parametrize(("by", "left_out"), [("system", 3), ("target", 2), ("nothing", 0)])
def test_rows_that_resemble_held_out_ones_are_left_out(make, make_table, tmp_path, by, left_out):
    make_table([("BaTiO3", "BaO;TiO2"), ("Sr2TiO4", "SrO;TiO2")]).write(tmp_path / "holdout.csv")
    config, _ = make()
    config.data = replace(config.data, holdout=str(tmp_path / "holdout.csv"), held_out_by=by)
    prepared = prepare(config)
    (further,) = prepared.further
    assert (further.left_out, len(further.table)) == (left_out, 4 - left_out)
    assert f"{4 - left_out} rows for the re-ranker, {left_out} left out" in str(prepared)
    assert prepared.learned.has_reactions(further.table).all()
    config.data = replace(config.data, further_tables=list(config.reranker.further_tables))
    trained = prepare(config)
    assert len(trained.split.train) == len(prepared.split.train) + 4 - left_out
    assert trained.split.report.removed["further row that resembles a held-out one"] == left_out
    assert trained.split.report.rows["train"] == len(trained.split.train)
    known = {each.formula for each in trained.graph.precursors}
    assert ("SrO2" in known) == (by != "system")  # it makes SrTiO3
    assert LearnedReactions.of(trained.split.train).has_reactions(further.table).all()


def test_what_cannot_be_learned_from_is_refused(make, make_table, tmp_path):
    make_table([row[:2] for row in FURTHER]).write(tmp_path / "holdout.csv")
    config, prepared = make()
    assert any(name.startswith("rows of ") for name in prepared.contents())
    config.data = replace(config.data, holdout=str(tmp_path / "holdout.csv"))
    with pytest.raises(ConfigError, match="no rows that may be learned from"):
        prepare(config)
    with pytest.raises(ConfigError, match=r"reranker.further_tables.textbook is -1.0, expected a weight of more than"):
        check(set_values(config, {"reranker.further_tables": {"textbook": -1}}))
    with pytest.raises(ConfigError, match=r"reranker.atmosphere=true needs reranker.further_tables"):
        check(set_values(RunConfig(), {"reranker.atmosphere": True}))
