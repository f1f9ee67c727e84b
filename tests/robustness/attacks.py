"""All attacks, in the order of the table: those that the modules of this folder register."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .harness import ATTACKS, Attack

__all__ = ["ORDERED"]

_ORDER = ["formulas", "equations", "molecules", "tables", "predictions", "recipes", "configurations", "overrides"]
_ORDER += ["models", "runs", "studies", "kills", "places", "pages"]

for _path in sorted(Path(__file__).parent.glob("*.py")):
    if not _path.name.startswith(("_", "test_")):
        import_module(f".{_path.stem}", __package__)

ORDERED: dict[str, Attack] = {name: ATTACKS[name] for name in sorted(ATTACKS, key=_ORDER.index)}
