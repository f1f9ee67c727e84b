"""`rrgraph plan --domain organic`: ranks sets of reactants, with their templates, for products given as SMILES."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.argparse_private import option_actions
from rrgraph.cli.common.show import show_table
from rrgraph.cli.common.writers import Layout, Writer, check_output, check_rejects, open_output, open_rejects
from rrgraph.errors import ConfigError, DataError
from rrgraph.util.files import check_writable, suggest_file, write_text
from rrgraph.util.rows import Row, RowReader, column_name, open_rows
from rrgraph.util.streams import print_problem
from rrgraph.util.text import percent

if TYPE_CHECKING:
    from rrgraph.organic import ReactantPlanner, ReactantSet

__all__ = ["check_options", "run_organic"]

_SHARED = ("formulas", "input", "column", "rejects", "model", "top_k", "output", "json", "domain", "svg")
_COLUMNS = ("smiles", "product", "products", "product smiles", "prod smiles", "target")
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
    rows=lambda number, plan: _rows(number, plan),
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
    from rrgraph.organic import MoleculeError, canonical_product

    check_output(arguments.output)
    check_rejects(arguments.rejects, arguments.input, arguments.output)
    if arguments.svg is not None:
        check_writable(arguments.svg, folder=True)
    planner = _planner(arguments.model)
    more: dict[str, Any] = {}
    columns: Sequence[str] = ()
    if arguments.input is not None:
        given, reader, column = _rows_of(arguments.input, arguments.column)
        columns = reader.columns
        more = {name: reader.types.get(name, str) for name in columns if name != column}
    elif arguments.formulas:
        given = [(text, Row(0)) for text in arguments.formulas]
    else:
        raise ConfigError("There is no product to plan; give SMILES or --input FILE.")
    failed = False
    with (
        open_output(arguments.output, LAYOUT, as_json=arguments.json, table=_Table(), more=more) as output,
        open_rejects(arguments.rejects, columns) as reject,
    ):
        for start in range(0, len(given), _BATCH_SIZE):
            rows: list[tuple[str, str | None]] = []
            batch = given[start : start + _BATCH_SIZE]
            for text, row in batch:
                try:
                    if row.error is not None:
                        raise MoleculeError(f"line {row.line} of the input: {row.error}")
                    rows.append((canonical_product(text), None))
                except MoleculeError as problem:
                    rows.append((text, str(problem)))
            good = [product for product, error in rows if error is None]
            plans: Iterator[list[ReactantSet]] = planner.plan(good, top_k=arguments.top_k)
            for number, ((product, error), (_, row)) in enumerate(zip(rows, batch, strict=True), start=start + 1):
                found = next(plans) if error is None else []
                message = error or (None if found else f"No template of the model makes '{product}'.")
                if message is not None:
                    print_problem("plan", message)
                if error is not None:
                    failed = True
                    reject(row, error)
                output.write(_plan(planner, number, product, found, message, arguments.svg), row.cells)
    return 2 if failed else 0


def _planner(model: str) -> ReactantPlanner:
    from rrgraph.organic import load_template_checkpoint, template_planner

    if not Path(model, "model.json").is_file():
        raise ConfigError(
            f"--model is '{model}', expected the run folder of a model of templates, such as one made by "
            f"'rrgraph train organic/conretrobert'.{suggest_file(model)}"
        )
    return template_planner(load_template_checkpoint(model))


def _rows_of(path: str, column: str | None) -> tuple[list[tuple[str, Row]], RowReader, str]:
    """Return the SMILES of a file, the first word of each entry, with their rows; the reader; and their column."""
    if path != "-" and not Path(path).is_file():
        raise DataError(f"There is no file '{path}'.{suggest_file(path)}")
    named = _COLUMNS if column is None else (*_COLUMNS, column_name(column))
    with open_rows(path, names=named) as rows:
        if column is None and not rows.is_list:
            found = [each for name in _COLUMNS for each in rows.columns if column_name(each) == name]
            column = rows.column(found[0] if found else _COLUMNS[0])
        column = rows.columns[0] if column is None else rows.column(column, option="--column")
        return [(_first_word(row.cells.get(column)), row) for row in rows], rows, column


def _first_word(cell: object) -> str:
    return next(iter(str(cell or "").split()), "")


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


def _rows(number: int, plan: ProductPlan) -> Iterator[dict[str, Any]]:
    shared = {"number": number, "product": plan.product, "error": plan.error}
    if not plan.suggestions:
        yield shared
    for rank, suggestion in enumerate(plan.suggestions, start=1):
        yield shared | asdict(suggestion) | {"rank": rank, "reactants": ".".join(suggestion.reactants)}


class _Table(Writer[ProductPlan]):
    """Plans as tables for people."""

    def write(self, record: ProductPlan, cells: Mapping[str, Any] | None = None) -> None:
        """Print the suggestions of a product."""
        rows = [
            [str(rank), percent(s.probability), " + ".join(s.reactants), str(s.training_rows), s.template]
            for rank, s in enumerate(record.suggestions, start=1)
        ]
        if rows:
            header = ["", "probability", "reactants", "training rows", "template"]
            show_table(header, rows, title=f"\n{record.product}", numbers=["", "probability", "training rows"])
