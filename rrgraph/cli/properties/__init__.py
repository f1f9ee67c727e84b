"""`rrgraph properties`: predicts properties of formulas."""

from rrgraph.cli.properties.command import add_parser, run

__all__ = ["add_parser", "run"]
