from __future__ import annotations

import numpy as np
import pytest

from rrgraph.models import fit_unseen


def test_the_constant_makes_unseen_links_as_probable_as_they_are():
    draw = np.random.default_rng(0)
    logits = draw.normal(-2, 1.5, 20_000)
    unseen = np.arange(len(logits)) % 4 == 0
    recorded = draw.random(len(logits)) < 1 / (1 + np.exp(-logits))
    # The decoders think too little of unseen candidates, and too much of all.
    assert fit_unseen(logits - 1.3 * unseen + 0.4, unseen, recorded) == pytest.approx(1.3, abs=0.1)


@pytest.mark.parametrize("unseen", [[False] * 4, [True] * 4, [True, False, False, False], [False, True, False, False]])
def test_without_both_outcomes_in_both_groups_there_is_no_constant(unseen):
    assert fit_unseen(np.zeros(4), np.array(unseen), np.array([True, False, True, False])) == 0
