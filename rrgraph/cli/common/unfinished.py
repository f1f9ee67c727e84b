"""What a command has done so far, kept beside its output, so that a run that was killed can go on from there.

``OUTPUT.partial`` has a line of JSON that says what was asked, then one with the answers of each batch of rows. Behind
each are a tab and the CRC-32 of the JSON so far. Lines are only appended; one that was cut off or damaged is dropped
with all behind it. Batches stay whole, because the last digits of a prediction depend on what is predicted with it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from rrgraph.errors import DataError
from rrgraph.util.files import destination, is_stream, sha256_file
from rrgraph.util.json_files import parse_json
from rrgraph.util.locking import locked_file
from rrgraph.util.streams import print_problem
from rrgraph.version import __version__

__all__ = ["Keep", "open_unfinished"]

Keep = Callable[[int, Iterable[Any]], Iterable[Any]]
"""Takes the number of rows of the next batch and their answers, which are computed as they are iterated over; returns
those of an earlier run where it has done the batch, and otherwise the given ones, kept if they can be."""

_BEGINNING = b'{"rrgraph": '
_NOT_ASKED = ("run", "parser", "rest", "command", "verbose", "output", "rejects", "resume", "restart")
"""Arguments that answers do not depend on."""
_MODEL_FILES = ("model.json", "model.safetensors")
_SECONDS = 1.0
"""Least time between two calls that wait for the disk."""


@contextmanager
def open_unfinished(arguments: argparse.Namespace, *, model: str) -> Iterator[Keep]:
    """Yield what keeps the answers of a run from `--input FILE` to `--output FILE` until the block succeeds.

    Streams cannot be read again, or have been read by others, so of them nothing is kept.

    Args:
        arguments: of a command that has `--input`, `--output`, `--resume` and `--restart`.
        model: bundled name or folder of what gives the answers.

    Raises:
        DataError: another process writes the same output; an earlier run is unfinished, and neither `--resume` nor
            `--restart` is given, or it was asked for something else; or the file cannot be written.
    """
    if _file(arguments.input) is None or arguments.output is None or is_stream(arguments.output):
        if arguments.resume or arguments.restart:
            option = "--resume" if arguments.resume else "--restart"
            raise DataError(f"{option} is for a run from --input FILE to --output FILE, which both are regular files.")
        yield lambda count, answers: answers
        return
    with ExitStack() as stack:
        try:
            path = _beside(arguments.output)
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = stack.enter_context(locked_file(path))
        except BlockingIOError:
            raise DataError(f"Another process is writing '{arguments.output}'.") from None
        except OSError as error:
            raise DataError(f"Cannot write '{arguments.output}': {error.strerror}.") from None
        answers = _Answers(path, descriptor, _asked(arguments, model))
        answers.find(resume=arguments.resume, restart=arguments.restart)
        try:
            yield answers.keep
        except BaseException:
            if os.fstat(descriptor).st_size:
                what = (
                    f"the rows that are done are kept in '{path}'; the same command with --resume goes on from there."
                )
                print_problem(arguments.command, what)
            else:
                path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


class _Answers:
    """The file of answers: what is there is read, then the others are appended."""

    def __init__(self, path: Path, descriptor: int, asked: Mapping[str, Any]) -> None:
        self.path, self.descriptor, self.asked = path, descriptor, asked
        self.handle = open(descriptor, "rb", closefd=False)  # noqa: SIM115
        self.reading = True
        self.checksum = 0
        self.synced = time.monotonic()

    def find(self, *, resume: bool, restart: bool) -> None:
        """Read what was asked of an earlier run, if there is one.

        Raises:
            DataError: see `open_unfinished`.
        """
        start = self.handle.peek(len(_BEGINNING))[: len(_BEGINNING)]
        if not _BEGINNING.startswith(start):
            raise DataError(f"'{self.path}' is in the way: it is not what an unfinished run leaves; rename it.")
        if restart:
            os.ftruncate(self.descriptor, 0)
            self.reading = False
        before = self._next()
        if before is None:
            return
        if not resume:
            raise DataError(
                f"'{self.path}' holds what an unfinished run has done; --resume goes on from there, and --restart "
                "discards it."
            )
        difference = _difference(before, json.loads(json.dumps(self.asked)))
        if difference is not None:
            raise DataError(f"'{self.path}' cannot be resumed: {difference}; --restart discards it.")

    def keep(self, count: int, answers: Iterable[Any]) -> Iterable[Any]:
        """See `Keep`.

        Raises:
            DataError: the file cannot be written.
        """
        done: list[Any] | None = self._next(count)
        if done is None:
            done = list(answers)
            self._append(done)
        return done

    def _next(self, count: int | None = None) -> Any:
        """Return the next line: so many answers, or what was asked; None behind the last whole one."""
        if self.reading:
            start, checksum = self.handle.tell(), self.checksum
            line = self.handle.readline()
            text = line.rpartition(b"\t")[0]
            with suppress(ValueError):
                found = parse_json(text.decode(), finite=False) if line == self._checked(text) else None
                if _is_asked(found) if count is None else isinstance(found, list) and len(found) == count:
                    return found
            if count is None and line.endswith(b"\n"):
                raise DataError(f"'{self.path}' cannot be resumed: its first line is damaged; --restart discards it.")
            self.reading, self.checksum = False, checksum
            os.ftruncate(self.descriptor, start)
        return None

    def _checked(self, text: bytes) -> bytes:
        """Return the next line with its checksum."""
        self.checksum = zlib.crc32(text, self.checksum)
        return b"%b\t%08x\n" % (text, self.checksum)

    def _append(self, answers: Any) -> None:
        lines = [answers] if os.fstat(self.descriptor).st_size else [self.asked, answers]
        texts = [json.dumps(line).encode() for line in lines]
        left = memoryview(b"".join(map(self._checked, texts)))
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
            if time.monotonic() - self.synced > _SECONDS:
                os.fsync(self.descriptor)
                self.synced = time.monotonic()
        except OSError as error:
            raise DataError(f"Cannot write '{self.path}': {error.strerror}.") from None


def _beside(output: str) -> Path:
    """Return the path of what is kept beside an output, which is the same by all names that the output has."""
    path, here = Path(f"{destination(output)}.partial"), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _is_asked(found: Any) -> bool:
    """Whether a value has the form of what `_asked` returns."""
    kinds = {"rrgraph": str, "options": dict, "contents": dict}
    return isinstance(found, dict) and all(isinstance(found.get(name), kind) for name, kind in kinds.items())


def _asked(arguments: argparse.Namespace, model: str) -> dict[str, Any]:
    """Return everything that the answers depend on: version, options, and checksums of the files that they name."""
    options = {name: value for name, value in vars(arguments).items() if name not in _NOT_ASKED}
    contents = {name: sha256_file(found) for name, value in options.items() if (found := _file(value))}
    folders = (Path(model), Path(str(files("rrgraph.models") / "bundled")) / model)
    weights = [folder / name for folder in folders for name in _MODEL_FILES]
    contents["model"] = " ".join(sha256_file(each) for each in weights if each.is_file())
    return {"rrgraph": __version__, "options": options, "contents": contents}


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return the first thing that an earlier run was asked otherwise."""
    if before["rrgraph"] != now["rrgraph"]:
        return f"it was begun by rrgraph {before['rrgraph']} and this is {now['rrgraph']}"
    for name, value in now["options"].items():
        if before["options"].get(name) != value:
            return f"it was begun with {_flag(name, before['options'].get(name))}, not with {_flag(name, value)}"
    changed = next((name for name, value in now["contents"].items() if before["contents"].get(name) != value), None)
    return None if changed is None else f"the content of {_flag(changed, now['options'][changed])} has changed"


def _flag(name: str, value: Any) -> str:
    option = "--" + name.replace("_", "-")
    if value is None or value == [] or isinstance(value, bool):
        return option if value is True else f"no {option}"
    return f"{option} {' '.join(map(str, value)) if isinstance(value, list) else value}"


def _file(value: Any) -> Path | None:
    """Return the regular file that the value of an option names, perhaps with a sheet behind it."""
    names = (value, value.rpartition(":")[0]) if isinstance(value, str) and value != "-" else ()
    return next((Path(name) for name in names if name and Path(name).is_file()), None)
