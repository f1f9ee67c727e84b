from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rrgraph.errors import ConfigError
from rrgraph.util import plugins
from rrgraph.util.registry import REQUIRED, Origin, Registry, import_entries, session_entries

GROUP = "rrgraph.tastes"


class Taste:
    """What the registry of these tests holds."""

    def __init__(self, config: object, *, statistics: int = 0) -> None:
        pass


class Sweet(Taste):
    """An entry of its own."""

    def __init__(self, config: object, *, statistics: int = 0, sugar: float = 1.0, honey: int) -> None:
        super().__init__(config, statistics=statistics)


@pytest.fixture
def tastes() -> Registry:
    registry: Registry = Registry("taste", group=GROUP, bases=(Taste,), given=("config", "statistics"))
    registry.register("sweet")(Sweet)
    return registry


@pytest.fixture
def offer(tmp_path, monkeypatch) -> Callable[..., Path]:
    """Return a function that lays down an installed package of one module, and forgets it after the test."""
    modules: list[str] = []

    def lay_down(package: str, code: str, **names: str) -> Path:
        module = package.replace("-", "_")
        site = tmp_path / package
        info = site / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = [f"{name} = {module}:{thing}" for name, thing in names.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
        monkeypatch.syspath_prepend(site)
        modules.append(module)
        return site

    yield lay_down
    for module in modules:
        sys.modules.pop(module, None)


GOOD = """\
from {here} import Taste

class Sour(Taste):
    pass
"""


@pytest.fixture
def good(monkeypatch) -> str:
    """Code of a module with a fitting class; the test module is importable by a name of its own."""
    monkeypatch.setitem(sys.modules, "tastes_of_the_tests", sys.modules[__name__])
    return GOOD.format(here="tastes_of_the_tests")


def test_an_offered_name_is_known_but_imported_only_when_used(tastes, offer, good):
    assert list(tastes) == ["sweet"]
    offer("sour-things", good, sour="Sour")
    assert list(tastes) == ["sour", "sweet"]
    assert len(tastes) == 2
    assert "sour" in tastes
    assert "sour_things" not in sys.modules
    found = tastes["sour"]
    assert found.__name__ == "Sour"
    assert tastes["sour"] is found
    assert tastes.origin("sour") == Origin("sour_things:Sour", "sour-things", "1.2")
    tastes.check("sour")


def test_names_of_ones_own_are_found_without_a_search(tastes, monkeypatch):
    monkeypatch.setattr("rrgraph.util.registry.find_plugins", lambda group: pytest.fail("searched"))
    assert tastes["sweet"] is Sweet


def test_a_group_without_a_name_offers_nothing(offer, good):
    offer("sour-things", good, sour="Sour")
    assert list(Registry("taste")) == []


def test_unknown_names_get_near_matches_among_offered_ones(tastes, offer, good):
    offer("sour-things", good, sour="Sour")
    with pytest.raises(ConfigError, match=r"Unknown taste 'saur', expected one of sour, sweet\. Did you mean 'sour'"):
        tastes["saur"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("class Sour(: pass", "SyntaxError"),
        ("raise RuntimeError('two\\nlines.')", r"RuntimeError: two lines\.$"),
        ("Salty = 1", "has no attribute 'Sour'"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence_with_its_package(tastes, offer, code, message):
    offer("sour-things", code, sour="Sour")
    assert "sour" in tastes
    with pytest.raises(ConfigError, match=message) as caught:
        tastes["sour"]
    assert "The taste 'sour' of the package 'sour-things' (sour_things:Sour) cannot be imported: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("class Sour: pass", r"'sour-things' \(sour_things:Sour\) is not a subclass of .*Taste\.$"),
        ("def Sour(config): pass", "is not a subclass of"),
        (
            "import abc\nfrom tastes_of_the_tests import Taste\nclass Sour(Taste, abc.ABC):\n"
            "    @abc.abstractmethod\n    def taste(self): ...",
            "does not define taste",
        ),
    ],
)
def test_what_is_no_entry_is_refused(tastes, offer, good, code, message):
    offer("sour-things", code, sour="Sour")
    with pytest.raises(ConfigError, match=message):
        tastes["sour"]


def test_a_registry_of_functions_takes_no_classes(offer):
    offer("sour-things", "class Sour: pass\ndef salty(x, *, much=1): return x", sour="Sour", salty="salty")
    registry: Registry = Registry("taste", group=GROUP)
    assert registry["salty"](3) == 3
    assert registry.options("salty") == {"much": 1}
    with pytest.raises(ConfigError, match="is not a function"):
        registry["sour"]


def test_a_name_that_is_taken_is_refused_where_it_is_chosen(tastes, offer, good):
    offer("sour-things", good, sweet="Sour")
    assert tastes["sweet"] is Sweet  # models of before still load
    with pytest.raises(ConfigError, match=r"'sour-things' offers a taste 'sweet', a name that the module .* has"):
        tastes.check("sweet")
    assert tastes.origin("sweet").package == ""


def test_two_packages_with_one_name_are_refused(tastes, offer, good):
    offer("sour-things", good, sour="Sour")
    offer("other-things", good, sour="Sour")
    with pytest.raises(ConfigError, match=r"'sour-things'.* both offer a taste 'sour'; uninstall one") as caught:
        tastes.check("sour")
    assert "'other-things'" in str(caught.value)


def test_of_two_copies_of_a_package_the_first_counts(tastes, offer, good, tmp_path, monkeypatch):
    site = offer("sour-things", good, sour="Sour")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in [*site.glob("*.dist-info/*"), *site.glob("*.py")]:
        target = copy / path.relative_to(site)
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text())
    monkeypatch.syspath_prepend(copy)
    tastes.check("sour")
    assert tastes["sour"].__name__ == "Sour"


def test_a_module_may_both_register_and_be_offered(tastes, offer, good, monkeypatch):
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "TASTES", tastes, raising=False)
    code = good.replace("class Sour", "from tastes_of_the_tests import TASTES\n@TASTES.register('sour')\nclass Sour")
    offer("sour-things", code, sour="Sour")
    tastes.check("sour")
    tastes.check("sour")
    assert tastes.origin("sour").package == "sour-things"


def test_what_is_installed_later_is_found(tastes, offer, good):
    assert "sour" not in tastes
    site = offer("sour-things", good, sour="Sour")
    assert "sour" in tastes
    (info,) = site.glob("*.dist-info")
    info.rename(site / "gone")
    assert "sour" not in tastes


def test_versions_of_the_packages_that_offer_anything(offer, good):
    assert "sour-things" not in plugins.plugin_packages()
    offer("sour-things", good, sour="Sour")
    assert plugins.plugin_packages()["sour-things"] == "1.2"


def test_options_are_the_arguments_that_rrgraph_does_not_give(tastes):
    assert tastes.options("sweet") == {"sugar": 1.0, "honey": REQUIRED}


def test_what_is_defined_once_more_replaces_itself(tastes):
    again = type("Sweet", (Taste,), {"__module__": __name__})
    tastes.register("sweet")(again)
    assert tastes["sweet"] is again
    with pytest.raises(ConfigError, match="A taste named 'sweet' is already registered"):
        tastes.register("sweet")(Taste)


@pytest.mark.parametrize(
    ("origin", "text", "own"),
    [
        (Origin("rrgraph.links.decoders:DotDecoder"), "rrgraph itself", True),
        (Origin("rrgraph_sample:Dot"), "the module 'rrgraph_sample'", False),
        (Origin("rrgraph_sample:Dot", "rrgraph-sample", "1"), "the package 'rrgraph-sample'", False),
        (Origin("__main__:Dot"), "the module '__main__'", False),
    ],
)
def test_origins_in_words(origin, text, own):
    assert str(origin) == text
    assert origin.is_own == own


def test_another_process_registers_what_it_can_import(tastes, tmp_path, monkeypatch):
    assert session_entries()["taste", "sweet"] == __name__
    assert all(not module.startswith("rrgraph.") for module in session_entries().values())
    monkeypatch.setattr("rrgraph.util.registry._ELSEWHERE", {})
    monkeypatch.setattr("rrgraph.errors.of_other_processes", tastes, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "sour_module.py").write_text(
        "from rrgraph import errors\n\n\n@errors.of_other_processes.register('sour')\ndef sour(): ...\n"
    )
    (tmp_path / "bitter_module.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match="Unknown taste 'sour'"):
        tastes["sour"]
    elsewhere = {"sour": "sour_module", "bitter": "bitter_module", "salty": "__main__", "sweet": __name__}
    import_entries({("taste", name): module for name, module in elsewhere.items()})
    assert tastes["sour"].__name__ == "sour"
    assert tastes["sweet"] is Sweet
    with pytest.raises(ConfigError, match=r"^The taste 'salty' is registered in a notebook or a session, which other"):
        tastes["salty"]
    with pytest.raises(ConfigError, match="The taste 'bitter' is registered in the module 'bitter_module', which"):
        tastes["bitter"]
    sys.modules.pop("sour_module")
