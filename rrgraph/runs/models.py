"""Finding trained models: by the name of a bundled one or by the path of a run folder."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from rrgraph.errors import ModelError, near_match
from rrgraph.model import LinkPredictor, load_checkpoint

__all__ = ["DEFAULT_MODEL", "bundled_models", "load_predictor"]

DEFAULT_MODEL = "default"
"""The bundled model that `rrgraph plan` uses."""


def bundled_models() -> list[str]:
    """Return the names of the models that come with the package."""
    folder = files("rrgraph.runs") / "bundled"
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def load_predictor(name: str) -> LinkPredictor:
    """Load a bundled model by name, or the model of a run folder by path.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    if Path(name).is_dir():
        return LinkPredictor(load_checkpoint(name))
    bundled = bundled_models()
    if name in bundled:
        with as_file(files("rrgraph.runs") / "bundled" / name) as folder:
            return LinkPredictor(load_checkpoint(folder))
    raise ModelError(
        f"There is no model '{name}': expected a run folder or a bundled model ({', '.join(bundled) or 'none'})."
        f"{near_match(name, bundled)}"
    )
