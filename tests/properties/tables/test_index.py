from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.graph import featurise
from rrgraph.properties.tables.index import UNKNOWN, CompositionRows, DigestIndex, key_digest

digests = st.integers(0, 2**64 - 1) | st.integers(0, 5)


@given(st.lists(st.lists(digests, unique=True, max_size=8), max_size=6))
def test_an_index_is_a_dictionary(pieces: list[list[int]]):
    index, expected = DigestIndex(), {}
    for piece in pieces:
        found = index.find(np.array(piece, dtype=np.uint64))
        assert found.tolist() == [expected.get(digest, UNKNOWN) for digest in piece]
        new = [digest for digest in piece if digest not in expected]
        rows = range(len(expected), len(expected) + len(new))
        expected |= dict(zip(new, rows, strict=True))
        index.insert(np.array(new, dtype=np.uint64), np.array(rows, dtype=np.int32))
    assert len(index) == len(expected)
    assert index.find(np.array(list(expected), dtype=np.uint64)).tolist() == list(expected.values())


def test_digests_never_change():
    assert key_digest("Fe2O3") == 9827744533406405670
    assert key_digest("NaCl") != key_digest("ClNa")


formulas = st.lists(
    st.dictionaries(st.sampled_from(ELEMENTS[:6]), st.integers(1, 3), min_size=1, max_size=4).map(
        lambda amounts: "".join(f"{symbol}{amount}" for symbol, amount in amounts.items())
    ),
    max_size=12,
)


@given(st.lists(formulas, max_size=3))
def test_rows_are_those_of_the_canonical_keys(pieces: list[list[str]]):
    compositions, expected = CompositionRows(), {}
    for piece in pieces:
        for text in piece:
            expected.setdefault(parse_formula(text).key, (len(expected), text))
        rows = compositions.rows(pd.Series(piece, dtype=str))
        assert rows.tolist() == [expected[parse_formula(text).key][0] for text in piece]
    spelled = [text for _, text in expected.values()]
    assert compositions.digests.tolist() == [key_digest(key) for key in expected]
    assert len(compositions) == len(expected)
    elements, fractions, texts = compositions.release_arrays()
    assert texts.to_pylist() == spelled
    wanted_elements, wanted_fractions = featurise([parse_formula(text) for text in spelled])
    np.testing.assert_array_equal(elements, wanted_elements.numpy())
    np.testing.assert_array_equal(fractions, wanted_fractions.numpy())
    assert (elements.dtype, fractions.dtype) == (np.uint8, np.float32)


def test_what_is_no_composition_is_counted_each_time():
    compositions = CompositionRows()
    first = compositions.rows(pd.Series(["MgO", "Xx2O3", None, "YBa2Cu3O7-δ", "Xx2O3"]))
    second = compositions.rows(pd.Series(["Xx2O3", "O7Cu3Ba2Y", 12], dtype=object))
    assert (first >= 0).tolist() == [True, False, False, True, False]
    assert second.tolist()[1] == first.tolist()[3]
    assert (compositions.refused, compositions.blank, compositions.doubtful) == (4, 1, 1)
    assert len(compositions.examples) == 2
    assert "'Xx2O3' is not a valid formula" in compositions.examples[0]
    assert "must be text" in compositions.examples[1]
