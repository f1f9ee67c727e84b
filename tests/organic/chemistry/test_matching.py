import torch
from rdkit import Chem

from rrgraph.organic import apply_template, known_matches, match_templates, matching_mask


def test_matches_are_those_of_a_plain_substructure_search(split):
    products = list(dict.fromkeys(split["train"].products))
    templates = list(dict.fromkeys(split["train"].templates))
    wanted = {
        (row, column)
        for row, product in enumerate(products)
        for column, template in enumerate(templates)
        if Chem.MolFromSmiles(product).HasSubstructMatch(Chem.MolFromSmarts(template.split(">>")[0]))
    }
    found = match_templates(products, templates)
    assert set(map(tuple, found.T.tolist())) == wanted
    assert found.T.tolist() == sorted(found.T.tolist())
    mask = matching_mask(products, templates)
    assert {(row, column) for row, column in mask.nonzero().tolist()} == wanted


def test_whatever_leads_somewhere_matches(split):
    products = list(dict.fromkeys(split["test"].products))
    templates = list(dict.fromkeys(split["train"].templates))
    mask = matching_mask(products, templates)
    for row, product in enumerate(products):
        for column, template in enumerate(templates):
            assert mask[row, column] or not apply_template(template, product)


def test_batches_and_processes_change_nothing(split, monkeypatch):
    products, templates = list(split["train"].products), list(dict.fromkeys(split["train"].templates))
    whole = match_templates(products, templates)
    monkeypatch.setattr("rrgraph.organic.chemistry.matching._BATCH_SIZE", 7)
    assert match_templates(products, templates).tolist() == whole.tolist()


def test_a_pattern_that_cannot_be_read_matches_nothing():
    assert match_templates(["CCO"], ["[C:1>>C", "nonsense("]).shape == (2, 0)
    assert match_templates([], ["[C:1]>>[C:1]"]).shape == (2, 0)


def test_matches_are_kept_and_a_broken_file_is_made_anew(split, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    products, templates = list(split["train"].products), list(dict.fromkeys(split["train"].templates))
    found = known_matches(products, templates)
    assert found.tolist() == match_templates(products, templates).tolist()
    with monkeypatch.context() as patch:
        patch.setattr("rrgraph.organic.chemistry.matching.match_templates", None)
        assert torch.equal(known_matches(products, templates), found)
    (kept,) = tmp_path.rglob("*.safetensors")
    kept.write_bytes(b"cut off")
    assert torch.equal(known_matches(products, templates), found)
    assert known_matches(products, templates[:-1]).shape[1] < found.shape[1]
