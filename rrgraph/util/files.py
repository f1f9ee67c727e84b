"""Files written whole or not at all, checked before the work starts, and their checksums."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from rrgraph.errors import DataError, RRGraphError, suggestion
from rrgraph.util.locking import lock, open_itself

__all__ = [
    "PathLike",
    "atomic_path",
    "check_files",
    "check_writable",
    "destination",
    "disk_errors",
    "is_stream",
    "is_temporary",
    "open_text",
    "sha256_file",
    "suggest_file",
    "sweep",
    "write_errors",
    "write_json",
    "write_text",
]

PathLike: TypeAlias = "str | os.PathLike[str]"

_PREFIX: Final = f".rrgraph-{re.sub('[^a-z0-9]', '', platform.node().lower())[:30] or 'host'}-"
_TEMPORARY: Final = re.compile(r"\.rrgraph-[a-z0-9]{1,30}-[a-z0-9_]{8}\.tmp(\.[^.]+){0,2}")
_ABANDONED: Final = 24 * 3600.0
"""Seconds without a change after which the temporary file of another computer is taken for abandoned."""

_DISK: Final = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS")} - {None}
"""What a full or failing disk answers."""

_MOST_LINKS: Final = 40
_LONGEST_SUFFIX: Final = 12


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block succeeds, and is removed otherwise.

    A symbolic link stays and what it points to is replaced; a file that is replaced leaves its permissions to the new
    one. Pipes and devices are written to when the block succeeds. Temporary files of processes that were killed are
    removed from the folder.

    Raises:
        DataError: the file cannot be written, or the disk is full; what was there before is left.
    """
    check_writable(path)
    with write_errors(path):
        final = destination(path)
        through = is_stream(path)
        folder = Path(tempfile.gettempdir() if through else Path(str(final)).parent)
        folder.mkdir(parents=True, exist_ok=True)
        _sweep_once(folder)
        # Short suffixes are kept at the end: writers choose formats and compression by them.
        suffixes = [each for each in Path(path).suffixes[-2:] if len(each) <= _LONGEST_SUFFIX]
        handle, temporary = _make_temporary(folder, "".join(suffixes))
    try:
        with disk_errors(path, temporary):
            yield temporary
            if isinstance(final, int) or through:
                _copy(temporary, final)
            else:
                _take_permissions(temporary, final)
                temporary.replace(final)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(handle)


def check_writable(path: PathLike, *, folder: bool = False) -> None:
    """Refuse a path that cannot be written, before any work is done; nothing is created.

    A file or folder without permission to write is refused also where the superuser could.

    Args:
        path: of a file, which may exist.
        folder: whether it is a folder for files instead.

    Raises:
        DataError: naming the path as it was given.
    """
    with write_errors(path):
        final = destination(path)
        reason = _obstacle(final, folder=folder)
    if reason:
        raise DataError(f"Cannot write '{os.fspath(path)}': {reason}.")


def check_files(
    outputs: Mapping[str, PathLike | None], inputs: Mapping[str, PathLike | Iterable[PathLike] | None] | None = None
) -> None:
    """Refuse files to write that cannot be written, or are the same as one that is read or another one, by any name.

    Args:
        outputs: files to write by the option that names them; None for an option that is not given.
        inputs: files to read by option, several or None; ``-`` is standard input.

    Raises:
        DataError: naming the option and the file.

    Example:
        >>> check_files({"--output": "plans.jsonl"}, {"--input": "targets.csv"})
    """
    taken: list[tuple[str, PathLike]] = []
    for option, given in (inputs or {}).items():
        several = [given] if isinstance(given, str | os.PathLike) else given or ()
        taken += ((option, each) for each in several)
    for option, path in outputs.items():
        if path is None:
            continue
        check_writable(path)
        for other, each in taken:
            if _is_same(path, each):
                raise DataError(f"{option} is '{os.fspath(path)}', which is the file of {other}.")
        taken.append((option, path))


def destination(path: PathLike) -> Path | int:
    """Follow symbolic links to the path that is to be replaced, or to a descriptor of this process.

    Raises:
        OSError: links go round in a circle, or the descriptor is closed.
    """
    found = Path(path)
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(found.parent)
        if folder == f"/proc/{os.getpid()}/fd" and found.name.isdigit():  # such as /dev/stdout
            os.fstat(int(found.name))
            return int(found.name)
        found = Path(folder, found.name)
        if not found.is_symlink():
            return found
        found = Path(folder, found.readlink())
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


@contextmanager
def disk_errors(path: PathLike, temporary: PathLike | None = None) -> Iterator[None]:
    """Turn what a full or failing disk makes a block raise into one sentence that names the file it writes.

    Args:
        path: of the file, as it was given.
        temporary: the file that is written in its place, whose name nobody knows.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        yield
    except RRGraphError:
        raise
    except Exception as error:
        for cause in _chain(error):
            number, name = _errno(cause), getattr(cause, "filename", None)
            if number in _DISK if name is None else str(name) in (os.fspath(path), str(temporary)):
                raise DataError(f"Cannot write '{os.fspath(path)}': {os.strerror(number or 0)}.") from None
        raise


@contextmanager
def write_errors(path: PathLike) -> Iterator[None]:
    """Turn whatever the system refuses within the block into one sentence that names the file to be written.

    Raises:
        DataError: the system refuses something, or the path is not one of a file.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"Cannot write '{os.fspath(path)}': {error.strerror or error}.") from None
    except RRGraphError:
        raise
    except ValueError as error:  # a NUL byte or half of a surrogate pair
        raise DataError(f"Cannot write {os.fspath(path)!r}: it is not a file name ({error}).") from None


def is_stream(path: PathLike) -> bool:
    """Return whether a path is a pipe, a device or an open descriptor such as ``/dev/stdout``, and no file."""
    try:
        final = destination(path)
        found = None if isinstance(final, int) else _status(final)
    except (OSError, ValueError):
        return False
    return isinstance(final, int) or (
        found is not None and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))
    )


def is_temporary(name: str) -> bool:
    """Return whether a file name is one that `atomic_path` gives to unfinished files.

    >>> is_temporary("plans.csv")
    False
    """
    return _TEMPORARY.fullmatch(name) is not None


def sweep(folder: PathLike) -> None:
    """Remove the temporary files of processes that were killed from a folder; those of living ones are locked."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_temporary(entry.name):
                with suppress(OSError):
                    _remove_abandoned(entry)


def suggest_file(path: PathLike) -> str:
    """Return ``" Did you mean 'x'?"`` for the file beside a missing `path` with the closest name, or nothing."""
    folder = Path(path).parent
    with suppress(OSError):  # a name that is too long for a folder
        others = (str(other) for other in folder.glob("*")) if folder.is_dir() else ()
        return suggestion(str(path), [other for other in others if other != str(Path(path))])
    return ""


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a file to write UTF-8, compressed if it is called ``.gz``; what is not Unicode is written as an escape.

    Lines end as they are given, and compressed files bear neither name nor date, so that equal texts make equal files.
    """
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if path.suffix.lower() == ".gz":
            file = stack.enter_context(gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0))
        yield stack.enter_context(TextIOWrapper(file, "utf-8", errors="backslashreplace", newline=""))


def write_text(path: PathLike, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary, open_text(temporary) as stream:
        stream.write(text)


def write_json(path: PathLike, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_file(path: PathLike) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _obstacle(final: Path | int, *, folder: bool) -> str | None:
    """Return why a file cannot be written, or a folder cannot take files."""
    if isinstance(final, int):
        return "it is not a folder" if folder else None
    found = _status(final)
    if found is not None:
        if stat.S_ISDIR(found.st_mode) != folder:
            return "it is not a folder" if folder else "it is a folder"
        if not _may_write(final, found):
            return "it is read-only"
        if folder or not stat.S_ISREG(found.st_mode):
            return None
    parent = final.parent
    while (holding := _status(parent)) is None:
        parent = parent.parent
    if not stat.S_ISDIR(holding.st_mode):
        return f"'{parent}' is not a folder"
    return None if _may_write(parent, holding) else f"the folder '{parent}' is read-only"


def _status(path: PathLike | int) -> os.stat_result | None:
    """Return the status of a file, None if there is none."""
    try:
        return os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None


def _may_write(path: Path, found: os.stat_result) -> bool:
    # The folders of the superuser are without permission to write on some systems.
    is_kept = found.st_mode & 0o222 or path in (Path("/"), Path.home())
    return bool(is_kept) and os.access(path, os.W_OK)


def _is_same(output: PathLike, other: PathLike) -> bool:
    """Whether two paths are one file whose contents would be lost; a device or pipe is not."""
    text = os.fspath(other)
    try:
        found, there = _status(destination(output)), _status(0 if text == "-" else destination(text))
        if there is None and ".xls" in text:  # FILE.xlsx:SHEET
            there = _status(destination(text.rpartition(":")[0]))
        if found is not None and there is not None:
            return stat.S_ISREG(found.st_mode) and os.path.samestat(found, there)
        return found is there is None and destination(output) == destination(other)
    except (OSError, ValueError):  # what is no file name, such as a long list
        return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that were being handled when it was raised."""
    while error is not None:
        yield error
        error = error.__context__


def _errno(error: BaseException) -> int | None:
    """Return the number of the system's error; safetensors (Rust) and lxml have it in their text alone."""
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error ([0-9]+)\)|\bIO_(E[A-Z]+)\b", str(error))
    if found is None:
        return None
    return int(found[1]) if found[1] else getattr(errno, found[2], None)


def _make_temporary(folder: Path, suffix: str) -> tuple[int, Path]:
    """Create a file that is locked as long as this process lives and its descriptor is open."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX, suffix=f".tmp{suffix}")
        with suppress(BlockingIOError):
            lock(handle)  # without locks nothing is swept either
            if os.fstat(handle).st_nlink:
                return handle, Path(name)
        os.close(handle)  # swept before it was locked


@cache
def _sweep_once(folder: Path) -> None:
    sweep(folder)


def _remove_abandoned(entry: os.DirEntry[str]) -> None:
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        return
    # Some file systems keep locks to one computer.
    if not entry.name.startswith(_PREFIX) and time.time() - found.st_mtime < _ABANDONED:
        return
    handle = open_itself(entry.path)
    try:
        if lock(handle):
            Path(entry.path).unlink()
    finally:
        os.close(handle)


def _take_permissions(temporary: Path, final: Path) -> None:
    """Give a new file the permissions and the owner of the one that it replaces, or else the usual ones."""
    found = _status(final)
    if found is None:
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        return
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(temporary, found.st_uid, found.st_gid)
    temporary.chmod(stat.S_IMODE(found.st_mode))


def _copy(source: Path, stream: Path | int) -> None:
    """Write a file to a pipe, a device or a descriptor, behind what was printed to it."""
    if isinstance(stream, int):
        if sys.stdout is not None:
            sys.stdout.flush()
        stream = os.dup(stream)
    with source.open("rb") as reading, open(stream, "wb") as writing:  # noqa: PTH123
        shutil.copyfileobj(reading, writing)
