from __future__ import annotations

import json

import numpy as np
import pytest

from rrgraph.errors import ConfigError, DataWarning
from rrgraph.runs import BaselineConfig
from rrgraph.training import check_folder, checksum, in_own_folder, record_run
from rrgraph.util.locking import LOCK_FILE
from rrgraph.util.settings import check

CONTENTS = {"training rows": checksum(["BaTiO3"]), "test rows": checksum(["SrTiO3"])}


@pytest.fixture
def config(tmp_path):
    return BaselineConfig(output=str(tmp_path / "run"))


def test_what_is_half_written_does_not_count_as_contents(config):
    config.folder.mkdir()
    for name in (LOCK_FILE, ".half.yaml"):
        (config.folder / name).touch()
    check_folder(config, resume=False)
    check_folder(config, resume=True)


def test_a_run_goes_on_with_the_same_data_alone(config):
    record_run(config, {"cleaning": None}, CONTENTS, resume=True)
    record_run(config, {"cleaning": None}, CONTENTS, resume=True)
    with pytest.raises(ConfigError, match=r"run' was started with other data.*: the training rows have changed\."):
        record_run(config, {}, CONTENTS | {"training rows": checksum(["BaO"])}, resume=True)
    with pytest.raises(ConfigError, match="the training rows, the test rows, the labels of gap have changed"):
        record_run(config, {}, {"labels of gap": "1"}, resume=True)
    assert json.loads((config.folder / "data.json").read_text()) == {"cleaning": None, "contents": CONTENTS}
    record_run(config, {}, {"labels of gap": "1"}, resume=False)


def test_a_run_of_an_earlier_release_goes_on_with_a_warning(config):
    record_run(config, {}, CONTENTS, resume=False)
    (config.folder / "data.json").write_text('{"cleaning": null}')
    with pytest.warns(DataWarning, match=r"data\.json' has no checksums of the rows"):
        record_run(config, {}, CONTENTS, resume=True)


@pytest.mark.parametrize("text", ["{", "[]", "", "[" * 100_000])
def test_a_damaged_record_is_refused(config, text):
    record_run(config, {}, CONTENTS, resume=False)
    (config.folder / "data.json").write_text(text)
    with pytest.raises(ConfigError, match="is damaged; remove it"):
        record_run(config, {}, CONTENTS, resume=True)


def test_checksums_depend_on_order_and_bits():
    assert checksum(["a", "b"]) != checksum(["b", "a"])
    assert checksum(np.array([0.0, 1.0])) != checksum(np.array([-0.0, 1.0]))
    assert checksum(np.empty((0, 3))) == checksum(np.empty((0, 2)))


def test_a_run_has_its_folder_for_itself(config):
    @in_own_folder(check)
    def run(config, *, inner, resume=False):
        if inner:
            return run(config, inner=False, resume=resume)
        return [entry.name for entry in config.folder.iterdir()]

    assert run(config, inner=False) == [LOCK_FILE]
    with pytest.raises(ConfigError, match="in use"):
        run(config, inner=True)
    assert not config.folder.exists()
    record_run(config, {}, CONTENTS, resume=False)
    (config.folder / "model.json").touch()
    with pytest.raises(ConfigError, match="continue it with --resume"):
        run(config, inner=False)
    assert run(config, inner=False, resume=True)


def test_what_is_refused_is_not_touched(tmp_path):
    run = in_own_folder(check)(lambda config, *, resume=False: pytest.fail("it ran"))
    with pytest.raises(ConfigError, match="expected a plain file name"):
        run(BaselineConfig(name="../x", output=str(tmp_path / "runs" / ".." / "x")))
    assert not list(tmp_path.iterdir())
    (tmp_path / "thesis.txt").touch()
    before = tmp_path.stat().st_mtime_ns
    with pytest.raises(ConfigError, match="holds no run"):
        run(BaselineConfig(output=str(tmp_path)))
    assert tmp_path.stat().st_mtime_ns == before
