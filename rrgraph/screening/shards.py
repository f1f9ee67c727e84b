"""The folder of a screening: its shards, and which of them are done.

``shards/N.parquet`` has the answers of a shard. It is done when ``done/N.json`` says so, which is written once the
shard is on the disk, and has its checksum and the rows that were rejected.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from rrgraph.errors import DataError
from rrgraph.screening.answers import Reject
from rrgraph.screening.settings import difference
from rrgraph.util.files import (
    atomic_path,
    check_writable,
    disk_errors,
    is_temporary,
    open_text,
    sha256_file,
    write_json,
)
from rrgraph.util.json_files import read_json
from rrgraph.util.locking import LOCK_FILE
from rrgraph.util.sheets import SheetWriter

__all__ = ["RECORD", "Shards"]

RECORD: Final = "screening.json"
"""The file that says what was asked."""

_OTHERS: Final = ("rejects.csv", "summary.json", "summary.html", "figures/*.svg", "figures/*.png")
"""What is made of the shards in the end."""


class Shards:
    """The shards in a folder.

    Args:
        folder: of the screening, which this process has locked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, asked: dict[str, Any], *, resume: bool, restart: bool) -> None:
        """Make the folder ready for what is asked.

        Raises:
            DataError: it holds other files; or a screening of which something is done, and neither `resume` nor
                `restart` is given; or `resume` is, and it was asked for something else.
        """
        record = self.folder / RECORD
        if not record.is_file():
            others = [each.name for each in self.folder.iterdir() if not _is_own(each.name)]
            if others:
                raise DataError(f"'{self.folder}' holds other files, such as '{min(others)}'; choose a new folder.")
        elif resume:
            try:
                differs = difference(read_json(record), json.loads(json.dumps(asked)))
            except DataError as error:
                differs = f"{RECORD} is damaged ({error})"
            if differs is not None:
                raise DataError(f"'{self.folder}' cannot be resumed: {differs}; --restart discards it.")
            return
        elif not restart and any(self.folder.glob("done/*.json")):
            raise DataError(f"'{self.folder}' holds a screening; --resume goes on with it, and --restart discards it.")
        for pattern in ("done/*.json", "shards/*.parquet", *_OTHERS):  # the markers first
            for path in self.folder.glob(pattern):
                path.unlink()
        for name in ("shards", "done"):
            check_writable(self.folder / name, folder=True)
            (self.folder / name).mkdir(exist_ok=True)
        write_json(record, asked)

    def path(self, number: int) -> Path:
        """Return the file of a shard."""
        return self.folder / "shards" / f"{number:06d}.parquet"

    def done(self, number: int) -> dict[str, Any] | None:
        """Return what is noted of a shard that is done and undamaged, None of others."""
        with suppress(DataError, OSError):
            found = read_json(self._marker(number))
            if isinstance(found, dict) and found.get("sha256") == sha256_file(self.path(number)):
                return found
        return None

    def write(self, number: int, table: pa.Table, rejects: Sequence[Reject], *, rows: int) -> None:
        """Write a shard, then that it is done.

        Args:
            number: of the shard, from 0.
            table: the answers.
            rejects: the rows without one.
            rows: of the input.

        Raises:
            DataError: the disk is full or fails.
        """
        path = self.path(number)
        with atomic_path(path) as temporary:
            # In one piece, so that the same rows make the same file however they were put together.
            pq.write_table(table.combine_chunks(), temporary, compression="zstd")
            _sync(temporary)
        _sync(path.parent)
        note = {"rows": rows, "answered": table.num_rows, "sha256": sha256_file(path), "rejects": rejects}
        marker = self._marker(number)
        with atomic_path(marker) as temporary:
            temporary.write_text(json.dumps(note, ensure_ascii=True) + "\n", encoding="utf-8")
            _sync(temporary)
        _sync(marker.parent)

    def notes(self) -> Iterator[dict[str, Any]]:
        """Yield what is noted of each shard that is done, in order."""
        for marker in sorted((self.folder / "done").glob("[0-9]*.json")):
            yield read_json(marker)

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield some columns of each shard, in order."""
        for path in sorted((self.folder / "shards").glob("[0-9]*.parquet")):
            yield pq.ParquetFile(path).read(columns=list(columns))

    def write_rejects(self) -> dict[str, int]:
        """Write the rejected rows of all shards to ``rejects.csv``; return how often each kind of reason occurs."""
        counts: dict[str, int] = {}
        with atomic_path(self.folder / "rejects.csv") as temporary, open_text(temporary) as stream:
            writer = SheetWriter(stream)
            writer.write(Reject._fields)
            for note in self.notes():
                for line, text, reason in note["rejects"]:
                    writer.write([line, text, reason])
                    kind = reason.replace(text, "...") if text else reason
                    counts[kind] = counts.get(kind, 0) + 1
        return counts

    def _marker(self, number: int) -> Path:
        return self.folder / "done" / f"{number:06d}.json"


def _is_own(name: str) -> bool:
    return name == LOCK_FILE or is_temporary(name)


def _sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    with disk_errors(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
