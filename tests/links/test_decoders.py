import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.links import DECODERS
from rrgraph.links.decoders import halving_mlp
from rrgraph.nn import ModelConfig

CONFIG = ModelConfig(width=16, heads=2, decoder_layers=3, decoder_dropout=0.0)


@pytest.mark.parametrize("statistics", [0, 4])
@pytest.mark.parametrize("name", list(DECODERS))
class TestContract:
    def build(self, name, statistics):
        torch.manual_seed(0)
        return DECODERS[name](CONFIG, statistics=statistics).eval()

    def inputs(self, statistics, pairs=6):
        torch.manual_seed(1)
        given = torch.randn(pairs, statistics) if statistics else None
        return torch.randn(pairs, 16), torch.randn(pairs, 16), given

    def test_one_finite_logit_a_pair(self, name, statistics):
        logits = self.build(name, statistics)(*self.inputs(statistics))
        assert logits.shape == (6,)
        assert torch.isfinite(logits).all()

    def test_pairs_do_not_influence_each_other(self, name, statistics):
        decoder = self.build(name, statistics)
        t, p, s = self.inputs(statistics)
        alone = torch.cat([decoder(t[i : i + 1], p[i : i + 1], None if s is None else s[i : i + 1]) for i in range(6)])
        assert torch.allclose(decoder(t, p, s), alone, atol=1e-5)

    def test_depends_on_both_sides_and_the_statistics(self, name, statistics):
        decoder = self.build(name, statistics)
        t, p, s = self.inputs(statistics)
        base = decoder(t, p, s)
        assert not torch.allclose(base, decoder(t.roll(1, 0), p, s))
        assert not torch.allclose(base, decoder(t, p.roll(1, 0), s))
        if s is not None:
            assert not torch.allclose(base, decoder(t, p, s + 1))

    def test_sides_that_are_prepared_once_give_the_same_logits(self, name, statistics):
        decoder = self.build(name, statistics)
        t, p, s = self.inputs(statistics)
        expected = decoder(t, p, s)
        assert torch.allclose(decoder.of_pairs(decoder.of_targets(t), decoder.of_precursors(p), s), expected, atol=1e-6)

    def test_learns_the_same_from_sides_that_are_prepared_once(self, name, statistics):
        decoder = self.build(name, statistics).train()
        t, p, s = self.inputs(statistics)
        t, p = torch.nn.Parameter(t), torch.nn.Parameter(p)
        parameters = [t, p, *decoder.parameters()]
        expected = torch.autograd.grad(decoder(t, p, s).square().sum(), parameters)
        given = decoder.of_pairs(decoder.of_targets(t).clone(), decoder.of_precursors(p), s)
        for own, other in zip(torch.autograd.grad(given.square().sum(), parameters), expected, strict=True):
            assert torch.allclose(own, other, atol=1e-5)

    def test_learns_a_separable_problem(self, name, statistics):
        decoder = self.build(name, statistics)
        t, p, s = self.inputs(statistics, pairs=32)
        labels = (t[:, 0] * p[:, 0] > 0).float()
        t, p = torch.nn.Parameter(t), torch.nn.Parameter(p)  # as in training, where the encoder learns too
        optimizer = torch.optim.Adam([t, p, *decoder.parameters()], lr=2e-2)
        losses = []
        for _ in range(150):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(decoder(t, p, s), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.5 * losses[0]


def test_concat_head_halves_its_width():
    widths = [(m.in_features, m.out_features) for m in halving_mlp(32, 16, 3) if isinstance(m, torch.nn.Linear)]
    assert widths == [(32, 16), (16, 8), (8, 1)]


@pytest.mark.parametrize("layers", [0, 8])
def test_refuses_depths_that_do_not_fit(layers):
    with pytest.raises(ConfigError, match="decoder_layers"):
        halving_mlp(32, 16, layers)


def test_unknown_name_lists_choices_and_near_match():
    with pytest.raises(ConfigError, match="Did you mean 'bilinear'"):
        DECODERS["bilinaer"]
