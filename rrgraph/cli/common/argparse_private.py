"""What the commands take from argparse beyond its public interface; a test names the versions it holds for."""

from __future__ import annotations

import argparse
from typing import TypeAlias

__all__ = ["ArgumentContainer", "Commands", "option_actions", "option_names"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `ArgumentParser.add_subparsers` returns."""

ArgumentContainer: TypeAlias = argparse._ActionsContainer
"""A parser or a group of its arguments."""


def option_actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments of a parser that begin with a dash, in the order they were added."""
    return [action for action in parser._actions if action.option_strings]


def option_names(parser: argparse.ArgumentParser) -> list[str]:
    """Return every spelling of the options of a parser, such as `-v` and `--verbose`."""
    return [name for action in option_actions(parser) for name in action.option_strings]
