from __future__ import annotations

import pytest
import torch

from rrgraph.baselines.sequential.model import NextMember, SequenceRows, SequenceTask
from rrgraph.training import LoopConfig

WIDTH = 6


@pytest.fixture
def module():
    torch.manual_seed(0)
    return NextMember(torch.randn(20, WIDTH), hidden=8, dropout=0.0).eval()


def rows():
    """Two targets; the first was made of two of three candidates, the second of its only one."""
    torch.manual_seed(1)
    candidates = torch.tensor([[0, 1, 2], [3, -1, -1]])
    bits = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    return SequenceRows(torch.randn(2, WIDTH), candidates, bits, torch.tensor([2, 1]))


def left(chosen):
    return (~chosen).nonzero(as_tuple=True)


def test_what_does_not_compete_gets_no_probability(module):
    given = rows()
    embeddings = torch.randn(2, 3, WIDTH)
    chosen = torch.tensor([[True, False, False], [False, False, False]])
    scored = ((given.candidates >= 0) & ~chosen).nonzero(as_tuple=True)
    logits = module(given.targets, embeddings, module.candidate(embeddings), given.bits, chosen, scored)
    assert torch.isneginf(logits).tolist() == [[True, False, False, False], [False, True, True, False]]


def test_the_order_of_the_chosen_members_and_candidates_does_not_matter(module):
    embeddings, bits = torch.randn(1, 4, WIDTH), torch.ones(1, 4, 2)
    chosen = torch.tensor([[True, False, True, False]])
    target, order = torch.randn(1, WIDTH), [2, 3, 0, 1]
    logits = module(target, embeddings, module.candidate(embeddings), bits, chosen, left(chosen))
    moved = embeddings[:, order]
    again = module(target, moved, module.candidate(moved), bits, chosen[:, order], left(chosen[:, order]))
    torch.testing.assert_close(again, logits[:, [*order, 4]])


def test_the_loss_is_that_of_whole_sequences_on_average(module):
    """Drawn often enough, it is the mean over rows and orders of what a sequence costs, for each step of it."""
    given, vocabulary = rows(), torch.randn(4, WIDTH)
    task = SequenceTask(module, vocabulary, given, None, LoopConfig())
    known = module.standardised(vocabulary)

    def logs(row, chosen):
        width = 3 if row == 0 else 1
        own = known[given.candidates[row : row + 1, :width]]
        mask = torch.zeros(1, width, dtype=torch.bool)
        mask[0, chosen] = True
        target, bits = module.standardised(given.targets[row : row + 1]), given.bits[row : row + 1, :width]
        return module(target, own, module.candidate(own), bits, mask, left(mask)).log_softmax(1)[0]

    with torch.no_grad():
        empty = logs(0, [])
        one = [empty[a] + logs(0, [a])[b] + logs(0, [0, 1])[3] for a, b in ((0, 1), (1, 0))]
        two = logs(1, [])[0] + logs(1, [0])[1]
        generator = torch.Generator().manual_seed(0)
        drawn = task.loss(torch.tensor([0, 1]).repeat(5000), generator)
    assert float(drawn) == pytest.approx(-float((one[0] + one[1]) / 2 + two) / 5, abs=0.03)
