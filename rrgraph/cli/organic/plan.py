"""`rrgraph plan --domain organic`: ranks sets of reactants, with their templates, for products given as SMILES."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.answers import check_targets, write_answers
from rrgraph.cli.common.argparse_private import option_actions
from rrgraph.cli.common.show import show_table
from rrgraph.cli.common.targets import TargetList, TargetRow, file_rows, target_row
from rrgraph.cli.common.unfinished import open_unfinished
from rrgraph.cli.common.writers import Layout, Writer, check_outputs, open_output
from rrgraph.errors import ConfigError
from rrgraph.util.files import check_writable, suggest_file, write_text
from rrgraph.util.rows import column_name, open_rows
from rrgraph.util.text import percent

if TYPE_CHECKING:
    from rrgraph.organic import ReactantPlanner, ReactantSet

__all__ = ["check_options", "load_planner", "read_products", "run_organic"]

_SHARED = (
    *("formulas", "input", "column", "rejects", "resume", "restart", "model", "top_k", "output", "json", "domain"),
    *("svg", "device"),
)
_BATCH_SIZE = 64


@dataclass(frozen=True)
class Suggestion:
    """One ranked set of reactants.

    Attributes:
        reactants: canonical SMILES.
        probability: see `ReactantSet.score`.
        template: the best template that leads there.
        training_rows: of that template.
        templates: how many templates lead there.
        drawing: file of the drawing, if one was asked for.
    """

    reactants: tuple[str, ...]
    probability: float
    template: str
    training_rows: int
    templates: int
    drawing: str | None = None


@dataclass(frozen=True)
class ProductPlan:
    """What is suggested for one product.

    Attributes:
        product: canonical SMILES, or the text where it cannot be read.
        suggestions: the best first.
        error: why there are none.
    """

    product: str
    suggestions: tuple[Suggestion, ...]
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "product": self.product,
            "sets": [suggestion.reactants for suggestion in self.suggestions],
            "scores": [suggestion.probability for suggestion in self.suggestions],
            "suggestions": [asdict(suggestion) for suggestion in self.suggestions],
            **({} if self.error is None else {"error": self.error}),
        }


LAYOUT: Layout[ProductPlan] = Layout(
    columns={
        "number": int,
        "product": str,
        "rank": int,
        "reactants": str,
        "probability": float,
        "template": str,
        "training_rows": int,
        "templates": int,
        "drawing": str,
        "error": str,
    },
    number="number",
    rows=lambda plan: _rows(plan),
    line=ProductPlan.to_json,
    keys=("sets", "scores", "suggestions"),
)


def check_options(arguments: argparse.Namespace, defaults: argparse.ArgumentParser) -> None:
    """Refuse options that mean nothing for molecules.

    Raises:
        ConfigError: naming the option.
    """
    for action in option_actions(defaults):
        name = action.dest
        if name in ("help", "verbose", *_SHARED):
            continue
        if getattr(arguments, name, action.default) != action.default:
            option = action.option_strings[0]
            raise ConfigError(f"{option} is about inorganic targets, so it does not go with --domain organic.")


def run_organic(arguments: argparse.Namespace) -> int:
    """Plan and show; molecules that cannot be read are reported and make the exit code 2."""
    check_targets(arguments, "SMILES", "rrgraph plan --domain organic --model FOLDER 'CC(=O)Nc1ccc(O)cc1'")
    check_outputs(arguments)
    if arguments.svg is not None:
        check_writable(arguments.svg, folder=True)
    products = read_products(arguments.formulas, arguments.input, arguments.column, batch_size=_BATCH_SIZE)
    planner = load_planner(arguments.model, device=arguments.device)

    def answer(batch: Sequence[TargetRow[str]]) -> Iterator[tuple[ProductPlan, str | None]]:
        """Yield the plan of each row, and why there is nothing in it."""
        plans = planner.plan([row.target for row in batch if row.target is not None], top_k=arguments.top_k)
        for number, row in enumerate(batch, start=products.done + 1):
            if row.target is None:
                found, error = [], row.error
            else:
                found = next(plans)
                error = None if found else f"No template of the model makes '{row.target}'."
            yield _plan(planner, number, row.target or _first_word(row.text), found, error, arguments.svg), error

    with (
        open_unfinished(arguments, model=arguments.model) as keep,
        open_output(arguments.output, LAYOUT, as_json=arguments.json, table=_Table(), more=products.more) as output,
    ):
        return write_answers(products, answer, output, keep=keep, command=arguments.command, rejects=arguments.rejects)


def load_planner(model: str, *, device: str) -> ReactantPlanner:
    """Return the planner of a run folder.

    Raises:
        ConfigError: the folder has no model; those of `load_template_checkpoint`.
    """
    from rrgraph.organic import load_template_checkpoint, template_planner

    if not Path(model, "model.json").is_file():
        raise ConfigError(
            f"--model is '{model}', expected the run folder of a model of templates, such as one made by "
            f"'rrgraph train organic/conretrobert'.{suggest_file(model)}"
        )
    return template_planner(load_template_checkpoint(model, device=device))


def read_products(smiles: Sequence[str], path: str | None, column: str | None, *, batch_size: int) -> TargetList[str]:
    """Return the molecules asked for, as canonical SMILES; in a file a name may follow behind a space.

    Args:
        smiles: typed on the command line; used when `path` is None.
        path: a table or a list that `open_rows` reads, or `-` for standard input.
        column: that of the SMILES, None to find it.
        batch_size: rows at a time.

    Raises:
        DataError: the file is missing, of another kind, damaged, or has no such column.
    """
    from rrgraph.organic import MOLECULE_COLUMNS, canonical_product

    def read(text: str, _: object) -> tuple[str, None]:
        return canonical_product(text if path is None else _first_word(text)), None

    if path is None:
        return TargetList((target_row(text, read) for text in smiles), batch_size)
    names = MOLECULE_COLUMNS if column is None else (*MOLECULE_COLUMNS, column_name(column))
    rows = open_rows(path, names=names)
    if column is None and not rows.is_list:
        found = [each for name in MOLECULE_COLUMNS for each in rows.columns if column_name(each) == name]
        column = rows.column(found[0] if found else MOLECULE_COLUMNS[0])
    column = rows.columns[0] if column is None else rows.column(column, option="--column")
    return TargetList(file_rows(rows, column, read, names=MOLECULE_COLUMNS), batch_size, rows, column)


def _first_word(text: str) -> str:
    return "".join(text.split()[:1])


def _plan(
    planner: ReactantPlanner,
    number: int,
    product: str,
    found: Sequence[ReactantSet],
    error: str | None,
    svg: str | None,
) -> ProductPlan:
    counts = planner.scorer.count  # type: ignore[attr-defined]
    suggestions = [
        Suggestion(
            reactants=tuple(suggestion.reactants.split(".")),
            probability=suggestion.score,
            template=suggestion.templates[0].template,
            training_rows=counts.get(suggestion.templates[0].template, 0),
            templates=len(suggestion.templates),
            drawing=_draw(svg, number, rank, product, suggestion.reactants),
        )
        for rank, suggestion in enumerate(found, start=1)
    ]
    return ProductPlan(product=product, suggestions=tuple(suggestions), error=error)


def _draw(folder: str | None, number: int, rank: int, product: str, reactants: str) -> str | None:
    if folder is None:
        return None
    from rrgraph.organic.chemistry.drawing import draw_reaction

    path = Path(folder) / f"product{number}_set{rank}.svg"
    write_text(path, draw_reaction(product, reactants))
    return str(path)


def _rows(plan: ProductPlan) -> Iterator[dict[str, Any]]:
    shared = {"product": plan.product, "error": plan.error}
    if not plan.suggestions:
        yield shared
    for rank, suggestion in enumerate(plan.suggestions, start=1):
        yield shared | asdict(suggestion) | {"rank": rank, "reactants": ".".join(suggestion.reactants)}


class _Table(Writer[ProductPlan]):
    """Plans as tables for people."""

    def write(self, prepared: ProductPlan, cells: Mapping[str, Any] | None = None) -> None:
        """Print the suggestions of a product."""
        rows = [
            [str(rank), percent(s.probability), " + ".join(s.reactants), str(s.training_rows), s.template]
            for rank, s in enumerate(prepared.suggestions, start=1)
        ]
        if rows:
            header = ["", "probability", "reactants", "training rows", "template"]
            show_table(header, rows, title=f"\n{prepared.product}", numbers=["", "probability", "training rows"])
