from __future__ import annotations

import pytest
import torch

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, parse_formula
from rrgraph.graph import featurise
from rrgraph.nn import DeepSetsEncoder, EncoderConfig, FractionEncoder

CONFIG = EncoderConfig(width=12, layers=2, dropout=0.0)


def refined(encoder, states):
    for block in encoder.blocks:
        states = states + block(states)
    return encoder.norm(states)


def test_the_fraction_encoder_reads_fractions_alone():
    torch.manual_seed(0)
    encoder = FractionEncoder(CONFIG).eval()
    formulas = ("BaTiO3", "Fe2O3")
    vectors = torch.zeros(2, len(ELEMENTS))
    for row, text in enumerate(formulas):
        for symbol, fraction in parse_formula(text).fractions.items():
            vectors[row, ATOMIC_NUMBERS[symbol] - 1] = fraction
    found = encoder(*featurise([parse_formula(text) for text in formulas]))
    assert torch.allclose(found, refined(encoder, encoder.project(vectors)), atol=1e-6)


def test_deep_sets_add_up_over_the_elements_twice():
    torch.manual_seed(0)
    encoder = DeepSetsEncoder(CONFIG).eval()
    weighed, alike = torch.zeros(12), torch.zeros(12)
    for symbol, fraction in parse_formula("SrTiO3").fractions.items():
        amount = torch.tensor(float(fraction))
        vector = encoder.project(encoder.element.weight[ATOMIC_NUMBERS[symbol]])
        described = encoder.describe(vector + encoder.fraction(amount))
        weighed, alike = weighed + amount * described, alike + described
    expected = refined(encoder, encoder.pool(torch.cat([weighed, alike])))
    found = encoder(*featurise([parse_formula("SrTiO3"), parse_formula("Li7La3Zr2O12")]))
    assert torch.allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("encoder", [FractionEncoder, DeepSetsEncoder])
def test_dropout_acts_in_training_alone(encoder):
    built = encoder(EncoderConfig(width=12, layers=2, dropout=0.5)).eval()
    given = featurise([parse_formula("SrTiO3")])
    assert torch.equal(built(*given), built(*given))
    built.train()
    assert not torch.equal(built(*given), built(*given))
