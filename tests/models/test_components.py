from __future__ import annotations

from dataclasses import replace

import pytest

from rrgraph.errors import ModelError
from rrgraph.links import DECODERS
from rrgraph.links.decoders import DotDecoder
from rrgraph.models import external_parts
from rrgraph.models.components import describe_parts, require_parts
from rrgraph.nn import ModelConfig
from rrgraph.util.plugins import Plugin
from rrgraph.util.registry import Origin

CONFIG = ModelConfig(decoder="mine")
RECORDED = {"name": "mine", "object": "somewhere:Mine", "package": "rrgraph-mine", "version": "2.0"}


class Mine(DotDecoder):
    """A decoder that a notebook might define."""


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(DECODERS._entries, "mine", Mine)


def test_what_comes_with_rrgraph_is_not_recorded():
    assert describe_parts(ModelConfig()) == {}
    assert external_parts(ModelConfig(encoder="deep_sets", decoder="dot")) == {}


def test_what_a_module_registers_is_recorded_with_it(registered):
    assert external_parts(CONFIG) == {"decoder": Origin(f"{__name__}:Mine")}
    recorded = describe_parts(CONFIG)
    assert recorded == {"decoder": {"name": "mine", "object": f"{__name__}:Mine", "package": "", "version": ""}}
    require_parts(recorded, "runs/x")


def test_what_a_notebook_made_may_have_become_a_package(registered):
    require_parts({"decoder": RECORDED | {"object": "__main__:Mine", "package": "", "version": ""}}, "runs/x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"needs the link decoder 'mine' of the package 'rrgraph-mine', which is not installed\.$"),
        ({"package": "", "object": "__main__:Mine"}, "of the module '__main__', which no installed package offers"),
        ({"name": "dot"}, "but here that name stands for what rrgraph itself offers"),
    ],
)
def test_what_is_missing_is_named(change, message):
    with pytest.raises(ModelError, match=message) as caught:
        require_parts({"decoder": RECORDED | change}, "runs/x")
    assert "The model in 'runs/x' needs" in str(caught.value)


@pytest.mark.parametrize("package", ["x; rm -rf ~", "--pre", "\x1b[2J", "a b", "x" * 200, "$(id)"])
def test_a_package_is_named_only_by_a_plain_name(package):
    with pytest.raises(ModelError, match=r"'package' of the decoder is .*, expected a plain name") as caught:
        require_parts({"decoder": RECORDED | {"package": package}}, "runs/x")
    assert "install" not in str(caught.value)
    assert str(caught.value).isprintable()


def offered_by(*packages):
    """Return a search that finds the decoder `mine` in packages, none of which can be imported."""
    from importlib.metadata import EntryPoint

    entry = EntryPoint("mine", "no_such_module_of_mine:Mine", DECODERS.group)
    return lambda group: {"mine": [Plugin("mine", package, "1", entry) for package in packages]}


def test_a_package_that_cannot_be_imported_is_named(monkeypatch):
    monkeypatch.setattr("rrgraph.util.registry.find_plugins", offered_by("rrgraph-mine"))
    with pytest.raises(ModelError, match=r"'runs/x' cannot be loaded\. The link decoder 'mine' of the package"):
        require_parts({"decoder": RECORDED}, "runs/x")


def test_the_same_name_in_another_package_is_something_else(monkeypatch):
    monkeypatch.setattr("rrgraph.util.registry.find_plugins", offered_by("rrgraph-other"))
    monkeypatch.setattr(Plugin, "load", lambda self: Mine)
    with pytest.raises(ModelError, match="stands for what the package 'rrgraph-other' offers"):
        require_parts({"decoder": RECORDED}, "runs/x")
    require_parts({"decoder": RECORDED | {"package": "rrgraph-other"}}, "runs/x")


@pytest.mark.parametrize("damaged", [{"decoder": {}}, {"decoder": None}, {"head": RECORDED}, ["decoder"]])
def test_a_damaged_description_is_one_sentence(damaged):
    with pytest.raises(ModelError, match="'runs/x' do not fit each other"):
        require_parts(damaged, "runs/x")


def test_options_reach_the_decoder(monkeypatch):
    from rrgraph.links import LinkModel

    class Scaled(DotDecoder):
        def __init__(self, config, *, statistics=0, factor=1.0):
            super().__init__(config, statistics=statistics)
            self.factor = factor

    monkeypatch.setitem(DECODERS._entries, "mine", Scaled)
    model = LinkModel(replace(CONFIG, width=16, n_decoders=2, decoder_options={"factor": 2.5}))
    assert [decoder.factor for decoder in model.decoders] == [2.5, 2.5]
