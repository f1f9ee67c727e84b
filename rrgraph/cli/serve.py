"""`rrgraph serve`: the page and the JSON API, on this machine."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import socket

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_device, positive_int, positive_number
from rrgraph.errors import ConfigError, OptionError, reason_of
from rrgraph.util.streams import print_problem

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph serve                                the page at http://127.0.0.1:8000, for this machine only
  rrgraph serve --port 9000 --model runs/mine
  rrgraph serve --molecules runs/conretrobert  with a view for molecules, by a model of templates (extra organic)
  rrgraph serve --host 0.0.0.0                 for everybody who can reach this machine: without password and encryption

The page works offline, with the bundled model. The API is described at /docs, see docs/page.md.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="open a page for planning, with a JSON API", examples=_EXAMPLES)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at; others than this machine's are warned of"
    )
    parser.add_argument("--port", type=_port, default=8000, help="port (8000)")
    parser.add_argument("--model", default="default", metavar="NAME|PATH", help="bundled model or run folder")
    parser.add_argument("--molecules", metavar="FOLDER", help="run folder of a model of templates, for molecules")
    add_device(parser)
    parser.add_argument("--queue", type=positive_int, default=24, metavar="N", help="requests that may wait (24)")
    parser.add_argument(
        "--timeout", type=positive_number, default=30.0, metavar="S", help="seconds that a request may take (30)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    try:
        import torch
        import uvicorn

        from rrgraph.app import Service, Worker
        from rrgraph.app.web import create_app
    except ImportError as error:
        raise ConfigError(f"The page needs {error.name}, which is not installed: pip install 'rrgraph[app]'.") from None
    with _listening(arguments.host, arguments.port) as listener:
        molecules = None
        if arguments.molecules is not None:
            from rrgraph.cli.organic.plan import load_planner

            molecules = load_planner(arguments.molecules, device=arguments.device, option="--molecules")
        # One core is left for reading and writing: threads that wait for a busy one take many times as long.
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
        local = _is_local(arguments.host)
        if not local:
            who = f"everybody who can reach {arguments.host}"
            print_problem(arguments.command, f"warning: {who} can use this server, without password or encryption.")
        hosts = ("127.0.0.1", "localhost", "[::1]") if local else ("*",)
        service = Service(arguments.model, device=arguments.device, molecules=molecules)
        _ = service.model  # a model that cannot be loaded is refused before anything is served
        app = create_app(
            service,
            worker=Worker(waiting=arguments.queue, seconds=arguments.timeout),
            hosts=hosts,
            warm=True,
        )
        config = uvicorn.Config(app, host=arguments.host, port=arguments.port, log_level="warning", server_header=False)
        shown = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
        print(f"rrgraph is at http://{shown}:{arguments.port} - Ctrl-C ends it.", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, before models are loaded and anything is announced.

    Raises:
        OptionError: the host is not this machine, or the port cannot be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        return socket.create_server(address, family=family)
    except (OSError, UnicodeError) as error:  # UnicodeError: of a name that is too long
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise OptionError(
                "port", f" is {port}, which another program uses at {host}, expected a free one."
            ) from None
        if number == errno.EACCES:
            raise OptionError("port", f" is {port}, which needs rights that you lack, expected 1024 or more.") from None
        expected = "expected a name or address of this machine, such as 127.0.0.1"
        raise OptionError("host", f" is '{host}', {expected}: {reason_of(error).partition(' (while')[0]}.") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1 to 65535")
    return int(text)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
