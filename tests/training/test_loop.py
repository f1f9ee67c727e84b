import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from rrgraph.errors import ConfigError, ModelError
from rrgraph.training import STATE_FILE, Task, TrainingConfig, train
from rrgraph.training.loop import rate_factor

CONFIG = TrainingConfig(epochs=6, patience=0, batch_size=8, learning_rate=0.05, warmup=0.1, schedule="cosine")


class Regression(Task):
    """Fit a line with dropout and noise, so that every source of randomness takes part."""

    def __init__(self, *, scores=None, crash_at=None):
        torch.manual_seed(7)
        self.module = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.3), nn.Linear(16, 1))
        self.inputs = torch.randn(40, 3)
        self.outputs = self.inputs @ torch.tensor([1.0, -2.0, 0.5])
        self.scores = scores
        self.crash_at = crash_at
        self.epoch = 0

    def parameter_groups(self):
        return [{"params": self.module.parameters(), "lr": 0.05}]

    def start_epoch(self, epoch):
        self.epoch = epoch

    def batches(self, epoch, generator):
        return torch.randperm(40, generator=generator).split(8)

    def loss(self, batch, generator):
        if self.crash_at == self.epoch:
            raise KeyboardInterrupt
        noise = 0.1 * torch.randn(len(batch), generator=generator)
        return ((self.module(self.inputs[batch]).squeeze(-1) - self.outputs[batch] - noise) ** 2).mean()

    def validate(self):
        if self.scores is not None:
            return {"top_1": self.scores[self.epoch - 1]}
        with torch.no_grad():
            return {"top_1": -float(((self.module(self.inputs).squeeze(-1) - self.outputs) ** 2).mean())}


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def test_loss_falls_and_history_has_a_row_an_epoch():
    history = train(Regression(), CONFIG, seed=1)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]


def test_resumed_run_equals_the_uninterrupted_one(tmp_path):
    straight = Regression()
    expected = train(straight, CONFIG, seed=3, state_folder=tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        train(Regression(crash_at=4), CONFIG, seed=3, state_folder=tmp_path / "broken")
    resumed = Regression()
    history = train(resumed, CONFIG, seed=3, state_folder=tmp_path / "broken", resume=True)
    assert without_seconds(history) == without_seconds(expected)
    for a, b in zip(straight.module.parameters(), resumed.module.parameters(), strict=True):
        assert torch.equal(a, b)


def test_same_seed_same_numbers_other_seed_other_numbers():
    a, b, c = (without_seconds(train(Regression(), CONFIG, seed=seed)) for seed in (1, 1, 2))
    assert a == b
    assert a != c


def test_best_weights_are_restored_and_patience_stops():
    scores = [0.1, 0.5, 0.4, 0.3, 0.2, 0.1]
    stopped, kept = Regression(scores=scores), Regression(scores=scores)
    history = train(stopped, replace(CONFIG, patience=2), seed=1)
    assert len(history) == 4
    train(kept, replace(CONFIG, epochs=2, schedule="cosine"), seed=1)
    full = Regression(scores=scores)
    train(full, CONFIG, seed=1)
    for a, b in zip(stopped.module.parameters(), full.module.parameters(), strict=True):
        assert torch.equal(a, b)


def test_last_weights_win_without_validation():
    task = Regression()
    task.validate = dict
    train(task, CONFIG, seed=1)
    other = Regression()
    other.validate = dict
    train(other, replace(CONFIG, epochs=1), seed=1)
    assert not torch.equal(next(iter(task.module.parameters())), next(iter(other.module.parameters())))


def test_refuses_unknown_monitor_schedule_and_divergence():
    with pytest.raises(ConfigError, match="'top_7' is not among the validation metrics top_1"):
        train(Regression(), replace(CONFIG, monitor="top_7"))
    with pytest.raises(ConfigError, match="'step'"):
        train(Regression(), replace(CONFIG, schedule="step", warmup=0.0))
    diverging = Regression()
    diverging.outputs = diverging.outputs * math.inf
    with pytest.raises(ConfigError, match="loss became"):
        train(diverging, CONFIG)


def test_damaged_state_is_refused(tmp_path):
    train(Regression(), replace(CONFIG, epochs=1), state_folder=tmp_path)
    path = tmp_path / STATE_FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match="cannot be resumed"):
        train(Regression(), CONFIG, state_folder=tmp_path, resume=True)


def test_warmup_rises_and_cosine_falls_to_zero():
    config = TrainingConfig(warmup=0.2, schedule="cosine")
    factors = [rate_factor(step, 100, config) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 20)
    assert max(factors) == pytest.approx(1.0)
    assert factors[:20] == sorted(factors[:20])
    assert factors[20:] == sorted(factors[20:], reverse=True)
    assert factors[-1] < 0.01
