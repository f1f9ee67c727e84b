"""A rule of docs/architecture.md beside those of import-linter: names come from the package, not from its modules."""

from __future__ import annotations

import ast
from pathlib import Path

import rrgraph

PACKAGE = Path(rrgraph.__file__).parent

FACES = {"rrgraph.properties.pretraining", "rrgraph.networks.plots", "rrgraph.organic.run"}
"""Packages inside others that are imported from by themselves."""

HEAVY = {
    "rrgraph.conditions.measures",
    "rrgraph.conditions.run",
    "rrgraph.runs.measure",
    "rrgraph.runs.baseline",
    "rrgraph.baselines.language_model",
    "rrgraph.app.web",
    "rrgraph.app.tools",
}
"""Modules that most users of their package do without; docs/architecture.md names them."""

HELPERS = {"util", "cli"}
"""Packages of modules that have no face."""


def test_names_come_from_the_package_itself():
    deep = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rrgraph."):
                _, package, *inside = node.module.split(".")
                allowed = not inside or package in {own, *HELPERS} or node.module in FACES | HEAVY
                if not allowed:
                    deep.append(f"{path.relative_to(PACKAGE)}: {node.module}")
    assert deep == []


def test_the_exceptions_are_documented():
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [name for name in sorted(FACES | HEAVY) if f"`{name}`" not in text] == []
