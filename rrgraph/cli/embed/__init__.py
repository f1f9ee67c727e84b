"""`rrgraph embed`: writes embeddings of formulas."""

from rrgraph.cli.embed.command import add_parser, run

__all__ = ["add_parser", "run"]
