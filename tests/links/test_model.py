from __future__ import annotations

import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.graph import FREQUENCY_FEATURES
from rrgraph.links import LinkModel, is_unseen
from rrgraph.nn import CompositionEncoder, FractionEncoder, ModelConfig


def build(**options):
    torch.manual_seed(0)
    return LinkModel(ModelConfig(width=16, layers=1, **options)).eval()


def pairs(number=5):
    torch.manual_seed(1)
    return torch.randn(number, 16), torch.randn(number, 16), torch.randn(number, len(FREQUENCY_FEATURES))


@pytest.mark.parametrize("members", [1, 3])
def test_log_odds_are_the_mean_of_the_decoders(members):
    model, (targets, precursors, given) = build(n_decoders=members, statistics=True), pairs()
    each = model.member_logits(targets, precursors, given)
    assert each.shape == (members, 5)
    for decoder, own in zip(model.decoders, each, strict=True):
        assert torch.equal(own, decoder(targets, precursors, given))
    assert torch.allclose(model(targets, precursors, given), each.mean(0))
    # Decoders start from weights of their own.
    assert all(not torch.allclose(each[0], other) for other in each[1:])


def test_statistics_are_scaled_before_decoding():
    model, (targets, precursors, given) = build(statistics=True), pairs()
    before = model(targets, precursors, given)
    shifted = given * 3 + 7
    model.standardise(torch.cat([given.mean(0) - given.std(0), given.mean(0) + given.std(0)]).view(2, -1) * 3 + 7)
    assert model.scale == pytest.approx(3 * given.std(0), rel=1e-4)
    assert not torch.allclose(before, model(targets, precursors, given))
    plain = build(statistics=True)
    scaled = (given - given.mean(0)) / given.std(0)
    assert torch.allclose(model(targets, precursors, shifted), plain(targets, precursors, scaled), atol=1e-4)


def test_constant_statistics_are_not_blown_up():
    model = build(statistics=True)
    model.standardise(torch.ones(4, len(FREQUENCY_FEATURES)))
    targets, precursors, _ = pairs()
    assert model(targets, precursors, torch.ones(5, len(FREQUENCY_FEATURES)) + 1e-4).abs().max() < 100


def test_a_model_without_statistics_takes_none():
    targets, precursors, _ = pairs()
    assert build()(targets, precursors).shape == (5,)
    assert build().shift.shape == (0,)


def test_no_decoder_is_refused():
    with pytest.raises(ConfigError, match=r"model\.n_decoders=0 must be at least 1"):
        build(n_decoders=0)


def test_the_encoder_is_what_the_configuration_says():
    assert isinstance(LinkModel(ModelConfig(width=16)).encoder, CompositionEncoder)
    assert isinstance(LinkModel(ModelConfig(width=16, encoder="fractions")).encoder, FractionEncoder)


def test_candidates_that_could_be_used_and_never_were_are_unseen():
    given = torch.ones(5, len(FREQUENCY_FEATURES))
    used, shared = (FREQUENCY_FEATURES.index(name) for name in ("used", "shared"))
    given[:, used] = torch.tensor([0.0, 0.0, 1.0, 2.0, 0.0])
    given[:, shared] = torch.tensor([1.0, 0.0, 1.0, 1.0, 2.0])
    assert is_unseen(given).tolist() == [True, False, False, False, True]


def test_decoders_take_states_of_their_own():
    model, (targets, precursors, given) = build(n_decoders=2, statistics=True), pairs()
    states = torch.stack([targets, targets + 1])
    own = model.member_logits(states, precursors, given)
    for number, decoder in enumerate(model.decoders):
        assert torch.equal(own[number], decoder(states[number], precursors, given))
