"""All attacks, in the order of the table."""

from __future__ import annotations

from . import formulas, kills, places  # noqa: F401
from .harness import ATTACKS

__all__ = ["ATTACKS"]
