import math
import signal
from dataclasses import replace

import pytest
import torch
from torch import nn

from rrgraph.errors import ConfigError, ModelError
from rrgraph.links import TrainingConfig
from rrgraph.training import OPTIMIZERS, STATE_FILE, Task, train
from rrgraph.training.loop import rate_factor

CONFIG = TrainingConfig(epochs=6, patience=0, batch_size=8, learning_rate=0.05, warmup=0.1, schedule="cosine")


class Regression(Task):
    """Fit a line with dropout and noise, so that every source of randomness takes part."""

    def __init__(self, *, scores=None, crash_at=None, crash_after=None):
        torch.manual_seed(7)
        self.module = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.3), nn.Linear(16, 1))
        self.inputs = torch.randn(40, 3)
        self.outputs = self.inputs @ torch.tensor([1.0, -2.0, 0.5])
        self.scores = scores
        self.crash_at = crash_at
        self.crash_after = crash_after
        self.epoch = 0
        self.offset = nn.Parameter(torch.zeros(1))  # learned beside the module

    def parameter_groups(self):
        return [
            {"params": list(self.module.parameters()), "lr": 0.05, "hidden": True},
            {"params": [self.offset], "lr": 0.05, "weight_decay": 0.0},
        ]

    def start_epoch(self, epoch):
        self.epoch = epoch

    def batches(self, epoch, generator):
        return torch.randperm(40, generator=generator).split(8)

    def loss(self, batch, generator):
        if self.crash_at == self.epoch:
            if not self.crash_after:
                raise KeyboardInterrupt
            self.crash_after -= 1
        noise = 0.1 * torch.randn(len(batch), generator=generator)
        predicted = self.module(self.inputs[batch]).squeeze(-1) + self.offset
        return ((predicted - self.outputs[batch] - noise) ** 2).mean()

    def validate(self):
        if self.scores is not None:
            return {"top_1": self.scores[self.epoch - 1]}
        with torch.no_grad():
            return {"top_1": -float(((self.module(self.inputs).squeeze(-1) - self.outputs) ** 2).mean())}


class Dropping:
    """Presses Ctrl-C where Python drops the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_that_python_drops_ends_the_training_after_a_step(tmp_path):
    class Interrupted(Regression):
        def start_epoch(self, epoch):
            super().start_epoch(epoch)
            if epoch == 3:
                Dropping()

    with pytest.raises(KeyboardInterrupt):
        train(Interrupted(), CONFIG, seed=1, state_folder=tmp_path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    begun = []
    resumed = Regression()
    resumed.start_epoch = lambda epoch: begun.append(epoch) or Regression.start_epoch(resumed, epoch)
    history = train(resumed, CONFIG, seed=1, state_folder=tmp_path, resume=True)
    assert begun == [3, 4, 5, 6]
    assert without_seconds(history) == without_seconds(train(Regression(), CONFIG, seed=1))


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


class Mining(Regression):
    """What the module says at the start of an epoch enters the loss, as mined negatives do."""

    def start_epoch(self, epoch):
        super().start_epoch(epoch)
        with torch.no_grad():
            self.mined = self.module(self.inputs).squeeze(-1)

    def loss(self, batch, generator):
        return super().loss(batch, generator) + (self.module(self.inputs[batch]).squeeze(-1) * self.mined[batch]).mean()


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize(("epoch", "after"), [(1, 1), (4, 3), (6, 3)])
def test_an_epoch_that_is_prepared_from_weights_is_resumed_within(tmp_path, average, epoch, after):
    config = replace(CONFIG, ema_decay=average)
    straight = Mining()
    expected = train(straight, config, seed=3)
    for _ in range(2):  # resumed once within an epoch, and again within the same
        with pytest.raises(KeyboardInterrupt):
            train(
                Mining(crash_at=epoch, crash_after=after),
                config,
                seed=3,
                state_folder=tmp_path,
                resume=True,
                checkpoint_minutes=0,
            )
        after = 1
    resumed = Mining()
    history = train(resumed, config, seed=3, state_folder=tmp_path, resume=True)
    assert without_seconds(history) == without_seconds(expected)
    assert all(torch.equal(a, b) for a, b in zip(weights(straight), weights(resumed), strict=True))


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("where", ["loss", "validate"])
def test_nothing_is_lost_when_a_run_is_interrupted(tmp_path, monkeypatch, where, average):
    """The step is taken to its end and saved; what is validated is validated again."""
    config = replace(CONFIG, ema_decay=average)
    straight = Mining()
    expected = train(straight, config, seed=3)
    steps, loss, asked = [], Mining.loss, getattr(Mining, where)

    def counted(self, batch, generator):
        steps.append(self.epoch)
        return loss(self, batch, generator)

    def pressed(self, *args):
        found = asked(self, *args)
        if self.epoch == 3 and len(steps) >= 13:
            signal.raise_signal(signal.SIGINT)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Mining, "loss", counted)
        if where == "loss":
            asked = counted
        patch.setattr(Mining, where, pressed)
        with pytest.raises(KeyboardInterrupt):
            train(Mining(), config, seed=3, state_folder=tmp_path)
    assert len(steps) == (13 if where == "loss" else 15)
    monkeypatch.setattr(Mining, "loss", counted)
    resumed = Mining()
    history = train(resumed, config, seed=3, state_folder=tmp_path, resume=True)
    assert len(steps) == 30
    assert without_seconds(history) == without_seconds(expected)
    assert all(torch.equal(a, b) for a, b in zip(weights(straight), weights(resumed), strict=True))


def test_loss_falls_and_history_has_a_row_an_epoch():
    history = train(Regression(), CONFIG, seed=1)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]


def weights(task):
    return [*task.module.state_dict().values(), task.offset.detach()]


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("crash_after", [0, 1, 3, 4])
def test_resumed_run_equals_the_uninterrupted_one(tmp_path, optimizer, average, crash_after):
    """Interrupted in its fourth epoch, before or within it, a run goes on as if nothing had been."""
    config = replace(CONFIG, optimizer=optimizer, ema_decay=average)
    straight = Regression()
    expected = train(straight, config, seed=3, state_folder=tmp_path / "straight")
    broken = Regression(crash_at=4, crash_after=crash_after)
    with pytest.raises(KeyboardInterrupt):
        train(
            broken, config, seed=3, state_folder=tmp_path / "broken", checkpoint_minutes=0 if crash_after else math.inf
        )
    resumed = Regression()
    torch.manual_seed(99)
    history = train(resumed, config, seed=3, state_folder=tmp_path / "broken", resume=True)
    assert without_seconds(history) == without_seconds(expected)
    assert all(torch.equal(a, b) for a, b in zip(weights(straight), weights(resumed), strict=True))


def test_a_run_interrupted_again_and_again_equals_the_uninterrupted_one(tmp_path):
    config = replace(CONFIG, ema_decay=0.9)
    straight = Regression()
    expected = train(straight, config, seed=3)
    for epoch, after in ((1, 2), (1, 1), (3, 2), (6, 4)):
        with pytest.raises(KeyboardInterrupt):
            train(
                Regression(crash_at=epoch, crash_after=after),
                config,
                seed=3,
                state_folder=tmp_path,
                resume=True,
                checkpoint_minutes=0,
            )
    resumed = Regression()
    history = train(resumed, config, seed=3, state_folder=tmp_path, resume=True, checkpoint_minutes=0)
    assert without_seconds(history) == without_seconds(expected)
    assert all(torch.equal(a, b) for a, b in zip(weights(straight), weights(resumed), strict=True))
    assert all(row["seconds"] > 0 for row in history)


def test_checkpoints_do_not_change_the_numbers(tmp_path):
    quiet, noisy = Regression(), Regression()
    expected = train(quiet, CONFIG, seed=3)
    assert without_seconds(train(noisy, CONFIG, seed=3, state_folder=tmp_path, checkpoint_minutes=0)) == (
        without_seconds(expected)
    )
    assert all(torch.equal(a, b) for a, b in zip(weights(quiet), weights(noisy), strict=True))


def test_states_are_written_every_some_minutes(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr("rrgraph.training.state.TrainingState.save", lambda self, folder: saved.append(1))
    for minutes, expected in ((math.inf, 6), (1e9, 6), (0, 6 + 6 * 5)):
        saved.clear()
        train(Regression(), CONFIG, seed=3, state_folder=tmp_path, checkpoint_minutes=minutes)
        assert len(saved) == expected


def test_a_finished_run_is_not_trained_again(tmp_path):
    expected = train(first := Regression(), CONFIG, seed=3, state_folder=tmp_path)
    again = Regression(crash_at=7)
    assert train(again, CONFIG, seed=3, state_folder=tmp_path, resume=True) == expected
    assert again.epoch == 0
    assert all(torch.equal(a, b) for a, b in zip(weights(first)[:-1], weights(again)[:-1], strict=True))


class Averaged(Regression):
    """Notes its weights after each step and at each validation."""

    def __init__(self):
        super().__init__()
        self.steps, self.judged = [], []

    def loss(self, batch, generator):
        if self.epoch > 1 or self.steps or self.started:
            self.steps.append(nn.utils.parameters_to_vector(self.module.parameters()).detach().clone())
        self.started = True
        return super().loss(batch, generator)

    started = False

    def validate(self):
        self.judged.append(nn.utils.parameters_to_vector(self.module.parameters()).detach().clone())
        return super().validate()


def test_the_moving_average_is_what_is_validated_and_kept():
    """Naive average of the weights after each step; the loss is that of the weights themselves."""
    config = replace(CONFIG, ema_decay=0.8)
    task, plain = Averaged(), Averaged()
    history = train(task, config, seed=1)
    losses = [row["loss"] for row in train(plain, replace(config, ema_decay=0.0), seed=1)]
    assert [row["loss"] for row in history] == losses  # averaging does not touch the training
    average, averages = None, []
    for count, step in enumerate([*task.steps, None]):
        if step is None:
            break
        average = step if average is None else average + (1 - min(0.8, (1 + count) / (10 + count))) * (step - average)
        averages.append(average)
    for epoch in range(1, 6):  # the last step of an epoch is the (5 * epoch)-th
        assert torch.allclose(task.judged[epoch - 1], averages[5 * epoch - 1], atol=1e-5)
        assert not torch.allclose(task.judged[epoch - 1], task.steps[5 * epoch - 1], atol=1e-3)
    best = max(range(6), key=lambda epoch: history[epoch]["top_1"])
    assert torch.equal(nn.utils.parameters_to_vector(task.module.parameters()), task.judged[best])
    assert not task.module.training


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
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged in (whole[:100], b"", bytes(flipped)):
        path.write_bytes(damaged)
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


def test_each_epoch_is_told_before_its_state_is_written(tmp_path):
    """What is in the state has been told, and an epoch that ends the training is not in it."""
    told = []

    def tell(row):
        told.append((row["epoch"], row["top_1"]))
        if len(told) == 3:
            raise StopIteration

    with pytest.raises(StopIteration):
        train(Regression(), CONFIG, seed=1, state_folder=tmp_path, on_epoch=tell)
    history = train(Regression(), CONFIG, seed=1, state_folder=tmp_path, resume=True, on_epoch=tell)
    assert [epoch for epoch, _ in told] == [1, 2, 3, 3, 4, 5, 6]
    assert told[:2] + told[3:] == [(row["epoch"], row["top_1"]) for row in history]
    assert told[2] == told[3]
