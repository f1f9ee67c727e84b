import pytest

from rrgraph.chem import parse_formula
from rrgraph.data import preferred_spelling


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("PH6NO4", "NH4H2PO4"),
        ("MnH6(CO)4", "Mn(CH3COO)2"),
        ("NaHO", "NaOH"),
        ("LiHO", "LiOH"),
        ("Ta2(HO)10", "Ta2(OH)10"),
        ("CrB4", "CrB4"),
        ("Fe4O6", "Fe2O3"),
    ],
)
def test_machine_spellings_become_customary_ones(read, expected):
    shown = preferred_spelling(parse_formula(read))
    assert shown.formula == expected
    assert shown == parse_formula(read)
