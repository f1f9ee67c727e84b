"""`rrgraph cooccur`: networks of the precursors of a reaction table."""

from rrgraph.cli.cooccur.command import add_parser, run

__all__ = ["add_parser", "run"]
