"""Property sources (a column of a table for a property) of the built-in tables and of tables of the user."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.files import number_columns, table_columns
from rrgraph.properties.tables.tasks import OLD_KINDS, PropertySource, PropertyTask
from rrgraph.util.settings import warn_renamed

__all__ = ["PROPERTY_SOURCES", "built_in_sources", "user_sources"]


def built_in_sources(tasks: Iterable[str] | None = None) -> tuple[PropertySource, ...]:
    """Return every built-in source of the named tasks (by default all tasks), in a fixed order.

    Raises:
        DataError: there is no built-in source for a task of that name.
    """
    known = list(dict.fromkeys(source.task.name for source in PROPERTY_SOURCES.values()))
    wanted = known if tasks is None else list(tasks)
    for name in wanted:
        if name not in known:
            raise DataError(
                f"There is no built-in property '{name}', expected one of {', '.join(known)}.{suggestion(name, known)}"
            )
    return tuple(source for source in PROPERTY_SOURCES.values() if source.task.name in wanted)


def user_sources(
    path: str | os.PathLike[str],
    columns: Sequence[str] | Mapping[str, Mapping[str, Any] | None] | None = None,
    *,
    formula: str = "formula",
    part: str = "",
) -> tuple[PropertySource, ...]:
    """Return the sources of a table with a column of formulas and any numeric columns.

    Args:
        path: a CSV (plain, `.gz`, `.xz`) or Parquet file.
        columns: the columns to read, optionally each with options: any field of `PropertyTask` (`name`, `unit`,
            `family`, `transform`, `kind`, `classes`, `lowest`) or `PropertySource` (`low`, `high`, `choose`, `order`,
            `where`, `convert`). By default every column that is numeric at the start of the file.
        formula: column of the formulas.
        part: column with the subset (train, val or test); by default subsets come from a hash of the composition.

    Raises:
        DataError: no such file, column or option, no column of numbers, or an option of the wrong type.
    """
    present = table_columns(path)
    options: Mapping[str, Mapping[str, Any] | None]
    if columns is None:
        options = {name: {} for name in number_columns(path) if name not in (formula, part)}
        if not options:
            raise DataError(f"'{path}' has no numeric column besides '{formula}', found {', '.join(present)}.")
    else:
        options = columns if isinstance(columns, Mapping) else {name: {} for name in columns}
    for name in (formula, *([part] if part else []), *options):
        if name not in present:
            raise DataError(f"'{path}' has no column '{name}', found {', '.join(present)}.{suggestion(name, present)}")
    return tuple(_user_source(os.fspath(path), name, given, formula, part) for name, given in options.items())


#: Allowed types of the options of a user's column.
_OPTIONS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("name", "kind", "unit", "family", "transform"), ((str,), "text")),
    **dict.fromkeys(("choose", "order", "convert"), ((str,), "text")),
    **dict.fromkeys(("low", "high"), ((int, float), "a number")),
    "lowest": ((int, float, type(None)), "a number or null"),
    "classes": ((int,), "a whole number"),
    "where": ((list, tuple), "a list of a column and a value, or of a column and a list of values"),
    "validation_trains": ((bool,), "true or false"),
}


def _user_source(path: str, column: str, given: Mapping[str, Any] | None, formula: str, part: str) -> PropertySource:
    options = {} if given is None else given
    if not isinstance(options, Mapping):
        raise DataError(f"Column '{column}' has options '{options}', expected a mapping such as {{unit: GPa}}.")
    checked = {name: _option(column, name, value) for name, value in options.items()}
    task_fields = [field.name for field in fields(PropertyTask)]
    task = PropertyTask(**{"name": column, **{name: checked[name] for name in checked if name in task_fields}})
    chosen = {name: checked[name] for name in checked if name not in task_fields}
    if task.kind == "classification":
        chosen.setdefault("choose", "first")
    return PropertySource(table=path, column=column, task=task, formula=formula, part=part, **chosen)


def _option(column: str, name: str, value: Any) -> Any:
    """Return the value of an option, checked."""
    if name not in _OPTIONS:
        raise DataError(
            f"Column '{column}' has the unknown option '{name}', expected one of {', '.join(_OPTIONS)}."
            f"{suggestion(name, _OPTIONS)}"
        )
    types, words = _OPTIONS[name]
    fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if not fits or (name == "where" and not (len(value) == 2 and isinstance(value[0], str))):
        raise DataError(f"Option '{name}' of column '{column}' is '{value}', expected {words}.")
    if name == "kind" and value in OLD_KINDS:
        warn_renamed({value: OLD_KINDS[value]}, f"option 'kind' of column '{column}'")
        return OLD_KINDS[value]
    if name == "where":
        return value[0], tuple(value[1]) if isinstance(value[1], list | tuple) else value[1]
    return value


def _materials_project(
    column: str, task: PropertyTask, *, order: str = "e_above_hull", **options: Any
) -> PropertySource:
    return PropertySource(
        table="materials_project", column=column, task=task, choose="ground_state", order=order, **options
    )


def _energy(name: str) -> PropertyTask:
    return PropertyTask(name=name, unit="eV/atom", family="energy")


def _gap(name: str) -> PropertyTask:
    return PropertyTask(name=name, unit="eV", family="gap", lowest=0)


def _above_hull(name: str) -> PropertyTask:
    return PropertyTask(name=name, unit="eV/atom", family="energy", lowest=0)


def _cubic(task: PropertyTask, convert: str) -> PropertySource:
    return PropertySource(
        table="formula_spacegroup_extra",
        column="space_group",
        formula="reduced_formula",
        task=task,
        choose="first",
        convert=convert,
    )


def _benchmark(table: str, task: PropertyTask, **options: Any) -> PropertySource:
    return PropertySource(table=table, column="value", part="part", task=task, **options)


_SPACE_GROUP = PropertyTask(name="space_group", kind="classification", classes=230, family="symmetry")
_CRYSTAL_SYSTEM = PropertyTask(name="crystal_system", kind="classification", classes=7, family="symmetry")


def _sources() -> list[tuple[str, PropertySource]]:
    """Return the built-in sources by name: that of their task, with `_extra` for a second source of it."""
    main = [
        _materials_project(
            "formation_energy_per_atom",
            _energy("formation_energy"),
            order="formation_energy_per_atom",
            where=("eform_source", ("aviary2020",)),
            low=-6,
            high=6,
        ),
        _materials_project(
            "formation_energy_per_atom",
            _energy("formation_energy_mp20"),
            order="formation_energy_per_atom",
            where=("eform_source", ("mp20", "mpts52")),
            low=-6,
            high=6,
        ),
        _materials_project("e_above_hull", _above_hull("e_above_hull_mp"), low=0, high=8),
        _materials_project("band_gap", _gap("band_gap_mp"), low=0, high=15),
        _materials_project("space_group", _SPACE_GROUP, convert="from_one"),
        _materials_project("space_group", _CRYSTAL_SYSTEM, convert="crystal_system"),
        _materials_project("nsites", PropertyTask(name="sites", family="size", transform="log"), low=1, high=1000),
        _benchmark("mp_mu_b", PropertyTask(name="magnetisation", unit="µB/cell"), low=-300, high=300),
        _benchmark("mp_e_hull", _above_hull("e_above_hull"), low=0, high=8),
        _benchmark("OQMD_Bandgap", _gap("band_gap_oqmd"), low=0, high=15),
        _benchmark("OQMD_Energy_per_atom", _energy("energy_oqmd"), low=-15, high=5, validation_trains=True),
        _benchmark(
            "OQMD_Formation_Enthalpy",
            _energy("formation_energy_oqmd"),
            low=-6,
            high=6,
            validation_trains=True,
        ),
        _benchmark(
            "OQMD_Volume_per_atom",
            PropertyTask(name="volume_oqmd", unit="Å³/atom", family="volume", lowest=0),
            low=3,
            high=120,
            validation_trains=True,
        ),
        _benchmark("aflow__Egap", _gap("band_gap_aflow"), low=0, high=15),
        _benchmark("aflow__energy_atom", _energy("energy_aflow"), low=-15, high=5),
        _benchmark(
            "aflow__ael_debye_temperature",
            PropertyTask(name="debye_temperature", unit="K", family="elastic", lowest=0),
            low=20,
            high=2500,
        ),
        _benchmark(
            "aflow__agl_thermal_conductivity_300K",
            PropertyTask(name="thermal_conductivity", unit="W/(m K)", family="thermal", transform="log"),
            low=1e-3,
            high=1000,
        ),
        _benchmark(
            "aflow__agl_thermal_expansion_300K",
            PropertyTask(name="thermal_expansion", unit="1/K", family="thermal", transform="log"),
            low=1e-7,
            high=1e-3,
        ),
        _benchmark(
            "mp_bulk_modulus",
            PropertyTask(name="bulk_modulus", unit="GPa", family="elastic", lowest=0),
            low=0,
            high=600,
        ),
        _benchmark(
            "mp_shear_modulus",
            PropertyTask(name="shear_modulus", unit="GPa", family="elastic", lowest=0),
            low=0,
            high=600,
        ),
        _benchmark(
            "mp_elastic_anisotropy",
            PropertyTask(name="elastic_anisotropy", transform="asinh", lowest=0),
            low=0,
            high=100,
        ),
    ]
    named = [(source.task.name, source) for source in main]
    named.append(("space_group_extra", _cubic(_SPACE_GROUP, "from_one")))
    named.append(("crystal_system_extra", _cubic(_CRYSTAL_SYSTEM, "crystal_system")))
    return named


#: The built-in sources by name: that of their task, except `space_group_extra` and `crystal_system_extra`, which
#: feed `space_group` and `crystal_system` where the Materials Project knows none.
PROPERTY_SOURCES: Mapping[str, PropertySource] = dict(_sources())
