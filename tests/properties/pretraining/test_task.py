import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.data import TEST, TRAIN, VALIDATION
from rrgraph.errors import ConfigError
from rrgraph.nn import MASK, EncoderConfig
from rrgraph.properties import PropertyModel, TargetScale
from rrgraph.properties.pretraining import PretrainingConfig, PretrainingTask
from rrgraph.properties.pretraining.task import HiddenElements, HiddenFractions, task_weights
from rrgraph.training import OPTIMIZERS, train

CONFIG = PretrainingConfig(epochs=2, batch_size=8, learning_rate=3e-3, precision="full", device="cpu")
LENGTHS = [3] * 30 + [2] * 20 + [4] * 12 + [1] * 2 + [7]


def build(table, config=CONFIG, **encoder):
    torch.manual_seed(0)
    regression = [column for column, task in enumerate(table.tasks) if task.kind == "regression"]
    labels = np.where(table.subsets == TRAIN, table.labels, np.nan)[:, regression]
    scale = TargetScale.fit([table.tasks[column] for column in regression], labels)
    options = EncoderConfig(**{"width": 16, "layers": 1, "heads": 2, "dropout": 0.0, **encoder})
    return PretrainingTask(PropertyModel(options, table.tasks, scale=scale), table, config)


@pytest.fixture(scope="module")
def table(make_properties):
    return make_properties(LENGTHS)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def losses(task, epoch=1):
    source = generator(5)
    with torch.no_grad():
        return [task.loss(batch, source).item() for batch in task.batches(epoch, source)]


class TestTaskWeights:
    @given(
        counts=st.lists(st.integers(1, 1000), min_size=1, max_size=6),
        rows=st.integers(1000, 5000),
        balance=st.floats(0, 1),
    )
    def test_weights_of_a_composition_add_up_to_one_on_average(self, counts, rows, balance):
        weights = task_weights(np.array(counts), rows, balance)
        assert sum(weight * count / rows for weight, count in zip(weights, counts, strict=True)) == pytest.approx(1)
        for a, b in zip(range(len(counts)), range(1, len(counts)), strict=False):
            assert weights[a] / weights[b] == pytest.approx((counts[b] / counts[a]) ** balance)

    def test_no_balance_weighs_labels_alike_and_full_balance_tasks_alike(self):
        counts = np.array([100, 900])
        assert task_weights(counts, 1000, 0.0) == pytest.approx([1.0, 1.0])
        assert task_weights(counts, 1000, 1.0) * counts == pytest.approx([500.0, 500.0])

    def test_a_task_without_labels_stays_finite(self):
        assert np.isfinite(task_weights(np.array([0, 10]), 10, 1.0)).all()


@st.composite
def compositions(draw):
    """Padded elements and fractions (n, k)."""
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    elements = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    fractions = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        elements[row, :length] = torch.from_numpy(rng.choice(np.arange(1, 119), size=length, replace=False))
        fractions[row, :length] = torch.from_numpy(rng.dirichlet(np.ones(length)).astype(np.float32)).clamp_min(1e-4)
    return elements, fractions


class TestHiding:
    @settings(deadline=None)
    @given(given=compositions(), share=st.floats(0, 1), seed=st.integers(0, 100))
    def test_one_present_element_is_hidden_in_each_row(self, given, share, seed):
        elements, _ = given
        before = elements.clone()
        count = round(share * len(elements))
        hidden = HiddenElements(elements, count, generator(seed))
        assert torch.equal(elements, before)
        assert len(set(hidden.rows.tolist())) == len(hidden.rows) == count
        assert (hidden.truth > 0).all()
        every = torch.arange(count)
        assert torch.equal(hidden.truth, elements[hidden.rows, hidden.slots])
        assert (hidden.elements[every, hidden.slots] == MASK).all()
        restored = hidden.elements.clone()
        restored[every, hidden.slots] = hidden.truth
        assert torch.equal(restored, elements[hidden.rows])

    @settings(deadline=None)
    @given(given=compositions(), seed=st.integers(0, 100))
    def test_two_present_fractions_are_pooled(self, given, seed):
        elements, fractions = given
        hidden = HiddenFractions(elements, fractions, len(elements), generator(seed))
        present = (elements > 0).sum(dim=1)
        assert sorted(hidden.rows.tolist()) == torch.nonzero(present > 1).flatten().tolist()
        first, second = hidden.slots.unbind(dim=1)
        assert (first != second).all()
        assert (hidden.slots < present[hidden.rows, None]).all()
        amounts = fractions[hidden.rows].gather(1, hidden.slots)
        assert torch.allclose(hidden.share, amounts[:, 0] / amounts.sum(dim=1))
        shown = hidden.fractions.gather(1, hidden.slots)
        assert torch.equal(shown[:, 0], shown[:, 1])
        assert torch.allclose(hidden.fractions.sum(dim=1), fractions[hidden.rows].sum(dim=1), atol=1e-6)
        untouched = torch.ones_like(hidden.fractions, dtype=torch.bool).scatter(1, hidden.slots, False)
        assert torch.equal(hidden.fractions[untouched], fractions[hidden.rows][untouched])

    def test_every_slot_and_every_pair_comes_up(self):
        elements = torch.tensor([[38, 22, 8, 0]]).repeat(600, 1)
        fractions = torch.tensor([[0.2, 0.2, 0.6, 0.0]]).repeat(600, 1)
        slots = HiddenElements(elements, 600, generator()).slots
        assert torch.bincount(slots, minlength=4).tolist()[:3] == pytest.approx([200] * 3, abs=45)
        first, second = HiddenFractions(elements, fractions, 600, generator()).slots.unbind(dim=1)
        pairs = torch.bincount(3 * first + second, minlength=9).tolist()
        assert pairs == pytest.approx([0, 100, 100, 100, 0, 100, 100, 100, 0], abs=35)

    def test_the_loss_of_shares_by_hand_and_lowest_at_the_truth(self):
        elements, fractions = torch.tensor([[11, 17]]), torch.tensor([[0.3, 0.7]])
        hidden = HiddenFractions(elements, fractions, 1, generator())
        share = hidden.share.item()
        logits = torch.zeros(1, 2)
        assert hidden.loss(logits).item() == pytest.approx(math.log(2))
        logits[0, hidden.slots[0, 0]] = math.log(share / (1 - share))
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
        assert hidden.loss(logits).item() == pytest.approx(entropy, rel=1e-5)


class TestBatches:
    @settings(deadline=None, max_examples=30)
    @given(
        lengths=st.lists(st.integers(1, 7), min_size=1, max_size=60),
        batch_size=st.integers(1, 12),
        seed=st.integers(0, 50),
    )
    def test_every_row_once_and_none_cut_off(self, make_properties, lengths, batch_size, seed):
        task = build(make_properties(lengths), replace(CONFIG, batch_size=batch_size))
        batches = task.batches(1, generator(seed))
        assert sorted(torch.cat([rows for _, rows in batches]).tolist()) == list(range(len(lengths)))
        for length, rows in batches:
            assert 1 <= len(rows) <= batch_size
            assert (task.lengths[rows.numpy()] <= length).all()
            assert length <= max(lengths)

    def test_only_rare_lengths_are_padded(self, table):
        task = build(table)
        padded: dict[int, set[int]] = {}
        for length, rows in task.batches(1, generator()):
            for own in task.lengths[rows.numpy()]:
                padded.setdefault(int(own), set()).add(length)
        # Two single elements join the pairs; the one of seven joins those of four.
        assert padded[1] | padded[2] == {2}
        assert padded[3] == {3}
        assert padded[4] <= {4, 7}
        assert padded[7] == {7}

    def test_seeded_and_shuffled(self, make_properties):
        task = build(make_properties(LENGTHS))
        drawn = [[rows.tolist() for _, rows in task.batches(1, generator(seed))] for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1]
        assert drawn[0] != drawn[2]

    def test_single_labels_are_drawn_anew_and_the_others_always_taken(self, make_properties):
        table = make_properties([3] * 400, known=0.5)
        task = build(table, replace(CONFIG, single_label_share=0.4, batch_size=64))
        single = (table.subsets == TRAIN).sum(axis=1) == 1
        epochs = [torch.cat([rows for _, rows in task.batches(1, generator(seed))]).numpy() for seed in (1, 2)]
        for rows in epochs:
            assert len(set(rows)) == len(rows)
            assert set(np.flatnonzero(~single)) <= set(rows)
            assert single[rows].sum() == pytest.approx(0.4 * single.sum(), rel=0.3)
        assert set(epochs[0]) != set(epochs[1])


class TestLoss:
    @pytest.mark.parametrize("part", [VALIDATION, TEST])
    def test_labels_of_other_parts_never_enter(self, table, part):
        subsets = table.subsets.copy()
        moved = np.zeros_like(subsets, dtype=bool)
        moved[::3, 0] = moved[1::4, 1] = moved[2::4, 2] = True
        moved &= subsets == TRAIN
        moved[(subsets == TRAIN).sum(axis=1) == moved.sum(axis=1)] = False
        assert moved.sum() > 10
        subsets[moved] = part
        invented = np.where(moved, np.array([1e4, 3.0, 1e5], dtype=np.float32), table.labels)
        expected = build(replace(table, subsets=subsets))
        changed = build(replace(table, subsets=subsets, labels=invented))
        assert losses(changed) == losses(expected)
        assert losses(expected) != losses(build(table))
        # Nor does it matter whether they are known at all.
        unknown = replace(table, subsets=np.where(moved, 0, subsets), labels=np.where(moved, np.nan, table.labels))
        assert losses(build(unknown)) == losses(expected)

    def test_rows_without_a_training_label_are_left_out(self, table):
        subsets = table.subsets.copy()
        subsets[:5][subsets[:5] > 0] = VALIDATION
        task = build(replace(table, subsets=subsets))
        assert len(task.lengths) == len(LENGTHS) - 5

    @pytest.mark.parametrize("weighting", ["balanced", "learned"])
    def test_missing_labels_give_no_gradient(self, table, weighting):
        """A task of which a batch knows nothing moves neither its head nor its scale."""
        config = replace(CONFIG, weighting=weighting, masked_elements=0.0, masked_fractions=0.0)
        subsets, labels = table.subsets.copy(), table.labels.copy()
        subsets[:10], labels[:10] = 0, np.nan
        subsets[:10, 0], labels[:10, 0] = TRAIN, 1.0  # formation energy alone
        task = build(replace(table, subsets=subsets, labels=labels), config)
        task.loss((3, torch.arange(10)), generator()).backward()
        model = task.module
        assert model.values.weight.grad[0].abs().sum() > 0
        assert model.values.weight.grad[1].abs().sum() == 0
        assert model.errors[2].weight.grad[1].abs().sum() == 0
        assert model.logits.weight.grad.abs().sum() == 0
        if weighting == "learned":
            assert task.scales.grad[0] != 0
            assert task.scales.grad[1:].tolist() == [0.0, 0.0]
        else:
            assert task.scales.grad is None

    def test_property_loss_by_hand(self, table):
        config = replace(CONFIG, masked_elements=0.0, masked_fractions=0.0, balance=0.5)
        task = build(table, config)
        rows = torch.arange(6)
        loss = task.loss((3, rows), generator()).item()
        training = table.subsets == TRAIN
        with torch.no_grad():
            output = task.module(
                torch.from_numpy(table.elements[:6, :3].astype(np.int64)), torch.from_numpy(table.fractions[:6, :3])
            )
        weights = task_weights(training.sum(axis=0)[[0, 2, 1]], len(table), 0.5)
        encoded = task.module.target_scale.encode(table.labels[:, [0, 2]])
        expected = 0.0
        for row in range(6):
            for number, column in enumerate((0, 2)):
                if training[row, column]:
                    error = abs(output.values[row, number].item() - encoded[row, number])
                    spread = output.log_errors[row, number].item()
                    expected += weights[number] * (error + 0.1 * (error * math.exp(-spread) + spread))
            if training[row, 1]:
                chances = output.logits[0][row].double().softmax(dim=0)
                expected -= weights[2] * math.log(chances[int(table.labels[row, 1])]) / math.log(7)
        assert loss == pytest.approx(expected / 6, rel=1e-4)

    def test_losses_of_hidden_variants_by_hand(self, table):
        plain = replace(CONFIG, masked_elements=0.0, masked_fractions=0.0)
        task = build(table, replace(CONFIG, masked_elements=0.5, masked_fractions=0.75, masked_weight=0.3))
        rows, source = torch.arange(30, 46), generator(4)
        elements, fractions = task.elements[rows, :2].long(), task.fractions[rows, :2]
        masked = HiddenElements(elements, 8, source)
        shared = HiddenFractions(elements, fractions, 12, source)
        with torch.no_grad():
            encoder, module = task.module.encoder, task.module
            states = encoder.tokens(masked.elements, fractions[masked.rows])[torch.arange(8), 1 + masked.slots]
            chances = module.hidden_element(states).log_softmax(dim=1)[torch.arange(8), masked.truth]
            logits = module.hidden_fraction(encoder.tokens(elements[shared.rows], shared.fractions)[:, 1:]).squeeze(-1)
        expected = build(table, plain).loss((2, rows), generator()) - 0.3 * chances.mean() + 0.3 * shared.loss(logits)
        assert task.loss((2, rows), generator(4)).item() == pytest.approx(expected.item(), rel=1e-5)

    def test_the_learned_error_does_not_steer_the_value(self, table):
        config = replace(CONFIG, masked_elements=0.0, masked_fractions=0.0)
        gradients = []
        for confidence in (0.0, 5.0):
            task = build(table, config)
            torch.nn.init.constant_(task.module.errors[2].bias, -confidence)
            task.loss((3, torch.arange(8)), generator()).backward()
            gradients.append(task.module.values.weight.grad)
        assert torch.equal(*gradients)

    def test_hidden_variants_add_their_weight(self, table):
        alone = replace(CONFIG, masked_elements=0.0, masked_fractions=0.0)
        batch = (3, torch.arange(8))
        base = build(table, alone).loss(batch, generator()).item()
        for option in ("masked_elements", "masked_fractions"):
            single, double = (
                build(table, replace(alone, **{option: 0.5}, masked_weight=weight)).loss(batch, generator()).item()
                for weight in (0.1, 0.2)
            )
            assert single > base
            assert double - base == pytest.approx(2 * (single - base), rel=1e-3)

    def test_hidden_variants_do_not_disturb_the_properties(self, table):
        """With no weight they change nothing: they share the pass, not the result."""
        quiet = replace(CONFIG, masked_elements=1.0, masked_fractions=1.0, masked_weight=0.0)
        plain = replace(CONFIG, masked_elements=0.0, masked_fractions=0.0)
        batch = (4, torch.arange(30, 62))
        a, b = (build(table, config).loss(batch, generator()).item() for config in (quiet, plain))
        assert a == pytest.approx(b, rel=1e-5)

    def test_padding_does_not_change_the_loss(self, table):
        plain = replace(CONFIG, masked_fractions=1.0, masked_elements=1.0)
        narrow, wide = (
            build(table, plain, weigh_fractions=True).loss((length, torch.arange(20)), generator()).item()
            for length in (3, 7)
        )
        assert wide == pytest.approx(narrow, rel=1e-5)

    def test_bfloat16_gives_nearly_the_same_loss(self, table, monkeypatch):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
        full, half = (losses(build(table, replace(CONFIG, precision=precision))) for precision in ("full", "auto"))
        assert half != full
        assert half == pytest.approx(full, rel=0.03)


class TestLearning:
    @pytest.mark.parametrize("weighting", ["balanced", "learned"])
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_labels_are_learned(self, make_properties, weighting, optimizer):
        config = replace(CONFIG, epochs=12, weighting=weighting, optimizer=optimizer, ema_decay=0.0, learning_rate=1e-2)
        task = build(make_properties([3] * 24 + [2] * 16), config)
        start = np.mean(losses(task))
        history = train(task, config, seed=0)
        assert np.mean(losses(task)) < 0.8 * start
        assert len(history) == 12

    def test_learned_scales_rise_where_the_error_is_large(self, make_properties):
        """Their minimum is the logarithm of the mean loss, so a task that cannot be learned is divided by more."""
        config = replace(CONFIG, weighting="learned", masked_elements=0.0, masked_fractions=0.0, epochs=1)
        task = build(make_properties([3] * 40, known=1.0), config)
        task.values[:, 0] = 50.0 * (-1.0) ** torch.arange(40)
        task.loss((3, torch.arange(40)), generator()).backward()
        assert task.scales.grad[0] < 0  # the scale of the first will rise
        with torch.no_grad():
            task.scales[0] = 10.0
        task.scales.grad = None
        task.loss((3, torch.arange(40)), generator()).backward()
        assert task.scales.grad[0] > 0

    def test_learned_scales_are_optimised_and_balanced_ones_not(self, make_properties):
        for weighting in ("learned", "balanced"):
            config = replace(CONFIG, weighting=weighting)
            task = build(make_properties([3] * 16), config)
            train(task, config, seed=0)
            assert bool((task.scales != 0).any()) == (weighting == "learned")

    def test_every_parameter_is_in_one_group(self, make_properties):
        task = build(make_properties([3] * 8), replace(CONFIG, weighting="learned"), weigh_fractions=True)
        grouped = [id(parameter) for group in task.parameter_groups() for parameter in group["params"]]
        assert len(set(grouped)) == len(grouped)
        assert set(grouped) == {id(parameter) for parameter in task.module.parameters()} | {id(task.scales)}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("minutes", [0, math.inf], ids=["within", "between"])
def test_an_interrupted_pretraining_goes_on_equally(table, tmp_path, optimizer, minutes):
    """Interrupted within the second epoch, with dropout, hidden elements, learned scales and drawn rows."""
    config = replace(CONFIG, epochs=3, optimizer=optimizer, weighting="learned", single_label_share=0.5, ema_decay=0.9)
    straight, broken, resumed = (build(table, config, dropout=0.3) for _ in range(3))
    expected = train(straight, config, seed=2)
    steps, loss = iter(range(12)), broken.loss

    def interrupted(batch, source):
        if next(steps) == 11:
            raise KeyboardInterrupt
        return loss(batch, source)

    broken.loss = interrupted
    with pytest.raises(KeyboardInterrupt):
        train(broken, config, seed=2, state_folder=tmp_path, checkpoint_minutes=minutes)
    history = train(resumed, config, seed=2, state_folder=tmp_path, resume=True)
    assert [row["loss"] for row in history] == [row["loss"] for row in expected]
    assert torch.equal(straight.scales, resumed.scales)
    for name, tensor in straight.module.state_dict().items():
        assert torch.equal(tensor, resumed.module.state_dict()[name]), name


def test_refuses_what_cannot_be_learned(make_properties):
    table = make_properties([3] * 4)
    with pytest.raises(ConfigError, match=r"training\.weighting is 'learnt', expected one of balanced, learned"):
        build(table, replace(CONFIG, weighting="learnt"))
    with pytest.raises(ConfigError, match="No composition has a training label"):
        build(replace(table, subsets=np.full_like(table.subsets, TEST)))


def test_one_kind_of_task_is_enough(make_properties):
    whole = make_properties([3] * 16)
    for chosen in ([0, 2], [1]):
        table = make_properties([3] * 16, tasks=[whole.tasks[column] for column in chosen])
        history = train(build(table), CONFIG, seed=0)
        assert np.isfinite(history[-1]["loss"])
