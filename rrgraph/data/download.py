"""Downloads of catalogued files into the user cache.

Takes a name of the catalogue and returns the path of a file whose checksum was verified, or that is joined from two
such files; a file that was cut or changed on its way is refused and never left in place.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

import pandas as pd

from rrgraph.data.catalogue import CatalogueEntry, cache_folder, checksum_note, entry, recorded_checksum
from rrgraph.data.joined_formulas import SEPARATOR
from rrgraph.errors import DataError
from rrgraph.util.files import atomic_path, sha256_file, write_text
from rrgraph.util.inputs import read_json
from rrgraph.util.progress import progress_bar
from rrgraph.util.tabular import write_frame

__all__ = ["fetch"]

_ATTEMPTS: Final = 3
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
        return _joined(wanted, target, sha256.lower())
    expected = recorded_checksum(wanted, target) or sha256.lower()
    if sha256 and expected != sha256.lower():
        raise DataError(f"Table '{name}' is recorded with checksum {expected}, not with {sha256.lower()}.")
    if not expected and not trust:
        raise DataError(
            f"No checksum of table '{name}' is recorded: give that of a copy you trust with --sha256, or accept with "
            "--trust what its address holds now."
        )
    _retrieve(name, wanted.url, target, expected, wanted.size)
    if not wanted.sha256:
        write_text(checksum_note(target), f"{expected or sha256_file(target)}  {target.name}\n")
    return target


def _joined(wanted: CatalogueEntry, target: Path, sha256: str) -> Path:
    """Fetch the two files that a reaction table is joined from, and write it."""
    name, parts = wanted.name, wanted.parts
    note = checksum_note(target)
    if not (target.is_file() and note.is_file() and note.read_text(encoding="utf-8").split()[0] == sha256_file(target)):
        fetched = [target.parent / Path(part.url).name for part in parts]
        for part, path in zip(parts, fetched, strict=True):
            _retrieve(name, part.url, path, part.sha256, part.size)
        write_frame(_numbered_reactions(*fetched)[[*wanted.columns]], target)
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
    return frame.assign(precursors=joined).rename(columns={"type": "split"})


def _retrieve(name: str, url: str, target: Path, expected: str, size: int) -> None:
    """Download a file unless it is there; it appears once it is complete and has its checksum."""
    import requests  # which takes a while

    if expected and target.is_file() and sha256_file(target) == expected:
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with atomic_path(target) as temporary:
                _transfer(name, url, temporary, size)
                if expected and sha256_file(temporary) != expected:
                    raise DataError(
                        f"What came from {url} is not table '{name}': its checksum differs from {expected}; nothing "
                        "was kept."
                    )
            return
        except requests.exceptions.InvalidSchema:
            raise DataError(f"{url} leads to an address that is not http or https; nothing was kept.") from None
        except requests.RequestException as error:
            if attempt < _ATTEMPTS and (error.response is None or error.response.status_code >= 500):
                time.sleep(attempt)
                continue
            if error.response is not None:
                raise DataError(f"{url} answers {error.response.status_code} {error.response.reason}.") from None
            raise DataError(
                f"The transfer from {url} failed {_ATTEMPTS} times ({type(error).__name__}); nothing was kept."
            ) from None


def _transfer(name: str, url: str, path: Path, size: int) -> None:
    """Write what an address sends to a file, at most `size` bytes, or `_MOST_BYTES` if that is 0.

    Raises:
        DataError: more comes.
        requests.RequestException: the transfer fails.
    """
    import requests

    left = size or _MOST_BYTES
    with requests.get(url, stream=True, timeout=_TIMEOUT, headers=_AS_PUBLISHED) as response, path.open("wb") as file:
        response.raise_for_status()
        total = int(response.headers.get("Content-Length", 0)) or None
        with progress_bar(name, total=total, unit="B") as bar:
            for chunk in response.iter_content(_CHUNK_SIZE):
                left -= len(chunk)
                if left < 0:
                    raise DataError(
                        f"{url} sends more than {size or _MOST_BYTES:,} bytes, the "
                        f"{'size' if size else 'largest size'} of table '{name}'; the transfer was stopped and "
                        "nothing was kept."
                    )
                file.write(chunk)
                bar.update(len(chunk))
