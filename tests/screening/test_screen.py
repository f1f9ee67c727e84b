from __future__ import annotations

import csv
import importlib
import json
import re
from types import SimpleNamespace
from typing import ClassVar

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import rrgraph as rr
from rrgraph.chem import Atmosphere
from rrgraph.cli import main
from rrgraph.errors import ConfigError, DataError, ModelError, OptionError, PlanningError
from rrgraph.planning import Conditions, Interval
from rrgraph.screening import ScreeningSettings, page, screen
from rrgraph.screening import answers as answers_module
from rrgraph.screening import shards as shards_module

from ..mortal_engine import MortalEngine
from .conftest import contents, interrupted_at

screen_file = importlib.import_module("rrgraph.screening.screen")


def asked(table, **options):
    return ScreeningSettings(input=str(table), **{"energies": False, "conditions": False, "shard_rows": 4, **options})


def run(table, folder, *, engine="serial", resume=False, restart=False, **options):
    return screen(asked(table, **options), folder, engine=engine, jobs=1, resume=resume, restart=restart)


def rows(folder):
    return pyarrow.dataset.dataset(folder / "shards").to_table().to_pylist()


def rejects(folder):
    with (folder / "rejects.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def whole(model, table, tmp_path):
    """The folder of a screening that nothing disturbed."""
    run(table, tmp_path / "whole", shelf="BaO,TiO2")
    return tmp_path / "whole"


@pytest.mark.slow
def test_the_answers_are_those_of_plan(tmp_path, monkeypatch):
    """With the bundled model; the other tests have one that only pretends."""
    bundled = rr.load_model()
    monkeypatch.setattr(answers_module, "load_model", lambda name, device: bundled)
    monkeypatch.setattr(page, "write_page", lambda summary: None)
    table = tmp_path / "targets.csv"
    table.write_text("material_id,target\nmp-1,BaTiO3\nmp-2,LiFePO4\nmp-3,Xx2\n")
    settings = ScreeningSettings(
        input=str(table), keep=("material_id",), shelf="BaCO3,TiO2,Li2CO3", top_k=2, conditions=False
    )
    summary = screen(settings, tmp_path / "out", engine="serial")
    found = rows(tmp_path / "out")
    plans = bundled.plan(["BaTiO3", "LiFePO4"], top_k=2, literature=False, energies=True)
    for row, plan in zip(found, plans, strict=True):
        best = plan.best
        assert row["precursors"].split(";") == [each.formula for each in best.precursors]
        assert row["equation"] == str(best.equation)
        assert row["none_of_these"] == pytest.approx(plan.no_match, abs=1e-6)
        assert row["reaction_energy_ev_per_atom"] == pytest.approx(best.energy.ev_per_atom, abs=1e-6)
        assert [each["probability"] for each in row["sets"]] == pytest.approx(
            [each.probability for each in plan], abs=1e-6
        )
    assert [row["material_id"] for row in found] == ["mp-1", "mp-2"]
    assert [row["shelf_rank"] for row in found] == [1, None]
    shelf = {"BaCO3", "TiO2", "Li2CO3"}
    there = [[each.formula in shelf for each in plan.best.precursors] for plan in plans]
    assert [row["shelf_coverage"] for row in found] == [sum(each) / len(each) for each in there]
    assert found[0]["handling"] == "toxic;crucible"
    assert [row["handling"].split(";") for row in found] == [
        list(dict.fromkeys(str(note.hazard) for note in plan.best.handling)) for plan in plans
    ]
    assert [row["system_distance"] for row in found] == [0, 0]
    assert (summary.rows, summary.rejected, summary.total.from_shelf) == (3, 1, 1)


def test_a_row_for_each_target_and_bad_rows_apart(whole):
    found = rows(whole)
    assert [row["line"] for row in found] == [2, 3, 4, 6, 7, 8, 9, 11, 12, 13]
    assert [row["line"] for row in rejects(whole)] == ["5", "10"]
    assert "'Xx2' is not a valid formula" in rejects(whole)[0]["reason"]
    by_target = {row["target"]: row for row in found}
    assert by_target["UO2"]["message"] == "There is no set." and by_target["UO2"]["sets"] == []
    assert [each["precursors"] for each in by_target["BaTiO3"]["sets"]] == ["BaO;TiO2", "BaO;TiO2;O2Ba"]
    assert [by_target[name]["shelf_coverage"] for name in ("BaTiO3", "SrTiO3", "Fe2O3")] == [1, 0.5, 0]
    assert by_target["SrTiO3"]["system_distance"] == 2
    assert len(list((whole / "shards").iterdir())) == len(list((whole / "done").iterdir())) == 3


def test_equal_formulas_of_a_batch_are_planned_once(whole, model, table, tmp_path):
    run(table, tmp_path / "one", shard_rows=100)
    assert max(model.asked, key=len).count("BaTiO3") == 1
    assert [row["target"] for row in rows(tmp_path / "one")].count("BaTiO3") == 2


def test_parquet_gives_the_same_and_kept_columns_keep_their_types(whole, table, tmp_path):
    given = pa.csv.read_csv(table).append_column("line", pa.array(range(12)))
    pq.write_table(given, tmp_path / "targets.parquet")
    run(tmp_path / "targets.parquet", tmp_path / "out", shelf="BaO,TiO2", keep=("line", "id"))
    found = rows(tmp_path / "out")
    assert [row["target"] for row in found] == [row["target"] for row in rows(whole)]
    assert [row.pop("line_input") for row in found][:4] == [0, 1, 2, 4]
    assert found[0]["id"] == "m0" and found[0]["line"] == 1


def test_a_row_that_raises_is_rejected_alone(model, table, tmp_path):
    def fail(formulas):
        if "SrZrO3" in formulas:
            raise ZeroDivisionError("by\nzero")

    model.before = fail
    run(table, tmp_path / "out")
    assert [row["reason"] for row in rejects(tmp_path / "out")][2:] == ["ZeroDivisionError: by zero"]
    assert len(rows(tmp_path / "out")) == 9


def test_a_folder_of_which_nothing_is_done_is_taken_again(model, table, tmp_path):
    with interrupted_at(model, "BaTiO3"):
        run(table, tmp_path / "out")
    assert run(table, tmp_path / "out", top_k=2).rows == 12


def test_an_interrupted_screening_goes_on_and_repeats_nothing(whole, model, table, tmp_path):
    folder = tmp_path / "cut"
    with interrupted_at(model, "Fe2O3"):
        run(table, folder, shelf="BaO,TiO2")
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["000000.json", "000001.json"]
    with pytest.raises(DataError, match="holds a screening; --resume goes on"):
        run(table, folder, shelf="BaO,TiO2")
    model.asked.clear()
    run(table, folder, shelf="BaO,TiO2", resume=True)
    assert model.asked == [[], ["SrZrO3", "Fe2O3", "Li2TiO3"]]
    assert contents(folder) == contents(whole)


def test_a_damaged_shard_is_planned_again(whole, model, table):
    before = contents(whole)
    (whole / "shards" / "000001.parquet").write_bytes(b"PAR1")
    (whole / "done" / "000002.json").write_text("{")
    model.asked.clear()
    run(table, whole, shelf="BaO,TiO2", resume=True)
    assert [len(each) for each in model.asked] == [0, 4, 3]
    assert contents(whole) == before


def test_a_shard_is_on_the_disk_before_it_counts_as_done(model, table, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(shards_module, "_sync", lambda path: synced.append(path))
    run(table, tmp_path / "out", shard_rows=100)
    where = [path.name if path.is_dir() else path.parent.name for path in synced]
    assert where == ["shards", "shards", "done", "done"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"top_k": 2}, "begun with --top-k 5, not with --top-k 2"),
        ({"energies": True}, "begun with no --energies, not with --energies"),
        ({"exclude": ("Pb", "N")}, "begun with no --exclude, not with --exclude Pb N"),
    ],
)
def test_another_question_is_refused(whole, table, change, said):
    with pytest.raises(DataError, match=said):
        run(table, whole, **{"shelf": "BaO,TiO2", "resume": True, **change})


def test_another_input_is_refused_and_the_same_one_elsewhere_is_not(whole, table, tmp_path):
    moved = table.rename(tmp_path / "moved.csv")
    run(moved, whole, shelf="BaO,TiO2", resume=True)
    moved.write_text(moved.read_text() + "m12,BaO\n")
    with pytest.raises(DataError, match=r"it was begun with the input '.*', not with '.*moved\.csv'; --restart"):
        run(moved, whole, shelf="BaO,TiO2", resume=True)
    moved.rename(table)
    with pytest.raises(DataError, match="the content of the input has changed; --restart discards it"):
        run(table, whole, shelf="BaO,TiO2", resume=True)
    table.rename(moved)
    assert run(moved, whole, restart=True).rows == 13


def test_a_setting_that_cannot_be_used_discards_nothing(whole, table, monkeypatch):
    def refuse(name, device):
        raise ModelError(f"There is no model '{name}'.")

    before = contents(whole)
    monkeypatch.setattr(answers_module, "load_model", refuse)
    with pytest.raises(ModelError, match="no model 'defalt'"):
        run(table, whole, restart=True, model="defalt")
    assert contents(whole) == before


def test_a_folder_with_other_files_is_left_alone(model, table, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    with pytest.raises(DataError, match="holds other files, such as 'letter"):
        run(table, tmp_path / "mine", restart=True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "Xx2\nQ\n\n",
            r"None of the 3 rows of '.*' could be screened, mostly for this reason: '\.\.\.' is not a valid",
        ),
        ("", r"'.*' has no rows, so nothing was screened\."),
        ("Xx2\nUO2\n", None),  # of which there is no set
    ],
)
def test_the_exit_code_says_when_nothing_could_be_screened(model, tmp_path, capsys, rows, said):
    (tmp_path / "table.csv").write_text("formula,id\n" + rows.replace("\n", ",\n"))
    command = ["screen", str(tmp_path / "table.csv"), "--output", str(tmp_path / "out"), "--engine", "serial"]
    assert main([*command, "--no-energies"]) == (0 if said is None else 2)
    found = capsys.readouterr().err
    assert found == "" if said is None else re.match(f"rrgraph screen: {said}", found), found
    assert (tmp_path / "out" / "rejects.csv").is_file()


def test_shards_that_a_killed_restart_left_are_not_counted(model, table, tmp_path):
    whole, out = run(table, tmp_path / "whole"), tmp_path / "out"
    run(table, out)
    for marker in (out / "done").glob("*.json"):
        marker.unlink()
    (out / "shards" / "000099.parquet").write_bytes((out / "shards" / "000000.parquet").read_bytes())
    assert run(table, out).total == whole.total
    assert contents(out / "shards") == contents(tmp_path / "whole" / "shards")


def test_an_atmosphere_is_that_of_plan(tmp_path):
    (tmp_path / "targets.txt").write_text("VO2\nMoO2\n")
    asked = ScreeningSettings(input=str(tmp_path / "targets.txt"), energies=False, conditions=True, atmosphere="H2/Ar")
    screen(asked, tmp_path / "out", engine="serial")
    plans = rr.plan(["VO2", "MoO2"], atmosphere="reducing", top_k=5, literature=False)
    for row, plan in zip(rows(tmp_path / "out"), plans, strict=True):
        assert row["precursors"] == ";".join(str(each) for each in plan.best.precursors)
        assert row["probability"] == pytest.approx(plan.best.probability, abs=1e-6)
        assert row["atmosphere"] == "reducing"


def test_conditions_of_the_best_set(model, table, tmp_path, monkeypatch):
    class Fired:
        asked: ClassVar = []

        def conditions(self, targets, sets, *, atmosphere, byproducts):
            assert atmosphere is None and byproducts == ()
            self.asked.append([(target.formula, len(members)) for target, members in zip(targets, sets, strict=True)])
            return [
                Conditions(
                    temperatures={
                        "highest": Interval(1000.4 + len(members), 900.0, 1100.6),
                        "calcination": Interval(800.0, 700.0, 900.0),
                    },
                    times={"highest": Interval(10.04, 5.0, 20.0), "calcination": Interval(6.0, 2.0, 12.0)},
                    atmospheres={Atmosphere.AIR: 0.9},
                    firings={1: 0.4, 2: 0.6},
                    papers=len(members),
                    recipes=tuple(SimpleNamespace(doi=doi) for doi in ("10.1/a", None, "10.1/b")),
                )
                for members in sets
            ]

    run(table, tmp_path / "plain")
    monkeypatch.setattr(answers_module, "condition_source", lambda chosen: Fired())
    run(table, tmp_path / "out", conditions=ScreeningSettings(input="-").conditions)  # the default
    assert Fired.asked[1] == [("BaZrO3", 2), ("LiFeO2", 2), ("BaTiO3", 2)]  # one call a batch, none for what has no set
    names = ("temperature_c", "temperature_c_low", "temperature_c_high", "time_h")
    names += ("time_h_low", "time_h_high", "atmosphere", "firings", "stages", "papers", "recipe_dois")
    by_target = {row["target"]: tuple(row.pop(name) for name in names) for row in rows(tmp_path / "out")}
    stages = "calcination 800 °C (700-900), 6 h (2-12)"
    assert by_target["BaTiO3"] == (1002, 900, 1101, 10.0, 5.0, 20.0, "air", 2, stages, 2, "10.1/a;10.1/b")
    assert by_target["Fe2O3"] == (1001, 900, 1101, 10.0, 5.0, 20.0, "air", 2, stages, 1, "10.1/a;10.1/b")
    assert by_target["UO2"] == (None,) * 11
    assert {row[name] for row in rows(tmp_path / "plain") for name in names} == {None}


def test_an_empty_table(model, tmp_path):
    (tmp_path / "none.csv").write_text("formula\n")
    summary = run(tmp_path / "none.csv", tmp_path / "out")
    assert (summary.rows, summary.total.targets, summary.most) == (0, 0, [])


@pytest.fixture
def mortal(monkeypatch):
    """Return a function that puts such an engine in place of the others, and returns it."""

    def use(dies):
        engine = MortalEngine(dies)
        monkeypatch.setattr(screen_file, "choose_engine", lambda name, address: engine)
        return engine

    return use


def test_the_shard_of_a_dead_process_is_tried_again(whole, table, tmp_path, mortal):
    engine = mortal(lambda task: task.tries < 2)
    run(table, tmp_path / "out", engine="local", shelf="BaO,TiO2")
    assert len(engine.items) == 9
    assert contents(tmp_path / "out") == contents(whole)


def test_a_poisonous_row_is_isolated_after_three_tries(whole, table, tmp_path, mortal, monkeypatch):
    engine = mortal(lambda task: any(row.text == "LiFeO2" for row in task.rows))
    monkeypatch.setattr(screen_file, "BATCH_ROWS", 2)
    run(table, tmp_path / "out", engine="local", shelf="BaO,TiO2")
    shard = ["BaZrO3", "LiFeO2", "BaTiO3", "UO2"]
    tasks = [[row.text for row in task.rows] for task in engine.items]
    assert tasks.count(shard) == 3
    assert [task for task in tasks if "LiFeO2" in task][3:] == [["BaZrO3", "LiFeO2"], *[["LiFeO2"]] * 3]
    lost = [row for row in rejects(tmp_path / "out") if row["text"] == "LiFeO2"]
    assert [row["reason"] for row in lost] == ["Every process that plans this row dies (out of memory?)."]
    assert rows(tmp_path / "out") == [row for row in rows(whole) if row["target"] != "LiFeO2"]


def test_a_process_that_has_grown_is_replaced(whole, table, tmp_path, mortal, monkeypatch):
    engine = mortal(lambda task: False)
    sizes = iter([5e8, 7e8, 9e8, 7e8])  # at first, and after each shard
    monkeypatch.setattr(answers_module, "_memory", lambda: next(sizes))
    run(table, tmp_path / "out", engine="local", shelf="BaO,TiO2")
    assert engine.started == 2
    assert contents(tmp_path / "out") == contents(whole)


def test_processes_that_all_die_end_the_screening(table, tmp_path, model, mortal):
    engine = mortal(lambda task: True)
    with pytest.raises(PlanningError, match="20 worker processes died one after the other"):
        run(table, tmp_path / "out", engine="local")
    assert engine.started == 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "rays"}, r"engine is 'rays', expected one of local, ray, serial\. Did you mean 'ray'\?"),
        ({"column": "formulae"}, "no column 'formulae', which --column asks for, found id, formula"),
        ({"keep": ("ids",)}, "no column 'ids', which --keep asks for"),
        ({"shelf": "Xx2"}, "Xx2"),
    ],
)
def test_bad_options_are_named_before_anything_is_written(model, table, tmp_path, options, said):
    with pytest.raises((OptionError, DataError, PlanningError, ConfigError, rr.errors.FormulaError), match=said):
        run(table, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_a_killed_process_leaves_is_no_marker(whole, table):
    (whole / "done" / ".rrgraph-host-abcdefgh.tmp.json").write_text("{")
    assert run(table, whole, shelf="BaO,TiO2", resume=True).rows == 12


def test_what_is_noted_of_a_shard(whole):
    note = json.loads((whole / "done" / "000002.json").read_text())
    assert (note["rows"], note["answered"]) == (4, 3)
    assert note["rejects"] == [[10, "", "There is no formula."]]
