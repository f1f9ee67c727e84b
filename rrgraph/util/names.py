"""Names that become files and folders: plain ones, which stay in the folder that they are meant for."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["PLAIN_NAME", "is_plain_name"]

PLAIN_NAME: Final = "a plain file name of at most 200 bytes"
"""What a name has to be, in words."""

_MOST_BYTES: Final = 200  # file systems take 255, and suffixes are added

_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_plain_name(name: str) -> bool:
    """Whether a text can be the name of a file or folder on every system, and leads nowhere else.

    >>> [is_plain_name(name) for name in ("default_nms", "..", "a/b", "NUL", "")]
    [True, False, False, False, False]
    """
    return (
        0 < len(name.encode(errors="replace")) <= _MOST_BYTES
        and name.isprintable()
        and not set(name) & set('/\\:*?"<>|')
        and name == name.strip()
        and not name.endswith(".")
        and not _RESERVED.fullmatch(name)
    )
