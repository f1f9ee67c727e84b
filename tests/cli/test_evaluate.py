from __future__ import annotations

import json
import re
import shutil

import pytest
from safetensors.torch import load_file, save_file

from rrgraph.chem import anhydrous, parse_formula, plausible_precursors
from rrgraph.data import ReactionTable
from rrgraph.models import FORMAT
from rrgraph.nn import sign_model
from rrgraph.runs import run_split


@pytest.fixture
def evaluate(rrgraph, trained):
    """Return a function that evaluates the trained model."""
    return lambda *argv: rrgraph("evaluate", trained, *argv)


@pytest.fixture(scope="module")
def test_rows(trained, tmp_path_factory):
    """The test part of the run, as a file."""
    path = tmp_path_factory.mktemp("truth") / "test.csv"
    run_split(trained).test.write(path)
    return path


def report(result):
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.mark.parametrize("protocol", ["paper", "open"])
def test_the_metrics_of_the_run_are_measured_again(evaluate, trained, protocol):
    options = ["--split", "test", "--protocol", protocol, "--baseline", "popularity", "--by", "all"]
    found = report(evaluate(*options, "--json"))
    recorded = json.loads((trained / "metrics.json").read_text())["test"][protocol]
    # Embeddings are computed in other batches, which rounds them otherwise.
    assert rounded(found["metrics"]) == rounded(recorded)
    assert found["rows"] == "test"
    assert found["metrics"]["model"]["protocol"]["name"] == protocol


def test_rows_are_told_apart_in_the_report_and_in_tables(evaluate, tmp_path):
    result = evaluate("--split", "test", "--by", "distance, anion_class", "--output", tmp_path / "m.json")
    metrics = json.loads((tmp_path / "m.json").read_text())["metrics"]["model"]
    assert list(metrics["strata"]) == ["distance", "anion_class"]
    for name, title in (("distance", "distance from training"), ("anion_class", "anion class")):
        assert f"\nby {title}\n{title}" in result.out
        strata = metrics["strata"][name]
        assert sum(stratum["rows"] for stratum in strata.values()) == metrics["overall"]["rows"]
        for kind, stratum in strata.items():
            line = next(line for line in result.out.splitlines() if line.startswith(f"{kind}  "))
            assert f" {stratum['rows']}  " in line
            assert f" {100 * stratum['top1']['value']:.1f} [" in line
    assert report(evaluate("--split", "test", "--json"))["metrics"]["model"]["strata"] == {}


def test_baselines_stand_below_the_model_and_its_lead_beside_them(evaluate):
    options = ["--split", "test", "--baseline", "popularity", "--by", "source_elements"]
    plain, found = evaluate(*options).out, report(evaluate(*options, "--json"))["metrics"]
    assert found["model"]["model_lead"] == {}
    lead = found["popularity"]["model_lead"]["top3"]
    expected = found["model"]["overall"]["top3"]["value"] - found["popularity"]["overall"]["top3"]["value"]
    assert lead["difference"]["value"] == pytest.approx(expected)
    line = next(line for line in plain.splitlines() if line.startswith("over popularity "))
    assert f"{100 * expected:+.1f} [" in line
    assert f"p = {lead['p_value']:.2g}" in line
    assert "p cannot be below 0.001" in plain
    kinds = [line.split()[:2] for line in plain.split("by source elements")[1].splitlines()[2:4]]
    assert [system for _, system in kinds] == ["model", "popularity"]
    assert kinds[0][0] == kinds[1][0]


def test_open_is_the_default(evaluate):
    assert report(evaluate("--split", "test", "--json"))["metrics"]["model"]["protocol"]["name"] == "open"


def test_a_table_gives_the_numbers_of_the_same_split(evaluate, test_rows):
    by_split = report(evaluate("--split", "test", "--json"))
    by_table = report(evaluate("--test", test_rows, "--json"))
    assert by_split.pop("rows") != by_table.pop("rows")
    assert rounded(by_split) == rounded(by_table)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_each_part_of_the_split(evaluate, trained, part):
    found = report(evaluate("--split", part, "--json", "--candidates", "train"))
    assert found["metrics"]["model"]["overall"]["rows"] == len(getattr(run_split(trained), part))
    if part == "train":
        assert found["metrics"]["model"]["unseen"]["rows"] == 0


@pytest.mark.parametrize(
    ("option", "value", "flag", "expected"),
    [
        ("--ties", "optimistic", "ties", "optimistic"),
        ("--max-candidates", "3", "max_candidates", 3),
        ("--size", "known", "set_size", "known"),
        ("--cover", "strict", "cover", "strict"),
        ("--foreign", "allowed", "foreign", "allowed"),
        ("--truth-rule", "row", "truth", "row"),
    ],
)
def test_each_flag_can_be_set_alone(evaluate, option, value, flag, expected):
    plain = report(evaluate("--split", "validation", "--json"))["metrics"]["model"]["protocol"]
    found = report(evaluate("--split", "validation", "--json", option, value))["metrics"]["model"]["protocol"]
    assert found.pop(flag) == expected != plain.pop(flag)
    assert found.pop("name") == f"open, {flag}={expected}"
    assert {name: plain[name] for name in found} == found


def test_all_candidates_lift_the_limit_of_the_paper_protocol(evaluate):
    options = ["--split", "validation", "--protocol", "paper", "--json"]
    assert report(evaluate(*options))["metrics"]["model"]["protocol"]["max_candidates"] == 30
    lifted = report(evaluate(*options, "--max-candidates", "all"))
    assert lifted["metrics"]["model"]["protocol"]["max_candidates"] is None


def test_output_and_table(evaluate, tmp_path):
    result = evaluate("--split", "test", "--output", tmp_path / "metrics.json", "--baseline", "popularity")
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["metrics"].keys() == {"model", "popularity"}
    shares = written["metrics"]["model"]["overall"]
    first = next(line for line in result.out.splitlines() if line.startswith("model "))
    assert f"{100 * shares['top1']['value']:.1f} [" in first
    assert "ROC-AUC" in result.out
    assert "reachable" in result.out


@pytest.mark.parametrize("protocol", ["paper", "open"])
def test_scoring_the_predictions_gives_the_same_numbers(rrgraph, evaluate, trained, test_rows, tmp_path, protocol):
    predictions, train = tmp_path / "predictions.jsonl", tmp_path / "train.csv"
    run_split(trained).train.write(train)
    ours = report(
        evaluate("--test", test_rows, "--protocol", protocol, "--predictions", predictions, "--json"),
    )["metrics"]["model"]
    scored = report(
        rrgraph("score", predictions, "--truth", test_rows, "--train", train, "--protocol", protocol, "--json")
    )
    for part in ("overall", "per_row", "unseen", "protocol"):
        assert scored[part] == ours[part]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--split", "tset"], ["'tset'", "Did you mean 'test'?"]),
        (["--split", "test", "--protocol", "papr"], ["'papr'", "Did you mean 'paper'?"]),
        (["--split", "test", "--ties", "optimstic"], ["Did you mean 'optimistic'?"]),
        (["--split", "test", "--max-candidates", "0"], ["'0'", "'all'"]),
        (["--split", "test", "--baseline", "populrity"], ["Did you mean 'popularity'?"]),
        (["--split", "test", "--mode", "prodct"], ["Did you mean 'product'?"]),
        (["--split", "test", "--by", "year,distanc"], ["'distanc'", "Did you mean 'distance'?"]),
        (["--split", "test", "--by", "year,"], ["--by is ''"]),
        (["--split", "test", "--candidates", "trian"], ["Did you mean 'train'?"]),
        (["--test", "textbok"], ["Did you mean 'textbook'?"]),
        (["--test", "missing.csv"], ["'missing.csv'"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(evaluate, argv, words):
    result = evaluate(*argv)
    assert result.code == 2
    for word in words:
        assert word in result.err


def test_models_without_a_run_have_no_split(rrgraph, trained, tmp_path, test_rows):
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("model.json", "model.safetensors"):
        (bare / name).write_bytes((trained / name).read_bytes())
    assert "--split needs" in rrgraph("evaluate", bare, "--split", "test").err
    assert "--baseline needs" in rrgraph("evaluate", bare, "--test", test_rows, "--baseline", "popularity").err
    assert rrgraph("evaluate", bare, "--test", test_rows).code == 0


def test_a_model_that_does_not_record_its_systems_takes_them_from_the_run(rrgraph, evaluate, trained, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(trained, old)
    description = json.loads((old / "model.json").read_text())
    assert description.pop("systems")
    (old / "model.json").write_text(json.dumps(description))
    sign_model(old)
    run_split(trained).validation.write(tmp_path / "rows.csv")
    options = ["--test", tmp_path / "rows.csv", "--by", "distance", "--json"]
    found, expected = report(rrgraph("evaluate", old, *options)), report(evaluate(*options))
    assert rounded(found["metrics"]) == rounded(expected["metrics"])
    assert found["metrics"]["model"]["strata"]["distance"]
    (old / "config.yaml").unlink()
    assert "--by distance needs the data of a run" in rrgraph("evaluate", old, *options).err
    assert rrgraph("evaluate", old, *options[:3], "year").code == 0


def test_rows_that_the_model_learned_are_measured_apart(rrgraph, evaluate, trained, tmp_path):
    split = run_split(trained)
    some = ReactionTable.concat([split.test, split.train.select(range(9))])
    some.write(tmp_path / "rows.csv")
    found = evaluate("--test", tmp_path / "rows.csv", "--output", tmp_path / "m.json")
    new = len(split.test)
    assert found.err.startswith(f"rrgraph evaluate: 9 of {new + 9} rows are about targets that were learned from, 9 of")
    assert f"judge by the {new} rows" in found.err
    assert "rows whose target was learned (9 rows)" in found.out
    assert f"rows with a new target ({new} rows)" in found.out
    overlap = json.loads((tmp_path / "m.json").read_text())["metrics"]["model"]["overlap"]
    assert (overlap["learned"]["rows"], overlap["new"]["rows"], overlap["reactions"]) == (9, new, 9)
    clean = evaluate("--split", "test")
    assert (clean.err, "learned" in clean.out) == ("", False)
    assert "no row with a new target is left" in evaluate("--split", "train").err


def test_a_model_that_does_not_record_what_it_learned_says_so(rrgraph, trained, test_rows, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(trained, old)
    weights = load_file(old / "model.safetensors")
    del weights["learned.targets"], weights["learned.reactions"]
    save_file(weights, old / "model.safetensors", metadata={"format": FORMAT})
    sign_model(old)
    # The split of a run tells it as well.
    assert rrgraph("evaluate", old, "--test", test_rows).err == ""
    (old / "config.yaml").unlink()
    found = rrgraph("evaluate", old, "--test", test_rows, "--output", tmp_path / "m.json")
    assert "does not record what it learned" in found.err
    assert "Links that the model learned from are not left out" in found.err
    assert json.loads((tmp_path / "m.json").read_text())["metrics"]["model"]["overlap"] is None


def test_links_that_were_learned_are_left_out_whatever_else_is_asked(rrgraph, evaluate, trained, table, tmp_path):
    rows = run_split(trained).train.frame.head(9)
    rows.assign(precursors=rows["precursors"].str.partition(";")[0]).to_csv(tmp_path / "rows.csv", index=False)
    options = ["--test", tmp_path / "rows.csv", "--json"]
    alone, beside = report(evaluate(*options)), report(evaluate(*options, "--baseline", "popularity"))
    assert alone["links"] == beside["links"]
    assert alone["metrics"]["model"] == beside["metrics"]["model"]
    assert alone["learned_links"] == "left out"
    for name in ("model.json", "model.safetensors", "config.yaml"):
        (tmp_path / "bare").mkdir(exist_ok=True)
        shutil.copy(trained / name, tmp_path / "bare")
    text = (tmp_path / "bare" / "config.yaml").read_text()
    (tmp_path / "bare" / "config.yaml").write_text(text.replace(str(table), str(tmp_path / "gone.csv")))
    for reason in ("gone.csv", "'[^']*bare' is not a run folder"):
        bare = rrgraph("evaluate", tmp_path / "bare", *options)
        assert re.search(
            f"Links that the model learned from are not left out of the link metrics: .*{reason}", bare.err
        )
        found = report(bare)
        assert found["learned_links"] == "included"
        assert found["links"]["edges"]["negatives"] > alone["links"]["edges"]["negatives"]
        (tmp_path / "bare" / "config.yaml").unlink(missing_ok=True)


def test_a_table_without_rows_is_refused(evaluate, make_table, tmp_path):
    make_table([]).write(tmp_path / "empty.csv")
    result = evaluate("--test", tmp_path / "empty.csv")
    assert result.code == 2
    assert "empty.csv" in result.err


def rounded(value):
    """Numbers to six digits, at any depth."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


@pytest.mark.parametrize("protocol", ["paper", "open"])
def test_generated_candidates_are_those_of_each_target(evaluate, trained, protocol, tmp_path):
    path = tmp_path / "predictions.jsonl"
    options = ["--split", "validation", "--protocol", protocol, "--json", "--predictions", path]
    found = report(evaluate(*options, "--candidates", "generated"))
    targets = run_split(trained).validation.targets
    lists = [set(map(anhydrous, plausible_precursors(target))) for target in targets]
    assert found["pool"] == len({precursor.key for listed in lists for precursor in listed})
    assert 10 < found["pool_per_target"] < max(map(len, lists))
    for line, listed in zip(path.read_text().splitlines(), lists, strict=True):
        allowed = {precursor.key for precursor in listed}
        sets = json.loads(line)["sets"]
        assert all(parse_formula(member).key in allowed for members in sets for member in members)


def test_generated_candidates_join_a_list(evaluate):
    options = ["--split", "validation", "--json"]
    alone = report(evaluate(*options, "--candidates", "generated"))
    joined = report(evaluate(*options, "--candidates", "all+generated"))
    plain = report(evaluate(*options))
    assert alone["pool"] < joined["pool"] < alone["pool"] + plain["pool"]
    assert plain["pool"] < joined["pool_per_target"] < joined["pool"]
    assert plain["pool_per_target"] == plain["pool"]
    reachable = [each["metrics"]["model"]["reachable"] for each in (alone, joined, plain)]
    assert reachable[0] <= reachable[1] == reachable[2]
    assert "(median of a target" in evaluate("--split", "validation", "--candidates", "generated").out
