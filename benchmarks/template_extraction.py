"""Compare extracted templates with those of published tables, and atom maps with true ones by the templates they give.

python benchmarks/template_extraction.py table raw_valid.csv.gz raw_test.csv.gz     mapped reactions of uspto_50k
python benchmarks/template_extraction.py maps synrxn_uspto_3k.csv.gz [--rows N]     true maps beside those of mappers

`table` counts the reactions whose extracted template is one that `uspto_50k` records for the same patent. `maps` counts
reactions for which a mapper's maps lead to the same template as the true ones; `here` are those of RXNMapper as
`rrgraph data templates` uses it.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import pandas as pd

import rrgraph as rr

MAPPERS = ("rxn_mapper", "graphormer", "local_mapper", "rdt")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "maps"])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rows", type=int, help="first rows only, and also maps them here")
    arguments = parser.parse_args()
    frames = [pd.read_csv(file) for file in arguments.files]
    (against_table if arguments.what == "table" else against_true_maps)(pd.concat(frames), arguments.rows)


def keys(reactions: list[str], mapper: rr.organic.AtomMapper | None = None) -> dict[int, str]:
    """Return the key of each reaction's template, by place, without checking templates or merging reactions."""
    found = {}
    cleaned = {}
    for place, text in enumerate(reactions):
        try:
            cleaned[place] = rr.organic.clean_reaction(text)
        except rr.organic.ReactionError:
            continue
    if mapper is not None:
        mapped = mapper([reaction.unmapped() for reaction in cleaned.values()])
        cleaned = {
            place: rr.organic.clean_reaction(mapped[reaction.unmapped()][0])
            for place, reaction in cleaned.items()
            if reaction.unmapped() in mapped
        }
    for place, reaction in cleaned.items():
        try:
            if reaction.is_mapped:
                found[place] = rr.organic.template_key(rr.organic.extract_template(reaction))
        except rr.organic.ReactionError:
            continue
    return found


def against_table(published: pd.DataFrame, rows: int | None) -> None:
    """Compare with the templates of `uspto_50k`."""
    published = published.head(rows) if rows else published
    table = pd.read_csv(rr.data.data_path("uspto_50k"))
    table = table[table["id"].isin(published["id"])]
    recorded = defaultdict(set)
    for patent, template in zip(table["id"], table["reaction_smarts"], strict=True):
        recorded[patent].add(rr.organic.template_key(template))
    start = time.perf_counter()
    reactions = published["reactants>reagents>production"].tolist()
    raw = rr.organic.RawReaction.numbered(reactions)
    print(rr.organic.extract_templates(raw, applier=rr.organic.TemplateApplier()))
    print(f"{time.perf_counter() - start:.0f} s")
    found = keys(reactions)
    patents = published["id"].tolist()
    equal = sum(key in recorded[patents[place]] for place, key in found.items())
    print(f"{len(found):,} of {len(published):,} have a template, {equal:,} of them that of the table")


def against_true_maps(frame: pd.DataFrame, rows: int | None) -> None:
    """Compare the templates from the maps of mappers with those from true maps."""
    frame = frame.head(rows) if rows else frame
    true = keys(frame["ground_truth"].tolist())
    print(f"{len(true):,} of {len(frame):,} reactions have a template by their true maps")
    systems = {name: keys(frame[name].fillna("").tolist()) for name in MAPPERS}
    if rows:
        start = time.perf_counter()
        systems["here"] = keys(frame["reactions"].tolist(), rr.organic.RxnMapper())
        print(f"mapped here in {time.perf_counter() - start:.0f} s")
    for name, found in systems.items():
        same = sum(found.get(place) == key for place, key in true.items())
        print(f"{name}: {len(found):,} templates, {same:,} equal to the true one ({100 * same / len(true):.1f} %)")


if __name__ == "__main__":
    main()
