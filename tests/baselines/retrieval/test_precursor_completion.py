from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.baselines.retrieval.precursor_completion import CompletionEncoder, _fill, _mask
from rrgraph.chem import parse_formula
from rrgraph.errors import DataError, ModelError

MATERIALS = [parse_formula(f) for f in ("LiCoO2", "Li2Co2O4", "BaTiO3", "YBa2Cu3O7", "Na3PS4", "H2O")]
CARBONATE, OXIDE, ZINC = (parse_formula(f) for f in ("BaCO3", "TiO2", "ZnO"))


@pytest.fixture(scope="module")
def encoder(small_table):
    return CompletionEncoder().fit(small_table, width=16, epochs=60)


def test_embeddings_have_length_one_and_no_spelling(encoder):
    embeddings = encoder.embed(MATERIALS)
    assert embeddings.shape == (6, 16)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(6))
    assert torch.equal(embeddings[0], embeddings[1])
    assert not torch.allclose(embeddings[0], embeddings[2])


def test_it_completes_what_it_learned(encoder):
    found = encoder.complete(parse_formula("BaTiO3"), [CARBONATE], top=1)
    assert found == [OXIDE]
    assert encoder.complete(parse_formula("BaTiO3"), [OXIDE], top=1) == [CARBONATE]


def test_what_is_known_is_not_proposed_and_what_is_unknown_says_nothing(encoder, small_table):
    target = parse_formula("BaTiO3")
    found = encoder.complete(target, [CARBONATE], top=1000)
    assert {each.key for each in found} == small_table.precursors().keys() - {CARBONATE.key}
    one, none = encoder.logits([target, target], [[ZINC], []])
    torch.testing.assert_close(one, none)


def test_logits_do_not_depend_on_the_batch_nor_the_order(encoder):
    known = [[CARBONATE, OXIDE], [OXIDE, CARBONATE], [], [ZINC], [OXIDE], []]
    together = encoder.logits(MATERIALS, known)
    for row, (material, part) in enumerate(zip(MATERIALS, known, strict=True)):
        torch.testing.assert_close(together[row], encoder.logits([material], [part])[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(together[row], encoder.logits([material], [part[::-1]])[0], rtol=1e-5, atol=1e-5)
    assert encoder.logits([], []).shape == (0, len(encoder.vocabulary))


def test_training_is_seeded_and_leaves_the_global_generator_alone(small_table):
    def embed(seed):
        return CompletionEncoder().fit(small_table, width=8, epochs=1, seed=seed).embed(MATERIALS)

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = embed(1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, embed(1))
    assert not torch.equal(first, embed(2))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_a_mask_hides_one_member_at_least_and_all_padding(sizes, seed):
    members = torch.full((len(sizes), max(sizes)), -1)
    for row, size in enumerate(sizes):
        members[row, :size] = torch.arange(size)
    masked = _mask(members, torch.Generator().manual_seed(seed))
    assert bool((masked & (members >= 0)).any(dim=1).all())
    assert bool(masked[members < 0].all())


def test_masks_show_and_hide_every_member_now_and_then():
    masked = _mask(torch.arange(3).expand(2000, 3), torch.Generator().manual_seed(0))
    hidden = masked.sum(dim=1).bincount(minlength=4) / 2000
    torch.testing.assert_close(hidden, torch.tensor([0.0, 1 / 3, 1 / 3, 1 / 3]), atol=0.04, rtol=0)
    torch.testing.assert_close(masked.float().mean(dim=0), torch.full((3,), 2 / 3), atol=0.04, rtol=0)


def test_members_that_are_not_shown_cannot_be_seen(encoder):
    """Otherwise the network would read what it is asked for."""
    network = encoder._fitted()
    embeddings = encoder.embed(MATERIALS[:1])
    masked = torch.tensor([[False, True, True]])
    first, second, third = (
        network.complete(embeddings, torch.tensor([members]), masked) for members in ([1, 2, 3], [1, 4, -1], [2, 2, 3])
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_covering_changes_members_alone():
    covered = _fill(torch.zeros(2, 4), torch.tensor([[1, -1], [0, 3]]), 7.0)
    assert covered.tolist() == [[0, 7, 0, 0], [7, 0, 0, 7]]


def test_it_needs_rows_and_fitting(small_table):
    with pytest.raises(DataError, match="without rows"):
        CompletionEncoder().fit(small_table.select([]))
    with pytest.raises(ModelError, match="not been fitted"):
        CompletionEncoder().embed(MATERIALS)
