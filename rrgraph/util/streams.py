"""Standard output and standard error that cannot break a command, and on which no text can steer a terminal.

Control characters are shown as escapes, whatever they come from. What is written to a closed or full standard output
ends the command with one sentence; standard error, which has nobody to tell, is then silent.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO

from rrgraph.errors import DataError
from rrgraph.util.text import escaped

__all__ = ["guarded_streams", "print_problem", "terminal"]

_CLOSED = "it is closed"


class _Guarded:
    """A text stream that shows control characters as escapes; all else is that of the stream behind it.

    Args:
        stream: behind it, None if it is closed.
        keep: control characters that are written as they are, None for all.
    """

    def __init__(self, stream: TextIO | None, keep: str | None) -> None:
        self.stream, self.keep = stream, keep

    def __getattr__(self, name: str) -> Any:
        if self.stream is None:
            raise AttributeError(name)
        return getattr(self.stream, name)

    def __eq__(self, other: object) -> bool:
        # A bar steps aside for a line where both are for the same terminal.
        return self.stream is other.stream if isinstance(other, _Guarded) else NotImplemented

    def __hash__(self) -> int:
        return hash(id(self.stream))

    @property
    def encoding(self) -> str:
        """Of the stream behind it."""
        return str(getattr(self.stream, "encoding", None) or "utf-8")

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.stream is not None and not self.stream.closed and self.stream.isatty()

    def write(self, text: str) -> int:
        """Write text."""
        with self._failures():
            self._open().write(text if self.keep is None else escaped(text, keep=self.keep))
        return len(text)

    def flush(self) -> None:
        """Write what is waiting."""
        if self.stream is not None:
            with self._failures():
                self._open().flush()

    def discard(self) -> None:
        """Let everything that is still waiting and to come go nowhere, so that the end of the program is silent."""
        with suppress(AttributeError, OSError, ValueError):
            number, nowhere = self.stream.fileno(), os.open(os.devnull, os.O_WRONLY)  # type: ignore[union-attr]
            os.dup2(nowhere, number)
            os.close(nowhere)

    def _open(self) -> TextIO:
        if self.stream is None:
            raise ValueError(_CLOSED)
        return self.stream

    @contextmanager
    def _failures(self) -> Iterator[None]:
        raise NotImplementedError
        yield


class _Output(_Guarded):
    """Standard output."""

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Say in one sentence that it cannot be written.

        Raises:
            DataError: it is closed, or what is behind it is full.
            BrokenPipeError: its reader has stopped.
        """
        try:
            yield
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            self.discard()
            reason = error.strerror if isinstance(error, OSError) else _CLOSED
            raise DataError(f"Cannot write to standard output: {reason}.") from None


class _Errors(_Guarded):
    """Standard error."""

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):
            self.discard()


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard standard output and standard error within the block."""
    _keep_numbers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show an arrow must not end the program
            with suppress(OSError, ValueError):  # it is full or closed
                stream.reconfigure(errors="backslashreplace")
    output, errors = _Output(sys.stdout, "\n\t"), _Errors(sys.stderr, "\n\t\r")  # a progress bar returns to its start
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            yield
        finally:
            errors.flush()
            try:
                output.flush()
            except DataError:  # a command that succeeds has flushed it before
                pass
            except BrokenPipeError:
                output.discard()


def terminal(stream: Any) -> Any:
    """Return a stream for what writes control characters of its own; its text has to be escaped before."""
    return type(stream)(stream.stream, None) if isinstance(stream, _Guarded) else stream


def print_problem(command: str, message: str) -> None:
    """Print one line on what is wrong, whatever its text contains, on standard error."""
    print(f"rrgraph{command and ' '}{command}: {escaped(message)}", file=sys.stderr)


def _keep_numbers() -> None:
    """Keep files that are opened later from taking the number of a standard stream that is closed.

    What takes its place refuses what the stream is for.
    """
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
