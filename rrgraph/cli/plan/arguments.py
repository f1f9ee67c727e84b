"""What `rrgraph plan` takes: its arguments, and the text of its help."""

from __future__ import annotations

import argparse

from rrgraph.cli.common.options import (
    CANDIDATES,
    OUTPUTS,
    add_atmosphere,
    add_device,
    add_exclusions,
    add_input,
    add_mode,
    add_resume,
    count_or_all,
    positive_int,
    positive_number,
)

__all__ = ["EXAMPLES", "add_arguments"]

_OUTPUTS = f"{OUTPUTS}; .xlsx has a sheet a target, .html is a page to print, .md text"

EXAMPLES = """\
  rrgraph plan Li7La3Zr2O12
  rrgraph plan LiNi0.8Co0.1Mn0.1O2 BaTiO3 --top-k 5 --exclude LiOH
  rrgraph plan 'Ba(Zr0.2Ti0.8)O3' --exclude N S --require TiO2     nothing with nitrogen or sulfur, but TiO2
  rrgraph plan LiFePO4 --exclude nitrates toxic Li3PO4 --require carbonates
  rrgraph plan Cr2AlB2 --candidates B,Cr,Al,AlB2,CrB,CrB2          only these, also those never seen in training
  rrgraph plan Cr2AlB2 --candidates all+generated                  and any plausible compound of Cr, Al and B
  rrgraph plan LiAlH4 --byproducts LiCl --require AlCl3            a salt may remain beside the target
  rrgraph plan Li3V2P3O12 --unbalanced --mode geometric            also what does not balance; no member is superfluous
  rrgraph plan La0.7Sr0.3MnO3 --stock cupboard.txt --grams 10      what is at hand, weighed out
  rrgraph plan LiCoO2 --grams 5 --excess Li=5 --balance 0.001      with 5 % more Li, rounded to mg
  rrgraph plan BaTiO3 PbTiO3 --grams 5 --output plans.html         a page to print; plans.xlsx: a workbook
  rrgraph plan --input targets.csv --output plans.csv --conditions  with temperature, time and atmosphere of each set
  rrgraph plan BaTiO3 --energies --temperature 900C                free energies with gases at 900 °C and 1 bar
  rrgraph plan BaTiO3 --route 'BaCO3 + TiO2' --route 'BaO;TiO2'    these two sets beside each other
  rrgraph plan K2NiF4 --table mine.csv --evidence 5                the five nearest reactions of your own table
  rrgraph plan LiFePO4.cif POSCAR                                  the compositions of structure files
  rrgraph plan --input targets.csv --set-size column:size --output plans.jsonl
  rrgraph plan VO2 --atmosphere inert                              with a model that learned from atmospheres
  rrgraph plan --input targets.csv --output plans.csv --resume     after an interruption
  cat formulas.txt | rrgraph plan --input - --json
  rrgraph plan --domain organic --model runs/conretrobert 'CC(=O)Nc1ccc(O)cc1'

A target is a formula, or the name of a CIF or POSCAR file. A list of targets is CSV (with commas, semicolons or tabs),
JSONL, Parquet, Excel (FILE.xlsx:SHEET) or text with a formula a line, and does not name structure files. The formulas
are in the column 'target', 'formula', 'composition', 'material' or the like, or that of --column; all other columns go
along to the output, with _input behind a name that is taken. A bad row is reported with its line number, keeps its
place in the output and makes the exit code 2; the others are planned. While a list is planned from file to file, what
is done is kept in OUTPUT.partial; after an interruption the same command with --resume goes on from there.
A stock is a list as above, with columns such as formula, name, CAS, purity, amount, price and hazard, or typed formulas
joined by commas. With --grams, masses are divided by the purity, and sets that need more than the amount in stock are
marked.
--exclude and --require take elements, precursors and classes, several after one flag or joined by commas; write the
targets before them. An element symbol means the element; the element as a precursor is written Al1. The classes are
acetates, acetylacetonates, acids, air-sensitive, alkoxides, amides, ammonium, antimonides, arsenates, arsenides,
azides, bicarbonates, borates, borides, bromides, carbides, carbonates, carbonyls, chalcogenides, chlorides,
chromates, citrates, cyanamides, cyanates, cyanides, elements, fluorides, formates, germanides, halates, halides,
hydrates, hydrides, hydroxides, hypophosphites, imides, iodides, metals, molybdates, nitrates, nitrides, nitrites,
organics, organometallics, oxalates, oxides, oxidisers, perchlorates, permanganates, peroxides, perrhenates,
phosphates, phosphides, phosphites, pyrophoric, radioactive, selenates and tellurates, selenides, silicates,
silicides, sulfamates, sulfates, sulfides, sulfites, superoxides, tellurides, thiocyanates, thiosulfates, toxic,
tungstates, vanadates.
Hazard classes (toxic, oxidisers, air-sensitive, pyrophoric, radioactive) come from general chemical knowledge and are
no safety data.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("formulas", nargs="*", metavar="FORMULA", help="formulas, or CIF or POSCAR files")
    parser.add_argument("--model", default="default", metavar="NAME|PATH", help="bundled model or run folder")
    add_device(parser)
    parser.add_argument(
        "--domain",
        default="inorganic",
        choices=("inorganic", "organic"),
        help="organic: targets are molecules, as SMILES",
    )
    listed = parser.add_argument_group("a list of targets")
    add_input(listed, "targets")
    add_resume(listed)
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--top-k", type=positive_int, default=10, metavar="K", help="sets for each target (10)")
    shown.add_argument(
        "--route",
        action="append",
        default=[],
        metavar="SET",
        help="this precursor set, such as 'BaCO3 + TiO2', and no others; again for each one to compare",
    )
    shown.add_argument("--grams", type=positive_number, metavar="G", help="what to weigh for G grams of target")
    shown.add_argument(
        "--excess",
        action="append",
        default=[],
        metavar="X=PERCENT",
        help="weigh more of an element or precursor, as in Li=10",
    )
    shown.add_argument(
        "--purity",
        action="append",
        default=[],
        metavar="[X=]PERCENT",
        help="purity of a precursor, as in BaCO3=99.5, or of all of them; before those in stock",
    )
    shown.add_argument(
        "--balance", type=positive_number, metavar="G", help="round masses to what the balance reads, such as 0.001"
    )
    shown.add_argument(
        "--handling",
        action=argparse.BooleanOptionalAction,
        help="handling notes by general rules, no safety data (default: unless a table is written)",
    )
    shown.add_argument(
        "--equations",
        action=argparse.BooleanOptionalAction,
        help="balanced equations (default: unless --output is given)",
    )
    shown.add_argument("--output", metavar="FILE", help=_OUTPUTS)
    shown.add_argument("--figure", metavar="FILE", help="draw one target, its links and best sets as .svg or .png")
    shown.add_argument("--json", action="store_true", help="print one JSON object a target")
    shown.add_argument("--svg", metavar="FOLDER", help="with --domain organic: draw each reaction as SVG")
    shown.add_argument(
        "--conditions",
        action=argparse.BooleanOptionalAction,
        help="temperature, time, atmosphere and firings of recipes like each set (default: unless --output is given)",
    )
    shown.add_argument(
        "--conditions-model", metavar="NAME|PATH", help="the same, predicted by a model of conditions of your own"
    )
    energies = parser.add_argument_group("reaction energies")
    energies.add_argument("--energies", action="store_true", help="show the reaction energy of each set")
    energies.add_argument(
        "--formation-energies",
        metavar="FILE",
        help="values of your own: a file with formula, formation_energy (eV/atom) and perhaps uncertainty",
    )
    energies.add_argument(
        "--temperature", metavar="T", help="free energies at T, such as 1200, 1200K or 900C (298 to 2500 K), and 1 bar"
    )
    sets = parser.add_argument_group("which sets are valid")
    sets.add_argument("--set-size", metavar="N|A-B|column:NAME", help="number of precursors, at most 20 (default: 1-6)")
    add_atmosphere(sets)
    sets.add_argument(
        "--cover",
        default="exempt",
        help="exempt: H, O, N and the C of carbonates may come from the atmosphere (default); strict",
    )
    sets.add_argument("--foreign", action="store_true", help="allow elements that the target lacks")
    sets.add_argument("--one-per-element", action="store_true", help="at most one precursor for the same element")
    sets.add_argument(
        "--balanced",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="leave out sets that cannot be balanced or must not be mixed (default)",
    )
    sets.add_argument("--unbalanced", dest="balanced", action="store_false", help="show such sets as well")
    sets.add_argument(
        "--byproducts",
        action="append",
        default=[],
        metavar="LIST",
        help="solids that may remain beside the target, such as NaCl,LiCl; salts: those of the alkali and "
        "alkaline-earth metals among the precursors",
    )
    add_mode(sets)
    pool = parser.add_argument_group("which precursors may be used")
    pool.add_argument(
        "--candidates",
        default="all",
        metavar=CANDIDATES,
        help="all: what the model knows and the library of reagents (default); vocabulary: what the model knows; "
        "train: what it was trained on; library; textbook: of the bundled reactions; generated: plausible compounds "
        "of each target's elements; joined as in train+textbook",
    )
    pool.add_argument(
        "--max-candidates", type=count_or_all, metavar="N|all", help="only the N most probable candidates (all)"
    )
    pool.add_argument("--stock", metavar="FILE|LIST", help="only what is at hand, known to the model or not; see below")
    add_exclusions(pool, where="; see below")
    precedents = parser.add_argument_group("literature precedents (by default without --output)")
    precedents.add_argument(
        "--table",
        metavar="NAME|FILE",
        help="reaction table or raw recipes to search (default: the bundled text-mined literature)",
    )
    precedents.add_argument("--evidence", type=positive_int, metavar="N", help="reactions for each target (3)")
    precedents.add_argument("--no-evidence", action="store_true", help="show none")
