"""Make `literature.csv.gz`: the distinct reactions of the text-mined literature, with papers and heating conditions.

rrgraph data fetch text_mined && rrgraph data fetch text_mined_recipes
python -m rrgraph.data.literature.make_literature OUTPUT

The rows of `text_mined` get the conditions that `text_mined_recipes` states for the same papers, are cleaned, and are
merged by target and precursor set (`group_reactions`). Both tables are CC BY 4.0: Kononova et al., Scientific Data 6,
203 (2019); He et al., Science Advances 9, eadg8180 (2023). Papers are counted by DOI in lower case, since some recur in
another.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rrgraph.data.catalogue import load_table
from rrgraph.data.cleaning.clean import clean_table
from rrgraph.data.grouping import group_reactions
from rrgraph.data.heating import with_conditions
from rrgraph.data.literature.tables import BUNDLED_COLUMNS, recorded_conditions
from rrgraph.data.preferred_spelling import preferred_spelling
from rrgraph.errors import DataError
from rrgraph.util.tabular import write_frame

__all__ = ["main"]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    conditions = recorded_conditions()
    if conditions is None:
        raise DataError("The table 'text_mined_recipes' is not on this computer.")
    table = with_conditions(load_table("text_mined"), conditions)
    table = table.with_columns(doi=table.frame["doi"].str.lower())
    frame = group_reactions(clean_table(table)[0], spell=preferred_spelling)
    for column in ("year", "first_year", "temperature_c", "temperature_low_c", "temperature_high_c", "time_h"):
        frame[column] = frame[column].map("{:g}".format, na_action="ignore")
    for column in ("doi", "year"):  # a reaction that one paper reports has it once
        frame[f"first_{column}"] = frame[f"first_{column}"].where(frame["reports"] > 1)
    for column in ("low", "high"):
        name = f"temperature_{column}_c"
        frame[name] = frame[name].where(frame[name] != frame["temperature_c"])
    write_frame(frame[list(BUNDLED_COLUMNS)], output)


if __name__ == "__main__":
    main()
