"""Downloads of catalogued files into the user cache.

Takes a name of the catalogue and returns the path of a file whose checksum was verified, or that is joined from two
such files; a file that was cut or changed on its way is refused and never left in place.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import pandas as pd
import pooch
import requests

from rrgraph.data.catalogue import PublishedFile, cache_folder, checksum_note, entry, recorded_checksum
from rrgraph.data.table import SEPARATOR
from rrgraph.errors import DataError
from rrgraph.util.files import sha256_file, write_text
from rrgraph.util.inputs import read_json
from rrgraph.util.tabular import write_frame

__all__ = ["fetch"]

_RETRIES: Final = 2
_CHUNK_SIZE: Final = 1 << 14
_TIMEOUT: Final = (15.0, 60.0)
"""Seconds to connect, and seconds without a byte."""
_MOST_BYTES: Final = 1 << 32
"""Bytes of a file of which the catalogue states no size."""
_AS_PUBLISHED: Final = {"Accept-Encoding": "identity"}
"""Header by which a server sends the file itself, not a compressed copy."""


def fetch(name: str, *, sha256: str = "", trust: bool = False) -> Path:
    """Download a catalogued file into the user cache and return its path; a verified copy is not fetched again.

    Proxies are taken from the usual environment variables (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). A transfer that
    fails is tried again.

    Args:
        name: of the catalogue entry.
        sha256: checksum to verify where the catalogue has none.
        trust: accept a file whose checksum nobody has recorded; the checksum of what came is then noted, and any
            later copy must have it.

    Raises:
        DataError: no such entry, an entry without a public address, a checksum that is not known and not given, a
            failed or cut transfer, one that does not end where the file should, or a file whose checksum differs.
    """
    wanted = entry(name)
    if not wanted.can_be_fetched:
        raise DataError(f"Table '{name}' has no public address of its own: it is prepared from {wanted.recipe}.")
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise DataError(f"'{sha256}' is not a SHA-256 checksum: expected 64 hexadecimal digits.")
    target = cache_folder() / wanted.path
    if wanted.parts:
        return _joined(name, wanted.parts, target, sha256.lower())
    expected = recorded_checksum(wanted, target) or sha256.lower()
    if sha256 and expected != sha256.lower():
        raise DataError(f"Table '{name}' is recorded with checksum {expected}, not with {sha256.lower()}.")
    if not expected and not trust:
        raise DataError(
            f"No checksum of table '{name}' is recorded: give that of a copy you trust with --sha256, or accept with "
            "--trust what its address holds now."
        )
    if not expected:
        target.unlink(missing_ok=True)  # pooch takes any file in place for the right one when it has no checksum
    _retrieve(name, wanted.url, target, expected, wanted.size)
    if not wanted.sha256:
        write_text(checksum_note(target), f"{expected or sha256_file(target)}  {target.name}\n")
    return target


def _joined(name: str, parts: Sequence[PublishedFile], target: Path, sha256: str) -> Path:
    """Fetch the two files that a reaction table is joined from, and write it."""
    note = checksum_note(target)
    if not (target.is_file() and note.is_file() and note.read_text(encoding="utf-8").split()[0] == sha256_file(target)):
        fetched = [target.parent / Path(part.url).name for part in parts]
        for part, path in zip(parts, fetched, strict=True):
            _retrieve(name, part.url, path, part.sha256, part.size)
        write_frame(_numbered_reactions(*fetched), target)
        write_text(note, f"{sha256_file(target)}  {target.name}\n")
        for path in fetched:
            path.unlink()
    if sha256 and sha256_file(target) != sha256:
        raise DataError(f"Table '{name}' as it is prepared here has checksum {sha256_file(target)}, not {sha256}.")
    return target


def _numbered_reactions(reactions: Path, precursors: Path) -> pd.DataFrame:
    """Return the reactions of a CSV file in which precursors are numbers, of which a JSON file gives the formulas.

    The file of formulas maps each number to a list of spellings; the first is taken.
    """
    spellings = read_json(precursors)
    frame = pd.read_csv(reactions, dtype=str, keep_default_na=False)
    joined = [
        SEPARATOR.join(spellings[number.strip()][0] for number in numbers.split(","))
        for numbers in frame["precursor_ids"].tolist()
    ]
    return frame.assign(precursors=joined)[["target", "precursors", "year", "doi"]]


class _TooMuchError(Exception):
    """More comes than a file has; no `ValueError`, for which pooch would try again."""


class _Limited:
    """A file to which no more than some bytes are written."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self.file, self.left = file, most
        self.flush = file.flush

    def write(self, content: bytes) -> None:
        self.left -= len(content)
        if self.left < 0:
            raise _TooMuchError
        self.file.write(content)


def _retrieve(name: str, url: str, target: Path, expected: str, size: int) -> None:
    """Run pooch, which verifies the download before it moves it into place."""
    pooch.get_logger().setLevel(logging.WARNING)
    fetcher = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: f"sha256:{expected}" if expected else None},
        urls={target.name: url},
        retry_if_failed=_RETRIES,
    )
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(), chunk_size=_CHUNK_SIZE, timeout=_TIMEOUT, headers=_AS_PUBLISHED
    )

    def download(url: str, path: str, fetcher: pooch.Pooch) -> None:
        with Path(path).open("wb") as file:
            downloader(url, _Limited(file, size or _MOST_BYTES), fetcher)

    try:
        fetcher.fetch(target.name, downloader=download)
    except _TooMuchError:
        raise DataError(
            f"{url} sends more than {size or _MOST_BYTES:,} bytes, the {'size' if size else 'largest size'} of table "
            f"'{name}'; the transfer was stopped and nothing was kept."
        ) from None
    except requests.exceptions.InvalidSchema:
        raise DataError(f"{url} leads to an address that is not http or https; nothing was kept.") from None
    except requests.RequestException as error:
        if error.response is not None:
            raise DataError(f"{url} answers {error.response.status_code} {error.response.reason}.") from None
        raise DataError(
            f"The transfer from {url} failed {1 + _RETRIES} times ({type(error).__name__}); nothing was kept."
        ) from None
    except ValueError:
        raise DataError(
            f"What came from {url} is not table '{name}': its checksum differs from {expected}; nothing was kept."
        ) from None
    except OSError as error:
        raise DataError(f"Cannot write table '{name}' to '{target}': {error.strerror or error}.") from None
