from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rrgraph import __version__
from rrgraph.chem import REAGENT_CLASSES
from rrgraph.cli import plan

COMMANDS = [
    "plan",
    "screen",
    "properties",
    "embed",
    "train",
    "pretrain",
    "evaluate",
    "score",
    "prompts",
    "data",
    "config",
    "serve",
    "mcp",
]
VERBS = ["fetch", "clean", "split", "stats"]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_version_shows_the_environment(rrgraph):
    result = rrgraph("--version")
    assert result.code == 0
    assert result.out.startswith(f"rrgraph {__version__}\n")
    for name in ("python", "torch", "torch-geometric", "numpy", "processors"):
        assert f"\n  {name} " in result.out


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), *(["data", verb] for verb in VERBS)])
def test_help_shows_examples(rrgraph, command):
    result = rrgraph(*command, "--help")
    assert result.code == 0
    assert f"examples:\n  {' '.join(['rrgraph', *command])}" in result.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["pln"], ["'pln'", "Did you mean 'plan'?"]),
        (["data", "ftch"], ["'ftch'", "Did you mean 'fetch'?"]),
        (["plan", "--topk", "3"], ["rrgraph plan:", "'--topk'", "Did you mean '--top-k'?"]),
        (["evaluate", "m", "--split", "test", "--protocl=paper"], ["'--protocl'", "Did you mean '--protocol'?"]),
        (["data", "stats", "textbook", "--jsno"], ["rrgraph data stats:", "Did you mean '--json'?"]),
        (["score", "p.jsonl", "extra", "--truth", "t.csv"], ["'extra'"]),
        ([], ["COMMAND"]),
        (["data"], ["VERB"]),
        (["evaluate", "m"], ["--test", "--split"]),
        (["evaluate", "m", "--test", "t.csv", "--split", "test"], ["not allowed with"]),
    ],
)
def test_bad_arguments_end_with_code_2_and_a_near_match(rrgraph, argv, words):
    result = rrgraph(*argv)
    assert result.code == 2
    assert not result.out
    for word in words:
        assert word in result.err


def test_an_interrupt_ends_with_130(rrgraph, monkeypatch):
    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(plan.command, "run", interrupt)
    result = rrgraph("plan", "BaTiO3")
    assert result.code == 130
    assert result.err == "rrgraph plan: interrupted.\n"


def test_a_refusal_of_the_system_is_one_sentence(rrgraph, monkeypatch):
    def refuse(arguments):
        raise PermissionError(13, "Permission denied", "plans.csv")

    monkeypatch.setattr(plan.command, "run", refuse)
    result = rrgraph("plan", "BaTiO3")
    assert result.code == 2
    assert result.err == "rrgraph plan: Cannot open 'plans.csv': Permission denied.\n"


def test_a_closed_pipe_is_no_error():
    code = (
        "import os, sys\n"
        "from rrgraph.cli import main\n"
        "reader, writer = os.pipe()\n"
        "os.close(reader)\n"
        "os.dup2(writer, 1)\n"
        "sys.exit(main(['data', 'fetch']))\n"
    )
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from rrgraph.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'pandas', 'numpy', 'rich', 'pymatgen'} & set(sys.modules)))\n"
    )
    assert python(code).stdout.endswith("\n[]\n")


def test_the_help_of_plan_lists_all_classes(rrgraph):
    text = " ".join(rrgraph("plan", "--help").out.split())
    assert f"The classes are {', '.join(REAGENT_CLASSES)}." in text


def test_planning_imports_neither_pyg_nor_scikit_learn(trained):
    code = (
        "import sys\n"
        "from rrgraph.cli import main\n"
        "main(['plan', 'BaTiO3', '--top-k', '1', '--model', sys.argv[1]])\n"
        "print(sorted({'torch_geometric', 'sklearn', 'optuna', 'networkx.algorithms'} & set(sys.modules)))\n"
    )
    done = python(code, str(trained))
    assert "BaCO3 + TiO2" in done.stdout
    assert "sklearn" not in done.stdout
    assert "torch_geometric" not in done.stdout


def test_python_m_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "rrgraph", "data", "fetch", "text_mind"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.returncode == 2
    assert "Did you mean 'text_mined'?" in done.stderr


def test_ctrl_c_after_the_last_line_shows_nothing():
    code = (
        "import atexit, os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "atexit.register(os.kill, os.getpid(), signal.SIGINT); from rrgraph.__main__ import main; sys.exit(main())"
    )
    done = python(code, "score", "--help")
    assert (done.returncode, done.stderr) == (0, "")
