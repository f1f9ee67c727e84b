"""Every check of the project: `nox` runs the usual ones, `nox --session NAME` one, `nox --list` shows them all.

Each session has an environment of its own, installed by pip and kept for the next time. With `--no-venv --no-install`
they use the environment that nox runs in, which spares installing torch for each:

    pip install -e '.[test,dev,docs,notebooks]'
    nox --no-venv --no-install
"""

import os
import re
import shutil
from configparser import ConfigParser
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
# uv does not look for torch in folders that pip is told to find wheels in.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "deps", "tests"]

DEVELOPMENT = {"test", "docs", "notebooks", "dev"}
"""Extras whose packages are not imported by rrgraph itself."""

BENCHMARKS = {
    "plan_throughput.py": ["--targets", "20", "--runs", "1"],
    "property_reader.py": ["--rows", "5000"],
    "cooccurrence.py": ["--reactions", "500"],
    "set_search.py": ["--targets", "5"],
    "link_sampling.py": ["--reactions", "2000"],
    "call_trace.py": [],
}
"""Those that can be made short, with the options for it; set_search does nothing without third-party tables."""

RAY_TESTS = ["tests/util/test_engines.py", "tests/screening", "tests/cli/test_tune.py", "tests/cli/test_experiment.py"]
"""Where tests of Ray are."""


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, and imports that go one way."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def deps(session: nox.Session) -> None:
    """What is imported is declared, and the other way round."""
    session.install("-e", ".[dev]")
    requirements = Path(session.create_tmp(), "requirements.txt")
    requirements.write_text("\n".join(_declared(exclude=DEVELOPMENT)))
    session.run("deptry", "rrgraph", "--requirements-files", str(requirements))


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones; `nox -s tests -- --cov` also measures coverage."""
    session.install("-e", ".[test,dev]")
    _pytest(session, "not slow")


@nox.session
def slow(session: nox.Session) -> None:
    """The slow tests."""
    session.install("-e", ".[test,dev]")
    _pytest(session, "slow")


@nox.session
def ray(session: nox.Session) -> None:
    """The tests of Ray, which the others skip where it is not installed: it is large, and each starts a cluster."""
    session.install("-e", ".[test,ray]")
    session.run("python", "-m", "pytest", "-k", "ray or cluster", *(session.posargs or RAY_TESTS))


@nox.session
def robustness(session: nox.Session) -> None:
    """Attacks with damaged input, in some minutes; `nox -s robustness -- --jobs 8` carries them out in full."""
    session.install("-e", ".[test,docs]")
    session.run("python", "-m", "tests.robustness", *(session.posargs or ["--quick"]))


@nox.session
def lowest(session: nox.Session) -> None:
    """All tests with the lowest versions that setup.cfg declares."""
    constraints = Path(session.create_tmp(), "lowest.txt")
    constraints.write_text("\n".join(_lowest(each) for each in _declared(exclude=DEVELOPMENT - {"test"})))
    session.install("-e", ".[test]", "--constraint", str(constraints))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def experiment(session: nox.Session) -> None:
    """A small comparison of systems, and its report."""
    session.install("-e", ".[figures]")
    output = Path(session.create_tmp(), "experiment")
    shutil.rmtree(f"{output}-quick", ignore_errors=True)
    session.run("rrgraph", "experiment", "table2", "--quick", "--jobs", "2", f"output={output}")
    session.run("rrgraph", "report", f"{output}-quick", "--output", f"{output}.html", "--no-refit")


@nox.session
def notebooks(session: nox.Session) -> None:
    """Executed copies of the notebooks, in the folder that RRGRAPH_NOTEBOOKS names if it is set."""
    session.install("-e", ".[test,notebooks]")
    folder = Path(os.environ.get("RRGRAPH_NOTEBOOKS") or Path(session.create_tmp(), "notebooks"))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("notebooks", folder)
    options = ["--nbmake", "--nbmake-timeout=900", "--overwrite", "-p", "no:cacheprovider"]
    # Threads that wait for each other beside a busy process can take many times as long as one.
    session.run("python", "-m", "pytest", *options, str(folder), env={"OMP_NUM_THREADS": "1"})


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, with executed notebooks where RRGRAPH_NOTEBOOKS names their folder."""
    session.install("-e", ".[docs]")
    site = Path(session.create_tmp(), "site")
    session.run("mkdocs", "build", "--quiet", "--strict", "--site-dir", str(site), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Benchmarks with little work, to see that they run."""
    session.install("-e", ".")
    for name, options in BENCHMARKS.items():
        session.run("python", f"benchmarks/{name}", *options)


@nox.session
def wheel(session: nox.Session) -> None:
    """A wheel, built and installed, plans and trains in an empty folder."""
    folder = Path(session.create_tmp(), "wheel")
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".")
    (built,) = folder.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(built))
    session.install(str(built))
    empty = folder / "empty"
    empty.mkdir()
    session.chdir(empty)
    session.run("rrgraph", "plan", "BaTiO3", "--top-k", "3")
    session.run("rrgraph", "train", "quickstart", "training.epochs=1")
    session.run("rrgraph", "plan", "BaTiO3", "--top-k", "3", "--model", "runs/quickstart")


def _pytest(session: nox.Session, marks: str) -> None:
    """Run tests, in several processes where there are more than two cores."""
    cores = os.cpu_count() or 1
    several = ["-n", str(cores)] if cores > 2 else []
    session.run("python", "-m", "pytest", "-m", marks, *several, *session.posargs)


def _declared(*, exclude: set[str]) -> list[str]:
    """Return the requirements of setup.cfg, those of the excluded extras aside."""
    config = ConfigParser()
    config.read("setup.cfg")
    extras = config["options.extras_require"]
    texts = [config["options"]["install_requires"], *(extras[name] for name in extras if name not in exclude)]
    lines = [line for text in texts for line in text.split("\n") if line]
    return sorted({line for line in lines if not line.startswith("rrgraph[")})


def _lowest(requirement: str) -> str:
    """Return a requirement with its lower bound as the only version."""
    return re.sub(r"(\[[^]]*\])?>=([^,]+).*", r"==\2", requirement)
