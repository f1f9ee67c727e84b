from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from rrgraph.chem import VOLATILE, anhydrous, parse_formula, plausible_precursors, source_elements
from rrgraph.data import LinkBatch, load_table
from rrgraph.graph import FREQUENCY_FEATURES, FrequencyFeatures
from rrgraph.links import LinkModel
from rrgraph.models import CANDIDATE_CLASSES, CandidatePrior, LinkCheckpoint, Model, candidate_classes
from rrgraph.models.candidate_prior import OFFSET
from rrgraph.reranking.features import SET_FEATURES
from rrgraph.runs import DataConfig, RunConfig, candidates
from rrgraph.runs.candidates import fit_prior, prior_logits, with_library
from rrgraph.runs.data import prepare
from rrgraph.runs.reranker import cross_fitted_lists

ROWS = [
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("LiMn2O4", "LiOH;MnO2"),
    ("BaTiO3", "BaCO3;TiO2"),
    ("Ba2TiO4", "BaO2;TiO2"),
    ("SrTiO3", "SrCO3;Ti2O3"),
    ("LaMnO3", "La2O3;MnO2"),
    ("LaCoO3", "La(OC2H5)3;CoCO3"),
    ("La2Li2TiO6", "La2Ti2O7;Li2CO3"),
    ("Li2TiO3", "LiOH;TiO2"),
    ("BaMnO3", "BaCO3;Mn3O4"),
    ("SrCoO3", "SrO2;Co3O4"),
    ("LiLaTiO4", "La(CH3COO)3;Li4TiO4"),
]
LIBRARY = "BaCO3 BaO BaO2 BaTe La(OC2H5)3 BaTiO3 Ba(NO3)2 SrO SrO2 Li2O Li2O2 LiMnO4 LaCoO3 Co Co(OH)2 Ti TiN LiF Mn2O3"
"""Some are in the textbook, have a CAS number, or lie between a target and its precursors; some fit no target."""


@pytest.fixture(scope="module", autouse=True)
def library():
    """The library is a short one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "library_candidates", lambda: [parse_formula(text) for text in LIBRARY.split()])
        yield


@pytest.fixture(scope="module")
def make(make_table, tmp_path_factory):
    """Return a function that prepares the rows, perhaps with another set for a target."""
    folder = tmp_path_factory.mktemp("candidates")

    def make(**changed):
        rows = [(target, changed.get(target, members)) for target, members in ROWS]
        (folder / "pool.txt").write_text("\n".join([*";".join(members for _, members in ROWS).split(";"), "BaO"]))
        make_table(rows).write(folder / "table.csv")
        config = RunConfig(data=DataConfig(str(folder / "table.csv"), split="all", pool=str(folder / "pool.txt")))
        config.model = replace(config.model, statistics=True, n_decoders=2, width=16, layers=1, candidate_prior="class")
        return config.model, prepare(config)

    return make


@pytest.fixture(scope="module")
def prepared(make):
    return make()[1]


@pytest.fixture(scope="module")
def whole(prepared):
    """The data with the library."""
    return with_library(prepared)


@pytest.fixture(scope="module")
def checkpoint(make, prepared):
    """A model with random weights, that knows nothing of any label."""
    torch.manual_seed(0)
    model = LinkModel(make()[0]).eval()
    model.standardise(prepared.link_statistics.features.float())
    return LinkCheckpoint(model, prepared.graph.precursors, prepared.counts, prepared.statistics)


def described(checkpoint, **options):
    config = replace(checkpoint.model.config, **options)
    model = LinkModel(config).eval()
    model.load_state_dict(checkpoint.model.state_dict())
    return replace(checkpoint, model=model)


def links_of(prepared):
    """Yield target and precursor node of every link."""
    statistics = prepared.link_statistics
    for target in range(len(prepared.graph.targets)):
        for precursor in statistics.related(target).tolist():
            yield target, precursor


def is_considered(target, candidate):
    """Whether a planner would consider a candidate, by the words of the documentation."""
    related = source_elements(target) & candidate.elements
    return bool(related) and candidate.elements - VOLATILE <= target.elements and candidate.key != target.key


def test_library_candidates_are_further_nodes_with_links_that_may_be_used(prepared, whole):
    library = whole
    known, new = prepared.graph.precursors, library.graph.precursors[len(prepared.graph.precursors) :]
    assert library.graph.precursors[: len(known)] == known
    assert library.graph.targets == prepared.graph.targets
    assert [each.formula for each in new] == [
        formula for formula in LIBRARY.split() if parse_formula(formula).key not in prepared.graph.precursor_index
    ]
    expected = {
        (target, place + len(known))
        for target, made in enumerate(library.graph.targets)
        for place, candidate in enumerate(new)
        if source_elements(made) & candidate.elements and candidate.elements - VOLATILE <= made.elements
    }
    assert list(links_of(library)) == sorted({*links_of(prepared), *expected})
    assert len(expected) > 20


def test_features_of_known_links_stay_and_those_of_others_are_of_a_candidate_never_used(prepared, whole):
    library = whole
    before = dict(zip(links_of(prepared), prepared.link_statistics.features.tolist(), strict=True))
    counted = {
        fold: FrequencyFeatures.fit(table, tuple(table.precursors().values()))
        for fold, table in prepared.folds.complements()
    }
    for (target, node), features in zip(links_of(library), library.link_statistics.features, strict=True):
        if (target, node) in before:
            assert features.tolist() == before[target, node]
            continue
        link = LinkBatch.grid([library.graph.targets[target]], [library.graph.precursors[node]])
        expected = counted[prepared.folds.targets[target]].features(link)[0]
        assert features.float().numpy() == pytest.approx(expected, rel=1e-3, abs=1e-3)
        assert features[FREQUENCY_FEATURES.index("used")] == 0


def naive_prior(prepared, checkpoint):
    """Return the offsets by loops over all targets and all that can be their candidates."""
    textbook, model = load_table("textbook"), Model(checkpoint)
    found = {group: [] for group in range(-1, len(CANDIDATE_CLASSES))}
    recorded = {(target.key, key) for target, keys in prepared.split.train.distinct_reactions() for key in keys}
    for fold, table in prepared.folds.complements():
        targets = [t for t, own in zip(prepared.graph.targets, prepared.folds.targets, strict=True) if own == fold]
        systems = {"-".join(sorted(target.elements)) for target in targets}
        used = table.precursors()
        others = [number for number, of in enumerate(textbook.targets) if "-".join(sorted(of.elements)) not in systems]
        in_textbook = textbook.select(others).precursors()
        counted = FrequencyFeatures.fit(table, tuple(used.values()))
        listed = {parse_formula(text).key: parse_formula(text) for text in LIBRARY.split()}
        for target in targets:
            made_up = {each.key: each for each in plausible_precursors(target)}
            pool = {each.key: each for each in prepared.graph.precursors} | listed | made_up
            considered = [each for each in pool.values() if is_considered(target, each)]
            links = LinkBatch.grid([target], considered)
            unseen = np.array([each.key not in used for each in considered])
            groups = np.where(unseen, candidate_classes(considered, textbook=in_textbook), -1)
            sides = model.embeddings([target]).expand(len(considered), -1), model.embeddings(considered)
            with torch.no_grad():
                features = torch.from_numpy(counted.features(links)).half().float()
                logits = checkpoint.model.member_logits(*sides, features)[fold % 2]
            for candidate, group, logit in zip(considered, groups, logits.tolist(), strict=True):
                # The library is a short one here.
                lists = made_up if group == 4 else {**listed, **prepared.graph.precursor_index}
                if group < 0 or candidate.key in lists:
                    found[group].append((logit, (target.key, candidate.key) in recorded))

    def offset(group, base):
        values = np.array(found[group], dtype=float).reshape(-1, 2)
        return brentq(
            lambda x: (1 / (1 + np.exp(-values[:, 0] - base - x))).sum() + x / 4 - values[:, 1].sum(), -15, 15
        )

    seen = offset(-1, 0)
    return np.array([offset(group, seen) for group in range(len(CANDIDATE_CLASSES))]), found


@pytest.fixture(scope="module")
def fitted(prepared, checkpoint):
    return fit_prior(prepared, checkpoint).offsets


def test_the_prior_is_that_of_a_naive_count(prepared, checkpoint, fitted):
    expected, links = naive_prior(prepared, checkpoint)
    assert fitted[1:] == pytest.approx(expected[1:], abs=0.02)
    assert all(any(each for _, each in of) for group, of in links.items() if group)  # of every class some are recorded


def test_what_few_targets_stand_for_is_weighted(prepared, checkpoint, fitted, monkeypatch):
    monkeypatch.setattr(candidates, "_DRAWN", 7)
    drawn = fit_prior(prepared, checkpoint).offsets
    assert (drawn[:4] == fitted[:4]).all()
    assert 1e-6 < abs(drawn[4] - fitted[4]) < 1


def test_one_constant_is_that_of_the_training_precursors(prepared, checkpoint, fitted):
    found = fit_prior(prepared, described(checkpoint, candidate_prior="unseen")).offsets
    assert len(set(found)) == 1
    assert fitted[0] == found[0] / 2
    logits = prior_logits(prepared, checkpoint, *embeddings(prepared, checkpoint))
    counts, unseen = prepared.counts, prepared.link_statistics.features[:, FREQUENCY_FEATURES.index("used")] == 0
    used = np.array([counts[node] > 0 for _, node in links_of(prepared)])
    assert not used.all()
    recorded = {(t.key, key) for t, keys in prepared.split.train.distinct_reactions() for key in keys}
    graph = prepared.graph
    hits = np.array([(graph.targets[t].key, graph.precursors[p].key) in recorded for t, p in links_of(prepared)])
    classes = np.where(unseen.numpy(), 0, -1)
    expected = CandidatePrior.fit(logits[used], classes[used], hits[used]).offsets[0]
    assert found[0] == pytest.approx(expected, abs=1e-9)


def embeddings(prepared, checkpoint):
    model = Model(checkpoint)
    return model.embeddings(prepared.graph.targets), model.embeddings(prepared.graph.precursors)


def with_prior(checkpoint, value=2.0):
    return replace(checkpoint, prior=CandidatePrior((np.arange(5.0) + 1) * value))


def test_logits_of_training_links_have_the_prior(whole, checkpoint):
    library = whole
    sides = embeddings(library, checkpoint)
    plain = prior_logits(library, checkpoint, *sides)
    prior = with_prior(checkpoint)
    listed = prior_logits(library, prior, *sides) - plain
    added = prior_logits(library, prior, *sides, library=True) - plain
    assert ((listed > 0) == (added > 0)).all() and set(listed.round(6)) == {0, 2}
    unseen = (library.link_statistics.features[:, FREQUENCY_FEATURES.index("used")] == 0).tolist()
    for (target, node), is_new, value in zip(links_of(library), unseen, added, strict=True):
        link = LinkBatch.grid([library.graph.targets[target]], [library.graph.precursors[node]])
        if not is_new:
            assert value == 0
            continue
        (group,) = candidate_classes(link.candidates)
        if group == 4:  # in no list but that of the rows
            assert value == pytest.approx(2)
        elif group > 1:
            assert value == pytest.approx(2 + 2 * group)
        else:  # what the textbook says of the target is not known to its fold
            assert round(value) in (4, 6, 8)
    assert set(added.round(6)) == {0, 2, 4, 6, 8}


def test_without_a_prior_by_class_the_library_is_discounted_as_in_use(whole, checkpoint):
    library, plain = whole, described(checkpoint, candidate_prior="none")
    sides = embeddings(library, plain)
    added = prior_logits(library, plain, *sides, library=True) - prior_logits(library, plain, *sides)
    where = {
        (library.graph.targets[target].formula, library.graph.precursors[node].formula)
        for (target, node), value in zip(links_of(library), added, strict=True)
        if value
    }
    assert set(added.round(9)) == {0, OFFSET}
    assert ("Ba2TiO4", "BaTiO3") in where and ("BaTiO3", "BaO") not in where


def test_lists_hold_library_candidates_if_they_are_asked_for(prepared, checkpoint):
    prior = with_prior(checkpoint, 0.2)
    found = {}
    for library in (False, True):
        lists = cross_fitted_lists(prepared, prior, None, 12, library=library)
        names = [each.formula for each in lists.graph.precursors]
        sets, _ = lists.plan(known_size=False)
        found[library] = {names[member] for own in sets for members in own for member in members}
        described = lists.training_lists(torch.ones(len(sets)), known_size=False)
        assert len(described.features.sets) == sum(map(len, sets))
        assert described.recorded.any()
    assert "BaTe" not in found[True]
    further = found[True] - {each.formula for each in prepared.graph.precursors}
    assert further and further <= set(LIBRARY.split())
    assert found[False] <= {each.formula for each in prepared.graph.precursors}


def test_unseen_members_of_lists_are_counted(prepared, checkpoint):
    lists = cross_fitted_lists(prepared, with_prior(checkpoint, 0.2), None, 12, library=True)
    sets, _ = lists.plan(known_size=False)
    features = lists.training_lists(torch.ones(len(sets)), known_size=False).features
    seen = {fold: table.precursors() for fold, table in prepared.folds.complements()}
    expected = [
        sum(lists.graph.precursors[member].key not in seen[fold] for member in members)
        for fold, own in zip(prepared.folds.targets, sets, strict=True)
        for members in own
    ]
    assert features.sets[:, SET_FEATURES.index("unseen")].tolist() == expected


def what_is_learned(prepared, checkpoint):
    """Return the logits of the links of each target with the library, by formulas, and the classes of candidates."""
    library = with_library(prepared)
    logits = prior_logits(library, checkpoint, *embeddings(library, checkpoint), library=True)
    classes = candidates._classes(library)
    found: dict[str, set] = {}
    for (target, node), *values in zip(links_of(library), logits.round(3), classes, strict=True):
        found.setdefault(library.graph.targets[target].formula, set()).add(
            (library.graph.precursors[node].formula, *values)
        )
    return found


CHANGES = {"LiLaTiO4": "La2O3;Li4TiO4", "BaTiO3": "BaO;TiO2"}


@pytest.mark.parametrize("target", CHANGES)
def test_what_is_recorded_for_a_target_changes_neither_its_logits_nor_its_classes(make, prepared, checkpoint, target):
    prior = with_prior(checkpoint)
    before, after = (what_is_learned(data, prior) for data in (prepared, make(**{target: CHANGES[target]})[1]))
    assert after[target] == before[target]
    assert before != after


def test_the_textbook_says_nothing_of_the_systems_of_a_fold(prepared, monkeypatch):
    """Were the training rows those of the textbook, their own precursors would tell what they are made from."""
    monkeypatch.setattr(candidates, "load_table", lambda name: prepared.split.train)
    classes = candidates._classes(prepared)
    assert (classes >= 0).any()
    assert 1 not in classes


def test_a_salt_and_its_hydrates_are_one_candidate(prepared, monkeypatch):
    """Lists name candidates by their index among the dry ones."""
    names = "BaCl2·2H2O BaCl2 Ba(OH)2·8H2O K2Sn(OH)6 SrO2·8H2O"
    monkeypatch.setattr(candidates, "library_candidates", lambda: [parse_formula(text) for text in names.split()])
    found = [anhydrous(each).key for each in with_library(prepared).graph.precursors]
    assert len(set(found)) == len(found)


def test_fitting_needs_no_link_of_every_class(prepared, checkpoint, monkeypatch):
    monkeypatch.setattr(candidates, "library_candidates", list)
    offsets = fit_prior(prepared, checkpoint).offsets
    assert np.isfinite(offsets).all()
    assert offsets[4] < 0
