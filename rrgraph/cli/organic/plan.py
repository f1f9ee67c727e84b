"""`rrgraph plan --domain organic`: ranks sets of reactants, with their templates, for products given as SMILES."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.answers import check_targets, write_answers
from rrgraph.cli.common.options import refuse_options
from rrgraph.cli.common.show import show_table
from rrgraph.cli.common.targets import TargetList, TargetRow, file_rows, target_row
from rrgraph.cli.common.unfinished import open_unfinished
from rrgraph.cli.common.writers import Layout, Writer, check_outputs, open_output
from rrgraph.errors import ConfigError
from rrgraph.util.files import check_writable, suggest_file, write_text
from rrgraph.util.rows import column_name, open_rows
from rrgraph.util.text import percent

if TYPE_CHECKING:
    from rrgraph.organic import ProductPlan, ReactantPlanner

__all__ = ["load_planner", "read_products", "run_organic"]

_SHARED = (
    *("formulas", "input", "column", "rejects", "resume", "restart", "model", "top_k", "output", "json", "domain"),
    *("svg", "device"),
)
_BATCH_SIZE = 64


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
    line=lambda plan: plan.to_json(),
    keys=("sets", "scores", "suggestions"),
)


def run_organic(arguments: argparse.Namespace) -> int:
    """Plan and show; molecules that cannot be read are reported and make the exit code 2."""
    from rrgraph.organic import ProductPlan, product_plan

    refuse_options(arguments, _SHARED, "is about inorganic targets, so it does not go with --domain organic")
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
                plan = ProductPlan(_first_word(row.text), (), row.error)
            else:
                plan = product_plan(planner, row.target, next(plans))
            yield plan if arguments.svg is None else _with_drawings(plan, number, arguments.svg), plan.error

    with (
        open_unfinished(arguments, model=arguments.model) as keep,
        open_output(arguments.output, LAYOUT, as_json=arguments.json, table=_Table(), more=products.more) as output,
    ):
        return write_answers(products, answer, output, keep=keep, command=arguments.command, rejects=arguments.rejects)


def load_planner(model: str, *, device: str, option: str = "--model") -> ReactantPlanner:
    """Return the planner of a run folder, which an option names.

    Raises:
        ConfigError: the folder has no model; those of `load_template_checkpoint`.
    """
    from rrgraph.organic import load_template_checkpoint, template_planner

    if not Path(model, "model.json").is_file():
        raise ConfigError(
            f"{option} is '{model}', expected the run folder of a model of templates, such as one made by "
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


def _with_drawings(plan: ProductPlan, number: int, folder: str) -> ProductPlan:
    """Return a plan whose sets are drawn into files of a folder."""
    from rrgraph.organic import draw_reaction

    drawn = []
    for rank, suggestion in enumerate(plan.suggestions, start=1):
        path = Path(folder) / f"product{number}_set{rank}.svg"
        write_text(path, draw_reaction(plan.product, ".".join(suggestion.reactants)))
        drawn.append(replace(suggestion, drawing=str(path)))
    return replace(plan, suggestions=tuple(drawn))


def _rows(plan: ProductPlan) -> Iterator[dict[str, Any]]:
    shared = {"product": plan.product, "error": plan.error}
    if not plan.suggestions:
        yield shared
    for rank, suggestion in enumerate(plan.suggestions, start=1):
        yield shared | asdict(suggestion) | {"rank": rank, "reactants": ".".join(suggestion.reactants)}


class _Table(Writer["ProductPlan"]):
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
