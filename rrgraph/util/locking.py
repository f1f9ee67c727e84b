"""Files and folders for one process at a time.

A file in a folder names the process that works there. The system's lock on that file ends with the process, however it
ends, so the file of a process that was killed is taken over. A file that names no process belongs to somebody else and
is left alone.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rrgraph.errors import ConfigError, DataError
from rrgraph.util.json_files import parse_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK_FILE", "abandon", "lock", "locked_file", "locked_folder", "open_itself"]

LOCK_FILE: Final = ".lock"
"""The file in a folder that names the process that works in it; there is none while nobody does."""

_LONGEST: Final = 4096


@dataclass(frozen=True)
class _Owner:
    """The process that works in a folder, as its file says."""

    pid: int
    host: str
    since: str
    started: str


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False where the system has no locks.

    Raises:
        BlockingIOError: another process has it locked.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # some network file systems
        return False
    return True


def open_itself(path: Path | str, flags: int = 0) -> int:
    """Open a file to read and write, and not what it links to; return its descriptor.

    Raises:
        OSError: it cannot be opened.
    """
    return os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | flags, 0o666)


@contextmanager
def locked_file(path: Path) -> Iterator[int]:
    """Yield the descriptor, to read from and to append to, of a file that is made if need be and locked until the end.

    Raises:
        BlockingIOError: another process has it locked.
        DataError: it is a link, a folder or the like.
        OSError: it cannot be opened.
    """
    while True:
        try:
            descriptor = open_itself(path, os.O_CREAT | os.O_APPEND)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise _in_the_way(path) from None
            raise
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise _in_the_way(path)
            lock(descriptor)
            is_there = False
            # The one who had it may have removed it meanwhile.
            with suppress(FileNotFoundError):
                is_there = os.path.samestat(found, path.lstat())
            if is_there:
                yield descriptor
                return
        finally:
            os.close(descriptor)


@contextmanager
def locked_folder(folder: Path, *, option: str = "output=DIR") -> Iterator[None]:
    """Keep other processes out of a folder, which is made if need be, and removed again if it is left empty.

    Args:
        folder: to work in.
        option: that names another folder, for messages.

    Raises:
        ConfigError: another process works in the folder, or may do so on another computer.
        DataError: the folder cannot be made or written to, or a file of somebody else is in the way.
    """
    path = folder / LOCK_FILE
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    with ExitStack() as stack:
        stack.callback(_remove_empty, made)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(ExitStack())
            _claim(path, file.enter_context(locked_file(path)), option)
        except BlockingIOError:
            raise ConfigError(_refusal(path, _named(path), option)) from None
        except OSError as error:
            raise DataError(f"Cannot write '{folder}': {error.strerror}.") from None
        try:
            yield
        finally:
            if fcntl is None:  # Windows removes no open files
                file.close()
            # Before the lock is given back, so that nobody has this file locked when it vanishes.
            path.unlink(missing_ok=True)


def abandon(folder: Path, *, elsewhere: bool = False) -> None:
    """Remove the file that a dead process has left; a lock that is in force stays.

    Args:
        folder: that it had.
        elsewhere: the process may also have been one on another computer, that is known to be dead.
    """
    path = folder / LOCK_FILE
    if not path.is_file():
        return
    with suppress(OSError, ValueError), locked_file(path) as descriptor:
        owner = _owner(descriptor)
        if owner is None or elsewhere or owner.host == socket.gethostname():
            path.unlink()


def _claim(path: Path, descriptor: int, option: str) -> None:
    """Name this process in a file that it has locked.

    Raises:
        ConfigError: the process that it names may still work.
        DataError: it names no process.
    """
    try:
        owner = _owner(descriptor)
    except ValueError:
        raise _in_the_way(path) from None
    if owner is not None and not _is_dead(owner):
        raise ConfigError(_refusal(path, owner, option))
    pid = os.getpid()
    me = _Owner(pid, socket.gethostname(), f"{datetime.now():%Y-%m-%d %H:%M:%S}", _started(pid))
    with suppress(OSError):  # a full disk: the lock holds, and whatever comes next is refused by its name
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps(asdict(me)).encode())


def _in_the_way(path: Path) -> DataError:
    return DataError(f"'{path}' is in the way: rrgraph did not write it; rename it.")


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _owner(descriptor: int) -> _Owner | None:
    """Return the process that a file names; None where it is empty, since one that was killed may not have written it.

    Raises:
        ValueError: it names no process.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    content = os.read(descriptor, _LONGEST)
    if not content:
        return None
    found = parse_json(content.decode())
    if isinstance(found, dict):
        values: list[Any] = [found.get(name) for name in ("pid", "host", "since", "started")]
        pid, *texts = values
        if type(pid) is int and 0 < pid < 1 << 31 and all(isinstance(each, str) for each in texts):
            return _Owner(pid, *texts)
    raise ValueError("it names no process")


def _named(path: Path) -> _Owner | None:
    """Return the process that the file at a path names, if it can be read."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        return _owner(file.fileno())
    return None


def _is_dead(owner: _Owner) -> bool:
    """Return whether a process whose file is not locked is known not to work any more."""
    # Signals would end the process on Windows.
    if owner.host != socket.gethostname() or fcntl is None:
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # Another process may have got its number since; this one may have been started anew within its container.
    return owner.pid == os.getpid() or _started(owner.pid) != owner.started


def _started(pid: int) -> str:
    """Return when a process was started, in the system's ticks; empty where the system does not say."""
    try:
        # The name of the process, in brackets, may hold blanks.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _refusal(path: Path, owner: _Owner | None, option: str) -> str:
    who = f"process {owner.pid} on {owner.host}, since {owner.since}" if owner else "another process"
    sentence = f"The folder '{path.parent}' is in use by {who}"
    if owner is None or (owner.host == socket.gethostname() and fcntl is not None):
        return f"{sentence}; wait for it, or choose another with {option}."
    return f"{sentence}; wait for it, choose another with {option}, or if it is dead remove '{path}'."
