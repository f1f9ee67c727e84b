"""The `rrgraph` command line, one module or package per command."""

from rrgraph.cli.main import main

__all__ = ["main"]
