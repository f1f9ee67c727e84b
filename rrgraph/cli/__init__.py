"""The `rrgraph` command: one short module a command."""

from rrgraph.cli.main import main

__all__ = ["main"]
