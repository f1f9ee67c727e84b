"""What `--explain` prints of the settings of a configuration."""

from __future__ import annotations

from textwrap import wrap

from rrgraph.errors import ConfigError
from rrgraph.util.config import NamedConfig, suggest_key
from rrgraph.util.settings import Setting, current_key, settings

__all__ = ["show_settings"]


def show_settings(config: NamedConfig, key: str) -> None:
    """Print meaning, type, default, value and range of the settings under a key: one, a section, or all when empty.

    Raises:
        ConfigError: there is no such setting; the nearest one is named.
    """
    known = settings(config)
    key = current_key(key, type(config))
    chosen = [each for each in known if not key or each.key == key or each.key.startswith(f"{key}.")]
    if not chosen:
        raise ConfigError(f"Unknown configuration key '{key}'.{suggest_key(key, type(config))}")
    print("\n\n".join(_text(each) for each in chosen))


def _text(setting: Setting) -> str:
    lines = [setting.key, *wrap(setting.meaning, 100, initial_indent="  ", subsequent_indent="  ")]
    lines.append(f"  type: {setting.type}")
    if setting.expected:
        lines.append(f"  {'range' if setting.limits.range else 'choices'}: {setting.expected}")
    lines.append(f"  default: {setting.show(setting.default)}")
    lines.append(f"  here: {setting.show(setting.value)}")
    if setting.earlier:
        lines.append(f"  earlier name: {setting.earlier}")
    return "\n".join(lines)
