"""Display names of the built-in properties and their classes, and the properties that are shown by default."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rrgraph.properties.tables.sources import PROPERTY_SOURCES
from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["class_name", "is_built_in", "property_name", "shown_tasks"]

_MP, _OQMD, _AFLOW = "Materials Project", "OQMD", "AFLOW"

#: Display names of the built-in properties, and the source of the calculations they are learned from.
_NAMES: Mapping[str, tuple[str, str]] = {
    "formation_energy_mp20": ("formation energy", f"{_MP}, mp20 vintage"),
    "formation_energy": ("formation energy", f"{_MP}, aviary2020 vintage"),
    "formation_energy_oqmd": ("formation energy", _OQMD),
    "e_above_hull_mp": ("energy above hull", _MP),
    "e_above_hull": ("energy above hull", f"{_MP}, CrabNet benchmark"),
    "band_gap_mp": ("band gap", _MP),
    "band_gap_oqmd": ("band gap", _OQMD),
    "band_gap_aflow": ("band gap", _AFLOW),
    "volume_oqmd": ("volume", _OQMD),
    "energy_oqmd": ("total energy", _OQMD),
    "energy_aflow": ("total energy", _AFLOW),
    "bulk_modulus": ("bulk modulus", _MP),
    "shear_modulus": ("shear modulus", _MP),
    "elastic_anisotropy": ("elastic anisotropy", _MP),
    "debye_temperature": ("Debye temperature", _AFLOW),
    "thermal_conductivity": ("thermal conductivity at 300 K", _AFLOW),
    "thermal_expansion": ("thermal expansion at 300 K", _AFLOW),
    "magnetisation": ("magnetisation", _MP),
    "sites": ("sites in the primitive cell", _MP),
    "crystal_system": ("crystal system", _MP),
    "space_group": ("space group", _MP),
}

#: The properties shown by default; of each group the first one that the model predicts.
_HEADLINES = (
    ("formation_energy_mp20", "formation_energy", "formation_energy_oqmd"),
    ("e_above_hull_mp", "e_above_hull"),
    ("band_gap_mp",),
    ("band_gap_oqmd", "band_gap_aflow"),
    ("volume_oqmd",),
    ("bulk_modulus",),
    ("shear_modulus",),
    ("debye_temperature",),
    ("crystal_system",),
    ("space_group",),
)

_CRYSTAL_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")


def shown_tasks(tasks: Sequence[PropertyTask], *, every: bool) -> list[PropertyTask]:
    """Return the tasks to show in order: the built-in ones (the default ones or all), then the model's own."""
    built_in = {task.name: task for task in tasks if is_built_in(task)}
    headlines = [next((built_in[name] for name in group if name in built_in), None) for group in _HEADLINES]
    chosen = [task for task in headlines if task is not None]
    if every:
        chosen += [built_in[name] for name in _NAMES if name in built_in and built_in[name] not in chosen]
    return (chosen + [task for task in tasks if task not in built_in.values()]) or list(tasks)


def property_name(task: PropertyTask) -> tuple[str, str]:
    """Return the display name of a property and the source of the calculations it is learned from, if known."""
    return _NAMES[task.name] if is_built_in(task) else (task.name, "")


def is_built_in(task: PropertyTask) -> bool:
    """Whether a task is a built-in property, not one of the same name from a table of the user."""
    if task.name not in _NAMES:
        return False
    known = PROPERTY_SOURCES[task.name].task
    return (task.kind, task.unit, task.family, task.classes) == (known.kind, known.unit, known.family, known.classes)


def class_name(task: PropertyTask, index: int) -> tuple[int, str | None]:
    """Return the number of a class (of a space group, as in the International Tables) and its name, if it has one."""
    if not is_built_in(task):
        return index, None
    if task.name == "crystal_system":
        return index, _CRYSTAL_SYSTEMS[index]
    return index + 1, _space_group(index + 1)


def _space_group(number: int) -> str:
    """Return the short international symbol."""
    from pymatgen.symmetry.groups import sg_symbol_from_int_number

    symbol = sg_symbol_from_int_number(number)
    # Full symbols of monoclinic groups have a 1 for the directions a and c: P12_1/c1.
    return re.sub("^([A-Z])1(.+)1$", r"\1\2", symbol)
