from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import Any

import pytest
import yaml

import rrgraph as rr

pytest.importorskip("mcp")


@pytest.fixture(scope="module")
def call(service):
    """Call a tool through the client of the protocol's own package, and return its result."""
    from mcp import Client

    from rrgraph.app.tools import create_server

    server = create_server(service)

    def answer(name: str, **arguments: Any) -> Any:
        async def ask() -> Any:
            async with Client(server) as client:
                return await client.call_tool(name, arguments) if name else await client.list_tools()

        return asyncio.run(ask())

    return answer


def test_tools_are_few_read_only_and_typed(call):
    tools = call("").tools
    assert [each.name for each in tools] == [
        *("plan_synthesis", "balance_reaction", "weigh_out", "find_literature", "find_substitutes"),
        *("predict_properties", "look_up_precursor"),
    ]
    for tool in tools:
        assert tool.annotations.read_only_hint and tool.output_schema["type"] == "object" and tool.description
        assert all("description" in each for each in tool.input_schema["properties"].values())


def test_a_plan_has_structure(call):
    (plan,) = call("plan_synthesis", targets=["BaTiO3"], top_k=2, grams=10).structured_content["plans"]
    best = rr.plan("BaTiO3", top_k=1).best
    assert plan["sets"][0]["probability"] == pytest.approx(best.probability)
    assert {each["formula"]: each["grams"] for each in plan["sets"][0]["weighed"]["portions"]} == best.grams(10)
    assert plan["literature"][0]["doi"] and plan["sets"][0]["handling"]


def test_single_questions(call):
    balanced = call("balance_reaction", target="BaTiO3", precursors=["BaCO3", "TiO2"]).structured_content
    assert balanced["equation"] == "BaCO3 + TiO2 → BaTiO3 + CO2" and balanced["weighed"] is None
    weighed = call(
        "weigh_out", target="LiCoO2", precursors=["Li2CO3", "Co3O4"], grams=5, excess=["Li=5"], balance=0.001
    )
    assert [each["grams"] for each in weighed.structured_content["weighed"]["portions"]] == [1.982, 4.101]
    assert call("find_literature", target="BaTiO3", count=3).structured_content["reactions"][0]["same_composition"]
    found = call("find_substitutes", target="BaTiO3", precursors=["BaCO3", "TiO2"]).structured_content
    assert found["probability"] > 0.5 and {"BaCO3", "TiO2"} == {each["replaced"] for each in found["substitutes"]}
    assert "band_gap_mp" in call("predict_properties", formula="BaTiO3").structured_content["properties"]
    assert call("look_up_precursor", formula="TiO2").structured_content["cas"] == "13463-67-7"


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("plan_synthesis", {"targets": []}, "targets: there is none"),
        ("plan_synthesis", {"targets": ["BaTiO3"], "exclude": ["nitrats"]}, "Did you mean 'nitrates'?"),
        ("plan_synthesis", {"targets": ["BaTiO3"], "grams": -1}, "grams: '-1.0' is not a number above 0."),
        ("balance_reaction", {"target": "BaTiO3", "precursors": ["SrCO3"]}, "does not balance"),
        ("weigh_out", {"target": "Qq", "precursors": ["BaO"], "grams": 1}, "'Qq' is not a valid formula"),
        ("find_literature", {"target": "POSCAR"}, "not a valid formula"),
        ("plan_synthesis", {"target": "BaTiO3"}, "target is not an option, expected one of targets, top_k, "),
        ("plan_synthesis", {"target": "BaTiO3"}, "Did you mean 'targets'?"),
        ("plan_synthesis", {"targets": ["BaTiO3"], "top_k": 999}, "top_k is '999': input should be less than or"),
        ("plan_synthesis", {"targets": "BaTiO3"}, "targets is 'BaTiO3': input should be a valid list."),
        ("weigh_out", {"target": "BaO", "precursors": ["BaO"], "grams": -1}, "grams is '-1': input should be greater"),
        ("weigh_out", {"target": "BaO", "precursors": ["BaO"]}, "grams: there is none, expected a number above 0."),
        ("find_literature", {}, "target: there is none, expected a formula such as 'BaTiO3'."),
        ("plan", {}, "There is no tool 'plan', expected one of plan_synthesis, "),
    ],
)
def test_errors_are_one_sentence(call, name, arguments, sentence):
    answer = call(name, **arguments)
    said = answer.content[0].text
    assert answer.is_error and sentence in said
    assert not any(each in said for each in ("\n", "http", "pydantic", "Error executing"))


def test_who_waits_too_long_is_told_so(service, monkeypatch):
    from mcp import Client

    from rrgraph.app import TooSlow, Worker
    from rrgraph.app.tools import create_server

    async def refuse(*_, **__):
        raise TooSlow("It takes too long.")

    worker = Worker()
    monkeypatch.setattr(worker, "do", refuse)

    async def ask() -> Any:
        async with Client(create_server(service, worker)) as client:
            return await client.call_tool("find_literature", {"target": "BaTiO3"})

    assert asyncio.run(ask()).content[0].text == "It takes too long."
    worker.close()


@pytest.mark.slow
def test_the_command_speaks_the_protocol():
    import sys

    from mcp import Client, StdioServerParameters

    async def ask() -> Any:
        async with Client(StdioServerParameters(command=sys.executable, args=["-m", "rrgraph", "mcp"])) as client:
            return await client.call_tool("balance_reaction", {"target": "BaTiO3", "precursors": ["BaO", "TiO2"]})

    assert asyncio.run(ask()).structured_content["equation"] == "BaO + TiO2 → BaTiO3"


def test_how_agents_are_told(capsys):
    from rrgraph.cli.main import main

    assert main(["mcp", "--skill"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("---\nname: rrgraph\n") and all(
        f"`{name}`" in text for name in ("plan_synthesis", "weigh_out")
    )


def test_the_skill_begins_with_what_agents_read_first():
    text = files("rrgraph.app").joinpath("SKILL.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["name"] == "rrgraph" and "precursor sets" in front["description"]
