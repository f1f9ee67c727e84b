import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rrgraph.properties import PropertyTask, TargetScale

LINEAR = PropertyTask(name="energy", unit="eV/atom")
LOG = PropertyTask(name="modulus", unit="GPa", transform="log")
ASINH = PropertyTask(name="anisotropy", transform="asinh")
BOUNDED = PropertyTask(name="gap", unit="eV", lowest=0.0)
TASKS = (LINEAR, LOG, ASINH, BOUNDED)

positive = st.floats(1e-3, 1e4, allow_nan=False)
labels = arrays(np.float64, st.tuples(st.integers(1, 30), st.just(len(TASKS))), elements=positive)


def fit_one(task, values):
    return TargetScale.fit([task], np.array(values, dtype=np.float64)[:, None])


@given(labels=labels)
def test_what_is_encoded_is_decoded(labels):
    scale = TargetScale.fit(TASKS, labels)
    values, _ = scale.decode(scale.encode(labels), np.zeros(labels.shape))
    assert values == pytest.approx(labels, rel=1e-6, abs=1e-6)


@given(labels=labels, data=st.data())
def test_unknown_labels_neither_count_nor_appear(labels, data):
    hidden = data.draw(arrays(np.bool_, labels.shape))
    holed = np.where(hidden, np.nan, labels)
    scale = TargetScale.fit(TASKS, holed)
    assert np.array_equal(np.isnan(scale.encode(holed)), hidden)
    for column, task in enumerate(TASKS):
        known = labels[~hidden[:, column], column]
        alone = fit_one(task, known)
        assert scale.center[column] == alone.center[0]
        assert scale.scale[column] == alone.scale[0]


def test_median_and_mean_absolute_deviation_by_hand():
    scale = fit_one(LINEAR, [1.0, 2.0, 3.0, 4.0, 100.0])
    assert scale.center == pytest.approx([3.0])
    assert scale.scale == pytest.approx([(2 + 1 + 0 + 1 + 97) / 5])
    logarithmic = fit_one(LOG, np.exp([1.0, 2.0, 3.0, 4.0, 100.0]))
    assert (logarithmic.center, logarithmic.scale) == (pytest.approx(scale.center), pytest.approx(scale.scale))


@given(values=st.lists(positive, min_size=1, max_size=20))
def test_encoded_training_labels_are_centred_and_of_order_one(values):
    encoded = fit_one(LOG, values).encode(np.array(values)[:, None])
    assert np.median(encoded) == pytest.approx(0, abs=1e-9)
    assert np.abs(encoded).mean() == pytest.approx(0 if len(set(values)) == 1 else 1, abs=1e-6)


def test_a_task_without_labels_or_with_one_value_keeps_the_scale_of_its_unit():
    scale = TargetScale.fit([LINEAR, BOUNDED], np.array([[np.nan, 5.0], [np.nan, 5.0]]))
    assert scale.center.tolist() == [0.0, 5.0]
    assert scale.scale.tolist() == [1.0, 1.0]


@given(value=st.floats(-3, 3), deviation=st.floats(1e-6, 1e-3))
@pytest.mark.parametrize("task", [LINEAR, LOG, ASINH], ids=lambda task: task.transform)
def test_deviations_pass_through_the_transform_to_first_order(task, value, deviation):
    scale = TargetScale([task], np.array([0.4]), np.array([1.7]))
    at, spread = scale.decode(np.array([[value]]), np.array([[deviation]]))
    above, _ = scale.decode(np.array([[value + deviation]]), np.zeros((1, 1)))
    below, _ = scale.decode(np.array([[value - deviation]]), np.zeros((1, 1)))
    assert spread[0, 0] == pytest.approx((above - below)[0, 0] / 2, rel=1e-3)
    assert (below < at).all()


def test_predictions_keep_the_bound_of_their_task():
    scale = TargetScale([BOUNDED, LINEAR], np.zeros(2), np.ones(2))
    values, deviations = scale.decode(np.array([[-2.0, -2.0], [1.5, 1.5]]), np.full((2, 2), 0.3))
    assert values.tolist() == [[0.0, -2.0], [1.5, 1.5]]
    assert (deviations == 0.3).all()


def test_logarithms_of_zero_and_far_predictions_stay_finite():
    scale = fit_one(LOG, [0.0, 1.0, 10.0])
    assert np.isfinite(scale.encode(np.array([[0.0]]))).all()
    for task in (LOG, ASINH):
        wild = TargetScale([task], np.zeros(1), np.ones(1)).decode(np.array([[1e4], [-1e4]]), np.ones((2, 1)))
        assert np.isfinite(wild).all()


def test_no_tasks_at_all():
    scale = TargetScale.fit([], np.empty((3, 0)))
    assert scale.encode(np.empty((3, 0))).shape == (3, 0)
    assert [part.shape for part in scale.decode(np.empty((3, 0)), np.empty((3, 0)))] == [(3, 0), (3, 0)]
