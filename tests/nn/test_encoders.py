from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.errors import ConfigError
from rrgraph.graph import featurise
from rrgraph.nn import ENCODERS, CompositionEncoder, Encoder, ModelConfig, encode_by_length

FORMULAS = ["Li7La3Zr2O12", "Fe2O3", "Y2.94Ce0.06Al5O12", "Mg", "La0.57Sr0.15Ca0.28MnO3", "NaCl", "SrTiO3"]
CONFIG = ModelConfig(width=16, layers=2, heads=2, feedforward=2, dropout=0.0)

atoms = st.dictionaries(st.integers(1, len(ELEMENTS)), st.floats(0.001, 20), min_size=1, max_size=8)
"""Amounts of elements by atomic number."""


def build(name: str) -> Encoder:
    torch.manual_seed(0)
    return ENCODERS[name](CONFIG).eval()


def padded(compositions: list[dict[int, float]], width: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return elements and fractions (n, k) of amounts by atomic number, in the order given."""
    width = max(width, *map(len, compositions))
    elements = torch.zeros(len(compositions), width, dtype=torch.int64)
    fractions = torch.zeros(len(compositions), width)
    for row, amounts in enumerate(compositions):
        elements[row, : len(amounts)] = torch.tensor(list(amounts))
        fractions[row, : len(amounts)] = torch.tensor(list(amounts.values())) / sum(amounts.values())
    return elements, fractions


@pytest.mark.parametrize("name", list(ENCODERS))
class TestContract:
    def test_distinct_finite_embeddings_of_the_width(self, name):
        with torch.no_grad():
            found = build(name)(*featurise([parse_formula(text) for text in FORMULAS]))
        assert found.shape == (len(FORMULAS), 16)
        assert torch.isfinite(found).all()
        assert torch.cdist(found, found).fill_diagonal_(1.0).min() > 1e-3

    @settings(deadline=None, max_examples=25)
    @given(compositions=st.lists(atoms, min_size=1, max_size=5), data=st.data())
    def test_neither_order_nor_padding_nor_company_matters(self, name, compositions, data):
        encoder = build(name)
        with torch.no_grad():
            together = encoder(*padded(compositions, width=10))
            for row, amounts in enumerate(compositions):
                order = data.draw(st.permutations(list(amounts)))
                alone = encoder(*padded([{number: amounts[number] for number in order}]))
                assert torch.allclose(together[row], alone[0], atol=5e-5, rtol=1e-4)

    def test_amounts_matter_down_to_dopants(self, name):
        pair = featurise([parse_formula("Y2.99Ce0.01Al5O12"), parse_formula("Y2.9Ce0.1Al5O12")])
        with torch.no_grad():
            first, second = build(name)(*pair)
        assert (first - second).norm() > 1e-4

    def test_spellings_of_one_material_agree(self, name):
        with torch.no_grad():
            first, second = build(name)(*featurise([parse_formula("Fe2O3"), parse_formula("Fe4O6")]))
        assert torch.allclose(first, second, atol=1e-5)

    def test_the_seed_decides_the_weights(self, name):
        first, second = build(name).state_dict(), build(name).state_dict()
        assert all(torch.equal(values, second[key]) for key, values in first.items())

    def test_it_learns(self, name):
        encoder = build(name).train()
        given = featurise([parse_formula(text) for text in FORMULAS])
        wanted = torch.randn(len(FORMULAS), 16)
        learned = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(learned, lr=1e-2)
        losses = []
        for _ in range(60):
            loss = (encoder(*given) - wanted).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.5 * losses[0]

    def test_hidden_parameters_are_some_of_its_own(self, name):
        encoder = build(name)
        own = {id(parameter) for parameter in encoder.parameters()}
        hidden = [id(parameter) for parameter in encoder.hidden_parameters()]
        assert len(set(hidden)) == len(hidden) < len(own)
        assert set(hidden) < own

    @pytest.mark.parametrize("groups", [1, 4, 50])
    def test_encoding_by_length_gives_the_same_rows(self, name, groups):
        encoder = build(name)
        elements, fractions = featurise([parse_formula(text) for text in FORMULAS])
        with torch.no_grad():
            grouped = encode_by_length(encoder, elements, fractions, groups=groups)
            assert encode_by_length(encoder, elements[:0], fractions[:0], groups=groups).shape == (0, 16)
            assert torch.allclose(grouped, encoder(elements, fractions), atol=2e-5)


def test_the_transformer_is_the_default():
    assert ENCODERS[ModelConfig().encoder] is CompositionEncoder


def test_unknown_name_lists_choices_and_near_match():
    with pytest.raises(ConfigError, match="Did you mean 'deep_sets'"):
        ENCODERS["deepsets"]
