"""`rrgraph properties`: predicts properties of compositions."""

from rrgraph.cli.properties.command import add_parser, run

__all__ = ["add_parser", "run"]
