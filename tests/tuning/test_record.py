from __future__ import annotations

import json
import shutil
from dataclasses import replace

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.errors import StudyError
from rrgraph.tuning import read_objectives, read_settings
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.record import check_folder, claim_study, describe_study, fingerprint, record_folder

ONE = read_objectives(["open.top_1"])


@pytest.fixture
def storage():
    return optuna.storages.InMemoryStorage()


@pytest.fixture
def about(config, make_space):
    """Return a function that describes the study with some changes."""

    def describe(changed=config, space=None, **options):
        space = space or make_space()
        return describe_study(changed, space, read_settings(space, changed, options))

    return describe


def claim(storage, description, objectives=ONE):
    with quietly():
        return claim_study(storage, "s", description, objectives)[0]


@given(st.dictionaries(st.text(), st.integers() | st.lists(st.text()) | st.dictionaries(st.text(), st.floats(0, 1))))
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(values):
    assert fingerprint(values) == fingerprint(dict(reversed(values.items())))
    assert fingerprint(values) != fingerprint({**values, "another": 1}) or values.get("another") == 1


def test_the_same_study_is_claimed_again(storage, about, config):
    first = claim(storage, about())
    # Where it lies and what is measured at the end are no part of it.
    elsewhere = replace(
        config, output="elsewhere", evaluation=replace(config.evaluation, subsets=["test"], baselines=[])
    )
    assert claim(storage, about(elsewhere))._study_id == first._study_id
    assert first.user_attrs["rrgraph_fingerprint"] == fingerprint(about())
    json.dumps(about())


def test_a_study_with_something_else_is_refused_and_the_difference_named(storage, about, config, make_space):
    claim(storage, about())
    other_space = make_space({"training.learning_rate": {"range": [1e-4, 1e-1], "log": True}})
    wider = make_space(
        {"training.sampler": {"choices": ["uniform"]}, "training.learning_rate": {"range": [1e-4, 1e-2]}}
    )
    for description, words in (
        (about(replace(config, training=replace(config.training, epochs=7))), "training.epochs was 3 and is now 7"),
        (about(replace(config, seed=1)), "seed was 0 and is now 1"),
        (about(seed=1), "seed was 0 and is now 1"),
        (about(pruner="median"), "pruner was hyperband and is now median"),
        (about(space=other_space), "the search parameter training.inverse_temperature is missing"),
        (about(space=wider), "the search of training.learning_rate.high was 0.1 and is now 0.01"),
        (about(objectives=["open.top_3"]), "the objective open.top_1 is missing"),
    ):
        with pytest.raises(StudyError) as caught:
            claim(storage, description)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_changed_rows_are_noticed(storage, about, config, tmp_path):
    table = tmp_path / "mine.csv"
    shutil.copy(config.data.table, table)
    mine = replace(config, data=replace(config.data, table=str(table)))
    claim(storage, about(mine))
    claim(storage, about(mine))
    table.write_text(table.read_text() + "BaTiO3,BaO;TiO2\n")
    with pytest.raises(StudyError, match=r"mine\.csv has other contents"):
        claim(storage, about(mine))


def test_the_direction_is_checked_though_optuna_would_keep_the_stored_one(storage, about):
    with quietly():
        optuna.create_study(study_name="s", storage=storage, direction="minimize")
    with pytest.raises(StudyError, match="not started by rrgraph"):
        claim(storage, about())
    other = optuna.storages.InMemoryStorage()
    with quietly():
        study = optuna.create_study(study_name="s", storage=other, direction="minimize")
    study.set_user_attr("rrgraph", json.loads(json.dumps(about())))
    study.set_user_attr("rrgraph_fingerprint", fingerprint(about()))
    with pytest.raises(StudyError, match=r"directions \['minimize'\], expected \['maximize'\]"):
        claim(other, about())


def test_a_study_of_somebody_else_is_refused(storage, about):
    with quietly():
        study = optuna.create_study(study_name="s", storage=storage, direction="maximize")
        study.optimize(lambda trial: 1.0, n_trials=1)
    with pytest.raises(StudyError, match="not started by rrgraph"):
        claim(storage, about())


def test_a_folder_belongs_to_one_study(storage, about, tmp_path):
    folder, url = tmp_path / "study", "postgresql://me:secret@host/db"
    check_folder(folder, "s", about())
    study = claim(storage, about())
    record_folder(folder, study, url, about())
    assert "secret" not in (folder / "study.json").read_text()
    check_folder(folder, "s", about())
    for name, description in (("t", about()), ("s", about(seed=9))):
        with pytest.raises(StudyError, match="holds another study"):
            check_folder(folder, name, description)
    (folder / "trials" / "0000").mkdir(parents=True)
    with pytest.raises(StudyError, match="not in the storage"):
        record_folder(folder, study, url, about())
    (tmp_path / "thesis.tex").write_text("precious")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(StudyError, match="holds no study"):
            check_folder(place, "s", about())


@pytest.mark.parametrize("content", ["[]", "{}", "7", '{"study": "s", "about": {}}', '{"about": '])
def test_a_damaged_record_of_a_folder_is_named(about, tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(StudyError, match=r"^'.*study\.json' is damaged: [^']+\. Restore it, or choose another place"):
        check_folder(tmp_path, "s", about())


def test_a_record_of_something_else_is_another_study(about, tmp_path):
    for record, words in (
        ({"study": [], "about": about()}, r"holds another study, \[\]; choose"),
        ({"study": "s", "about": 7}, r"started with other settings \(data\.clean was None and is now False, "),
    ):
        (tmp_path / "study.json").write_text(json.dumps(record))
        with pytest.raises(StudyError, match=words):
            check_folder(tmp_path, "s", about())


def test_a_damaged_record_of_a_storage_is_named(storage, about):
    claim(storage, about()).set_user_attr("rrgraph", [])
    with pytest.raises(StudyError, match=r"^The record of the study 's' is damaged; choose another name"):
        claim(storage, about())
