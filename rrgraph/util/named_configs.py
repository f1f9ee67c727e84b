"""The configurations that come with rrgraph, found by name: `quickstart`, `baselines/popularity`, `experiments/table2`.

They lie in `configs/` of a clone and in `rrgraph/configs/` of an installed package.
"""

from __future__ import annotations

import os
import re
import textwrap
from contextlib import suppress
from pathlib import Path

from rrgraph.errors import ConfigError, suggestion
from rrgraph.util.files import suggest_file

__all__ = ["config_names", "describe_config", "find_config"]

_WIDTH = 96


def config_names() -> list[str]:
    """Return the names of all configurations: their paths below the folder, without the suffix."""
    folder = _folder()
    paths = sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.relative_to(folder).parts), path))
    return [path.relative_to(folder).with_suffix("").as_posix() for path in paths]


def find_config(name: str | os.PathLike[str], *, group: str = "") -> Path:
    """Return the path of a configuration, given as a file or by name; a file that exists wins.

    Args:
        name: path of a file, or a name of `config_names`.
        group: part of the names that may be left out, such as `experiments`.

    Raises:
        ConfigError: there is neither such a file nor such a name.
    """
    with suppress(OSError):  # a name that is too long for a file
        if Path(name).is_file():
            return Path(name)
    known = config_names()
    for candidate in (f"{group}/{name}", str(name)):
        if candidate in known:
            return _from_here(_folder() / f"{candidate}.yaml")
    short = [other.removeprefix(f"{group}/") for other in known] if group else known
    last = next((other for other in known if other.rpartition("/")[2] == _stem(name)), "")
    near = f" Did you mean '{last}'?" if last else suggest_file(name)
    near = near or suggestion(_stem(name), dict.fromkeys([*short, *known]))
    raise ConfigError(f"There is no configuration file '{name}', and none of that name comes with rrgraph.{near}")


def describe_config(name: str) -> str:
    """Return the first sentence of the comment at the top of a configuration, shortened, empty where there is none."""
    lines = (_folder() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").strip())
    sentence = re.split(r"\.(?: (?=[A-Z])|$)", " ".join(comment), maxsplit=1)[0]
    return textwrap.shorten(sentence, _WIDTH, placeholder=" ...")


def _folder() -> Path:
    package = Path(__file__).parents[1]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


def _from_here(path: Path) -> Path:
    """Return a path relative to the working directory where it lies below."""
    return Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path


def _stem(name: str | os.PathLike[str]) -> str:
    return Path(name).as_posix().removeprefix("configs/").removesuffix(".yaml")
