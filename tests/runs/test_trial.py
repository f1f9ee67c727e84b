"""Mistakes that people make in decoders, encoders, samplers and losses of their own, each told in one sentence."""

from __future__ import annotations

import pytest
import torch

from rrgraph.baselines import BASELINES, LinkBaseline
from rrgraph.errors import ConfigError, DataError
from rrgraph.links import CONTEXTS, DECODERS, SAMPLERS, Context, LinkDecoder, NegativeSampler
from rrgraph.nn import ENCODERS, Encoder
from rrgraph.runs import BaselineConfig, RunConfig, check_run
from rrgraph.runs.trial import blaming
from rrgraph.training import LOSSES


def decoder(body):
    class Mine(LinkDecoder):
        def forward(self, targets, precursors, statistics=None):
            return body(targets, precursors)

    return Mine


def encoder(body):
    class Mine(Encoder):
        def __init__(self, config):
            super().__init__(config)
            self.vectors = torch.nn.Embedding(120, config.width)

        def forward(self, elements, fractions):
            return body(self.vectors(elements), fractions[..., None])

    return Mine


def sampler(body):
    class Mine(NegativeSampler):
        def weights(self, targets):
            return body(self, targets)

    return Mine


def context(body):
    class Mine(Context):
        def forward(self, x, edge_index, edge_weight):
            return {side: body(x[side]) for side in ("target", "candidate")}

    return Mine


class NeedsMore(LinkDecoder):
    """A decoder that rrgraph cannot build."""

    def __init__(self, config):
        super().__init__(config)

    def forward(self, targets, precursors, statistics=None):
        return (targets * precursors).sum(-1)


def check(monkeypatch, registry, key, entry):
    monkeypatch.setitem(registry._entries, "mine", entry)
    config = RunConfig()
    section, _, name = key.partition(".")
    setattr(getattr(config, section), name, "mine")
    check_run(config)


@pytest.mark.parametrize(
    ("registry", "key", "entry", "message"),
    [
        (DECODERS, "model.decoder", decoder(lambda t, p: t * p), r"tensor of shape \(3, 128\), expected \(3,\)"),
        (DECODERS, "model.decoder", decoder(lambda t, p: t @ p), "RuntimeError: "),
        (DECODERS, "model.decoder", decoder(lambda t, p: None), r"it gives a NoneType, expected a tensor"),
        (DECODERS, "model.decoder", decoder(lambda t, p: t.sum(-1) / 0), "number that is not finite"),
        (DECODERS, "model.decoder", NeedsMore, "TypeError: .*unexpected keyword argument 'statistics'"),
        (ENCODERS, "model.encoder", encoder(lambda v, f: v.mean(1)), "depends on the padding"),
        (ENCODERS, "model.encoder", encoder(lambda v, f: (f * v).cumsum(1)[:, 0]), "depends on the order"),
        (ENCODERS, "model.encoder", encoder(lambda v, f: v), r"expected \(3, 128\)"),
        (CONTEXTS, "model.context", context(lambda x: x[:, :3]), r"expected \(3, 128\)"),
        (CONTEXTS, "model.context", context(lambda x: x - x.mean(0)), "depends on the other targets"),
        (SAMPLERS, "training.sampler", sampler(lambda s, t: torch.ones(len(t))), "expected \\(3, 6\\)"),
        (
            SAMPLERS,
            "training.sampler",
            sampler(lambda s, t: -torch.ones(len(t), s.precursors)),
            "a weight is negative",
        ),
        (LOSSES, "training.loss", lambda logits: logits.mean(1), r"tensor of shape \(5,\), expected \(\)"),
        (LOSSES, "training.loss", lambda logits: logits.detach().mean(), "the loss has no gradient"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_whose_it_is(monkeypatch, registry, key, entry, message):
    with pytest.raises(ConfigError, match=message) as caught:
        check(monkeypatch, registry, key, entry)
    told = str(caught.value)
    assert told.startswith(f"The {registry.kind} 'mine' of the module '{__name__}' fails on a trial: ")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("registry", "key", "entry"),
    [
        (DECODERS, "model.decoder", decoder(lambda t, p: (t * p).sum(-1))),
        (ENCODERS, "model.encoder", encoder(lambda v, f: (f * v).sum(1))),
        (CONTEXTS, "model.context", context(lambda x: 2 * x)),
        (SAMPLERS, "training.sampler", sampler(lambda s, t: torch.ones(len(t), s.precursors))),
        (LOSSES, "training.loss", lambda logits: logits.square().mean()),
    ],
)
def test_what_does_its_work_passes_and_leaves_the_generator_alone(monkeypatch, registry, key, entry):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    monkeypatch.setattr("rrgraph.runs.check.link_model", lambda config: None)
    check(monkeypatch, registry, key, entry)
    assert torch.equal(torch.get_rng_state(), state)


def test_sentences_pass_and_mistakes_of_rrgraph_are_no_bad_input():
    with pytest.raises(DataError, match="as it is"), blaming(DECODERS, "dot"):
        raise DataError("as it is")
    with pytest.raises(ZeroDivisionError), blaming(DECODERS, "dot"):
        raise ZeroDivisionError


def test_a_baseline_that_cannot_be_built_is_one_sentence(monkeypatch):
    class Failing(LinkBaseline):
        def __init__(self):
            raise RuntimeError("no licence")

        def _learn(self, table, split): ...

        def _logits(self, targets, candidates): ...

    monkeypatch.setitem(BASELINES._entries, "mine", Failing)
    with pytest.raises(ConfigError, match=r"The baseline 'mine' of the module .* fails on a trial: .*no licence\.$"):
        check_run(BaselineConfig(baseline="mine"))
