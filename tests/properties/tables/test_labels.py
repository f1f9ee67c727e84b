from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.data import TEST, TRAIN, VALIDATION
from rrgraph.properties import PropertySource, PropertyTask
from rrgraph.properties.tables.labels import LabelColumn

ROWS = 4
observation = st.tuples(
    st.integers(0, ROWS - 1),
    st.integers(-3, 3),
    st.sampled_from([TRAIN, VALIDATION, TEST]),
    st.sampled_from([0.0, 0.5, 1.0, float("nan")]),
)


def source(choose: str) -> PropertySource:
    order = "order" if choose == "ground_state" else ""
    return PropertySource(table="t.csv", column="x", task=PropertyTask(name="x"), choose=choose, order=order)


def naive(observations: list[tuple[int, int, int, float]], choose: str) -> tuple[list[float], list[int]]:
    values, subsets = [], []
    for row in range(ROWS):
        own = [item for item in observations if item[0] == row]
        part = max((item[2] for item in own), default=0)
        own = [item for item in own if item[2] == part]
        if not own:
            value = float("nan")
        elif choose == "median":
            value = median(item[1] for item in own)
        elif choose == "first":
            value = own[0][1]
        else:
            value = min(own, key=lambda item: float("inf") if np.isnan(item[3]) else item[3])[1]
        values.append(value)
        subsets.append(part)
    return values, subsets


@pytest.mark.parametrize("choose", ["median", "ground_state", "first"])
@given(pieces=st.lists(st.lists(observation, max_size=8), max_size=4))
def test_labels_are_those_of_a_naive_loop(choose, pieces):
    column = LabelColumn(source(choose))
    for piece in pieces:
        rows, values, subsets, orders = zip(*piece, strict=True) if piece else ((), (), (), ())
        column.add(
            np.array(rows, dtype=np.int32),
            np.array(values, dtype=np.float64),
            np.array(subsets, dtype=np.uint8),
            np.array(orders, dtype=np.float64) if choose == "ground_state" else None,
        )
    everything = [item for piece in pieces for item in piece]
    labels, subsets = column.finish(ROWS)
    expected_labels, expected_subsets = naive(everything, choose)
    np.testing.assert_array_equal(labels, np.array(expected_labels, dtype=np.float32))
    assert subsets.tolist() == expected_subsets
    assert column.rows_used == len(everything)
