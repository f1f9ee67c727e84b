"""Files written whole or not at all, and their checksums."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rrgraph.errors import DataError, suggestion

__all__ = ["atomic_path", "sha256_file", "suggest_file", "write_json", "write_text"]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block succeeds, and is removed otherwise.

    Raises:
        DataError: the folder cannot be created or written to.
    """
    final = Path(path)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept at the end: writers choose formats and compression by it.
        handle, name = tempfile.mkstemp(dir=final.parent, prefix=".", suffix="".join(final.suffixes[-2:]))
    except OSError as error:
        raise DataError(f"Cannot write '{final}': {error.strerror}.") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


def suggest_file(path: str | os.PathLike[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the file beside a missing `path` with the closest name, or nothing."""
    folder = Path(path).parent
    return suggestion(str(path), [str(other) for other in folder.glob("*")] if folder.is_dir() else [])


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
