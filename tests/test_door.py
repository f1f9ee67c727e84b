"""What `import rrgraph as rr` offers: instant, typed by its names, and the same answers as the command's."""

from __future__ import annotations

import ast
import doctest
import functools
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition as PymatgenComposition
from pymatgen.core import Lattice, Structure
from pymatgen.entries.computed_entries import ComputedEntry

import rrgraph as rr
from rrgraph.cli.main import main
from rrgraph.errors import ConfigError, DataError, FormulaError, PlanningError, RRGraphError
from rrgraph.planning.constraints import _balanced

CUBE = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]


@pytest.fixture(scope="module")
def model():
    return rr.load_model()


@pytest.fixture(autouse=True)
def one_model(model, monkeypatch):
    """Load the bundled model once for all tests, those of docstrings included."""
    load = rr.load_model

    @functools.wraps(load)
    def load_once(name="default", *, device="auto"):
        return model if (name, device) == ("default", "auto") else load(name, device=device)

    monkeypatch.setattr(rr, "load_model", load_once)
    monkeypatch.setattr("rrgraph.api.load_model", load_once)


@pytest.fixture
def perovskite() -> Structure:
    return Structure(Lattice.cubic(4), ["Ba", "Ti", "O", "O", "O"], CUBE)


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_import_loads_nothing_heavy():
    loaded = "', '".join(("torch", "pandas", "numpy", "pymatgen", "sklearn", "rrgraph.chem"))
    assert run_python(f"import rrgraph, sys; print([m for m in ('{loaded}') if m in sys.modules])") == "[]"


def test_planning_needs_no_torch():
    names = "rr.SynthesisPlan, rr.Constraints, rr.planning.SetSearch"
    assert run_python(f"import rrgraph as rr, sys; {names}; print('torch' in sys.modules)") == "False"


def test_every_name_is_there_and_listed():
    assert set(rr.__all__) <= set(dir(rr))
    for name in rr.__all__:
        assert getattr(rr, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'plam'"):
        rr.plam  # noqa: B018


def test_every_package_is_an_attribute():
    packages = sorted(path.parent.name for path in Path(rr.__file__).parent.glob("*/__init__.py"))
    shown = run_python("import rrgraph as rr; print(*dir(rr))").split()
    assert [name for name in packages if name not in shown] == ["cli", "util"]
    assert run_python("import rrgraph as rr; print(rr.links.DECODERS is rr.links.decoders.DECODERS)") == "True"


def test_notebooks_and_benchmarks_need_no_other_import():
    root = Path(__file__).parents[1]
    texts = {path.name: path.read_text(encoding="utf-8") for path in root.glob("benchmarks/*.py")}
    for path in root.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        texts |= {f"{path.name}, code cell {number}": text for number, text in enumerate(code)}
    behind = [
        (name, node.module)
        for name, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("rrgraph")
    ]
    # A package inside another one, imported from by itself.
    assert set(behind) == {("encoder_throughput.py", "rrgraph.properties.pretraining")}


@pytest.mark.parametrize(
    "name",
    [
        "rrgraph",
        "rrgraph.api",
        "rrgraph.chem.balance",
        "rrgraph.chem.composition",
        "rrgraph.chem.equation",
        "rrgraph.chem.formula",
        "rrgraph.chem.materials",
        "rrgraph.data.learned",
        "rrgraph.data.table",
        "rrgraph.graph.build",
        "rrgraph.graph.inductive_split",
        "rrgraph.models.model",
        "rrgraph.models.model_registry",
        "rrgraph.planning.constraints",
        "rrgraph.planning.synthesis",
    ],
)
def test_examples_of_docstrings(name):
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert found.failed == 0
    assert found.attempted > 0


def test_every_function_of_the_door_has_an_example():
    for name in rr.__all__:
        offered = getattr(rr, name)
        if name not in ("__version__", "networks"):
            assert ">>>" in (offered.__doc__ or ""), name
    for method in ("plan", "link_probabilities", "embed", "graph"):
        assert ">>>" in getattr(rr.Model, method).__doc__, method


def _apart(value):
    """Return JSON values with the numbers taken out, and the numbers."""
    numbers = []
    text = json.dumps(value)
    return json.loads(text, parse_float=lambda number: numbers.append(float(number))), numbers


def test_the_plan_is_the_line_of_the_command(capsys):
    plans = rr.plan(
        ["BaTiO3", "Cr2AlB2", "UTe2"], top_k=3, exclude="N", energies=True, literature=False, conditions=True
    )
    argv = ["plan", "BaTiO3", "Cr2AlB2", "UTe2", "--top-k", "3", "--exclude", "N", "--energies", "--no-evidence"]
    assert main([*argv, "--json", "--grams", "5"]) == 0
    # The command loads the model anew: embeddings of another batch differ in the last digit.
    printed, numbers = _apart([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    expected, same = _apart([plan.to_dict(grams=5) for plan in plans])
    assert printed == expected
    assert numbers == pytest.approx(same, rel=1e-4, abs=1e-6)
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert str(plans[0]) in printed
    assert str(plans[1]) in printed


@pytest.mark.parametrize("kind", ["structure", "supercell", "entry", "composition", "ours"])
def test_whatever_stands_for_a_material_is_planned(perovskite, kind):
    material = {
        "structure": perovskite,
        "supercell": perovskite * (2, 1, 1),
        "entry": ComputedEntry("Ba2Ti2O6", -80.0),
        "composition": PymatgenComposition("BaTiO3"),
        "ours": rr.parse_formula("BaTiO3"),
    }[kind]
    expected = rr.plan("BaTiO3", top_k=2, literature=False)
    assert rr.plan(material, top_k=2, literature=False) == expected
    assert rr.plan([material], top_k=2, literature=False) == [expected]


def test_a_structure_file_is_planned(perovskite, tmp_path, capsys):
    perovskite.to(str(tmp_path / "cell.cif"))
    perovskite.to(str(tmp_path / "POSCAR"), fmt="poscar")
    assert rr.plan(Structure.from_file(tmp_path / "cell.cif"), literature=False).best.equation is not None
    for name in ("cell.cif", "POSCAR"):
        assert main(["plan", str(tmp_path / name), "--json", "--no-evidence", "--top-k", "1"]) == 0
        line = json.loads(capsys.readouterr().out)
        assert line["target"] == "BaTiO3"
        assert set(line["sets"][0]) == {"BaCO3", "TiO2"}


def test_structure_files_that_cannot_be_read_are_named(tmp_path, capsys):
    (tmp_path / "bad.cif").write_text("no structure")
    (tmp_path / "list.txt").write_text("bad.cif\nBaTiO3\n")
    assert main(["plan", str(tmp_path / "bad.cif"), "gone.cif", "--no-evidence"]) == 2
    bad, gone = capsys.readouterr().err.strip().splitlines()
    assert f"'{tmp_path / 'bad.cif'}' is not a CIF or POSCAR file that can be read" in bad
    assert gone == "rrgraph plan: There is no structure file 'gone.cif'."
    assert main(["plan", "--input", str(tmp_path / "list.txt"), "--no-evidence"]) == 2
    assert "'bad.cif' is a structure file, which a list may not name" in capsys.readouterr().err


def test_what_is_no_material_is_refused():
    for bad in (3, None, [3]):
        with pytest.raises(FormulaError, match="A material must be"):
            rr.plan(bad)


def test_a_plan_knows_equations_masses_and_alternatives():
    plan = rr.plan("BaTiO3", stock=["BaCO3", "BaO", "TiO2"], set_size=2, literature=False)
    best, other = plan
    assert str(best.equation) in ("BaCO3 + TiO2 → BaTiO3 + CO2", "TiO2 + BaCO3 → BaTiO3 + CO2")
    assert best.grams(10)["BaCO3"] == pytest.approx(10 * 197.336 / 233.192, rel=1e-4)
    assert [each.formula for each in best.exchange] == ["BaCO3", "BaO"]
    assert best.alternative.precursors == other.precursors
    assert str(best.alternative.equation) == str(other.equation)
    assert best.probability + other.probability + plan.no_match == pytest.approx(1)
    assert plan.known_size
    assert "given its size" in str(plan)


def test_a_set_is_balanced_once(monkeypatch):
    calls = []
    balance = rr.balance
    _balanced.cache_clear()

    def counted(target, precursors, **options):
        calls.append(tuple(str(each) for each in precursors))
        return balance(target, precursors, **options)

    monkeypatch.setattr("rrgraph.planning.constraints.balance", counted)
    plan = rr.plan("BaTiO3", balanced=True, top_k=3, energies=True, literature=False)
    plan.to_dict(grams=2), plan.to_frame(), str(plan), plan.best.grams(5)
    assert len(calls) >= 3
    assert len(calls) == len(set(calls))


def test_what_cannot_be_balanced_has_no_masses():
    options = {"candidates": ["BaCO3", "TiO2", "Al2O3"], "require": "Al", "top_k": 1, "literature": False}
    assert len(rr.plan("BaTiO3", **options)) == 0
    plan = rr.plan("BaTiO3", balanced=False, **options)
    assert plan.best.equation is None
    with pytest.raises(RRGraphError, match="cannot be balanced"):
        plan.best.grams(1)
    assert plan.to_dict(grams=1)["grams"] == [None]


def test_a_plan_without_sets_says_why():
    plan = rr.plan("UTe2", stock="BaCO3,TiO2", literature=False)
    assert len(plan) == 0
    assert "supplies Te, U" in str(plan)
    assert "supplies Te, U" in plan._repr_html_()
    with pytest.raises(PlanningError, match="supplies Te, U"):
        plan.best  # noqa: B018
    assert plan.to_frame()["message"].tolist() == [plan.message]


def test_frames_have_the_columns_of_files(tmp_path):
    plan = rr.plan("BaTiO3", top_k=3, literature=False, energies=True, temperature=1000)
    options = ["--top-k", "3", "--energies", "--temperature", "1000", "--grams", "2", "--equations"]
    assert main(["plan", "BaTiO3", *options, "--output", str(tmp_path / "plans.parquet")]) == 0
    written = pd.read_parquet(tmp_path / "plans.parquet").drop(columns="row")
    numbers, expected = (frame.drop(columns="message") for frame in (plan.to_frame(grams=2), written))
    pd.testing.assert_frame_equal(numbers, expected, check_dtype=False)
    assert written["message"].isna().all()


def test_html_escapes_and_aligns():
    html = rr.plan("BaTiO3", top_k=1, literature=False)._repr_html_()
    assert html.count("<tr>") == 2
    assert '<td style="text-align: right">1</td>' in html
    assert "another set: " in html


def test_precedents_of_a_set_are_those_that_use_it(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("target,precursors\nBaTiO3,BaCO3;TiO2\nBaTiO3,BaO;TiO2\nSrTiO3,SrCO3;TiO2\n")
    plan = rr.plan("BaTiO3", literature=path, precedents=2)
    assert [known.precursors for known in plan.literature] == [("BaCO3", "TiO2"), ("BaO", "TiO2")]
    assert [known.precursors for known in plan.best.literature] == [("BaCO3", "TiO2")]
    assert all(not found.literature for found in plan.sets[2:])
    assert "known reactions nearest to BaTiO3 in mine.csv" in str(plan)
    assert plan.to_dict()["evidence_table"] == "mine.csv"


def test_literature_comes_with_the_package(monkeypatch, tmp_path):
    monkeypatch.delenv("RRGRAPH_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path)
    plan = rr.plan("BaTiO3", top_k=1)
    assert plan.best.literature[0].same_composition
    assert plan.literature_table == "literature"
    assert rr.plan("BaTiO3", top_k=1, literature=True).literature == plan.literature
    assert not list(tmp_path.iterdir())


def test_a_temperature_without_energies_is_refused():
    with pytest.raises(PlanningError, match="energies=True"):
        rr.plan("BaTiO3", temperature=1000, literature=False)


def test_links_and_embeddings_are_frames(model):
    links = model.link_probabilities("BaTiO3", ["BaCO3", PymatgenComposition("TiO2")])
    assert (links.index.tolist(), links.columns.tolist()) == (["BaTiO3"], ["BaCO3", "TiO2"])
    assert ((links > 0.5) & (links < 1)).all(axis=None)
    embeddings = model.embed(["BaTiO3", "SrTiO3"])
    assert embeddings.to_numpy() == pytest.approx(
        model.embeddings([rr.parse_formula("BaTiO3"), rr.parse_formula("SrTiO3")]).numpy()
    )


def test_graphs_name_their_nodes(model, small_table):
    graph = rr.build_graph(small_table)
    assert graph["target"].formula[0] == "LiCoO2"
    sources, members = graph["target", "made_from", "precursor"].edge_index
    first = {graph["precursor"].formula[member] for member in members[sources == 0].tolist()}
    assert first == {"Li2CO3", "LiOH", "Co3O4"}
    assert "x" not in graph["target"]
    encoder = rr.load_encoder("encoder")
    for named in ("encoder", encoder):
        described = rr.build_graph(small_table, encoder=named)
        for nodes in described.node_stores:
            assert nodes.x.numpy() == pytest.approx(encoder.embed(nodes.formula), abs=1e-6)
    whole = model.graph(small_table)
    assert whole["precursor"].num_nodes >= len(model.vocabulary)
    assert whole["target"].num_nodes == graph["target"].num_nodes


def test_a_run_has_its_model_history_and_metrics(finished):
    assert [row["epoch"] for row in finished.history] == [1, 2]
    found = finished.metrics["test"]["open"].overall
    assert found.rows == len(finished.split.test)
    assert rr.evaluate(finished.folder, finished.split.test).overall.top[1].value == found.top[1].value
    assert finished.model.plan("BaTiO3", top_k=1, literature=False).no_match is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k is 0, expected a whole number of at least 1"),
        ({"top_k": "a"}, "top_k is 'a'"),
        ({"precedents": -1}, "precedents is -1"),
        ({"exclude": 3}, "not int"),
        ({"stock": 3}, "not int"),
        ({"byproducts": 3}, "not int"),
        ({"constraints": 3}, "constraints is 3"),
        ({"energies": 3}, "energies is 3"),
        ({"energies": True, "temperature": "x"}, "The temperature is 'x', expected K or"),
        ({"literature": 3}, "literature is 3"),
        ({"set_size": "column:size"}, "a range such as 2-4; the largest is 20"),
    ],
)
def test_an_option_of_the_wrong_kind_is_one_sentence(options, message):
    with pytest.raises(RRGraphError, match=re.escape(message)):
        rr.plan("BaTiO3", **{"literature": False, **options})


def test_materials_may_be_amounts_and_structure_files(tmp_path):
    assert rr.plan({"Ba": 1, "Ti": 1, "O": 3}, top_k=1, literature=False).target == "BaTiO3"
    path = tmp_path / "cell.cif"
    Structure(Lattice.cubic(4), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to(filename=str(path))
    assert rr.plan(str(path), top_k=1, literature=False).target == "MgO"
    with pytest.raises(DataError, match=r"no structure file 'nope\.cif'"):
        rr.plan("nope.cif")


def test_a_configuration_takes_values_of_any_usual_type(tiny, tmp_path):
    values = {"output": tmp_path / "run", "training.epochs": np.int64(1), "evaluation.subsets": []}
    assert [row["epoch"] for row in rr.train(tiny, values).history] == [1]
    with pytest.raises(ConfigError, match=r"Did you mean 'training\.epochs'"):
        rr.train(tiny, {"training.epoch": 3})
    with pytest.raises(ConfigError, match="not int"):
        rr.train(3)
