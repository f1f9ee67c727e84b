"""Cards of runs: what a model was trained on, how well it does and where, what its probabilities mean, its limits.

The card of a baseline says what the system does and how well.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from textwrap import fill
from typing import TYPE_CHECKING

from rrgraph.data import CATALOGUE, Split
from rrgraph.links import NO_CONTEXT
from rrgraph.models import external_parts
from rrgraph.nn import CLASS_PRIOR, NO_PRIOR, TRANSFORMER
from rrgraph.planning import LISTWISE
from rrgraph.runs.cards.external_metrics import MeasuredRun, measured_runs
from rrgraph.runs.cards.tables import (
    calibration_table,
    comparison_table,
    lead_table,
    learned_rows,
    reliability_tables,
    seed_table,
    strata_tables,
)
from rrgraph.runs.config import BaselineConfig, DataConfig, RunConfig
from rrgraph.runs.data import Prepared, RunData
from rrgraph.training import LAMBDARANK
from rrgraph.util.config import MODEL
from rrgraph.util.markdown import markdown_code, markdown_text
from rrgraph.version import __version__

if TYPE_CHECKING:
    from rrgraph.reranking import EnsembleReranker
    from rrgraph.runs.measure import Comparison

__all__ = ["baseline_card", "model_card"]

_PRIORS = {
    NO_PRIOR: "",
    "unseen": ", plus a constant for candidates that no training reaction uses",
    CLASS_PRIOR: ", plus a constant for each class of candidate that no training reaction uses",
}

_LIMITS = """\
## Limits

- It ranks what the literature tends to do. A high rank is not evidence that a synthesis works, and failed syntheses
  are not in the data.
- Temperatures, times, {atmospheres}polymorphs and particle sizes are not considered; {seen}.
- Recorded sets extracted from text by machine contain errors.
- Precursors never seen in training are scored by their composition alone, and less reliably.
- Link probabilities are relative to the negatives of training; compare them within one target.
"""

_SEEN = {
    False: {"atmospheres": "atmospheres, ", "seen": "a composition is all it sees"},
    True: {"atmospheres": "", "seen": "it sees a composition, and\n  the atmosphere if it is given"},
}

_LEADS = """
Lead of the model over each baseline in points, on the same rows (paired bootstrap over targets; two-sided p-values,
which 2,000 resamples cannot show below 0.001):

"""

_SEEDS = """
Mean and standard deviation over runs of several seeds; the other tables are those of the first:

"""

_STRATA = """\
## Where it does well, and where not

A distance is the number of elements to add to the target's element system, or to remove from it, to reach that of the
nearest training target; 0 is a known system. Intervals of kinds with few rows are wide.

"""

_PRODUCTS = """\
The probability of a set is the product of the link probabilities of its members (Retro-Rank-In eq. 5). Links were
learned against sampled negatives and are taken as independent: alternatives for one element do not exclude each other,
so the probabilities of a target's sets need not add up to 1. They order the sets of one target.
"""

_UNUSED_SCORER = """
These are the probabilities that were measured here. With mode `listwise` the re-ranker gives each set its own.
"""

_NORMALISED = """\
The probability of a set is that of being the one that the literature records for the target. The candidate sets of a
target exclude each other: their probabilities, and the probability that none of them is recorded, add up to 1. Sets
that the options of a plan forbid keep theirs. A target with several recorded sets divides its probability among them;
where the size is known, all of it is divided among sets of that size. It is not the chance that a synthesis works.

"""

_CALIBRATION = """
Calibration error is the mean difference between the probability of sets and the share of them that are recorded for the
target, under the protocol's own idea of truth:

"""


def model_card(
    config: RunConfig, prepared: RunData, comparison: Comparison, *, reranker: EnsembleReranker | None = None
) -> str:
    """Return the card of a model as Markdown.

    Args:
        config: of the run; runs that `evaluation.card_from` names are read.
        prepared: the data.
        comparison: what was measured.
        reranker: of the model, if it has one.
    """
    external = measured_runs(config)
    shown = comparison | _by_split(external)
    sections = [
        _stages(config, prepared.split, reranker),
        _needs(config),
        _data(config.data, prepared),
        _metrics("" if comparison else _unmeasured(prepared.split, external), shown)
        + _after(_SEEDS, seed_table(external)),
        _after(_STRATA, strata_tables(shown)),
        _probabilities(_meaning(config, prepared.split, reranker), shown),
        _LIMITS.format(**_SEEN[config.reranker.enabled and config.reranker.atmosphere]),
    ]
    return "\n".join(section for section in sections if section)


def baseline_card(config: BaselineConfig, data: RunData, comparison: Comparison, *, about: str) -> str:
    """Return the card of a comparison system as Markdown.

    Args:
        config: of the run.
        data: the rows it was fitted to and measured on.
        comparison: what was measured.
        about: what the system does.
    """
    given = ", ".join(markdown_code(f"{name}={value}") for name, value in config.options.items())
    named = {
        subset: {protocol: {config.baseline: systems[MODEL]} for protocol, systems in protocols.items()}
        for subset, protocols in comparison.items()
    }
    reason = "" if comparison else _unmeasured(data.split, ())
    sections = [
        f"# Baseline card: {markdown_text(config.name)}\n\nComparison system `{config.baseline}` of rrgraph "
        f"{__version__}, seed {config.seed}; options: {given or 'all as they are by default'}.\n\n{about}\n",
        _data(config.data, data),
        f"## Metrics\n\n{reason}{_accuracy(named)}",
        _after(_STRATA, strata_tables(comparison)),
    ]
    return "\n".join(section for section in sections if section)


def _stages(config: RunConfig, split: Split, reranker: EnsembleReranker | None) -> str:
    model = config.model
    encoder = "a composition encoder" if model.encoder == TRANSFORMER else f"the `{model.encoder}` encoder"
    if model.pretrained:
        encoder = f"the pretrained encoder {markdown_code(model.pretrained)}"
    decoders = f"the `{model.decoder}` decoder"
    if model.n_decoders > 1:
        decoders = (
            f"{model.n_decoders} `{model.decoder}` decoders, each trained without its share of the element systems,"
        )
    statistics = f"{'with' if model.statistics else 'without'} frequency features"
    if model.context != NO_CONTEXT:
        encoder = f"{encoder}, the context `{model.context}`"
    if config.data.has_features:
        named = [*chain(*config.data.node_features.values()), *config.data.edge_features]
        columns = ", ".join(markdown_code(name) for name in dict.fromkeys(named))
        encoder = f"{encoder} with features of the columns {columns}"
    links = f"{encoder} and {decoders} {statistics}{_PRIORS[model.candidate_prior]}"
    head = f"# Model card: {markdown_text(config.name)}\n\nLink model of rrgraph {__version__}, seed {config.seed}"
    if reranker is None:
        return f"{head}: {links}.\n"
    groups = ("redox features", config.reranker.redox), ("the atmosphere", config.reranker.atmosphere)
    read = " and ".join(name for name, wanted in groups if wanted)
    read = f" with {read}" if read else ""
    networks = reranker.network.config.n_networks
    scorer = f", the mean of {networks} networks" if networks > 1 else ""
    if reranker.trees is not None:
        beside = " and" if scorer else ", a network and"
        kind = "LambdaMART" if reranker.tree_objective == LAMBDARANK else "gradient-boosted"
        scorer += f"{beside} {reranker.tree_weight:g} times {len(reranker.trees)} {kind} trees"
    stages = (
        f"1. links get their logits from {links};",
        f"2. a re-ranker{read}{f'{scorer},' if scorer else ''} compares the "
        f'{reranker.candidates} most probable sets of each target and "another set"; its scores are divided by '
        f"{_temperatures(config, split, reranker)}.",
    )
    return "\n".join(
        [f"{head}, in two stages:\n", *(fill(stage, 120, subsequent_indent="   ") for stage in stages), ""]
    )


def _needs(config: RunConfig) -> str:
    """Return which code beside rrgraph the model needs, empty if none."""
    return "".join(
        f"Its {component} comes from {origin}{origin.version and f' {origin.version}'}, without which it cannot be "
        "loaded.\n"
        for component, origin in external_parts(config.model).items()
    )


def _temperatures(config: RunConfig, split: Split, reranker: EnsembleReranker) -> str:
    """Return the temperatures and where they come from."""
    origin = "not fitted, for there are no validation rows"
    if config.reranker.training.temperature:
        origin = "as the configuration says"
    elif len(split.validation):
        origin = f"fitted on the {len(split.validation)} validation rows"
    known_size = f"{reranker.known_size_temperature:.3g} where the size is known"
    return f"the temperature {reranker.temperature:.3g}, or {known_size} ({origin})"


def _data(config: DataConfig, data: RunData) -> str:
    split = data.split
    return f"""\
## Data

Table {markdown_code(config.table)}, split `{config.split}`: {len(split.train)} training,
{len(split.validation)} validation and {len(split.test)} test rows.
Distinct training targets: {len(set(split.train.target_keys))}; precursors: {len(data.seen)}.
Origin of {markdown_code(config.table)}: {_licence(config.table)}.{_further(config, data)}
"""


def _further(config: DataConfig, data: RunData) -> str:
    """Return what further tables are learned from, nothing without any."""
    joined = ", ".join(map(markdown_code, config.further_tables))
    lines = [f"The training rows include those of {joined}."] if joined else []
    if isinstance(data, Prepared):
        lines += [
            f"The re-ranker also learned from {len(each.table)} rows of {markdown_code(each.name)} (weight "
            f"{each.weight:g}): {_licence(each.name)}."
            for each in data.further
        ]
    return "".join(f"\n{line}" for line in lines)


def _metrics(source: str, shown: Comparison) -> str:
    return f"## Metrics\n\n{source}{_accuracy(shown)}{_after(_LEADS, lead_table(shown))}"


def _accuracy(shown: Comparison) -> str:
    return comparison_table(shown) + _after("\n", learned_rows(shown))


def _meaning(config: RunConfig, split: Split, reranker: EnsembleReranker | None) -> str:
    """Return what the probabilities are that the comparison measured."""
    if reranker is None:
        return _PRODUCTS
    if config.evaluation.mode != LISTWISE:
        return _PRODUCTS + _UNUSED_SCORER
    return f"{_NORMALISED}How sharply they differ is set by {_temperatures(config, split, reranker)}.\n"


def _probabilities(meaning: str, shown: Comparison) -> str:
    tables = _after(_CALIBRATION, calibration_table(shown)) + _after("\n", reliability_tables(shown))
    return f"## What the probabilities mean\n\n{meaning}{tables}"


def _after(words: str, tables: str) -> str:
    """Return tables after their introduction, nothing where there are none."""
    return words + tables if tables else ""


def _by_split(runs: Sequence[MeasuredRun]) -> Comparison:
    """Return what several runs measured, each subset with the name of its split; of several seeds that of the first."""
    subsets: Comparison = {}
    for run in runs:
        for subset, protocols in run.comparison.items():
            subsets.setdefault(f"{run.config.data.split} {subset}", protocols)
    return subsets


def _unmeasured(split: Split, external: Sequence[MeasuredRun]) -> str:
    if len(split.validation) or len(split.test):
        reason = "Not measured: evaluation.subsets names no subset of the split that has rows.\n"
    else:
        reason = "Every row was used for training, so nothing is left to measure it on.\n"
    if not external:
        return reason
    runs = "; ".join(
        f"split `{run.config.data.split}`, {run.training_rows} training rows, seed {run.config.seed}"
        for run in external
    )
    return f"{reason}These are the metrics of the same configuration trained on less: {runs}.\n\n"


def _licence(table: str) -> str:
    """Return where a table is from, and its licence."""
    if table == "textbook":
        return "written for rrgraph from general chemical knowledge; licence MIT"
    known = CATALOGUE.get(table)
    return "see its source for the licence" if known is None else f"{known.origin}; licence {known.licence}"
