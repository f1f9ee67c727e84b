"""`rrgraph embed`: a list of formulas flows in, a file with an embedding of each flows out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.cli.common.options import add_command

if TYPE_CHECKING:
    from rrgraph.models import Model
    from rrgraph.properties import PropertyPredictor

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph embed --input formulas.csv --output embeddings.parquet
  rrgraph embed --input table.csv.gz --column composition --output embeddings.csv
  rrgraph embed --input formulas.txt --output embeddings.parquet --model runs/pretrain
  rrgraph embed --input formulas.txt --output links.parquet --model default     the encoder of a link model

A list of formulas is a CSV or JSONL file with a column 'target' or 'formula', or text with a formula a line. The
output has a row for each of its rows: the formula as it was typed and e0, e1, ... in 32 bits. A bad row is reported
with its line number, keeps its place without numbers and makes the exit code 2. Files of any length are streamed.
"""

_CHUNK = 16_384
"""Rows that are in memory at a time; each chunk is a row group of Parquet, which should not be many."""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="write embeddings of compositions to a file", examples=_EXAMPLES)
    parser.add_argument(
        "--input", required=True, metavar="FILE", help="CSV, JSONL or text file of formulas; - reads standard input"
    )
    parser.add_argument("--output", required=True, metavar="FILE", help="write .parquet or .csv")
    parser.add_argument("--column", metavar="NAME", help="column of the formulas, if not 'target' or 'formula'")
    parser.add_argument("--model", metavar="NAME|PATH", help="bundled encoder or link model, or the run folder of one")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Embed and write; bad rows are reported and do not stop the others, but make the exit code 2."""
    from rrgraph.cli.common.targets import count_lines, read_targets
    from rrgraph.cli.common.writers import check_output
    from rrgraph.cli.embed.output import EMBEDDING_SUFFIXES, embed_rows, open_embeddings
    from rrgraph.util.progress import progress_bar

    check_output(arguments.output, EMBEDDING_SUFFIXES)
    chunks = read_targets([], arguments.input, formula_column=arguments.column, chunk=_CHUNK)
    predictor = load_any(arguments.model)
    width = predictor.checkpoint.model.config.width
    written = bad = 0
    with (
        open_embeddings(arguments.output, width) as write,
        progress_bar("embedding", total=count_lines(arguments.input), unit="formula") as bar,
    ):
        for chunk in chunks:
            for row in chunk:
                if row.target is None:
                    print(f"rrgraph embed: {row.error}", file=sys.stderr)
            write([row.text for row in chunk], *embed_rows(predictor, chunk))
            written += len(chunk)
            bad += sum(row.target is None for row in chunk)
            bar.update(len(chunk))
    without = f", {bad:,} of them without numbers" if bad else ""
    print(f"{written:,} rows{without}, width {width}, in {arguments.output}")
    return 2 if bad else 0


def load_any(name: str | None) -> PropertyPredictor | Model:
    """Load the bundled encoder, or a pretrained encoder or link model by bundled name or path.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    from rrgraph.models import DEFAULT_ENCODER, FORMAT, bundled_models, load_encoder, load_model
    from rrgraph.nn import model_format
    from rrgraph.properties import PROPERTY_FORMAT

    name = name or DEFAULT_ENCODER
    if name not in bundled_models(PROPERTY_FORMAT) and (
        name in bundled_models(FORMAT) or (Path(name).is_dir() and model_format(name) == FORMAT)
    ):
        return load_model(name)
    return load_encoder(name)
