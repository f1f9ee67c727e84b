import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ATOMIC_NUMBERS, parse_formula
from rrgraph.errors import ModelError
from rrgraph.graph import featurise
from rrgraph.nn import MASK
from rrgraph.properties import PropertyPredictor, PropertyTask

FORMULAS = ("SrTiO3", "NaCl", "Cu", "Y2.94Ce0.06Al5O12", "Li7La3Zr2O12", "NaBr", "MgO")
COMPOSITIONS = [parse_formula(formula) for formula in FORMULAS]


@pytest.fixture(scope="module", params=[False, True], ids=["alike", "weighed"])
def predictor(request, make_checkpoint):
    return PropertyPredictor(make_checkpoint(weigh_fractions=request.param))


def arrays(compositions=COMPOSITIONS):
    elements, fractions = featurise(compositions)
    return elements.numpy(), fractions.numpy()


def test_a_prediction_of_every_task_in_its_order(predictor, tasks):
    predictions = predictor.predict(COMPOSITIONS)
    assert tuple(predictions) == tuple(task.name for task in tasks) == tuple(task.name for task in predictor.tasks)
    for task in tasks:
        prediction = predictions[task.name]
        assert prediction.task == task
        assert prediction.value.shape == prediction.uncertainty.shape == (len(FORMULAS),)
        assert np.isfinite(prediction.value).all()
        if task.kind == "classification":
            assert np.isnan(prediction.uncertainty).all()
            assert prediction.probabilities.shape == (len(FORMULAS), task.classes)
            assert prediction.probabilities.sum(axis=1) == pytest.approx(np.ones(len(FORMULAS)))
            assert np.array_equal(prediction.value, prediction.probabilities.argmax(axis=1))
        else:
            assert prediction.probabilities is None
            assert (prediction.uncertainty > 0).all()
            assert task.lowest is None or (prediction.value >= task.lowest).all()


def test_values_and_uncertainties_by_hand(predictor):
    """The number of the head times the scale plus the centre; its error times the spread and the scale."""
    model = predictor.model
    composition = parse_formula("SrTiO3")
    with torch.no_grad():
        output = model(*featurise([composition]))
    head, error = output.values[0].double().numpy(), output.log_errors[0].double().exp().numpy()
    center, scale, spread = (getattr(model, name).numpy() for name in ("center", "scale", "spread"))
    predictions = predictor.predict([composition])
    energy, modulus = predictions["formation_energy"], predictions["bulk_modulus"]
    assert energy.value[0] == pytest.approx(head[0] * scale[0] + center[0], rel=1e-5)
    assert energy.uncertainty[0] == pytest.approx(error[0] * spread[0] * scale[0], rel=1e-5)
    assert modulus.value[0] == pytest.approx(np.exp(head[1] * scale[1] + center[1]), rel=1e-5)
    assert modulus.uncertainty[0] == pytest.approx(error[1] * spread[1] * scale[1] * modulus.value[0], rel=1e-5)


def test_company_and_order_do_not_matter(predictor):
    together = predictor.predict(COMPOSITIONS)
    for row in range(len(COMPOSITIONS)):
        for name, alone in predictor.predict(COMPOSITIONS[row : row + 1]).items():
            assert alone.value[0] == pytest.approx(together[name].value[row], rel=1e-4, abs=1e-5)
    embeddings = predictor.embed(COMPOSITIONS)
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (len(FORMULAS), 16)
    assert predictor.embed(COMPOSITIONS[::-1])[::-1] == pytest.approx(embeddings, abs=1e-5)


def test_many_compositions_pass_in_several_batches(predictor, monkeypatch):
    whole = predictor.predict(COMPOSITIONS)
    monkeypatch.setattr("rrgraph.properties.predictor._BATCH_SIZE", 2)
    for name, prediction in predictor.predict(COMPOSITIONS).items():
        assert prediction.value == pytest.approx(whole[name].value, rel=1e-4, abs=1e-5)


def test_narrow_integers_of_a_table_are_read_like_tensors(predictor):
    elements, fractions = arrays()
    narrow = predictor.predict_arrays(elements.astype(np.uint8), fractions)
    for name, prediction in predictor.predict(COMPOSITIONS).items():
        assert np.array_equal(prediction.value, narrow[name].value)


def test_nothing_asked_nothing_answered(predictor):
    assert all(len(prediction.value) == 0 for prediction in predictor.predict([]).values())
    assert predictor.embed([]).shape == (0, 16)
    assert predictor.formation_energies([])[0].shape == (0,)


def test_embeddings_are_those_of_the_encoder(predictor):
    with torch.no_grad():
        expected = predictor.model.encoder(*featurise(COMPOSITIONS)).numpy()
    assert predictor.embed(COMPOSITIONS) == pytest.approx(expected, abs=1e-5)


def test_formation_energies_prefer_the_later_vintage(predictor, make_checkpoint, tasks):
    value, uncertainty = predictor.formation_energies(COMPOSITIONS)
    predicted = predictor.predict(COMPOSITIONS)["formation_energy"]
    assert np.array_equal(value, predicted.value)
    assert np.array_equal(uncertainty, predicted.uncertainty)
    later = PropertyTask(name="formation_energy_mp20", unit="eV/atom", family="energy")
    both = PropertyPredictor(make_checkpoint((*tasks, later)))
    assert np.array_equal(
        both.formation_energies(COMPOSITIONS)[0], both.predict(COMPOSITIONS)["formation_energy_mp20"].value
    )
    without = PropertyPredictor(make_checkpoint(tasks[1:]))
    with pytest.raises(ModelError, match="does not predict formation energies, only crystal_system, bulk_modulus"):
        without.formation_energies(COMPOSITIONS)


def test_tasks_by_name(predictor, tasks):
    assert predictor.task("band_gap") == tasks[3]
    with pytest.raises(ModelError, match=r"does not predict 'bandgap'.*Did you mean 'band_gap'"):
        predictor.task("bandgap")


class TestHiddenElements:
    def test_the_hidden_element_is_not_read(self, predictor):
        elements, fractions = arrays([parse_formula("NaCl"), parse_formula("KCl")])
        slots = (elements != ATOMIC_NUMBERS["Cl"]).argmax(axis=1)
        hidden = predictor.hidden_elements(elements, fractions, slots)
        assert hidden.shape == (2, MASK)
        assert hidden[0] == pytest.approx(hidden[1], abs=1e-5)

    def test_no_padding_and_no_element_twice(self, predictor):
        elements, fractions = arrays()
        slots = np.zeros(len(elements), dtype=np.int64)
        scores = predictor.hidden_elements(elements, fractions, slots)
        for row, present in enumerate(elements):
            ruled_out = {0, *present[1:].tolist()}
            assert set(np.flatnonzero(np.isneginf(scores[row])).tolist()) == ruled_out
            allowed = scores[row][np.isfinite(scores[row])]
            assert np.exp(allowed).sum() <= 1 + 1e-9

    def test_tables_are_left_as_they_are(self, predictor):
        elements, fractions = arrays()
        before = elements.copy(), fractions.copy()
        predictor.hidden_elements(elements.astype(np.uint8), fractions, np.zeros(len(elements), dtype=np.int64))
        predictor.hidden_elements(elements, fractions, np.zeros(len(elements), dtype=np.int64))
        predictor.hidden_fractions(elements[:1], fractions[:1], np.array([[0, 1]]))
        assert np.array_equal(elements, before[0])
        assert np.array_equal(fractions, before[1])


class TestHiddenFractions:
    @settings(deadline=None, max_examples=20)
    @given(amounts=st.lists(st.floats(0.05, 5), min_size=3, max_size=3))
    def test_only_the_sum_of_the_two_is_known(self, predictor, amounts):
        elements = np.array([[38, 22, 8]] * 2)
        given_amounts = np.array([amounts, amounts])
        given_amounts[1, :2] = [given_amounts[1, :2].sum() * 0.9, given_amounts[1, :2].sum() * 0.1]
        fractions = (given_amounts / given_amounts.sum(axis=1, keepdims=True)).astype(np.float32)
        shares = predictor.hidden_fractions(elements, fractions, np.array([[0, 1], [0, 1]]))
        assert shares[0] == pytest.approx(shares[1], abs=1e-5)
        assert 0 < shares[0] < 1

    def test_shares_of_the_two_add_up_to_one(self, predictor):
        elements, fractions = arrays([parse_formula(f) for f in ("SrTiO3", "Li7La3Zr2O12", "NaCl")])
        slots = np.array([[0, 2], [1, 3], [1, 0]])
        first = predictor.hidden_fractions(elements, fractions, slots)
        second = predictor.hidden_fractions(elements, fractions, slots[:, ::-1].copy())
        assert first + second == pytest.approx(np.ones(3), abs=1e-6)


def test_bfloat16_predicts_nearly_the_same(predictor, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    half = PropertyPredictor(predictor.checkpoint, precision="auto").predict(COMPOSITIONS)
    full = predictor.predict(COMPOSITIONS)
    name = "formation_energy"
    assert not np.array_equal(half[name].value, full[name].value)
    assert half[name].value == pytest.approx(full[name].value, abs=0.05)
