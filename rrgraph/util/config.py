"""Configurations: reads YAML and `key=value` overrides into checked dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast, get_args, get_origin

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from rrgraph.errors import ConfigError, reason_of, shortened
from rrgraph.util.annotations import described_type, field_types, key_type, not_null
from rrgraph.util.files import suggest_file, write_text
from rrgraph.util.settings import current_key, rename_keys, setting, settings, warn_renamed
from rrgraph.util.yaml_text import MOST_CHARACTERS, Scalar, check_text, check_texts, parse_yaml, plain_values

__all__ = [
    "MODEL",
    "BaseConfig",
    "NamedConfig",
    "config_keys",
    "load_config",
    "read_mapping",
    "read_plain",
    "save_config",
    "set_values",
    "suggest_key",
    "typed_values",
]

_SHOWN: Final = 200


@dataclass
class NamedConfig:
    """What everything that a configuration file describes has: a name and a folder.

    Attributes:
        name: name of the run or experiment, by default that of the file.
        output: its folder; empty for a folder of that name in `runs`, or in `experiments` for an experiment.
    """

    parent: ClassVar[str] = "runs"
    """Where folders lie that are not named."""

    name: str = setting("run", file_name=True)
    output: str = ""

    @property
    def folder(self) -> Path:
        """The folder of what is described."""
        return Path(self.output) if self.output else Path(self.parent) / self.name


@dataclass
class BaseConfig(NamedConfig):
    """What the configurations of all runs have.

    Attributes:
        seed: seed of every random choice.
    """

    untrained: ClassVar[tuple[str, ...]] = ()
    """Dotted keys that do not change what is trained, such as what is measured at the end."""

    seed: int = setting(0, at_least=0)

    def trains_like(self, other: BaseConfig) -> bool:
        """Whether both configurations train the same model; only the keys of `untrained` may differ."""
        aligned = self
        for key in self.untrained:
            aligned = _with_value_of(aligned, other, key.split("."))
        return aligned == other


def _with_value_of(config: Any, other: Any, path: Sequence[str]) -> Any:
    """Return the configuration with the value that another one has under a path of names."""
    name, *rest = path
    value = getattr(other, name)
    return replace(config, **{name: _with_value_of(getattr(config, name), value, rest) if rest else value})


C = TypeVar("C", bound=NamedConfig)

MODEL = "model"
"""What the system of a run is called among those that are measured: its model, or the baseline it is about."""


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    schema: type[C],
    recorded: bool = False,
    given: Mapping[str, Any] | None = None,
) -> C:
    """Read a configuration file and apply overrides such as `training.epochs=5`.

    Earlier names of keys are understood, with one warning.

    Args:
        path: a YAML file.
        overrides: `key=value`, later ones win; a mapping replaces the one before, `key.name=value` adds to it.
        schema: the dataclass of the run.
        recorded: the file was written by a run, so nobody has to be warned of the names in it.
        given: what `read_mapping` found in the file, if it has been read already.

    Raises:
        ConfigError: the file is missing or not YAML, or a key or value does not fit the schema.
    """
    path = Path(path)
    for override in overrides:
        if "=" not in override or not all(override.partition("=")[0].split(".")):
            raise ConfigError(f"The override '{override:.80}' is not of the form key=value, such as training.epochs=5.")
    source = f"configuration file '{path}'"
    values, renamed = _current(read_mapping(path) if given is None else given, schema)
    try:
        merged = OmegaConf.merge(_defaults(cast(Any, schema)), {"name": path.stem}, values)
        if recorded:
            renamed = {}
        for override in overrides:
            source = f"override '{override:.80}'"
            values, found = _current(_read_override(override), schema)
            renamed |= found
            _empty_mappings(merged, values, override.partition("=")[0].count(".") + 1)
            merged = OmegaConf.merge(merged, values)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, schema, source)) from None
    except ConfigError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The {source} cannot be read: {reason_of(error, most=_SHOWN)}.") from None
    assert isinstance(config, schema)
    warn_renamed(renamed, f"the configuration '{path}'")
    return config


@cache
def _defaults(schema: type[NamedConfig]) -> DictConfig:
    """Return what a schema says, of which nobody changes anything; to make it takes longer than to copy it."""
    return cast(DictConfig, OmegaConf.structured(schema))


def _empty_mappings(merged: Any, values: DictConfig, depth: int) -> None:
    """Empty the mappings of free names that an override gives anew, whose key has `depth` names."""
    for name, given in values.items():
        node = merged.get(name) if name in merged else None
        if isinstance(node, DictConfig) and isinstance(given, DictConfig):
            if depth <= 1 and OmegaConf.get_type(node) is dict:
                node.clear()
            else:
                _empty_mappings(node, given, depth - 1)


def _current(given: Mapping[str, Any], schema: type) -> tuple[DictConfig, dict[str, str]]:
    """Return what was given under today's names, text where text is expected, and these by the earlier ones found."""
    values, renamed = rename_keys(given, schema)
    return OmegaConf.create(typed_values(values, schema, "")), renamed


def _read_override(override: str) -> dict[str, Any]:
    """Return the nested mapping that `training.epochs=5` stands for."""
    key, _, text = override.partition("=")
    check_text("The key of an override", key)
    value = parse_yaml(text, f"override '{key:.80}'", key=key)
    value = Scalar("", None) if value is None else value
    for name in reversed(key.split(".")):
        value = {name: value}
    return cast(dict[str, Any], value)


def typed_values(values: Any, hint: Any, key: str) -> Any:
    """Return what `parse_yaml` found as plain values: as it was written where a text is expected.

    Args:
        values: of the key.
        hint: annotation of the key, Any if there is none.
        key: dotted, empty for a whole configuration.

    Raises:
        ConfigError: a mapping or list stands where something else is expected, or the other way round.
    """
    if isinstance(values, Scalar) and values.value is None and type(None) in get_args(hint):
        return None
    hint = not_null(hint)
    schema: Any = hint
    kind = dict if is_dataclass(hint) else get_origin(hint) or hint
    expected = Scalar if kind in (bool, int, float, str) else kind
    if expected in (Scalar, dict, list) and isinstance(values, dict | list | Scalar) and type(values) is not expected:
        raise ConfigError(_misfit(key, values, hint))
    if isinstance(values, dict):
        hints = field_types(schema) if is_dataclass(hint) else dict.fromkeys(values, *get_args(hint)[1:])
        prefix = f"{key}." if key else ""
        return {name: typed_values(each, hints.get(name) or Any, f"{prefix}{name}") for name, each in values.items()}
    if isinstance(values, list):
        (entry,) = get_args(hint) or (Any,)
        return [typed_values(each, entry, f"{key}[{index}]") for index, each in enumerate(values)]
    if isinstance(values, Scalar):
        return values.text if str in (hint, *get_args(hint)) else values.value
    return values


def _misfit(key: str, value: Any, hint: Any) -> str:
    if isinstance(value, Mapping | list | ListConfig):
        shown = "a mapping" if isinstance(value, Mapping) else "a list"
    else:
        plain = value.value if isinstance(value, Scalar) else value
        shown = "null" if plain is None else repr(plain)
    return f"Configuration value {key[:_SHOWN]} is {shortened(shown, most=_SHOWN)}, expected {described_type(hint)}."


def save_config(config: NamedConfig, path: str | Path) -> None:
    """Write the resolved configuration as YAML."""
    write_text(path, OmegaConf.to_yaml(OmegaConf.structured(config)))


def set_values(config: C, values: Mapping[str, Any]) -> C:
    """Return the configuration with other values of some dotted keys such as `training.epochs`.

    Raises:
        ConfigError: a key is unknown, or its value does not fit the schema.
    """
    changed = OmegaConf.structured(config)
    for key, value in values.items():
        check_texts(key, value)
    try:
        renamed = {key: current_key(key, type(config)) for key in values}
        warn_renamed({old: new for old, new in renamed.items() if old != new}, "the given values")
        for key, value in values.items():
            OmegaConf.update(changed, renamed[key], value)
        return cast(C, OmegaConf.to_object(changed))
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, type(config), "configuration")) from None


def read_mapping(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds: nested mappings and lists of `rrgraph.util.yaml_text.Scalar`.

    Raises:
        ConfigError: the file is missing, not YAML, or no mapping.
    """
    if not path.is_file():
        raise ConfigError(f"There is no configuration file '{path}'.{suggest_file(path)}")
    source = f"configuration file '{path}'"
    try:
        with path.open(encoding="utf-8-sig") as file:
            given = parse_yaml(file.read(MOST_CHARACTERS + 1), source)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The {source} is not valid YAML: {reason_of(error, most=_SHOWN)}.") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(f"The {source} is not a mapping, expected lines such as 'seed: 0'.")
    return given


def read_plain(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds as plain dictionaries and lists; errors are those of `read_mapping`."""
    return cast(dict[str, Any], plain_values(read_mapping(path)))


def _explain(error: OmegaConfBaseException, schema: type, source: str) -> str:
    key = str(error.full_key or "")
    if isinstance(error, ConfigKeyError | ConfigAttributeError):
        parent = key.rpartition(".")[0]
        section = key_type(parent, schema)
        names = field_types(section) if parent and isinstance(section, type) and is_dataclass(section) else ()
        beside = [f"{parent}.{name}" for name in names]
        return f"Unknown configuration key '{key[:80]}'.{suggest_key(key, schema, beside)}"
    if key and (hint := key_type(key, schema)) is not None:
        return _misfit(key, error.value, hint)
    reason = reason_of(ValueError((error.msg or str(error)).splitlines()[0]), most=_SHOWN)
    return f"The {f'configuration value of {key!r}' if key else source} does not fit: {reason}."


def suggest_key(key: str, schema: type, further: Sequence[str] = ()) -> str:
    """Return ``" Did you mean 'training.epochs'?"`` for the closest key of a configuration, or an empty string.

    Args:
        key: what was given; it may be close to today's name of a key or to its earlier one.
        schema: class of the configuration.
        further: keys that the class does not list, such as those of free options.
    """
    known = {name: each.key for each in settings(schema()) for name in (each.key, each.earlier) if name}
    known |= {name: name for name in further}
    # People leave out the section, so the last part of each key is compared too; the first section wins.
    last = {name.rpartition(".")[2]: full for name, full in reversed(known.items())}
    for names in (known, last):
        for close in get_close_matches(key, names, n=1):
            return f" Did you mean '{names[close]}'?"
    return ""


def config_keys(schema: type) -> list[str]:
    """Return the dotted keys of a configuration, such as `training.epochs`."""
    return [each.key for each in settings(schema())]
