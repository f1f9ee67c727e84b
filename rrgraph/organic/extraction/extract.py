"""Extracts the templates of reactions, merges equal ones and checks that each gives back its reactants."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pandas as pd

from rrgraph.data import TEST, TRAIN, VALIDATION
from rrgraph.organic.batches import map_batches, split_batches
from rrgraph.organic.chemistry.application import TemplateApplier, quietly
from rrgraph.organic.chemistry.molecules import MoleculeError, import_rdchiral
from rrgraph.organic.chemistry.template_key import merge_templates, template_key
from rrgraph.organic.extraction.mapping import AtomMapper
from rrgraph.organic.extraction.reactions import CleanReaction, RawReaction, ReactionError, clean_reaction
from rrgraph.util.files import atomic_path
from rrgraph.util.progress import track

__all__ = ["LIBRARY_SUFFIXES", "Extraction", "TemplateRow", "extract_template", "extract_templates"]

#: Endings of the files that `Extraction.write_library` writes.
LIBRARY_SUFFIXES: Final = (".csv", ".csv.gz")

_BATCH_SIZE: Final = 32
_HELD_OUT: Final = 10
"""One product of so many is for validation, and one for the test, where the file does not say."""


@dataclass(frozen=True)
class TemplateRow:
    """A reaction with its template.

    Attributes:
        line: of the file.
        product: canonical SMILES.
        reactants: canonical SMILES, sorted and joined by dots.
        template: reaction SMARTS, product side first.
        confidence: of the atom maps, from 0 to 1; None if the file has them.
        subset: word for the subset, None if the file does not say.
    """

    line: int
    product: str
    reactants: str
    template: str
    confidence: float | None = None
    subset: str | None = None


@dataclass(frozen=True)
class Extraction:
    """What became of the reactions of a file.

    Attributes:
        rows: distinct reactions with their templates.
        lost: the others, with what is said about each.
        counts: numbers of reactions by what was done with them.
        reasons: numbers of lost reactions by reason.
    """

    rows: tuple[TemplateRow, ...]
    lost: tuple[tuple[RawReaction, str], ...]
    counts: Mapping[str, int]
    reasons: Mapping[str, int]

    def to_frame(self) -> pd.DataFrame:
        """Return a table for training, in which every row has a subset.

        Where the file does not say which, a tenth of the products is for validation and another for the test, chosen by
        a checksum, at least one each; reactions of one product stay together.
        """
        open_products = {row.product for row in self.rows if row.subset is None}
        chosen = sorted(open_products, key=lambda product: (crc32(product.encode()), product))
        count = -(-len(chosen) // _HELD_OUT)
        subsets = dict.fromkeys(chosen, TRAIN.word)
        subsets |= dict.fromkeys(chosen[:count], TEST.word)
        subsets |= dict.fromkeys(chosen[count : 2 * count], VALIDATION.word)
        return pd.DataFrame(
            {
                "product": row.product,
                "reactants": row.reactants,
                "template": row.template,
                "split": row.subset or subsets[row.product],
                "line": row.line,
                "confidence": row.confidence,
            }
            for row in self.rows
        )

    def write_library(self, path: str | os.PathLike[str]) -> None:
        """Write the distinct templates, the most frequent first, in the form that AiZynthFinder reads.

        The file has tabs between its columns: a number from 0, `retro_template`, `template_hash`, `library_occurrence`.

        Raises:
            DataError: the file cannot be written.
        """
        counts = Counter(row.template for row in self.rows)
        library = pd.DataFrame(
            {"retro_template": template, "template_hash": template_key(template), "library_occurrence": count}
            for template, count in counts.most_common()
        )
        text = library.to_csv(sep="\t").encode()
        with atomic_path(path) as temporary:
            Path(temporary).write_bytes(gzip.compress(text, mtime=0) if os.fspath(path).endswith(".gz") else text)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON."""
        return {**self.counts, "lost": len(self.lost), "reasons": dict(self.reasons)}

    def __str__(self) -> str:
        counts = self.counts
        lines = [
            f"{counts['read']:,} reactions, {counts['mapped']:,} with atom maps, {counts['mapped_here']:,} mapped here",
            f"{counts['kept']:,} kept, {counts['repeated']:,} repeated",
            f"{counts['templates']:,} templates ({counts['spellings']:,} before equal ones were merged)",
            f"{len(self.lost):,} lost",
        ]
        lines += [f"  {number:,}: {reason}" for reason, number in self.reasons.items()]
        return "\n".join(lines)


def extract_template(reaction: CleanReaction) -> str:
    """Return the retrosynthetic template of a mapped reaction.

    >>> ester = clean_reaction("[CH3:1][C:2](=[O:3])O.[OH:4][CH3:5]>>[CH3:1][C:2](=[O:3])[O:4][CH3:5]")
    >>> extract_template(ester)
    '[C:2]-[C;H0;D3;+0:1](=[O;D1;H0:3])-[O;H0;D2;+0:5]-[CH3;D1;+0:4]>>O-[C;H0;D3;+0:1](-[C:2])=[O;D1;H0:3].[CH3;D1;+0:4]-[OH;D1;+0:5]'

    Raises:
        ConfigError: rdchiral-plus is not installed.
        ReactionError: there is none.
    """
    import_rdchiral()
    from rdchiral.template_extractor import extract_from_reaction

    given = {
        "reactants": ".".join(reaction.contributors()),
        "products": reaction.product,
        "spectators": "",
        "_id": None,
    }
    found = quietly(extract_from_reaction, given)
    template = found["reaction_smarts"] if found else ""
    if not template:
        raise ReactionError("no atom changes, or rdchiral-plus finds no template")
    return str(template)


def extract_templates(
    reactions: Sequence[RawReaction], *, mapper: AtomMapper | None, applier: TemplateApplier
) -> Extraction:
    """Clean reactions, map atoms where maps are missing, and extract their templates.

    Args:
        reactions: of a file.
        mapper: maps atoms; without one, reactions without maps are lost.
        applier: checks the templates; its processes also extract them.

    Raises:
        DataError: a process died, or a cache cannot be used.
    """
    lost: list[tuple[RawReaction, ReactionError]] = []
    cleaned: list[tuple[RawReaction, CleanReaction, float | None]] = []
    unmapped: list[tuple[RawReaction, CleanReaction]] = []
    for raw in track(reactions, "reading reactions", total=len(reactions)):
        try:
            if raw.error is not None:
                raise ReactionError("the row cannot be read", raw.error)
            clean = clean_reaction(raw.text)
        except ReactionError as error:
            lost.append((raw, error))
        else:
            if clean.is_mapped:
                cleaned.append((raw, clean, None))
            else:
                unmapped.append((raw, clean))
    counts = {"read": len(reactions), "mapped": len(cleaned)}
    found = mapper([clean.unmapped() for _, clean in unmapped]) if mapper is not None and unmapped else {}
    for raw, clean in unmapped:
        entry = found.get(clean.unmapped())
        mapped = None if entry is None else _clean_again(entry[0])
        if entry is None or mapped is None:
            lost.append((raw, ReactionError("its atoms are not mapped")))
        else:
            cleaned.append((raw, mapped, entry[1]))
    counts["mapped_here"] = len(cleaned) - counts["mapped"]
    cleaned.sort(key=lambda each: each[0].row.line)
    extracted = _extracted([clean for _, clean, _ in cleaned], jobs=applier.jobs)
    rows: list[tuple[RawReaction, TemplateRow]] = []
    for (raw, _, confidence), outcome in zip(cleaned, extracted, strict=True):
        if isinstance(outcome, ReactionError):
            lost.append((raw, outcome))
        else:
            rows.append((raw, TemplateRow(raw.row.line, *outcome, confidence=confidence, subset=raw.subset)))
    rows, failed = _checked(rows, applier)
    lost = sorted([*lost, *failed], key=lambda each: each[0].row.line)
    distinct: dict[_Found, TemplateRow] = {}
    for _, row in rows:
        distinct.setdefault((row.product, row.reactants, row.template), row)
    kept = tuple(distinct.values())
    counts |= {
        "kept": len(kept),
        "repeated": len(rows) - len(kept),
        "templates": len({row.template for row in kept}),
        "spellings": len({outcome[2] for outcome in extracted if not isinstance(outcome, ReactionError)}),
    }
    reasons = Counter(error.reason for _, error in lost)
    return Extraction(
        rows=kept,
        lost=tuple((raw, str(error)) for raw, error in lost),
        counts=counts,
        reasons=dict(reasons.most_common()),
    )


def _clean_again(mapped: str) -> CleanReaction | None:
    """Return a reaction that was mapped here, None if not all atoms of its product are."""
    try:
        clean = clean_reaction(mapped)
    except ReactionError:
        return None
    return clean if clean.is_mapped else None


_Found = tuple[str, str, str]
"""Product, reactants and template."""


def _extracted(reactions: Sequence[CleanReaction], *, jobs: int) -> list[_Found | ReactionError]:
    batches = split_batches(reactions, _BATCH_SIZE)
    results = dict(map_batches(_extract_batch, batches, jobs=jobs, title="extracting templates"))
    return [each for index in sorted(results) for each in results[index]]


def _extract_batch(reactions: Sequence[CleanReaction]) -> list[_Found | ReactionError]:
    found: list[_Found | ReactionError] = []
    for reaction in reactions:
        try:
            found.append((*reaction.recorded(), extract_template(reaction)))
        except ReactionError as error:
            found.append(error)
        except MoleculeError as error:
            found.append(ReactionError("a molecule cannot be read", str(error)))
    return found


def _checked(
    rows: Sequence[tuple[RawReaction, TemplateRow]], applier: TemplateApplier
) -> tuple[list[tuple[RawReaction, TemplateRow]], list[tuple[RawReaction, ReactionError]]]:
    """Return the rows with merged templates that give back their reactants, and the others."""
    merged = merge_templates(Counter(row.template for _, row in rows))
    rows = [(raw, replace(row, template=merged[row.template])) for raw, row in rows]
    wanted: dict[str, list[str]] = {}
    for _, row in rows:
        wanted.setdefault(row.product, []).append(row.template)
    outcomes = applier(wanted)
    kept, failed = [], []
    for raw, row in rows:
        if row.reactants in outcomes[row.product][row.template]:
            kept.append((raw, row))
        else:
            failed.append((raw, ReactionError("its template does not give back its reactants", row.template)))
    return kept, failed
