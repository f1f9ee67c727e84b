"""A folder for one process at a time.

A file in the folder names the process that works in it. The system's lock on that file ends with the process, however
it ends, so the file of a process that was killed is taken over.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rrgraph.errors import ConfigError, DataError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK_FILE", "abandon", "locked_folder"]

LOCK_FILE: Final = ".lock"
"""The file in a folder that names the process that works in it; there is none while nobody does."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if need be, and removed again if it is left empty.

    Raises:
        ConfigError: another process works in the folder, or may do so on another computer.
        DataError: the folder cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():  # what it is instead is refused by those who know what it is for
        yield
        return
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _acquire(folder / LOCK_FILE)
    except OSError as error:
        raise DataError(f"Cannot write '{folder}': {error.strerror}.") from None
    try:
        yield
    finally:
        if fcntl is None:  # Windows removes no open files
            os.close(handle)
        # Before the lock is given back, so that nobody has this file locked when it vanishes.
        (folder / LOCK_FILE).unlink(missing_ok=True)
        if fcntl is not None:
            os.close(handle)
        with suppress(OSError):
            for place in made:
                place.rmdir()


def abandon(folder: Path) -> None:
    """Remove the file of a process on another computer that is known to be dead; a lock that is in force stays."""
    path = folder / LOCK_FILE
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR)
        try:
            if _lock(handle) and _owner(handle).get("host") != socket.gethostname():
                path.unlink()
        finally:
            os.close(handle)


def _acquire(path: Path) -> int:
    """Return an open file that is locked and still at its path."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            free = _lock(handle)
            owner = _owner(handle)
            if not free or not _is_dead(owner):
                raise ConfigError(_refusal(path, owner))
            # The one who had it may have removed it meanwhile.
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                me = {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
                os.lseek(handle, 0, os.SEEK_SET)
                os.truncate(handle, 0)
                os.write(handle, json.dumps({**me, "started": _started(os.getpid())}).encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file until it is closed; return False when another process has it locked."""
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
    return True


def _owner(handle: int) -> dict[str, Any]:
    """Return what the file says of its process; empty where that one has not written it, or was killed before."""
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        found = json.loads(os.read(handle, 4096) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_dead(owner: dict[str, Any]) -> bool:
    """Return whether a process whose file is not locked is known not to work any more."""
    if not owner:
        return True
    pid = owner.get("pid")
    if owner.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    if fcntl is None:
        return False  # signals would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # Another process may have got its number since; this one may have been started anew within its container.
    return pid == os.getpid() or _started(pid) != owner.get("started")


def _started(pid: int) -> str:
    """Return when a process was started, in the system's ticks; empty where the system does not say."""
    try:
        # The name of the process, in brackets, may hold blanks.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _refusal(path: Path, owner: dict[str, Any]) -> str:
    host = owner.get("host")
    who = f"process {owner.get('pid')} on {host}, since {owner.get('since')}" if owner else "another process"
    sentence = f"The folder '{path.parent}' is in use by {who}"
    if not owner or (host == socket.gethostname() and fcntl is not None):
        return f"{sentence}; wait for it, or choose another with output=DIR."
    return f"{sentence}; wait for it, choose another with output=DIR, or if it is dead remove '{path}'."
