import csv
import json
import shutil
import sys
from contextlib import nullcontext
from itertools import count, product
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.cli.main import main
from rrgraph.organic import ReactantPlanner

from ..conftest import FORWARD

CONFIG = """\
name: tiny
domain: organic
data: {table: TABLE}
model:
  width: 16
  product: {hidden: 32, bits: 512}
  template: {hidden: 32, bits: 512}
contrastive: {epochs: 12, batch_size: 16, learning_rate: 1.0e-2}
ranking: {epochs: 1, batch_size: 16, candidates: 4, hard: 2}
search: {templates: 4, applicable: true}
evaluation: {subsets: [validation], rows: 5}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def run_folder(organic_table, tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("organic_cli")
    (folder / "config.yaml").write_text(CONFIG.replace("TABLE", str(organic_table)))
    assert main(["train", str(folder / "config.yaml"), f"output={folder / 'run'}"]) == 0
    return folder / "run"


def plan(*arguments):
    return main(["plan", "--domain", "organic", *map(str, arguments)])


def test_training_shows_what_was_measured(run_folder, capsys):
    assert main(["train", str(run_folder.parent / "config.yaml"), f"output={run_folder}", "--resume"]) == 0
    shown = capsys.readouterr().out
    assert "test rows whose template is in train" in shown
    assert "model, reactants" in shown and "popularity, template" in shown
    assert f"The model is in {run_folder}" in shown


def test_suggestions_for_people(run_folder, capsys):
    assert plan("--model", run_folder, "CCNC(C)=O", "--top-k", 1) == 0
    shown = capsys.readouterr().out
    assert "CC(=O)O + CCN" in shown and "training rows" in shown


def test_suggestions_as_json_and_drawings(run_folder, tmp_path, capsys):
    assert plan("--model", run_folder, "CCOC(C)=O", "--json", "--svg", tmp_path / "drawings") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["product"] == "CCOC(C)=O"
    assert record["sets"][0] == ["CC(=O)O", "CCO"]
    first = record["suggestions"][0]
    assert first["training_rows"] > 0 and first["template"].count(">>") == 1
    assert record["scores"] == sorted(record["scores"], reverse=True)
    drawing = tmp_path / "drawings" / "product1_set1.svg"
    assert first["drawing"] == str(drawing)
    assert drawing.read_text().lstrip().startswith("<?xml") and "</svg>" in drawing.read_text()


def test_a_bad_molecule_is_named_and_does_not_stop_the_others(run_folder, tmp_path, capsys):
    (tmp_path / "products.smi").write_text("CCOC(C)=O ethyl acetate\n# a comment\n\nnot_a_molecule\nCNC(C)=O\n")
    output = tmp_path / "plans.csv"
    assert plan("--model", run_folder, "--input", tmp_path / "products.smi", "--output", output) == 2
    assert "'not_a_molecule' is not a valid molecule" in capsys.readouterr().err
    with output.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["number"] for row in rows} == {"1", "2", "3"}
    assert [row["error"] != "" for row in rows if row["number"] == "2"] == [True]
    assert next(row["reactants"] for row in rows if row["number"] == "3" and row["rank"] == "1") == "CC(=O)O.CN"


def test_a_table_of_molecules_keeps_its_columns_and_writes_its_rejects(run_folder, tmp_path, capsys):
    (tmp_path / "products.csv").write_text("id;SMILES;rank\n007;CCOC(C)=O;x\n008;not_a_molecule;y\n")
    output, rejects = tmp_path / "plans.csv", tmp_path / "rejects.csv"
    given = ["--input", tmp_path / "products.csv", "--output", output, "--rejects", rejects]
    assert plan("--model", run_folder, *given) == 2
    with output.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["rank_input"]) for row in rows if row["rank"] in ("1", "")] == [("007", "x"), ("008", "y")]
    first, second = rejects.read_text().splitlines()
    assert first == "line,id,SMILES,rank,reason"
    assert second.startswith("3,008,not_a_molecule,y,")


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.tsv", "p.xlsx", "p.jsonl", "p.smi", "utf16.csv", "latin.csv"])
def test_molecules_are_read_from_any_list(run_folder, tmp_path, capsys, name):
    rows = [
        {"id": "ä", "my smiles": "CCOC(C)=O"},
        {"id": "b", "my smiles": "not_a_molecule x"},
        {"id": "c", "my smiles": "CNC(C)=O y"},
    ]
    path, table = tmp_path / name, pd.DataFrame(rows)
    column = ["--column", "My Smiles"]
    match path.suffix:
        case ".xlsx":
            pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
            table.to_excel(path, index=False)
        case ".jsonl":
            table.to_json(path, orient="records", lines=True)
        case ".smi":
            path.write_text("".join(f"{row['my smiles']}\n" for row in rows))
            column = []
        case suffix:
            encoding = {"utf16.csv": "utf-16", "latin.csv": "cp1252"}.get(name, "utf-8")
            table.to_csv(path, index=False, encoding=encoding, sep="\t" if suffix == ".tsv" else ",")
    assert plan("--model", run_folder, "--input", path, *column, "--json") == 2
    streams = capsys.readouterr()
    lines = [json.loads(line) for line in streams.out.splitlines()]
    assert [line["product"] for line in lines] == ["CCOC(C)=O", "not_a_molecule", "CNC(C)=O"]
    assert [line.get("id") for line in lines] == ([None] * 3 if path.suffix == ".smi" else ["ä", "b", "c"])
    bad = 2 if path.suffix in (".jsonl", ".smi") else 3
    assert f"line {bad} of '{path}': 'not_a_molecule' is not a valid molecule" in streams.err
    assert lines[1]["error"] in streams.err


def test_an_interrupted_list_of_molecules_is_resumed(run_folder, tmp_path, capsys, monkeypatch):
    products = ["CCOC(C)=O", "not_a_molecule", "CNC(C)=O", "CCNC(C)=O"]
    (tmp_path / "products.smi").write_text("\n".join(products))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rrgraph.cli.organic.plan._BATCH_SIZE", 2)
    given = ["--model", run_folder, "--input", "products.smi", "--output", "plans.csv", "--svg", "drawings"]
    assert plan(*given) == 2
    whole = Path("plans.csv").read_bytes()
    drawings = {path: path.read_bytes() for path in Path("drawings").iterdir()}
    Path("plans.csv").unlink()
    shutil.rmtree("drawings")
    usual, planned = ReactantPlanner.plan, []

    def interrupted(self, products, **options):
        if len(planned) == 1:
            raise KeyboardInterrupt
        planned.append(products)
        return usual(self, products, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ReactantPlanner, "plan", interrupted)
        assert plan(*given) == 130
    assert "--resume goes on from there" in capsys.readouterr().err
    assert plan(*given, "--resume") == 2
    assert Path("plans.csv").read_bytes() == whole
    assert {path: path.read_bytes() for path in Path("drawings").iterdir()} == drawings


def test_a_product_that_nothing_makes_is_said(run_folder, capsys):
    assert plan("--model", run_folder, "C") == 0
    assert "No template of the model makes 'C'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere", "CCO"], "--model is 'nowhere', expected the run folder of a model of templates"),
        (["--foreign", "CCO"], "--foreign is about inorganic targets, so it does not go with --domain organic"),
        (["--set-size", "2", "CCO"], "--set-size is about inorganic targets"),
    ],
)
def test_what_does_not_fit_molecules_is_refused(arguments, message, capsys):
    assert plan(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_nothing_to_plan_is_said(run_folder, capsys):
    assert plan("--model", run_folder) == 2
    assert "Give either SMILES or --input FILE" in capsys.readouterr().err
    assert plan("--model", run_folder, "--input", "missing.smi") == 2
    assert "There is no file 'missing.smi'" in capsys.readouterr().err


def test_both_stages_are_measured(run_folder, tmp_path, capsys):
    for model in (run_folder, run_folder / "contrasted"):
        output = tmp_path / "metrics.json"
        assert main(["evaluate", str(model), "--split", "test", "--output", str(output)]) == 0
        metrics = json.loads(output.read_text())["metrics"]
        assert set(metrics) == {"model", "popularity"} | ({"by_template"} if model == run_folder else set())
        assert metrics["model"]["reactants"]["rows"] == 14
    assert "test, 14 rows" in capsys.readouterr().out


def test_figures_say_that_they_are_not_of_molecules(run_folder, tmp_path, capsys):
    for command in ("report", "figures"):
        assert main([command, str(run_folder), "--output", str(tmp_path / "page.html")]) == 2
        assert "is about molecules" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --split validation or test"),
        (["--split", "train"], "--split is 'train', expected one of validation, test"),
    ],
)
def test_parts_that_cannot_be_measured_are_refused(run_folder, arguments, message, capsys):
    assert main(["evaluate", str(run_folder), *(arguments or ["--test", "textbook"])]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan CCO --domain organic --model", "evaluate --split test"])
def test_a_device_that_is_not_there_is_refused(run_folder, command, capsys):
    assert main([*command.split(), str(run_folder), "--device", "gpu"]) == 2
    assert "Unknown device 'gpu'" in capsys.readouterr().err
    assert main([*command.split(), str(run_folder), "--device", "cpu"]) == 0


def mapped_reactions():
    """Return the reactions of the table with atom maps, which RDKit tells when it applies the forward rules."""
    from rdkit import Chem
    from rdkit.Chem import rdChemReactions

    for forward, first, second in FORWARD.values():
        rule = rdChemReactions.ReactionFromSmarts(forward)
        for pair in product(first, second) if second else ((one,) for one in first):
            reactants = [Chem.MolFromSmiles(text) for text in pair]
            numbers = count(1)
            for atom in (atom for reactant in reactants for atom in reactant.GetAtoms()):
                atom.SetAtomMapNum(next(numbers))
            made = rule.RunReactants(reactants)[0][0]
            for atom in made.GetAtoms():
                source = reactants[atom.GetIntProp("react_idx")]
                atom.SetAtomMapNum(source.GetAtomWithIdx(atom.GetIntProp("react_atom_idx")).GetAtomMapNum())
            Chem.SanitizeMol(made)
            yield f"{'.'.join(map(Chem.MolToSmiles, reactants))}>>{Chem.MolToSmiles(made)}"


@pytest.fixture(scope="module")
def own_table(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("own")
    lines = [*mapped_reactions(), "nonsense", "CCO>>CC=O"]
    (folder / "own.smi").write_text("".join(f"{line}\n" for line in lines))
    given = ["--mapped-only", "--report", folder / "report.json", "--rejects", folder / "lost.csv", "--jobs", 1]
    given += ["--library", folder / "library.csv.gz"]
    assert (
        main(["data", "templates", str(folder / "own.smi"), "--output", str(folder / "t.csv"), *map(str, given)]) == 0
    )
    return folder


def test_own_reactions_become_a_table_of_templates(own_table, organic_table):
    found, recorded = pd.read_csv(own_table / "t.csv"), pd.read_csv(organic_table)
    assert sorted(zip(found["product"], found["reactants"], strict=True)) == sorted(
        (product, ".".join(sorted(reactants.split("."))))
        for product, reactants in zip(recorded["product"], recorded["reactants"], strict=True)
    )
    assert set(found["split"]) == {"train", "validation", "test"}
    report = json.loads((own_table / "report.json").read_text())
    assert report["read"] == len(recorded) + 2 and report["lost"] == 2
    assert report["templates"] == found["template"].nunique() < len(recorded) / 2
    library = pd.read_csv(own_table / "library.csv.gz", index_col=0, sep="\t")
    assert dict(zip(library["retro_template"], library["library_occurrence"], strict=True)) == dict(
        found["template"].value_counts()
    )
    assert library["library_occurrence"].is_monotonic_decreasing and library["template_hash"].is_unique
    lost = pd.read_csv(own_table / "lost.csv")
    assert lost["line"].tolist() == [report["read"] - 1, report["read"]]
    assert "not mapped" in lost["reason"].iloc[1]


@pytest.mark.slow
def test_the_shipped_configuration_learns_own_reactions(own_table, capsys):
    small = ["model.product.bits=512", "model.template.bits=512", "contrastive.epochs=2", "reranker.trees.n_trees=2"]
    assert (
        main(["train", "organic/own", f"data.table={own_table / 't.csv'}", f"output={own_table / 'run'}", *small]) == 0
    )
    assert plan("--model", own_table / "run", "CCNC(C)=O", "--top-k", 1) == 0
    assert "CC(=O)O + CCN" in capsys.readouterr().out


def test_a_file_without_templates_is_refused(tmp_path, cache, capsys):
    (tmp_path / "own.smi").write_text("CCO>>CCO\n")
    given = ["--output", str(tmp_path / "t.csv"), "--mapped-only"]
    assert main(["data", "templates", str(tmp_path / "own.smi"), *given]) == 2
    assert "gives a template" in capsys.readouterr().err
    assert main(["data", "templates", str(tmp_path / "own.smi"), *given, "--library", "x.hdf5"]) == 2
    assert "expected a file that ends in .csv or .csv.gz" in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    pytest.importorskip("syntheseus", reason="needs the extra 'routes'")
    path = tmp_path_factory.mktemp("stock") / "stock.smi"
    path.write_text("".join(f"{smiles}\n" for smiles in ["CC(=O)O", "CC=O", "CCN"]))
    return path


def route(*arguments):
    return main(["route", *map(str, arguments), "--time", "0.5"])


def test_routes_lead_to_the_stock(run_folder, stock, tmp_path, capsys):
    given = ["--model", run_folder, "--stock", stock, "--svg", tmp_path / "drawings"]
    assert route("CCOC(C)=O", *given) == 0
    shown = capsys.readouterr().out
    assert "CC(=O)O + CCO (step 2)" in shown and "route 1, probability" in shown
    assert "</svg>" in (tmp_path / "drawings" / "product1_route1.svg").read_text()
    assert route("CCOC(C)=O", *given, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    first = record["routes"][0]
    assert [step["product"] for step in first["steps"]] == ["CCOC(C)=O", "CCO"]
    assert sorted(first["starting_materials"]) == ["CC(=O)O", "CC=O"]
    assert record["drawings"][0].endswith("product1_route1.svg")


def test_a_list_of_products_becomes_a_table_of_steps(run_folder, stock, tmp_path, capsys):
    (tmp_path / "products.smi").write_text("CCOC(C)=O ester\nnot_a_molecule\nc1ccccc1\n")
    given = ["--input", tmp_path / "products.smi", "--output", tmp_path / "routes.csv"]
    assert route("--model", run_folder, "--stock", stock, *given) == 2
    problems = capsys.readouterr().err
    assert (
        "'not_a_molecule' is not a valid molecule" in problems and "No route to 'c1ccccc1' from the stock" in problems
    )
    found = pd.read_csv(tmp_path / "routes.csv")
    assert found["number"].drop_duplicates().tolist() == [1, 2, 3]
    assert found.loc[0, ["product", "route", "step", "from_stock"]].tolist() == ["CCOC(C)=O", 1, 1, "CC(=O)O"]


def test_a_bad_search_is_one_sentence(run_folder, stock, capsys):
    assert route("CCO", "--model", run_folder, "--stock", stock, "--algorithm", "retrostar") == 2
    said = "--algorithm is 'retrostar', expected one of retro_star, mcts. Did you mean 'retro_star'?"
    assert capsys.readouterr().err == f"rrgraph route: {said}\n"
    assert route("CCO", "--model", run_folder, "--stock", "nowhere.smi") == 2
    assert "nowhere.smi" in capsys.readouterr().err
    assert route("CCO", "--model", "nowhere", "--stock", stock) == 2
    assert "expected the run folder of a model of templates" in capsys.readouterr().err


def test_the_page_takes_a_model_of_templates(run_folder, monkeypatch, capsys):
    web = pytest.importorskip("rrgraph.app.web", reason="needs the extra 'app'")
    served = []
    monkeypatch.setattr(web, "create_app", lambda service, **_: served.append(service))
    monkeypatch.setattr("rrgraph.cli.serve._listening", lambda host, port: nullcontext("listener"))
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: None)
    assert main(["serve", "--molecules", str(run_folder), "--device", "cpu"]) == 0
    (plan,) = served[0].plan_molecules(["CCOC(C)=O"], top_k=1)
    assert plan.suggestions[0].reactants == ("CC(=O)O", "CCO")
    assert main(["serve", "--molecules", str(run_folder.parent)]) == 2
    assert f"--molecules is '{run_folder.parent}', expected the run folder of a model" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "rdkit", None)
    assert main(["serve", "--molecules", str(run_folder)]) == 2
    assert "Molecules need RDKit; install it with: pip install 'rrgraph[organic]'." in capsys.readouterr().err
