"""Runs the command line: `rrgraph`, or `python -m rrgraph`."""

import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line and return its exit code; Ctrl-C ends it without a traceback from the first import on."""
    handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if handled:  # not where it is ignored, as of a process in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from rrgraph.cli.main import main as run

    try:
        if handled:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except KeyboardInterrupt:
        return 130
    finally:
        if handled:  # all is written, and what Python does at its end would show a traceback
            signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
