from __future__ import annotations

import pytest

from rrgraph.errors import DataError
from rrgraph.properties import PropertySource, PropertyTask

GAP = PropertyTask(name="gap", unit="eV")


def test_a_task_is_its_own_family_by_default():
    assert GAP.family == "gap"
    assert PropertyTask(name="gap", family="gaps").family == "gaps"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": "clasification", "classes": 3},
            "kind of property 'x' is 'clasification'.*Did you mean 'classification'",
        ),
        ({"transform": "logg"}, "transform of property 'x' is 'logg'.*Did you mean 'log'"),
        ({"kind": "classification"}, "needs at least 2 classes, not 0"),
        ({"kind": "classification", "classes": 1}, "needs at least 2 classes, not 1"),
        ({"classes": 4}, "needs 0 classes, not 4"),
    ],
)
def test_wrong_tasks_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        PropertyTask(name="x", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choose": "mediann"}, "Did you mean 'median'"),
        ({"convert": "from_on"}, "Did you mean 'from_one'"),
        ({"choose": "ground_state"}, "order column is for"),
        ({"order": "energy"}, "order column is for"),
        ({"low": 3.0, "high": 2.0}, "plausible range of property 'gap' is empty: 3 to 2"),
        ({"task": PropertyTask(name="c", kind="classification", classes=2)}, "Classes have no median"),
    ],
)
def test_wrong_sources_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        PropertySource(**{"table": "t.csv", "column": "gap", "task": GAP, **options})


def test_the_old_kind_of_a_file_is_accepted():
    assert PropertyTask(name="x", kind="class", classes=3) == PropertyTask(name="x", kind="classification", classes=3)
