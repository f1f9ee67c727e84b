from __future__ import annotations

import pytest
import torch

from rrgraph.baselines import CrabNetMultiLabel, MTEncoderMultiLabel
from rrgraph.errors import ModelError
from rrgraph.models import load_encoder


def encoder_weights(baseline):
    return baseline._network.encoder.state_dict()


def moved(baseline, source):
    return [name for name, tensor in encoder_weights(baseline).items() if not torch.equal(tensor, source[name])]


def test_mtencoder_starts_from_the_pretrained_weights_and_fine_tunes_them(small_table):
    pretrained = load_encoder().model.encoder.state_dict()
    still = MTEncoderMultiLabel(epochs=1, encoder_learning_rate=0.0).fit(small_table)
    assert moved(still, pretrained) == []
    tuned = MTEncoderMultiLabel(epochs=1).fit(small_table)
    assert "blocks.0.attention_in.weight" in moved(tuned, pretrained)
    for name, tensor in encoder_weights(tuned).items():
        assert (tensor - pretrained[name]).abs().max() < 0.01


def test_crabnet_starts_from_word_vectors_alone(small_table):
    encoder = CrabNetMultiLabel(width=32, encoder_layers=1, epochs=1, learning_rate=1e-6).fit(small_table)
    weights = encoder_weights(encoder)
    pretrained = load_encoder().model.encoder.state_dict()
    assert weights["element.weight"].shape == pretrained["element.weight"].shape
    assert not torch.equal(weights["element.weight"], pretrained["element.weight"])


def test_an_unknown_encoder_is_named(small_table):
    with pytest.raises(ModelError, match="no pretrained encoder 'encodr'"):
        MTEncoderMultiLabel(encoder="encodr").fit(small_table)
