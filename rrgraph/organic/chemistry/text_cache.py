"""Keeps texts that take long to compute in an SQLite file, by a hash of what they were computed from."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from rrgraph.errors import DataError
from rrgraph.organic.batches import split_batches

__all__ = ["TextCache", "cache_key"]

_QUERY_BATCH_SIZE: Final = 500


def cache_key(*texts: str) -> bytes:
    """Return the key of what is computed from some texts."""
    return hashlib.blake2b("\n".join(texts).encode(errors="backslashreplace"), digest_size=16).digest()


class TextCache:
    """Texts by key, shared by processes.

    Args:
        path: of the file, created if missing.
        what: it is a cache of, for messages.

    Raises:
        DataError: the file is not such a cache, or cannot be written.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what = path, what
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS outcomes (key BLOB PRIMARY KEY, sets TEXT) WITHOUT ROWID")
            connection.execute("SELECT key, sets FROM outcomes LIMIT 1")
            connection.commit()

    def read(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Return the texts that are there."""
        found: dict[bytes, str] = {}
        with self._open() as connection:
            for batch in split_batches(keys, _QUERY_BATCH_SIZE):
                marks = ",".join("?" * len(batch))
                found |= dict(connection.execute(f"SELECT key, sets FROM outcomes WHERE key IN ({marks})", batch))
        return found

    def write(self, texts: Mapping[bytes, str]) -> None:
        """Store texts; those that are there already stay."""
        with self._open() as connection:
            connection.executemany("INSERT OR IGNORE INTO outcomes VALUES (?, ?)", texts.items())
            connection.commit()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise DataError(f"The cache '{self.path}' of {self.what} cannot be used: {error}.") from None
