"""`rrgraph embed`: writes the embeddings of a list of formulas to a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import rrgraph as rr
from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_device, add_input
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.properties import PropertyPredictor

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph embed --input formulas.csv --output embeddings.parquet
  rrgraph embed --input table.csv.gz --column composition --output embeddings.csv
  rrgraph embed --input formulas.txt --output embeddings.parquet --model runs/pretrain
  rrgraph embed --input formulas.txt --output links.parquet --model default     the encoder of a link model

The input is CSV (with commas, semicolons or tabs), JSONL, Parquet, Excel or text with a formula a line; the column is
'target', 'formula', 'composition', 'material' or the like, or that of --column. The output has the same rows: the
formula as given, the other columns of the input, and e0, e1, ... as 32-bit floats. Rows that cannot be read are
reported with their line number, left empty in the output, and the exit code is then 2. Files of any length are
streamed.
"""

_BATCH_SIZE = 16_384
"""Rows in memory at a time; each batch is a row group of Parquet, of which there should be few."""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="write embeddings of compositions to a file", examples=_EXAMPLES)
    add_input(parser, "formulas", required=True)
    parser.add_argument("--output", required=True, metavar="FILE", help="output file, .parquet or .csv")
    parser.add_argument("--model", metavar="NAME|PATH", help="bundled encoder or link model, or a run folder")
    add_device(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the embeddings; rows that cannot be read are reported and skipped, and the exit code is then 2."""
    from rrgraph.cli.common.targets import read_targets
    from rrgraph.cli.common.writers import check_outputs, open_rejects, summary_stream
    from rrgraph.cli.embed.output import EMBEDDING_SUFFIXES, embed_rows, open_embeddings
    from rrgraph.util.progress import progress_bar
    from rrgraph.util.rows import count_rows

    check_outputs(arguments, suffixes=EMBEDDING_SUFFIXES)
    formulas = read_targets([], arguments.input, formula_column=arguments.column, batch_size=_BATCH_SIZE)
    predictor = load_embedder(arguments.model, device=arguments.device)
    width = predictor.checkpoint.model.config.width
    written = bad = 0
    with (
        open_embeddings(arguments.output, width, formulas.more) as write,
        open_rejects(arguments.rejects, formulas.columns) as reject,
        progress_bar("embedding", total=count_rows(arguments.input), unit="formula") as bar,
    ):
        for batch in formulas:
            for row in batch:
                if row.target is None:
                    print_problem("embed", row.error or "")
                    row.reject(reject)
            write(batch, *embed_rows(predictor, batch))
            written += len(batch)
            bad += sum(row.target is None for row in batch)
            bar.update(len(batch))
    without = f", {bad:,} of them empty" if bad else ""
    with summary_stream(arguments.output):
        print(f"{written:,} rows{without}, width {width}, in {arguments.output}")
    return 2 if bad else 0


def load_embedder(name: str | None, *, device: str = "auto") -> PropertyPredictor | rr.Model:
    """Load the bundled encoder, or a pretrained encoder or link model by bundled name or path.

    Raises:
        ConfigError: the device cannot be used.
        ModelError: there is no such model, or it is damaged.
    """
    from rrgraph.models import DEFAULT_ENCODER, FORMAT, bundled_models
    from rrgraph.nn import model_format
    from rrgraph.properties import PROPERTY_FORMAT

    name = name or DEFAULT_ENCODER
    if name not in bundled_models(PROPERTY_FORMAT) and (
        name in bundled_models(FORMAT) or (Path(name).is_dir() and model_format(name) == FORMAT)
    ):
        return rr.load_model(name, device=device)
    return rr.load_encoder(name, device=device)
