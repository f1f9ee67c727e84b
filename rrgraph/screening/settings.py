"""What is asked of a screening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from rrgraph.errors import DataError, OptionError
from rrgraph.util.files import sha256_file
from rrgraph.version import __version__

__all__ = ["ScreeningSettings", "difference", "record"]

_MODEL_FILES: Final = ("model.json", "model.safetensors")
_PLACES: Final = ("input", "model")
"""Settings that are known by the content of what they name, wherever it lies."""


@dataclass(frozen=True, kw_only=True)
class ScreeningSettings:
    """Everything that the answers depend on.

    Attributes:
        input: CSV, Parquet, JSONL or text file with a target a row.
        column: that of the targets; None to find it.
        keep: columns of the input that go along.
        model: name or run folder.
        device: where the model computes.
        top_k: sets for each target.
        shelf: file or formulas of what is at hand; by default what `stock` says. It changes no plan.
        stock: file or formulas of the only precursors that may be used.
        exclude: elements, precursors and classes to avoid.
        require: elements, precursors and classes to use.
        candidates: which precursors may be used, see `rrgraph.plan`.
        atmosphere: in which all targets are to be made, see `rrgraph.plan`; None where it is not known.
        conditions: whether predicted conditions are wanted, or the name or run folder of the model that predicts them.
        energies: whether reaction energies are wanted.
        temperature: of these energies.
        shard_rows: rows of the input in a shard.

    Raises:
        PlanningError: a number is below 1, or there is a temperature without energies.
    """

    input: str
    column: str | None = None
    keep: tuple[str, ...] = ()
    model: str = "default"
    device: str = "cpu"
    top_k: int = 5
    shelf: str | None = None
    stock: str | None = None
    exclude: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    candidates: str = "all"
    atmosphere: str | None = None
    conditions: bool | str = True
    energies: bool = True
    temperature: str | None = None
    shard_rows: int = 1000

    def __post_init__(self) -> None:
        for name in ("top_k", "shard_rows"):
            if getattr(self, name) < 1:
                raise OptionError(name, f" is {getattr(self, name)}, expected a whole number of at least 1.")
        if self.temperature is not None and not self.energies:
            raise OptionError("temperature", " is for reaction energies, which --no-energies leaves out.")

    @property
    def at_hand(self) -> str | None:
        """What is on the shelf."""
        return self.stock if self.shelf is None else self.shelf


def record(settings: ScreeningSettings) -> dict[str, Any]:
    """Return what is asked as JSON values: version, options, and checksums of the files that they name."""
    options = asdict(settings)
    fired = options["conditions"]
    contents = {
        "input": sha256_file(options.pop("input")),
        **{name: sha256_file(options[name]) for name in ("shelf", "stock", "candidates") if _is_file(options[name])},
        "model": _checksum(options.pop("model")),
        **({"conditions": _checksum(fired)} if isinstance(fired, str) else {}),
    }
    return {
        "rrgraph": __version__,
        "options": {name: list(each) if isinstance(each, tuple) else each for name, each in options.items()},
        "contents": contents,
        "places": {name: getattr(settings, name) for name in _PLACES},
    }


def _checksum(model: str) -> str:
    """Return the checksums of the files of a bundled model, or of one in a folder."""
    folders = (Path(model), Path(str(files("rrgraph.models") / "bundled")) / model)
    weights = [folder / name for folder in folders for name in _MODEL_FILES]
    return " ".join(sha256_file(each) for each in weights if each.is_file())


def difference(before: Any, now: Mapping[str, Any]) -> str | None:
    """Return the first thing that an earlier screening was asked otherwise, None if there is none.

    Raises:
        DataError: what is said of the earlier one is not what `record` returns.
    """
    if isinstance(before, dict):
        before = {"places": {}, **before}  # it can be resumed without them
    if not (isinstance(before, dict) and all(isinstance(before.get(name), type(now[name])) for name in now)):
        raise DataError("it does not say what was asked")
    if before["rrgraph"] != now["rrgraph"]:
        return f"it was begun by rrgraph {before['rrgraph']} and this is {now['rrgraph']}"
    for name, value in now["options"].items():
        if before["options"].get(name) != value:
            return f"it was begun with {_flag(name, before['options'].get(name))}, not with {_flag(name, value)}"
    changed = next((name for name, each in now["contents"].items() if before["contents"].get(name) != each), None)
    if changed is None:
        return None
    place, other = (each["places"].get(changed) for each in (before, now))
    if place is None or place == other:
        return f"the content of the {changed} has changed"
    return f"it was begun with the {changed} '{place}', not with '{other}'"


def _flag(name: str, value: Any) -> str:
    option = "--" + name.replace("_", "-")
    if value is None or value == [] or isinstance(value, bool):
        return option if value is True else f"no {option}"
    return f"{option} {' '.join(map(str, value)) if isinstance(value, list) else value}"


def _is_file(value: str | None) -> bool:
    try:
        return value is not None and Path(value).is_file()
    except OSError:  # a long list of formulas
        return False
