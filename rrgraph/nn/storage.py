"""Models on disk: `model.safetensors` and `model.json`, written atomically, checked when read, never a pickle.

`model.json` holds the SHA-256 of the weights and of itself. So a folder in which a byte was flipped, a digit changed or
a file exchanged is refused, and never gives another answer.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rrgraph.errors import ModelError, reason_of, shortened
from rrgraph.util.files import atomic_path, sha256_file, write_json
from rrgraph.util.json_files import parse_json
from rrgraph.util.text import escaped
from rrgraph.version import __version__

__all__ = [
    "check_model",
    "checkpoint_mismatch",
    "load_weights",
    "model_format",
    "read_model",
    "sign_model",
    "weights",
    "write_model",
]

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"

_CHECKSUMS, _OF_DESCRIPTION = "checksums", "description"
_LARGEST_DESCRIPTION: Final = 2**28
_SHOWN: Final = 300
_LARGEST_VALUE: Final = 1e12
_FREE: Final = 1_000_000
"""Numbers that building a module may ask for beside those of its file."""

Module = TypeVar("Module", bound=nn.Module)


def write_model(
    folder: str | Path,
    model_format: str,
    tensors: Mapping[str, Tensor],
    description: Mapping[str, Any],
) -> None:
    """Write weights and description into `folder`, each atomically, with their checksums.

    Args:
        folder: made if need be.
        model_format: name and version of the format, written into both files.
        tensors: weights by name; they must not share memory.
        description: everything else, JSON-ready.
    """
    folder = Path(folder)
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(folder / WEIGHTS) as path:
        path.write_bytes(save(stored, metadata={"format": model_format}))
    _write_description(folder, {"format": model_format, "rrgraph": __version__, **description})


def sign_model(folder: str | Path) -> None:
    """Record the checksums of a model as it is now, after its description was edited on purpose.

    Raises:
        ModelError: there is no readable description.
    """
    description = _description(folder)
    description.pop(_CHECKSUMS, None)
    _write_description(Path(folder), description)


def _write_description(folder: Path, description: Mapping[str, Any]) -> None:
    checksums = {WEIGHTS: sha256_file(folder / WEIGHTS), _OF_DESCRIPTION: _digest(description)}
    write_json(folder / DESCRIPTION, {**description, _CHECKSUMS: checksums})


def _digest(description: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a description says, however it is laid out."""
    # Read back first, so that what is written and what is read have the same types.
    plain = json.loads(json.dumps({key: value for key, value in description.items() if key != _CHECKSUMS}))
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def weights(module: nn.Module, *, half: bool) -> dict[str, Tensor]:
    """Return the weights of a module, in 16 bits if `half`: half the size, read back in 32 bits."""
    state = module.state_dict()
    return {name: t.half() if half and t.dtype == torch.float32 else t for name, t in state.items()}


def read_model(folder: str | Path, model_format: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights (32 bits) and the description that `write_model` wrote.

    Models of earlier releases have no checksums and are read with a warning.

    Raises:
        ModelError: a file is missing, cut off, changed or of another format, or a number is not finite.
    """
    description = _description(folder)
    if description.get("format") != model_format:
        found = _printable(str(description.get("format")))
        raise ModelError(f"The model in '{folder}' has format '{found}', expected '{model_format}'.")
    _check_sums(Path(folder), description)
    try:
        tensors = load((Path(folder) / WEIGHTS).read_bytes())  # safetensors opens no path that is not UTF-8
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelError(f"The model in '{folder}' is damaged: {_printable(reason_of(error))}.") from None
    widened = {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in tensors.items()}
    for name, tensor in widened.items():
        if tensor.is_floating_point() and not _is_sound(name, tensor):
            raise ModelError(
                f"The model in '{folder}' is damaged: {name!a:.80} holds values that are not finite, or too large."
            )
    return widened, {key: value for key, value in description.items() if key != _CHECKSUMS}


def check_model(folder: str | Path) -> None:
    """Compare the files of a model with the checksums that it records, if it does, without loading it.

    Raises:
        ModelError: a file is missing, unreadable or not the recorded one.
    """
    description = _description(folder)
    if description.get(_CHECKSUMS) is not None:
        _check_sums(Path(folder), description)


def _check_sums(folder: Path, description: Mapping[str, Any]) -> None:
    """Refuse files that are not those whose checksums were recorded."""
    recorded = description.get(_CHECKSUMS)
    if recorded is None:
        warnings.warn(
            f"The model in '{folder}' has no checksums, with which damage is noticed; rrgraph.nn.sign_model adds them. "
            "Models without them are read for one more release.",
            FutureWarning,
            stacklevel=3,
        )
        return
    expected = recorded if isinstance(recorded, Mapping) else {}
    if expected.get(WEIGHTS) != sha256_file(folder / WEIGHTS):
        raise ModelError(
            f"The model in '{folder}' is damaged: {WEIGHTS} is not the file whose checksum {DESCRIPTION} records."
        )
    if expected.get(_OF_DESCRIPTION) != _digest(description):
        raise ModelError(
            f"The model in '{folder}' is damaged: {DESCRIPTION} was changed after it was written; if that was meant, "
            "rrgraph.nn.sign_model records it as it is now."
        )


def _is_sound(name: str, tensor: Tensor) -> bool:
    """Whether all values are finite and no larger than weights and counts ever are.

    Splits of trees that send everything left have an infinite threshold.
    """
    if tensor.numel() == 0:
        return True
    low, high = map(float, tensor.aminmax())  # NaN if any value is
    infinite = name.rpartition(".")[2] == "threshold"
    return low > -_LARGEST_VALUE and (high < _LARGEST_VALUE or (infinite and high == torch.inf))


def load_weights(make: Callable[[], Module], tensors: Mapping[str, Tensor]) -> Module:
    """Return the module that `make` builds with the weights of a file; building it needs no more memory than these.

    Raises:
        ValueError: sizes ask for more than the file holds, a tensor has another type, or a scale is not positive.
        RuntimeError: names or shapes differ, as `load_state_dict` says.
    """
    with _Allowance(2 * sum(tensor.numel() for tensor in tensors.values()) + _FREE):
        module = make()
    for name, own in module.state_dict().items():
        if name in tensors and tensors[name].dtype != own.dtype:
            raise ValueError(f"'{name}' holds {tensors[name].dtype}, expected {own.dtype}".replace("torch.", ""))
    module.load_state_dict(dict(tensors))
    for name, buffer in module.named_buffers():
        if name.endswith(("scale", "spread")) and not bool((buffer > 0).all()):
            raise ValueError(f"'{name}' holds a value that is not positive")
    return module


class _Allowance(TorchFunctionMode):
    """While it is active, so many numbers may be allocated by the functions that make tensors of a given size."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self._left = numbers

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if name in ("empty", "zeros", "ones", "full", "rand", "randn"):
            sizes = kwargs.get("size", args[0] if args and isinstance(args[0], Iterable) else args)
        else:
            sizes = kwargs.get("steps", args[2:3]) if name in ("linspace", "logspace") else (0,)
        self._left -= prod(sizes if isinstance(sizes, Iterable) else (sizes,))
        if self._left < 0:
            raise ValueError("its sizes ask for more numbers than it holds")
        return function(*args, **kwargs)


def model_format(folder: str | Path) -> str:
    """Return the name of the format of the model in `folder`.

    Raises:
        ModelError: there is no readable model.
    """
    return str(_description(folder).get("format"))


@contextmanager
def checkpoint_mismatch(folder: str | Path) -> Iterator[None]:
    """Turn what reading a description and loading weights raise into one sentence.

    That is a ValueError (also of `rrgraph.util.arguments`, by which a description is to be read), a KeyError of tensors
    by name, and the RuntimeError of `load_state_dict`. Errors of the code, such as TypeErrors, pass.

    Raises:
        ModelError: the weights and the description do not fit each other.
    """
    try:
        yield
    except (KeyError, ValueError, RuntimeError) as error:
        reason = _printable(reason_of(error))
        raise ModelError(f"The weights and the description in '{folder}' do not fit each other: {reason}.") from None


def _printable(text: str) -> str:
    """Return text of a file escaped and shortened."""
    return shortened(escaped(text), most=_SHOWN)


def _description(folder: str | Path) -> dict[str, Any]:
    path = Path(folder) / DESCRIPTION
    for name in (DESCRIPTION, WEIGHTS):
        if not (Path(folder) / name).is_file():
            raise ModelError(f"'{folder}' is not a model folder: it has no {name}.")
    try:
        if (size := path.stat().st_size) > _LARGEST_DESCRIPTION:
            raise ValueError(f"{DESCRIPTION} has {size:,} bytes, expected at most {_LARGEST_DESCRIPTION:,}")
        description = parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(f"The model in '{folder}' is damaged: {_printable(reason_of(error))}.") from None
    if not isinstance(description, dict):
        raise ModelError(f"The model in '{folder}' is damaged: {DESCRIPTION} is no mapping.")
    return description
