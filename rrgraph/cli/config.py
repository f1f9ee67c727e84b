"""`rrgraph config`: list and show the configurations that come with rrgraph."""

from __future__ import annotations

import argparse

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_config

__all__ = ["add_parser"]

_EXAMPLES = """\
  rrgraph config list
  rrgraph config show quickstart > mine.yaml
  rrgraph config show baselines/popularity
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its verbs."""
    parser = add_command(name, commands, summary="list and show the built-in configurations", examples=_EXAMPLES)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=type(parser))
    first, *others = _EXAMPLES.splitlines(keepends=True)
    listing = add_command("list", verbs, summary="list the names that commands take as CONFIG", examples=first)
    listing.set_defaults(run=_list)
    show = add_command("show", verbs, summary="print a configuration, to copy and change", examples="".join(others))
    add_config(show, help="a name that 'rrgraph config list' prints")
    show.set_defaults(run=_show)


def _list(arguments: argparse.Namespace) -> None:
    from rrgraph.cli.common.show import show_table
    from rrgraph.util.named_configs import config_names, describe_config

    show_table(["name", "description"], [[name, describe_config(name)] for name in config_names()])


def _show(arguments: argparse.Namespace) -> None:
    from rrgraph.util.named_configs import find_config

    print(find_config(arguments.config).read_text(encoding="utf-8"), end="")
