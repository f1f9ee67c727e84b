"""What the documentation site has to list, checked without building it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in (ROOT / "rrgraph").glob("*/__init__.py") if path.parent.name != "cli")


@pytest.fixture(scope="module")
def pages() -> list[str]:
    return list(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))


def leaves(entry: object) -> Iterator[str]:
    """Yield the paths of a navigation."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict | list):
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from leaves(part)


def test_every_page_is_listed_once(pages):
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert len(set(pages)) == len(pages)
    assert written <= set(pages)


def test_every_notebook_is_listed(pages):
    notebooks = [f"notebooks/{path.stem}.md" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert sorted(page for page in pages if page.startswith("notebooks/")) == notebooks


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_its_page_in_the_reference(pages, package):
    assert f"api/{package}.md" in pages
    assert f"::: rrgraph.{package}\n" in (ROOT / "docs" / "api" / f"{package}.md").read_text(encoding="utf-8")


def test_the_site_asks_for_nothing_from_elsewhere():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert config["theme"]["font"] is False
    assert not [path for path in config["extra_css"] if path.startswith("http")]
