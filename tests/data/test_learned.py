from __future__ import annotations

import numpy as np
import pytest

from rrgraph.data import LearnedReactions


def hashes(*values):
    return np.array(values, dtype=np.int64)


def test_rows_that_were_learned_are_recognised_in_any_spelling_and_order(make_table):
    learned = LearnedReactions.of(
        make_table([("BaTiO3", "BaCO3;TiO2"), ("BaTiO3", "BaO;TiO2"), ("LiCoO2", "Li2CO3;Co3O4")])
    )
    assert (len(learned.targets), len(learned.reactions)) == (2, 3)
    rows = make_table(
        [
            ("Ba2Ti2O6", "TiO2;BaCO3"),
            ("TiBaO3", "Ba(OH)2.8H2O;TiO2"),
            ("LiCoO2", "LiOH;Co3O4"),
            ("BaTi2O5", "BaCO3;TiO2"),
        ]
    )
    assert learned.has_targets(rows).tolist() == [True, True, True, False]
    assert learned.has_reactions(rows).tolist() == [True, False, False, False]


def test_hashes_stay_those_of_models_that_are_stored(make_table):
    learned = LearnedReactions.of(make_table([("BaTiO3", "BaCO3;TiO2")]))
    assert (learned.targets.tolist(), learned.reactions.tolist()) == ([8236423148646042521], [6978228024127339493])


def test_a_target_alone_is_no_reaction(make_table):
    learned = LearnedReactions.of(make_table([("NaCl", "Na;Cl2")]))
    assert not set(learned.targets.tolist()) & set(learned.reactions.tolist())
    nothing = LearnedReactions.of(make_table([]))
    assert nothing.has_targets(make_table([("NaCl", "Na;Cl2")])).tolist() == [False]


@pytest.mark.parametrize(
    ("targets", "reactions", "words"),
    [
        (hashes(2, 1), hashes(1, 2), "'targets' is not in ascending order"),
        (hashes(1, 2), hashes(1, 1), "'reactions' is not in ascending order"),
        (hashes(1, 2), hashes(1), "there are 1 reactions of 2 targets"),
        (hashes(1).astype(np.int32), hashes(1), "'targets' holds int32, expected int64"),
        (hashes(1), hashes(1)[:, None], "'reactions' has the shape"),
    ],
)
def test_arrays_that_cannot_be_hashes_are_refused(targets, reactions, words):
    with pytest.raises(ValueError, match=words):
        LearnedReactions(targets, reactions)
