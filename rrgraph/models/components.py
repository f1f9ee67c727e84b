"""What a model is made of: encoder, context and decoder by name, and which package or module they come from.

A checkpoint records those that are no part of rrgraph, so that a computer without them can say what is missing. Nothing
is imported because a checkpoint names it: code comes from installed packages that offer it, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rrgraph.errors import ConfigError, ModelError
from rrgraph.links import CONTEXTS, DECODERS
from rrgraph.nn import ENCODERS, ModelConfig, checkpoint_mismatch
from rrgraph.util.arguments import value_of
from rrgraph.util.registry import Origin, Registry

__all__ = ["describe_parts", "external_parts", "require_parts"]

_PLAIN: Final = re.compile(r"(\w[\w.:+<>-]{0,99})?")

_REGISTRIES: Final[Mapping[str, Registry[Any]]] = {
    "encoder": ENCODERS,
    "decoder": DECODERS,
    "context": CONTEXTS,
}


def external_parts(config: ModelConfig) -> dict[str, Origin]:
    """Return where `encoder`, `decoder` and `context` come from, without those of rrgraph itself."""
    origins = {part: registry.origin(getattr(config, part)) for part, registry in _REGISTRIES.items()}
    return {part: origin for part, origin in origins.items() if not origin.is_own}


def describe_parts(config: ModelConfig) -> dict[str, dict[str, str]]:
    """Return the external parts of a model, JSON-ready."""
    return {part: {"name": getattr(config, part), **asdict(origin)} for part, origin in external_parts(config).items()}


def require_parts(description: Mapping[str, Mapping[str, str]], folder: str | Path) -> None:
    """Check that the external parts of a model in `folder`, as `describe_parts` gave them, are here.

    Raises:
        ModelError: one is not, cannot be imported, or its name stands for something else here; or the description is
            damaged.
    """
    with checkpoint_mismatch(folder):
        recorded = [_recorded(part, value_of(description, part, dict)) for part in description]
    for registry, name, origin in recorded:
        needs = f"The model in '{folder}' needs the {registry.kind} '{name}' of {origin}"
        if name not in registry:
            missing = "is not installed" if origin.package else "no installed package offers; import that module first"
            raise ModelError(f"{needs}, which {missing}.")
        try:
            found = registry.origin(name)
        except ConfigError as error:
            raise ModelError(f"The model in '{folder}' cannot be loaded. {error}") from error
        # What was tried in a notebook may have become a package since.
        if found.is_own or (origin.package and found.package and found.package != origin.package):
            raise ModelError(f"{needs}, but here that name stands for what {found} offers.")


def _recorded(part: str, described: Mapping[str, str]) -> tuple[Registry[Any], str, Origin]:
    """Return the registry of a part, its name and its origin."""
    for key in ("name", "object", "package", "version"):
        # These are shown to people, who may act on them.
        if not _PLAIN.fullmatch(value_of(described, key, str)):
            raise ValueError(f"'{key}' of the {part} is {described[key]!a:.80}, expected a plain name")
    return _REGISTRIES[part], described["name"], Origin(*(described[key] for key in ("object", "package", "version")))
