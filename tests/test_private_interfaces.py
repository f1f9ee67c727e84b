"""Four modules use what other packages keep to themselves; their own tests check what it does.

A new version outside these bounds needs a look at the module, and the tests of it, before a bound is moved.
"""

from __future__ import annotations

import ast
import platform
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

import rrgraph

HOLDS_FOR = {
    "rrgraph.cli.common.argparse_private": ("python", "3.11", "3.14"),
    "rrgraph.lab.workbook": ("openpyxl", "3.1", "3.2"),
    "rrgraph.nn.instructions": ("torch", "2.8", "2.14"),
    "rrgraph.training.sklearn_trees": ("scikit-learn", "1.4", "1.10"),
    "rrgraph.tuning.heartbeat": ("optuna", "4.9", "5.1"),
}
"""Module: the package whose private interface it uses, from which version, and the first that nobody has looked at."""

OWN = {"self", "cls", "super", "os"}


@pytest.mark.parametrize(("package", "first", "beyond"), HOLDS_FOR.values(), ids=HOLDS_FOR)
def test_versions_that_private_interfaces_hold_for(package: str, first: str, beyond: str) -> None:
    installed = Version(platform.python_version() if package == "python" else version(package))
    assert Version(first) <= installed < Version(beyond)


def foreign_modules(tree: ast.Module) -> set[str]:
    """Return the names that a module imports from other packages."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(each.asname or each.name).partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("rrgraph"):
            found |= {each.asname or each.name for each in node.names}
    return found - OWN


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_uses(path: Path) -> list[str]:
    """Return imports of private names of other packages, and private attributes of what was imported from them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    foreign = foreign_modules(tree)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("rrgraph"):
            names = [*(node.module or "").split("."), *(each.name for each in node.names)]
            found += [name for name in names if is_private(name)]
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = node.value
            while isinstance(owner, ast.Attribute):
                owner = owner.value
            if isinstance(owner, ast.Name) and owner.id in foreign:
                found.append(f"{owner.id}.{node.attr}")
    return found


def test_no_other_module_reaches_into_another_package() -> None:
    root = Path(rrgraph.__file__).parent
    named = {root.parent / Path(*module.split(".")).with_suffix(".py") for module in HOLDS_FOR}
    assert {path: found for path in set(root.rglob("*.py")) - named if (found := private_uses(path))} == {}
