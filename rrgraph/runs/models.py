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

    A bundled name means the bundled model; write `./default` for a folder of the same name.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    bundled = bundled_models()
    if name in bundled:
        with as_file(files("rrgraph.runs") / "bundled" / name) as folder:
            return LinkPredictor(load_checkpoint(folder))
    if Path(name).is_dir():
        return LinkPredictor(load_checkpoint(name))
    raise ModelError(
        f"There is no model '{name}': expected a run folder or a bundled model ({', '.join(bundled) or 'none'})."
        f"{near_match(name, [*bundled, *_run_folders(Path(name))])}"
    )


def _run_folders(path: Path) -> list[str]:
    """Run folders with a model beside `path`, and under `runs`."""
    found = [model.parent for folder in (path.parent, Path("runs")) for model in folder.glob("*/model.json")]
    return [str(folder) for folder in found]
