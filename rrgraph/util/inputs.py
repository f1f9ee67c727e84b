"""Files of users opened for reading: decompressed as streams, decoded whatever their encoding, and bounded.

A compressed file may be a thousand times as large as it looks, and a document of JSON may take fifty times its size in
memory. What exceeds a limit raises a `DataError` of one sentence before it is in memory.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from rrgraph.errors import DataError, DataWarning, RRGraphError, reason_of
from rrgraph.util.files import suggest_file
from rrgraph.util.json_files import parse_json
from rrgraph.util.text import capital, is_unicode

__all__ = [
    "COMPRESSED",
    "MAX_LINE",
    "MEMORY_VARIABLE",
    "Budget",
    "check_expansion",
    "check_input",
    "open_binary",
    "open_lines",
    "plain_name",
    "read_errors",
    "read_json",
    "text_lines",
]

COMPRESSED: Final = (".gz", ".xz", ".bz2")
"""Endings of the names of files that are decompressed."""
MEMORY_VARIABLE: Final = "RRGRAPH_MEMORY_MB"
"""Environment variable with the memory, in MB, that one table or document which is read whole may take."""

MAX_LINE: Final = 1 << 24
"""Characters that a line, or a row of several lines, may have: 16 million."""

_MEMORY_MB: Final = 800
_EXPANSION: Final = 200
"""How many times its size a compressed file may give where that is more than `_FREE` bytes; tables give 3 to 50."""
_FREE: Final = 1 << 23
_LOOKED_AT: Final = 4096
_DAMAGED: Final = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
_ENDING: Final = re.compile(r"\.(gz|xz|bz2|xls[xm])(:[^']*)?'?$", re.IGNORECASE)
_KINDS: Final = {
    "gz": "a file compressed by gzip",
    "xz": "a file compressed by xz",
    "bz2": "a file compressed by bzip2",
    "xlsx": "an Excel workbook",
    "xlsm": "an Excel workbook",
}
"""What a file with an ending is."""
_OTHER_KIND: Final = (OSError, lzma.LZMAError, zipfile.BadZipFile)
_CONTROLS: Final = bytes([*range(9), *range(14, 27), *range(28, 32)])
_MAGIC: Final = {
    b"\x1f\x8b": "it is compressed by gzip, which a name that ends with .gz says",
    b"\xfd7zXZ": "it is compressed by xz, which a name that ends with .xz says",
    b"BZh91AY": "it is compressed by bzip2, which a name that ends with .bz2 says",
    b"PK\x03\x04": "it is a zip archive or a workbook, of which the name has to end with .xlsx",
    b"PAR1\x15": "it is a Parquet file, of which the name has to end with .parquet",
}


class Budget:
    """Counts about how much memory something takes that is read whole, and refuses more than a limit.

    Args:
        name: of the file, for the message.
    """

    def __init__(self, name: str) -> None:
        self.name, self.used = name, 0
        given = os.environ.get(MEMORY_VARIABLE, "")
        self.limit = (int(given) if given.isascii() and given.isdigit() and len(given) < 10 else _MEMORY_MB) * 10**6

    def add(self, size: int) -> None:
        """Count some bytes.

        Raises:
            DataError: they are too many.
        """
        self.used += size
        if self.used > self.limit:
            raise DataError(
                f"{capital(self.name)} would take more than {self.limit // 10**6} MB of memory; "
                f"{MEMORY_VARIABLE}={2 * self.limit // 10**6} in the environment allows twice as much."
            )


def check_input(path: str | os.PathLike[str], what: str = "file") -> None:
    """Check that there is a file, pipe or device to read.

    Raises:
        DataError: there is none (the message suggests a near name), or it is a folder.
    """
    try:
        is_there, is_folder = Path(path).exists(), Path(path).is_dir()
    except OSError:  # no name that a file could have
        is_there = is_folder = False
    if is_folder:
        raise DataError(f"'{path}' is a folder, expected a file.")
    if not is_there:
        raise DataError(f"There is no {what} '{path}'.{suggest_file(path) if len(str(path)) < 4096 else ''}")


@contextmanager
def read_errors(name: str, kind: str = "") -> Iterator[None]:
    """Turn the errors of damaged files into a `DataError` of one sentence.

    Args:
        name: of the file, for the message.
        kind: what it was read as, for the message.
    """
    failed = f"{name} cannot be read as {kind}" if kind else f"Cannot read {name}"
    try:
        yield
    except RRGraphError:
        raise
    except UnicodeError:  # its own message shows bytes
        raise DataError(f"{failed}: it is not UTF-8 text.") from None
    except _DAMAGED as error:
        reason, ending = reason_of(error, most=200), _ENDING.search(name)
        # An error with a number is one of the system, whatever the file is.
        if ending is not None and isinstance(error, _OTHER_KIND) and getattr(error, "errno", None) is None:
            expected = _KINDS[ending[1].lower()]
            raise DataError(f"{failed}: expected {expected}, as its name says ({reason}).") from None
        raise DataError(f"{failed}: {reason}.") from None


def plain_name(path: str) -> str:
    """Return a file name in lower case without the ending of its compression.

    >>> plain_name("Table.CSV.gz")
    'table.csv'
    """
    name = path.lower()
    return next((name.removesuffix(ending) for ending in COMPRESSED if name.endswith(ending)), name)


def open_binary(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file, decompressed by its ending; reading more than the file may give raises `DataError`."""
    name = os.fspath(path)
    file = Path(path).open("rb")  # noqa: SIM115
    suffix = Path(name.lower()).suffix
    if suffix not in COMPRESSED:
        return file
    stream: Any = {".gz": gzip.GzipFile, ".xz": lzma.LZMAFile, ".bz2": bz2.BZ2File}[suffix](
        **{"fileobj" if suffix == ".gz" else "filename": file}, mode="rb"
    )
    return io.BufferedReader(_Bounded(stream, file, name))


class _Bounded(io.RawIOBase):
    """A decompressed stream that ends with an error once it has given too much."""

    def __init__(self, stream: IO[bytes], file: IO[bytes], name: str) -> None:
        self._stream, self._file, self._name, self._given = stream, file, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self._given += count
        check_expansion(f"'{self._name}'", self._given, self._file.tell())
        return count

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def check_expansion(name: str, given: int, own: int, *, free: int = _FREE) -> None:
    """Check how much something gives when it is decompressed.

    Args:
        name: of the file, for the message.
        given: bytes that it gives.
        own: bytes that it has.
        free: bytes that it may give whatever its own size.

    Raises:
        DataError: it is too much.
    """
    if given > max(free, _EXPANSION * own):
        raise DataError(
            f"{capital(name)} gives more than {_EXPANSION} times its own size when it is decompressed, "
            "which no table does."
        )


@contextmanager
def open_lines(path: str | os.PathLike[str], what: str = "file") -> Iterator[Iterator[str]]:
    """Yield the lines of a text file, see `text_lines`; the file may be compressed.

    Raises:
        DataError: it is missing, a folder, no text, damaged, or has a line that is too long.
    """
    check_input(path, what)
    with ExitStack() as stack:
        name = f"the {what} '{path}'"
        with read_errors(name):
            lines = text_lines(stack.enter_context(open_binary(path)), name, stack)
        yield lines


def text_lines(handle: Any, name: str, stack: ExitStack) -> Iterator[str]:
    """Return the lines of an open file with their line breaks.

    Text is UTF-8 or UTF-16 with or without a byte order mark; lines that are neither are read as Windows-1252, with a
    warning.

    Args:
        handle: buffered bytes.
        name: of the file, for messages.
        stack: lets go of the file when it is closed.

    Raises:
        DataError: it is no text, at once; a line is longer than `MAX_LINE`, when it is read.
    """
    start = handle.peek(_LOOKED_AT)[:_LOOKED_AT]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        stream = io.TextIOWrapper(handle, encoding="utf-16", errors="replace", newline="")
    else:
        _check_text(start, name)
        stream = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="surrogateescape", newline="")
    stack.callback(stream.detach)  # closing it would close standard input
    return _decoded(stream, name)


def _check_text(start: bytes, name: str) -> None:
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    controls = len(start) - len(start.translate(None, _CONTROLS))
    if kind is None and (controls < 8 or controls * 20 < len(start)):
        return
    reason = f": {kind}" if kind else ", or in an encoding that is not read; expected UTF-8"
    raise DataError(f"{capital(name)} is not text{reason}.")


def _decoded(stream: io.TextIOWrapper, name: str) -> Iterator[str]:
    """Read lines that are not UTF-8 as Windows-1252, the encoding that spreadsheets save besides."""
    noted, number = False, 0
    with read_errors(name):
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise DataError(f"Line {number} of {name} is longer than {MAX_LINE:,} characters.")
            if not line.isascii() and not is_unicode(line):
                line = line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
                if not noted:
                    noted = True
                    message = f"{name} is not UTF-8 text throughout; such lines are read as Windows-1252 (Latin-1)."
                    warnings.warn(message, DataWarning, stacklevel=2)
            yield line


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the value of a JSON file, which may be compressed.

    Raises:
        DataError: it is missing, damaged, not JSON, or would take too much memory.
    """
    check_input(path)
    budget = Budget(f"'{path}'")
    with read_errors(f"'{path}'", "JSON"), open_binary(path) as file:
        content = file.read(budget.limit + 1)
        budget.add(len(content))
        budget.add(_json_size(content))
        encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        text = content.decode(encoding)
        del content
        return parse_json(text, finite=False)


def _json_size(text: bytes) -> int:
    """Return about how much memory the values of JSON take at most: objects, lists, and texts that are no keys."""
    objects, lists, keys = text.count(b"{"), text.count(b"["), text.count(b'":') + text.count(b'" :')
    texts = text.count(b'"') // 2 - keys
    return 232 * objects + 72 * lists + 8 * text.count(b",") + 24 * keys + 58 * max(0, texts)
