"""The catalogue of named tables: their origin, their licence, and their path on this computer."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import platformdirs

from rrgraph.data.splitting import system_fifths
from rrgraph.data.subsets import HOLDOUT, SUBSET_NAMES, TEST, VALIDATION
from rrgraph.data.table import ReactionTable
from rrgraph.errors import DataError, suggestion
from rrgraph.util.files import sha256_file
from rrgraph.util.rows import Row
from rrgraph.util.tabular import READ_SUFFIXES, SUFFIXES

__all__ = [
    "CATALOGUE",
    "MEASURED_ROWS",
    "CatalogueEntry",
    "PublishedFile",
    "cache_folder",
    "data_checksum",
    "data_path",
    "embedded_file",
    "entry",
    "load_table",
]

#: Name of the environment variable that points to a folder of already downloaded tables.
FOLDER_VARIABLE = "RRGRAPH_DATA"

#: Tables inside the package by name: precursors of the textbook, and distinct reactions of the literature.
EMBEDDED = {"textbook": "textbook.csv", "literature": "literature/literature.csv.gz"}


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A file that a catalogued one is prepared from.

    Attributes:
        url: public address of exactly this file, fixed to a commit.
        sha256: of the file.
        size: in bytes.
    """

    url: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One named file.

    Attributes:
        name: used in commands and configurations.
        path: relative to `RRGRAPH_DATA` and to the user cache.
        description: one sentence.
        origin: its authors and where it is published.
        licence: of the data.
        url: public address of exactly this file, fixed to a commit; empty for a file that was prepared from others.
        sha256: of the published file, from two independent sources; empty if not known.
        size: of the published file in bytes, 0 if not known.
        recipe: for a prepared file, what it was made from.
        parts: for a file that `rrgraph data fetch` prepares, those that it is joined from: reactions with numbered
            precursors, and the precursors by number.
        columns: those of a joined table; `split` is called `type` in the published file.
        misprints: formulas of targets that hold a slip of the pen, and what is meant.
        fifths: for a subset of a table, which fifths of its element systems it has, see `system_fifths`; empty for all.
    """

    name: str
    path: str
    description: str
    origin: str
    licence: str
    url: str = ""
    sha256: str = ""
    size: int = 0
    recipe: str = ""
    parts: tuple[PublishedFile, ...] = ()
    columns: tuple[str, ...] = ("target", "precursors", "year", "doi")
    misprints: tuple[tuple[str, str], ...] = ()
    fifths: tuple[int, ...] = ()

    @property
    def can_be_fetched(self) -> bool:
        """Whether there is a public address."""
        return bool(self.url or self.parts)


_ELEMWISE = (
    "https://raw.githubusercontent.com/Xiafyjck/auto_ElemwiseRetro/3402506280f48713d3298ddc184fa061c2673ed4/"
    "data_processing/raw/"
)
_KONONOVA = "Kononova et al., Scientific Data 6, 203 (2019)"
_CRABNET = "Wang et al., npj Computational Materials 7, 77 (2021), github.com/anthony-wang/CrabNet"
#: Subsets of the curated table: fifths of its element systems, and what they are for.
_CURATED = {
    "": ((), ""),
    "_training": ((2, 3, 4), ": three fifths of their element systems, to learn from"),
    f"_{VALIDATION.word}": ((0,), ": a fifth of their element systems, to choose on"),
    f"_{TEST.word}": ((1,), ": a fifth of their element systems, to report once"),
}
#: Tables of the CrabNet benchmark (columns formula, value, part), each with its property and number of rows.
_BENCHMARKS = {
    "mp_mu_b": "Total magnetisation (µB/cell) of 56,662 Materials Project compositions",
    "mp_e_hull": "Energy above the convex hull (eV/atom) of 56,662 Materials Project compositions",
    "mp_bulk_modulus": "Bulk modulus (GPa) of 6,307 Materials Project compositions",
    "mp_shear_modulus": "Shear modulus (GPa) of 6,184 Materials Project compositions",
    "mp_elastic_anisotropy": "Elastic anisotropy of 6,331 Materials Project compositions",
    "OQMD_Bandgap": "Band gap (eV) of 341,608 OQMD compositions",
    "OQMD_Energy_per_atom": "Total energy (eV/atom) of 102,510 OQMD compositions, validation and test rows only",
    "OQMD_Formation_Enthalpy": "Formation energy (eV/atom) of 102,510 OQMD compositions, validation and test rows only",
    "OQMD_Volume_per_atom": "Volume (Å³/atom) of 102,510 OQMD compositions, validation and test rows only",
    "aflow__Egap": "Band gap (eV) of 27,577 AFLOW compositions",
    "aflow__energy_atom": "Total energy (eV/atom) of 27,579 AFLOW compositions",
    "aflow__ael_debye_temperature": "Debye temperature (K) of 4,896 AFLOW compositions",
    "aflow__agl_thermal_conductivity_300K": "Thermal conductivity (W/(m K)) at 300 K of 4,887 AFLOW compositions",
    "aflow__agl_thermal_expansion_300K": "Thermal expansion (1/K) at 300 K of 4,886 AFLOW compositions",
}
_ENTRIES = (
    CatalogueEntry(
        name="text_mined",
        path="reactions/text_mined_reactions.csv.gz",
        description="Solid-state reactions text-mined from the literature, variables expanded to one row each.",
        origin=f"{_KONONOVA}; He et al., Science Advances 9, eadg8180 (2023)",
        licence="CC BY 4.0",
        recipe="data_processing/raw/ceder_split.csv of github.com/Xiafyjck/auto_ElemwiseRetro at commit 3402506",
        parts=(
            PublishedFile(
                url=_ELEMWISE + "ceder_split.csv",
                sha256="31374da70fa6f903a667e411e51df3ce9cb363249c69ace8ee02e0c8b8f3c769",
                size=3_435_017,
            ),
            PublishedFile(
                url=_ELEMWISE + "ceder_precursor_id.json",
                sha256="d6020b875737f90586ddc6ce72325a7a846e81878e1d5183ef8521ebe2400668",
                size=29_578,
            ),
        ),
    ),
    CatalogueEntry(
        name="text_mined_recipes",
        path="reactions/solid-state_dataset_2019-12-03.json.xz",
        description="Raw text-mined solid-state recipes with variables, operations and conditions.",
        origin=_KONONOVA,
        licence="CC BY 4.0",
        url=(
            "https://raw.githubusercontent.com/CederGroupHub/text-mined-synthesis_public/"
            "fca0a994ddb36b37d39b803e8a21880aaecb1d71/solid-state_dataset_2019-12-03.json.xz"
        ),
        sha256="7559aafabfbe6be5ceef5cfeb5cbf046ce95f10c1ae0b3536d4e5eb427777e94",
        size=3_391_040,
    ),
    CatalogueEntry(
        name="retrieval_retro",
        path="reactions/retro_split.csv.gz",
        description="Text-mined reactions in the year split of Retrieval-Retro (column `split`).",
        origin=f"{_KONONOVA}; split of Noh et al., Retrieval-Retro, NeurIPS 2024",
        licence="CC BY 4.0",
        recipe="data_processing/raw/retro_split.csv of github.com/Xiafyjck/auto_ElemwiseRetro at commit 3402506",
        parts=(
            PublishedFile(
                url=_ELEMWISE + "retro_split.csv",
                sha256="38a5c24fd69673ed4bf1caae543d5cff176b46f06b54bb32476444fe2c9de110",
                size=1_965_116,
            ),
            PublishedFile(
                url=_ELEMWISE + "retro_precursor_id.json",
                sha256="9c6b4a58ecfbeec3a9507746f82b066031cb070266fc23472716b844f1e43033",
                size=22_500,
            ),
        ),
        columns=("target", "precursors", "year", "split"),
    ),
    CatalogueEntry(
        name="nms_validation",
        path="reactions/nms_val_753.csv",
        description="The 753 Novel Material Systems validation rows of Retro-Rank-In.",
        origin="Prein et al., Retro-Rank-In (2025)",
        licence="MIT",
        recipe=(
            "datasets/dataset_w_candidates_w_val_unique_systems_hard/val.csv of "
            "github.com/janik-j/LM-Dataset-Generation at commit 8b77187"
        ),
        misprints=(("Ce4(SiS406)3", "Ce4(SiS4O6)3"),),
    ),
    *(
        CatalogueEntry(
            name=f"curated{suffix}",
            path="reactions/curated_oxides.csv",
            description=f"Solid-state syntheses of ternary oxides, read from the literature by a person{purpose}.",
            origin="Chung, Walsh and Payne, github.com/vchung1263/solid_state_synthesizability_public",
            licence="not stated",
            recipe="the syntheses in github.com/vchung1263/solid_state_synthesizability_public, one a row",
            fifths=fifths,
        )
        for suffix, (fifths, purpose) in _CURATED.items()
    ),
    CatalogueEntry(
        name="precursor_pool",
        path="reactions/precursor_pool.txt",
        description="1,321 precursor formulas, one a line: the union of Retro-Rank-In's candidate lists.",
        origin="Prein et al., Retro-Rank-In (2025)",
        licence="MIT",
        recipe="the candidate lists in github.com/janik-j/LM-Dataset-Generation at commit 8b77187",
    ),
    CatalogueEntry(
        name="materials_project",
        path="properties/mp_merged.csv.gz",
        description="Formation energies, band gaps and hull distances of 143,606 Materials Project entries.",
        origin="Jain et al., APL Materials 1, 011002 (2013)",
        licence="CC BY 4.0",
        recipe="values of the Materials Project, joined from several public repositories",
    ),
    *(
        CatalogueEntry(
            name=name,
            path=f"properties/{name}.csv.gz",
            description=f"{description}.",
            origin=_CRABNET,
            licence="MIT",
            recipe=f"the train, val and test tables of {name} in github.com/anthony-wang/CrabNet, joined",
        )
        for name, description in _BENCHMARKS.items()
    ),
    CatalogueEntry(
        name="formula_spacegroup_extra",
        path="properties/formula_spacegroup_extra.csv.gz",
        description="Space groups of 17,367 cubic compositions.",
        origin="a public space-group data set",
        licence="not stated",
        recipe="cubic entries of a public space-group data set (columns reduced_formula, space_group, source)",
    ),
    CatalogueEntry(
        name="uspto_50k",
        path="organic/USPTO_50k_MHN_prepro.csv.gz",
        description="50,016 patent reactions with their templates, USPTO-50k as prepared for MHNreact.",
        origin="Seidl et al., J. Chem. Inf. Model. 62, 2111 (2022), from patents collected by Lowe",
        licence="BSD-like; patents are in the public domain",
        url=(
            "https://github.com/ml-jku/mhn-react/raw/de0fda32f76f866835aa65a6ff857964302b2178/data/"
            "USPTO_50k_MHN_prepro.csv.gz"
        ),
        sha256="be7a15e61a8c22cd2bf48be8ce710bbe98843a60a8cf7b3d2d1b667768253c23",
        size=2_817_431,
    ),
)

#: Every entry by name.
CATALOGUE: Mapping[str, CatalogueEntry] = {item.name: item for item in _ENTRIES}


def entry(name: str) -> CatalogueEntry:
    """Return a catalogue entry; hyphens may be used instead of underscores.

    Raises:
        DataError: there is no entry of that name.
    """
    try:
        return CATALOGUE[name.replace("-", "_")]
    except KeyError:
        known = ", ".join(CATALOGUE)
        near = suggestion(name, CATALOGUE)
        raise DataError(f"There is no catalogued table '{name}', expected one of {known}.{near}") from None


def cache_folder() -> Path:
    """Return the folder of fetched tables."""
    return Path(platformdirs.user_cache_dir("rrgraph"))


def data_path(name: str) -> Path:
    """Return the path of a catalogued file: in `RRGRAPH_DATA` if it is there, else in the user cache.

    Files in `RRGRAPH_DATA` belong to the user and are not checked; the checksum of a fetched file is verified again.

    Raises:
        DataError: the file is in neither folder (the message says how to get it), or has changed since it was fetched.
    """
    wanted = entry(name)
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder and (Path(folder) / wanted.path).is_file():
        return Path(folder) / wanted.path
    cached = cache_folder() / wanted.path
    if cached.is_file():
        expected = recorded_checksum(wanted, cached)
        if expected and sha256_file(cached) != expected:
            raise DataError(f"'{cached}' has changed since it was fetched: run `rrgraph data fetch {name}` again.")
        return cached
    beside = f" (looked in '{folder}' and '{cache_folder()}')" if folder else ""
    if wanted.can_be_fetched:
        raise DataError(f"Table '{name}' is not on this computer{beside}: run `rrgraph data fetch {name}`.")
    raise DataError(
        f"Table '{name}' is not on this computer{beside}: put it at '{wanted.path}' in the folder given by "
        f"{FOLDER_VARIABLE}; it is prepared from {wanted.recipe}."
    )


def recorded_checksum(wanted: CatalogueEntry, file: Path) -> str:
    """Return the expected checksum of a fetched file: from the catalogue, or as recorded when it was fetched."""
    note = checksum_note(file)
    if wanted.sha256 or not note.is_file():
        return wanted.sha256
    return note.read_text(encoding="utf-8").split()[0]


def checksum_note(file: Path) -> Path:
    """Return the path of the file that records the checksum of a fetched file."""
    return file.with_name(file.name + ".sha256")


def embedded_file(name: str) -> AbstractContextManager[Path]:
    """Return a context that gives the path of a table of the package, one of `EMBEDDED`."""
    return resources.as_file(resources.files("rrgraph.data") / EMBEDDED[name])


def load_table(
    name_or_path: str | os.PathLike[str], *, target: str | None = None, refused: list[Row] | None = None
) -> ReactionTable:
    """Read a reaction table: `textbook` or `literature` (parts of the package), a catalogued table, or a file.

    Args:
        name_or_path: name of a table of the package or of a catalogued one, or the path of a file.
        target: the column with the targets, if it has another name.
        refused: takes the rows that are not usable; without it they are an error.

    Raises:
        DataError: there is neither such a name nor such a file, or it is not a reaction table.

    Examples:
        >>> load_table("textbook")[0].target.formula
        'Ba3UO6'
    """
    name = os.fspath(name_or_path)
    if name in EMBEDDED:
        with embedded_file(name) as path:
            return ReactionTable.read(path, target=target, refused=refused)
    tables = [item.name for item in CATALOGUE.values() if item.path.endswith(SUFFIXES) and "reactions/" in item.path]
    if name in tables:
        table = ReactionTable.read(data_path(name), target=target, refused=refused)
        table.frame["target"] = table.frame["target"].replace(dict(CATALOGUE[name].misprints))
        fifths = CATALOGUE[name].fifths
        return table.select(np.isin(system_fifths(table), fifths)) if fifths else table
    if name in CATALOGUE:
        raise DataError(f"'{name}' is not a reaction table but the catalogued file '{CATALOGUE[name].path}'.")
    if not name.lower().endswith((*SUFFIXES, *READ_SUFFIXES)) and not Path(name).exists():
        choices = [*EMBEDDED, *tables]
        raise DataError(
            f"'{name}' is neither a file nor a named reaction table, expected a path or one of {', '.join(choices)}."
            f"{suggestion(name, choices)}"
        )
    return ReactionTable.read(name, target=target, refused=refused)


def data_checksum(name_or_path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a table of the package, of a catalogued file or of the file at a path.

    Raises:
        DataError: there is neither such a name nor such a file.
    """
    name = os.fspath(name_or_path)
    if name in EMBEDDED:
        with embedded_file(name) as path:
            return sha256_file(path)
    path = data_path(name) if name in CATALOGUE else Path(name)
    if not path.is_file():
        raise DataError(f"There is no file '{path}'.")
    return sha256_file(path)


class _MeasuredRows(Collection[str]):
    """Rows that a run can be measured on: it lists subsets and catalogued reactions, and contains every file too.

    Example:
        >>> "nms_validation" in MEASURED_ROWS, "mine.csv" in MEASURED_ROWS, "train" in MEASURED_ROWS
        (True, True, False)
    """

    def __iter__(self) -> Iterator[str]:
        yield from (*SUBSET_NAMES[1:], HOLDOUT, *EMBEDDED)
        yield from (each.name for each in _ENTRIES if each.path.startswith("reactions/") and _is_table(each.path))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in list(self) or _is_table(name))


def _is_table(path: str) -> bool:
    return path.endswith((*SUFFIXES, *READ_SUFFIXES))


MEASURED_ROWS: Final = _MeasuredRows()
"""What `evaluation.subsets` may name: validation and test rows, those of `data.holdout`, and tables of reactions."""
