"""Applies templates to products, in parallel and with a cache of outcomes.

Templates are applied by rdchiral-plus, which keeps stereochemistry (Coley et al., J. Chem. Inf. Model. 59, 2529, 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rrgraph.data import cache_folder
from rrgraph.organic.batches import map_batches, split_batches
from rrgraph.organic.chemistry.molecules import MoleculeError, canonical_reactants, import_rdchiral
from rrgraph.organic.chemistry.text_cache import TextCache, cache_key

__all__ = ["TemplateApplier", "apply_template", "default_cache", "quietly"]

Outcomes = tuple[str, ...]
"""Canonical sets of reactants that a template gives, in rdchiral's order, without repetition."""

_BATCH_SIZE: Final = 32
_SMALL: Final = 100
"""Atoms of a molecule to which every template is applied; the largest of USPTO-50k has 97."""
_MOST_WORK: Final = 4000
"""Matches of a template times atoms of a larger molecule; a template that matches more often gives no outcomes."""


def apply_template(template: str, product: str) -> Outcomes:
    """Return the outcomes of a template for a product, empty if it does not match or cannot be applied."""
    return _apply(template, _reactants(product))


def default_cache() -> Path:
    """Return the file of outcomes in the user's cache, see `cache_file`."""
    return cache_file("outcomes")


def cache_file(name: str) -> Path:
    """Return a file in the user's cache, one for each version of RDKit and rdchiral-plus.

    Raises:
        ConfigError: rdchiral-plus is not installed.
    """
    import_rdchiral()
    versions = f"rdkit{version('rdkit')}-rdchiral{version('rdchiral-plus')}"
    return cache_folder() / "organic" / f"{name}-{versions}.sqlite"


class TemplateApplier:
    """Apply many templates to many products.

    Args:
        cache: file that stores outcomes, created if missing; None for no cache.
        jobs: number of processes.

    Raises:
        ConfigError: rdchiral-plus is not installed.
    """

    def __init__(self, *, cache: Path | None = None, jobs: int = 1) -> None:
        import_rdchiral()
        self.cache = _Cache(cache) if cache is not None else None
        self.jobs = jobs

    def __call__(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Outcomes]]:
        """Return the outcomes of the templates of each product.

        Args:
            wanted: templates by product (canonical SMILES).

        Raises:
            DataError: a process died, or the cache cannot be written.
        """
        found: dict[str, dict[str, Outcomes]] = {product: {} for product in wanted}
        if self.cache is not None:
            for product, templates in wanted.items():
                found[product] = self.cache.read(product, templates)
        missing = {
            product: [template for template in dict.fromkeys(templates) if template not in found[product]]
            for product, templates in wanted.items()
        }
        missing = {product: templates for product, templates in missing.items() if templates}
        batches = list(_batches(missing))
        for _, result in map_batches(_apply_batch, batches, jobs=self.jobs, title="applying templates"):
            for product, outcomes in result.items():
                found[product] |= outcomes
                if self.cache is not None:
                    self.cache.write(product, outcomes)
        return found


class _Cache:
    """Outcomes by product and template."""

    def __init__(self, path: Path) -> None:
        self.texts = TextCache(path, "applied templates")

    def read(self, product: str, templates: Sequence[str]) -> dict[str, Outcomes]:
        """Return the stored outcomes of templates of a product."""
        keys = {cache_key(product, template): template for template in templates}
        found = self.texts.read(list(keys))
        return {keys[key]: tuple(sets.split("\n")) if sets else () for key, sets in found.items()}

    def write(self, product: str, outcomes: Mapping[str, Outcomes]) -> None:
        """Store the outcomes of templates of a product."""
        self.texts.write({cache_key(product, template): "\n".join(sets) for template, sets in outcomes.items()})


def _batches(wanted: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Sequence[str]]]:
    for batch in split_batches(list(wanted), _BATCH_SIZE):
        yield {product: wanted[product] for product in batch}


def _apply_batch(wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Outcomes]]:
    found = {}
    for product, templates in wanted.items():
        prepared = _reactants(product)
        found[product] = {template: _apply(template, prepared) for template in templates}
    return found


@cache
def _rdchiral() -> Any:
    """Return the module, checked only once."""
    return import_rdchiral()


def _reactants(product: str) -> Any:
    return _rdchiral().rdchiralReactants(product)


@lru_cache(maxsize=20_000)
def _reaction(template: str) -> Any:
    """Return the reaction of a template, None if it cannot be read."""
    return quietly(_rdchiral().rdchiralReaction, template)


def _apply(template: str, prepared: Any) -> Outcomes:
    reaction = _reaction(template)
    if reaction is None or _takes_long(reaction, prepared):
        return ()
    found = quietly(_rdchiral().rdchiralRun, reaction, prepared) or ()
    return tuple(dict.fromkeys(_canonical(found)))


def _takes_long(reaction: Any, prepared: Any) -> bool:
    """Whether a template matches a large molecule so often that its outcomes take many seconds."""
    molecule = prepared.reactants_achiral
    atoms = molecule.GetNumAtoms()
    pattern = reaction.fast_reactant_smarts
    if atoms <= _SMALL or not pattern:
        return False
    most = _MOST_WORK // atoms
    return bool(len(molecule.GetSubstructMatches(pattern, maxMatches=most + 1)) > most)


def _canonical(outcomes: Iterable[str]) -> Iterator[str]:
    for outcome in outcomes:
        try:
            yield canonical_reactants(outcome)
        except MoleculeError:
            continue


def quietly(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call rdchiral or RDKit and return None for any of the errors they raise for templates they cannot handle."""
    from rdkit.rdBase import BlockLogs

    silence = BlockLogs()
    try:
        return function(*arguments)
    except (ValueError, RuntimeError, KeyError, IndexError, AssertionError):
        return None
    finally:
        del silence
