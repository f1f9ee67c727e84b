"""Finding trained models and pretrained encoders: by the name of a bundled one or by the path of a run folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

from rrgraph.conditions import CONDITIONS_FORMAT, ConditionsModel, load_conditions_model
from rrgraph.errors import ModelError, suggestion
from rrgraph.models.checkpoint import FORMAT, load_checkpoint
from rrgraph.models.conditions import DEFAULT_CONDITIONS
from rrgraph.models.model import Model
from rrgraph.nn import choose_device, model_format
from rrgraph.properties import PROPERTY_FORMAT, PropertyPredictor, load_property_checkpoint
from rrgraph.util.collection import without_collection

__all__ = [
    "DEFAULT_ENCODER",
    "DEFAULT_MODEL",
    "bundled_models",
    "load_conditions",
    "load_encoder",
    "load_model",
    "model_card",
]

DEFAULT_MODEL = "default"
"""The bundled model that `rrgraph plan` uses."""

DEFAULT_ENCODER = "encoder"
"""The bundled pretrained encoder."""

_KINDS = {FORMAT: "link model", PROPERTY_FORMAT: "pretrained encoder", CONDITIONS_FORMAT: "model of conditions"}


def bundled_models(wanted: str = FORMAT) -> list[str]:
    """Return the names of the models of a format that come with the package."""
    folder = files("rrgraph.models") / "bundled"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [name for name in names if _bundled_format(name) == wanted]


def load_model(name: str | os.PathLike[str] = DEFAULT_MODEL, *, device: str = "auto") -> Model:
    """Load a bundled model by name, or the model of a run folder by path.

    >>> len(load_model().vocabulary)
    801

    Args:
        name: a bundled name means the bundled model; write `./default` for a folder of the same name.
        device: where it computes: `auto` takes a CUDA GPU when there is one; or `cpu`, `cuda`, `cuda:1` or
            `mps`.

    Raises:
        ConfigError: the device cannot be used.
        ModelError: there is no such model, or it is damaged.
    """
    place = choose_device(device)
    with without_collection(), _model_folder(os.fspath(name), FORMAT) as folder:
        return Model(load_checkpoint(folder).to(place))


def model_card(name: str | os.PathLike[str] = DEFAULT_MODEL) -> str:
    """Return the card of a bundled model, or of a run folder, as Markdown; empty where there is none.

    >>> model_card().splitlines()[0]
    '# Model card: default'

    Raises:
        ModelError: there is no such model.
    """
    with _model_folder(os.fspath(name), FORMAT) as folder:
        card = folder / "card.md"
        return card.read_text(encoding="utf-8") if card.is_file() else ""


def load_encoder(
    name: str | os.PathLike[str] = DEFAULT_ENCODER, *, precision: str = "full", device: str = "auto"
) -> PropertyPredictor:
    """Load a bundled pretrained encoder by name, or that of a run folder by path.

    >>> energy = load_encoder().predict(["BaTiO3"])["formation_energy"]
    >>> f"{energy.value[0]:.1f} {energy.task.unit}"
    '-3.5 eV/atom'

    Args:
        name: a bundled name means the bundled encoder; write `./encoder` for a folder of the same name.
        precision: `full`, or `auto` for bfloat16 where it is faster.
        device: as of `load_model`.

    Raises:
        ConfigError: the device cannot be used.
        ModelError: there is no such encoder, or it is damaged.
    """
    place = choose_device(device)
    with _model_folder(os.fspath(name), PROPERTY_FORMAT) as folder:
        checkpoint = load_property_checkpoint(folder)
    checkpoint.model.to(place)
    return PropertyPredictor(checkpoint, precision=precision)


def load_conditions(name: str | os.PathLike[str] = DEFAULT_CONDITIONS) -> ConditionsModel:
    """Load a bundled model of conditions by name, or that of a run folder by path, with its pretrained encoder.

    Raises:
        ModelError: there is no such model or encoder, or one is damaged.
    """
    with _model_folder(os.fspath(name), CONDITIONS_FORMAT) as folder:
        model = load_conditions_model(folder, encoder=None)
    encoder = str(model.metadata.get("encoder") or "")
    return replace(model, encoder=load_encoder(encoder)) if encoder else model


@contextmanager
def _model_folder(name: str, wanted: str) -> Iterator[Path]:
    """Yield the folder of a model of a format, by bundled name or path.

    Raises:
        ModelError: there is no such model, or it is of another kind.
    """
    bundled = bundled_models(wanted)
    kind = _KINDS[wanted]
    if name in bundled:
        with as_file(files("rrgraph.models") / "bundled" / name) as folder:
            yield folder
        return
    if not Path(name).is_dir():
        other = next(
            (label for found, label in _KINDS.items() if found != wanted and name in bundled_models(found)), None
        )
        hint = f" ('{name}' is a {other})" if other else ""
        raise ModelError(
            f"There is no {kind} '{name}'{hint}: expected a run folder or a bundled one "
            f"({', '.join(bundled) or 'none'})."
            f"{suggestion(name, [*bundled, *_run_folders(Path(name))])}"
        )
    found = model_format(name)
    if found in _KINDS and found != wanted:
        raise ModelError(f"'{name}' holds a {_KINDS[found]}, expected a {kind}.")
    yield Path(name)


def _bundled_format(name: str) -> str:
    with as_file(files("rrgraph.models") / "bundled" / name) as folder:
        return model_format(folder)


def _run_folders(path: Path) -> list[str]:
    """Run folders with a model beside `path`, and under `runs`."""
    found = [model.parent for folder in (path.parent, Path("runs")) for model in folder.glob("*/model.json")]
    return [str(folder) for folder in found]
