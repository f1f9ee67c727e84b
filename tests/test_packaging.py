"""What is installed: from a wheel, from a clone, and that versions agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from rrgraph import __version__

ROOT = Path(__file__).parents[1]
FILES = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "configs", "rrgraph")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository in a folder called like the package."""
    folder = tmp_path_factory.mktemp("beside") / "rrgraph"
    folder.mkdir()
    for name in FILES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def install(kind: str, clone: Path, target: Path) -> None:
    """Build a wheel, `build_wheel` or `build_editable`, and unpack it."""
    code = f"import sys; from setuptools.build_meta import {kind}; {kind}(sys.argv[1])"
    wheels = target.parent / "wheels"
    wheels.mkdir()
    subprocess.run([sys.executable, "-c", code, str(wheels)], cwd=clone, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(target)


def python(code: str, site: Path, folder: Path) -> str:
    """Run code in a folder, first on the path, as a script there would; nothing but one site folder is installed."""
    begin = f"import site, sys; site.addsitedir({str(site)!r}); sys.path.insert(0, {str(folder)!r})\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-S", "-c", begin + code]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_script_beside_a_clone_imports_the_package(clone, tmp_path):
    install("build_editable", clone, tmp_path / "site")
    found = python("import rrgraph; print(rrgraph.__file__)", tmp_path / "site", clone.parent)
    assert found == str(clone / "rrgraph" / "__init__.py")
    named = "from rrgraph.util.named_configs import find_config; print(find_config('quickstart'))"
    assert python(named, tmp_path / "site", tmp_path) == str(clone / "configs" / "quickstart.yaml")


@pytest.fixture(scope="module")
def site(clone, tmp_path_factory):
    """A folder with what a wheel installs."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    install("build_wheel", clone, folder)
    return folder


def test_a_wheel_brings_every_configuration(site):
    for path in (ROOT / "configs").rglob("*.yaml"):
        assert (site / "rrgraph" / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    named = "from rrgraph.util.named_configs import find_config; print(find_config('table2', group='experiments'))"
    assert python(named, site, site.parent) == "site/rrgraph/configs/experiments/table2.yaml"
    assert {path.name for path in site.iterdir()} == {"rrgraph", f"rrgraph-{__version__}.dist-info"}


def test_what_a_wheel_installs_plans_in_an_empty_folder(site, tmp_path):
    code = "import rrgraph as rr; print(rr.__file__, *rr.plan('BaTiO3', literature=False).best.precursors)"
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    place, *precursors = done.stdout.split()
    assert place == str(site / "rrgraph" / "__init__.py")
    assert sorted(precursors) == ["BaCO3", "TiO2"]


def test_the_version_is_told_once_more_for_citations_and_in_the_changelog():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [__version__]
    released = re.findall(r"^## \[?([\d.]+)\]? - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == __version__
