"""The tables of a model card as Markdown. Shares are in %, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean, stdev
from typing import TYPE_CHECKING, Final

from rrgraph.util.config import MODEL

if TYPE_CHECKING:
    from rrgraph.evaluation import Metrics
    from rrgraph.metrics import Calibration, ReliabilityBin, TopK
    from rrgraph.runs.cards.external_metrics import MeasuredRun
    from rrgraph.runs.measure import Comparison

__all__ = [
    "calibration_table",
    "comparison_table",
    "lead_table",
    "learned_rows",
    "reliability_tables",
    "seed_table",
    "strata_tables",
]

_SHOWN: Final = (1, 10)
"""The k of the tables by row group; the metrics file has all."""


def comparison_table(comparison: Comparison) -> str:
    """Return the accuracy of each system; empty when nothing was measured."""
    rows = [
        [subset, protocol, system, *map(str, metrics.overall.top.values()), str(metrics.overall.rows)]
        for subset, protocol, system, metrics in _entries(comparison)
    ]
    return _table(["part", "protocol", "system", "top-1", "top-3", "top-5", "top-10", "rows"], rows)


def seed_table(runs: Sequence[MeasuredRun]) -> str:
    """Return means and standard deviations over the seeds of runs; empty where none has several."""
    from rrgraph.metrics import TOP_K  # brings scikit-learn, which planning with a trained model does without

    found: dict[tuple[str, str, str], list[TopK]] = {}
    for run in runs:
        for subset, protocol, system, metrics in _entries(run.comparison):
            if system == MODEL:
                for group, top in (("all", metrics.overall), ("with an unseen precursor", metrics.unseen)):
                    if top is not None and top.rows:
                        found.setdefault((f"{run.config.data.split} {subset}", protocol, group), []).append(top)
    rows = [
        [*names, str(len(tops)), *(_spread([top.top[k].value for top in tops]) for k in TOP_K)]
        for names, tops in found.items()
        if len(tops) > 1
    ]
    return _table(["part", "protocol", "rows", "seeds", *(f"top-{k}" for k in TOP_K)], rows)


def _spread(shares: Sequence[float]) -> str:
    return f"{100 * mean(shares):.1f} ± {100 * stdev(shares):.1f}"


def learned_rows(comparison: Comparison) -> str:
    """Return a line for each subset with rows that were learned from."""
    overlaps = {subset: metrics.overlap for subset, _, _, metrics in _entries(comparison)}
    return "".join(
        f"{subset}: {overlap}\n" for subset, overlap in overlaps.items() if overlap is not None and overlap.learned.rows
    )


def lead_table(comparison: Comparison) -> str:
    """Return how many points the model is ahead of each baseline; empty when there is none."""
    rows = [
        [subset, protocol, system, *map(str, metrics.paired_differences.values())]
        for subset, protocol, system, metrics in _entries(comparison)
        if metrics.paired_differences
    ]
    return _table(["part", "protocol", "ahead of", "top-1", "top-3", "top-5", "top-10"], rows)


def strata_tables(comparison: Comparison) -> str:
    """Return the accuracy of the model by row group, a table for each subset and grouping with several groups."""
    texts = []
    for subset, protocols in comparison.items():
        models = {protocol: systems[MODEL] for protocol, systems in protocols.items()}
        for found in zip(*(metrics.subgroups for metrics in models.values()), strict=True):
            if len(found[0].accuracy) < 2:
                continue
            header = [found[0].title, "rows", *(f"{protocol}, top-{k}" for protocol in models for k in _SHOWN)]
            rows = [
                [name, str(top.rows), *(str(strata.accuracy[name].top[k]) for strata in found for k in _SHOWN)]
                for name, top in found[0].accuracy.items()
            ]
            texts.append(f"### By {found[0].title}: {subset}\n\n{_table(header, rows)}")
    return "\n".join(texts)


def calibration_table(comparison: Comparison) -> str:
    """Return how well the probabilities of the model's sets agree with what is recorded; empty without any."""
    rows = [
        [
            subset,
            protocol,
            label,
            str(found.count),
            *(f"{e:.3f}" for e in (found.ece_width, found.ece_mass, found.brier)),
        ]
        for subset, protocol, system, metrics in _entries(comparison)
        if system == MODEL
        for label, found in _calibrations(metrics).items()
    ]
    header = ["part", "protocol", "sets", "number", "error, bins of equal width", "of equal mass", "Brier score"]
    return _table(header, rows)


def reliability_tables(comparison: Comparison) -> str:
    """Return for each subset how often sets of a probability are recorded, under `open` where it was measured."""
    texts = []
    for subset, protocols in comparison.items():
        protocol = "open" if "open" in protocols else next(iter(protocols))
        calibrations = _calibrations(protocols[protocol][MODEL])
        if not calibrations:
            continue
        edges = sorted({(entry.low, entry.high) for found in calibrations.values() for entry in found.bins})
        header = ["probability"]
        rows = [[f"{low:.1f}-{high:.1f}"] for low, high in edges]
        for label, found in calibrations.items():
            header += [f"{label}: number", "mean probability", "recorded"]
            bins = {(entry.low, entry.high): entry for entry in found.bins}
            for row, edge in zip(rows, edges, strict=True):
                row += _reliability(bins.get(edge))
        texts.append(
            f"### How often sets of a probability are recorded: {subset}, {protocol}\n\n{_table(header, rows)}"
        )
    return "\n".join(texts)


def _calibrations(metrics: Metrics) -> dict[str, Calibration]:
    named = {"first of each row": metrics.calibration, "first 10 of each row": metrics.listed_calibration}
    return {label: found for label, found in named.items() if found is not None}


def _entries(comparison: Comparison) -> Iterator[tuple[str, str, str, Metrics]]:
    for subset, protocols in comparison.items():
        for protocol, systems in protocols.items():
            for system, metrics in systems.items():
                yield subset, protocol, system, metrics


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    first, *body = [f"| {' | '.join(line)} |\n" for line in [header, *rows]]
    return "".join([first, "|---" * len(header) + "|\n", *body])


def _reliability(found: ReliabilityBin | None) -> list[str]:
    if found is None:
        return ["0", "", ""]
    return [str(found.count), f"{100 * found.confidence:.1f} %", f"{100 * found.accuracy:.1f} %"]
