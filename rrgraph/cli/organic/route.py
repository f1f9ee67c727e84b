"""What `rrgraph route` does: searches the routes of each molecule, shows, writes and draws them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.answers import check_targets, write_answers
from rrgraph.cli.common.show import show_table
from rrgraph.cli.common.unfinished import open_unfinished
from rrgraph.cli.common.writers import Layout, Writer, check_outputs, open_output
from rrgraph.cli.organic.plan import load_planner, read_products
from rrgraph.errors import check_choice
from rrgraph.util.files import check_files, check_writable, sha256_file, write_text
from rrgraph.util.text import percent

if TYPE_CHECKING:
    from rrgraph.cli.common.targets import TargetRow
    from rrgraph.organic import Route, RouteFinder

__all__ = ["run_route"]


@dataclass(frozen=True)
class ProductRoutes:
    """The routes of one product.

    Attributes:
        product: canonical SMILES, or the text where it cannot be read.
        routes: JSON-ready, see `Route.to_dict`; the best first.
        expanded: molecules whose reactions were asked for.
        error: why there are none.
        drawings: file of each route, if they are drawn.
    """

    product: str
    routes: tuple[Mapping[str, Any], ...]
    expanded: int = 0
    error: str | None = None
    drawings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        drawings = {"drawings": list(self.drawings)} if self.drawings else {}
        problem = {} if self.error is None else {"error": self.error}
        return {"product": self.product, "routes": list(self.routes), "expanded": self.expanded, **drawings, **problem}


LAYOUT: Layout[ProductRoutes] = Layout(
    columns={
        "number": int,
        "product": str,
        "route": int,
        "route_probability": float,
        "step": int,
        "step_product": str,
        "reactants": str,
        "from_stock": str,
        "probability": float,
        "template": str,
        "drawing": str,
        "error": str,
    },
    number="number",
    rows=lambda found: _rows(found),
    line=ProductRoutes.to_json,
    keys=("routes", "expanded"),
)


def run_route(arguments: argparse.Namespace) -> int:
    """Search and show; molecules that cannot be read are reported and make the exit code 2."""
    from rrgraph.organic import ALGORITHMS, RouteFinder, default_expansions, read_molecule_stock

    check_choice("--algorithm", arguments.algorithm, ALGORITHMS)
    check_targets(arguments, "SMILES", "rrgraph route 'CC(=O)Nc1ccc(O)cc1' --stock stock.smi")
    check_outputs(arguments)
    check_files({"--output": arguments.output}, {"--stock": arguments.stock})
    if arguments.svg is not None:
        check_writable(arguments.svg, folder=True)
    # A search takes long, so each is kept as soon as it is done.
    products = read_products(arguments.formulas, arguments.input, arguments.column, batch_size=1)
    finder = RouteFinder(
        load_planner(arguments.model, device=arguments.device),
        read_molecule_stock(arguments.stock),
        algorithm=arguments.algorithm,
        seconds=arguments.time,
        reactions=arguments.reactions,
        steps=arguments.steps,
        routes=arguments.routes,
        cache=default_expansions(),
        identity=sha256_file(Path(arguments.model, "model.json")),
    )

    def answer(batch: Sequence[TargetRow[str]]) -> Iterator[tuple[ProductRoutes, str | None]]:
        """Yield the routes of each row, and why there are none."""
        for number, row in enumerate(batch, start=products.done + 1):
            found = ProductRoutes(row.text.split(maxsplit=1)[0] if row.text else "", (), error=row.error)
            if row.target is not None:
                found = _find(finder, number, row.target, seconds=arguments.time, svg=arguments.svg)
            yield found, found.error

    with (
        open_unfinished(arguments, model=arguments.model) as keep,
        open_output(arguments.output, LAYOUT, as_json=arguments.json, table=_Table(), more=products.more) as output,
    ):
        return write_answers(products, answer, output, keep=keep, command=arguments.command, rejects=arguments.rejects)


def _find(finder: RouteFinder, number: int, product: str, *, seconds: float, svg: str | None) -> ProductRoutes:
    found = finder.find(product)
    drawings = [] if svg is None else [_draw(svg, number, rank, route) for rank, route in enumerate(found.routes, 1)]
    error = None
    if not found.routes:
        error = (
            f"No route to '{product}' from the stock was found: {found.expanded:,} molecules were expanded in at most "
            f"{seconds:g} seconds."
        )
    routes = tuple(route.to_dict() for route in found.routes)
    return ProductRoutes(product, routes, found.expanded, error, tuple(drawings))


def _draw(folder: str, number: int, rank: int, route: Route) -> str:
    from rrgraph.organic import draw_route

    path = Path(folder) / f"product{number}_route{rank}.svg"
    write_text(path, draw_route(route))
    return str(path)


def _rows(found: ProductRoutes) -> Iterator[dict[str, Any]]:
    if not found.routes:
        yield {"product": found.product, "error": found.error}
    for rank, route in enumerate(found.routes, start=1):
        stock = set(route["starting_materials"])
        for number, step in enumerate(route["steps"], start=1):
            yield {
                "product": found.product,
                "route": rank,
                "route_probability": route["probability"],
                "step": number,
                "step_product": step["product"],
                "reactants": ".".join(step["reactants"]),
                "from_stock": ".".join(each for each in step["reactants"] if each in stock),
                "probability": step["probability"],
                "template": step["template"],
                "drawing": found.drawings[rank - 1] if found.drawings else None,
            }


class _Table(Writer[ProductRoutes]):
    """Routes as tables for people."""

    def write(self, prepared: ProductRoutes, cells: Mapping[str, Any] | None = None) -> None:
        """Print the routes of a product, each reaction a line; molecules that are made before it have their step."""
        if prepared.routes:
            print(f"\n{prepared.product}: {len(prepared.routes)} routes, {prepared.expanded:,} molecules expanded")
        for rank, route in enumerate(prepared.routes, start=1):
            steps = {step["product"]: number for number, step in enumerate(route["steps"], start=1)}
            rows = [
                [
                    str(number),
                    percent(step["probability"]),
                    step["product"],
                    " + ".join(f"{each} (step {steps[each]})" if each in steps else each for each in step["reactants"]),
                ]
                for number, step in enumerate(route["steps"], start=1)
            ]
            title = f"\nroute {rank}, probability {percent(route['probability'])}"
            show_table(["step", "probability", "product", "from"], rows, title=title, numbers=["step", "probability"])
