from __future__ import annotations

import os
import subprocess
import sys

import pytest


def complete(line: str, folder) -> list[str]:
    """Return what a shell would offer at the end of a line."""
    code = "from rrgraph.cli import main; main()"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / "answer"), "_ARGCOMPLETE_IFS": "\n"}
    environment = {**os.environ, **asked, "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=folder, timeout=300, check=True)
    return [word.strip() for word in (folder / "answer").read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rrgraph exp", ["experiment"]),
        ("rrgraph plan --top", ["--top-k"]),
        ("rrgraph train quick", ["quickstart"]),
        ("rrgraph train own", ["own.yaml"]),
        ("rrgraph experiment table1", ["table10", "table12"]),
        ("rrgraph data st", ["stats"]),
    ],
)
def test_commands_options_and_configurations_are_completed(line, expected, tmp_path):
    pytest.importorskip("argcomplete", reason="needs the extra 'completion'")
    (tmp_path / "own.yaml").touch()
    assert sorted(complete(line, tmp_path)) == expected


def test_a_shell_that_asks_in_vain_does_no_harm(rrgraph, monkeypatch):
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    assert rrgraph("config", "list").code == 0
