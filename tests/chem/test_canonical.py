"""The canonical key against its definition, searched naively."""

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rrgraph.chem import TOLERANCE, canonical_key, parse_formula
from rrgraph.chem.canonical import MAX_ATOMS

EXACT_TOLERANCE = Fraction(str(TOLERANCE))


def naive_key(amounts, largest=700):
    """The definition word for word, in exact arithmetic, for keys of up to `largest` atoms."""
    total = sum(amounts.values())
    fractions = {symbol: amount / total for symbol, amount in sorted(amounts.items())}
    for atoms in range(1, largest + 1):
        counts = {symbol: round(fraction * atoms) for symbol, fraction in fractions.items()}
        if sum(counts.values()) != atoms or min(counts.values()) < 1:
            continue
        if all(abs(fractions[symbol] - Fraction(count, atoms)) <= EXACT_TOLERANCE for symbol, count in counts.items()):
            return "".join(symbol + (str(count) if count > 1 else "") for symbol, count in counts.items())
    return None


def atoms_of(key):
    return {symbol: int(amount) for symbol, amount in parse_formula(key).amounts}


@settings(deadline=None, max_examples=80)
@given(
    st.dictionaries(
        st.sampled_from(["Li", "O", "Fe", "La"]), st.integers(1, 3000).map(lambda n: Fraction(n, 1000)), min_size=2
    )
)
@example({"La": Fraction(333, 1000), "O": Fraction(1)})
def test_key_is_the_shortest_formula_within_the_tolerance(amounts):
    expected = naive_key(amounts)
    found = canonical_key(list(amounts.items()))
    if expected is not None:
        assert found == expected
    else:
        assert sum(atoms_of(found).values()) > 700


def test_decimals_of_a_third_are_a_third():
    assert parse_formula("La0.33333Ti0.66667O2").key == parse_formula("La1/3Ti2/3O2").key == "LaO6Ti2"


def test_dopants_that_differ_by_more_than_the_tolerance_stay_apart():
    assert parse_formula("Y2.99Ce0.01Al5O12") != parse_formula("Y2.98Ce0.02Al5O12")


@pytest.mark.parametrize("traces", [1, 3, 40])
def test_traces_below_the_tolerance_keep_their_element(traces):
    symbols = [f"E{index}" for index in range(traces)]
    key = canonical_key([("Si", Fraction(1)), *((symbol, Fraction(1, 10**30)) for symbol in symbols)])
    assert all(symbol in key for symbol in symbols)
    assert key.endswith(f"Si{MAX_ATOMS}")


def test_order_of_the_amounts_does_not_matter():
    pairs = [("O", Fraction(12)), ("Li", Fraction(7)), ("Zr", Fraction(2)), ("La", Fraction(3))]
    assert canonical_key(pairs) == canonical_key(pairs[::-1]) == "La3Li7O12Zr2"
