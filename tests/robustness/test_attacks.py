from .attacks import ORDERED


def test_every_attack_has_its_place_and_is_tried_less_often_in_a_hurry():
    assert next(iter(ORDERED)) == "formulas"
    for each in ORDERED.values():
        assert each.few <= each.quick <= each.full
    tried = {name: each.full for name, each in ORDERED.items()}
    assert (tried["formulas"], tried["equations"], tried["molecules"]) == (1_000_000, 100_000, 20_000)
    assert sum(tried[name] for name in ("tables", "predictions", "recipes", "configurations", "overrides")) >= 50_000
    assert tried["models"] >= 1_000 and tried["pages"] >= 20
