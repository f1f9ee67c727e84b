"""`rrgraph mcp`: tools for language-model agents over standard input and output."""

from __future__ import annotations

import argparse

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_device
from rrgraph.errors import ConfigError

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph mcp                                  a server of the Model Context Protocol; programs start it, not people
  rrgraph mcp --skill                          print how an agent should use the tools

A client is told to run the command 'rrgraph' with the argument 'mcp', see docs/agents.md.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="offer tools to language-model agents", examples=_EXAMPLES)
    parser.add_argument("--model", default="default", metavar="NAME|PATH", help="bundled model or run folder")
    add_device(parser)
    parser.add_argument("--skill", action="store_true", help="print how an agent should use the tools, and end")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client closes the connection."""
    if arguments.skill:
        from rrgraph.util.pages import page_text

        print(page_text("rrgraph.app", "SKILL.md"), end="")
        return 0
    try:
        from rrgraph.app import Service
        from rrgraph.app.tools import create_server
    except ImportError as error:
        raise ConfigError(
            f"Tools for agents need {error.name}, which is not installed: pip install 'rrgraph[mcp]'."
        ) from None
    service = Service(arguments.model, device=arguments.device)
    _ = service.model  # a model that cannot be loaded is refused before anything is served
    create_server(service).run("stdio")
    return 0
