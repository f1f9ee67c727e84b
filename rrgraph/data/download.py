"""Catalogued files from their public addresses into the user cache.

Flows in: a name of the catalogue. Flows out: the path of a file whose checksum was verified; a file that was cut or
changed on its way is refused and never left in place.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pooch
import requests

from rrgraph.data.catalogue import cache_folder, checksum_note, entry, recorded_checksum
from rrgraph.errors import DataError
from rrgraph.util.files import sha256_file, write_text
from rrgraph.util.progress import track

__all__ = ["ResumableDownloader", "fetch"]

_CHUNK = 1 << 14  # what arrived of an unfinished chunk is lost with the connection
_TIMEOUT = (15.0, 60.0)  # seconds to connect, seconds without a byte


def fetch(name: str, *, sha256: str = "", trust: bool = False) -> Path:
    """Download a catalogued file into the user cache and return its path; a verified copy is not fetched again.

    Proxies are taken from the usual environment variables (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). An interrupted
    download goes on where it stopped when `fetch` is called again.

    Args:
        name: of the catalogue entry.
        sha256: checksum to verify where the catalogue has none.
        trust: accept a file whose checksum nobody has recorded; the checksum of what came is then noted, and any
            later copy must have it.

    Raises:
        DataError: no such entry, an entry without a public address, a checksum that is not known and not given, a
            failed or cut transfer, or a file whose checksum differs.
    """
    wanted = entry(name)
    if not wanted.url:
        raise DataError(f"Table '{name}' has no public address of its own: it is prepared from {wanted.recipe}.")
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise DataError(f"'{sha256}' is not a SHA-256 checksum: expected 64 hexadecimal digits.")
    target = cache_folder() / wanted.path
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
    _retrieve(name, wanted.url, target, expected)
    if not wanted.sha256:
        write_text(checksum_note(target), f"{expected or sha256_file(target)}  {target.name}\n")
    return target


def _retrieve(name: str, url: str, target: Path, expected: str) -> None:
    """Run pooch, which verifies the download before it moves it into place."""
    logging.getLogger("pooch").setLevel(logging.WARNING)
    pooch.get_logger().setLevel(logging.WARNING)
    downloader = ResumableDownloader(part=target.with_name(target.name + ".part"))
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{expected}" if expected else None,
            fname=target.name,
            path=str(target.parent),
            downloader=downloader,
        )
    except DataError:
        raise
    except ValueError:
        raise DataError(
            f"What came from {url} is not table '{name}': its checksum differs from {expected}; nothing was kept."
        ) from None
    except OSError as error:
        raise DataError(f"Cannot write table '{name}' to '{target}': {error.strerror or error}.") from None


class ResumableDownloader:
    """A downloader for pooch that goes on with a partial file through an HTTP range request.

    Args:
        part: file that keeps the bytes of an unfinished download between calls.
        attempts: connections that are tried before giving up.
    """

    def __init__(self, *, part: Path, attempts: int = 3) -> None:
        self.part = part
        self.attempts = attempts
        self._tag = part.with_name(part.name + ".etag")

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        """Download `url` to `output_file`; the other arguments are part of pooch's protocol.

        Raises:
            DataError: the server refuses, cannot be reached, or cuts the connection again and again.
        """
        self.part.parent.mkdir(parents=True, exist_ok=True)
        problem = ""
        for _ in range(self.attempts):
            try:
                self._continue(url)
            except requests.RequestException as error:
                problem = type(error).__name__
            else:
                self._tag.unlink(missing_ok=True)
                self.part.replace(output_file)
                return
        held = self.part.stat().st_size if self.part.exists() else 0
        raise DataError(
            f"The transfer from {url} failed {self.attempts} times ({problem}), {held:,} bytes are kept: "
            "run the command again to go on from there."
        )

    def _continue(self, url: str) -> None:
        """Fetch what is missing of the partial file."""
        held = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if held:
            headers["Range"] = f"bytes={held}-"
            if self._tag.exists():
                headers["If-Range"] = self._tag.read_text(encoding="utf-8")
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink(missing_ok=True)  # complete or of another file: the checksum alone cannot tell
                raise requests.ConnectionError("the partial file does not fit")
            if not response.ok:
                raise DataError(f"{url} answers {response.status_code} {response.reason}.")
            resumed = response.status_code == requests.codes.partial_content
            if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {held}-"):
                self.part.unlink(missing_ok=True)
                raise requests.ConnectionError("the server resumes elsewhere")
            tag = response.headers.get("ETag", "")
            if tag and not tag.startswith("W/"):
                self._tag.write_text(tag, encoding="utf-8")
            self._save(response, append=resumed)

    def _save(self, response: requests.Response, *, append: bool) -> None:
        length = response.headers.get("Content-Length")
        total = -(-int(length) // _CHUNK) if length else None
        chunks: Iterable[bytes] = response.iter_content(_CHUNK)
        received = 0
        with self.part.open("ab" if append else "wb") as file:
            for chunk in track(chunks, "fetching", total=total, unit="×16kB"):
                file.write(chunk)
                received += len(chunk)
        if length and received < int(length):
            raise requests.ConnectionError("the connection was cut")
