from __future__ import annotations

import io
import json
import logging
import os
import sys
import warnings

import pytest

from rrgraph.cli import plan
from rrgraph.cli.common.show import show_notes, show_table
from rrgraph.cli.main import main
from rrgraph.errors import DataError
from rrgraph.util import streams
from rrgraph.util.progress import progress_bar, track
from rrgraph.util.streams import guarded_streams, print_problem, terminal
from rrgraph.util.text import escaped

ATTACKS = [
    "\x1b[2J\x1b[1;1H",
    "\x9b31m",
    "\x07",
    "\x08\x08",
    "\u202eevil",
    "\u2066x",
    "\x7f",
    "\x85",
    "\u2028",
    "a\x00b",
]
COMMANDS = (["--help"], ["--version"], ["plan", "--help"], ["data", "stats", "textbook", "--json"], ["config", "list"])


def full() -> io.TextIOWrapper:
    return io.TextIOWrapper(open("/dev/full", "wb"))  # noqa: PTH123


def code_of(argv):
    try:
        return main(argv)
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("attack", ATTACKS)
def test_controls_are_shown(attack):
    shown = escaped(f"Ba{attack}TiO3")
    assert shown.isprintable()
    assert shown.isascii()
    assert json.loads(json.dumps(f"Ba{attack}TiO3", ensure_ascii=True)) == f"Ba{attack}TiO3"
    assert escaped("→ 3 × 10⁻³\u00a0°C 晶") == "→ 3 × 10⁻³\u00a0°C 晶"
    assert escaped("a\n\t\rb\x1b", keep="\n") == "a\n\\t\\rb\\x1b"


@pytest.mark.parametrize("argv", COMMANDS)
@pytest.mark.parametrize("stream", [full, lambda: None])
def test_an_output_that_is_full_or_closed_is_one_sentence(argv, stream, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", stream())
    reason = "it is closed" if sys.stdout is None else "No space left on device"
    assert code_of(argv) == 2
    err = capsys.readouterr().err
    assert err.endswith(f": Cannot write to standard output: {reason}.\n")
    assert err.count("\n") == 1
    if sys.stdout is not None:
        sys.stdout.close()  # what was left has gone where nothing complains


@pytest.mark.parametrize("stream", [full, lambda: None])
def test_errors_without_a_stream_for_them_change_nothing(stream, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", stream())
    assert code_of(["config", "lst"]) == 2
    assert code_of(["data", "stats", "nothing.csv"]) == 2
    assert code_of(["config", "list"]) == 0
    for _ in track([1, 2], "work"):
        logging.getLogger("rrgraph").warning("lost")
    with progress_bar("work", total=1) as bar:
        bar.update()
    monkeypatch.setattr(sys, "stdout", None)
    assert code_of(["config", "list"]) == 2
    if sys.stderr is not None:
        sys.stderr.close()
    capsys.readouterr()


def test_a_closed_standard_input_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    for command in ("plan", "properties"):
        assert code_of([command, "--input", "-"]) == 2
        assert capsys.readouterr().err == f"rrgraph {command}: Cannot read standard input: it is closed.\n"


def test_a_reader_that_stops_is_no_error(monkeypatch, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(os.fdopen(writing, "wb")))
    assert code_of(["config", "list"]) == 0
    assert code_of(["--help"]) == 0
    sys.stdout.close()
    assert capsys.readouterr().err == ""


def test_a_closed_number_is_not_taken_by_a_file(monkeypatch):
    opened: list[tuple[str, int]] = []
    status = os.fstat
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", lambda number: status(987 if number == 1 else number))
        patch.setattr(os, "open", lambda *given: opened.append(given))
        streams._keep_numbers()
    assert opened == [(os.devnull, os.O_RDONLY)]


@pytest.mark.parametrize("attack", [*ATTACKS, "\nrrgraph plan: fine", "\rover", "\t"])
def test_no_message_steers_a_terminal(attack, monkeypatch, capsys):
    def run(arguments):
        warnings.warn(f"w{attack}", UserWarning, stacklevel=1)
        logging.getLogger("rrgraph.test").warning("l%s", attack)
        print_problem("plan", f"p{attack}")
        raise DataError(f"e{attack}")

    handlers = logging.root.handlers
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(plan.command, "run", run)
    assert main(["plan", "x"]) == 2
    monkeypatch.setattr(logging.root, "handlers", handlers)
    lines = capsys.readouterr().err.split("\n")
    shown = escaped(attack)
    assert lines == [f"warning: w{shown}", f"l{shown}", f"rrgraph plan: p{shown}", f"rrgraph plan: e{shown}", ""]
    if not attack.startswith("\nrrgraph"):
        assert code_of(["plan", f"--x{attack}"]) == 2
        assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_file_name_steers_a_terminal(attack, capsys):
    assert main(["data", "stats", f"no{attack}file.csv"]) == 2
    err = capsys.readouterr().err
    assert err.rstrip("\n").isprintable()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_no_table_steers_a_terminal(attack, is_terminal, monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "dumb")
    with guarded_streams():
        show_table([f"h{attack}"], [[f"c{attack}\n  second line"]], title=f"\nt{attack}\nfake")
        show_notes([f"n{attack}"])
        print(f"printed {attack}")
        print(json.dumps({"key": attack}, ensure_ascii=False))
        assert terminal(sys.stdout).write("\r") == 1
    *lines, last = stream.getvalue().split("\n")
    assert last == "\r"
    assert all(line.isprintable() for line in lines)
    assert json.loads(lines[-1]) == {"key": attack}
    assert "fake" not in [line.strip() for line in lines]


def test_a_line_and_a_progress_bar_know_that_they_share_a_terminal():
    with guarded_streams():
        assert terminal(sys.stderr) == sys.stderr
        assert terminal(sys.stderr) != sys.stdout
        assert sys.stderr != sys.stderr.stream
